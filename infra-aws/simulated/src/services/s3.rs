//! Not yet.
use super::Access;
use crate::wire::{ApiCall, Reply, fail, render_failure};

pub(crate) fn answer(access: &mut Access<'_>) -> Reply {
    render_failure(access.call, &fail("NotImplemented", access.call.operation.clone()).status(501))
}
pub(crate) fn operation(_call: &ApiCall) -> &'static str { "" }
