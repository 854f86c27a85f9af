//! The instances of a Terraform state, as far as planting looks at them.

use serde_json::Value;

/// One managed object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) kind: String,
    pub(super) address: String,
    pub(super) attributes: Value,
}

/// Everything managed that is in the state, without what is deposed: that is on its way out.
pub(super) fn objects(state: &Value) -> Result<Vec<Object>, String> {
    if state["version"] != 4 {
        let found = &state["version"];
        return Err(format!("expected a Terraform state of version 4, found version {found}"));
    }
    let resources = state["resources"]
        .as_array()
        .ok_or_else(|| "expected a Terraform state, found no `resources`".to_owned())?;
    let mut all = Vec::new();
    for resource in resources.iter().filter(|it| it["mode"] == "managed") {
        let kind = resource["type"].as_str().unwrap_or_default();
        let module = resource["module"].as_str().map(|it| format!("{it}.")).unwrap_or_default();
        let name = resource["name"].as_str().unwrap_or_default();
        for instance in resource["instances"].as_array().into_iter().flatten() {
            if instance["deposed"].is_string() {
                continue;
            }
            let key = match &instance["index_key"] {
                Value::Null => String::new(),
                key => format!("[{key}]"),
            };
            let attributes = instance["attributes"].clone();
            let address = format!("{module}{kind}.{name}{key}");
            all.push(Object { kind: kind.to_owned(), address, attributes });
        }
    }
    Ok(all)
}

impl Object {
    /// An attribute that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.attributes[name].as_str().filter(|text| !text.is_empty())
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, String> {
        self.text(name).ok_or_else(|| format!("the state does not say its `{name}`"))
    }

    pub(super) fn id(&self) -> Result<&str, String> {
        self.need("id")
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        texts(&self.attributes[name])
    }

    /// The only block of this name, or null.
    pub(super) fn block(&self, name: &str) -> &Value {
        &self.attributes[name][0]
    }

    /// The tags, as older and newer providers write them.
    pub(super) fn tags(&self) -> Vec<(String, String)> {
        let tags = [&self.attributes["tags"], &self.attributes["tags_all"]];
        let mut all: Vec<(String, String)> = Vec::new();
        for (key, value) in tags.into_iter().filter_map(Value::as_object).flatten() {
            if !all.iter().any(|(known, _)| known == key) {
                all.push((key.clone(), value.as_str().unwrap_or_default().to_owned()));
            }
        }
        all
    }

    /// The part of its ARN at this place: 3 is the region, 4 the account.
    pub(super) fn of_arn(&self, place: usize) -> Option<&str> {
        let arn = self.text("arn")?;
        arn.split(':').nth(place).filter(|part| !part.is_empty())
    }
}

pub(super) fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
