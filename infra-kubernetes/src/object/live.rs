//! What of a live object is compared with what was recorded.

use std::collections::BTreeMap;

use infra_core::state::Value;
use serde_json::Value as Json;

use super::owner;
use crate::kind::Kind;

/// The live object as far as `recorded` says something about it, in the words of `recorded` where they mean the same.
///
/// `applied` is what the server would make of the live object if `recorded` were applied to it now. Where it is what there
/// is, nothing of ours was changed: defaults, `1000m` for `1`, and what others added do not matter. Where it is not, the
/// live value is shown.
pub(super) fn owned(recorded: &Value, live: &Json, applied: &Json) -> Value {
    match recorded {
        Value::Secret(inner) => owned(inner, live, applied).secret(),
        Value::Map(map) => {
            let Some(fields) = live.as_object() else { return differing(recorded, live, applied) };
            let of = |(key, recorded): (&String, &Value)| match (fields.get(key), applied.get(key))
            {
                // The server keeps nothing there: there is nothing to compare.
                (None, None) => Some((key.clone(), recorded.clone())),
                (None, Some(_)) => None,
                (Some(live), applied) => {
                    Some((key.clone(), owned(recorded, live, applied.unwrap_or(&Json::Null))))
                }
            };
            Value::Map(map.iter().filter_map(of).collect())
        }
        Value::List(list) if live != applied => {
            by_name(list, live, applied).unwrap_or_else(|| Value::from(live.clone()))
        }
        other => differing(other, live, applied),
    }
}

fn differing(recorded: &Value, live: &Json, applied: &Json) -> Value {
    if live == applied { recorded.clone() } else { Value::from(live.clone()) }
}

/// The same without having asked the server: written differently counts as different, but for numbers and their text.
pub(super) fn stated(recorded: &Value, live: &Json) -> Value {
    match recorded {
        Value::Secret(inner) => stated(inner, live).secret(),
        Value::Map(map) => {
            let Some(fields) = live.as_object() else { return Value::from(live.clone()) };
            let of = |(key, recorded): (&String, &Value)| {
                fields.get(key).map(|live| (key.clone(), stated(recorded, live)))
            };
            Value::Map(map.iter().filter_map(of).collect())
        }
        Value::List(list) => {
            let elements = live.as_array().filter(|elements| elements.len() == list.len());
            match elements {
                Some(elements) => {
                    Value::List(list.iter().zip(elements).map(|(r, l)| stated(r, l)).collect())
                }
                None => Value::from(live.clone()),
            }
        }
        other => {
            let text = |json: &Json| json.as_str().map_or_else(|| json.to_string(), str::to_owned);
            if text(&other.to_json()) == text(live) {
                other.clone()
            } else {
                Value::from(live.clone())
            }
        }
    }
}

/// Lists whose elements have names are compared element by element: others may have added theirs.
fn by_name(recorded: &[Value], live: &Json, applied: &Json) -> Option<Value> {
    let named = |list: &Json| -> Option<BTreeMap<String, Json>> {
        let list = list.as_array()?.iter();
        list.map(|element| Some((element["name"].as_str()?.to_owned(), element.clone()))).collect()
    };
    let (live, applied) = (named(live)?, named(applied)?);
    let mut found = Vec::new();
    for element in recorded {
        let name = element.get("name")?.as_str()?;
        if let Some(live) = live.get(name) {
            found.push(owned(element, live, applied.get(name).unwrap_or(&Json::Null)));
        }
    }
    Some(Value::List(found))
}

/// The whole object as it would be declared: for taking over what nobody declared yet.
pub(super) fn manifest(kind: &Kind, live: &Json) -> Value {
    let mut object = live.clone();
    owner::strip(&mut object);
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|key, _| {
            matches!(&**key, "labels" | "annotations" | "finalizers" | "ownerReferences")
        });
    }
    if object["metadata"].as_object().is_some_and(serde_json::Map::is_empty)
        && let Some(map) = object.as_object_mut()
    {
        map.remove("metadata");
    }
    let mut value = Value::from(object);
    if kind.is("", "Secret") {
        hide(&mut value);
    }
    value
}

/// What a secret holds is secret wherever it is met.
fn hide(manifest: &mut Value) {
    let Value::Map(map) = manifest else { return };
    if let Some(Value::Map(data)) = map.get_mut("data") {
        for value in data.values_mut() {
            *value = std::mem::take(value).secret();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_was_recorded_and_would_be_changed_back_differs() {
        let recorded = Value::from(json!({
            "metadata": {"labels": {"app": "ledger"}},
            "spec": {"replicas": 3, "containers": [
                {"name": "ledger", "image": "ledger:1", "cpu": "1000m", "ports": [{"containerPort": 7000}]},
                {"name": "side", "image": "side:1"}
            ], "gone": "x", "blind": "kept"}
        }));
        let live = json!({
            "metadata": {"labels": {"app": "ledger", "theirs": "x"}},
            "spec": {"replicas": 5, "containers": [
                {"name": "injected", "image": "i"},
                {"name": "ledger", "image": "ledger:2", "cpu": "1", "ports": [{"containerPort": 7000, "protocol": "TCP"}]}
            ]}
        });
        let applied = json!({
            "metadata": {"labels": {"app": "ledger", "theirs": "x"}},
            "spec": {"replicas": 3, "containers": [
                {"name": "injected", "image": "i"},
                {"name": "ledger", "image": "ledger:1", "cpu": "1", "ports": [{"containerPort": 7000, "protocol": "TCP"}]},
                {"name": "side", "image": "side:1"}
            ], "gone": "x"}
        });
        let expected = Value::from(json!({
            "metadata": {"labels": {"app": "ledger"}},
            "spec": {"replicas": 5, "containers": [
                {"name": "ledger", "image": "ledger:2", "cpu": "1000m", "ports": [{"containerPort": 7000}]}
            ], "blind": "kept"}
        }));
        assert_eq!(owned(&recorded, &live, &applied), expected);
        assert_eq!(owned(&recorded, &applied, &applied).get("spec"), recorded.get("spec"));
    }

    #[test]
    fn what_a_secret_holds_stays_hidden() {
        let recorded = Value::from([("data", Value::from([("k", Value::from("YQ==").secret())]))]);
        let (live, applied) = (json!({"data": {"k": "Yg=="}}), json!({"data": {"k": "YQ=="}}));
        assert!(owned(&recorded, &live, &applied).get("data").unwrap().has_secret());
        let kind = Kind { group: String::new(), kind: "Secret".to_owned() };
        assert!(manifest(&kind, &live).get("data").unwrap().has_secret());
    }
}
