//! Who last changed each of some objects.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey as Key};
use infra_core::{
    drift::Actor,
    provider::{Connection, Result, Touched},
};
use jiff::Timestamp;

use super::event::Event;
use crate::{Aws, classify::Classify as _};

/// How many pages of the newest changes are looked through, of 50 events each.
const PAGES: usize = 4;
/// How many objects are asked for by their names after that.
const NAMED: usize = 6;
/// Two calls a second are allowed. (CloudTrail API reference, `LookupEvents`.)
const PAUSE: Duration = Duration::from_millis(500);

/// Who last changed these objects; `None` where nothing tells, or the caller may not ask.
pub(crate) async fn actors(
    connection: &Connection,
    asked: &[Touched<'_>],
    since: Timestamp,
) -> Vec<Option<Actor>> {
    let mut found: Vec<Option<Actor>> = asked.iter().map(|_| None).collect();
    let Some(aws) = connection.client.downcast_ref::<Aws>() else { return found };
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, touched) in asked.iter().enumerate() {
        places.entry(recorded_in(aws, touched.kind)).or_default().push(at);
    }
    for (region, objects) in places {
        let elsewhere = (region != aws.region()).then(|| aws.in_region(region));
        let trail = Trail { aws: elsewhere.as_ref().unwrap_or(aws), since };
        if let Err(e) = trail.tell(asked, &objects, &mut found).await {
            // Who it was is good to know, and no reason to fail.
            tracing::debug!(region, error = %e, "CloudTrail does not tell who changed something");
        }
    }
    found
}

/// What is global is recorded in one region. (CloudTrail user guide, "Global service events".)
fn recorded_in<'a>(aws: &'a Aws, kind: &str) -> &'a str {
    let global = kind.starts_with("aws:iam:") || kind.starts_with("aws:route53:");
    match aws.partition() {
        "aws" if global => "us-east-1",
        "aws-cn" if global => "cn-north-1",
        "aws-us-gov" if global => "us-gov-west-1",
        _ => aws.region(),
    }
}

/// The words that name an object in an event: the parts of an id that was put together, and of an ARN its last one,
/// because not every call names it by its ARN.
fn words<'a>(touched: &Touched<'a>) -> Vec<&'a str> {
    let last = |part: &'a str| match part.strip_prefix("arn:") {
        Some(_) if touched.kind.starts_with("aws:elbv2:") => part,
        Some(arn) => arn.rsplit(['/', ':']).next().unwrap_or(part),
        None => part,
    };
    // EKS puts a cluster's name before what is in it.
    let parts = match touched.id.split_once('/') {
        Some((cluster, inner)) if touched.kind.starts_with("aws:eks:") => vec![cluster, inner],
        _ => touched.id.split('|').collect(),
    };
    parts.into_iter().map(last).filter(|word| !word.is_empty()).collect()
}

struct Trail<'a> {
    aws: &'a Aws,
    since: Timestamp,
}

impl Trail<'_> {
    async fn tell(
        &self,
        asked: &[Touched<'_>],
        objects: &[usize],
        found: &mut [Option<Actor>],
    ) -> Result<()> {
        let mut token = None;
        for page in 0..PAGES {
            if page > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let (events, next) = self.look_up(Key::ReadOnly, "false", token).await?;
            for &at in objects {
                if found[at].is_none() {
                    found[at] = newest(&events, &asked[at]);
                }
            }
            token = next;
            if token.is_none() || objects.iter().all(|&at| found[at].is_some()) {
                break;
            }
        }
        // The whole history was looked through.
        if token.is_none() {
            return Ok(());
        }
        let left: Vec<_> = objects.iter().filter(|&&at| found[at].is_none()).collect();
        for &&at in left.iter().take(NAMED) {
            tokio::time::sleep(PAUSE).await;
            let Some(name) = words(&asked[at]).first().copied() else { continue };
            let (events, _) = self.look_up(Key::ResourceName, name, None).await?;
            found[at] = newest(&events, &asked[at]);
        }
        Ok(())
    }

    /// A page of events, the newest first.
    async fn look_up(
        &self,
        key: Key,
        value: &str,
        token: Option<String>,
    ) -> Result<(Vec<Event>, Option<String>)> {
        let attribute = LookupAttribute::builder().attribute_key(key).attribute_value(value);
        let since = aws_smithy_types::DateTime::from_secs(self.since.as_second());
        let call = self.aws.cloudtrail().lookup_events().start_time(since).set_next_token(token);
        let call = call.lookup_attributes(attribute.build().classify()?);
        let answer = call.send().await.classify()?;
        let events = answer.events().iter().filter(|it| it.read_only() != Some("true"));
        Ok((events.filter_map(Event::of).collect(), answer.next_token))
    }
}

/// The newest change of the object; of one that is gone the one that removed it, where that is told.
fn newest(events: &[Event], touched: &Touched<'_>) -> Option<Actor> {
    let words = words(touched);
    let about = || events.iter().filter(|event| event.is_about(&words, touched.gone));
    let removed = about().find(|event| touched.gone && event.removes());
    removed.or_else(|| about().next()).map(|event| event.actor().clone())
}
