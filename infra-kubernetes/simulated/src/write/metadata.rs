//! Names, identities, generations.

use serde_json::Value;

use crate::json::{at, put, remove};

/// Letters that generated names end with: none that make words.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Five letters that nobody has yet, very likely.
pub(crate) fn suffix(length: usize) -> String {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    let letters = bytes.iter().take(length);
    letters.map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// A new identity.
pub(crate) fn uid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// What the system alone says about an object, as it was.
pub(super) fn keep(old: &Value, new: &mut Value) {
    for field in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "resourceVersion",
        "generateName",
        "selfLink",
        "name",
        "namespace",
    ] {
        let path = format!("metadata.{field}");
        match at(old, &path) {
            Value::Null => {
                remove(new, &path);
            }
            value => put(new, &path, value.clone()),
        }
    }
}

/// Whether two objects want the same: all but metadata and status is equal.
pub(super) fn same_wish(old: &Value, new: &Value) -> bool {
    let wish = |object: &Value| {
        let fields = object.as_object().into_iter().flatten();
        let wish = fields
            .filter(|(name, _)| !matches!(name.as_str(), "metadata" | "status" | "apiVersion"))
            .map(|(name, value)| (name.clone(), value.clone()));
        wish.collect::<Vec<_>>()
    };
    wish(old) == wish(new)
}

/// Whether two objects are equal, but for when their managers last wrote.
pub(super) fn unchanged(old: &Value, new: &Value) -> bool {
    let timeless = |object: &Value| {
        let mut object = object.clone();
        for entry in crate::json::items_mut(&mut object, "metadata.managedFields") {
            remove(entry, "time");
        }
        remove(&mut object, "metadata.resourceVersion");
        remove(&mut object, "apiVersion");
        object
    };
    timeless(old) == timeless(new)
}
