//! How objects are declared.

use std::collections::BTreeMap;

use infra_core::{
    Output,
    graph::Expr,
    program::{Declared, Input, IntoExport, Placeholder, ResourceExt as _, resolved},
    state::{Path, Value},
};
use serde::Serialize;

use super::{Object, ObjectDecl, tree};
use crate::kind::Kind;

/// Where a constructor leaves what it could not do; nothing of Kubernetes has a field of this name.
const MISTAKE: &str = "$mistake";
/// What the API server writes, and nobody declares.
const WRITTEN: [&str; 7] = [
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Stands for an output in a field of a typed struct, at any depth: text, a number, or either of them optional.
///
/// ```
/// use infra_core::{Stack, Output};
/// use infra_kubernetes::{Object, output};
/// use k8s_openapi::api::core::v1::ConfigMap;
///
/// fn settings(stack: &mut Stack, endpoint: &Output<String>) {
///     let mut settings = ConfigMap::default();
///     settings.metadata.name = Some("settings".to_owned());
///     let data = [("database".to_owned(), output(endpoint))];
///     settings.data = Some(data.into());
///     stack.add("settings", Object::of(settings));
/// }
/// ```
///
/// It is exchanged for the output when the object is declared. Anywhere else it is a mistake, which is reported with the
/// program's others.
pub fn output<P: Placeholder, T>(output: &Output<T>) -> P {
    P::of(output)
}

impl Object {
    /// An object from its typed struct: one of `k8s_openapi`'s, or one of your own that serialises with `apiVersion` and
    /// `kind` (as `kube::CustomResource` derives them). [`output`] puts outputs into its fields.
    pub fn of(object: impl Serialize) -> ObjectDecl {
        let value = match serde_json::to_value(object) {
            Ok(json) => Value::from(json),
            Err(e) => Value::from([(MISTAKE, format!("it cannot be written as JSON: {e}").into())]),
        };
        Self::new(value)
    }

    /// An object of a kind that only the cluster knows: `Object::custom("monitoring.coreos.com/v1", "Probe",
    /// json!({"metadata": {"name": "ledger"}, "spec": {…}}))`. Its kind has to be there when it is applied, or come up
    /// within the timeout: let it depend on the definition.
    pub fn custom(api_version: &str, kind: &str, body: impl Serialize) -> ObjectDecl {
        let mut value = match serde_json::to_value(body) {
            Ok(json) => Value::from(json),
            Err(e) => Value::from([(MISTAKE, format!("it cannot be written as JSON: {e}").into())]),
        };
        if let Value::Map(map) = &mut value {
            map.insert("apiVersion".to_owned(), api_version.into());
            map.insert("kind".to_owned(), kind.into());
        }
        Self::new(value)
    }

    /// An object whose parts hang on outputs already.
    pub(crate) fn from_expr(manifest: Expr) -> ObjectDecl {
        Self::new(Input::<Value>::from_expr(manifest))
    }

    /// What could not become an object: reported with the program's other mistakes.
    pub(crate) fn mistaken(message: String) -> ObjectDecl {
        Self::new(Value::from([(MISTAKE, message.into())]))
    }
}

impl ObjectDecl {
    /// Puts a value or an output at a place of the manifest: `.set("spec.replicas", &count)`. Maps on the way are made.
    pub fn set(self, path: &str, value: impl IntoExport) -> Self {
        let fields = self.0.clone().into_map();
        let Some(manifest) = fields.get("manifest") else { return self };
        let path = match path.parse::<Path>() {
            Ok(path) => path,
            Err(e) => return Object::mistaken(e.to_string()),
        };
        match tree::set(&of_placeholders(manifest), &path, value.into_export()) {
            Ok(manifest) => Self(self.0.with("manifest", Input::<Value>::from_expr(manifest))),
            Err(e) => Object::mistaken(e),
        }
    }
}

/// What stands for outputs, exchanged; as it was where that cannot be, which is reported later.
fn of_placeholders(manifest: &Expr) -> Expr {
    match manifest {
        Expr::Literal(value) => resolved(value).unwrap_or_else(|_| manifest.clone()),
        other => other.clone(),
    }
}

/// Brings a declaration into the form that is recorded: of its own kind, name and namespace beside the manifest, without
/// what is the server's.
pub(super) fn declare(declared: Declared<Object>) -> Declared<Object> {
    match parts(&declared) {
        Err(message) => declared.mistaken(message),
        Ok(Parts { kind, name, namespace, manifest }) => {
            let mut declared = declared
                .with_input("manifest", manifest)
                .of_kind(std::sync::Arc::clone(kind.driver()))
                .replace_on_changes(kind.immutable().iter().copied());
            for (field, value) in [("name", name), ("namespace", namespace)] {
                if let Some(value) = value {
                    declared = declared.with_input(field, value);
                }
            }
            declared
        }
    }
}

struct Parts {
    kind: Kind,
    name: Option<Expr>,
    namespace: Option<Expr>,
    manifest: Expr,
}

fn parts(declared: &Declared<Object>) -> Result<Parts, String> {
    let inputs = declared.inputs();
    let given = inputs.get("manifest").unwrap_or(&Expr::Literal(Value::Null));
    let manifest = match given {
        Expr::Literal(value) => resolved(value)?,
        other => other.clone(),
    };
    let mut manifest = tree::entries(&manifest)
        .ok_or("expected an object with `apiVersion` and `kind`, known while the program runs")?;
    if let Some(message) = manifest.get(MISTAKE).and_then(tree::text) {
        return Err(message.to_owned());
    }
    let known = |field: &str| {
        let text = manifest.get(field).and_then(tree::text).filter(|text| !text.is_empty());
        let wrong = || format!("expected `{field}` as text that is known while the program runs");
        text.map(str::to_owned).ok_or_else(wrong)
    };
    let kind = Kind::of(&known("apiVersion")?, &known("kind")?);
    manifest.remove("status");
    manifest.retain(|_, value| !tree::is_nothing(value));
    let mut metadata = match manifest.remove("metadata") {
        Some(metadata) => tree::entries(&metadata).ok_or("`metadata`: expected a map")?,
        None => BTreeMap::new(),
    };
    metadata.retain(|key, value| !WRITTEN.contains(&&**key) && !tree::is_nothing(value));
    let mut beside = |field: &str| {
        let own = metadata.remove(field);
        if inputs.contains_key(field) { None } else { own }
    };
    let (name, namespace) = (beside("name"), beside("namespace"));
    if !metadata.is_empty() {
        manifest.insert("metadata".to_owned(), Expr::Map(metadata));
    }
    if kind.is("", "Secret") {
        seal(&mut manifest)?;
    }
    Ok(Parts { kind, name, namespace, manifest: Expr::Map(manifest) })
}

/// What a secret holds is secret, and is declared as the server stores it: all of it in `data`.
fn seal(manifest: &mut BTreeMap<String, Expr>) -> Result<(), String> {
    let mut part = |field: &str| match manifest.remove(field) {
        Some(part) => tree::entries(&part).ok_or_else(|| format!("`{field}`: expected a map")),
        None => Ok(BTreeMap::new()),
    };
    let (data, text) = (part("data")?, part("stringData")?);
    let mut sealed: BTreeMap<String, Expr> =
        data.into_iter().map(|(key, value)| (key, Expr::Secret(Box::new(value)))).collect();
    for (key, value) in text {
        sealed.insert(key, Expr::Secret(Box::new(Expr::Base64(Box::new(value)))));
    }
    if !sealed.is_empty() {
        manifest.insert("data".to_owned(), Expr::Map(sealed));
    }
    Ok(())
}
