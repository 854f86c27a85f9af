//! Reading many objects where the API gives one at a time.

use std::{future::Future, vec};

#[cfg(any(feature = "elbv2", feature = "route53"))]
use infra_core::provider::Result;

use futures_util::{
    StreamExt as _,
    stream::{self, Buffered, Collect, Iter},
};

/// Calls under way at once for one batch. The rate is the budget's concern; this bounds connections.
const AT_ONCE: usize = 32;

/// Several futures at once, as one.
pub(crate) type Each<F> = Collect<Buffered<Iter<vec::IntoIter<F>>>, Vec<<F as Future>::Output>>;

/// Applies `one` to every item, several at once; the answers are in the order of the items.
///
/// It is no `async fn`, because its future would then hold the closure, and one over references is not `Send` for
/// every lifetime ("implementation of `FnOnce` is not general enough").
pub(crate) fn each<'a, T, F: Future>(items: &'a [T], one: impl Fn(&'a T) -> F) -> Each<F> {
    let futures: Vec<F> = items.iter().map(one).collect();
    stream::iter(futures).buffered(AT_ONCE).collect()
}

/// Those of `ids` that exist, asked for `size` at a time. `describe` gives `None` where one of its ids does not exist:
/// then that call says nothing of the others, and they are asked for one by one.
#[cfg(any(feature = "elbv2", feature = "route53"))]
pub(crate) async fn existing<T, F>(
    ids: &[String],
    size: usize,
    describe: impl Fn(Vec<String>) -> F,
) -> Result<Vec<T>>
where
    F: Future<Output = Result<Option<Vec<T>>>>,
{
    let batches: Vec<_> = ids.chunks(size).collect();
    let mut all = Vec::new();
    for (batch, found) in batches.iter().zip(each(&batches, |ids| describe(ids.to_vec())).await) {
        match found? {
            Some(found) => all.extend(found),
            None if batch.len() > 1 => {
                for found in each(batch, |id| describe(vec![id.clone()])).await {
                    all.extend(found?.unwrap_or_default());
                }
            }
            None => {}
        }
    }
    Ok(all)
}
