//! What the history's objects are called.

use super::store::Store;
use crate::{Result, seal::WrappedKey};

const HISTORY: &str = "history";

/// The object of the deployment `number`.
///
/// **Invariant:** the name says which data key seals it, so that the head, which says which data key is the state's,
/// decides which objects are the history. A copy under another key counts when the head moves to that key, and then all
/// of them at once.
pub(super) fn name(number: u64, key: &WrappedKey) -> String {
    format!("{HISTORY}/{number:08}{}", suffix(key))
}

fn suffix(key: &WrappedKey) -> String {
    format!(".{}.json", key.word())
}

/// The history under `key`, oldest first.
pub(super) async fn names(store: &Store, key: &WrappedKey) -> Result<Vec<String>> {
    let suffix = suffix(key);
    let names = store.list(HISTORY, "").await?;
    let ours = names.into_iter().filter(|name| name.ends_with(&suffix));
    Ok(ours.map(|name| format!("{HISTORY}/{name}")).collect())
}

/// What another key seals: copies that never came to count, and what they were copied from.
pub(super) async fn stale(store: &Store, key: &WrappedKey) -> Result<Vec<String>> {
    let suffix = suffix(key);
    let names = store.list(HISTORY, "").await?;
    let others = names.into_iter().filter(|name| !name.ends_with(&suffix));
    Ok(others.map(|name| format!("{HISTORY}/{name}")).collect())
}

/// The name of the same deployment's object under another key.
pub(super) fn renamed(name: &str, from: &WrappedKey, to: &WrappedKey) -> String {
    let number = name.strip_suffix(&suffix(from)).unwrap_or(name);
    format!("{number}{}", suffix(to))
}
