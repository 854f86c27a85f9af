//! The tags of many objects in few calls, for services that give them one by one.
//!
//! The Resource Groups Tagging API answers for a hundred ARNs at once, and learns of a change a little later than the
//! service itself. So its answer is believed where it says what was recorded, and the service is asked where it does
//! not: nothing that is reported comes from a late answer. Whoever may not ask is answered by the services.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_resourcegroupstagging::types::ResourceTagMapping;
use infra_core::provider::{Class, Cx, Grant, Result};

use crate::{Aws, batch, classify::Classify as _, tags};

/// From how many objects on they are asked for together.
const MANY: usize = 8;
/// How many ARNs one call takes. (Resource Groups Tagging API reference, `GetResources`.)
const ARNS: usize = 100;

type Tags = BTreeMap<String, String>;

/// What is known of the tags of many objects, by ARN.
#[derive(Default)]
pub(crate) struct Tagged(HashMap<String, Tags>);

/// What that call needs.
pub(crate) fn grants() -> Vec<Grant> {
    vec![Grant::new("tag:GetResources", "*")]
}

impl Tagged {
    /// The tags of these objects, where there are many.
    pub(crate) async fn of(cx: &Cx<Aws>, arns: &[String]) -> Result<Self> {
        if arns.len() < MANY {
            return Ok(Self::default());
        }
        let batches: Vec<_> = arns.chunks(ARNS).collect();
        let mut all = HashMap::new();
        for found in batch::each(&batches, |arns| ask(cx, arns)).await {
            match found {
                Ok(found) => all.extend(found),
                Err(e) if e.class() == Class::Denied => return Ok(Self::default()),
                Err(e) => return Err(e),
            }
        }
        Ok(Self(all))
    }

    /// The tags of an object, if they are what was recorded: nothing speaks against that answer.
    pub(crate) fn as_recorded(&self, arn: &str, recorded: Option<&Tags>) -> Option<Tags> {
        let found = self.0.get(arn)?;
        (tags::visible(found) == *recorded?).then(|| found.clone())
    }
}

/// What does not exist, or never had a tag, is not in the answer.
async fn ask(cx: &Cx<Aws>, arns: &[String]) -> Result<HashMap<String, Tags>> {
    let of = |found: ResourceTagMapping| {
        let tags = found.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
        Some((found.resource_arn?, tags.collect()))
    };
    let mut all = HashMap::new();
    let mut token = None;
    loop {
        // An answer for so few ARNs is one page; whoever makes more of it gives a token.
        let call = cx.tagging().get_resources().set_resource_arn_list(Some(arns.to_vec()));
        let page = call.set_pagination_token(token).send().await.classify()?;
        all.extend(page.resource_tag_mapping_list.unwrap_or_default().into_iter().filter_map(of));
        token = page.pagination_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}
