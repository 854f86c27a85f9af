//! Finding what several kinds of the service find the same way.

use std::future::Future;

use infra_core::provider::{Cx, Result};

use super::tagging::{self, Tags};
use crate::Aws;

/// `Describe…` takes this many ARNs.
const BATCH: usize = 20;

/// Those of `arns` that exist. `describe` gives `None` where one of its ARNs does not: then that call says nothing of
/// the others, and they are asked for one by one.
pub(super) async fn by_arn<T, F>(
    arns: &[String],
    describe: impl Fn(Vec<String>) -> F,
) -> Result<Vec<T>>
where
    F: Future<Output = Result<Option<Vec<T>>>>,
{
    let mut all = Vec::new();
    for arns in arns.chunks(BATCH) {
        match describe(arns.to_vec()).await? {
            Some(found) => all.extend(found),
            None if arns.len() > 1 => {
                for arn in arns {
                    all.extend(describe(vec![arn.clone()]).await?.unwrap_or_default());
                }
            }
            None => {}
        }
    }
    Ok(all)
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
