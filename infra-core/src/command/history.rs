//! The deployments of a stack.

use infra_state::HistoryEntry;

use super::outputs::never_made;
use crate::{Engine, Result};

/// The last so many deployments, the last one last.
pub async fn history(engine: &Engine, last: usize) -> Result<Vec<HistoryEntry>> {
    let entries = engine.state.history(last).await?;
    if entries.is_empty() && engine.state.read().await?.is_none() {
        return Err(never_made(engine));
    }
    Ok(entries)
}
