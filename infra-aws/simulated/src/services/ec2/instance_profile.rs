//! The instance profiles of instances that run already.

use serde_json::{Value, json};

use super::instance;
use super::kind::{self, need};
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail};

/// The association's id follows from the instance's: an instance has one.
fn association(instance: &str, profile: &Value) -> Value {
    json!({"iamInstanceProfileAssociation": {
        "associationId": instance.replacen("i-", "iip-assoc-", 1), "instanceId": instance,
        "iamInstanceProfile": profile, "state": "associated",
    }})
}

/// The instance whose association the call names.
fn associated(access: &mut Access<'_>) -> Result<String, Failure> {
    let asked = need(access.input(), "AssociationId")?.to_owned();
    let id = asked.replacen("iip-assoc-", "i-", 1);
    let docs = access.docs(Service::Ec2);
    let known = docs.get("instance", &id).is_some_and(|it| it["iamInstanceProfile"].is_object());
    if known {
        Ok(id)
    } else {
        let message = format!("The association ID '{asked}' does not exist");
        Err(fail("InvalidAssociationID.NotFound", message))
    }
}

pub(super) fn associate(access: &mut Access<'_>) -> Outcome {
    let (id, old) = kind::INSTANCE.param(access, "InstanceId")?;
    if old["iamInstanceProfile"].is_object() {
        let message = format!("There is an existing association for instance {id}");
        return Err(fail("IncorrectState", message));
    }
    put(access, &id)
}

pub(super) fn replace(access: &mut Access<'_>) -> Outcome {
    let id = associated(access)?;
    put(access, &id)
}

fn put(access: &mut Access<'_>, id: &str) -> Outcome {
    let asked = access.input()["IamInstanceProfile"].clone();
    let profile = instance::profile(access, &asked)?;
    kind::INSTANCE.edit(access, id)?["iamInstanceProfile"] = profile.clone();
    Ok(association(id, &profile))
}

pub(super) fn disassociate(access: &mut Access<'_>) -> Outcome {
    let id = associated(access)?;
    let old = kind::INSTANCE.edit(access, &id)?["iamInstanceProfile"].take();
    Ok(association(&id, &old))
}
