//! What would be done, without doing it.

use std::sync::Arc;

use infra_state::Position;

use crate::{Engine, Result, graph::Graph, plan::{Plan, PlanOptions}};

/// How to preview.
#[derive(Clone, Debug, Default)]
pub struct PreviewOptions {
    /// What to plan.
    pub plan: PlanOptions,
}

/// What would be done.
#[derive(Clone)]
pub struct Preview {
    /// The plan.
    pub plan: Arc<Plan>,
    /// What the program declares; nothing where everything would be destroyed.
    pub graph: Arc<Graph>,
    /// The state that was planned against; the default where there is none yet.
    pub position: Position,
}

/// Plans and shows it. Takes no lock, calls nothing that changes anything.
pub async fn preview(engine: &Engine, options: &PreviewOptions) -> Result<Preview> {
    let _ = (engine, options);
    Err(crate::Error::new(crate::ErrorKind::Failed, "being written"))
}
