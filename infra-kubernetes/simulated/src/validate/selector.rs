//! Label selectors.

use serde_json::{Map, Value};

use crate::json::{at, entries, items, text};

/// Whether a `LabelSelector` takes these labels. An empty one takes all, none at all nothing.
pub(crate) fn matches(selector: &Value, labels: &Value) -> bool {
    if !selector.is_object() {
        return false;
    }
    let nothing = Map::new();
    let labels = labels.as_object().unwrap_or(&nothing);
    let equal = entries(selector, "matchLabels").all(|(key, value)| labels.get(key) == Some(value));
    let fits = items(selector, "matchExpressions").iter().all(|rule| {
        let has = labels.get(text(rule, "key"));
        let among = || has.is_some_and(|value| items(rule, "values").contains(value));
        match text(rule, "operator") {
            "In" => among(),
            "NotIn" => !among(),
            "Exists" => has.is_some(),
            "DoesNotExist" => has.is_none(),
            _ => false,
        }
    });
    equal && fits
}

/// Whether a selector says nothing.
pub(super) fn is_empty(selector: &Value) -> bool {
    at(selector, "matchLabels").as_object().is_none_or(Map::is_empty)
        && items(selector, "matchExpressions").is_empty()
}
