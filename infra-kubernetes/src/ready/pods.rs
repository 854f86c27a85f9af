//! Why pods do not run, in the cluster's own words.

use infra_core::provider::{Class, Cx, Result};
use serde_json::Value as Json;

use super::conditions::condition;
use crate::Kubernetes;

/// What a container waits for when it waits for nothing good.
const BAD: [&str; 9] = [
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
];

/// Why the newest of the pods that a controller selects does not run, if one does not.
pub(super) async fn reason(
    cx: &Cx<Kubernetes>,
    owner: &Json,
    selector: &Json,
) -> Result<Option<String>> {
    let Some(namespace) = owner["metadata"]["namespace"].as_str() else { return Ok(None) };
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let mut pods = match cx.list(&path, &labels(selector), "").await {
        // Who may not look at pods does without their reasons.
        Err(error) if error.class() == Class::Denied => return Ok(None),
        pods => pods?,
    };
    // Those of the new template have the reason that somebody waits for.
    pods.sort_by(|a, b| {
        let made = |pod: &Json| pod["metadata"]["creationTimestamp"].as_str().map(str::to_owned);
        made(b).cmp(&made(a))
    });
    for pod in &pods {
        if pod["metadata"]["deletionTimestamp"].is_null()
            && let Some(why) = why(cx, pod).await
        {
            return Ok(Some(why));
        }
    }
    // Without a pod that says something, what the controller was told may.
    if pods.is_empty() { warning(cx, owner).await } else { Ok(None) }
}

/// Why this pod does not run, with the last lines of a container that crashed.
pub(super) async fn why(cx: &Cx<Kubernetes>, pod: &Json) -> Option<String> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let status = &pod["status"];
    if let Some(place) = condition(pod, "PodScheduled").filter(|place| place.is_false) {
        return Some(format!("pod {name}: {}", place.said()));
    }
    let containers = ["initContainerStatuses", "containerStatuses"];
    let all = containers.iter().flat_map(|field| status[field].as_array().into_iter().flatten());
    for container in all {
        // What it ended with before it came up is over.
        if container["ready"] == true {
            continue;
        }
        let called = container["name"].as_str().unwrap_or_default();
        let waiting = &container["state"]["waiting"];
        let reason = waiting["reason"].as_str().unwrap_or_default();
        let ended = [&container["state"]["terminated"], &container["lastState"]["terminated"]]
            .into_iter()
            .find(|ended| ended["exitCode"].as_i64().is_some_and(|code| code != 0));
        let bad = BAD.contains(&reason);
        if !bad && ended.is_none() {
            continue;
        }
        let mut said = Vec::new();
        if bad {
            said.push(reason.to_owned());
            said.extend(waiting["message"].as_str().map(str::to_owned));
        }
        if let Some(ended) = ended {
            let code = ended["exitCode"].as_i64().unwrap_or_default();
            let reason = ended["reason"].as_str().filter(|reason| *reason != "Error");
            let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            said.push(format!("it ended with exit code {code}{reason}"));
            let before = container["state"]["terminated"].is_null();
            let lines = cx.last_lines(namespace, name, called, before).await;
            if !lines.is_empty() {
                said.push(format!("its last lines:\n    {}", lines.join("\n    ")));
            }
        }
        return Some(format!("pod {name}, container {called}: {}", said.join(": ")));
    }
    let failed = status["phase"] == "Failed" || status["reason"] == "Evicted";
    let message = status["message"].as_str().filter(|_| failed)?;
    Some(format!("pod {name}: {message}"))
}

/// The last warning that the cluster gave about an object.
pub(super) async fn warning(cx: &Cx<Kubernetes>, object: &Json) -> Result<Option<String>> {
    let metadata = &object["metadata"];
    let (Some(namespace), Some(uid)) = (metadata["namespace"].as_str(), metadata["uid"].as_str())
    else {
        return Ok(None);
    };
    let path = format!("/api/v1/namespaces/{namespace}/events");
    let fields = format!("involvedObject.uid={uid},type=Warning");
    // Who may not read events does without.
    let events = cx.list(&path, "", &fields).await.unwrap_or_default();
    let time = |event: &Json| {
        let at = event["lastTimestamp"].as_str().or(event["eventTime"].as_str());
        at.map(str::to_owned)
    };
    let last = events.iter().max_by_key(|event| time(event));
    Ok(last.and_then(|event| {
        let reason = event["reason"].as_str().unwrap_or_default();
        Some(format!("{reason}: {}", event["message"].as_str()?))
    }))
}

/// A label selector as it is asked with.
fn labels(selector: &Json) -> String {
    let mut parts = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    for wanted in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = wanted["key"].as_str().unwrap_or_default();
        let values = wanted["values"].as_array().into_iter().flatten().filter_map(Json::as_str);
        let values = values.collect::<Vec<_>>().join(",");
        match wanted["operator"].as_str() {
            Some("In") => parts.push(format!("{key} in ({values})")),
            Some("NotIn") => parts.push(format!("{key} notin ({values})")),
            Some("Exists") => parts.push(key.to_owned()),
            Some("DoesNotExist") => parts.push(format!("!{key}")),
            _ => {}
        }
    }
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_are_asked_with_as_labels() {
        let selector = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "old", "operator": "DoesNotExist"}]});
        assert_eq!(labels(&selector), "app=web,tier in (a,b),!old");
    }
}
