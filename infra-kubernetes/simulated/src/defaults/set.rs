//! The defaults of a kind.

use serde_json::{Value, json};

use super::{apps, batch, custom, pod, rest, service};
use crate::json::{at, put_new};
use crate::kinds::Kind;

/// Fills in what the object does not say.
pub(crate) fn defaulted(kind: &Kind, object: &mut Value) {
    if kind.custom {
        custom::fill(object, at(&kind.schema, "schema.openAPIV3Schema"));
        return;
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => pod::pod(object),
        ("", "Service") => service::service(object),
        ("", "Namespace") => {
            let name = at(object, "metadata.name").clone();
            if name.is_string() {
                crate::json::object_at(object, "metadata.labels")
                    .insert("kubernetes.io/metadata.name".to_owned(), name);
            }
            put_new(object, "status.phase", "Active");
        }
        ("", "Secret") => rest::secret(object),
        ("", "PersistentVolumeClaim") => {
            rest::claim(object);
            put_new(object, "status.phase", "Pending");
        }
        ("", "PersistentVolume") => {
            put_new(object, "spec.volumeMode", "Filesystem");
            put_new(object, "spec.persistentVolumeReclaimPolicy", "Retain");
            put_new(object, "status.phase", "Pending");
        }
        ("", "LimitRange") => rest::limit_range(object),
        ("", "Endpoints") => rest::endpoints(object),
        ("apps", "Deployment") => apps::deployment(object),
        ("apps", "ReplicaSet") => apps::replica_set(object),
        ("apps", "StatefulSet") => apps::stateful_set(object),
        ("apps", "DaemonSet") => apps::daemon_set(object),
        ("batch", "Job") => batch::job(object),
        ("batch", "CronJob") => batch::cron_job(object),
        ("autoscaling", _) => rest::autoscaler(object),
        ("networking.k8s.io", "NetworkPolicy") => rest::network_policy(object),
        ("networking.k8s.io", "IngressClass") if at(object, "spec.parameters").is_object() => {
            put_new(object, "spec.parameters.scope", "Cluster");
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            rest::binding(object);
        }
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => {
            put_new(object, "rules", json!([]));
        }
        ("storage.k8s.io", "StorageClass") => {
            put_new(object, "reclaimPolicy", "Delete");
            put_new(object, "volumeBindingMode", "Immediate");
        }
        ("storage.k8s.io", "CSIDriver") => {
            put_new(object, "spec.attachRequired", true);
            put_new(object, "spec.podInfoOnMount", false);
            put_new(object, "spec.storageCapacity", false);
            put_new(object, "spec.requiresRepublish", false);
            put_new(object, "spec.seLinuxMount", false);
            put_new(object, "spec.fsGroupPolicy", "ReadWriteOnceWithFSType");
            put_new(object, "spec.volumeLifecycleModes", json!(["Persistent"]));
        }
        ("discovery.k8s.io", "EndpointSlice") => rest::slice(object),
        ("scheduling.k8s.io", "PriorityClass") => {
            put_new(object, "preemptionPolicy", "PreemptLowerPriority");
        }
        ("admissionregistration.k8s.io", _) => rest::webhooks(object),
        ("apiextensions.k8s.io", _) => custom::definition(object),
        _ => {}
    }
}
