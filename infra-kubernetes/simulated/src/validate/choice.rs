//! Which rules are for which kind.

use serde_json::Value;

use super::{apps, batch, custom, immutable, pod, rest, scaling, service};
use crate::failure::Cause;
use crate::kinds::Kind;

/// What is wrong with an object by itself.
pub(crate) fn create(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if kind.custom {
        custom::object(kind, object, &mut causes);
        return causes;
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => pod::spec(object, "spec", &[], &mut causes),
        ("", "Service") => service::service(object, &mut causes),
        ("", "ConfigMap") => rest::keys(object, &["data", "binaryData"], &mut causes),
        ("", "Secret") => {
            rest::keys(object, &["data"], &mut causes);
            rest::secret(object, &mut causes);
        }
        ("", "PersistentVolumeClaim") => rest::claim(object, "spec", &mut causes),
        ("apps", "Deployment") => apps::deployment(object, &mut causes),
        ("apps", "ReplicaSet") => apps::replica_set(object, &mut causes),
        ("apps", "StatefulSet") => apps::stateful_set(object, &mut causes),
        ("apps", "DaemonSet") => apps::daemon_set(object, &mut causes),
        ("batch", "Job") => batch::job(object, "spec", &mut causes),
        ("batch", "CronJob") => batch::cron_job(object, &mut causes),
        ("policy", "PodDisruptionBudget") => scaling::budget(object, &mut causes),
        ("autoscaling", _) => scaling::autoscaler(object, &mut causes),
        ("networking.k8s.io", "Ingress") => rest::ingress(object, &mut causes),
        ("networking.k8s.io", "NetworkPolicy") => rest::network_policy(object, &mut causes),
        ("rbac.authorization.k8s.io", kind) => rest::rbac(kind, object, &mut causes),
        ("storage.k8s.io", "StorageClass") => rest::storage_class(object, &mut causes),
        ("apiextensions.k8s.io", _) => custom::definition(object, &mut causes),
        _ => {}
    }
    causes
}

/// What is wrong with a change.
pub(crate) fn update(kind: &Kind, old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    immutable::check(kind, old, new, &mut causes);
    causes
}
