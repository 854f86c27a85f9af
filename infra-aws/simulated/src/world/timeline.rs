//! States that take time, written into the document: `_timeline` is a list of
//! `[instant in ms, changes]`. Changes are merged into the document when they are due; `null`
//! instead of changes ends the document.
//!
//! The clock, not a task, moves things: it works across processes and across restarts.

use serde_json::{Map, Value, json};

const KEY: &str = "_timeline";

pub(crate) enum Settled {
    /// Nothing due before this instant.
    Waiting(u64),
    /// Changed; nothing more due before this instant.
    Changed(u64),
    /// The document's time is over.
    Gone,
}

/// Applies what is due at `now`.
pub(crate) fn settle(document: &mut Value, now: u64) -> Settled {
    let Some(Value::Array(steps)) = document.get_mut(KEY) else {
        return Settled::Waiting(u64::MAX);
    };
    let due = steps.iter().take_while(|step| instant(step) <= now).count();
    let next = steps.get(due).map_or(u64::MAX, instant);
    if due == 0 {
        return Settled::Waiting(next);
    }
    let reached: Vec<Value> = steps.drain(..due).collect();
    let empty = steps.is_empty();
    let Some(fields) = document.as_object_mut() else { return Settled::Waiting(next) };
    if empty {
        fields.remove(KEY);
    }
    for mut step in reached {
        match step[1].take() {
            Value::Object(changes) => merge(fields, changes),
            _ => return Settled::Gone,
        }
    }
    Settled::Changed(next)
}

fn instant(step: &Value) -> u64 {
    step[0].as_u64().unwrap_or(0)
}

/// Merges deeply; a `null` removes.
fn merge(into: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (key, change) in changes {
        match (into.get_mut(&key), change) {
            (_, Value::Null) => {
                into.remove(&key);
            }
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, change) => {
                into.insert(key, change);
            }
        }
    }
}

/// Sets what will happen to this document, in order, replacing what was to happen.
pub(crate) fn plan(document: &mut Value, steps: &[(u64, Value)]) {
    let steps: Vec<Value> = steps.iter().map(|(at, change)| json!([at, change])).collect();
    if let Some(fields) = document.as_object_mut() {
        fields.insert(KEY.to_owned(), Value::Array(steps));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Settled, plan, settle};

    #[test]
    fn steps_apply_when_due_and_null_ends() {
        let mut nat = json!({"state": "pending"});
        plan(&mut nat, &[(10, json!({"state": "available"})), (20, json!(null))]);
        assert!(matches!(settle(&mut nat, 9), Settled::Waiting(10)));
        assert!(matches!(settle(&mut nat, 10), Settled::Changed(20)));
        assert_eq!(nat["state"], "available");
        assert!(matches!(settle(&mut nat, 25), Settled::Gone));
    }
}
