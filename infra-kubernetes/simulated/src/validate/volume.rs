//! Volumes of pods.

use std::collections::BTreeSet;

use serde_json::Value;

use super::name;
use crate::failure::Cause;
use crate::json::{at, items, text};

/// The names of the volumes, and what is wrong with them.
pub(super) fn volumes<'a>(
    spec: &'a Value,
    path: &str,
    causes: &mut Vec<Cause>,
) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (index, volume) in items(spec, "volumes").iter().enumerate() {
        let path = format!("{path}.volumes[{index}]");
        let given = text(volume, "name");
        if given.is_empty() {
            causes.push(Cause::required(format!("{path}.name"), ""));
        } else if let Some(why) = name::label(given) {
            causes.push(Cause::invalid(format!("{path}.name"), at(volume, "name"), &why));
        } else if !names.insert(given) {
            causes.push(Cause::duplicate(format!("{path}.name"), at(volume, "name")));
        }
        let sources = volume.as_object().map_or(0, |fields| fields.len() - 1);
        if sources > 1 {
            let detail = "may not specify more than 1 volume type";
            causes.push(Cause::forbidden(path.clone(), detail));
        }
        for (source, field) in [
            ("secret", "secretName"),
            ("configMap", "name"),
            ("persistentVolumeClaim", "claimName"),
        ] {
            let given = at(volume, source);
            if given.is_object() && text(given, field).is_empty() {
                causes.push(Cause::required(format!("{path}.{source}.{field}"), ""));
            }
        }
    }
    names
}
