//! The store as the log on disk knows it.

use super::change::Change;
use super::tables::Store;

impl infra_world::World for Store {
    type Changes = Vec<Change>;

    const FORMAT: &'static str = "embedded-kubernetes 1";

    fn apply(&mut self, changes: Self::Changes) {
        self.apply(changes);
    }

    fn everything(&self) -> Self::Changes {
        self.everything()
    }
}
