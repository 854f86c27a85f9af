//! What changed between two objects, field by field.

use serde_json::Value;

use super::element::Element;
use super::set::Set;
use crate::schema::{Listed, Type};

/// The fields that differ.
#[derive(Clone, Debug, Default)]
pub(super) struct Comparison {
    pub(super) added: Set,
    pub(super) modified: Set,
    pub(super) removed: Set,
}

impl Comparison {
    pub(super) fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    /// What is there now and was not, or was otherwise.
    pub(super) fn set(&self) -> Set {
        self.added.union(&self.modified)
    }

    /// Without some fields.
    pub(super) fn filtered(&self, filter: impl Fn(&Set) -> Set) -> Self {
        Self {
            added: filter(&self.added),
            modified: filter(&self.modified),
            removed: filter(&self.removed),
        }
    }
}

/// Compares two objects of a type.
pub(super) fn compare(old: &Value, new: &Value, of: &Type) -> Comparison {
    let mut comparison = Comparison::default();
    step(Some(old), Some(new), of, &mut Vec::new(), &mut comparison);
    comparison
}

fn step(
    old: Option<&Value>,
    new: Option<&Value>,
    of: &Type,
    path: &mut Vec<Element>,
    found: &mut Comparison,
) {
    if old == new {
        return;
    }
    let either = new.filter(|it| !it.is_null()).or(old);
    let descends = match either {
        Some(Value::Object(_)) => !of.is_leaf(),
        Some(Value::Array(_)) => !matches!(of.listed(), Listed::Atomic),
        _ => false,
    };
    if descends {
        match either {
            Some(Value::Object(_)) => fields(old, new, of, path, found),
            _ => list(old, new, of, path, found),
        }
    }
    match (old, new) {
        (None, Some(_)) => found.added.insert(path),
        (Some(_), None) => found.removed.insert(path),
        _ if !descends => found.modified.insert(path),
        _ => {}
    }
}

fn fields(
    old: Option<&Value>,
    new: Option<&Value>,
    of: &Type,
    path: &mut Vec<Element>,
    found: &mut Comparison,
) {
    let old = old.and_then(Value::as_object);
    let new = new.and_then(Value::as_object);
    let mut names: Vec<_> = old.into_iter().chain(new).flat_map(serde_json::Map::keys).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        path.push(Element::Field(name.clone()));
        let (was, is) = (old.and_then(|it| it.get(name)), new.and_then(|it| it.get(name)));
        step(was, is, of.field(name), path, found);
        path.pop();
    }
}

fn list(
    old: Option<&Value>,
    new: Option<&Value>,
    of: &Type,
    path: &mut Vec<Element>,
    found: &mut Comparison,
) {
    let keyed = |list: Option<&Value>| -> Vec<(Element, Value)> {
        let items = list.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| Some((Element::of(item, of)?, item.clone()))).collect()
    };
    let (old, new) = (keyed(old), keyed(new));
    let get = |list: &[(Element, Value)], element: &Element| {
        list.iter().find(|(it, _)| it == element).map(|(_, value)| value.clone())
    };
    for (element, item) in &new {
        path.push(element.clone());
        step(get(&old, element).as_ref(), Some(item), of.item(), path, found);
        path.pop();
    }
    for (element, item) in &old {
        if get(&new, element).is_none() {
            path.push(element.clone());
            step(Some(item), None, of.item(), path, found);
            path.pop();
        }
    }
}
