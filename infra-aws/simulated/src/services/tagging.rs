//! The Resource Groups Tagging API: the tags of what the embedded AWS's own services hold, by ARN or by tag.

use serde_json::{Value, json};

use super::{Access, Service, json_tags};
use crate::wire::{Outcome, fail, texts};

/// How many ARNs one call may name. (Resource Groups Tagging API reference, `GetResources`.)
const ARNS: usize = 100;
/// How many objects a page has, if the caller says nothing.
const PAGE: u64 = 100;

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    if access.call.operation != "GetResources" {
        let message = format!("no tagging operation {}", access.call.operation);
        return Err(fail("InvalidAction", message));
    }
    let input = access.input().clone();
    let invalid = |message: &str| Err(fail("InvalidParameterException", message));
    let (arns, filters) = (texts(&input, "ResourceARNList"), input["TagFilters"].as_array());
    let paged = ["PaginationToken", "ResourcesPerPage", "TagsPerPage"];
    if arns.len() > ARNS || (!arns.is_empty() && paged.iter().any(|it| !input[it].is_null())) {
        return invalid("ResourceARNList takes 100 ARNs, and no parameter of pages beside it");
    }
    if !arns.is_empty() && filters.is_some_and(|it| !it.is_empty()) {
        return invalid("ResourceARNList and TagFilters exclude each other");
    }
    if !input["ResourceTypeFilters"].is_null() {
        return invalid("the embedded AWS does not filter by type");
    }
    let is_meant = |arn: &String, tags: &Value| {
        let asked = arns.is_empty() || arns.contains(arn);
        asked && filters.into_iter().flatten().all(|filter| matches(filter, tags))
    };
    let mut found = all(access);
    found.retain(|(arn, tags)| {
        tags.as_array().is_some_and(|it| !it.is_empty()) && is_meant(arn, tags)
    });
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    let token = input["PaginationToken"].as_str().unwrap_or_default();
    let size = input["ResourcesPerPage"].as_u64().unwrap_or(PAGE);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let rest = found.into_iter().filter(|(arn, _)| arn.as_str() > token);
    let mut page: Vec<_> = rest.take(size.saturating_add(1)).collect();
    let more = page.len() > size;
    page.truncate(size);
    let next = page.last().filter(|_| more).map_or("", |(arn, _)| arn);
    let list: Vec<_> =
        page.iter().map(|(arn, tags)| json!({"ResourceARN": arn, "Tags": tags})).collect();
    Ok(json!({"PaginationToken": next, "ResourceTagMappingList": list}))
}

/// Without values a filter asks for the key alone.
fn matches(filter: &Value, tags: &Value) -> bool {
    let values = texts(filter, "Values");
    let has = json_tags::value(tags, filter["Key"].as_str().unwrap_or_default());
    has.is_some_and(|has| values.is_empty() || values.iter().any(|value| value == has))
}

/// What there is in the region, and its tags.
fn all(access: &mut Access<'_>) -> Vec<(String, Value)> {
    let parameters = format!("arn:aws:ssm:{}:{}:parameter/", access.region(), access.account());
    let mut all = Vec::new();
    // A name with levels begins with a slash, which its ARN has once.
    let parameter = |(name, it): (&str, &Value)| {
        (format!("{parameters}{}", name.trim_start_matches('/')), it["_tags"].clone())
    };
    all.extend(access.docs(Service::Ssm).all("parameter").map(parameter));
    let own = |it: &Value, arn: &str| {
        (it[arn].as_str().unwrap_or_default().to_owned(), it["_tags"].clone())
    };
    all.extend(access.docs(Service::Cloudwatch).values("alarm").map(|it| own(it, "AlarmArn")));
    all.extend(access.docs(Service::Ecr).values("repository").map(|it| own(it, "repositoryArn")));
    let topic = |(arn, it): (&str, &Value)| (arn.to_owned(), it["tags"].clone());
    all.extend(access.docs(Service::Sns).all("topic").map(topic));
    let group = |it: &Value| {
        let tags = it["_tags"].as_object().into_iter().flatten();
        let tags = tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        (it["logGroupArn"].as_str().unwrap_or_default().to_owned(), tags)
    };
    all.extend(access.docs(Service::Logs).values("log-group").map(group));
    all
}
