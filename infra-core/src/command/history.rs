//! The deployments of a stack.

use infra_state::HistoryEntry;

use crate::{Engine, Result};

/// The last so many deployments, the last one last.
pub async fn history(engine: &Engine, last: usize) -> Result<Vec<HistoryEntry>> {
    Ok(engine.state.history(last).await?)
}
