//! What every controller works with.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::apply::{Applied, record_update};
use crate::failure::Outcome;
use crate::faults::Rules;
use crate::json::{self, at, items, put, text};
use crate::kinds::{Kind, builtin};
use crate::settings::Settings;
use crate::store::{Key, Store};
use crate::time::stamp;
use crate::write::{self, Options, Validation, Write};

/// One round of a controller.
pub(super) struct Control<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) settings: &'a Settings,
    pub(crate) rules: &'a Rules,
    pub(crate) now: i64,
    /// The next instant at which something happens by itself.
    pub(crate) wake: i64,
}

/// A built-in kind by its table.
pub(super) fn kind(table: &str) -> Option<&'static Arc<Kind>> {
    builtin().find(|kind| kind.table() == table)
}

impl Control<'_> {
    /// Something is to happen then.
    pub(super) fn later(&mut self, at: i64) {
        if at > self.now {
            self.wake = self.wake.min(at);
        }
    }

    /// Whether an instant has come; if not, somebody will look again.
    pub(super) fn due(&mut self, at: i64) -> bool {
        self.later(at);
        at <= self.now
    }

    /// Looks after an object, unless it and what it hangs on are as they were when the controller
    /// last had nothing to do. `version` is the last change of what it hangs on.
    pub(super) fn attend(
        &mut self,
        controller: &'static str,
        object: &Value,
        version: u64,
        act: impl FnOnce(&mut Self),
    ) {
        let uid = json::uid(object);
        let own = text(object, "metadata.resourceVersion").parse().unwrap_or(0);
        let version = version.max(own).max(self.store.rest.of_tables(&["+faults"]));
        if let Some(wake) = self.store.rest.wake(controller, uid, version)
            && wake > self.now
        {
            self.later(wake);
            return;
        }
        let others = std::mem::replace(&mut self.wake, i64::MAX);
        let before = self.store.revision();
        act(self);
        if self.store.revision() == before {
            self.store.rest.rests(controller, uid, version, self.wake);
        }
        self.wake = self.wake.min(others);
    }

    /// The last change of what an object owns, and of what pods need to be made.
    pub(super) fn of_owned(&self, owner: &Value) -> u64 {
        let rest = &self.store.rest;
        let needed = ["serviceaccounts", "priorityclasses.scheduling.k8s.io", "resourcequotas"];
        rest.of_owned(json::uid(owner)).max(rest.of_tables(&needed))
    }

    pub(super) fn all(&self, table: &str) -> Vec<Arc<Value>> {
        self.store.all(table).map(|(_, record)| Arc::clone(&record.object)).collect()
    }

    pub(super) fn within(&self, table: &str, namespace: &str) -> Vec<Arc<Value>> {
        self.store.within(table, namespace).cloned().collect()
    }

    pub(super) fn get(&self, table: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.store.get(table, namespace, name).cloned()
    }

    /// The objects that this one controls.
    pub(super) fn owned(&self, table: &str, owner: &Value) -> Vec<Arc<Value>> {
        let uid = json::uid(owner);
        let within = self.store.within(table, json::namespace(owner));
        within.filter(|it| controller(it) == Some(uid)).cloned().collect()
    }

    /// An instant that is noted about an object.
    pub(super) fn noted(&self, table: &str, object: &Value, field: &str) -> Option<i64> {
        let record = self.store.record(table, json::namespace(object), json::name(object))?;
        record.notes.get(field).copied()
    }

    /// Notes an instant about an object.
    pub(super) fn note(&mut self, table: &str, object: &Value, field: &str, at: Option<i64>) {
        if self.noted(table, object, field) != at {
            self.store.note(table, &key(object), field, at);
        }
    }

    /// Notes now, if nothing is noted yet.
    pub(super) fn since(&mut self, table: &str, object: &Value, field: &str) -> i64 {
        if let Some(at) = self.noted(table, object, field) {
            return at;
        }
        self.note(table, object, field, Some(self.now));
        self.now
    }

    /// Sets the status of an object, if it is another.
    pub(super) fn status(&mut self, table: &str, object: &Value, status: Value) {
        self.change(table, object, "status", |new| put(new, "status", status));
    }

    /// Changes an object as a controller does.
    pub(super) fn change(
        &mut self,
        table: &str,
        object: &Value,
        subresource: &str,
        change: impl FnOnce(&mut Value),
    ) {
        let Some(record) = self.store.record(table, json::namespace(object), json::name(object))
        else {
            return;
        };
        let (old, notes) = (Arc::clone(&record.object), record.notes.clone());
        let mut new = Value::clone(&old);
        change(&mut new);
        if new == *old {
            return;
        }
        let Some(kind) = kind(table) else {
            self.store.put(table, new, notes);
            return;
        };
        if subresource != "status" && kind.generation && at(&old, "spec") != at(&new, "spec") {
            let generation = json::int(&old, "metadata.generation").unwrap_or(0) + 1;
            put(&mut new, "metadata.generation", generation);
        }
        let (time, api_version) = (stamp(self.now), kind.api_version());
        let manager =
            if table == "pods" || table == "nodes" { "kubelet" } else { "kube-controller-manager" };
        let by = Applied {
            manager,
            api_version: &api_version,
            subresource,
            has_status: kind.status,
            time: &time,
            force: true,
            of: &kind.root,
        };
        record_update(&old, &new, &by).write(&mut new);
        self.store.put(table, new, notes);
    }

    /// Makes an object as a controller does: it can be refused as any other.
    pub(super) fn create(&mut self, table: &str, object: Value) -> Outcome<Value> {
        let Some(kind) = kind(table) else {
            return Err(crate::failure::Failure::internal(format!("no kind in {table}")));
        };
        let mut write = Write {
            store: self.store,
            kind: Arc::clone(kind),
            namespace: json::namespace(&object).to_owned(),
            subresource: "",
            options: Options {
                manager: "kube-controller-manager".to_owned(),
                dry_run: false,
                force: false,
                validation: Validation::Ignore,
            },
            now: self.now,
            warnings: Vec::new(),
        };
        write::create(&mut write, object)
    }

    /// Ends an object.
    pub(super) fn delete(&mut self, table: &str, object: &Arc<Value>, policy: &str) {
        if ending(object) && policy != "Foreground" {
            return;
        }
        let Some(kind) = self.store.kinds().into_iter().find(|kind| kind.table() == table) else {
            return;
        };
        write::forget(self.store, &kind, object, policy, self.now);
    }
}

/// Where an object is in its table.
pub(super) fn key(object: &Value) -> Key {
    (json::namespace(object).to_owned(), json::name(object).to_owned())
}

/// Whether somebody deleted it already.
pub(super) fn ending(object: &Value) -> bool {
    at(object, "metadata.deletionTimestamp").is_string()
}

/// The uid of the controller of an object.
pub(super) fn controller(object: &Value) -> Option<&str> {
    let owners = items(object, "metadata.ownerReferences").iter();
    owners.filter(|it| it["controller"] == true).map(|it| text(it, "uid")).next()
}

/// The reference that makes an object the controller of another.
pub(super) fn owner(kind: &str, api_version: &str, object: &Value) -> Value {
    json!({
        "apiVersion": api_version, "kind": kind, "name": json::name(object),
        "uid": json::uid(object), "controller": true, "blockOwnerDeletion": true,
    })
}

/// Sets a condition; its time moves only when its status does.
pub(super) fn set_condition(
    status: &mut Value,
    now: i64,
    kind: &str,
    is: bool,
    reason: &str,
    message: &str,
) {
    let state = if is { "True" } else { "False" };
    let time = stamp(now);
    let mut all = items(status, "conditions").to_vec();
    let updates = matches!(kind, "Available" | "Progressing");
    let known = all.iter_mut().find(|it| it["type"] == kind);
    if let Some(known) = known {
        let same = text(known, "reason") == reason && text(known, "message") == message;
        if known["status"] != state {
            known["lastTransitionTime"] = json!(time);
        } else if same {
            return;
        }
        if updates {
            known["lastUpdateTime"] = json!(time);
        }
        known["status"] = json!(state);
        known["reason"] = json!(reason);
        known["message"] = json!(message);
    } else {
        let mut new = json!({
            "type": kind, "status": state, "reason": reason, "message": message,
            "lastTransitionTime": time,
        });
        if updates {
            new["lastUpdateTime"] = json!(time);
        }
        all.push(new);
    }
    put(status, "conditions", all);
}

/// Takes a condition away.
pub(super) fn drop_condition(status: &mut Value, kind: &str) {
    let all: Vec<_> =
        items(status, "conditions").iter().filter(|it| it["type"] != kind).cloned().collect();
    put(status, "conditions", all);
}

/// Whether a condition is true.
pub(super) fn has_condition(object: &Value, kind: &str) -> bool {
    let mut all = items(object, "status.conditions").iter();
    all.any(|it| it["type"] == kind && it["status"] == "True")
}
