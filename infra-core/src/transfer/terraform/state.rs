//! What a Terraform state says.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::Value;

use super::{Address, ProviderAddress};

/// A state of Terraform (≥ 0.12) or OpenTofu: format 4. Read by [`State::read`].
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The version of Terraform that wrote it.
    pub written_by: String,
    /// How often it was written.
    pub serial: u64,
    /// Its identity.
    pub lineage: String,
    /// The instances of all resources, data sources among them, in the order of the file.
    pub instances: Vec<Instance>,
    /// What the root module gives.
    pub outputs: BTreeMap<String, OutputValue>,
}

/// One object that Terraform knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Where it is in the configuration.
    pub address: Address,
    /// What it is made through.
    pub provider: ProviderAddress,
    /// The version of the provider's schema that `attributes` are of.
    pub schema_version: u64,
    /// Its attributes, a map; what the provider or the configuration calls sensitive is marked secret.
    pub attributes: Value,
    /// The key of an object that is only waiting to be deleted.
    pub deposed: Option<String>,
    /// Terraform would replace it in its next run.
    pub tainted: bool,
    /// What it was made from: addresses without keys.
    pub dependencies: BTreeSet<String>,
}

/// An output of the root module.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputValue {
    /// Its value, marked secret if it is sensitive.
    pub value: Value,
    /// Its type as Terraform writes it: `"string"`, `["list","string"]`.
    pub of_type: String,
}

impl Instance {
    /// A text attribute, secret or not; an empty one is none.
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Its id.
    pub fn id(&self) -> Option<&str> {
        self.text("id")
    }

    /// An attribute, if it is not null.
    pub fn attribute(&self, attribute: &str) -> Option<&Value> {
        let value = self.attributes.get(attribute)?;
        (!matches!(value.revealed(), Value::Null)).then_some(value)
    }
}
