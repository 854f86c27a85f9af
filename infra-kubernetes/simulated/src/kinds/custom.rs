//! The kinds that a `CustomResourceDefinition` adds.

use std::sync::Arc;

use serde_json::Value;

use super::kind::Kind;
use crate::json::{at, flag, items, text};
use crate::schema::custom_type;

/// One kind for each version that is served.
pub(crate) fn kinds_of(definition: &Value) -> Vec<Arc<Kind>> {
    let names = at(definition, "spec.names");
    let strings = |field: &str| -> Vec<String> {
        items(names, field).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let served = items(definition, "spec.versions").iter().filter(|it| flag(it, "served"));
    let kinds = served.map(|version| {
        let schema = at(version, "schema.openAPIV3Schema");
        let kind = text(names, "kind").to_owned();
        let singular = match text(names, "singular") {
            "" => kind.to_lowercase(),
            given => given.to_owned(),
        };
        Arc::new(Kind {
            group: text(definition, "spec.group").to_owned(),
            version: text(version, "name").to_owned(),
            kind,
            plural: text(names, "plural").to_owned(),
            singular,
            short: strings("shortNames"),
            categories: strings("categories"),
            namespaced: text(definition, "spec.scope") == "Namespaced",
            status: at(version, "subresources.status").is_object(),
            scale: at(version, "subresources.scale").is_object(),
            generation: true,
            root: custom_type(schema),
            schema: version.clone(),
            custom: true,
        })
    });
    kinds.collect()
}
