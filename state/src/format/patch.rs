//! What has to change in one tree of maps to make it another.
//!
//! A patch is a map: what becomes of each key that is not as it was. `["=", value]` sets it, `["-"]` removes it,
//! `["~", patch]` goes on inside.

use std::collections::BTreeMap;

use crate::Value;

type Map = BTreeMap<String, Value>;

/// How many levels of maps are compared key by key (a graph's nodes, their parts, their fields); what lies deeper is set
/// as a whole.
const DEPTH: usize = 4;

/// What makes `new` of `old`; `None` if the two cannot be compared.
pub(crate) fn between(old: &Value, new: &Value) -> Option<Value> {
    Some(Value::Map(differences(old.as_map()?, new.as_map()?, DEPTH)))
}

fn differences(old: &Map, new: &Map, depth: usize) -> Map {
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let gone = gone.map(|key| (key.clone(), Value::List(vec!["-".into()])));
    let set = new.iter().filter_map(|(key, value)| {
        let change = match (old.get(key), value) {
            (Some(old), value) if old == value => return None,
            (Some(Value::Map(old)), Value::Map(new)) if depth > 1 => {
                vec!["~".into(), Value::Map(differences(old, new, depth - 1))]
            }
            _ => vec!["=".into(), value.clone()],
        };
        Some((key.clone(), Value::List(change)))
    });
    gone.chain(set).collect()
}

/// What a patch makes of `old`; `None` if it does not fit.
pub(crate) fn apply(old: Value, patch: Value) -> Option<Value> {
    let (Value::Map(mut map), Value::Map(patch)) = (old, patch) else { return None };
    for (key, change) in patch {
        let Value::List(change) = change else { return None };
        let mut change = change.into_iter();
        let (how, what) = (change.next()?, change.next());
        match (how.as_str()?, what) {
            ("-", None) => drop(map.remove(&key)?),
            ("=", Some(value)) => drop(map.insert(key, value)),
            ("~", Some(patch)) => {
                let inner = map.remove(&key)?;
                map.insert(key, apply(inner, patch)?);
            }
            _ => return None,
        }
    }
    Some(Value::Map(map))
}

/// How much there is in a value: what stands at the ends of its branches.
pub(crate) fn size(value: &Value) -> usize {
    match value {
        Value::Map(map) => map.values().map(size).sum::<usize>() + 1,
        Value::List(list) => list.iter().map(size).sum::<usize>() + 1,
        Value::Secret(inner) => size(inner),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, Value)]) -> Value {
        Value::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    #[test]
    fn a_patch_makes_the_one_of_the_other() {
        let node = |n: u64| tree(&[("inputs", tree(&[("n", n.into())]))]);
        let trees = [
            tree(&[]),
            tree(&[("nodes", tree(&[("a", node(1)), ("b", node(2))])), ("exports", tree(&[]))]),
            tree(&[("nodes", tree(&[("a", node(1)), ("c", node(3))])), ("-", "x".into())]),
            tree(&[("nodes", Value::List(vec!["~".into()])), ("exports", Value::Null)]),
            tree(&[("nodes", tree(&[("a", Value::from("s").secret())])), ("=", node(1))]),
        ];
        for old in &trees {
            for new in &trees {
                let patch = between(old, new).unwrap();
                assert_eq!(apply(old.clone(), patch.clone()).as_ref(), Some(new), "{patch:?}");
                assert_eq!(patch == tree(&[]), old == new);
            }
        }
        let one = between(&trees[1], &tree(&[("nodes", tree(&[("a", node(1)), ("b", node(9))]))]));
        let said = serde_json::to_string(&one.unwrap().to_json()).unwrap();
        assert_eq!(
            said,
            r#"{"exports":["-"],"nodes":["~",{"b":["~",{"inputs":["~",{"n":["=",9]}]}]}]}"#
        );
    }

    #[test]
    fn a_patch_that_does_not_fit_is_noticed() {
        let old = tree(&[("a", 1_u64.into())]);
        let patches = [
            tree(&[("b", Value::List(vec!["-".into()]))]),
            tree(&[("a", Value::List(vec!["~".into(), tree(&[])]))]),
            tree(&[("a", Value::List(vec!["=".into()]))]),
            tree(&[("a", Value::List(vec!["?".into(), Value::Null]))]),
            tree(&[("a", "=".into())]),
            Value::Null,
        ];
        for patch in patches {
            assert_eq!(apply(old.clone(), patch.clone()), None, "{patch:?}");
        }
        assert_eq!(between(&old, &Value::Null), None);
    }
}
