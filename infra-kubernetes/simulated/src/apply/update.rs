//! The two ways in which fields get their managers: an apply, and every other change.

use serde_json::Value;

use super::compare::compare;
use super::conflict;
use super::extract::extract;
use super::fields::managed;
use super::managed::{Manager, Managers, Operation};
use super::merge::{merge, without_nulls};
use super::remove::remove;
use super::set::Set;
use crate::failure::Outcome;
use crate::schema::Type;

/// Who makes a change, where and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Applied<'a> {
    pub(crate) manager: &'a str,
    pub(crate) api_version: &'a str,
    /// Nothing for the object itself.
    pub(crate) subresource: &'a str,
    /// Whether the kind has a status apart.
    pub(crate) has_status: bool,
    pub(crate) time: &'a str,
    pub(crate) force: bool,
    pub(crate) of: &'a Type,
}

impl Applied<'_> {
    fn entry(&self, operation: Operation, set: Set) -> Manager {
        Manager {
            name: self.manager.to_owned(),
            operation,
            api_version: self.api_version.to_owned(),
            subresource: self.subresource.to_owned(),
            time: self.time.to_owned(),
            set,
        }
    }

    fn managed(&self, set: &Set) -> Set {
        managed(set, self.subresource, self.has_status)
    }
}

/// Applies a configuration over the living object (null when there is none). What comes back has
/// no defaults yet; the managers are apart.
pub(crate) fn apply(live: &Value, config: &Value, by: &Applied<'_>) -> Outcome<(Value, Managers)> {
    let mut managers = Managers::of(live);
    let said = extract(config, by.of);
    let config_set = by.managed(&said);
    let entry = by.entry(Operation::Apply, config_set);
    let merged = if live.is_null() { config.clone() } else { merge(live, config, by.of) };
    let mut last = Set::default();
    if let Some(mine) = managers.0.iter_mut().find(|it| it.is(&entry)) {
        last = mine.set.clone();
        if mine.set != entry.set || mine.api_version != entry.api_version {
            *mine = entry.clone();
        }
    } else {
        managers.0.push(entry.clone());
    }
    let mut object = prune(&merged, &managers, &said, &last, by.of);
    let comparison =
        compare(&before(live, &object), &object, by.of).filtered(|set| by.managed(set));
    if !comparison.is_same() {
        let mine = managers.0.iter_mut().filter(|it| it.is(&entry));
        mine.for_each(|it| entry.time.clone_into(&mut it.time));
    }
    let changed = comparison.set();
    let mut conflicts = Vec::new();
    for other in managers.0.iter().filter(|it| !it.is(&entry)) {
        let both = other.set.intersection(&changed);
        if !both.is_empty() {
            conflicts.push((other.clone(), both));
        }
    }
    if !conflicts.is_empty() && !by.force {
        return Err(conflict::refused(&conflicts));
    }
    for other in managers.0.iter_mut().filter(|it| !it.is(&entry)) {
        if let Some((_, lost)) = conflicts.iter().find(|(it, _)| it.is(other)) {
            other.set = other.set.difference(lost);
        }
        other.set = other.set.difference(&comparison.removed);
    }
    without_nulls(&mut object);
    Ok((object, managers))
}

/// Takes away what the manager applied before, does not now, and nobody else has.
fn prune(merged: &Value, managers: &Managers, said: &Set, last: &Set, of: &Type) -> Value {
    if last.is_empty() {
        return merged.clone();
    }
    let last = last.with_named_fields(of);
    let all = extract(merged, of).with_named_fields(of);
    let owned = managers.0.iter().fold(said.clone(), |owned, it| owned.union(&it.set));
    let owned = owned.with_named_fields(of);
    let pruned = remove(merged, &last, of);
    let left = extract(&pruned, of).with_named_fields(of);
    // What others have stays, and what nobody ever applied stays.
    let stale = all.difference(&left.union(&owned)).intersection(&last);
    remove(merged, &stale, of)
}

/// Notes which fields a change other than an apply has set. `new` already is as it will be stored.
pub(crate) fn record_update(live: &Value, new: &Value, by: &Applied<'_>) -> Managers {
    let mut managers = Managers::of(live);
    let comparison = compare(&before(live, new), new, by.of).filtered(|set| by.managed(set));
    if comparison.is_same() {
        return managers;
    }
    let changed = comparison.set();
    let entry = by.entry(Operation::Update, Set::default());
    for other in managers.0.iter_mut().filter(|it| !it.is(&entry)) {
        other.set = other.set.difference(&changed).difference(&comparison.removed);
    }
    match managers.0.iter_mut().find(|it| it.is(&entry)) {
        Some(mine) => {
            mine.set = mine.set.difference(&comparison.removed).union(&changed);
            entry.time.clone_into(&mut mine.time);
        }
        None => managers.0.push(Manager { set: changed, ..entry }),
    }
    managers
}

/// The living object; of one that is made, what the API has before anything is set: the parts
/// that its own types always have.
fn before(live: &Value, new: &Value) -> Value {
    if live.is_null() { skeleton(new) } else { live.clone() }
}

fn skeleton(new: &Value) -> Value {
    let parts = new.as_object().into_iter().flatten().filter_map(|(name, value)| {
        let empty = match (name.as_str(), value) {
            (
                "metadata" | "spec" | "status" | "template" | "strategy" | "updateStrategy"
                | "jobTemplate" | "loadBalancer",
                Value::Object(_),
            ) => skeleton(value),
            ("containers", Value::Array(_)) => Value::Array(Vec::new()),
            ("selector", Value::Object(_)) => Value::Null,
            _ => return None,
        };
        Some((name.clone(), empty))
    });
    Value::Object(parts.collect())
}
