//! The built-in kinds.

use std::sync::{Arc, LazyLock};

use k8s_openapi::Resource;
use k8s_openapi::api::{
    admissionregistration::v1 as admission, apps::v1 as apps, autoscaling::v1 as scaling1,
    autoscaling::v2 as scaling, batch::v1 as batch, coordination::v1 as coordination,
    core::v1 as core, discovery::v1 as discovery, networking::v1 as networking, node::v1 as node,
    policy::v1 as policy, rbac::v1 as rbac, scheduling::v1 as scheduling, storage::v1 as storage,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as extensions;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use super::kind::Kind;
use crate::schema::Type;

/// What a kind has besides its fields.
const STATUS: u8 = 1;
const SCALE: u8 = 2;
const GENERATION: u8 = 4;
/// `kubectl get all` shows it.
const ALL: u8 = 8;

struct Builtin {
    kind: Arc<Kind>,
    register: fn(&mut SchemaGenerator),
}

static BUILTIN: LazyLock<Vec<Builtin>> = LazyLock::new(|| {
    vec![
        of::<core::ConfigMap>(&["cm"], 0),
        of::<core::Endpoints>(&["ep"], 0),
        of::<core::Event>(&["ev"], 0),
        of::<core::LimitRange>(&["limits"], 0),
        of::<core::Namespace>(&["ns"], STATUS),
        of::<core::Node>(&["no"], STATUS),
        of::<core::PersistentVolume>(&["pv"], STATUS),
        of::<core::PersistentVolumeClaim>(&["pvc"], STATUS),
        of::<core::Pod>(&["po"], STATUS | ALL),
        of::<core::ResourceQuota>(&["quota"], STATUS),
        of::<core::Secret>(&[], 0),
        of::<core::Service>(&["svc"], STATUS | ALL),
        of::<core::ServiceAccount>(&["sa"], 0),
        of::<apps::ControllerRevision>(&[], 0),
        of::<apps::DaemonSet>(&["ds"], STATUS | GENERATION | ALL),
        of::<apps::Deployment>(&["deploy"], STATUS | SCALE | GENERATION | ALL),
        of::<apps::ReplicaSet>(&["rs"], STATUS | SCALE | GENERATION | ALL),
        of::<apps::StatefulSet>(&["sts"], STATUS | SCALE | GENERATION | ALL),
        of::<batch::CronJob>(&["cj"], STATUS | GENERATION | ALL),
        of::<batch::Job>(&[], STATUS | GENERATION | ALL),
        of::<scaling::HorizontalPodAutoscaler>(&["hpa"], STATUS | ALL),
        of::<scaling1::HorizontalPodAutoscaler>(&["hpa"], STATUS | ALL),
        of::<policy::PodDisruptionBudget>(&["pdb"], STATUS | GENERATION),
        of::<networking::Ingress>(&["ing"], STATUS | GENERATION),
        of::<networking::IngressClass>(&[], GENERATION),
        of::<networking::NetworkPolicy>(&["netpol"], GENERATION),
        of::<rbac::ClusterRole>(&[], 0),
        of::<rbac::ClusterRoleBinding>(&[], 0),
        of::<rbac::Role>(&[], 0),
        of::<rbac::RoleBinding>(&[], 0),
        of::<storage::CSIDriver>(&[], 0),
        of::<storage::CSINode>(&[], 0),
        of::<storage::StorageClass>(&["sc"], 0),
        of::<storage::VolumeAttachment>(&[], STATUS),
        of::<discovery::EndpointSlice>(&[], GENERATION),
        of::<scheduling::PriorityClass>(&["pc"], GENERATION),
        of::<node::RuntimeClass>(&[], 0),
        of::<coordination::Lease>(&[], 0),
        of::<admission::MutatingWebhookConfiguration>(&[], GENERATION),
        of::<admission::ValidatingWebhookConfiguration>(&[], GENERATION),
        of::<admission::ValidatingAdmissionPolicy>(&[], STATUS | GENERATION),
        of::<admission::ValidatingAdmissionPolicyBinding>(&[], GENERATION),
        of::<extensions::CustomResourceDefinition>(&["crd", "crds"], STATUS | GENERATION),
    ]
});

/// Every built-in kind.
pub(crate) fn builtin() -> impl Iterator<Item = &'static Arc<Kind>> {
    BUILTIN.iter().map(|it| &it.kind)
}

/// Makes the schemas of all of them.
pub(crate) fn register(generator: &mut SchemaGenerator) {
    for it in BUILTIN.iter() {
        (it.register)(generator);
    }
}

fn of<T: Resource + JsonSchema>(short: &[&str], traits: u8) -> Builtin {
    let has = |what| traits & what != 0;
    let kind = Kind {
        group: T::GROUP.to_owned(),
        version: T::VERSION.to_owned(),
        kind: T::KIND.to_owned(),
        plural: T::URL_PATH_SEGMENT.to_owned(),
        singular: T::KIND.to_lowercase(),
        short: short.iter().map(|&it| it.to_owned()).collect(),
        categories: if has(ALL) { vec!["all".to_owned()] } else { Vec::new() },
        namespaced: std::any::type_name::<T::Scope>().contains("Namespace"),
        status: has(STATUS),
        scale: has(SCALE),
        generation: has(GENERATION),
        root: Type::Named(T::schema_name().into_owned()),
        schema: Value::Null,
        custom: false,
    };
    Builtin {
        kind: Arc::new(kind),
        register: |generator| {
            generator.subschema_for::<T>();
        },
    }
}
