//! How the lists and objects of the built-in types are merged, where it is not as a whole.
//!
//! Names of types without `io.k8s.` and what stands before the last two parts.

/// Lists whose items have keys.
const MAPS: &[(&str, &str, &[&str])] = &[
    ("v1.MutatingWebhook", "matchConditions", &["name"]),
    ("v1.MutatingWebhookConfiguration", "webhooks", &["name"]),
    ("v1.ValidatingAdmissionPolicySpec", "matchConditions", &["name"]),
    ("v1.ValidatingAdmissionPolicySpec", "variables", &["name"]),
    ("v1.ValidatingWebhook", "matchConditions", &["name"]),
    ("v1.ValidatingWebhookConfiguration", "webhooks", &["name"]),
    ("v1.Container", "env", &["name"]),
    ("v1.Container", "ports", &["containerPort", "protocol"]),
    ("v1.Container", "volumeDevices", &["devicePath"]),
    ("v1.Container", "volumeMounts", &["mountPath"]),
    ("v1.EphemeralContainer", "env", &["name"]),
    ("v1.EphemeralContainer", "ports", &["containerPort", "protocol"]),
    ("v1.EphemeralContainer", "volumeDevices", &["devicePath"]),
    ("v1.EphemeralContainer", "volumeMounts", &["mountPath"]),
    ("v1.ContainerStatus", "volumeMounts", &["mountPath"]),
    ("v1.NodeStatus", "addresses", &["type"]),
    ("v1.PodSpec", "containers", &["name"]),
    ("v1.PodSpec", "ephemeralContainers", &["name"]),
    ("v1.PodSpec", "hostAliases", &["ip"]),
    ("v1.PodSpec", "imagePullSecrets", &["name"]),
    ("v1.PodSpec", "initContainers", &["name"]),
    ("v1.PodSpec", "resourceClaims", &["name"]),
    ("v1.PodSpec", "schedulingGates", &["name"]),
    ("v1.PodSpec", "topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("v1.PodSpec", "volumes", &["name"]),
    ("v1.PodStatus", "podIPs", &["ip"]),
    ("v1.PodStatus", "resourceClaimStatuses", &["name"]),
    ("v1.ResourceRequirements", "claims", &["name"]),
    ("v1.ServiceAccount", "secrets", &["name"]),
    ("v1.ServiceSpec", "ports", &["port", "protocol"]),
    ("v1.CSINodeSpec", "drivers", &["name"]),
    ("v1.JSONSchemaProps", "x-kubernetes-validations", &["rule"]),
    ("v1.ObjectMeta", "ownerReferences", &["uid"]),
];

/// Statuses whose conditions are known by their type.
const CONDITIONS: &[&str] = &[
    "v1.ComponentStatus",
    "v1.CustomResourceDefinitionStatus",
    "v1.DaemonSetStatus",
    "v1.DeploymentStatus",
    "v1.JobStatus",
    "v1.NamespaceStatus",
    "v1.NodeStatus",
    "v1.PersistentVolumeClaimStatus",
    "v1.PodDisruptionBudgetStatus",
    "v1.PodStatus",
    "v1.ReplicaSetStatus",
    "v1.ReplicationControllerStatus",
    "v1.ServiceCIDRStatus",
    "v1.ServiceStatus",
    "v1.StatefulSetStatus",
    "v1.ValidatingAdmissionPolicyStatus",
    "v2.HorizontalPodAutoscalerStatus",
];

/// Lists whose items are their own keys.
const SETS: &[(&str, &str)] = &[
    ("v1.CSIDriverSpec", "volumeLifecycleModes"),
    ("v1.Endpoint", "addresses"),
    ("v1.LoadBalancerIngress", "hostnames"),
    ("v1.NodeSpec", "podCIDRs"),
    ("v1.ObjectMeta", "finalizers"),
    ("v1.PodFailurePolicyOnExitCodesRequirement", "values"),
    ("v1.UncountedTerminatedPods", "failed"),
    ("v1.UncountedTerminatedPods", "succeeded"),
    ("v1.ValidatingAdmissionPolicyBindingSpec", "validationActions"),
];

/// Maps that belong to one manager as a whole.
const ATOMIC_MAPS: &[(&str, &str)] = &[
    ("v1.PodSpec", "nodeSelector"),
    ("v1.ReplicationControllerSpec", "selector"),
    ("v1.Scheduling", "nodeSelector"),
    ("v1.ServiceSpec", "selector"),
];

/// Objects that belong to one manager as a whole.
const ATOMIC: &[&str] = &[
    "rbac.v1.RoleRef",
    "rbac.v1.Subject",
    "core.v1.ConfigMapKeySelector",
    "core.v1.EndpointAddress",
    "core.v1.EndpointPort",
    "core.v1.LocalObjectReference",
    "core.v1.NodeSelector",
    "core.v1.NodeSelectorTerm",
    "core.v1.ObjectFieldSelector",
    "core.v1.ObjectReference",
    "core.v1.ResourceFieldSelector",
    "core.v1.ScopeSelector",
    "core.v1.SecretKeySelector",
    "core.v1.SecretReference",
    "core.v1.TopologySelectorTerm",
    "core.v1.TypedLocalObjectReference",
    "autoscaling.v1.CrossVersionObjectReference",
    "discovery.v1.EndpointPort",
    "meta.v1.LabelSelector",
    "meta.v1.OwnerReference",
    "admissionregistration.v1.ParamKind",
    "admissionregistration.v1.ParamRef",
    "admissionregistration.v1.NamedRuleWithOperations",
    "admissionregistration.v1.MatchResources",
];

/// The last two parts of a type's name: `v1.Container`.
fn short(name: &str) -> &str {
    let at = name.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
    &name[at..]
}

/// The last three parts of a type's name: `core.v1.Container`.
fn long(name: &str) -> &str {
    let at = name.rmatch_indices('.').nth(2).map_or(0, |(at, _)| at + 1);
    &name[at..]
}

/// The keys of a list.
pub(super) fn keys(name: &str, field: &str) -> Option<&'static [&'static str]> {
    let name = short(name);
    if field == "conditions" && CONDITIONS.contains(&name) {
        return Some(&["type"]);
    }
    MAPS.iter().find(|(of, list, _)| *of == name && *list == field).map(|(_, _, keys)| *keys)
}

/// Whether a list is a set.
pub(super) fn is_set(name: &str, field: &str) -> bool {
    SETS.contains(&(short(name), field))
}

/// Whether a map is one whole.
pub(super) fn is_atomic_map(name: &str, field: &str) -> bool {
    ATOMIC_MAPS.contains(&(short(name), field))
}

/// Whether an object is one whole.
pub(super) fn is_atomic(name: &str) -> bool {
    ATOMIC.contains(&long(name))
}
