//! Reading a state file: format 4, which Terraform has written since 0.12 and OpenTofu writes too.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::{Path, Segment, Value};
use serde::Deserialize;

use super::{super::Key, Address, Call, Instance, OutputValue, ProviderAddress, State};
use crate::{Error, ErrorKind, Result};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    terraform_version: String,
    #[serde(default)]
    serial: u64,
    #[serde(default)]
    lineage: String,
    #[serde(default)]
    outputs: BTreeMap<String, FileOutput>,
    #[serde(default)]
    resources: Vec<FileResource>,
}

#[derive(Deserialize)]
struct FileOutput {
    #[serde(default)]
    value: serde_json::Value,
    #[serde(default, rename = "type")]
    of_type: serde_json::Value,
    #[serde(default)]
    sensitive: bool,
}

#[derive(Deserialize)]
struct FileResource {
    #[serde(default)]
    module: Option<String>,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    provider: String,
    #[serde(default)]
    instances: Vec<FileInstance>,
}

#[derive(Deserialize)]
struct FileInstance {
    #[serde(default)]
    index_key: serde_json::Value,
    #[serde(default)]
    schema_version: u64,
    #[serde(default)]
    attributes: Option<serde_json::Value>,
    /// What was written before schemas were known, and never since.
    #[serde(default)]
    attributes_flat: Option<BTreeMap<String, String>>,
    #[serde(default)]
    deposed: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    dependencies: BTreeSet<String>,
    /// Of Terraform 0.12: names within the module.
    #[serde(default)]
    depends_on: BTreeSet<String>,
    #[serde(default)]
    sensitive_attributes: Vec<serde_json::Value>,
}

impl State {
    /// Reads a state file. An error says what it is instead, and what to do.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let json = document(bytes)?;
        let file: File = serde_path_to_error::deserialize(json).map_err(|e| {
            refused(format!(
                "it is a state of Terraform, but not as one is written: at `{}`, {}",
                e.path(),
                e.inner()
            ))
        })?;
        let mut instances = Vec::new();
        for resource in file.resources {
            read_resource(resource, &mut instances)?;
        }
        let outputs = file.outputs.into_iter().map(|(name, output)| {
            let value = Value::from(output.value);
            let value = if output.sensitive { value.secret() } else { value };
            (name, OutputValue { value, of_type: output.of_type.to_string() })
        });
        Ok(Self {
            written_by: file.terraform_version,
            serial: file.serial,
            lineage: file.lineage,
            instances,
            outputs: outputs.collect(),
        })
    }
}

fn refused(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Usage, what.to_string())
}

/// The JSON of a state of format 4.
fn document(bytes: &[u8]) -> Result<serde_json::Value> {
    const WANTED: &str = "expected a state of Terraform (`terraform.tfstate`, or what `terraform state pull` prints)";
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let what = "found a file in UTF-16 (PowerShell's `>` writes it)";
        return Err(refused(format!("{WANTED}, {what}: write it in UTF-8")));
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(refused(format!("{WANTED}, found an empty file")));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        let what = "found a saved plan (`terraform plan -out`)";
        return Err(refused(format!("{WANTED}, {what}: apply it, then give the state")));
    }
    let json: serde_json::Value = serde_json::from_slice(bytes)
        .map_err(|e| refused(format!("{WANTED}, found what is no JSON: {e}")))?;
    let has = |key: &str| json.get(key).is_some();
    if has("encrypted_data") || has("encryption_version") {
        let what = "found one that OpenTofu has encrypted";
        return Err(refused(format!(
            "{WANTED}, {what}: only OpenTofu can open it; give what `tofu state pull` prints"
        )));
    }
    if has("format_version") {
        let what = if has("planned_values") || has("resource_changes") {
            "a plan (`terraform show -json PLAN`): apply it, then give the state"
        } else {
            "what `terraform show -json` prints, which leaves out what is sensitive: give what `terraform state pull` prints"
        };
        return Err(refused(format!("{WANTED}, found {what}")));
    }
    let Some(version) = json.get("version").and_then(serde_json::Value::as_u64) else {
        return Err(refused(format!("{WANTED}, found JSON without a `version`")));
    };
    let by =
        json.get("terraform_version").and_then(|by| by.as_str()).unwrap_or("an unknown version");
    match version {
        4 if has("resources") || has("outputs") || has("lineage") => Ok(json),
        4 => Err(refused(format!("{WANTED}, found JSON of a `version` 4 that is something else"))),
        0..4 => Err(refused(format!(
            "the state has format {version}, written by {by}: `terraform refresh` of Terraform 0.12 or newer writes it as \
             format 4"
        ))),
        _ => Err(refused(format!(
            "the state has format {version}, written by {by}, and formats up to 4 are known: this program is older than the \
             state"
        ))),
    }
}

fn read_resource(resource: FileResource, instances: &mut Vec<Instance>) -> Result<()> {
    let module = resource.module.as_deref().unwrap_or_default();
    let place = if module.is_empty() {
        format!("{}.{}", resource.kind, resource.name)
    } else {
        format!("{module}.{}.{}", resource.kind, resource.name)
    };
    let address: Address = place.parse().map_err(|e: String| refused(e))?;
    let address = Address { data: resource.mode == "data", ..address };
    let provider = ProviderAddress::read(&resource.provider).ok_or_else(|| {
        let found = &resource.provider;
        refused(format!(
            "{address}: expected a provider like `provider[\"…/aws\"].us`, found {found:?}"
        ))
    })?;
    for instance in resource.instances {
        let key = match instance.index_key {
            serde_json::Value::Null => None,
            serde_json::Value::String(name) => Some(Key::Name(name)),
            key => {
                let index = key.as_u64().and_then(|at| usize::try_from(at).ok());
                let wrong = || {
                    refused(format!("{address}: expected a text or a number as key, found {key}"))
                };
                Some(Key::Index(index.ok_or_else(wrong)?))
            }
        };
        let mut attributes = match (instance.attributes, instance.attributes_flat) {
            (Some(attributes), _) => Value::from(attributes),
            (None, Some(flat)) => {
                Value::Map(flat.into_iter().map(|(k, v)| (k, Value::String(v))).collect())
            }
            (None, None) => Value::map(),
        };
        for path in &instance.sensitive_attributes {
            mark(&mut attributes, &sensitive(path).0);
        }
        let within = |name: &String| match module {
            "" => name.clone(),
            module => format!("{}.{name}", without_keys(module)),
        };
        let mut dependencies = instance.dependencies;
        dependencies.extend(instance.depends_on.iter().map(within));
        instances.push(Instance {
            address: Address { key, ..address.clone() },
            provider: provider.clone(),
            schema_version: instance.schema_version,
            attributes,
            deposed: instance.deposed,
            tainted: instance.status.as_deref() == Some("tainted"),
            dependencies,
        });
    }
    Ok(())
}

/// `module.a.module.b` of `module.a["x"].module.b[0]`.
fn without_keys(module: &str) -> String {
    let inside: Result<Address, _> = format!("{module}.x.x").parse();
    let calls: Vec<Call> = inside.map(|address| address.modules).unwrap_or_default();
    let names: Vec<_> = calls.iter().map(|call| format!("module.{}", call.name)).collect();
    names.join(".")
}

/// A path of `sensitive_attributes`: steps of the form `{"type": "get_attr", "value": "password"}`, or with an index
/// `{"type": "index", "value": {"value": 0, "type": "number"}}`.
fn sensitive(path: &serde_json::Value) -> Path {
    let steps = path.as_array().map(Vec::as_slice).unwrap_or_default();
    let step = |step: &serde_json::Value| {
        let value = step.get("value")?;
        let value = value.get("value").unwrap_or(value);
        match value {
            serde_json::Value::String(key) => Some(Segment::Key(key.clone())),
            value => Some(Segment::Index(usize::try_from(value.as_u64()?).ok()?)),
        }
    };
    // What cannot be read marks more, never less.
    Path(steps.iter().map_while(step).collect())
}

fn mark(value: &mut Value, path: &[Segment]) {
    let Some((first, rest)) = path.split_first() else {
        if !matches!(value, Value::Null) {
            *value = std::mem::take(value).secret();
        }
        return;
    };
    match (value, first) {
        (Value::Map(map), Segment::Key(key)) => {
            if let Some(inner) = map.get_mut(key) {
                mark(inner, rest);
            }
        }
        (Value::List(list), Segment::Index(at)) => {
            if let Some(inner) = list.get_mut(*at) {
                mark(inner, rest);
            }
        }
        // An element of a set has no place: all of it is.
        (value @ (Value::List(_) | Value::Map(_)), _) => *value = std::mem::take(value).secret(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        State::read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_state_is_told_from_one() {
        for (text, told) in [
            ("", "found an empty file"),
            (" \n", "found an empty file"),
            ("hello", "found what is no JSON"),
            ("[]", "found JSON without a `version`"),
            ("{\"version\": \"4\"}", "found JSON without a `version`"),
            ("{\"version\": 4}", "that is something else"),
            ("{\"version\": 5, \"resources\": []}", "formats up to 4 are known"),
            (
                "{\"version\": 3, \"terraform_version\": \"0.11.14\", \"modules\": []}",
                "format 3, written by 0.11.14",
            ),
            ("{\"format_version\": \"1.0\", \"planned_values\": {}}", "found a plan"),
            ("{\"format_version\": \"1.0\", \"values\": {}}", "terraform show -json"),
            ("PK\u{3}\u{4}rest", "found a saved plan"),
            (
                "{\"serial\": 1, \"lineage\": \"x\", \"meta\": {}, \"encrypted_data\": \"eA==\", \
                 \"encryption_version\": \"v0\"}",
                "OpenTofu has encrypted",
            ),
            (
                "{\"version\": 4, \"resources\": [{\"mode\": \"managed\"}]}",
                "at `resources[0]`, missing field `type`",
            ),
            (
                "{\"version\": 4, \"resources\": [{\"mode\": \"managed\", \"type\": \"a\", \"name\": \"b\", \"provider\": \
                 \"aws\"}]}",
                "expected a provider",
            ),
            (
                "{\"version\": 4, \"resources\": [{\"mode\": \"managed\", \"type\": \"a\", \"name\": \"b\", \"provider\": \
                 \"provider.aws\", \"instances\": [{\"index_key\": true}]}]}",
                "expected a text or a number as key",
            ),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(told), "{text}: {refusal}");
        }
    }

    #[test]
    fn how_an_editor_saved_it_does_not_matter_or_is_said() {
        let text = "{\"version\": 4, \"lineage\": \"l\"}";
        let marked = [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat();
        assert_eq!(State::read(&marked).unwrap().lineage, "l");
        let wide = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}{".encode_utf16().flat_map(unit).collect()
        };
        for bytes in [wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
            let refusal = State::read(&bytes).unwrap_err().to_string();
            assert!(
                refusal.contains("UTF-16") && refusal.contains("write it in UTF-8"),
                "{refusal}"
            );
        }
    }

    #[test]
    fn a_state_without_resources_is_one() {
        let state = State::read(b"{\"version\": 4, \"lineage\": \"l\", \"serial\": 3}").unwrap();
        assert_eq!((state.instances.len(), state.serial, &*state.lineage), (0, 3, "l"));
    }

    const ODD: &str = include_str!("../../../tests/data/terraform/odd.tfstate");

    #[test]
    fn modules_keys_aliases_deposed_and_tainted_instances_are_read() {
        let state = State::read(ODD.as_bytes()).unwrap();
        let shown: Vec<_> = state
            .instances
            .iter()
            .map(|it| {
                let deposed = it.deposed.as_ref().map(|key| format!(" deposed {key}"));
                let tainted = if it.tainted { " tainted" } else { "" };
                let alias = it.provider.alias.as_ref().map(|alias| format!(" in {alias}"));
                format!(
                    "{}{tainted}{}{}",
                    it.address,
                    deposed.unwrap_or_default(),
                    alias.unwrap_or_default()
                )
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
        let secret = &state.instances[0].attributes;
        assert!(secret.get("id").is_some_and(|id| !id.has_secret()));
        assert!(secret.get("password").is_some_and(Value::has_secret));
        assert!(state.outputs["token"].value.has_secret());
        assert!(!state.outputs["names"].value.has_secret());
    }

    #[test]
    fn what_is_sensitive_inside_is_marked_there_or_around() {
        let mut value: Value =
            serde_json::json!({"a": [{"b": "x", "c": "y"}], "set": ["z"]}).into();
        let at = |json| sensitive(&json).0;
        mark(
            &mut value,
            &at(serde_json::json!([
                {"type": "get_attr", "value": "a"},
                {"type": "index", "value": {"value": 0, "type": "number"}},
                {"type": "get_attr", "value": "b"}
            ])),
        );
        mark(
            &mut value,
            &at(
                serde_json::json!([{"type": "get_attr", "value": "set"}, {"type": "index", "value": "hash"}]),
            ),
        );
        assert_eq!(
            format!("{value:?}"),
            "{\"a\": [{\"b\": [secret], \"c\": \"y\"}], \"set\": [secret]}"
        );
    }

    /// The state of a real system, written by Terraform 1.11 with version 3.8 of its provider for AWS.
    #[test]
    fn a_real_state_is_read() {
        let bytes = include_bytes!("../../../tests/data/terraform/seed.tfstate");
        let state = State::read(bytes).unwrap();
        let managed = state.instances.iter().filter(|it| !it.address.data);
        assert_eq!(managed.count(), 66);
        let printed = |it: &Instance| it.address.to_string();
        let addresses: BTreeSet<_> = state.instances.iter().map(printed).collect();
        assert!(addresses.contains("module.vpc.aws_subnet.private[2]"));
        for instance in &state.instances {
            let address: Address = instance.address.to_string().parse().unwrap();
            assert_eq!(address, instance.address);
            for on in &instance.dependencies {
                on.parse::<Address>().unwrap();
            }
        }
    }
}
