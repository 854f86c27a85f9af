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

/// The same without having asked the server: what means the same is told only where that can be told from outside.
pub(super) fn stated(recorded: &Value, live: &Json) -> Value {
    match recorded {
        Value::Secret(inner) => stated(inner, live).secret(),
        Value::Map(map) => {
            let Some(fields) = live.as_object() else { return Value::from(live.clone()) };
            let of = |(key, recorded): (&String, &Value)| match (fields.get(key), recorded) {
                (None, Value::Null) => Some((key.clone(), Value::Null)),
                (None, _) => None,
                (Some(live), recorded) => Some((key.clone(), stated(recorded, live))),
            };
            Value::Map(map.iter().filter_map(of).collect())
        }
        Value::List(list) => {
            if let Some(named) = by_name(list, live, live) {
                let live = live.as_array().map_or(&[][..], Vec::as_slice);
                let of = |element: &Value| {
                    let name = element.get("name").and_then(Value::as_str)?;
                    Some(stated(element, live.iter().find(|live| live["name"] == name)?))
                };
                let found: Option<Vec<_>> = list.iter().map(of).collect();
                return found.map_or(named, Value::List);
            }
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
            let (recorded, found) = (text(&other.to_json()), text(live));
            let same = recorded == found
                || quantity(&recorded).is_some_and(|amount| quantity(&found) == Some(amount));
            if same { other.clone() } else { Value::from(live.clone()) }
        }
    }
}

/// How much a text like `100m` or `64Mi` means, in thousandths; `None` where it is no quantity
/// (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>).
pub(super) fn quantity(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let thousandths: i128 = match suffix {
        "m" => 1,
        "" => 1000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "T" => 1_000_000_000_000_000,
        "P" => 1_000_000_000_000_000_000,
        "E" => 1_000_000_000_000_000_000_000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        "Ti" => 1000 << 40,
        "Pi" => 1000 << 50,
        "Ei" => 1000 << 60,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let scale = 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    Some(digits.checked_mul(thousandths)? / scale)
}

/// Lists whose elements have names are compared element by element: others may have added theirs.
fn by_name(recorded: &[Value], live: &Json, applied: &Json) -> Option<Value> {
    let named = |list: &Json| -> Option<BTreeMap<String, Json>> {
        let list = list.as_array()?.iter();
        list.map(|element| Some((element["name"].as_str()?.to_owned(), element.clone()))).collect()
    };
    let count = |list: &Json| list.as_array().map_or(0, Vec::len);
    let (lengths, live, applied) = ((count(live), count(applied)), named(live)?, named(applied)?);
    // Volume mounts of one volume, subjects of several namespaces: these names do not tell them apart.
    if lengths != (live.len(), applied.len()) {
        return None;
    }
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
        // What kubectl and controllers note for themselves; the first has all of a secret in it.
        let own = ["kubectl.kubernetes.io/", "deployment.kubernetes.io/", "deprecated."];
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Json::as_object_mut) {
            annotations.retain(|key, _| !own.iter().any(|own| key.starts_with(own)));
        }
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
    fn elements_of_one_name_are_compared_as_a_whole() {
        let list =
            |second: &str| json!([{"name": "v", "path": "a"}, {"name": "v", "path": second}]);
        let recorded = Value::from(list("b"));
        assert_eq!(owned(&recorded, &list("c"), &list("b")), Value::from(list("c")));
        assert_eq!(owned(&recorded, &list("b"), &list("b")), recorded);
    }

    #[test]
    fn without_the_server_quantities_and_names_still_mean_what_they_mean() {
        let recorded = Value::from(json!({"cpu": "1000m", "memory": "1024Mi", "none": null,
            "list": [{"name": "a", "v": 1}]}));
        let live = json!({"cpu": "1", "memory": "1Gi", "list": [{"name": "theirs"}, {"name": "a", "v": 1, "d": 2}]});
        assert_eq!(stated(&recorded, &live), recorded);
        assert_ne!(stated(&recorded, &json!({"cpu": "2", "memory": "1Gi", "list": []})), recorded);
        assert_eq!(
            (quantity("0.5"), quantity("500m"), quantity("1x")),
            (Some(500), Some(500), None)
        );
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
