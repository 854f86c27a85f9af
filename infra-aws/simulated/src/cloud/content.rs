//! Everything there is: counted, listed, copied.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Cloud;
use crate::error::Error;
use crate::world::{Docs, World};

impl Cloud {
    /// How many objects there are of what, over all accounts and regions: `ec2/vpc` → 2. What AWS makes by itself (the
    /// default network, its managed policies) counts, and so does what is deleted but still shown, as in AWS.
    ///
    /// Reads the file of a cloud that is kept in one: it blocks.
    pub fn inventory(&self) -> Result<BTreeMap<String, usize>, Error> {
        self.look(|world| {
            rows(world).fold(BTreeMap::new(), |mut counted, (table, rows)| {
                *counted.entry(table).or_default() += rows.len();
                counted
            })
        })
    }

    /// The same objects as this crate keeps them, without their ids: for comparing two clouds, not for reading what
    /// is in one.
    pub fn objects(&self) -> Result<BTreeMap<String, Vec<Value>>, Error> {
        self.look(|world| {
            rows(world).fold(BTreeMap::<_, Vec<_>>::new(), |mut listed, (table, rows)| {
                listed.entry(table).or_default().extend(rows.values().cloned());
                listed
            })
        })
    }

    /// A cloud of its own with the same objects, in memory: what a call that is under way changes later is not in it.
    pub fn copied(&self) -> Result<Self, Error> {
        let mut world = World::default();
        world.apply(self.look(World::everything)?);
        Ok(Self::with(self.settings().clone(), world))
    }
}

/// The tables that hold objects, by service.
fn rows(world: &World) -> impl Iterator<Item = (String, &BTreeMap<String, Value>)> {
    world.ids().flat_map(|id| {
        let tables = world.docs(id).into_iter().flat_map(Docs::tables);
        // Tables that begin with `+` are this crate's own notes, no objects.
        let tables = tables.filter(|(name, rows)| !name.starts_with('+') && !rows.is_empty());
        tables.map(|(name, rows)| (format!("{}/{name}", id.service.name()), rows))
    })
}
