//! Pods, as deployments and jobs make them.

use infra_core::program::{IntoExport, IntoInput};

use super::{Container, builder::Part};

/// A template of pods: `Pod::new().container(ledger).service_account(&account.name)`.
#[derive(Clone)]
#[must_use]
pub struct Pod(pub(super) Part);

/// How pods are spread: `Spread::over("topology.kubernetes.io/zone")`.
#[derive(Clone)]
#[must_use]
pub struct Spread(Part);

/// What containers can mount.
#[derive(Clone)]
#[must_use]
pub struct Volume(Part);

impl Default for Pod {
    fn default() -> Self {
        Self::new()
    }
}

impl Pod {
    /// A template without a container yet.
    pub fn new() -> Self {
        Self(Part::new())
    }

    /// A container.
    pub fn container(self, container: Container) -> Self {
        Self(self.0.push("spec.containers", container.0))
    }

    /// A container that runs, and has to end well, before the others start.
    pub fn init_container(self, container: Container) -> Self {
        Self(self.0.push("spec.initContainers", container.0))
    }

    /// Who it is.
    pub fn service_account(self, name: impl IntoInput<String>) -> Self {
        Self(self.0.text("spec.serviceAccountName", name))
    }

    /// A label, beside those that its controller finds it by.
    pub fn label(self, key: &str, value: impl IntoInput<String>) -> Self {
        let value = value.into_input().into_expr();
        Self(self.0.entry("metadata.labels", key, value))
    }

    /// An annotation. One that says which version of something outside it was made for rolls the pods when that changes.
    pub fn annotation(self, key: &str, value: impl IntoInput<String>) -> Self {
        let value = value.into_input().into_expr();
        Self(self.0.entry("metadata.annotations", key, value))
    }

    /// Something to mount.
    pub fn volume(self, volume: Volume) -> Self {
        Self(self.0.push("spec.volumes", volume.0))
    }

    /// How it is spread over nodes or zones.
    pub fn spread(self, spread: Spread) -> Self {
        Self(self.0.push("spec.topologySpreadConstraints", spread.0))
    }

    /// Only on nodes with this label.
    pub fn node_selector(self, key: &str, value: impl IntoInput<String>) -> Self {
        let value = value.into_input().into_expr();
        Self(self.0.entry("spec.nodeSelector", key, value))
    }

    /// How many seconds it has to end by itself; 30 if left out.
    pub fn grace(self, seconds: i32) -> Self {
        Self(self.0.set("spec.terminationGracePeriodSeconds", seconds))
    }

    /// The user and group that its containers run as, which own its volumes; never root.
    pub fn user(self, id: i32) -> Self {
        Self(
            self.0
                .set("spec.securityContext.runAsNonRoot", true)
                .set("spec.securityContext.runAsUser", id)
                .set("spec.securityContext.runAsGroup", id)
                .set("spec.securityContext.fsGroup", id)
                .set("spec.securityContext.seccompProfile.type", "RuntimeDefault"),
        )
    }

    /// Any other field: `.set("spec.priorityClassName", "high")`.
    pub fn set(self, path: &str, value: impl IntoExport) -> Self {
        Self(self.0.set(path, value))
    }

    /// Applies `change` only if `condition` holds.
    pub fn when(self, condition: bool, change: impl FnOnce(Self) -> Self) -> Self {
        if condition { change(self) } else { self }
    }
}

impl Spread {
    /// Over the values of a label of nodes, at most one apart; a pod that would break that stays pending.
    pub fn over(label: &str) -> Self {
        let part = Part::new().set("topologyKey", label).set("maxSkew", 1);
        Self(part.set("whenUnsatisfiable", "DoNotSchedule"))
    }

    /// Over zones. Nodes of a lost zone do not count: its pods find a place in the others.
    pub fn over_zones() -> Self {
        Self(Self::over("topology.kubernetes.io/zone").0.set("nodeTaintsPolicy", "Honor"))
    }

    /// Over hosts, as well as it can be done.
    pub fn over_hosts() -> Self {
        let part = Self::over("kubernetes.io/hostname").0.set("nodeTaintsPolicy", "Honor");
        Self(part.set("whenUnsatisfiable", "ScheduleAnyway"))
    }

    /// The pods that are counted: those with this label.
    pub fn counting(self, key: &str, value: impl IntoInput<String>) -> Self {
        let value = value.into_input().into_expr();
        Self(self.0.entry("labelSelector.matchLabels", key, value))
    }

    /// Only pods of the same template are counted, so that a rollout does not stand in its own way.
    pub fn of_one_rollout(self) -> Self {
        Self(self.0.set("matchLabelKeys", vec!["pod-template-hash".to_owned()]))
    }

    /// How far apart the fullest and the emptiest may be.
    pub fn max_skew(self, skew: i32) -> Self {
        Self(self.0.set("maxSkew", skew))
    }
}

impl Volume {
    /// Empty, on the node's disk.
    pub fn empty(name: &str) -> Self {
        Self(Part::new().set("name", name).with("emptyDir", Part::new()))
    }

    /// Empty, in memory: for what must not be written to a disk.
    pub fn in_memory(name: &str, limit: &str) -> Self {
        let part = Part::new().set("name", name).set("emptyDir.medium", "Memory");
        Self(part.set("emptyDir.sizeLimit", limit))
    }

    /// The entries of a `ConfigMap` as files.
    pub fn config_map(name: &str, map: impl IntoInput<String>) -> Self {
        Self(Part::new().set("name", name).text("configMap.name", map))
    }

    /// The entries of a `Secret` as files.
    pub fn secret(name: &str, secret: impl IntoInput<String>) -> Self {
        Self(Part::new().set("name", name).text("secret.secretName", secret))
    }

    /// Any other: `.set("persistentVolumeClaim.claimName", &claim.name)`.
    pub fn of(name: &str, path: &str, value: impl IntoExport) -> Self {
        Self(Part::new().set("name", name).set(path, value))
    }
}
