//! The world as the log knows it.

use crate::world::{CellId, Change, World};

impl infra_world::World for World {
    type Changes = Vec<(CellId, Vec<Change>)>;

    const FORMAT: &'static str = "embedded-aws 1";

    fn apply(&mut self, changes: Self::Changes) {
        self.apply(changes);
    }

    fn everything(&self) -> Self::Changes {
        self.everything()
    }
}
