//! What goes wrong on request, and what goes wrong by the name of an image or an annotation.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cluster::Core;
use crate::json::{self, at};

/// An annotation of a pod (or of the template of one) that makes its containers crash; its value
/// is what they print last.
const CRASH: &str = "simulated.invalid/crash-loop";
/// An annotation that makes containers end with an error once.
const FAIL: &str = "simulated.invalid/fail";
/// An annotation that keeps pods from becoming ready.
const UNREADY: &str = "simulated.invalid/never-ready";

/// The faults of one cluster; they are kept where its objects are.
#[derive(Clone, Debug)]
pub struct Faults(pub(crate) Arc<Core>);

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rule {
    ImageMissing { image: String },
    CrashLoop { pattern: String, log: Vec<String> },
    Fails { pattern: String, log: Vec<String> },
    NeverReady { pattern: String },
    Unschedulable { pod: String },
    Lost { zone: String },
    WasLost { zone: String },
    Refuse { filter: String, status: u16, left: u32 },
    LoseReply { filter: String, left: u32 },
}

/// All faults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules(pub(crate) Vec<Rule>);

/// What is wrong with a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its image cannot be pulled: what the kubelet says.
    Pull(String),
    /// It starts and dies, again and again; its last lines.
    Crash(Vec<String>),
    /// It ends with an error; its last lines.
    Fail(Vec<String>),
    /// It runs and never answers.
    Unready,
}

impl Faults {
    fn add(&self, rule: Rule) {
        self.0.change_rules(|rules| rules.0.push(rule));
    }

    /// Images whose name contains this cannot be pulled.
    pub fn image_missing(&self, image: &str) {
        self.add(Rule::ImageMissing { image: image.to_owned() });
    }

    /// Containers whose image or pod has a name that contains this crash again and again, and
    /// print these lines.
    pub fn crash_loop(&self, pattern: &str, log: &[&str]) {
        self.add(Rule::CrashLoop { pattern: pattern.to_owned(), log: owned(log) });
    }

    /// Containers of jobs whose image or pod has a name that contains this end with an error, and
    /// print these lines.
    pub fn job_fails(&self, pattern: &str, log: &[&str]) {
        self.add(Rule::Fails { pattern: pattern.to_owned(), log: owned(log) });
    }

    /// Containers whose image or pod has a name that contains this run and never become ready.
    pub fn never_ready(&self, pattern: &str) {
        self.add(Rule::NeverReady { pattern: pattern.to_owned() });
    }

    /// No node fits pods whose name contains this.
    pub fn unschedulable(&self, pod: &str) {
        self.add(Rule::Unschedulable { pod: pod.to_owned() });
    }

    /// A zone, or a node of this name, does not answer any more.
    pub fn lose_zone(&self, zone: &str) {
        self.add(Rule::Lost { zone: zone.to_owned() });
    }

    /// It answers again.
    pub fn restore_zone(&self, zone: &str) {
        self.0.change_rules(|rules| {
            for rule in &mut rules.0 {
                if *rule == (Rule::Lost { zone: zone.to_owned() }) {
                    *rule = Rule::WasLost { zone: zone.to_owned() };
                }
            }
        });
    }

    /// The next `calls` calls are answered with this status. The filter is `""` (every call), a
    /// verb, or part of a path.
    pub fn fail_next(&self, calls: u32, filter: &str, status: u16) {
        self.add(Rule::Refuse { filter: filter.to_owned(), status, left: calls });
    }

    /// The next `calls` calls are throttled: 429 with `Retry-After`.
    pub fn throttle_next(&self, calls: u32, filter: &str) {
        self.fail_next(calls, filter, 429);
    }

    /// The next `calls` calls take effect, but the connection fails before the reply.
    pub fn lose_reply(&self, calls: u32, filter: &str) {
        self.add(Rule::LoseReply { filter: filter.to_owned(), left: calls });
    }

    /// No faults any more.
    pub fn clear(&self) {
        self.0.change_rules(|rules| {
            let lost = std::mem::take(&mut rules.0).into_iter().filter_map(|rule| match rule {
                Rule::Lost { zone } | Rule::WasLost { zone } => Some(Rule::WasLost { zone }),
                _ => None,
            });
            rules.0 = lost.collect();
        });
    }
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

fn fits(filter: &str, verb: &str, path: &str) -> bool {
    filter.is_empty()
        || filter == "*"
        || filter == verb
        || (filter.contains('/') || filter.len() > 2) && path.contains(filter)
}

impl Rules {
    /// The status with which a call is refused. One that is used up is gone.
    pub(crate) fn refusal(&mut self, verb: &str, path: &str) -> Option<u16> {
        self.used(|rule| match rule {
            Rule::Refuse { filter, status, left } if fits(filter, verb, path) => {
                Some((*status, left))
            }
            _ => None,
        })
    }

    /// Whether the reply of a call is lost.
    pub(crate) fn loses_reply(&mut self, verb: &str, path: &str) -> bool {
        let lost = self.used(|rule| match rule {
            Rule::LoseReply { filter, left } if fits(filter, verb, path) => Some(((), left)),
            _ => None,
        });
        lost.is_some()
    }

    fn used<T>(&mut self, find: impl Fn(&mut Rule) -> Option<(T, &mut u32)>) -> Option<T> {
        let mut found = None;
        for rule in &mut self.0 {
            if let Some((what, left)) = find(rule)
                && *left > 0
            {
                *left -= 1;
                found = Some(what);
                break;
            }
        }
        self.0.retain(|rule| {
            !matches!(rule, Rule::Refuse { left: 0, .. } | Rule::LoseReply { left: 0, .. })
        });
        found
    }

    pub(crate) fn is_lost(&self, zone: &str, node: &str) -> bool {
        self.0
            .iter()
            .any(|rule| matches!(rule, Rule::Lost { zone: it } if it == zone || it == node))
    }

    pub(crate) fn was_lost(&self, zone: &str, node: &str) -> bool {
        self.0
            .iter()
            .any(|rule| matches!(rule, Rule::WasLost { zone: it } if it == zone || it == node))
    }

    pub(crate) fn is_unschedulable(&self, pod: &str) -> bool {
        self.0.iter().any(
            |rule| matches!(rule, Rule::Unschedulable { pod: it } if pod.contains(it.as_str())),
        )
    }

    /// What is wrong with a container of this image in this pod.
    pub(crate) fn of_container(&self, pod: &Value, image: &str) -> Option<Fault> {
        let name = json::name(pod);
        let of_job = at(pod, "spec.restartPolicy") != "Always";
        let hit = |pattern: &str| image.contains(pattern) || name.contains(pattern);
        for rule in &self.0 {
            match rule {
                Rule::ImageMissing { image: it } if image.contains(it.as_str()) => {
                    return Some(Fault::Pull(not_found(image)));
                }
                Rule::CrashLoop { pattern, log } if hit(pattern) => {
                    return Some(Fault::Crash(log.clone()));
                }
                Rule::Fails { pattern, log } if of_job && hit(pattern) => {
                    return Some(Fault::Fail(log.clone()));
                }
                Rule::NeverReady { pattern } if hit(pattern) => {
                    return Some(Fault::Unready);
                }
                _ => {}
            }
        }
        if let Some(why) = unpullable(image) {
            return Some(Fault::Pull(why));
        }
        let annotation =
            |name: &str| at(pod, "metadata.annotations").get(name).and_then(Value::as_str);
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        if let Some(text) = annotation(CRASH) {
            return Some(Fault::Crash(lines(text)));
        }
        if let Some(text) = annotation(FAIL) {
            return Some(Fault::Fail(lines(text)));
        }
        annotation(UNREADY).map(|_| Fault::Unready)
    }
}

fn qualified(image: &str) -> String {
    let first = image.split('/').next().unwrap_or_default();
    let full = if image.contains('/') && (first.contains('.') || first.contains(':')) {
        image.to_owned()
    } else if image.contains('/') {
        format!("docker.io/{image}")
    } else {
        format!("docker.io/library/{image}")
    };
    let last = full.rsplit('/').next().unwrap_or_default();
    if last.contains(':') || full.contains('@') { full } else { format!("{full}:latest") }
}

fn not_found(image: &str) -> String {
    let full = qualified(image);
    format!(
        "Failed to pull image {image:?}: rpc error: code = NotFound desc = failed to pull and unpack image {full:?}: failed to resolve reference {full:?}: {full}: not found"
    )
}

/// Images that say themselves that they cannot be pulled.
fn unpullable(image: &str) -> Option<String> {
    let host = image.split('/').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    if image.contains('/') && host.ends_with(".invalid") && !host.ends_with(".simulated.invalid") {
        let full = qualified(image);
        return Some(format!(
            "Failed to pull image {image:?}: failed to pull and unpack image {full:?}: failed to resolve reference {full:?}: failed to do request: Head \"https://{host}/v2/\": dial tcp: lookup {host}: no such host"
        ));
    }
    let tag = image.rsplit('/').next().unwrap_or_default().split_once(':').map(|(_, tag)| tag);
    (image.contains("does-not-exist") || tag == Some("missing")).then(|| not_found(image))
}
