//! Whose an object is: written into its labels and annotations, outside of everything that is compared.

use std::collections::BTreeMap;

use infra_core::{provider::Operation, state::StackName};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

/// The label that every object of a stack has, for finding them all.
pub(super) const STACK: &str = "infra-engine/stack";
/// What our annotations begin with; `infra:urn` elsewhere.
const PREFIX: &str = "infra-engine/";

/// The value of the label: at most 63 characters of those that labels allow.
pub(super) fn label(stack: &StackName) -> String {
    let name = stack.to_string();
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '.' })
        .collect();
    if plain.len() <= 63 {
        return plain;
    }
    let digest = Sha256::digest(name.as_bytes());
    let number = digest.iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("{}.{number:08x}", &plain[..54])
}

/// What says whose an object is, of its annotations; in the engine's own names.
pub(super) fn of(object: &Json) -> Option<BTreeMap<String, String>> {
    let annotations = object["metadata"]["annotations"].as_object()?;
    let own = annotations.iter().filter_map(|(key, value)| {
        let name = key.strip_prefix(PREFIX)?;
        Some((format!("{}{name}", Operation::TAG_PREFIX), value.as_str()?.to_owned()))
    });
    let own: BTreeMap<_, _> = own.collect();
    (!own.is_empty()).then_some(own)
}

/// Writes into a manifest whose the object is. What an earlier operation wrote stays: a change is not a new object.
pub(super) fn write(
    manifest: &mut Json,
    op: Option<&Operation>,
    before: Option<&BTreeMap<String, String>>,
) {
    let tags = before.cloned().or_else(|| op.map(Operation::owner_tags)).unwrap_or_default();
    for (key, value) in &tags {
        let name = key.strip_prefix(Operation::TAG_PREFIX).unwrap_or(key);
        manifest["metadata"]["annotations"][format!("{PREFIX}{name}")] = json!(value);
    }
    if let Some(stack) = tags.get("infra:stack").and_then(|name| parse(name)) {
        manifest["metadata"]["labels"][STACK] = json!(label(&stack));
    }
}

fn parse(name: &str) -> Option<StackName> {
    let (program, stack) = name.split_once('/')?;
    StackName::new(program, stack).ok()
}

/// Takes out of a live object what [`write`] put in.
pub(super) fn strip(object: &mut Json) {
    let metadata = &mut object["metadata"];
    if let Some(annotations) = metadata["annotations"].as_object_mut() {
        annotations.retain(|key, _| !key.starts_with(PREFIX));
    }
    if let Some(labels) = metadata["labels"].as_object_mut() {
        labels.remove(STACK);
    }
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.retain(|_, value| {
            !value.as_object().is_some_and(serde_json::Map::is_empty) && !value.is_null()
        });
    }
}
