//! What would be done, without doing it.

use std::sync::Arc;

use infra_state::{Position, View};

use super::{
    lost::tell_lost,
    planning::{Known, Planning, same_cloud},
};
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
    let view = engine.state.read().await?;
    if let Some(view) = &view {
        same_cloud(engine, &view.snapshot)?;
    }
    let planning = Planning::new(engine, "preview", &options.plan)?;
    look(engine, view.as_ref(), planning).await
}

/// Plans with what is seen without the lock.
pub(super) async fn look(
    engine: &Engine,
    view: Option<&View>,
    mut planning: Planning<'_>,
) -> Result<Preview> {
    if let Some(view) = view {
        tell_in_progress(engine, view);
        tell_open(engine, view);
    }
    let known = Known::of(engine, view);
    let plan = planning.plan(&known).await?;
    tell_lost(&planning, &known).await?;
    Ok(Preview { plan, graph: planning.graph, position: known.position })
}

/// Says when somebody else's deployment is in progress, or was cut off.
pub(super) fn tell_in_progress(engine: &Engine, view: &View) {
    if view.holder.is_some() || view.interrupted {
        engine.events.send(Event::InProgress { holder: view.holder.clone() });
    }
}

/// Says that the plan may change, where something is left to settle. What somebody alive works on is not left.
fn tell_open(engine: &Engine, view: &View) {
    let count = view.snapshot.open.len();
    if view.holder.is_some() || count == 0 {
        return;
    }
    let text = match count {
        1 => "one operation is not settled: `up` settles it first, and the plan may change"
            .to_owned(),
        _ => format!(
            "{count} operations are not settled: `up` settles them first, and the plan may change"
        ),
    };
    engine.events.send(Event::Notice(text));
}
