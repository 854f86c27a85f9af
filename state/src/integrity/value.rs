//! What may be in a value.

use super::{Invariant, Violation};
use crate::{Record, Urn, Value};

/// Readers of JSON stop at 128 levels; a record adds a few around its values, and sealing a few more.
const DEEPEST: usize = 64;

pub(super) fn check_record(record: &Record) -> Result<(), Violation> {
    check(&record.urn, "inputs", &record.inputs)?;
    check(&record.urn, "outputs", &record.outputs)
}

pub(super) fn check(urn: &Urn, what: &str, value: &Value) -> Result<(), Violation> {
    wrong(value, 0).map_or(Ok(()), |wrong| {
        Err(Violation::new(Invariant::KnownValues, urn, format!("its {what} {wrong}")))
    })
}

pub(super) fn wrong(value: &Value, depth: usize) -> Option<&'static str> {
    if depth > DEEPEST {
        return Some("are nested more than 64 levels deep");
    }
    match value {
        Value::Unknown => Some("contain a value that is not known yet"),
        Value::List(list) => list.iter().find_map(|value| wrong(value, depth + 1)),
        Value::Map(map) => map.values().find_map(|value| wrong(value, depth + 1)),
        Value::Secret(inner) => wrong(inner, depth + 1),
        _ => None,
    }
}
