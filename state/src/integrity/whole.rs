//! All of a snapshot at once.

use std::collections::HashSet;

use super::{Invariant, Violation, cycle, stage::current_dependencies, value};
use crate::{Snapshot, Status, Urn};

/// Checks every invariant that a snapshot can show by itself, in O(the snapshot).
pub fn verify(snapshot: &Snapshot) -> Result<(), Violation> {
    let mut last: Option<&Urn> = None;
    let mut providers = HashSet::new();
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
            && providers.insert(&provider.urn)
            && snapshot.of(&provider.urn).next().is_none()
        {
            let detail = format!("its provider {} is not recorded", provider.urn);
            return Err(Violation::new(Invariant::ProviderExists, &key.urn, detail));
        }
    }
    let dependencies = current_dependencies(snapshot);
    cycle::check(dependencies.keys().copied(), |urn| {
        dependencies.get(urn).into_iter().copied().flatten().collect()
    })?;

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
