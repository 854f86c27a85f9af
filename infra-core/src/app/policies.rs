//! Which policies a program has, and how its settings enforce them.

use super::App;
use crate::{Error, ErrorKind, Result, config::Settings, policy::Pack};

impl App {
    /// Every policy that the program has: those that its clouds bring, or those it names instead, and its own.
    pub(super) fn all_policies(&self) -> Pack {
        let clouds = || Pack::new(self.clouds.iter().flat_map(|(_, cloud)| cloud.guardrails()));
        let pack = self.pack.clone().unwrap_or_else(clouds);
        self.policies.iter().cloned().fold(pack, Pack::with)
    }

    /// The same as the settings of a stack enforce them.
    pub(super) fn policies_of(&self, settings: &Settings) -> Result<Pack> {
        let mut pack = self.all_policies();
        if !settings.production {
            pack = pack.outside_production();
        }
        let without = self.without.iter().map(|name| (name, &None));
        for (name, enforcement) in without.chain(&settings.policies) {
            pack = pack
                .set(name, *enforcement)
                .map_err(|message| Error::new(ErrorKind::Usage, message))?;
        }
        Ok(pack)
    }
}
