//! Manifests as expressions: maps and lists of which some parts may hang on outputs.

use std::collections::BTreeMap;

use infra_core::{
    graph::Expr,
    state::{Path, Segment, Value},
};

/// The entries, if it is a map.
pub(super) fn entries(expr: &Expr) -> Option<BTreeMap<String, Expr>> {
    match expr {
        Expr::Map(map) => Some(map.clone()),
        Expr::Literal(value) => {
            let literal =
                |(key, value): (&String, &Value)| (key.clone(), Expr::Literal(value.clone()));
            value.as_map().map(|map| map.iter().map(literal).collect())
        }
        _ => None,
    }
}

/// The elements, if it is a list.
fn elements(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::List(list) => Some(list.clone()),
        Expr::Literal(value) => {
            value.as_list().map(|list| list.iter().cloned().map(Expr::Literal).collect())
        }
        _ => None,
    }
}

/// The text, if it is known.
pub(super) fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value) => value.as_str(),
        _ => None,
    }
}

/// Whether there is nothing in it.
pub(super) fn is_nothing(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(value) if *value.revealed() == Value::Null)
}

/// Puts `value` at `path`. Maps on the way are made; what is wrong is said with where it went wrong.
pub(crate) fn set(root: &Expr, path: &Path, value: Expr) -> Result<Expr, String> {
    put(root, &path.0, value).map_err(|why| format!("`{path}`: {why}"))
}

fn put(at: &Expr, path: &[Segment], value: Expr) -> Result<Expr, String> {
    let Some((segment, rest)) = path.split_first() else { return Ok(value) };
    match segment {
        Segment::Key(key) => {
            let found = if is_nothing(at) { Some(BTreeMap::new()) } else { entries(at) };
            let mut map =
                found.ok_or_else(|| format!("there is no map that could have `{key}`"))?;
            let inner = map.remove(key).unwrap_or(Expr::Literal(Value::Null));
            map.insert(key.clone(), put(&inner, rest, value)?);
            Ok(Expr::Map(map))
        }
        Segment::Index(index) => {
            let found = if is_nothing(at) { Some(Vec::new()) } else { elements(at) };
            let mut list =
                found.ok_or_else(|| format!("there is no list that could have [{index}]"))?;
            if *index > list.len() {
                return Err(format!("the list has {} elements, there is no [{index}]", list.len()));
            }
            if *index == list.len() {
                list.push(Expr::Literal(Value::Null));
            }
            list[*index] = put(&list[*index], rest, value)?;
            Ok(Expr::List(list))
        }
        Segment::Any => Err("expected one place, found `*`".to_owned()),
    }
}

/// How long the list at `path` is; 0 where there is none.
pub(crate) fn length(at: &Expr, path: &[Segment]) -> usize {
    let Some((segment, rest)) = path.split_first() else {
        return elements(at).map_or(0, |list| list.len());
    };
    match segment {
        Segment::Key(key) => {
            entries(at).and_then(|map| map.get(key).map(|inner| length(inner, rest))).unwrap_or(0)
        }
        Segment::Index(index) => elements(at)
            .and_then(|list| list.get(*index).map(|inner| length(inner, rest)))
            .unwrap_or(0),
        Segment::Any => 0,
    }
}
