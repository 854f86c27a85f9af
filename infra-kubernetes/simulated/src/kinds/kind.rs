//! One kind of objects, in one version of its group.

use serde_json::Value;

use crate::schema::Type;

/// What the API knows of a kind.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own")]
#[expect(clippy::struct_field_names, reason = "the API calls it so")]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    /// It has the subresource `status`.
    pub(crate) status: bool,
    /// It has the subresource `scale`.
    pub(crate) scale: bool,
    /// Its generation is counted.
    pub(crate) generation: bool,
    /// The type of its objects.
    pub(crate) root: Type,
    /// For a kind that a definition adds: the schema of this version, else null.
    pub(crate) schema: Value,
    pub(crate) custom: bool,
}

impl Kind {
    /// `deployments.apps`; without a group `pods`.
    pub(crate) fn resource(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// The table its objects are in: the same for all versions.
    pub(crate) fn table(&self) -> String {
        self.resource()
    }

    /// `apps/v1`; without a group `v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The path of its objects: in a namespace, in all of them, or of the cluster.
    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}
