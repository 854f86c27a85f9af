//! SNS topics and subscriptions.

use serde_json::{Map, Value, json};

use super::{Access, Service, json_tags};
use crate::wire::{Failure, Outcome, fail, list, text, texts};

const TABLE: &str = "topic";
const SUBSCRIPTIONS: &str = "subscription";

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "CreateTopic" => create(access),
        "GetTopicAttributes" => {
            let (_, topic) = named(access, "TopicArn")?;
            Ok(json!({"Attributes": entries(&topic["attributes"])}))
        }
        "SetTopicAttributes" => {
            let (arn, _) = named(access, "TopicArn")?;
            let input = access.input();
            let name = text(input, "AttributeName").unwrap_or_default();
            if let Some(topic) = access.docs(Service::Sns).edit(TABLE, &arn) {
                topic["attributes"][name] = json!(text(input, "AttributeValue").unwrap_or(""));
            }
            Ok(json!({}))
        }
        "DeleteTopic" => {
            let arn = text(access.input(), "TopicArn").unwrap_or_default();
            let docs = access.docs(Service::Sns);
            docs.remove(TABLE, arn);
            for id in docs.ids(SUBSCRIPTIONS) {
                if docs.get(SUBSCRIPTIONS, &id).is_some_and(|it| it["TopicArn"] == arn) {
                    docs.remove(SUBSCRIPTIONS, &id);
                }
            }
            Ok(json!({}))
        }
        "ListTopics" => {
            let all: Vec<Value> = access
                .docs(Service::Sns)
                .ids(TABLE)
                .into_iter()
                .map(|arn| json!({"TopicArn": arn}))
                .collect();
            Ok(json!({"Topics": all}))
        }
        "TagResource" => tag(access, |tags, input| {
            let new: Value = list(input, "Tags").into_iter().cloned().collect();
            json_tags::put(tags, &new);
        }),
        "UntagResource" => {
            tag(access, |tags, input| json_tags::remove(tags, &texts(input, "TagKeys")))
        }
        "ListTagsForResource" => {
            let (_, topic) = named(access, "ResourceArn")?;
            Ok(json!({"Tags": topic["tags"]}))
        }
        "Subscribe" => subscribe(access),
        "Unsubscribe" => {
            let arn = text(access.input(), "SubscriptionArn").unwrap_or_default();
            access.docs(Service::Sns).remove(SUBSCRIPTIONS, arn);
            Ok(json!({}))
        }
        "ListSubscriptionsByTopic" => {
            let (arn, _) = named(access, "TopicArn")?;
            let docs = access.docs(Service::Sns);
            let all: Vec<Value> = docs
                .values(SUBSCRIPTIONS)
                .filter(|it| it["TopicArn"] == arn.as_str())
                .map(|it| {
                    let mut shown = it.clone();
                    // AWS does not give the ARN away before it is confirmed.
                    if it["_pending"] == true {
                        shown["SubscriptionArn"] = json!("PendingConfirmation");
                    }
                    shown
                })
                .collect();
            Ok(json!({"Subscriptions": all}))
        }
        "Publish" => Ok(json!({"MessageId": uuid::Uuid::new_v4()})),
        other => Err(fail("InvalidAction", format!("no SNS operation {other}"))),
    }
}

fn named(access: &mut Access<'_>, parameter: &str) -> Result<(String, Value), Failure> {
    let arn = text(access.input(), parameter).unwrap_or_default().to_owned();
    let found = access.docs(Service::Sns).get(TABLE, &arn).cloned();
    found.map(|topic| (arn, topic)).ok_or_else(|| {
        let code = if parameter == "ResourceArn" { "ResourceNotFound" } else { "NotFound" };
        fail(code, "Topic does not exist").status(404)
    })
}

fn tag(access: &mut Access<'_>, change: impl FnOnce(&mut Value, &Value)) -> Outcome {
    let (arn, _) = named(access, "ResourceArn")?;
    let input = access.input();
    if let Some(topic) = access.docs(Service::Sns).edit(TABLE, &arn) {
        change(&mut topic["tags"], input);
    }
    Ok(json!({}))
}

/// A map as the query protocol has it.
fn entries(map: &Value) -> Value {
    map.as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect()
}

/// Idempotent by name; other attributes or tags are an error.
fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "Name").unwrap_or_default();
    let legal = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    if name.is_empty() || name.len() > 256 || !name.chars().all(legal) {
        return Err(fail("InvalidParameter", "Invalid parameter: Topic Name"));
    }
    let (region, account) = (access.region(), access.account());
    let arn = format!("arn:aws:sns:{region}:{account}:{name}");
    let given: Map<String, Value> = list(input, "Attributes")
        .into_iter()
        .filter_map(|entry| Some((text(entry, "key")?.to_owned(), entry["value"].clone())))
        .collect();
    let asked: Value = list(input, "Tags").into_iter().cloned().collect();
    let tags = json_tags::given(&asked);
    if let Some(old) = access.docs(Service::Sns).get(TABLE, &arn) {
        if given.iter().any(|(key, value)| old["attributes"][key] != *value) {
            return Err(fail(
                "InvalidParameter",
                "Invalid parameter: Attributes Reason: Topic already exists with different \
                 attributes",
            ));
        }
        if tags != json!([]) && tags != old["tags"] {
            return Err(fail(
                "InvalidParameter",
                "Invalid parameter: Tags Reason: Topic already exists with different tags",
            ));
        }
        return Ok(json!({"TopicArn": arn}));
    }
    let policy = json!({
        "Version": "2008-10-17", "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID", "Effect": "Allow", "Principal": {"AWS": "*"},
            "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes",
                       "SNS:SetTopicAttributes", "SNS:DeleteTopic"],
            "Resource": arn, "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
        }],
    });
    let mut attributes = json!({
        "TopicArn": arn, "Owner": account, "DisplayName": "", "Policy": policy.to_string(),
        "SubscriptionsConfirmed": "0", "SubscriptionsPending": "0", "SubscriptionsDeleted": "0",
    });
    for (key, value) in given {
        attributes[key] = value;
    }
    access.docs(Service::Sns).put(TABLE, &arn, json!({"attributes": attributes, "tags": tags}));
    Ok(json!({"TopicArn": arn}))
}

fn subscribe(access: &mut Access<'_>) -> Outcome {
    let (topic, _) = named(access, "TopicArn")?;
    let input = access.input();
    let protocol = text(input, "Protocol").unwrap_or_default();
    let arn = format!("{topic}:{}", uuid::Uuid::new_v4());
    let pending = matches!(protocol, "email" | "email-json" | "http" | "https");
    let subscription = json!({
        "SubscriptionArn": arn, "TopicArn": topic, "Protocol": protocol,
        "Endpoint": input["Endpoint"], "Owner": access.account(), "_pending": pending,
    });
    access.docs(Service::Sns).put(SUBSCRIPTIONS, &arn, subscription);
    Ok(json!({"SubscriptionArn": if pending { "pending confirmation".to_owned() } else { arn }}))
}
