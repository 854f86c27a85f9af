//! Kinds of objects: how they are called in urns, ids and manifests, and what the engine knows of them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use infra_core::{
    Resource as _,
    provider::{Driver, NameRule, Schema, driver_of_kind},
};

use crate::Object;

/// What every urn of a Kubernetes object begins with.
const PREFIX: &str = "kubernetes:";
/// How urns call the group that has no name.
const CORE: &str = "core";

/// A group and a kind: what an object is, whatever version of its API is used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    /// `apps`; empty for the core group.
    pub(crate) group: String,
    /// `Deployment`.
    pub(crate) kind: String,
}

impl Kind {
    /// The kind of a manifest's `apiVersion` and `kind`.
    pub(crate) fn of(api_version: &str, kind: &str) -> Self {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self { group: group.to_owned(), kind: kind.to_owned() }
    }

    /// `kubernetes:apps:Deployment`, `kubernetes:core:ConfigMap`. The version is left out: a newer one of the same API is
    /// still the same object.
    fn urn(&self) -> String {
        let group = if self.group.is_empty() { CORE } else { &self.group };
        format!("{PREFIX}{group}:{}", self.kind)
    }

    /// The kind that a urn's kind means, if it is one of Kubernetes.
    pub(crate) fn parse(urn: &str) -> Option<Self> {
        let (group, kind) = urn.strip_prefix(PREFIX)?.split_once(':')?;
        let group = if group == CORE { "" } else { group };
        (!kind.is_empty()).then(|| Self { group: group.to_owned(), kind: kind.to_owned() })
    }

    /// Whether it is this kind of this group.
    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }

    /// Whether deleting one loses what nobody can apply again: volumes, and all objects of a custom kind.
    fn holds_data(&self) -> bool {
        self.is("", "PersistentVolumeClaim")
            || self.is("", "PersistentVolume")
            || self.is("apiextensions.k8s.io", "CustomResourceDefinition")
    }

    /// What its names may be: a label of DNS where it becomes one, else a path segment (roles have colons in theirs).
    fn name_rule(&self) -> NameRule {
        let label = ["Namespace", "Service", "Deployment", "StatefulSet", "Job", "CronJob", "Pod"];
        if label.contains(&&*self.kind) && self.group != "rbac.authorization.k8s.io" {
            NameRule { max: 63, extra: "-.", lowercase: true }
        } else {
            NameRule {
                max: 253,
                extra: "-.:",
                lowercase: self.group != "rbac.authorization.k8s.io",
            }
        }
    }

    /// The fields that the API server does not let change: another value replaces the object.
    pub(crate) fn immutable(&self) -> &'static [&'static str] {
        match (&*self.group, &*self.kind) {
            ("batch", "Job") => &[
                "manifest.spec.template",
                "manifest.spec.selector",
                "manifest.spec.completionMode",
                "manifest.spec.podReplacementPolicy",
                "manifest.spec.podFailurePolicy",
                "manifest.spec.backoffLimitPerIndex",
                "manifest.spec.managedBy",
                "manifest.spec.successPolicy",
            ],
            ("apps", "Deployment" | "DaemonSet" | "ReplicaSet") => &["manifest.spec.selector"],
            ("apps", "StatefulSet") => &[
                "manifest.spec.selector",
                "manifest.spec.serviceName",
                "manifest.spec.podManagementPolicy",
                "manifest.spec.volumeClaimTemplates",
            ],
            ("", "Service") => &[
                "manifest.spec.clusterIP",
                "manifest.spec.healthCheckNodePort",
                "manifest.spec.loadBalancerClass",
            ],
            ("", "PersistentVolume") => &["manifest.spec.csi", "manifest.spec.volumeMode"],
            ("discovery.k8s.io", "EndpointSlice") => &["manifest.addressType"],
            ("node.k8s.io", "RuntimeClass") => &["manifest.handler"],
            ("", "Secret") => &["manifest.type"],
            ("", "PersistentVolumeClaim") => &[
                "manifest.spec.accessModes",
                "manifest.spec.storageClassName",
                "manifest.spec.volumeMode",
                "manifest.spec.volumeName",
                "manifest.spec.selector",
                "manifest.spec.dataSource",
                "manifest.spec.dataSourceRef",
            ],
            ("storage.k8s.io", "StorageClass") => &[
                "manifest.parameters",
                "manifest.provisioner",
                "manifest.reclaimPolicy",
                "manifest.volumeBindingMode",
            ],
            ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
                &["manifest.roleRef"]
            }
            ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                &["manifest.spec.group", "manifest.spec.scope", "manifest.spec.names.kind"]
            }
            ("networking.k8s.io", "IngressClass") => &["manifest.spec.controller"],
            ("scheduling.k8s.io", "PriorityClass") => {
                &["manifest.value", "manifest.preemptionPolicy"]
            }
            _ => &[],
        }
    }

    /// The driver of the kind. One a process: it is looked up by reference and lives as long.
    pub(crate) fn driver(&self) -> &'static Arc<dyn Driver> {
        static DRIVERS: Mutex<BTreeMap<Kind, &'static Arc<dyn Driver>>> =
            Mutex::new(BTreeMap::new());
        let mut drivers = DRIVERS.lock().unwrap_or_else(PoisonError::into_inner);
        drivers.entry(self.clone()).or_insert_with(|| {
            let schema: &'static Schema = Box::leak(Box::new(self.schema()));
            Box::leak(Box::new(driver_of_kind::<Object>(schema)))
        })
    }

    fn schema(&self) -> Schema {
        let mut schema = Object::schema().clone();
        schema.kind = String::leak(self.urn());
        schema.holds_data = self.holds_data();
        schema.declarative = true;
        for field in schema.fields.iter_mut().filter(|field| field.name == "name") {
            field.name_rule = Some(self.name_rule());
        }
        schema
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            f.write_str(&self.kind)
        } else {
            write!(f, "{}.{}", self.kind, self.group)
        }
    }
}

/// The driver of the kind that a urn has, if it is one of Kubernetes.
pub(crate) fn driver_of(urn: &str) -> Option<&'static Arc<dyn Driver>> {
    Kind::parse(urn)
        .filter(|_| urn != <Object as infra_core::Resource>::KIND)
        .map(|kind| kind.driver())
}

/// The id of an object: `apps/v1/Deployment/ledger/web`, `v1/Namespace/ledger`. What `import` takes, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

impl Id {
    /// What is wrong is said with what is expected.
    pub(crate) fn parse(id: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "expected an id like `apps/v1/Deployment/NAMESPACE/NAME` or `v1/Namespace/NAME`, found `{id}`"
            )
        };
        let parts: Vec<&str> = id.split('/').collect();
        let version = |part: &str| {
            part.strip_prefix('v')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let at =
            parts.iter().position(|part| version(part)).filter(|at| *at < 2).ok_or_else(wrong)?;
        let (api_version, rest) = (parts[..=at].join("/"), &parts[at + 1..]);
        let (kind, namespace, name) = match rest {
            [kind, name] => (kind, None, name),
            [kind, namespace, name] => (kind, Some((*namespace).to_owned()), name),
            _ => return Err(wrong()),
        };
        if kind.is_empty() || name.is_empty() {
            return Err(wrong());
        }
        Ok(Self { api_version, kind: (*kind).to_owned(), namespace, name: (*name).to_owned() })
    }

    pub(crate) fn kind(&self) -> Kind {
        Kind::of(&self.api_version, &self.kind)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.api_version, self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_urns_without_versions() {
        for (version, kind, urn) in [
            ("apps/v1", "Deployment", "kubernetes:apps:Deployment"),
            ("v1", "ConfigMap", "kubernetes:core:ConfigMap"),
            ("monitoring.coreos.com/v1", "Probe", "kubernetes:monitoring.coreos.com:Probe"),
        ] {
            let kind = Kind::of(version, kind);
            assert_eq!(kind.urn(), urn);
            assert_eq!(driver_of(urn).unwrap().schema().kind, urn);
            assert!(std::ptr::eq(driver_of(urn).unwrap(), kind.driver()));
        }
        assert!(driver_of("aws:ec2:Vpc").is_none());
    }

    #[test]
    fn ids_are_read_as_they_are_written() {
        for id in [
            "apps/v1/Deployment/ledger/web",
            "v1/Namespace/ledger",
            "v1/ConfigMap/a/b",
            "monitoring.coreos.com/v1beta1/Probe/a/b",
            "rbac.authorization.k8s.io/v1/ClusterRole/system:x",
        ] {
            assert_eq!(Id::parse(id).unwrap().to_string(), id);
        }
        for id in [
            "",
            "web",
            "Deployment/web",
            "apps/v1/Deployment",
            "apps/v1/Deployment/a/b/c",
            "a/b/v1/K/n",
        ] {
            let error = Id::parse(id).unwrap_err();
            assert!(error.contains("apps/v1/Deployment/NAMESPACE/NAME"), "{error}");
        }
    }
}
