//! What would be done, without doing it.

use std::sync::Arc;

use infra_state::{Position, View};

use super::planning::{Known, Planning};
use crate::{
    Engine, Result,
    event::Event,
    graph::Graph,
    plan::{Plan, PlanOptions},
};

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
///
/// Data that would be lost is in [`Plan::losses`](Plan); `up` refuses, a preview shows.
pub async fn preview(engine: &Engine, options: &PreviewOptions) -> Result<Preview> {
    let mut planning = Planning::new(engine, "preview", &options.plan)?;
    let view = engine.state.read().await?;
    if let Some(view) = &view {
        tell_in_progress(engine, view);
    }
    let known = Known::of(engine, view.as_ref());
    let plan = planning.plan(&known).await?;
    Ok(Preview { plan, graph: planning.graph, position: known.position })
}

/// Says when somebody else's deployment is in progress, or was cut off.
pub(super) fn tell_in_progress(engine: &Engine, view: &View) {
    if view.holder.is_some() || view.interrupted {
        engine.events.send(Event::InProgress { holder: view.holder.clone() });
    }
}
