//! What CloudTrail tells: who changed what, when. Events are of this process and at once; in AWS they come minutes later.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::services::Service;
use crate::wire::{ApiCall, Outcome, Reply, fail, list, text};

/// How many events are kept.
const KEPT: usize = 10_000;
/// How many events one answer has at most. (CloudTrail API reference, `LookupEvents`.)
const PAGE: usize = 50;
/// Parameters that CloudTrail does not write down.
const HIDDEN: [&str; 6] =
    ["Value", "SecretString", "SecretBinary", "MasterUserPassword", "Password", "Plaintext"];

/// The events, oldest first.
#[derive(Default)]
pub(super) struct Trail(Mutex<VecDeque<Event>>);

struct Event {
    account: String,
    region: String,
    /// Milliseconds since 1970.
    at: u64,
    /// The texts by which it can be found.
    resources: Vec<String>,
    shown: Value,
}

impl Trail {
    /// Notes a call that changed something.
    pub(super) fn note(&self, call: &ApiCall, caller: &str, at: u64, reply: &Reply) {
        if !call.is_mutating() || call.service == Service::Sts || reply.status >= 300 {
            return;
        }
        let event = event(call, caller, at, reply);
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() == KEPT {
            events.pop_front();
        }
        events.push_back(event);
    }

    /// `LookupEvents`: the newest first.
    pub(super) fn look_up(&self, call: &ApiCall) -> Outcome {
        if call.operation != "LookupEvents" {
            let message = format!("no CloudTrail operation {}", call.operation);
            return Err(fail("UnsupportedOperationException", message));
        }
        let input = &call.input;
        let asked: Vec<(&str, &str)> = list(input, "LookupAttributes")
            .into_iter()
            .filter_map(|it| Some((text(it, "AttributeKey")?, text(it, "AttributeValue")?)))
            .collect();
        if asked.len() > 1 {
            let message = "You can only specify one lookup attribute";
            return Err(fail("InvalidLookupAttributesException", message));
        }
        let from = input["StartTime"].as_f64().unwrap_or(0.0);
        let to = input["EndTime"].as_f64().unwrap_or(f64::MAX);
        let size = input["MaxResults"].as_u64().map_or(PAGE, |it| usize::try_from(it).unwrap_or(0));
        if !(1..=PAGE).contains(&size) {
            return Err(fail("InvalidMaxResultsException", "MaxResults is between 1 and 50"));
        }
        let start = text(input, "NextToken").and_then(|it| it.parse().ok()).unwrap_or(0);
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let meant = |event: &&Event| {
            let here = event.account == call.account && event.region == call.region;
            let at = seconds(event.at);
            here && (from..=to).contains(&at) && asked.iter().all(|asked| event.is(asked))
        };
        let mut found = events.iter().rev().filter(meant).skip(start);
        let page: Value = found.by_ref().take(size).map(|event| event.shown.clone()).collect();
        let mut reply = json!({"Events": page});
        if found.next().is_some() {
            reply["NextToken"] = json!((start + size).to_string());
        }
        Ok(reply)
    }
}

impl Event {
    fn is(&self, (key, value): &(&str, &str)) -> bool {
        match *key {
            "ReadOnly" => *value == "false",
            "EventName" => self.shown["EventName"] == *value,
            "EventSource" => self.shown["EventSource"] == *value,
            "EventId" => self.shown["EventId"] == *value,
            "Username" => self.shown["Username"] == *value,
            "AccessKeyId" => self.shown["AccessKeyId"] == *value,
            "ResourceName" => self.resources.iter().any(|it| it == value),
            _ => false,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds fit a double")]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

fn event(call: &ApiCall, caller: &str, at: u64, reply: &Reply) -> Event {
    let mut asked = match &call.input {
        Value::Object(input) => input.clone(),
        _ => Map::new(),
    };
    asked.retain(|name, _| name != "Action" && name != "Version");
    hide(&mut asked);
    // Services that speak REST name their objects in the path.
    for (at, segment) in call.segments().into_iter().enumerate() {
        asked.insert(format!("path{at}"), segment.into());
    }
    let answered = answered(reply);
    let mut resources = Vec::new();
    texts(&Value::Object(asked.clone()), &mut resources);
    texts(&answered, &mut resources);
    let source = match call.service {
        Service::Elbv2 => "elasticloadbalancing",
        Service::Cloudwatch => "monitoring",
        other => other.name(),
    };
    let source = format!("{source}.amazonaws.com");
    // What is global is recorded there. (CloudTrail user guide, "Global service events".)
    let global = matches!(call.service, Service::Iam | Service::Route53);
    let region = if global { "us-east-1" } else { &call.region };
    let user = caller.rsplit('/').next().unwrap_or(caller);
    let id = uuid::Uuid::new_v4();
    let whole = json!({
        "eventVersion": "1.11", "userIdentity": identity(caller, &call.account),
        "eventTime": timestamp(at), "eventSource": source, "eventName": call.operation,
        "awsRegion": region, "sourceIPAddress": "127.0.0.1", "userAgent": agent(call),
        "requestParameters": asked, "responseElements": answered, "eventID": id,
        "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true,
        "recipientAccountId": call.account,
    });
    let named: Value = resources.iter().take(10).map(|it| json!({"ResourceName": it})).collect();
    let shown = json!({
        "EventId": id, "EventName": call.operation, "ReadOnly": "false",
        "AccessKeyId": call.access_key, "EventTime": seconds(at), "EventSource": source,
        "Username": user, "Resources": named, "CloudTrailEvent": whole.to_string(),
    });
    Event { account: call.account.clone(), region: region.to_owned(), at, resources, shown }
}

fn agent(call: &ApiCall) -> &str {
    call.headers.get("user-agent").and_then(|it| it.to_str().ok()).unwrap_or_default()
}

#[expect(clippy::cast_possible_wrap, reason = "the clock is far from the end of i64")]
fn timestamp(millis: u64) -> String {
    let at = jiff::Timestamp::from_millisecond(millis as i64).unwrap_or_default();
    format!("{at:.0}")
}

fn identity(caller: &str, account: &str) -> Value {
    let name = caller.rsplit('/').next().unwrap_or(caller);
    match caller.split_once(":assumed-role/").and_then(|(_, it)| it.split_once('/')) {
        Some((role, _)) => json!({
            "type": "AssumedRole", "arn": caller, "accountId": account,
            "sessionContext": {"sessionIssuer": {"type": "Role", "userName": role}},
        }),
        None => json!({"type": "IAMUser", "arn": caller, "accountId": account, "userName": name}),
    }
}

fn hide(asked: &mut Map<String, Value>) {
    for (name, value) in asked {
        match value {
            Value::Object(inner) => hide(inner),
            Value::Array(inner) => inner.iter_mut().filter_map(Value::as_object_mut).for_each(hide),
            Value::String(_) if HIDDEN.contains(&&**name) => {
                *value = json!("HIDDEN_DUE_TO_SECURITY_REASONS");
            }
            _ => {}
        }
    }
}

/// What was answered: JSON as it is, of XML the ids.
fn answered(reply: &Reply) -> Value {
    let body = String::from_utf8_lossy(&reply.body);
    if let Ok(json @ Value::Object(_)) = serde_json::from_str(&body) {
        return json;
    }
    let mut ids = Map::new();
    for part in body.split('<') {
        if let Some((name, value)) = part.split_once('>')
            && (name.ends_with("Id") || name.ends_with("Arn") || name.ends_with("Name"))
            && !value.is_empty()
        {
            ids.insert(name.to_owned(), value.into());
        }
    }
    Value::Object(ids)
}

/// Every short text in it: names, ids and ARNs among them.
fn texts(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.is_empty() && text.len() <= 256 => all.push(text.clone()),
        Value::Array(inner) => inner.iter().for_each(|it| texts(it, all)),
        Value::Object(inner) => inner.values().for_each(|it| texts(it, all)),
        _ => {}
    }
}
