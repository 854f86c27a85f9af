//! What a source has by itself, beside objects: secrets and outputs, and what becomes of them.

use std::collections::BTreeMap;

use infra_state::Value;

use super::declare::Declared;
use crate::transfer::take::{Left, Reason};

/// A secret that a source has by itself: a random password.
pub(super) struct Given {
    /// What the source calls it.
    pub(super) origin: String,
    /// What it is called in the program, if it is in there.
    pub(super) name: String,
    /// Its value.
    pub(super) text: String,
}

/// What is said of the secrets and outputs that are no resources of the program, or not in it at all.
pub(super) fn unused(
    secrets: &[Given],
    outputs: &BTreeMap<String, Value>,
    declared: &Declared,
) -> Vec<Left> {
    let secret = |given: &Given| {
        let is_used = declared.secrets.values().any(|text| *text == given.text);
        let (reason, why) = if is_used {
            (Reason::Part, "its value is a secret of the program")
        } else {
            let why =
                "nothing that was taken uses it; Terraform's state is the only place that has it";
            (Reason::Unmapped, why)
        };
        Left { origin: given.origin.clone(), reason, why: why.to_owned() }
    };
    let outputs = outputs.iter().filter(|(name, _)| !declared.exports.contains_key(*name));
    let output = |(name, value): (&String, &Value)| Left {
        origin: format!("the output `{name}`"),
        reason: Reason::Unmapped,
        why: format!("{}: write it with `stack.export`, if it is needed", unlike(value)),
    };
    secrets.iter().map(secret).chain(outputs.map(output)).collect()
}

/// Why a value is not one output of one object.
fn unlike(value: &Value) -> &'static str {
    if value.has_secret() {
        return "it is sensitive";
    }
    match value {
        Value::String(_) => "its text is no output of exactly one of the objects that were taken",
        Value::List(_) => "it is a list",
        Value::Map(_) => "it is a map",
        _ => "it is no text",
    }
}
