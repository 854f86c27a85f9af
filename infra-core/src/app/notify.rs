//! Opening what `--notify` names.

use std::sync::Arc;

use super::App;
use crate::{
    Error, ErrorKind, Result,
    config::nearest,
    notify::{self, Address, Notifier},
};

impl App {
    /// The schemes that need no cloud.
    pub(super) fn with_notifiers(self) -> Self {
        let app = self.notifier("command", |address| async move { notify::command(&address) });
        #[cfg(feature = "webhook")]
        let app = app
            .notifier("https", |address| async move { notify::webhook(&address) })
            .notifier("http", |address| async move { notify::webhook(&address) });
        app
    }

    /// Who is told at this address. The address itself is in no error: it may be a secret.
    pub(crate) async fn open_notifier(&self, address: Address) -> Result<Arc<dyn Notifier>> {
        let scheme = address.scheme().to_owned();
        if let Some(open) = self.notifiers.get(&scheme) {
            return open(address).await;
        }
        let known = self.notifiers.keys().map(String::as_str);
        let meant = match nearest(&scheme, known.clone()) {
            Some(scheme) if !scheme.is_empty() => format!("did you mean `{scheme}:…`?"),
            _ => {
                let known: Vec<_> = known.map(|scheme| format!("`{scheme}:…`")).collect();
                format!("this program knows {}", known.join(", "))
            }
        };
        let message = format!("nobody can be notified at `{scheme}:…`; {meant}");
        Err(Error::new(ErrorKind::Usage, message))
    }
}
