//! The kinds that a program knows.

use std::{collections::BTreeMap, sync::Arc};

use super::Driver;

/// The kinds that a program knows, by name.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<String, Arc<dyn Driver>>);

impl Registry {
    /// Adds a kind; the same kind again changes nothing.
    pub fn add(&mut self, driver: Arc<dyn Driver>) {
        self.0.entry(driver.schema().kind.to_owned()).or_insert(driver);
    }

    /// The driver of a kind.
    pub fn get(&self, kind: &str) -> Option<&Arc<dyn Driver>> {
        self.0.get(kind)
    }

    /// All kinds in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Driver>> {
        self.0.values()
    }
}
