//! Changing objects.

use std::sync::Arc;

use serde_json::Value;

use super::metadata::{keep, same_wish, unchanged};
use super::options::Write;
use super::prepare;
use crate::apply::{Managers, apply, record_update};
use crate::defaults::defaulted;
use crate::failure::{Failure, Outcome};
use crate::json::{self, at, int, items, put, remove, text};
use crate::validate;

/// `PUT`, and what patches come to.
pub(crate) fn replace(write: &mut Write<'_>, name: &str, mut object: Value) -> Outcome<Value> {
    write.read(&mut object)?;
    let old = found(write, name)?;
    store(write, &old, object, None)
}

/// An apply over what exists.
pub(crate) fn apply_over(
    write: &mut Write<'_>,
    old: &Arc<Value>,
    config: &Value,
) -> Outcome<Value> {
    let wanted = text(config, "metadata.resourceVersion");
    if !wanted.is_empty() && wanted != text(old, "metadata.resourceVersion") {
        return Err(Failure::modified(&write.kind, json::name(old)));
    }
    let mut live = Value::clone(old);
    put(&mut live, "apiVersion", write.kind.api_version());
    let (mut object, managers) = write.with_applied(|by| apply(&live, config, by))?;
    write.read(&mut object)?;
    store(write, old, object, Some(managers))
}

/// The object that is to be changed.
pub(super) fn found(write: &Write<'_>, name: &str) -> Outcome<Arc<Value>> {
    let found = write.store.get(&write.kind.table(), &write.namespace, name);
    found.cloned().ok_or_else(|| Failure::not_found(&write.kind, name))
}

fn store(
    write: &mut Write<'_>,
    old: &Arc<Value>,
    mut object: Value,
    managers: Option<Managers>,
) -> Outcome<Value> {
    let kind = Arc::clone(&write.kind);
    let name = json::name(old).to_owned();
    if json::name(&object) != name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({name})",
            json::name(&object)
        )));
    }
    let (given, is) = (json::uid(&object), json::uid(old));
    if !given.is_empty() && given != is {
        let why =
            format!("Precondition failed: UID in precondition: {given}, UID in object meta: {is}");
        return Err(Failure::conflict(&kind, &name, &why));
    }
    let version = text(&object, "metadata.resourceVersion");
    if managers.is_none() && !version.is_empty() && version != text(old, "metadata.resourceVersion")
    {
        return Err(Failure::modified(&kind, &name));
    }
    if version.is_empty() && managers.is_none() && kind.custom && write.subresource.is_empty() {
        let detail = "must be specified for an update";
        let cause =
            crate::failure::Cause::invalid("metadata.resourceVersion", &Value::from(0), detail);
        return Err(Failure::invalid(&kind, &name, &[cause]));
    }
    let given_managers = Managers::of(&object);
    if write.subresource == "status" {
        let status = remove(&mut object, "status");
        object = Value::clone(old);
        put(&mut object, "apiVersion", kind.api_version());
        match status {
            Some(status) => put(&mut object, "status", status),
            None => {
                remove(&mut object, "status");
            }
        }
    } else if kind.status {
        match at(old, "status") {
            Value::Null => {
                remove(&mut object, "status");
            }
            status => put(&mut object, "status", status.clone()),
        }
    }
    keep(old, &mut object);
    prepare::before_defaults(&kind, Some(old), &mut object);
    defaulted(&kind, &mut object);
    // What the API itself puts in is nobody's.
    let managers = managers.unwrap_or_else(|| {
        let mut live = Value::clone(old);
        put(&mut live, "apiVersion", kind.api_version());
        if !given_managers.is_empty() {
            given_managers.write(&mut live);
        }
        write.with_applied(|by| record_update(&live, &object, by))
    });
    prepare::for_update(write, old, &mut object)?;
    if kind.generation && !same_wish(old, &object) {
        let generation = int(old, "metadata.generation").unwrap_or(0) + 1;
        put(&mut object, "metadata.generation", generation);
    }
    let mut causes = validate::metadata(&kind, &object);
    causes.extend(new_finalizers(old, &object));
    if write.subresource.is_empty() {
        causes.extend(validate::update(&kind, old, &object));
        causes.extend(validate::create(&kind, &object));
        causes.extend(validate::against_store(write.store, &kind, Some(old), &object));
    }
    if !causes.is_empty() {
        return Err(Failure::invalid(&kind, &name, &causes));
    }
    managers.write(&mut object);
    if unchanged(old, &object) {
        let mut same = Value::clone(old);
        put(&mut same, "apiVersion", kind.api_version());
        return Ok(same);
    }
    if write.options.dry_run {
        return Ok(object);
    }
    finish(write, object)
}

/// An object that ends takes no new finalizers.
fn new_finalizers(old: &Value, object: &Value) -> Option<crate::failure::Cause> {
    if !at(old, "metadata.deletionTimestamp").is_string() {
        return None;
    }
    let before = items(old, "metadata.finalizers");
    let added = items(object, "metadata.finalizers").iter().filter(|it| !before.contains(it));
    let added: Vec<_> = added.map(ToString::to_string).collect();
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        added.join(", ")
    );
    (!added.is_empty()).then(|| crate::failure::Cause::forbidden("metadata.finalizers", &detail))
}

/// Writes the object; one that was only held by its finalizers is gone now.
fn finish(write: &mut Write<'_>, object: Value) -> Outcome<Value> {
    let kind = Arc::clone(&write.kind);
    let name = json::name(&object).to_owned();
    let ending = !at(&object, "metadata.deletionTimestamp").is_null();
    let held = !items(&object, "metadata.finalizers").is_empty()
        || (kind.is("", "Namespace") && !items(&object, "spec.finalizers").is_empty())
        || (int(&object, "metadata.deletionGracePeriodSeconds").unwrap_or(0) > 0);
    if ending && !held {
        write.store.remove(&kind.table(), &write.namespace, &name);
        return Ok(object);
    }
    let notes = write.store.record(&kind.table(), &write.namespace, &name);
    let notes = notes.map(|record| record.notes.clone()).unwrap_or_default();
    let stored = write.store.put(&kind.table(), object, notes);
    Ok(Value::clone(&stored))
}
