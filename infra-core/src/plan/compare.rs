//! The walk over two values that knows what their parts mean. [`diff`](super::diff) and [`drift`](super::drift) are
//! two ways to walk.

use std::{borrow::Cow, collections::BTreeMap};

use infra_state::{Path, Segment, Value};

use super::{DiffKind, PropertyDiff, resolve::normalized};
use crate::provider::{FieldSchema, Operation, Order, Schema, Shape};

/// What counts as a difference.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Everything that one side has and the other has not.
    Intent,
    /// Only what the first side has: what it does not mention, it does not manage.
    Managed,
}

pub(super) struct Walk {
    mode: Mode,
    path: Path,
    found: Vec<PropertyDiff>,
}

/// Walks over the fields of a resource.
pub(super) fn compare(mode: Mode, schema: &Schema, old: &Value, new: &Value) -> Vec<PropertyDiff> {
    // Most of what is compared is the same, byte for byte.
    if old == new && (mode == Mode::Managed || !new.has_unknown()) {
        return Vec::new();
    }
    let mut walk = Walk { mode, path: Path::ROOT, found: Vec::new() };
    let empty = BTreeMap::new();
    let fields = |value: &Value| value.as_map().cloned().unwrap_or_default();
    match (old.as_map(), new.as_map()) {
        (Some(old), Some(new)) => walk.fields(&schema.fields, old, new, false),
        (None, Some(new)) => walk.fields(&schema.fields, &empty, new, false),
        _ => walk.fields(&schema.fields, &fields(old), &fields(new), false),
    }
    walk.found
}

impl Walk {
    fn fields(
        &mut self,
        fields: &[FieldSchema],
        old: &BTreeMap<String, Value>,
        new: &BTreeMap<String, Value>,
        replace: bool,
    ) {
        for field in fields {
            if self.mode == Mode::Managed && field.write_only {
                continue;
            }
            let spelled = |map: &BTreeMap<String, Value>| -> Option<Value> {
                let value = map.get(field.name).filter(|value| !is_null(value))?;
                Some(normalized(field.normalize?, value))
            };
            let (old_spelled, new_spelled) = (spelled(old), spelled(new));
            let old = old_spelled.as_ref().or_else(|| old.get(field.name)).filter(|v| !is_null(v));
            let new = new_spelled.as_ref().or_else(|| new.get(field.name)).filter(|v| !is_null(v));
            // Where the program leaves it to the cloud, what was chosen before stays.
            if new.is_none() && field.computed && self.mode == Mode::Intent {
                continue;
            }
            let new = match (self.mode, new, field.tags) {
                (Mode::Managed, Some(new), true) => Some(only_declared(old, new)),
                (_, new, _) => new.map(Cow::Borrowed),
            };
            self.path.0.push(Segment::Key(field.name.to_owned()));
            self.value(&field.shape, old, new.as_deref(), replace || field.replace);
            self.path.0.pop();
        }
    }

    fn value(&mut self, shape: &Shape, old: Option<&Value>, new: Option<&Value>, replace: bool) {
        match (old, new) {
            (None, None) => {}
            (None, Some(new)) => {
                // What is declared empty may have to be emptied; but it is nothing new about the object's nature.
                let replace = replace || fixes(shape, new);
                if self.mode == Mode::Intent && !(replace && is_empty(new)) {
                    self.push(None, Some(new), replace);
                }
            }
            (Some(old), None) => {
                if !is_empty(old) {
                    self.push(Some(old), None, replace || fixes(shape, old));
                }
            }
            (Some(Value::Unknown), _) | (_, Some(Value::Unknown)) => self.push(old, new, replace),
            (Some(old), Some(new)) => self.both(shape, old, new, replace),
        }
    }

    fn both(&mut self, shape: &Shape, old: &Value, new: &Value, replace: bool) {
        // A part of a secret is as secret as the whole: it is shown as the whole.
        if matches!(old, Value::Secret(_)) || matches!(new, Value::Secret(_)) {
            let before = self.found.len();
            self.both(shape, old.revealed(), new.revealed(), replace);
            let parts = self.found.split_off(before);
            if !parts.is_empty() {
                let replace = parts.iter().any(|part| part.kind != DiffKind::Update);
                self.push(Some(&old.clone().secret()), Some(&new.clone().secret()), replace);
            }
            return;
        }
        match (shape, old, new) {
            (Shape::List { of, order }, Value::List(old), Value::List(new)) => match order {
                Order::List => self.list(of, old, new, replace),
                Order::Set => self.set(of, old, new, replace),
                Order::Keyed(key) => self.keyed(of, key, old, new, replace),
            },
            (Shape::Map(of), Value::Map(old), Value::Map(new)) => {
                self.map(of, old, new, replace);
            }
            (Shape::Struct(fields), Value::Map(old), Value::Map(new)) => {
                self.fields(fields, old, new, replace);
            }
            (Shape::Any, Value::Map(old), Value::Map(new)) => self.any_map(old, new, replace),
            (Shape::Any, Value::List(old), Value::List(new)) => {
                if has_names(old) && has_names(new) {
                    self.keyed(shape, "name", old, new, replace);
                } else {
                    self.list(shape, old, new, replace);
                }
            }
            _ => {
                if !old.same(new) || new.has_unknown() {
                    let replace = replace || fixes(shape, old) || fixes(shape, new);
                    self.push(Some(old), Some(new), replace);
                }
            }
        }
    }

    fn list(&mut self, of: &Shape, old: &[Value], new: &[Value], replace: bool) {
        for at in 0..old.len().max(new.len()) {
            self.element(at, of, old.get(at), new.get(at), replace);
        }
    }

    /// Pairs what is equal; what is left of both is paired as long as something unknown may yet be equal.
    fn set(&mut self, of: &Shape, old: &[Value], new: &[Value], replace: bool) {
        let mut taken = vec![false; new.len()];
        let mut gone = Vec::new();
        for (at, element) in old.iter().enumerate() {
            // Both are usually in the same order.
            let near = at.min(new.len());
            let mut candidates = (near..new.len()).chain(0..near);
            match candidates.find(|&to| !taken[to] && self.agree(of, element, &new[to])) {
                Some(to) => taken[to] = true,
                // Duplicates collapse.
                None if new.iter().any(|other| self.agree(of, element, other)) => {}
                None => gone.push(at),
            }
        }
        let come = (0..new.len()).filter(|&at| {
            let known = || old.iter().any(|element| self.agree(of, element, &new[at]));
            let again = || new[..at].iter().any(|element| self.agree(of, element, &new[at]));
            !taken[at] && !known() && !again()
        });
        let (unknown, come): (Vec<_>, Vec<_>) = come.partition(|&at| new[at].has_unknown());
        let mut gone = gone.into_iter();
        for at in unknown {
            let before = gone.next();
            self.element(at, of, before.map(|at| &old[at]), Some(&new[at]), replace);
        }
        for at in gone {
            self.element(at, of, Some(&old[at]), None, replace);
        }
        for at in come {
            self.element(at, of, None, Some(&new[at]), replace);
        }
    }

    fn keyed(&mut self, of: &Shape, key: &str, old: &[Value], new: &[Value], replace: bool) {
        let find = |list: &'_ [Value], wanted: &Value| {
            let wanted = wanted.get(key).filter(|key| !key.has_unknown())?;
            list.iter().position(|element| element.get(key).is_some_and(|key| key.same(wanted)))
        };
        for (at, element) in old.iter().enumerate() {
            match find(new, element) {
                Some(to) => self.element(to, of, Some(element), Some(&new[to]), replace),
                None => self.element(at, of, Some(element), None, replace),
            }
        }
        // Of what nobody described, others may have more.
        let others = self.mode == Mode::Managed && matches!(of, Shape::Any);
        for (at, element) in new.iter().enumerate().filter(|_| !others) {
            if find(old, element).is_none() {
                self.element(at, of, None, Some(element), replace);
            }
        }
    }

    fn element(
        &mut self,
        at: usize,
        of: &Shape,
        old: Option<&Value>,
        new: Option<&Value>,
        replace: bool,
    ) {
        self.path.0.push(Segment::Index(at));
        self.part(of, old, new, replace);
        self.path.0.pop();
    }

    fn map(
        &mut self,
        of: &Shape,
        old: &BTreeMap<String, Value>,
        new: &BTreeMap<String, Value>,
        replace: bool,
    ) {
        let added = new.keys().filter(|key| !old.contains_key(*key));
        for key in old.keys().chain(added) {
            self.path.0.push(Segment::Key(key.clone()));
            self.part(of, old.get(key), new.get(key), replace);
            self.path.0.pop();
        }
    }

    /// A map whose fields nobody described: what the first side does not mention, it does not manage.
    fn any_map(
        &mut self,
        old: &BTreeMap<String, Value>,
        new: &BTreeMap<String, Value>,
        replace: bool,
    ) {
        let added = new.keys().filter(|key| !old.contains_key(*key));
        let added = added.filter(|_| self.mode == Mode::Intent).collect::<Vec<_>>();
        for key in old.keys().chain(added) {
            self.path.0.push(Segment::Key(key.clone()));
            self.part(&Shape::Any, old.get(key), new.get(key), replace);
            self.path.0.pop();
        }
    }

    /// A part of a list or map that is managed as a whole: what only the other side has counts too.
    fn part(&mut self, of: &Shape, old: Option<&Value>, new: Option<&Value>, replace: bool) {
        match (old, new) {
            (Some(old), Some(new)) => self.value(of, Some(old), Some(new), replace),
            (old, new) => {
                let value = old.or(new).unwrap_or(&Value::Null);
                self.push(old, new, replace || fixes(of, value));
            }
        }
    }

    /// Whether two elements are the same as far as this mode looks.
    fn agree(&self, of: &Shape, old: &Value, new: &Value) -> bool {
        if new.has_unknown() || old.has_unknown() {
            return false;
        }
        if old == new {
            return true;
        }
        let mut walk = Self { mode: self.mode, path: Path::ROOT, found: Vec::new() };
        walk.value(of, Some(old), Some(new), false);
        walk.found.is_empty()
    }

    fn push(&mut self, old: Option<&Value>, new: Option<&Value>, replace: bool) {
        let kind = kind(replace, new);
        let (before, after) = (old.cloned(), new.cloned());
        self.found.push(PropertyDiff { path: self.path.clone(), before, after, kind });
    }
}

/// Whether every element has a name of its own.
fn has_names(list: &[Value]) -> bool {
    let mut met = std::collections::BTreeSet::new();
    !list.is_empty()
        && list.iter().all(|element| {
            element.get("name").and_then(Value::as_str).is_some_and(|name| met.insert(name))
        })
}

/// What a difference asks for, from whether its place asks for a replacement and whether it is sure.
pub(super) fn kind(replace: bool, after: Option<&Value>) -> DiffKind {
    match (replace, after.is_some_and(Value::has_unknown)) {
        (false, _) => DiffKind::Update,
        (true, false) => DiffKind::Replace,
        (true, true) => DiffKind::MaybeReplace,
    }
}

/// Whether the value sets a field, however deep, that cannot change in place.
fn fixes(shape: &Shape, value: &Value) -> bool {
    match (shape, value.revealed()) {
        (Shape::Struct(fields), Value::Map(map)) => fields.iter().any(|field| {
            let set = map.get(field.name).filter(|value| !is_null(value));
            set.is_some_and(|value| field.replace || fixes(&field.shape, value))
        }),
        (Shape::List { of, .. }, Value::List(list)) => list.iter().any(|value| fixes(of, value)),
        (Shape::Map(of), Value::Map(map)) => map.values().any(|value| fixes(of, value)),
        _ => false,
    }
}

/// The live tags that the declared ones say something about; the rest is other people's.
fn only_declared<'v>(declared: Option<&Value>, live: &'v Value) -> Cow<'v, Value> {
    let (Some(declared), Some(map)) = (declared.and_then(Value::as_map), live.as_map()) else {
        return Cow::Borrowed(live);
    };
    let ours = |key: &String| declared.contains_key(key) && !key.starts_with(Operation::TAG_PREFIX);
    let kept = map.iter().filter(|(key, _)| ours(key));
    Cow::Owned(Value::Map(kept.map(|(k, v)| (k.clone(), v.clone())).collect()))
}

pub(super) fn is_null(value: &Value) -> bool {
    matches!(value.revealed(), Value::Null)
}

/// Typed code cannot tell an empty list or map from none.
pub(super) fn is_empty(value: &Value) -> bool {
    match value.revealed() {
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}
