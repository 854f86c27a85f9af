//! Reading many objects where the API gives one at a time.

use std::{future::Future, vec};

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
