//! The kinds that a program knows.

use std::{collections::BTreeMap, sync::Arc};

use super::{Connector, Driver};

/// The kinds that a program knows, by name.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<String, Arc<dyn Driver>>,
    /// Who knows kinds that cannot be listed.
    families: Vec<Arc<dyn Connector>>,
}

impl Registry {
    /// Adds a kind; the same kind again changes nothing.
    pub fn add(&mut self, driver: Arc<dyn Driver>) {
        self.kinds.entry(driver.schema().kind.to_owned()).or_insert(driver);
    }

    /// Adds the kinds of a cloud: those it lists, and those it knows when it hears of them.
    pub fn add_cloud(&mut self, connector: &Arc<dyn Connector>) {
        connector.drivers().into_iter().for_each(|driver| self.add(driver));
        self.families.push(Arc::clone(connector));
    }

    /// The driver of a kind.
    pub fn get(&self, kind: &str) -> Option<&Arc<dyn Driver>> {
        let family = || self.families.iter().find_map(|connector| connector.kind(kind));
        self.kinds.get(kind).or_else(family)
    }

    /// All kinds that can be listed, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Driver>> {
        self.kinds.values()
    }
}
