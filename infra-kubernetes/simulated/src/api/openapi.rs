//! `/openapi/v3`: the schemas, and which parameters calls take.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::json::at;
use crate::kinds::Kind;
use crate::schema::{Type, document};

/// The documents there are, one for each version of a group.
pub(super) fn index(kinds: &[Arc<Kind>]) -> Value {
    let mut paths = Map::new();
    for kind in kinds {
        let path = root(kind);
        let url = json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash=1")});
        paths.insert(path, url);
    }
    json!({"paths": paths})
}

fn root(kind: &Kind) -> String {
    if kind.group.is_empty() {
        format!("api/{}", kind.version)
    } else {
        format!("apis/{}/{}", kind.group, kind.version)
    }
}

/// One document.
pub(super) fn of(path: &str, kinds: &[Arc<Kind>]) -> Option<Value> {
    let wanted = path.strip_prefix("/openapi/v3/")?;
    let mine: Vec<_> = kinds.iter().filter(|kind| root(kind) == wanted).collect();
    mine.first()?;
    let (mut paths, mut schemas) = (Map::new(), BTreeMap::new());
    for kind in &mine {
        let name = schema_of(kind, &mut schemas);
        let group = json!([{"group": kind.group, "version": kind.version, "kind": kind.kind}]);
        if let Some(schema) = schemas.get_mut(&name) {
            schema["x-kubernetes-group-version-kind"] = group;
        }
        describe(kind, &name, &mut paths);
    }
    Some(json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.33.0"},
        "paths": paths, "components": {"schemas": schemas},
    }))
}

fn schema_of(kind: &Kind, schemas: &mut BTreeMap<String, Value>) -> String {
    if let Type::Named(name) = &kind.root {
        collect(name, schemas);
        return name.clone();
    }
    let reversed: Vec<_> = kind.group.split('.').rev().collect();
    let name = format!("{}.{}.{}", reversed.join("."), kind.version, kind.kind);
    let mut schema = at(&kind.schema, "schema.openAPIV3Schema").clone();
    crate::json::as_object(&mut schema);
    let metadata = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    collect(metadata, schemas);
    let reference = json!({"allOf": [{"$ref": format!("#/components/schemas/{metadata}")}]});
    let properties = crate::json::object_at(&mut schema, "properties");
    properties.insert("metadata".to_owned(), reference);
    properties.entry("apiVersion").or_insert(json!({"type": "string"}));
    properties.entry("kind").or_insert(json!({"type": "string"}));
    schemas.insert(name.clone(), schema);
    name
}

/// A schema with all that it refers to.
fn collect(name: &str, schemas: &mut BTreeMap<String, Value>) {
    let mut open = BTreeSet::from([name.to_owned()]);
    while let Some(name) = open.pop_first() {
        let Some(schema) = document().get(&name) else { continue };
        if schemas.insert(name, schema.clone()).is_none() {
            references(schema, &mut open);
        }
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                found.extend(reference.rsplit('/').next().map(str::to_owned));
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn describe(kind: &Kind, name: &str, paths: &mut Map<String, Value>) {
    let base = format!("/{}", root(kind));
    let all = if kind.namespaced {
        format!("{base}/namespaces/{{namespace}}/{}", kind.plural)
    } else {
        format!("{base}/{}", kind.plural)
    };
    let gvk = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
    let reference = json!({"$ref": format!("#/components/schemas/{name}")});
    let ok = json!({"200": {"description": "OK", "content": {"application/json": {"schema": reference}}}});
    let operation = |action: &str, parameters: &[&str]| {
        let parameters: Vec<_> = parameters
            .iter()
            .map(|it| json!({"name": it, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
            .collect();
        json!({
            "operationId": format!("{action}{}", kind.kind), "parameters": parameters, "responses": ok,
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk,
        })
    };
    let write = ["dryRun", "fieldManager", "fieldValidation"];
    let patch = ["dryRun", "fieldManager", "fieldValidation", "force"];
    let list = ["labelSelector", "fieldSelector", "limit", "continue", "watch", "resourceVersion"];
    let delete = ["dryRun", "gracePeriodSeconds", "propagationPolicy"];
    paths.insert(
        format!("{all}/{{name}}"),
        json!({
            "get": operation("get", &[]), "put": operation("put", &write),
            "patch": operation("patch", &patch), "delete": operation("delete", &delete),
        }),
    );
    paths.insert(
        all,
        json!({
            "get": operation("list", &list), "post": operation("post", &write),
            "delete": operation("deletecollection", &delete),
        }),
    );
}
