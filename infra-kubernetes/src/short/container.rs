//! Containers of pods.

use infra_core::{
    Output,
    program::{IntoExport, IntoInput},
};

use super::{
    Probe,
    builder::{Part, texts},
};

/// A container: `Container::new("ledger", &image).port("http", 7000)`.
#[derive(Clone)]
#[must_use]
pub struct Container(pub(super) Part);

impl Container {
    /// A container from an image: best by digest (`repository@sha256:…`), so that what runs is what was tried.
    pub fn new(name: &str, image: impl IntoInput<String>) -> Self {
        Self(Part::new().set("name", name).text("image", image))
    }

    /// What is run instead of the image's entry point.
    pub fn command<T: IntoInput<String>>(self, command: impl IntoIterator<Item = T>) -> Self {
        Self(self.0.set("command", Output::<Vec<String>>::from_expr(texts(command))))
    }

    /// Its arguments, instead of the image's.
    pub fn args<T: IntoInput<String>>(self, args: impl IntoIterator<Item = T>) -> Self {
        Self(self.0.set("args", Output::<Vec<String>>::from_expr(texts(args))))
    }

    /// A variable of its environment. What is secret belongs into a `Secret`, or into the parameter store.
    pub fn env(self, name: &str, value: impl IntoInput<String>) -> Self {
        Self(self.0.push("env", Part::new().set("name", name).text("value", value)))
    }

    /// A variable from an entry of a `Secret`.
    pub fn env_from_secret(self, name: &str, secret: impl IntoInput<String>, key: &str) -> Self {
        let from = "valueFrom.secretKeyRef";
        let env = Part::new().set("name", name).text(&format!("{from}.name"), secret);
        Self(self.0.push("env", env.set(&format!("{from}.key"), key)))
    }

    /// A variable from an entry of a `ConfigMap`.
    pub fn env_from_config_map(self, name: &str, map: impl IntoInput<String>, key: &str) -> Self {
        let from = "valueFrom.configMapKeyRef";
        let env = Part::new().set("name", name).text(&format!("{from}.name"), map);
        Self(self.0.push("env", env.set(&format!("{from}.key"), key)))
    }

    /// A variable from the pod itself: `metadata.name`, `spec.nodeName`.
    pub fn env_from_field(self, name: &str, field: &str) -> Self {
        let env = Part::new().set("name", name).set("valueFrom.fieldRef.fieldPath", field);
        Self(self.0.push("env", env))
    }

    /// A port that it listens on.
    pub fn port(self, name: &str, port: i32) -> Self {
        Self(self.0.push("ports", Part::new().set("name", name).set("containerPort", port)))
    }

    /// What the scheduler sets aside for it: CPUs (`100m` is a tenth) and memory (`64Mi`).
    pub fn requests(self, cpu: &str, memory: &str) -> Self {
        Self(self.0.set("resources.requests.cpu", cpu).set("resources.requests.memory", memory))
    }

    /// The most memory it may have; it is ended if it wants more.
    pub fn memory_limit(self, memory: &str) -> Self {
        Self(self.0.set("resources.limits.memory", memory))
    }

    /// The most CPU it may have; it is slowed down beyond that.
    pub fn cpu_limit(self, cpu: &str) -> Self {
        Self(self.0.set("resources.limits.cpu", cpu))
    }

    /// Asked until it has come up; the other probes begin after that.
    pub fn startup(self, probe: Probe) -> Self {
        Self(self.0.with("startupProbe", probe.0))
    }

    /// While it fails the pod gets no traffic.
    pub fn readiness(self, probe: Probe) -> Self {
        Self(self.0.with("readinessProbe", probe.0))
    }

    /// When it fails the container is started anew.
    pub fn liveness(self, probe: Probe) -> Self {
        Self(self.0.with("livenessProbe", probe.0))
    }

    /// A volume of the pod's at a path.
    pub fn mount(self, volume: &str, path: &str) -> Self {
        Self(self.0.push("volumeMounts", Part::new().set("name", volume).set("mountPath", path)))
    }

    /// The same without being able to write there.
    pub fn mount_read_only(self, volume: &str, path: &str) -> Self {
        let mount = Part::new().set("name", volume).set("mountPath", path).set("readOnly", true);
        Self(self.0.push("volumeMounts", mount))
    }

    /// Waits before it is asked to end, so that load balancers stop sending first. Needs Kubernetes 1.30.
    pub fn sleep_before_stop(self, seconds: i32) -> Self {
        Self(self.0.set("lifecycle.preStop.sleep.seconds", seconds))
    }

    /// What a namespace with the standard `restricted` asks of a container, and a root file system that cannot be written.
    pub fn restricted(self) -> Self {
        Self(
            self.0
                .set("securityContext.allowPrivilegeEscalation", false)
                .set("securityContext.readOnlyRootFilesystem", true)
                .set("securityContext.runAsNonRoot", true)
                .set("securityContext.capabilities.drop", vec!["ALL".to_owned()])
                .set("securityContext.seccompProfile.type", "RuntimeDefault"),
        )
    }

    /// Any other field: `.set("imagePullPolicy", "Always")`.
    pub fn set(self, path: &str, value: impl IntoExport) -> Self {
        Self(self.0.set(path, value))
    }

    /// Applies `change` only if `condition` holds.
    pub fn when(self, condition: bool, change: impl FnOnce(Self) -> Self) -> Self {
        if condition { change(self) } else { self }
    }
}
