//! `pods/log`: what a container printed.

use serde_json::{Value, json};

use super::request::Request;
use crate::cluster::Turn;
use crate::control;
use crate::failure::{Failure, Outcome};
use crate::json::{at, int, items, text};

/// The last lines of a container.
pub(super) fn log(
    turn: &Turn<'_>,
    request: &Request,
    namespace: &str,
    name: &str,
) -> Outcome<String> {
    let found = turn.store.get("pods", namespace, name);
    let Some(pod) = found else {
        let mut failure = Failure::new(404, "NotFound", format!("pods {name:?} not found"));
        failure.details = Some(json!({"name": name, "kind": "pods"}));
        return Err(failure);
    };
    let all: Vec<_> =
        items(pod, "spec.containers").iter().chain(items(pod, "spec.initContainers")).collect();
    let wanted = request.parameter("container");
    let container = match (wanted, items(pod, "spec.containers")) {
        ("", [one]) => one,
        ("", many) => {
            let names: Vec<_> = many.iter().map(|it| text(it, "name")).collect();
            return Err(Failure::bad_request(format!(
                "a container name must be specified for pod {name}, choose one of: [{}]",
                names.join(" ")
            )));
        }
        (wanted, _) => all.iter().find(|it| text(it, "name") == wanted).ok_or_else(|| {
            Failure::bad_request(format!("container {wanted} is not valid for pod {name}"))
        })?,
    };
    let container_name = text(container, "name");
    let statuses = items(pod, "status.containerStatuses")
        .iter()
        .chain(items(pod, "status.initContainerStatuses"));
    let mut statuses = statuses.filter(|it| text(it, "name") == container_name);
    let status = statuses.next().unwrap_or(&Value::Null);
    let waiting = at(status, "state.waiting");
    let restarts = int(status, "restartCount").unwrap_or(0);
    let before = at(status, "lastState.terminated").is_object();
    if request.says("previous") && !before {
        return Err(Failure::bad_request(format!(
            "previous terminated container {container_name:?} in pod {name:?} not found"
        )));
    }
    if status.is_null() || waiting.is_object() && restarts == 0 && !before {
        let reason = match text(waiting, "reason") {
            "" => "ContainerCreating",
            reason => reason,
        };
        let why = match reason {
            "ErrImagePull" | "ImagePullBackOff" => "trying and failing to pull image".to_owned(),
            reason => reason.to_owned(),
        };
        return Err(Failure::bad_request(format!(
            "container {container_name:?} in pod {name:?} is waiting to start: {why}"
        )));
    }
    let mut lines = control::log(&turn.rules, pod, container);
    if let Ok(tail) = request.parameter("tailLines").parse::<usize>() {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    Ok(text)
}
