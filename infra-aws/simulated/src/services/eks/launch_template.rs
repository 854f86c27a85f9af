//! EKS looks at the launch template a node group is made of.

use serde_json::{Value, json};

use super::cluster::strings;
use super::route::invalid;
use crate::services::{Access, Service, neighbour};
use crate::wire::{Failure, text};

/// What a node group shows of the template, and the security groups its instances are in.
pub(super) fn resolve(
    access: &mut Access<'_>,
    asked: &Value,
) -> Result<(Value, Vec<String>), Failure> {
    let here = neighbour::is_here(access, Service::Ec2);
    let docs = access.docs(Service::Ec2);
    let found = docs.values("launch-template").find(|it| {
        it["launchTemplateId"] == asked["id"] || it["launchTemplateName"] == asked["name"]
    });
    let Some(found) = found else {
        return if here {
            Err(invalid("The specified launch template does not exist"))
        } else {
            told(asked)
        };
    };
    let default = found["defaultVersionNumber"].to_string();
    let version = match text(asked, "version") {
        None | Some("$Default") => default,
        Some("$Latest") => found["latestVersionNumber"].to_string(),
        Some(number) => number.to_owned(),
    };
    let id = found["launchTemplateId"].as_str().unwrap_or_default();
    let number: u64 = version.parse().unwrap_or(0);
    let data = docs
        .get("+launch-template-version", &format!("{id}/{number:06}"))
        .map(|it| it["launchTemplateData"].clone())
        .ok_or_else(|| invalid(format!("launch template version {version} does not exist")))?;
    let mut groups = strings(&data["securityGroupIdSet"]);
    groups.extend(strings(&data["networkInterfaceSet"][0]["groupSet"]));
    let shown = json!({
        "id": id, "name": found["launchTemplateName"], "version": version,
    });
    Ok((shown, groups))
}

/// A template that is elsewhere is what the caller says it is.
fn told(asked: &Value) -> Result<(Value, Vec<String>), Failure> {
    if asked["id"].is_null() == asked["name"].is_null() {
        return Err(invalid("Either the launch template's id or its name must be given"));
    }
    if text(asked, "id").is_some_and(|id| !id.starts_with("lt-")) {
        return Err(invalid("The launch template's id is not valid"));
    }
    let version = text(asked, "version").unwrap_or("1");
    Ok((json!({"id": asked["id"], "name": asked["name"], "version": version}), Vec::new()))
}

/// Whether two of them, as shown, are surely not the same template: what either leaves out cannot
/// be compared.
pub(super) fn differs(old: &Value, new: &Value) -> bool {
    ["id", "name"].iter().any(|field| {
        let (old, new) = (&old[*field], &new[*field]);
        old != new && !old.is_null() && !new.is_null()
    })
}
