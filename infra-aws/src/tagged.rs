//! The tags of many objects in few calls, for services that give them one by one.
//!
//! The Resource Groups Tagging API answers for a hundred ARNs at once, and learns of a change a little later than the
//! service itself. So its answer is believed where it says what was recorded, and the service is asked where it does
//! not: nothing that is reported comes from a late answer. It only spares calls: whoever may not ask it, or finds it
//! throttled or away, is answered by the services.
//!
//! A look finds by it, too, what carries the stack's tags and is not recorded: it comes again, so what is a minute old may
//! be missed once.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use aws_sdk_resourcegroupstagging::{
    operation::get_resources::builders::GetResourcesFluentBuilder,
    types::{ResourceTagMapping, TagFilter},
};
use infra_core::{
    Resource,
    provider::{Change, Cx, Grant, Result},
    state::StackName,
};

use crate::{Aws, batch, classify::Classify as _, owned::STACK, policy::Verb, tags};

/// From how many objects on they are asked for together.
const MANY: usize = 8;
/// How many ARNs one call takes. (Resource Groups Tagging API reference, `GetResources`.)
const ARNS: usize = 100;

type Tags = BTreeMap<String, String>;

/// What is known of the tags of many objects, by ARN.
#[derive(Default)]
pub(crate) struct Tagged(HashMap<String, Tags>);

/// What those calls need.
pub(crate) const ACTION: &str = "tag:GetResources";

/// What a read needs of it.
pub(crate) fn grants<R: Resource>(change: &Change<'_, R>) -> Vec<Grant> {
    match Verb::of(change) {
        Verb::Read => vec![Grant::new(ACTION, "*")],
        _ => Vec::new(),
    }
}

impl Tagged {
    /// The tags of these objects, where there are many and it answers.
    pub(crate) async fn of(cx: &Cx<Aws>, arns: &[String]) -> Self {
        if arns.len() < MANY {
            return Self::default();
        }
        let batches: Vec<_> = arns.chunks(ARNS).collect();
        // What is not answered here is asked of the service itself, and that says what is wrong.
        let found = batch::each(&batches, |arns| ask(cx, arns)).await;
        Self(found.into_iter().filter_map(Result::ok).flatten().collect())
    }

    /// The tags of an object: those that were recorded, if nothing speaks against them, or what the service says.
    pub(crate) async fn or_asked(
        &self,
        arn: &str,
        recorded: Option<&Tags>,
        asked: impl Future<Output = Result<Option<Tags>>>,
    ) -> Result<Option<Tags>> {
        match self.0.get(arn) {
            Some(found) if recorded == Some(&tags::visible(found)) => Ok(Some(found.clone())),
            _ => asked.await,
        }
    }
}

/// The ARNs of what carries the stack's tag in the region; `None` where it does not say.
pub(crate) async fn of_stack(
    cx: &Cx<Aws>,
    stack: &StackName,
) -> Result<Arc<Option<HashSet<String>>>> {
    let ask = || async {
        let filter = TagFilter::builder().key(STACK).values(stack.to_string()).build();
        let call = cx.tagging().get_resources().tag_filters(filter);
        // Who asks then asks the service about each.
        let found = pages(call).await.ok();
        Ok(found.map(|all| all.filter_map(|it| it.resource_arn).collect()))
    };
    cx.memo(&format!("tagging:of:{stack}"), ask).await
}

/// What does not exist, or never had a tag, is not in the answer.
async fn ask(cx: &Cx<Aws>, arns: &[String]) -> Result<HashMap<String, Tags>> {
    let of = |found: ResourceTagMapping| {
        let tags = found.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
        Some((found.resource_arn?, tags.collect()))
    };
    // An answer for so few ARNs is one page; whoever makes more of it gives a token.
    let call = cx.tagging().get_resources().set_resource_arn_list(Some(arns.to_vec()));
    Ok(pages(call).await?.filter_map(of).collect())
}

async fn pages(
    call: GetResourcesFluentBuilder,
) -> Result<impl Iterator<Item = ResourceTagMapping>> {
    let mut all = Vec::new();
    let mut token = None;
    loop {
        let page = call.clone().set_pagination_token(token).send().await.classify()?;
        all.extend(page.resource_tag_mapping_list.unwrap_or_default());
        token = page.pagination_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all.into_iter());
        }
    }
}
