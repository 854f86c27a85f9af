//! What a stack exports.

use std::collections::BTreeMap;

use infra_state::{Value, View};

use crate::{Engine, Error, ErrorKind, Result};

/// What the last `up` exported; secrets are marked.
pub async fn outputs(engine: &Engine) -> Result<BTreeMap<String, Value>> {
    Ok(remembered(engine).await?.snapshot.exports)
}

/// The state of a stack that must have one.
pub(super) async fn remembered(engine: &Engine) -> Result<View> {
    engine.state.read().await?.ok_or_else(|| never_made(engine))
}

/// Why there is nothing to show.
pub(super) fn never_made(engine: &Engine) -> Error {
    let (name, url) = (engine.state.name(), engine.state.url());
    let message = format!("there is no state of {name} in {url} yet; `up` makes the stack");
    Error::new(ErrorKind::Usage, message)
}
