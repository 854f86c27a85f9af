//! The history's objects: what they are called, and how one says only what changed since another.
//!
//! A deployment's graph is most of what is kept of it, and nearly all of it is as it was. So an entry has the whole of it
//! or what changed since the entry before, and the names of those that it goes back to; every so often one has the
//! whole again.

use std::sync::Arc;

use futures_util::future::try_join_all;

use super::store::Store;
use crate::{
    Error, ErrorKind, HistoryEntry, Result,
    format::{
        patch,
        v1::{self, Filed, Since},
    },
    seal::{DataKey, Vault, WrappedKey},
};

const HISTORY: &str = "history";
/// One of so many entries has a whole graph: what the others go back to is read together.
const LONGEST: usize = 32;
/// How far back an entry with a graph is looked for; commands that only edit the state have none.
const BACK: u64 = 4;

/// The object of the deployment `number`.
///
/// **Invariant:** the name says which data key seals it, so that the head, which says which data key is the state's,
/// decides which objects are the history. A copy under another key counts when the head moves to that key, and then all
/// of them at once.
pub(super) fn name(number: u64, key: &WrappedKey) -> String {
    format!("{HISTORY}/{number:08}{}", suffix(key))
}

/// The number in such a name; 0, which none has, if it is no such name.
pub(super) fn number(name: &str) -> u64 {
    let number =
        name.strip_prefix(HISTORY).and_then(|name| name.trim_start_matches('/').split('.').next());
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
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

/// How an entry is filed: with what changed since an earlier one, if that is little, or with the whole graph.
pub(super) async fn since(
    store: &Store,
    key: &Arc<DataKey>,
    number: u64,
    entry: HistoryEntry,
) -> Filed {
    if let Some(graph) = &entry.graph {
        let earlier = latest(store, key, number).await.unwrap_or_else(|error| {
            // The whole graph needs no other entry.
            tracing::warn!(%error, "an earlier deployment cannot be read");
            None
        });
        if let Some((since, old)) = earlier
            && let Some(patch) = old.graph.and_then(|old| patch::between(&old, graph))
            && patch::size(&patch) * 4 < patch::size(graph)
        {
            let since = Some(since);
            return Filed { number, entry: HistoryEntry { graph: Some(patch), ..entry }, since };
        }
    }
    Filed { number, entry, since: None }
}

/// The last entry before `number` that has a graph, made whole, and what one that goes on from it goes back to; `None`
/// if there is none, or it goes back far enough already.
async fn latest(
    store: &Store,
    key: &Arc<DataKey>,
    number: u64,
) -> Result<Option<(Since, HistoryEntry)>> {
    for number in (number.saturating_sub(BACK).max(1)..number).rev() {
        let name = name(number, key.wrapped());
        let Some(stored) = store.get(&name).await? else { continue };
        let vault = store.vault.holding(key);
        let Filed { entry, since, .. } =
            v1::read_history(&store.object(&name), number, &stored.body, &vault).await?;
        if entry.graph.is_none() {
            continue;
        }
        let mut of = since.as_ref().map(|since| since.of.clone()).unwrap_or_default();
        of.push(number);
        if of.len() >= LONGEST {
            return Ok(None);
        }
        let since_it = Since { of, position: entry.position };
        let filed = Filed { number, entry, since };
        return Ok(Some((since_it, made_whole(store, key.wrapped(), &vault, filed).await?)));
    }
    Ok(None)
}

/// An entry with its whole graph.
pub(super) async fn whole(
    store: &Store,
    key: &WrappedKey,
    name: &str,
    body: &[u8],
) -> Result<HistoryEntry> {
    let filed = v1::read_history(&store.object(name), number(name), body, &store.vault).await?;
    made_whole(store, key, &store.vault, filed).await.map_err(|error| {
        let message = format!("the graph in {} cannot be told: {error}", store.object(name));
        Error::new(error.kind(), message).because(error)
    })
}

async fn made_whole(
    store: &Store,
    key: &WrappedKey,
    vault: &Vault,
    filed: Filed,
) -> Result<HistoryEntry> {
    let Filed { mut entry, since, .. } = filed;
    let Some(since) = since else { return Ok(entry) };
    let earlier = since.of.iter().map(|number| async move {
        let object = store.object(&name(*number, key));
        match store.get(&name(*number, key)).await? {
            Some(stored) => {
                Ok((v1::read_history(&object, *number, &stored.body, vault).await?, object))
            }
            None => Err(broken(&object, "is missing")),
        }
    });
    let earlier = try_join_all(earlier).await?;
    // Each is known again by what the one after it says.
    let mut said = Some(since.position);
    for (there, object) in earlier.iter().rev() {
        if said != Some(there.entry.position) {
            return Err(broken(object, "is that of another deployment"));
        }
        said = there.since.as_ref().map(|since| since.position);
    }
    let mut graph = None;
    for (there, object) in earlier {
        let said = there.entry.graph.ok_or_else(|| broken(&object, "is without a graph"))?;
        graph = Some(match graph {
            None => said,
            Some(old) => patch::apply(old, said).ok_or_else(|| unfitting(&object))?,
        });
    }
    let patch = entry.graph.take();
    let whole = graph.zip(patch).and_then(|(old, patch)| patch::apply(old, patch));
    entry.graph = Some(whole.ok_or_else(|| unfitting("it"))?);
    Ok(entry)
}

fn broken(object: &str, what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("it goes back to {object}, which {what}"))
}

fn unfitting(object: &str) -> Error {
    let message = format!("what {object} says has changed does not fit what was there before");
    Error::new(ErrorKind::Corrupt, message)
}
