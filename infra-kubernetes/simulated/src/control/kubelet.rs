//! The kubelets: what becomes of the pods on their nodes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, ending, key};
use super::pods::{self, fault};
use crate::faults::Fault;
use crate::json::{self, at, int, items, put, text};
use crate::time::stamp;

/// How much longer each wait before a restart may get than the first.
const LONGEST: i64 = 32;

/// Where a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Waiting {
        reason: String,
        message: String,
    },
    Running {
        since: i64,
    },
    /// It ended, and is not started again.
    Ended {
        since: i64,
        at: i64,
        code: i64,
    },
    /// It ended with an error, and waits for its next start.
    BackOff {
        since: i64,
        at: i64,
        wait: i64,
    },
}

/// A container and how often it was started again.
struct Progress {
    phase: Phase,
    restarts: i64,
}

pub(super) fn run(cx: &mut Control<'_>) {
    for pod in cx.all("pods") {
        if text(&pod, "spec.nodeName").is_empty() {
            continue;
        }
        let needed = cx.store.rest.of_tables(&["nodes", "secrets", "configmaps"]);
        cx.attend("kubelet", &pod, needed, |cx| {
            if ending(&pod) {
                end(cx, &pod);
            } else if !pods::is_over(&pod) {
                live(cx, &pod);
            }
        });
    }
}

/// A pod that was deleted gets its time, and is gone.
fn end(cx: &mut Control<'_>, pod: &Arc<Value>) {
    let since = cx.since("pods", pod, "deleted");
    let grace = int(pod, "metadata.deletionGracePeriodSeconds").unwrap_or(0) * 1000;
    let takes = millis(cx.settings.pod_end).min(grace);
    if !cx.due(since + takes) {
        return;
    }
    if items(pod, "metadata.finalizers").is_empty() {
        cx.event(pod, "Normal", "Killing", "Stopping container", "kubelet");
        cx.store.remove("pods", json::namespace(pod), json::name(pod));
    } else {
        cx.change("pods", pod, "", |pod| put(pod, "metadata.deletionGracePeriodSeconds", 0));
    }
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn live(cx: &mut Control<'_>, pod: &Arc<Value>) {
    let node = cx.get("nodes", "", text(pod, "spec.nodeName"));
    let Some(node) = node else { return };
    let reachable =
        !items(&node, "spec.taints").iter().any(|it| it["key"] == "node.kubernetes.io/unreachable");
    if !reachable {
        // Nobody reports any more; the node controller says that the pod is not ready.
        cx.change("pods", pod, "status", |pod| {
            for it in json::items_mut(pod, "status.conditions") {
                if it["type"] == "Ready" {
                    it["status"] = json!("False");
                }
            }
        });
        return;
    }
    let scheduled = cx.since("pods", pod, "scheduled");
    let status = observe(cx, pod, &node, scheduled);
    cx.status("pods", pod, status);
}

/// The status of a pod as it is now.
fn observe(cx: &mut Control<'_>, pod: &Arc<Value>, node: &Value, scheduled: i64) -> Value {
    let mut start = cx.noted("pods", pod, "unblocked").unwrap_or(scheduled).max(scheduled);
    let blocked = blocked(cx, pod);
    let mut initialized = true;
    let mut init = Vec::new();
    for container in items(pod, "spec.initContainers") {
        let sidecar = text(container, "restartPolicy") == "Always";
        let progress = if let Some(why) = &blocked {
            waiting(why.0.as_str(), &why.1)
        } else if initialized {
            let ends = !sidecar;
            let progress = progress(cx, pod, container, start, ends);
            match progress.phase {
                Phase::Ended { at, code: 0, .. } => start = at,
                Phase::Running { .. } if sidecar => {}
                _ => initialized = false,
            }
            progress
        } else {
            waiting("PodInitializing", "")
        };
        init.push((container, progress));
    }
    initialized &= blocked.is_none() || init.is_empty();
    let takes = millis(cx.settings.pod_start);
    let of_job = text(pod, "spec.restartPolicy") != "Always";
    let mut main = Vec::new();
    for container in items(pod, "spec.containers") {
        let progress = match &blocked {
            Some((reason, message)) => waiting(reason, message),
            None if !initialized => waiting("PodInitializing", ""),
            None if !cx.due(start + takes) => waiting("ContainerCreating", ""),
            None => progress(cx, pod, container, start + takes, of_job),
        };
        main.push((container, progress));
    }
    if blocked.is_none() {
        cx.event(pod, "Normal", "Pulled", "Container image is present on machine", "kubelet");
    }
    written(cx, pod, node, scheduled, initialized, &init, &main)
}

fn waiting(reason: &str, message: &str) -> Progress {
    let phase = Phase::Waiting { reason: reason.to_owned(), message: message.to_owned() };
    Progress { phase, restarts: 0 }
}

/// Why nothing of the pod starts: an image that cannot be pulled, something that is not there.
fn blocked(cx: &mut Control<'_>, pod: &Arc<Value>) -> Option<(String, String)> {
    let found = stopped_by(cx, pod);
    let Some((reason, message, event)) = found else {
        if cx.noted("pods", pod, "blocked").is_some() {
            let now = cx.now;
            cx.note("pods", pod, "blocked", None);
            cx.note("pods", pod, "unblocked", Some(now));
        }
        return None;
    };
    let since = cx.since("pods", pod, "blocked");
    cx.event(pod, "Warning", event, &message, "kubelet");
    if reason != "ErrImagePull" {
        return Some((reason, message));
    }
    if !cx.due(since + millis(cx.settings.back_off)) {
        return Some((reason, message));
    }
    let image = items(pod, "spec.containers").iter().chain(items(pod, "spec.initContainers"));
    let image = image.map(|it| text(it, "image")).find(|it| message.contains(&format!("{it:?}")));
    let back_off = format!("Back-off pulling image {:?}", image.unwrap_or_default());
    cx.event(pod, "Normal", "BackOff", &back_off, "kubelet");
    let message =
        format!("{back_off}: ErrImagePull: {}", message.split_once(": ").map_or("", |it| it.1));
    Some(("ImagePullBackOff".to_owned(), message))
}

fn stopped_by(cx: &Control<'_>, pod: &Value) -> Option<(String, String, &'static str)> {
    let namespace = json::namespace(pod);
    let get = |table: &str, name: &str| cx.get(table, namespace, name).map(|it| Value::clone(&it));
    if let Some(why) = pods::unmounted(&get, pod) {
        return Some(("ContainerCreating".to_owned(), why, "FailedMount"));
    }
    let all = items(pod, "spec.initContainers").iter().chain(items(pod, "spec.containers"));
    for container in all {
        if let Some(Fault::Pull(why)) = fault(cx.rules, pod, container) {
            return Some(("ErrImagePull".to_owned(), why, "Failed"));
        }
        if let Some(why) = pods::missing(&get, namespace, container) {
            return Some(("CreateContainerConfigError".to_owned(), why, "Failed"));
        }
    }
    None
}

/// How far a container is that was first started at an instant.
fn progress(
    cx: &mut Control<'_>,
    pod: &Value,
    container: &Value,
    start: i64,
    ends: bool,
) -> Progress {
    let runs = millis(cx.settings.job_run).max(1);
    let code = match fault(cx.rules, pod, container) {
        Some(Fault::Crash(_) | Fault::Fail(_)) => 1,
        _ if ends => 0,
        _ => return Progress { phase: Phase::Running { since: start }, restarts: 0 },
    };
    // A container that crashes does so sooner than one that works.
    let runs = if code == 0 { runs } else { runs.min(50) };
    if !cx.due(start + runs) {
        return Progress { phase: Phase::Running { since: start }, restarts: 0 };
    }
    if code == 0 || text(pod, "spec.restartPolicy") == "Never" {
        let phase = Phase::Ended { since: start, at: start + runs, code };
        return Progress { phase, restarts: 0 };
    }
    let first = millis(cx.settings.back_off).max(1);
    let (mut since, mut restarts) = (start, 0_i64);
    loop {
        let wait = first.saturating_mul(1 << restarts.min(5)).min(first * LONGEST);
        let next = since + runs + wait;
        if since + runs > cx.now {
            cx.later(since + runs);
            return Progress { phase: Phase::Running { since }, restarts };
        }
        if next > cx.now {
            cx.later(next);
            return Progress { phase: Phase::BackOff { since, at: since + runs, wait }, restarts };
        }
        since = next;
        restarts += 1;
    }
}

fn written(
    cx: &mut Control<'_>,
    pod: &Arc<Value>,
    node: &Value,
    scheduled: i64,
    initialized: bool,
    init: &[(&Value, Progress)],
    main: &[(&Value, Progress)],
) -> Value {
    let never = main.iter().any(|(it, _)| fault(cx.rules, pod, it) == Some(Fault::Unready));
    let running = |it: &(&Value, Progress)| matches!(it.1.phase, Phase::Running { .. });
    let ended = |it: &(&Value, Progress)| matches!(it.1.phase, Phase::Ended { .. });
    let failed =
        |it: &(&Value, Progress)| matches!(it.1.phase, Phase::Ended { code, .. } if code != 0);
    let init_failed = init.iter().any(failed);
    let phase = if init_failed || main.iter().all(ended) && main.iter().any(failed) {
        "Failed"
    } else if main.iter().all(ended) {
        "Succeeded"
    } else if main.iter().any(|it| !matches!(it.1.phase, Phase::Waiting { .. })) {
        "Running"
    } else {
        "Pending"
    };
    let ready = main.iter().all(running) && !never && phase == "Running";
    if never {
        cx.event(
            pod,
            "Warning",
            "Unhealthy",
            "Readiness probe failed: HTTP probe failed with statuscode: 503",
            "kubelet",
        );
    }
    let mut status = at(pod, "status").clone();
    if let Some((container, Progress { phase: Phase::BackOff { .. }, .. })) =
        main.iter().chain(init).find(|it| matches!(it.1.phase, Phase::BackOff { .. }))
    {
        let message = format!(
            "Back-off restarting failed container {} in pod {}_{}({})",
            text(container, "name"),
            json::name(pod),
            json::namespace(pod),
            json::uid(pod)
        );
        cx.event(pod, "Warning", "BackOff", &message, "kubelet");
    }
    put(&mut status, "phase", phase);
    put(&mut status, "startTime", stamp(scheduled));
    put(&mut status, "qosClass", quality(pod));
    let address =
        items(node, "status.addresses").first().map_or("", |it| text(it, "address")).to_owned();
    put(&mut status, "hostIP", address.clone());
    put(&mut status, "hostIPs", json!([{"ip": address}]));
    if main.iter().any(|it| !matches!(it.1.phase, Phase::Waiting { .. })) {
        let ip = pod_address(pod);
        put(&mut status, "podIP", ip.clone());
        put(&mut status, "podIPs", json!([{"ip": ip}]));
    }
    let over = matches!(phase, "Succeeded" | "Failed");
    let unready: Vec<_> =
        main.iter().filter(|it| !running(it) || never).map(|(it, _)| text(it, "name")).collect();
    let (reason, message) = if over {
        (if phase == "Succeeded" { "PodCompleted" } else { "PodFailed" }, String::new())
    } else {
        ("ContainersNotReady", format!("containers with unready status: [{}]", unready.join(" ")))
    };
    let pending: Vec<_> =
        init.iter().filter(|it| !ended(it)).map(|(it, _)| text(it, "name")).collect();
    let incomplete = format!("containers with incomplete status: [{}]", pending.join(" "));
    for (kind, is, reason, message) in [
        ("PodReadyToStartContainers", phase != "Pending", "", ""),
        ("Initialized", initialized, "ContainersNotInitialized", incomplete.as_str()),
        ("Ready", ready, reason, message.as_str()),
        ("ContainersReady", ready, reason, message.as_str()),
    ] {
        let (reason, message) = if is { ("", "") } else { (reason, message) };
        condition(&mut status, cx.now, kind, is, reason, message);
    }
    let rendered = |all: &[(&Value, Progress)]| -> Vec<Value> {
        all.iter().map(|(container, it)| container_status(pod, container, it, never)).collect()
    };
    if !init.is_empty() {
        put(&mut status, "initContainerStatuses", rendered(init));
    }
    put(&mut status, "containerStatuses", rendered(main));
    status
}

fn condition(status: &mut Value, now: i64, kind: &str, is: bool, reason: &str, message: &str) {
    super::cx::set_condition(status, now, kind, is, reason, message);
    for it in json::items_mut(status, "conditions") {
        for field in ["reason", "message"] {
            if text(it, field).is_empty() {
                json::remove(it, field);
            }
        }
    }
}

/// An address made from the pod's identity.
fn pod_address(pod: &Value) -> String {
    let sum = json::uid(pod)
        .bytes()
        .fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("10.0.{}.{}", 16 + sum % 200, 2 + (sum >> 8) % 250)
}

fn quality(pod: &Value) -> &'static str {
    let all = || items(pod, "spec.containers").iter();
    let has = |it: &Value, list: &str| {
        at(it, &format!("resources.{list}")).as_object().is_some_and(|it| !it.is_empty())
    };
    if all().all(|it| !has(it, "limits") && !has(it, "requests")) {
        return "BestEffort";
    }
    let same = all().all(|it| {
        let limits = at(it, "resources.limits");
        ["cpu", "memory"].iter().all(|of| {
            limits.get(of).is_some() && limits.get(of) == at(it, "resources.requests").get(of)
        })
    });
    if same { "Guaranteed" } else { "Burstable" }
}

fn container_status(pod: &Value, container: &Value, progress: &Progress, never: bool) -> Value {
    let (name, image) = (text(container, "name"), text(container, "image"));
    let id = format!("containerd://{}", json::uid(pod).replace('-', ""));
    let ended = |since: i64, at: i64, code: i64| {
        json!({"terminated": {
            "exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" },
            "startedAt": stamp(since), "finishedAt": stamp(at), "containerID": id,
        }})
    };
    let mut status = json!({
        "name": name, "image": image, "imageID": "", "ready": false, "started": false,
        "restartCount": progress.restarts, "lastState": {},
    });
    status["state"] = match &progress.phase {
        Phase::Waiting { reason, message } if message.is_empty() => {
            json!({"waiting": {"reason": reason}})
        }
        Phase::Waiting { reason, message } => {
            json!({"waiting": {"reason": reason, "message": message}})
        }
        Phase::Running { since } => {
            status["ready"] = json!(!never);
            status["started"] = json!(true);
            json!({"running": {"startedAt": stamp(*since)}})
        }
        Phase::Ended { since, at, code } => {
            status["ready"] =
                json!(*code == 0 && items(pod, "spec.initContainers").contains(container));
            ended(*since, *at, *code)
        }
        Phase::BackOff { since, at, wait } => {
            status["lastState"] = ended(*since, *at, 1);
            let (namespace, uid) = key(pod);
            let message = format!(
                "back-off {}s restarting failed container={name} pod={uid}_{namespace}({})",
                (wait / 1000).max(1),
                json::uid(pod)
            );
            json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}})
        }
    };
    if !matches!(progress.phase, Phase::Waiting { .. }) {
        status["containerID"] = json!(id);
        status["imageID"] = json!(image);
    }
    if progress.restarts > 0 && !matches!(progress.phase, Phase::BackOff { .. }) {
        status["lastState"] =
            json!({"terminated": {"exitCode": 1, "reason": "Error", "containerID": id}});
    }
    status
}
