//! What a Terraform state says, put into the cloud.

use serde_json::Value;

use super::Cloud;
use crate::error::Error;
use crate::planting::{self, Planted};

impl Cloud {
    /// The account that ordinary access keys belong to.
    pub fn account(&self) -> &str {
        &self.settings().account
    }

    /// Makes the cloud hold the objects of a Terraform state (version 4), with the same ids, names and ARNs, and with
    /// what AWS makes along with them: a rehearsal of a migration, on nothing real.
    ///
    /// It answers for an account by the access key of the caller, and for an ordinary key by
    /// [`Settings::account`](crate::Settings): that has to be the one of the state's ARNs ([`Planted::account`]). What cannot
    /// be planted is listed with why; that the text is no such state is the outer `Err`'s inner one.
    pub async fn plant(&self, state: &Value) -> Result<Result<Planted, String>, Error> {
        let (cloud, state) = (self.clone(), state.clone());
        // The emulators block, and so do the file's lock and fsync.
        let planted = tokio::task::spawn_blocking(move || {
            let account = cloud.settings().account.clone();
            cloud.change(|world, now| planting::plant(world, now, &account, &state))
        });
        planted.await.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()))
    }
}
