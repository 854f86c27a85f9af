//! The Resource Groups Tagging API: the tags of parameters, by their ARNs.

use serde_json::{Value, json};

use super::{Access, Service};
use crate::wire::{Outcome, fail, texts};

/// How many ARNs one call may name.
const ARNS: usize = 100;

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    if access.call.operation != "GetResources" {
        let message = format!("no tagging operation {}", access.call.operation);
        return Err(fail("InvalidAction", message));
    }
    let input = access.input();
    let arns = texts(input, "ResourceARNList");
    if arns.is_empty() {
        let message = "the embedded AWS looks tags up by ResourceARNList only";
        return Err(fail("InvalidParameterException", message));
    }
    let paged = ["PaginationToken", "ResourcesPerPage", "TagsPerPage"];
    if arns.len() > ARNS || paged.iter().any(|name| !input[name].is_null()) {
        let message = "ResourceARNList takes 100 ARNs, and no parameter of pages beside it";
        return Err(fail("InvalidParameterException", message));
    }
    let found = arns.iter().filter_map(|arn| {
        let tags = parameter(access, arn)?;
        Some(json!({"ResourceARN": arn, "Tags": tags}))
    });
    let found: Value = found.collect();
    Ok(json!({"PaginationToken": "", "ResourceTagMappingList": found}))
}

/// The tags of a parameter of the region; nothing where it never had any.
fn parameter(access: &mut Access<'_>, arn: &str) -> Option<Value> {
    let (front, name) = arn.split_once(":parameter/")?;
    let here = format!("arn:aws:ssm:{}:{}", access.region(), access.account());
    if front != here {
        return None;
    }
    // A name with levels begins with a slash, which its ARN has once.
    let docs = access.docs(Service::Ssm);
    let found = [format!("/{name}"), name.to_owned()];
    let found = found.iter().find_map(|name| docs.get("parameter", name))?;
    let tags = found["_tags"].clone();
    tags.as_array().is_some_and(|tags| !tags.is_empty()).then_some(tags)
}
