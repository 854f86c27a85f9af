//! Not yet.
use super::Access;
use crate::wire::{Outcome, fail};

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    Err(fail("InvalidAction", access.call.operation.clone()).status(501))
}
