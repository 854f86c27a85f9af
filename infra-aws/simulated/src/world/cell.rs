//! Cells: one service in one account and region.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::docs::{Change, Docs};
use crate::emulated::Emulator;
use crate::services::Service;

/// Which cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct CellId {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) service: Service,
}

impl CellId {
    /// Global services have one cell an account, whatever region the caller signed for.
    pub(crate) fn new(account: &str, region: &str, service: Service) -> Self {
        let region = if service.is_global() { "aws-global" } else { region };
        Self { account: account.to_owned(), region: region.to_owned(), service }
    }
}

/// One service in one account and region: its documents, and its emulator if it has one.
#[derive(Default)]
pub(crate) struct Cell {
    pub(crate) docs: Docs,
    /// Made when first called, and again after another process changed the documents.
    pub(crate) emulator: Option<Box<dyn Emulator>>,
}

/// All cells.
#[derive(Default)]
pub(crate) struct World {
    cells: BTreeMap<CellId, Cell>,
}

impl World {
    pub(crate) fn cell(&mut self, id: &CellId) -> &mut Cell {
        if !self.cells.contains_key(id) {
            self.cells.insert(id.clone(), Cell::default());
        }
        self.cells.entry(id.clone()).or_default()
    }

    pub(crate) fn docs(&self, id: &CellId) -> Option<&Docs> {
        self.cells.get(id).map(|cell| &cell.docs)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &CellId> {
        self.cells.keys()
    }

    pub(crate) fn settle(&mut self, now: u64) {
        for cell in self.cells.values_mut() {
            cell.docs.settle(now);
        }
    }

    /// Writes `to` wherever `from` stands in an account's documents and their ids.
    pub(crate) fn rename(&mut self, account: &str, from: &str, to: &str) {
        for (id, cell) in &mut self.cells {
            if id.account == account && cell.docs.rename(from, to) {
                // It reads the documents again.
                cell.emulator = None;
            }
        }
    }

    /// What changed since the last commit, cell by cell.
    pub(crate) fn take_changes(&mut self) -> Vec<(CellId, Vec<Change>)> {
        self.cells
            .iter_mut()
            .map(|(id, cell)| (id.clone(), cell.docs.take_changes()))
            .filter(|(_, changes)| !changes.is_empty())
            .collect()
    }

    /// The whole world as changes from nothing.
    pub(crate) fn everything(&self) -> Vec<(CellId, Vec<Change>)> {
        self.cells
            .iter()
            .map(|(id, cell)| (id.clone(), cell.docs.everything()))
            .filter(|(_, changes)| !changes.is_empty())
            .collect()
    }

    /// Changes that are durable already: from the journal.
    pub(crate) fn apply(&mut self, changes: Vec<(CellId, Vec<Change>)>) {
        for (id, changes) in changes {
            let cell = self.cell(&id);
            cell.emulator = None;
            for change in changes {
                cell.docs.apply(change);
            }
        }
    }
}
