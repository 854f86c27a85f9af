//! Removes everything.

use super::{Confirm, UpOptions, up};
use crate::{Engine, Result, event::Summary};

/// Removes everything that the stack has: [`up`] with an empty graph.
pub async fn destroy(
    engine: &Engine,
    options: &UpOptions,
    confirm: &dyn Confirm,
) -> Result<Summary> {
    let mut options = options.clone();
    options.plan.destroy = true;
    up(engine, &options, confirm).await
}
