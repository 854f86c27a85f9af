//! Looking at groups, by name, tag and page.

use serde_json::{Value, json};

use super::dispatch::{TABLE, invalid, number};
use crate::services::{Access, Service};
use crate::wire::{Outcome, list, text, texts};

pub(super) fn groups(access: &mut Access<'_>) -> Outcome {
    let names = texts(access.input(), "AutoScalingGroupNames");
    let filters: Vec<(String, Vec<String>)> = list(access.input(), "Filters")
        .into_iter()
        .filter_map(|it| Some((text(it, "Name")?.to_owned(), texts(it, "Values"))))
        .collect();
    let groups: Vec<Value> = access
        .docs(Service::Autoscaling)
        .all(TABLE)
        .filter(|(name, _)| names.is_empty() || names.iter().any(|it| it == name))
        .filter(|(_, group)| {
            let tags = group["Tags"].as_array().map(Vec::as_slice).unwrap_or_default();
            filters.iter().all(|(name, values)| {
                tags.iter().any(|tag| {
                    let has = |field: &str| values.iter().any(|it| tag[field] == it.as_str());
                    match (name.as_str(), name.strip_prefix("tag:")) {
                        (_, Some(key)) => tag["Key"] == key && has("Value"),
                        ("tag-key", _) => has("Key"),
                        _ => has("Value"),
                    }
                })
            })
        })
        .map(|(_, group)| group.clone())
        .collect();
    page(access, "AutoScalingGroups", groups)
}

/// 50 a page unless the caller says otherwise, and never more than 100. The token is where the next page begins.
pub(super) fn page(access: &Access<'_>, set: &str, all: Vec<Value>) -> Outcome {
    let input = access.input();
    let size = number(input, "MaxRecords").unwrap_or(50);
    if !(1..=100).contains(&size) {
        return Err(invalid("MaxRecords must be a number from 1 to 100"));
    }
    let size = usize::try_from(size).unwrap_or(50);
    let from = text(input, "NextToken").and_then(|token| token.parse().ok()).unwrap_or(0usize);
    let next = (from + size < all.len()).then(|| (from + size).to_string());
    let rows: Vec<Value> = all.into_iter().skip(from).take(size).collect();
    Ok(json!({set: rows, "NextToken": next}))
}
