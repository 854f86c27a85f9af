//! From an object's status to its readiness.

use infra_core::provider::{Cx, Readiness, Result};
use serde_json::Value as Json;

use super::{
    conditions::{condition, is_seen},
    pods, rollout,
};
use crate::{Kubernetes, Wait, kind::Kind};

/// How far the object is, as far as somebody waits for it.
pub(crate) async fn readiness(
    cx: &Cx<Kubernetes>,
    kind: &Kind,
    object: &Json,
    wait: &Wait,
) -> Result<Readiness> {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Ok(Readiness::Deleting(held(object)));
    }
    match wait {
        Wait::Nothing => return Ok(Readiness::Ready),
        Wait::Condition(wanted) => return Ok(has(object, wanted)),
        Wait::Ready => {}
    }
    match (&*kind.group, &*kind.kind) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet") => {
            rollout::readiness(cx, &kind.kind, object).await
        }
        ("batch", "Job") => job(cx, object).await,
        ("", "Pod") => pod(cx, object).await,
        ("", "Service") if object["spec"]["type"] == "LoadBalancer" => address(cx, object).await,
        ("networking.k8s.io", "Ingress") => address(cx, object).await,
        ("", "Namespace") => Ok(match object["status"]["phase"].as_str() {
            Some("Active") => Readiness::Ready,
            phase => Readiness::Pending(phase.unwrap_or("being made").to_owned()),
        }),
        // A claim may wait for its first pod, which comes after it.
        ("", _) => Ok(Readiness::Ready),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            Ok(match condition(object, "NamesAccepted").filter(|names| names.is_false) {
                Some(names) => Readiness::Stuck(names.said()),
                None => has(object, "Established"),
            })
        }
        ("apiregistration.k8s.io", "APIService") => Ok(has(object, "Available")),
        ("gateway.networking.k8s.io", "Gateway") => Ok(has(object, "Programmed")),
        (group, _) if is_built_in(group) => Ok(Readiness::Ready),
        _ => Ok(custom(object)),
    }
}

/// The groups of Kubernetes itself: their kinds' conditions do not mean what those of custom kinds mean.
pub(crate) fn is_built_in(group: &str) -> bool {
    const GROUPS: [&str; 19] = [
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    ];
    GROUPS.contains(&group)
}

/// Names or addresses of a load balancer.
pub(crate) fn addresses(object: &Json) -> Vec<String> {
    let found = object["status"]["loadBalancer"]["ingress"].as_array().into_iter().flatten();
    let address = |one: &Json| one["hostname"].as_str().or(one["ip"].as_str()).map(str::to_owned);
    found.filter_map(address).collect()
}

fn has(object: &Json, wanted: &str) -> Readiness {
    match condition(object, wanted) {
        Some(found) if found.is_true && is_seen(object) => Readiness::Ready,
        Some(found) => Readiness::Pending(format!("not {wanted}: {}", found.said())),
        None => Readiness::Pending(format!("not {wanted} yet")),
    }
}

/// What most controllers keep to: `Ready` and `Stalled`, as kstatus reads them
/// (<https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus>).
fn custom(object: &Json) -> Readiness {
    if let Some(stalled) = condition(object, "Stalled").filter(|stalled| stalled.is_true) {
        return Readiness::Stuck(stalled.said());
    }
    if !is_seen(object) {
        return Readiness::Pending("not seen by its controller yet".to_owned());
    }
    match condition(object, "Ready") {
        Some(ready) if !ready.is_true => Readiness::Pending(format!("not ready: {}", ready.said())),
        _ => Readiness::Ready,
    }
}

async fn job(cx: &Cx<Kubernetes>, job: &Json) -> Result<Readiness> {
    if condition(job, "Complete").is_some_and(|found| found.is_true) {
        return Ok(Readiness::Ready);
    }
    let failed = condition(job, "Failed").filter(|failed| failed.is_true);
    let status = &job["status"];
    // What it is of a job that nobody started.
    if failed.is_none() && job["spec"]["suspend"] == true {
        return Ok(Readiness::Ready);
    }
    let why = pods::reason(cx, job, &job["spec"]["selector"]).await?;
    if let Some(failed) = failed {
        return Ok(Readiness::Failed(join(&failed.said(), why)));
    }
    let count = |field: &str| status[field].as_i64().unwrap_or_default();
    let far = format!("{} running, {} failed", count("active"), count("failed"));
    Ok(Readiness::Pending(join(&far, why)))
}

async fn pod(cx: &Cx<Kubernetes>, pod: &Json) -> Result<Readiness> {
    let ready = condition(pod, "Ready").is_some_and(|ready| ready.is_true);
    Ok(match pod["status"]["phase"].as_str() {
        Some("Succeeded") => Readiness::Ready,
        Some("Running") if ready => Readiness::Ready,
        Some("Failed") => {
            Readiness::Failed(pods::why(cx, pod).await.unwrap_or_else(|| "it failed".to_owned()))
        }
        phase => {
            let phase = phase.unwrap_or("Pending").to_lowercase();
            Readiness::Pending(join(&phase, pods::why(cx, pod).await))
        }
    })
}

async fn address(cx: &Cx<Kubernetes>, object: &Json) -> Result<Readiness> {
    if !addresses(object).is_empty() {
        return Ok(Readiness::Ready);
    }
    let warning = pods::warning(cx, object).await?;
    Ok(Readiness::Pending(join("no address yet", warning)))
}

/// What keeps an object that is to be deleted.
fn held(object: &Json) -> String {
    // A namespace says itself what is left in it.
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let left = conditions.filter(|condition| {
        let name = condition["type"].as_str().unwrap_or_default();
        condition["status"] == "True" && name.starts_with("Namespace")
    });
    let left: Vec<&str> = left.filter_map(|condition| condition["message"].as_str()).collect();
    if !left.is_empty() {
        return left.join("; ");
    }
    let finalizers = object["metadata"]["finalizers"].as_array().into_iter().flatten();
    let finalizers: Vec<&str> = finalizers.filter_map(Json::as_str).collect();
    match finalizers[..] {
        [] => "on its way".to_owned(),
        ["foregroundDeletion"] => "what it owns goes first".to_owned(),
        _ => format!("it is kept by {}", finalizers.join(", ")),
    }
}

/// `what`, and why if that is known.
pub(super) fn join(what: &str, why: Option<String>) -> String {
    why.map_or_else(|| what.to_owned(), |why| format!("{what}; {why}"))
}
