//! Plan, confirm, execute.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use infra_state::{Outcome, Session, View};

use super::{
    deploy::deploy,
    lost::refuse_lost,
    planning::{Known, Planning, same_cloud},
    preview::tell_in_progress,
    recover::recover,
};
use crate::{
    Engine, Error, ErrorKind, Result,
    event::{Event, Summary},
    execute::Connections,
    plan::{Action, Plan, PlanOptions, saved::SavedPlan},
};

/// So many steps run at once unless somebody says otherwise: nearly all of a step's time is waiting.
pub const DEFAULT_PARALLEL: usize = 256;

/// How to execute.
#[derive(Clone)]
pub struct UpOptions {
    /// What to plan.
    pub plan: PlanOptions,
    /// Instead of planning: a plan that was made and looked at before.
    pub saved: Option<Arc<SavedPlan>>,
    /// How many steps run at once.
    pub parallel: usize,
    /// How long to wait for a lock that somebody else holds.
    pub lock_timeout: Duration,
    /// A delete that failed does not keep the deletes that wait for it from being tried.
    pub continue_on_error: bool,
    /// A stack without a state is made though the cloud has objects with its tags: they are left alone.
    pub new_lineage: bool,
}

impl Default for UpOptions {
    fn default() -> Self {
        Self {
            plan: PlanOptions::default(),
            saved: None,
            parallel: DEFAULT_PARALLEL,
            lock_timeout: Duration::ZERO,
            continue_on_error: false,
            new_lineage: false,
        }
    }
}

/// Asks the person.
#[async_trait]
pub trait Confirm: Send + Sync {
    /// Whether to execute this plan. It has something to do.
    async fn confirm(&self, plan: &Plan) -> Result<bool>;
}

/// Confirms everything: `--yes`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Confirmed;

#[async_trait]
impl Confirm for Confirmed {
    async fn confirm(&self, _: &Plan) -> Result<bool> {
        Ok(true)
    }
}

/// Brings the stack to what the program declares: plans, shows the plan, asks, takes the lock, executes.
///
/// An error is returned where nothing was done, or where the run was cut short by something that the caller has to
/// act on ([`ErrorKind::PlanStale`], a lost lease). Steps that failed, and an interruption by the person, are in the
/// [`Summary`].
pub async fn up(engine: &Engine, options: &UpOptions, confirm: &dyn Confirm) -> Result<Summary> {
    let command = if options.plan.destroy { "destroy" } else { "up" };
    let view = engine.state.read().await?;
    if let Some(view) = &view {
        same_cloud(engine, &view.snapshot)?;
    }
    let planning = Planning::new(engine, command, &options.plan)?;
    carry_out(engine, options, confirm, view, planning).await
}

/// Plans, shows the plan, asks, takes the lock, executes.
pub(super) async fn carry_out(
    engine: &Engine,
    options: &UpOptions,
    confirm: &dyn Confirm,
    view: Option<View>,
    mut planning: Planning<'_>,
) -> Result<Summary> {
    let mut held = None;
    if let Some(view) = &view {
        tell_in_progress(engine, view);
        // While somebody else works, or something is left to settle, a plan made now would be for nothing.
        if view.holder.is_some() || !view.snapshot.open.is_empty() {
            let (command, connections) = (&planning.command, &planning.connections);
            held = Some(acquire(engine, command, connections, options.lock_timeout).await?);
        }
    }
    let known = match &held {
        Some(session) => Known::held(session),
        None => Known::of(engine, view.as_ref()),
    };
    let result = with_lock(engine, options, confirm, &mut planning, known, &mut held).await;
    if let (Err(_), Some(session)) = (&result, &held) {
        // The first error is the one to tell.
        let _ = session.release().await;
    }
    engine.context.gate.guard(|| Ok(()));
    let summary = result?;
    engine.events.send(Event::Finished(Box::new(summary.clone())));
    Ok(summary)
}

async fn with_lock(
    engine: &Engine,
    options: &UpOptions,
    confirm: &dyn Confirm,
    planning: &mut Planning<'_>,
    known: Known,
    held: &mut Option<Arc<Session>>,
) -> Result<Summary> {
    let mut plan = prepare(options, planning, &known).await?;
    if is_idle(options, &plan, &known) {
        if let Some(session) = held {
            session.release().await?;
        }
        return Ok(nothing(&known));
    }
    if !options.new_lineage {
        refuse_lost(planning, &known).await?;
    }
    approve(options, confirm, &plan).await?;
    let session = if let Some(session) = held {
        Arc::clone(session)
    } else {
        let (command, connections) = (&planning.command, &planning.connections);
        let session = acquire(engine, command, connections, options.lock_timeout).await?;
        Arc::clone(held.insert(session))
    };
    if session.position() != known.position {
        let now = Known::held(&session);
        let moved = prepare(options, planning, &now).await?;
        if is_idle(options, &moved, &now) {
            session.release().await?;
            return Ok(nothing(&now));
        }
        // Nobody is asked twice about the same.
        if !alike(&plan, &moved) {
            approve(options, confirm, &moved).await?;
        }
        plan = moved;
    }
    if engine.cancel.is_stopped() {
        return Err(Error::new(ErrorKind::Interrupted, "stopped before anything was done"));
    }
    let connections = Arc::clone(&planning.connections);
    let graph = Arc::clone(&planning.graph);
    let summary =
        deploy(engine, options, &planning.command, session, connections, plan, graph).await;
    // It is closed, whatever became of it.
    *held = None;
    summary
}

/// Takes the lock, and settles what an earlier run left open.
pub(super) async fn acquire(
    engine: &Engine,
    command: &str,
    connections: &Arc<Connections>,
    wait: Duration,
) -> Result<Arc<Session>> {
    if let Some(holder) = engine.state.holder().await?
        && !wait.is_zero()
    {
        engine.events.send(Event::Waiting { holder });
    }
    let who = engine.holder(command);
    let acquired = tokio::select! {
        biased;
        acquired = engine.state.acquire(who, wait) => acquired,
        () = engine.cancel.stopped() => {
            return Err(Error::new(ErrorKind::Interrupted, "stopped before the lock was taken"));
        }
    };
    let session = Arc::new(acquired?);
    // The gate outlives the run; the lock must not.
    let watched = Arc::downgrade(&session);
    engine.context.gate.guard(move || match watched.upgrade() {
        Some(session) => session.check().map_err(|e| e.to_string()),
        None => Err("the run is over".to_owned()),
    });
    if let Err(error) = recover(engine, &session, connections).await {
        let _ = session.release().await;
        return Err(error);
    }
    Ok(session)
}

/// The plan: the saved one if it still holds, else a new one. Refused where it violates what must not be violated.
async fn prepare(
    options: &UpOptions,
    planning: &mut Planning<'_>,
    known: &Known,
) -> Result<Arc<Plan>> {
    let plan = match &options.saved {
        Some(saved) => planning.saved(saved, known).await?,
        None => planning.plan(known).await?,
    };
    match plan.violated() {
        Some(refusal) => Err(refusal),
        None => Ok(plan),
    }
}

/// Refuses what must not be done, and asks about the rest.
async fn approve(options: &UpOptions, confirm: &dyn Confirm, plan: &Plan) -> Result<()> {
    if let Some(refusal) = plan.refusal() {
        return Err(refusal);
    }
    // A saved plan was looked at; and what changes nothing in the cloud is nothing to ask about.
    if options.saved.is_some() || plan.is_empty() || confirm.confirm(plan).await? {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Refused, "declined: nothing was changed"))
}

/// Whether there is nothing to do, not even to remember.
fn is_idle(options: &UpOptions, plan: &Plan, known: &Known) -> bool {
    let Known { snapshot, .. } = known;
    let made = match snapshot.deployment {
        // That a cut-off deployment is over has to be written down.
        Some(_) => snapshot.outcome.is_some(),
        // An empty stack is made, but not to be destroyed.
        None => options.plan.destroy,
    };
    made && plan.steps.iter().all(|step| step.action == Action::Keep && !step.record_only)
        && plan.records.is_empty()
        && plan.forgotten.is_empty()
        && plan.exported == snapshot.exports
}

fn nothing(known: &Known) -> Summary {
    Summary {
        outcome: Outcome::Succeeded,
        done: BTreeMap::new(),
        failed: Vec::new(),
        skipped: 0,
        unfinished: 0,
        elapsed: Duration::ZERO,
        critical_path: Vec::new(),
        exports: known.snapshot.exports.clone(),
    }
}

/// Whether somebody who agreed to the one has agreed to the other.
fn alike(confirmed: &Plan, now: &Plan) -> bool {
    confirmed.steps.len() == now.steps.len()
        && confirmed.losses == now.losses
        && confirmed.steps.iter().zip(&now.steps).all(|(a, b)| {
            a.urn == b.urn
                && a.action == b.action
                && a.paths == b.paths
                && a.diff == b.diff
                && a.drift == b.drift
                && a.after == b.after
                && a.replaces.is_some() == b.replaces.is_some()
                && (a.action == Action::Create || a.inputs == b.inputs)
        })
}
