//! Intent and drift.

use infra_state::{Path, Segment, Value};

use super::{
    DiffKind, PropertyDiff,
    compare::{Mode, compare, is_empty, is_null, kind},
    ignore,
};
use crate::provider::Schema;

/// Intent: what the program changes, `desired` (with unknowns, possibly) against `recorded`. Nothing is found at
/// `ignored` paths.
pub fn diff(
    schema: &Schema,
    recorded: &Value,
    desired: &Value,
    ignored: &[Path],
) -> Vec<PropertyDiff> {
    if ignored.is_empty() {
        return compare(Mode::Intent, schema, recorded, desired);
    }
    compare(Mode::Intent, schema, recorded, &ignore::overlay(schema, ignored, recorded, desired))
}

/// Drift: what somebody else changed, the `live` object against what was `recorded`. Only what was declared is looked
/// at: what is unset, written only, or somebody else's tag is no drift.
pub fn drift(
    schema: &Schema,
    recorded: &Value,
    live: &Value,
    ignored: &[Path],
) -> Vec<PropertyDiff> {
    if ignored.is_empty() {
        return compare(Mode::Managed, schema, recorded, live);
    }
    compare(Mode::Managed, schema, recorded, &ignore::overlay(schema, ignored, recorded, live))
}

/// What an update from `recorded` to `wanted` was to take away and the `live` object still has. [`converge`] does not
/// find it: what is not wanted is nobody's business, unless it was wanted before.
pub fn left_behind(
    schema: &Schema,
    recorded: &Value,
    wanted: &Value,
    live: &Value,
) -> Vec<PropertyDiff> {
    let mut left = compare(Mode::Intent, schema, recorded, wanted);
    left.retain(|diff| {
        // In a list that is still wanted, everything is compared.
        let whole = diff.path.0.iter().all(|segment| matches!(segment, Segment::Key(_)));
        let there = || diff.path.get(live).is_some_and(|value| !is_null(value) && !is_empty(value));
        let blind = schema.field(&diff.path).is_some_and(|field| field.write_only);
        whole && diff.after.is_none() && (blind || there())
    });
    left
}

/// What has to be written to bring the `live` object to what is `desired`: for an object that is taken over, and for
/// one whose making or updating did not finish. What cannot be read back is written in any case.
pub fn converge(schema: &Schema, live: &Value, desired: &Value) -> Vec<PropertyDiff> {
    let mut found = compare(Mode::Managed, schema, desired, live);
    for diff in &mut found {
        std::mem::swap(&mut diff.before, &mut diff.after);
        diff.kind = kind(diff.kind != DiffKind::Update, diff.after.as_ref());
    }
    for field in schema.fields.iter().filter(|field| field.write_only) {
        if let Some(value) = desired.get(field.name) {
            found.push(PropertyDiff {
                path: Path::field(field.name),
                before: None,
                after: Some(value.clone()),
                kind: DiffKind::Update,
            });
        }
    }
    found
}
