//! Reading many objects where the API gives one at a time.

use std::future::Future;

use futures_util::{StreamExt as _, stream};

/// Calls under way at once for one batch. The rate is the budget's concern; this bounds connections.
const AT_ONCE: usize = 32;

/// Applies `one` to every item, several at once; the answers are in the order of the items.
pub(crate) async fn each<'a, T, F: Future>(
    items: &'a [T],
    one: impl Fn(&'a T) -> F,
) -> Vec<F::Output> {
    // The futures are made by the iterator: a closure in the stream itself would not be `Send` enough.
    stream::iter(items.iter().map(one)).buffered(AT_ONCE).collect().await
}
