//! Which zero values the API drops when it writes an object: those of fields that are no
//! pointers in its own types.

use serde_json::Value;

use super::types::{Scalar, Type};

/// Truth values of which `false` is the same as nothing.
const FALSE: &[&str] = &[
    "allowVolumeExpansionOnCreate",
    "globalDefault",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "paused",
    "publishNotReadyAddresses",
    "readOnly",
    "stdin",
    "stdinOnce",
    "tty",
    "unschedulable",
];
/// Whole numbers of which 0 is the same as nothing.
const ZERO: &[&str] = &[
    "failureThreshold",
    "generation",
    "hostPort",
    "initialDelaySeconds",
    "minReadySeconds",
    "nodePort",
    "healthCheckNodePort",
    "observedGeneration",
    "periodSeconds",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "updatedReplicas",
    "fullyLabeledReplicas",
    "active",
    "failed",
    "succeeded",
    "successThreshold",
    "timeoutSeconds",
];
/// Texts that may be empty and are kept.
const EMPTY: &[&str] = &[
    "apiGroup",
    "appProtocol",
    "ingressClassName",
    "loadBalancerClass",
    "runtimeClassName",
    "storageClassName",
    "volumeAttributesClassName",
    "controllerRef",
    "ipFamilyPolicy",
    "path",
];

/// Whether the field is dropped with this value.
pub(super) fn is_dropped(field: &str, of: &Type, value: &Value) -> bool {
    match (of.resolved(), value) {
        (_, Value::Null) => true,
        (Type::Scalar(Scalar::Boolean), Value::Bool(false)) => FALSE.contains(&field),
        (Type::Scalar(Scalar::Integer(_)), Value::Number(number)) => {
            number.as_i64() == Some(0) && ZERO.contains(&field)
        }
        (Type::Scalar(Scalar::Text | Scalar::Bytes), Value::String(text)) => {
            text.is_empty() && !EMPTY.contains(&field)
        }
        (Type::Map { .. }, Value::Object(entries)) => entries.is_empty(),
        (Type::List { .. }, Value::Array(items)) => items.is_empty(),
        _ => false,
    }
}
