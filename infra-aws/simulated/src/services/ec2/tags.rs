//! Tags on everything.

use serde_json::{Value, json};

use super::{describe, kind};
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, list, text, texts};

/// The tags a create call asks for, for one type of object.
pub(super) fn specified(input: &Value, resource_type: &str) -> Value {
    let mut tags = Vec::new();
    for specification in list(input, "TagSpecification") {
        if specification["ResourceType"] == resource_type {
            for tag in list(specification, "Tag") {
                put(&mut tags, tag);
            }
        }
    }
    Value::Array(tags)
}

fn put(tags: &mut Vec<Value>, tag: &Value) {
    let (key, value) = (text(tag, "Key").unwrap_or(""), text(tag, "Value").unwrap_or(""));
    tags.retain(|old| old["key"] != key);
    tags.push(json!({"key": key, "value": value}));
}

/// The table of an id, by its beginning.
fn table(access: &mut Access<'_>, id: &str) -> Result<&'static str, Failure> {
    let docs = access.docs(Service::Ec2);
    kind::ALL.iter().find(|kind| docs.has(kind.table, id)).map(|kind| kind.table).ok_or_else(|| {
        let known = kind::ALL
            .iter()
            .find(|kind| id.rsplit_once('-').is_some_and(|(prefix, _)| prefix == kind.prefix));
        known.map_or_else(
            || fail("InvalidID", format!("The ID '{id}' is not valid")),
            |kind| kind.not_found(id),
        )
    })
}

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let ids = texts(input, "ResourceId");
    let tables = ids.iter().map(|id| table(access, id)).collect::<Result<Vec<_>, _>>()?;
    if list(input, "Tag")
        .iter()
        .any(|tag| text(tag, "Key").is_some_and(|key| key.starts_with("aws:")))
    {
        return Err(fail(
            "InvalidParameterValue",
            "Tag keys starting with 'aws:' are reserved for internal use",
        ));
    }
    for (id, table) in ids.iter().zip(tables) {
        if let Some(document) = access.docs(Service::Ec2).edit(table, id) {
            let mut tags = document["tagSet"].as_array().cloned().unwrap_or_default();
            for tag in list(input, "Tag") {
                put(&mut tags, tag);
            }
            document["tagSet"] = Value::Array(tags);
        }
    }
    Ok(json!({"return": true}))
}

/// A tag without a value is removed whatever its value; with one, only if it is the same.
pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let ids = texts(input, "ResourceId");
    let tables = ids.iter().map(|id| table(access, id)).collect::<Result<Vec<_>, _>>()?;
    let unwanted = list(input, "Tag");
    for (id, table) in ids.iter().zip(tables) {
        let Some(document) = access.docs(Service::Ec2).edit(table, id) else { continue };
        if let Some(tags) = document["tagSet"].as_array_mut() {
            tags.retain(|tag| {
                !unwanted.is_empty()
                    && !unwanted.iter().any(|gone| {
                        gone["Key"] == tag["key"]
                            && (gone["Value"].is_null() || gone["Value"] == tag["value"])
                    })
            });
        }
    }
    Ok(json!({"return": true}))
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let mut rows = Vec::new();
    for kind in kind::ALL {
        for (id, document) in access.docs(Service::Ec2).all(kind.table) {
            for tag in document["tagSet"].as_array().into_iter().flatten() {
                rows.push(json!({
                    "resourceId": id, "resourceType": kind.table, "key": tag["key"],
                    "value": tag["value"],
                }));
            }
        }
    }
    let filters = describe::filters(access.input());
    rows.retain(|row| {
        filters.iter().all(|(name, values)| {
            let (field, wanted) = match name.as_str() {
                "resource-id" => ("resourceId", None),
                "resource-type" => ("resourceType", None),
                other => match other.strip_prefix("tag:") {
                    Some(key) => ("value", Some(key)),
                    None => (other, None),
                },
            };
            wanted.is_none_or(|key| row["key"] == key)
                && values.iter().any(|value| row[field] == value.as_str())
        })
    });
    describe::page(access.input(), "tagSet", rows)
}
