//! Finding what several kinds of the service find the same way.

use std::{future::Future, sync::Arc};

use aws_sdk_elasticloadbalancingv2::types::{Listener, LoadBalancer, TargetGroup};
use infra_core::{
    provider::{Cx, Result},
    state::StackName,
};

use super::tagging::{self, Tags};
use crate::{Aws, batch, classify::Classify as _, owned};

/// `Describe…` takes this many ARNs, and so does `DescribeTags`.
const BATCH: usize = 20;

/// Those of `arns` that exist.
pub(super) async fn by_arn<T, F>(
    arns: &[String],
    describe: impl Fn(Vec<String>) -> F,
) -> Result<Vec<T>>
where
    F: Future<Output = Result<Option<Vec<T>>>>,
{
    batch::existing(arns, BATCH, describe).await
}

/// Each object with its tags.
pub(super) async fn with_tags<T>(
    cx: &Cx<Aws>,
    found: Vec<T>,
    arn: impl Fn(&T) -> Option<&str>,
) -> Result<Vec<(T, Tags)>> {
    let arns: Vec<_> = found.iter().filter_map(|it| arn(it).map(str::to_owned)).collect();
    let mut tags = tagging::of(cx, &arns).await?;
    let tagged = found.into_iter().map(|it| {
        let tags = arn(&it).and_then(|arn| tags.remove(arn)).unwrap_or_default();
        (it, tags)
    });
    Ok(tagged.collect())
}

/// Those of `arns` whose tags say that they are the stack's.
pub(super) async fn of_stack(
    cx: &Cx<Aws>,
    stack: &StackName,
    arns: Vec<String>,
) -> Result<Vec<String>> {
    let mut tags = tagging::of(cx, &arns).await?;
    let tags = arns.iter().map(|arn| Ok(tags.remove(arn))).collect();
    owned::tagged(stack, arns, tags)
}

/// The ARNs of all load balancers of the region.
pub(super) async fn load_balancers(cx: &Cx<Aws>) -> Result<Arc<Vec<String>>> {
    let list = || async {
        let pages = cx.elbv2().describe_load_balancers().into_paginator().items().send();
        let found = pages.collect::<Result<Vec<LoadBalancer>, _>>().await.classify()?;
        Ok(found.into_iter().filter_map(|it| it.load_balancer_arn).collect())
    };
    cx.memo("elbv2:load-balancers", list).await
}

/// The ARNs of all target groups of the region.
pub(super) async fn target_groups(cx: &Cx<Aws>) -> Result<Vec<String>> {
    let pages = cx.elbv2().describe_target_groups().into_paginator().items().send();
    let found = pages.collect::<Result<Vec<TargetGroup>, _>>().await.classify()?;
    Ok(found.into_iter().filter_map(|it| it.target_group_arn).collect())
}

/// The listeners of a load balancer; none where it has just gone.
pub(super) async fn listeners(cx: &Cx<Aws>, balancer: &str) -> Result<Arc<Vec<Listener>>> {
    let list = || async {
        let describe = cx.elbv2().describe_listeners().load_balancer_arn(balancer);
        let mut pages = describe.into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let Some(page) = page.found()? else { break };
            all.extend(page.listeners.unwrap_or_default());
        }
        Ok(all)
    };
    cx.memo(&format!("elbv2:listeners:{balancer}"), list).await
}
