//! The scheduler: which node a pod goes to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, ending, set_condition};
use super::pods::is_over;
use crate::json::{self, at, entries, int, items, put, text};
use crate::schema::milli;
use crate::validate::matches;

/// Why nodes do not fit: so many for each reason.
type Reasons = BTreeMap<String, usize>;

pub(super) fn run(cx: &mut Control<'_>) {
    for pod in cx.all("pods") {
        let waits = text(&pod, "spec.nodeName").is_empty();
        if waits && !ending(&pod) && items(&pod, "spec.schedulingGates").is_empty() {
            let version = cx.store.rest.of_tables(&["nodes", "pods", "persistentvolumeclaims"]);
            cx.attend("scheduler", &pod, version, |cx| place(cx, &pod));
        }
    }
}

fn place(cx: &mut Control<'_>, pod: &Arc<Value>) {
    let nodes = cx.all("nodes");
    let all = cx.all("pods");
    let living: Vec<_> = all.into_iter().filter(|it| !is_over(it)).collect();
    let mut reasons = Reasons::new();
    let mut best: Option<(Score, &Arc<Value>)> = None;
    let forced = cx.rules.is_unschedulable(json::name(pod));
    for node in &nodes {
        let refused = if forced {
            Some("node(s) didn't match Pod's node affinity/selector".to_owned())
        } else {
            refused(pod, node, &nodes, &living)
        };
        if let Some(reason) = refused {
            *reasons.entry(reason).or_default() += 1;
            continue;
        }
        let score = score(pod, node, &nodes, &living);
        if best.as_ref().is_none_or(|(least, _)| score < *least) {
            best = Some((score, node));
        }
    }
    let claims = missing_claim(cx, pod);
    match (best, claims) {
        (Some((_, node)), None) => {
            let name = json::name(node).to_owned();
            let message = format!(
                "Successfully assigned {}/{} to {name}",
                json::namespace(pod),
                json::name(pod)
            );
            let now = cx.now;
            cx.event(pod, "Normal", "Scheduled", &message, "default-scheduler");
            cx.note("pods", pod, "scheduled", Some(now));
            cx.change("pods", pod, "", |pod| {
                put(pod, "spec.nodeName", name);
                let mut status = at(pod, "status").clone();
                set_condition(&mut status, now, "PodScheduled", true, "", "");
                for it in json::items_mut(&mut status, "conditions") {
                    json::remove(it, "reason");
                    json::remove(it, "message");
                }
                put(pod, "status", status);
            });
        }
        (_, claim) => {
            let message = claim.unwrap_or_else(|| told(nodes.len(), &reasons));
            cx.event(pod, "Warning", "FailedScheduling", &message, "default-scheduler");
            let mut status = at(pod, "status").clone();
            put(&mut status, "phase", "Pending");
            set_condition(&mut status, cx.now, "PodScheduled", false, "Unschedulable", &message);
            cx.status("pods", pod, status);
        }
    }
}

fn told(nodes: usize, reasons: &Reasons) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let parts: Vec<_> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    format!(
        "0/{nodes} nodes are available: {}. preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling.",
        parts.join(", ")
    )
}

fn missing_claim(cx: &Control<'_>, pod: &Value) -> Option<String> {
    items(pod, "spec.volumes").iter().find_map(|volume| {
        let claim = text(volume, "persistentVolumeClaim.claimName");
        (!claim.is_empty()
            && cx.get("persistentvolumeclaims", json::namespace(pod), claim).is_none())
        .then(|| format!("persistentvolumeclaim {claim:?} not found"))
    })
}

fn labels(node: &Value) -> &Value {
    at(node, "metadata.labels")
}

/// Why the pod cannot go to the node.
fn refused(
    pod: &Value,
    node: &Value,
    nodes: &[Arc<Value>],
    living: &[Arc<Value>],
) -> Option<String> {
    if json::flag(node, "spec.unschedulable")
        && !tolerates(
            pod,
            &json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}),
        )
    {
        return Some("node(s) were unschedulable".to_owned());
    }
    for taint in items(node, "spec.taints") {
        if text(taint, "effect") != "PreferNoSchedule" && !tolerates_now(pod, taint) {
            let (key, value) = (text(taint, "key"), text(taint, "value"));
            return Some(format!("node(s) had untolerated taint {{{key}: {value}}}"));
        }
    }
    if !wanted(pod, node) {
        return Some("node(s) didn't match Pod's node affinity/selector".to_owned());
    }
    if let Some(resource) = lacking(pod, node, living) {
        return Some(resource);
    }
    if !affine(pod, node, nodes, living) {
        return Some("node(s) didn't match pod affinity rules".to_owned());
    }
    if !apart(pod, node, nodes, living) {
        return Some("node(s) didn't match pod anti-affinity rules".to_owned());
    }
    for constraint in items(pod, "spec.topologySpreadConstraints") {
        if text(constraint, "whenUnsatisfiable") != "DoNotSchedule" {
            continue;
        }
        let key = text(constraint, "topologyKey");
        let Some(domain) = labels(node).get(key) else {
            return Some(
                "node(s) didn't match pod topology spread constraints (missing required label)"
                    .to_owned(),
            );
        };
        let counts = spread(pod, constraint, nodes, living);
        let here = counts.get(domain.as_str().unwrap_or_default()).copied().unwrap_or(0);
        let few = int(constraint, "minDomains")
            .is_some_and(|least| i64::try_from(counts.len()).unwrap_or(0) < least);
        let least = if few { 0 } else { counts.values().copied().min().unwrap_or(0) };
        if here + 1 - least > int(constraint, "maxSkew").unwrap_or(1) {
            return Some("node(s) didn't match pod topology spread constraints".to_owned());
        }
    }
    None
}

/// Taints that come with a node's trouble are tolerated for a time, but keep new pods away.
fn tolerates_now(pod: &Value, taint: &Value) -> bool {
    let trouble = text(taint, "key") == "node.kubernetes.io/unreachable";
    if trouble && text(taint, "effect") == "NoSchedule" {
        return items(pod, "spec.tolerations")
            .iter()
            .any(|it| text(it, "operator") == "Exists" && text(it, "key").is_empty());
    }
    tolerates(pod, taint)
}

fn tolerates(pod: &Value, taint: &Value) -> bool {
    items(pod, "spec.tolerations").iter().any(|it| {
        let key = text(it, "key");
        let effect = text(it, "effect");
        let exists = text(it, "operator") == "Exists";
        (effect.is_empty() || effect == text(taint, "effect"))
            && (key.is_empty() && exists || key == text(taint, "key"))
            && (exists || text(it, "value") == text(taint, "value"))
    })
}

/// Node selector and required node affinity.
fn wanted(pod: &Value, node: &Value) -> bool {
    let equal =
        entries(pod, "spec.nodeSelector").all(|(key, value)| labels(node).get(key) == Some(value));
    let terms = at(
        pod,
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms",
    );
    let Some(terms) = terms.as_array() else { return equal };
    equal
        && terms.iter().any(|term| {
            items(term, "matchExpressions").iter().all(|rule| {
                let has = labels(node).get(text(rule, "key"));
                let values = items(rule, "values");
                let number = |value: Option<&Value>| {
                    value.and_then(Value::as_str).and_then(|it| it.parse::<i64>().ok())
                };
                match text(rule, "operator") {
                    "In" => has.is_some_and(|it| values.contains(it)),
                    "NotIn" => !has.is_some_and(|it| values.contains(it)),
                    "Exists" => has.is_some(),
                    "DoesNotExist" => has.is_none(),
                    "Gt" => number(has) > number(values.first()),
                    "Lt" => has.is_some() && number(has) < number(values.first()),
                    _ => false,
                }
            })
        })
}

fn requests(pod: &Value, resource: &str) -> i64 {
    let of = |it: &Value| {
        let asked = at(it, "resources.requests")
            .get(resource)
            .or_else(|| at(it, "resources.limits").get(resource));
        asked.and_then(milli).unwrap_or(0)
    };
    let main: i64 = items(pod, "spec.containers").iter().map(of).sum();
    main.max(items(pod, "spec.initContainers").iter().map(of).max().unwrap_or(0))
}

fn lacking(pod: &Value, node: &Value, living: &[Arc<Value>]) -> Option<String> {
    let here = || living.iter().filter(|it| text(it, "spec.nodeName") == json::name(node));
    let room = |resource: &str| {
        at(node, "status.allocatable").get(resource).and_then(milli).unwrap_or(i64::MAX)
    };
    if room("pods") / 1000 <= i64::try_from(here().count()).unwrap_or(0) {
        return Some("Too many pods".to_owned());
    }
    ["cpu", "memory"].iter().find_map(|resource| {
        let asked = requests(pod, resource);
        let used: i64 = here().map(|it| requests(it, resource)).sum();
        (asked > 0 && used + asked > room(resource)).then(|| format!("Insufficient {resource}"))
    })
}

/// Where a pod is, by a key of its node's labels.
fn domain<'a>(pod: &Value, key: &str, nodes: &'a [Arc<Value>]) -> Option<&'a Value> {
    let name = text(pod, "spec.nodeName");
    nodes.iter().find(|it| json::name(it) == name).and_then(|it| labels(it).get(key))
}

fn chosen<'a>(
    pod: &'a Value,
    term: &'a Value,
    living: &'a [Arc<Value>],
) -> impl Iterator<Item = &'a Arc<Value>> {
    let namespaces = items(term, "namespaces");
    living.iter().filter(move |it| {
        let here = if namespaces.is_empty() {
            json::namespace(it) == json::namespace(pod)
        } else {
            namespaces.iter().any(|name| name == json::namespace(it))
        };
        let mut selector = at(term, "labelSelector").clone();
        narrowed(&mut selector, term, pod);
        here && json::uid(it) != json::uid(pod) && matches(&selector, at(it, "metadata.labels"))
    })
}

/// `matchLabelKeys`: only pods that have these labels in common.
fn narrowed(selector: &mut Value, term: &Value, pod: &Value) {
    for key in items(term, "matchLabelKeys").iter().filter_map(Value::as_str) {
        if let Some(value) = at(pod, "metadata.labels").get(key) {
            json::object_at(selector, "matchLabels").insert(key.to_owned(), value.clone());
        }
    }
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

fn apart(pod: &Value, node: &Value, nodes: &[Arc<Value>], living: &[Arc<Value>]) -> bool {
    let clash = |one: &Value, other: &Value, term: &Value| {
        let key = text(term, "topologyKey");
        let others = [Arc::new(other.clone())];
        chosen(one, term, &others).next().is_some()
            && labels(node).get(key).is_some_and(|here| {
                domain(if text(one, "spec.nodeName").is_empty() { other } else { one }, key, nodes)
                    == Some(here)
            })
    };
    let path = format!("spec.affinity.podAntiAffinity.{REQUIRED}");
    let placed = || {
        living
            .iter()
            .filter(|it| !text(it, "spec.nodeName").is_empty() && json::uid(it) != json::uid(pod))
    };
    let mine = items(pod, &path).iter().all(|term| !placed().any(|other| clash(pod, other, term)));
    let theirs =
        placed().all(|other| !items(other, &path).iter().any(|term| clash(other, pod, term)));
    mine && theirs
}

fn affine(pod: &Value, node: &Value, nodes: &[Arc<Value>], living: &[Arc<Value>]) -> bool {
    items(pod, &format!("spec.affinity.podAffinity.{REQUIRED}")).iter().all(|term| {
        let key = text(term, "topologyKey");
        let Some(here) = labels(node).get(key) else { return false };
        let mut others = chosen(pod, term, living).peekable();
        // The first of a group that wants to be together may go anywhere.
        let alone = others.peek().is_none()
            && matches(at(term, "labelSelector"), at(pod, "metadata.labels"));
        alone || others.any(|other| domain(other, key, nodes) == Some(here))
    })
}

/// How many pods of the constraint are in each domain that counts.
fn spread<'a>(
    pod: &Value,
    constraint: &Value,
    nodes: &'a [Arc<Value>],
    living: &[Arc<Value>],
) -> BTreeMap<&'a str, i64> {
    let key = text(constraint, "topologyKey");
    let honours_taints = text(constraint, "nodeTaintsPolicy") == "Honor";
    let ignores_affinity = text(constraint, "nodeAffinityPolicy") == "Ignore";
    let mut counts = BTreeMap::new();
    for node in nodes {
        let Some(domain) = labels(node).get(key).and_then(Value::as_str) else { continue };
        if !ignores_affinity && !wanted(pod, node) {
            continue;
        }
        let kept = |taint: &&Value| {
            text(taint, "effect") != "PreferNoSchedule" && !tolerates_now(pod, taint)
        };
        if honours_taints
            && (items(node, "spec.taints").iter().any(|it| kept(&it))
                || json::flag(node, "spec.unschedulable"))
        {
            continue;
        }
        let of_node = chosen(pod, constraint, living)
            .filter(|it| !ending(it) && text(it, "spec.nodeName") == json::name(node));
        *counts.entry(domain).or_insert(0) += i64::try_from(of_node.count()).unwrap_or(0);
    }
    counts
}

/// How little a node is liked: fellows in its zone and on it, then everything on it, then its name.
type Score = (i64, usize, usize, usize, String);

fn score(pod: &Value, node: &Value, nodes: &[Arc<Value>], living: &[Arc<Value>]) -> Score {
    let soft = items(pod, "spec.topologySpreadConstraints").iter();
    let soft =
        soft.filter(|it| text(it, "whenUnsatisfiable") == "ScheduleAnyway").map(|constraint| {
            let domain = labels(node).get(text(constraint, "topologyKey")).and_then(Value::as_str);
            spread(pod, constraint, nodes, living)
                .get(domain.unwrap_or_default())
                .copied()
                .unwrap_or(0)
        });
    let soft = soft.sum();
    let owner = super::cx::controller(pod);
    let zone = "topology.kubernetes.io/zone";
    let fellows = || {
        living
            .iter()
            .filter(|it| owner.is_some() && super::cx::controller(it) == owner && !ending(it))
    };
    let in_zone = fellows().filter(|it| domain(it, zone, nodes) == labels(node).get(zone)).count();
    let here = fellows().filter(|it| text(it, "spec.nodeName") == json::name(node)).count();
    let all = living.iter().filter(|it| text(it, "spec.nodeName") == json::name(node)).count();
    (soft, in_zone, here, all, json::name(node).to_owned())
}
