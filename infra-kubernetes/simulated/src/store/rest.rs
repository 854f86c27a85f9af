//! What did not change since a controller last looked at it: nobody has to look again.

use std::collections::HashMap;

/// So many objects are remembered; then all are looked at once more.
const REMEMBERED: usize = 20_000;

/// When what last changed, and what controllers found.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    tables: HashMap<String, u64>,
    spaces: HashMap<(String, String), u64>,
    /// By the uid of an owner: the last change of what it owns.
    owned: HashMap<String, u64>,
    found: HashMap<(&'static str, String), (u64, i64)>,
}

impl Rest {
    /// Something changed.
    pub(super) fn changed<'a>(
        &mut self,
        revision: u64,
        table: &str,
        namespace: &str,
        owners: impl Iterator<Item = &'a str>,
    ) {
        self.tables.insert(table.to_owned(), revision);
        self.spaces.insert((table.to_owned(), namespace.to_owned()), revision);
        for owner in owners {
            self.owned.insert(owner.to_owned(), revision);
        }
    }

    /// The last change of any of these tables.
    pub(crate) fn of_tables(&self, tables: &[&str]) -> u64 {
        tables.iter().filter_map(|table| self.tables.get(*table)).max().copied().unwrap_or(0)
    }

    /// The last change of a table in a namespace.
    pub(crate) fn of_space(&self, table: &str, namespace: &str) -> u64 {
        let key = (table.to_owned(), namespace.to_owned());
        self.spaces.get(&key).copied().unwrap_or(0)
    }

    /// The last change of what an object owns.
    pub(crate) fn of_owned(&self, uid: &str) -> u64 {
        self.owned.get(uid).copied().unwrap_or(0)
    }

    /// When the controller must look again, if nothing changed.
    pub(crate) fn wake(&self, controller: &'static str, uid: &str, version: u64) -> Option<i64> {
        let (seen, wake) = self.found.get(&(controller, uid.to_owned()))?;
        (*seen == version).then_some(*wake)
    }

    /// The controller had nothing to do.
    pub(crate) fn rests(&mut self, controller: &'static str, uid: &str, version: u64, wake: i64) {
        if self.found.len() > REMEMBERED {
            self.found.clear();
        }
        self.found.insert((controller, uid.to_owned()), (version, wake));
    }
}
