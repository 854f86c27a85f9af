//! Making objects.

use std::sync::Arc;

use serde_json::Value;

use super::metadata;
use super::options::Write;
use super::{prepare, quota};
use crate::apply::{Managers, apply, record_update};
use crate::defaults::defaulted;
use crate::failure::{Failure, Outcome};
use crate::json::{self, at, put, remove, text};
use crate::store::Notes;
use crate::time::stamp;
use crate::validate;

/// `POST`.
pub(crate) fn create(write: &mut Write<'_>, mut object: Value) -> Outcome<Value> {
    write.read(&mut object)?;
    if !text(&object, "metadata.resourceVersion").is_empty() {
        return Err(Failure::bad_request(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    let generated = text(&object, "metadata.generateName").to_owned();
    if json::name(&object).is_empty() && !generated.is_empty() {
        put(&mut object, "metadata.name", format!("{generated}{}", metadata::suffix(5)));
    }
    store(write, object, None)
}

/// An apply of what does not exist yet.
pub(crate) fn apply_new(write: &mut Write<'_>, config: &Value) -> Outcome<Value> {
    let uid = json::uid(config);
    if !uid.is_empty() {
        let why = format!(
            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        );
        return Err(Failure::conflict(&write.kind, json::name(config), &why));
    }
    let (mut object, managers) = write.with_applied(|by| apply(&Value::Null, config, by))?;
    write.read(&mut object)?;
    store(write, object, Some(managers))
}

fn store(write: &mut Write<'_>, mut object: Value, managers: Option<Managers>) -> Outcome<Value> {
    let kind = Arc::clone(&write.kind);
    let name = json::name(&object).to_owned();
    if name.is_empty() {
        let cause =
            crate::failure::Cause::required("metadata.name", "name or generateName is required");
        return Err(Failure::invalid(&kind, "", &[cause]));
    }
    in_living_namespace(write, &name)?;
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields"] {
        remove(&mut object, &format!("metadata.{field}"));
    }
    remove(&mut object, "metadata.resourceVersion");
    put(&mut object, "metadata.uid", metadata::uid());
    put(&mut object, "metadata.creationTimestamp", stamp(write.now));
    if kind.generation || kind.is("", "Pod") {
        put(&mut object, "metadata.generation", 1);
    } else {
        remove(&mut object, "metadata.generation");
    }
    if kind.status && !kind.is("", "Node") {
        remove(&mut object, "status");
    }
    prepare::before_defaults(&kind, None, &mut object);
    defaulted(&kind, &mut object);
    // What the API itself puts in is nobody's.
    let managers = managers
        .unwrap_or_else(|| write.with_applied(|by| record_update(&Value::Null, &object, by)));
    prepare::for_create(write, &mut object)?;
    let mut causes = validate::metadata(&kind, &object);
    causes.extend(validate::create(&kind, &object));
    causes.extend(validate::against_store(write.store, &kind, None, &object));
    if !causes.is_empty() {
        return Err(Failure::invalid(&kind, &name, &causes));
    }
    if write.store.get(&kind.table(), &write.namespace, &name).is_some() {
        return Err(Failure::exists(&kind, &name));
    }
    quota::within(write, &object)?;
    managers.write(&mut object);
    if write.options.dry_run {
        return Ok(object);
    }
    let notes = Notes::from([("created".to_owned(), write.now)]);
    let stored = write.store.put(&kind.table(), object, notes);
    Ok(Value::clone(&stored))
}

/// Nothing is made where there is no namespace, or one that ends.
fn in_living_namespace(write: &Write<'_>, name: &str) -> Outcome<()> {
    if !write.kind.namespaced {
        return Ok(());
    }
    let namespace = &write.namespace;
    let Some(found) = write.store.get("namespaces", "", namespace) else {
        let mut failure =
            Failure::new(404, "NotFound", format!("namespaces {namespace:?} not found"));
        failure.details = Some(serde_json::json!({"name": namespace, "kind": "namespaces"}));
        return Err(failure);
    };
    if at(found, "metadata.deletionTimestamp").is_null() {
        return Ok(());
    }
    let why = format!(
        "unable to create new content in namespace {namespace} because it is being terminated"
    );
    let mut failure = Failure::forbidden(&write.kind, name, &why);
    if let Some(details) = &mut failure.details {
        details["causes"] = serde_json::json!([{
            "reason": "NamespaceTerminating", "field": "metadata.namespace",
            "message": format!("namespace {namespace} is being terminated"),
        }]);
    }
    Err(failure)
}
