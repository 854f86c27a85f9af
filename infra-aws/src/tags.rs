//! Tags: which of them are the user's, and what to call to bring them where they should be.

use std::collections::BTreeMap;

use infra_core::provider::Operation;

/// What AWS's own tags begin with; nobody may write them.
const RESERVED: &str = "aws:";

/// Whether the tag belongs to the user: neither the engine's (owner tags) nor AWS's.
pub fn is_visible(key: &str) -> bool {
    !key.starts_with(Operation::TAG_PREFIX) && !key.starts_with(RESERVED)
}

/// The tags without those of the engine and of AWS: what `live` shows.
#[must_use]
pub fn visible(all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    all.iter().filter(|(key, _)| is_visible(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// What to put and what to remove so that the user's tags become `want`. Owner tags and AWS's are never touched.
pub fn changes(
    live: &BTreeMap<String, String>,
    want: &BTreeMap<String, String>,
) -> (BTreeMap<String, String>, Vec<String>) {
    let put = want.iter().filter(|(key, value)| is_visible(key) && live.get(*key) != Some(value));
    let remove = live.keys().filter(|key| is_visible(key) && !want.contains_key(*key));
    (put.map(|(k, v)| (k.clone(), v.clone())).collect(), remove.cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map<const N: usize>(tags: [(&str, &str); N]) -> BTreeMap<String, String> {
        tags.map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    #[test]
    fn owner_tags_are_never_touched() {
        let live =
            map([("infra:urn", "u"), ("aws:x", "y"), ("old", "1"), ("same", "1"), ("new", "1")]);
        let want = map([("same", "1"), ("new", "2"), ("infra:urn", "other")]);
        let (put, remove) = changes(&live, &want);
        assert_eq!(put, map([("new", "2")]));
        assert_eq!(remove, ["old"]);
        assert_eq!(visible(&live), map([("old", "1"), ("same", "1"), ("new", "1")]));
    }
}
