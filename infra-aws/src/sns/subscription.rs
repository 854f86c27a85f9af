//! Who gets a topic's messages.

use infra_core::{
    Data as _, Value,
    provider::{Cx, Result},
};

use super::Topic;
use crate::{Aws, classify::Classify as _};

/// Someone who gets what is published. Mail addresses and web addresses have to confirm before they get anything.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// How.
    pub protocol: Protocol,
    /// Where: an address, a URL, or an ARN.
    pub endpoint: String,
}

/// How messages are delivered.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// By mail, as text.
    #[value(rename = "email")]
    Email,
    /// By mail, as JSON.
    #[value(rename = "email-json")]
    EmailJson,
    /// By POST over HTTPS.
    #[value(rename = "https")]
    Https,
    /// By POST over HTTP.
    #[value(rename = "http")]
    Http,
    /// Into an SQS queue.
    #[value(rename = "sqs")]
    Sqs,
    /// To a Lambda function.
    #[value(rename = "lambda")]
    Lambda,
    /// By text message.
    #[value(rename = "sms")]
    Sms,
    /// Into a Firehose stream.
    #[value(rename = "firehose")]
    Firehose,
}

/// What SNS shows for the ARN of a subscription that waits for its confirmation, or was deleted unconfirmed.
const NO_ARN: [&str; 2] = ["PendingConfirmation", "Deleted"];

/// The subscriptions of a topic, each with its ARN if it has one.
pub(super) async fn all(cx: &Cx<Aws>, topic: &str) -> Result<Vec<(Subscription, Option<String>)>> {
    let mut found = Vec::new();
    let mut pages = cx.sns().list_subscriptions_by_topic().topic_arn(topic).into_paginator().send();
    while let Some(page) = pages.next().await {
        let Some(page) = page.found()? else { break };
        for subscription in page.subscriptions() {
            let protocol = subscription.protocol().unwrap_or_default();
            // A protocol that is not in the list above cannot have been declared here.
            let Ok(protocol) = Protocol::from_value(&protocol.into()) else { continue };
            let endpoint = subscription.endpoint().unwrap_or_default().to_owned();
            let arn = subscription.subscription_arn().filter(|arn| !NO_ARN.contains(arn));
            found.push((Subscription { protocol, endpoint }, arn.map(str::to_owned)));
        }
    }
    Ok(found)
}

/// What a topic shows of its subscriptions. One that waits for its confirmation cannot be removed, so it counts only
/// where it is declared: else every plan would want to remove it.
pub(super) fn shown(
    all: Vec<(Subscription, Option<String>)>,
    declared: Option<&Topic>,
) -> Vec<Subscription> {
    let declared = declared.and_then(|topic| topic.subscriptions.as_deref()).unwrap_or_default();
    let counts = |(one, arn): &(Subscription, Option<_>)| arn.is_some() || declared.contains(one);
    all.into_iter().filter(counts).map(|(one, _)| one).collect()
}

/// Brings the subscriptions to `want`. One that was never confirmed cannot be removed: SNS drops it after two days.
pub(super) async fn sync(cx: &Cx<Aws>, topic: &str, want: &[Subscription]) -> Result<()> {
    let have = all(cx, topic).await?;
    for subscription in want.iter().filter(|want| have.iter().all(|(have, _)| have != *want)) {
        let subscribe = cx.sns().subscribe().topic_arn(topic);
        let subscribe = subscribe.protocol(subscription.protocol.as_str());
        subscribe.endpoint(&subscription.endpoint).send().await.classify()?;
    }
    for (_, arn) in have.iter().filter(|(have, _)| !want.contains(have)) {
        if let Some(arn) = arn {
            cx.sns().unsubscribe().subscription_arn(arn).send().await.gone()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_confirmation_counts_only_where_it_is_declared() {
        let mail = |name: &str| Subscription {
            protocol: Protocol::Email,
            endpoint: format!("{name}@example.com"),
        };
        let value = infra_core::state::Value::from([(
            "subscriptions",
            infra_core::Data::to_value(&vec![mail("a"), mail("b")]),
        )]);
        let topic = Topic::from_value(&value).unwrap();
        let all = vec![(mail("a"), None), (mail("x"), None), (mail("y"), Some("arn".to_owned()))];
        assert_eq!(shown(all, Some(&topic)), [mail("a"), mail("y")]);
    }
}
