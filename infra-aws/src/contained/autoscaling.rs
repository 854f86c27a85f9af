//! Auto scaling groups.

use aws_sdk_autoscaling::types::AutoScalingGroup;
use infra_core::provider::{Contained, Cx, Result};

use super::object::{Tags, named, object};
use crate::{Aws, classify::Classify as _};

/// Those that start instances in one of these subnets.
pub(super) async fn scaling_groups(cx: &Cx<Aws>, subnets: &[String]) -> Result<Vec<Contained>> {
    let pages = cx.autoscaling().describe_auto_scaling_groups().into_paginator().items().send();
    let found = pages.collect::<Result<Vec<AutoScalingGroup>, _>>().await.classify()?;
    let here = |group: &AutoScalingGroup| {
        let mut of = group.vpc_zone_identifier().unwrap_or_default().split(',');
        of.any(|subnet| subnets.iter().any(|it| it == subnet))
    };
    let group = |group: &AutoScalingGroup| {
        let tags: Tags = group
            .tags()
            .iter()
            .filter_map(|tag| {
                Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))
            })
            .collect();
        let name = group.auto_scaling_group_name()?;
        Some(named(object("AWS::AutoScaling::AutoScalingGroup", name, &tags), Some(name)))
    };
    Ok(found.iter().filter(|it| here(it)).filter_map(group).collect())
}
