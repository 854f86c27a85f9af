//! Load balancers, their listeners, and target groups.

use std::collections::HashMap;

use aws_sdk_elasticloadbalancingv2::types::{Listener, LoadBalancer, TargetGroup};
use infra_core::provider::{Contained, Cx, Result};
use tokio::try_join;

use super::object::{Tags, named, object, part_of};
use crate::{Aws, batch, classify::Classify as _};

/// `DescribeTags` takes this many ARNs.
const BATCH: usize = 20;

pub(super) async fn balancers(cx: &Cx<Aws>, vpc: &str) -> Result<Vec<Contained>> {
    let balancers = async {
        let pages = cx.elbv2().describe_load_balancers().into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.classify()
    };
    let groups = async {
        let pages = cx.elbv2().describe_target_groups().into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.classify()
    };
    let (mut balancers, mut groups): (Vec<LoadBalancer>, Vec<TargetGroup>) =
        try_join!(balancers, groups)?;
    balancers.retain(|it| it.vpc_id() == Some(vpc));
    groups.retain(|it| it.vpc_id() == Some(vpc));
    let listeners = batch::each(&balancers, |it| listeners(cx, it)).await;
    let listeners: Vec<Listener> =
        listeners.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();

    let arns = balancers.iter().filter_map(LoadBalancer::load_balancer_arn);
    let arns = arns.chain(groups.iter().filter_map(TargetGroup::target_group_arn));
    let arns = arns.chain(listeners.iter().filter_map(Listener::listener_arn));
    let arns: Vec<String> = arns.map(str::to_owned).collect();
    let tags = tags(cx, &arns).await?;
    let none = Tags::new();
    let tags = |arn: &str| tags.get(arn).unwrap_or(&none);

    let mut all = Vec::new();
    let mut made = HashMap::new();
    for it in &balancers {
        let Some(arn) = it.load_balancer_arn() else { continue };
        let found = object("aws:elbv2:LoadBalancer", arn, tags(arn));
        made.insert(arn, found.comes_with.clone());
        all.push(named(found, it.load_balancer_name()));
    }
    for it in &groups {
        let Some(arn) = it.target_group_arn() else { continue };
        all.push(named(object("aws:elbv2:TargetGroup", arn, tags(arn)), it.target_group_name()));
    }
    for it in &listeners {
        let Some(arn) = it.listener_arn() else { continue };
        let with = it.load_balancer_arn().and_then(|of| made.get(of)?.clone());
        all.push(part_of(object("aws:elbv2:Listener", arn, tags(arn)), with));
    }
    Ok(all)
}

async fn listeners(cx: &Cx<Aws>, of: &LoadBalancer) -> Result<Vec<Listener>> {
    let list = cx.elbv2().describe_listeners().set_load_balancer_arn(of.load_balancer_arn.clone());
    let mut pages = list.into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let Some(page) = page.found()? else { break };
        all.extend(page.listeners.unwrap_or_default());
    }
    Ok(all)
}

async fn tags(cx: &Cx<Aws>, arns: &[String]) -> Result<HashMap<String, Tags>> {
    let mut all = HashMap::new();
    for arns in arns.chunks(BATCH) {
        let call = cx.elbv2().describe_tags().set_resource_arns(Some(arns.to_vec()));
        // One that has just gone fails the call: then nobody's tags are known, which is no reason to say nothing.
        let Some(found) = call.send().await.found()? else { continue };
        for it in found.tag_descriptions() {
            let tags = it.tags().iter().filter_map(|tag| {
                Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))
            });
            all.extend(it.resource_arn().map(|arn| (arn.to_owned(), tags.collect())));
        }
    }
    Ok(all)
}
