//! Manifests in YAML, for who has them.

use infra_core::{Handle, Stack, program::ResourceExt as _};
use serde_json::Value as Json;

use crate::{Object, ObjectDecl};

/// Declares every object of a text with one or several YAML documents, under names made of kind and name
/// (`deployment-web`; with the namespace between them where two would be the same). What is in a namespace of the text
/// comes after that namespace, and everything after the text's custom resource definitions.
///
/// ```
/// use infra_core::Stack;
///
/// fn program(stack: &mut Stack) {
///     infra_kubernetes::yaml::add(stack, "
/// apiVersion: v1
/// kind: ConfigMap
/// metadata: {name: settings}
/// data: {level: info}
/// ");
/// }
/// ```
///
/// What cannot be read is reported with the program's other mistakes: line and column of the text, and what was expected.
#[track_caller]
pub fn add(stack: &mut Stack, text: &str) -> Vec<Handle<Object>> {
    let documents = match documents(text) {
        Ok(documents) => documents,
        Err(e) => {
            stack.error(format!("a manifest in YAML: {e}"));
            return Vec::new();
        }
    };
    // Definitions first, then namespaces, then what needs them.
    let rank = |object: &Json| match object["kind"].as_str() {
        Some("CustomResourceDefinition") => 0,
        Some("Namespace") => 1,
        _ => 2,
    };
    let mut sorted: Vec<&Json> = documents.iter().collect();
    sorted.sort_by_key(|object| rank(object));
    let mut definitions: Vec<Handle<Object>> = Vec::new();
    let mut namespaces: Vec<(String, Handle<Object>)> = Vec::new();
    let mut all = Vec::new();
    for object in &sorted {
        let mut declared = Object::of(object).depends_on(&definitions);
        let within = object["metadata"]["namespace"].as_str();
        if let Some((_, namespace)) = namespaces.iter().find(|(name, _)| within == Some(name)) {
            declared = declared.depends_on(namespace);
        }
        let handle = stack.add(called(object, &sorted), declared);
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        match rank(object) {
            0 => definitions.push(handle.clone()),
            1 => namespaces.push((name, handle.clone())),
            _ => {}
        }
        all.push(handle);
    }
    all
}

/// The objects of a text with one or several YAML documents, to be declared one by one. What cannot be read becomes one
/// declaration that reports it.
pub fn objects(text: &str) -> Vec<ObjectDecl> {
    match documents(text) {
        Ok(documents) => documents.iter().map(Object::of).collect(),
        Err(e) => vec![Object::mistaken(format!("a manifest in YAML: {e}"))],
    }
}

/// The documents, with what stands in lists of them.
fn documents(text: &str) -> Result<Vec<Json>, String> {
    // A key called `n` is no `false`.
    let options = serde_saphyr::options! { strict_booleans: true };
    let read = serde_saphyr::from_multiple_with_options(text, options);
    let read: Vec<Json> = read.map_err(|e| e.to_string())?;
    let mut all = Vec::new();
    for document in read.into_iter().filter(|document| !document.is_null()) {
        match document {
            Json::Object(mut list) if list.get("kind").is_some_and(|kind| kind == "List") => {
                if let Some(Json::Array(items)) = list.remove("items") {
                    all.extend(items);
                }
            }
            object @ Json::Object(_) => all.push(object),
            other => {
                return Err(format!(
                    "expected an object with `apiVersion` and `kind`, found {other}"
                ));
            }
        }
    }
    Ok(all)
}

/// What an object is called in the program.
fn called(object: &Json, all: &[&Json]) -> String {
    let text =
        |of: &Json, field: &str| of["metadata"][field].as_str().unwrap_or_default().to_owned();
    let (kind, name) =
        (object["kind"].as_str().unwrap_or("object").to_lowercase(), text(object, "name"));
    let alike = all.iter().filter(|other| {
        other["kind"] == object["kind"] && other["metadata"]["name"] == object["metadata"]["name"]
    });
    let called = if alike.count() > 1 {
        format!("{kind}-{}-{name}", text(object, "namespace"))
    } else {
        format!("{kind}-{name}")
    };
    // Names of roles have colons.
    called
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use infra_core::state::{StackName, Value};

    use super::*;

    #[test]
    fn documents_and_lists_become_objects() {
        let text = "---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: n}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n";
        let mut stack = Stack::new(StackName::new("program", "dev").unwrap(), Value::map());
        let handles = add(&mut stack, text);
        let urns: Vec<_> = handles.iter().map(|handle| handle.urn().to_string()).collect();
        assert_eq!(
            urns,
            ["kubernetes:core:Namespace::namespace-n", "kubernetes:core:ConfigMap::configmap-a"]
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let error = documents("a: [1\nb: 2").unwrap_err();
        assert!(error.contains("line"), "{error}");
        assert!(documents("just text").unwrap_err().contains("`apiVersion` and `kind`"));
    }
}
