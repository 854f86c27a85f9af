//! All of a snapshot at once.

use std::collections::HashSet;

use super::{Invariant, Violation, cycle, value};
use crate::{Snapshot, Status, Urn};

/// Checks every invariant that a snapshot can show by itself, in O(the snapshot).
pub fn verify(snapshot: &Snapshot) -> Result<(), Violation> {
    let mut last: Option<&Urn> = None;
    let mut known: Option<&Urn> = None;
    for (key, record) in &snapshot.records {
        if key.urn != record.urn || key.instance != record.instance {
            let detail = format!("filed under {} {}", key.urn, key.instance);
            return Err(Violation::new(Invariant::FiledUnderItself, &record.urn, detail));
        }
        if record.status != Status::Deposed {
            // The records of one resource are neighbours.
            if last.replace(&key.urn) == Some(&key.urn) {
                let detail = "two of its objects are current";
                return Err(Violation::new(Invariant::UniqueCurrent, &key.urn, detail));
            }
        }
        value::check_record(record)?;
        if let Some(provider) = &record.provider
            // Most records have the provider of the one before.
            && known.replace(&provider.urn) != Some(&provider.urn)
            && snapshot.of(&provider.urn).next().is_none()
        {
            let detail = format!("its provider {} is not recorded", provider.urn);
            return Err(Violation::new(Invariant::ProviderExists, &key.urn, detail));
        }
    }
    // In the order of their urns, because the records are.
    let current = snapshot.records.values().filter(|record| record.status != Status::Deposed);
    let current: Vec<_> = current.map(|record| (&record.urn, &record.dependencies)).collect();
    cycle::check_all(&current)?;

    let mut busy = HashSet::new();
    for (op, open) in &snapshot.open {
        let record = &open.intent.record;
        if *op != open.intent.op || !busy.insert(record.key()) {
            let detail = format!("operation {op} is not the only one that is open on it");
            return Err(Violation::new(Invariant::OpenIntentOnce, &record.urn, detail));
        }
        value::check_record(record)?;
    }
    for (name, exported) in &snapshot.exports {
        if let Some(wrong) = value::wrong(exported, 0) {
            let detail = format!("the parts of the export {name:?} {wrong}");
            return Err(Violation { invariant: Invariant::KnownValues, urn: None, detail });
        }
    }
    Ok(())
}
