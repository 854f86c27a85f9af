//! Which change of a manifest leaves less of what somebody runs.
//!
//! How many replicas there are (of a workload, or at least and at most of an autoscaler), and how much each asks for and
//! may use, a claim's storage among it. Kinds of the cluster's own are looked at by the same words.

use infra_core::state::{Path, Value};

use super::live::quantity;

/// The fields that say how many there are.
const COUNTS: [&str; 6] =
    ["maxReplicaCount", "maxReplicas", "minReplicaCount", "minReplicas", "parallelism", "replicas"];
/// The maps that say how much each has: of CPU, memory, storage.
const AMOUNTS: [&str; 2] = ["limits", "requests"];

/// The first field of the specification of which `want` has less than `live`, and how much of it.
pub(super) fn less(live: &Value, want: &Value) -> Option<String> {
    less_in(&Path::field("spec"), live.get("spec")?, want.get("spec")?)
}

fn less_in(at: &Path, live: &Value, want: &Value) -> Option<String> {
    let (live, want) = (live.revealed(), want.revealed());
    if let (Value::List(live), Value::List(want)) = (live, want) {
        return want.iter().enumerate().find_map(|(place, want)| {
            // Containers are told apart by their names.
            let there = match want.get("name") {
                Some(name) => live.iter().find(|it| it.get("name").is_some_and(|it| it.same(name))),
                None => live.get(place),
            };
            less_in(&at.index(place), there?, want)
        });
    }
    let (live, want) = (live.as_map()?, want.as_map()?);
    want.iter().find_map(|(key, want)| {
        let (at, live) = (at.key(key), live.get(key)?);
        if COUNTS.contains(&&**key) {
            return fewer(&at, live, want);
        }
        if AMOUNTS.contains(&&**key)
            && let (Some(live), Some(want)) = (live.revealed().as_map(), want.revealed().as_map())
        {
            let mut named =
                want.iter().filter_map(|(name, want)| Some((name, live.get(name)?, want)));
            return named.find_map(|(name, live, want)| fewer(&at.key(name), live, want));
        }
        less_in(&at, live, want)
    })
}

fn fewer(at: &Path, live: &Value, want: &Value) -> Option<String> {
    let text = |value: &Value| match value.to_json() {
        serde_json::Value::String(text) => text,
        json => json.to_string(),
    };
    let (live, want) = (text(live), text(want));
    (quantity(&want)? < quantity(&live)?).then(|| format!("`{at}` {live} -> {want}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn of(live: &Json, want: &Json) -> Option<String> {
        less(&Value::from(json!({"spec": live})), &Value::from(json!({"spec": want})))
    }

    /// What is said where a field has less than before; nothing is where it has more, or the same.
    fn both(field: &str, more: &Json, less: &Json) -> String {
        let (more, less) = (json!({field: more}), json!({field: less}));
        assert_eq!(of(&less, &more), None, "{field}: more is no less");
        assert_eq!(of(&more, &more), None, "{field}: the same is no less");
        of(&more, &less).unwrap_or_else(|| panic!("{field}"))
    }

    #[test]
    fn less_is_told_from_more_wherever_it_stands() {
        assert_eq!(both("replicas", &json!(12), &json!(3)), "`spec.replicas` 12 -> 3");
        assert_eq!(both("replicas", &json!(12), &json!(0)), "`spec.replicas` 12 -> 0");
        both("maxReplicas", &json!(20), &json!(10));
        both("minReplicas", &json!(4), &json!(2));
        // A claim.
        let storage = |size: &str| json!({"requests": {"storage": size}});
        let said = both("resources", &storage("100Gi"), &storage("20Gi"));
        assert_eq!(said, "`spec.resources.requests.storage` 100Gi -> 20Gi");
        // A container, whatever others stand beside it.
        let container = |name: &str, memory: &str| json!({"name": name, "resources": {"limits": {"memory": memory, "cpu": "1"}}});
        let pod = |name: &str, memory: &str| json!({"spec": {"containers": [container("other", "1Gi"), container(name, memory)]}});
        let said = both("template", &pod("web", "2Gi"), &pod("web", "512Mi"));
        let path = "spec.template.spec.containers[1].resources.limits.memory";
        assert_eq!(said, format!("`{path}` 2Gi -> 512Mi"));
        let other =
            [pod("web", "2Gi"), pod("api", "1Gi")].map(|template| json!({"template": template}));
        assert_eq!(of(&other[0], &other[1]), None);
    }

    #[test]
    fn the_same_in_other_words_and_what_one_side_does_not_say_is_no_less() {
        let cpu = |amount: &str| json!({"requests": {"cpu": amount}});
        assert_eq!(of(&cpu("1"), &cpu("1000m")), None);
        assert_eq!(of(&json!({}), &json!({"replicas": 1})), None);
        assert_eq!(of(&json!({"replicas": 5}), &json!({})), None);
        // A label of that name is no number of anything.
        let selector = |text: &str| json!({"selector": {"matchLabels": {"replicas": text}}});
        assert_eq!(of(&selector("web"), &selector("api")), None);
        let data = Value::from(json!({"data": {"replicas": "3"}}));
        assert_eq!(less(&Value::from(json!({"data": {"replicas": "5"}})), &data), None);
    }
}
