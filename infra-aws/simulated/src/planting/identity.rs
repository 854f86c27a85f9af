//! IAM.

use serde_json::json;

use super::object::Object;
use super::planter::{Planter, Result, element, pairs};
use crate::services::Service;

pub(super) fn policy(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let input = json!({
        "PolicyName": object.need("name")?, "Path": object.text("path"),
        "PolicyDocument": object.need("policy")?, "Description": object.text("description"),
        "Tags": pairs(object),
    });
    let made = planter.send(Service::Iam, "CreatePolicy", input)?;
    if let Some(id) = object.text("policy_id") {
        planter.rename(&element(&made, "PolicyId"), id);
    }
    Ok(())
}

pub(super) fn role(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let input = json!({
        "RoleName": object.need("name")?, "Path": object.text("path"),
        "AssumeRolePolicyDocument": object.need("assume_role_policy")?,
        "Description": object.text("description"),
        "MaxSessionDuration": object.attributes["max_session_duration"],
        "PermissionsBoundary": object.text("permissions_boundary"), "Tags": pairs(object),
    });
    let made = planter.send(Service::Iam, "CreateRole", input)?;
    if let Some(id) = object.text("unique_id") {
        planter.rename(&element(&made, "RoleId"), id);
    }
    Ok(())
}

pub(super) fn role_policy(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let input = json!({
        "RoleName": object.need("role")?, "PolicyName": object.need("name")?,
        "PolicyDocument": object.need("policy")?,
    });
    planter.send(Service::Iam, "PutRolePolicy", input).map(drop)
}

pub(super) fn attachment(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let input = json!({"RoleName": object.need("role")?, "PolicyArn": object.need("policy_arn")?});
    planter.send(Service::Iam, "AttachRolePolicy", input).map(drop)
}

pub(super) fn profile(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let name = object.need("name")?;
    let input = json!({
        "InstanceProfileName": name, "Path": object.text("path"), "Tags": pairs(object),
    });
    let made = planter.send(Service::Iam, "CreateInstanceProfile", input)?;
    if let Some(id) = object.text("unique_id") {
        planter.rename(&element(&made, "InstanceProfileId"), id);
    }
    if let Some(role) = object.text("role") {
        let input = json!({"InstanceProfileName": name, "RoleName": role});
        planter.send(Service::Iam, "AddRoleToInstanceProfile", input)?;
    }
    Ok(())
}

pub(super) fn user(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let input = json!({
        "UserName": object.need("name")?, "Path": object.text("path"), "Tags": pairs(object),
    });
    let made = planter.send(Service::Iam, "CreateUser", input)?;
    if let Some(id) = object.text("unique_id") {
        planter.rename(&element(&made, "UserId"), id);
    }
    Ok(())
}
