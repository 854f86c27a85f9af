//! Putting right what somebody else changed.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use infra_state::{Session, Urn, View};

use super::{
    compare::Drifted, look::Look, options::DriftOptions, repair::Repairing, violations::Judged,
};
use crate::{
    Engine, Error, ErrorKind, Result,
    command::{
        Confirm, UpOptions, deploy::deploy, outputs::never_made, planning::same_cloud,
        preview::tell_in_progress, up::acquire,
    },
    drift::{Repair, Report, What},
    event::{Event, Summary},
    execute::Connections,
};

/// What a repair is called in the history.
pub(super) const COMMAND: &str = "drift --fix";

/// How to put right what was found.
#[derive(Clone, Debug, Default)]
pub struct FixOptions {
    /// What is looked for, and what may be done about it.
    pub drift: DriftOptions,
    /// Data loss that was agreed to.
    pub allow_data_loss: BTreeSet<Urn>,
    /// The orphans that were found are deleted. Among them is what somebody put into an object of the stack and what
    /// does not say itself whose it is: also a part that another stack manages there.
    pub delete_orphans: bool,
    /// Go on though many objects are gone at once.
    pub allow_mass_absence: bool,
    /// How many steps run at once.
    pub parallel: usize,
    /// How long to wait for a lock that somebody else holds.
    pub lock_timeout: Duration,
}

/// What became of a repair.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// What was found, each with what was to be done about it.
    pub report: Report,
    /// What was done; `None`: there was nothing to do.
    pub summary: Option<Summary>,
    /// How many findings were left alone.
    pub left: usize,
}

/// Looks under the lock, plans what brings back what is recorded, shows it, asks, and does it.
///
/// What the program wants differently by now is left to `up`. Nothing is replaced, no orphan deleted, no capacity taken
/// away and no data made anew, empty, unless the options say so. The report is on the event stream before the plan.
pub async fn fix(engine: &Engine, options: &FixOptions, confirm: &dyn Confirm) -> Result<Fixed> {
    let view = engine.state.read().await?.ok_or_else(|| never_made(engine))?;
    same_cloud(engine, &view.snapshot)?;
    tell_in_progress(engine, &view);
    let connections = Arc::new(Connections::new(engine));
    let session = acquire(engine, COMMAND, &connections, options.lock_timeout).await?;
    let mut held = Some(Arc::clone(&session));
    let fixed = under_lock(engine, options, confirm, &connections, &session, &mut held).await;
    if held.is_some() {
        // The first error is the one to tell.
        let released = session.release().await;
        if fixed.is_ok() {
            released?;
        }
    }
    engine.context.gate.guard(|| Ok(()));
    let fixed = fixed?;
    if let Some(summary) = &fixed.summary {
        engine.events.send(Event::Finished(Box::new(summary.clone())));
    }
    Ok(fixed)
}

/// The state as it is under the lock.
pub(super) fn locked(session: &Session) -> View {
    let position = session.position();
    View { snapshot: session.snapshot(), position, holder: None, interrupted: false }
}

async fn under_lock(
    engine: &Engine,
    options: &FixOptions,
    confirm: &dyn Confirm,
    connections: &Arc<Connections>,
    session: &Arc<Session>,
    held: &mut Option<Arc<Session>>,
) -> Result<Fixed> {
    let view = locked(session);
    let mut look = Look::at(engine, &options.drift, &view, connections, Some(COMMAND)).await?;
    look.refuse_massacre(options.allow_mass_absence)?;
    let Some(wanted) = look.wanted.take() else {
        let message = "a stack is repaired by its own program";
        return Err(Error::new(ErrorKind::Usage, message));
    };
    let mut repair = Repairing::new(engine, options, &wanted, &view.snapshot, connections).await?;
    let planned = repair.plan(&mut look.drifted)?;
    look.report.findings = look.drifted.iter().map(|it| it.finding.clone()).collect();
    engine.events.send(Event::Drift(Box::new(look.report.clone())));
    let found = look.drifted.iter().filter(|it| it.finding.what != What::Violation);
    // What its kind cannot say stays where the rest is changed back.
    let stays = |it: &Drifted| it.has_beyond() && it.finding.repair == Repair::Update;
    let mut left = found.filter(|it| !repair.is_repaired(it) || stays(it)).count();
    let judged =
        Judged { engine, options: &options.drift, wanted: &wanted, snapshot: &view.snapshot };
    // What is put right is as it is recorded.
    let seen = look.seen.iter().filter(|(known, _)| !repair.is_chosen(known));
    let violated = judged.violations(seen, &|known| Some(Arc::clone(&known.record)))?;
    left += violated.iter().filter(|it| it.severity >= options.drift.severity).count();
    let Some(plan) = planned else {
        return Ok(Fixed { report: look.report, summary: None, left });
    };
    let plan = Arc::new(plan);
    engine.events.send(Event::Planned(Arc::clone(&plan)));
    if let Some(refusal) = plan.violated().or_else(|| plan.refusal()) {
        return Err(refusal);
    }
    if !confirm.confirm(&plan).await? {
        return Err(Error::new(ErrorKind::Refused, "declined: nothing was changed"));
    }
    if engine.cancel.is_stopped() {
        return Err(Error::new(ErrorKind::Interrupted, "stopped before anything was done"));
    }
    let up = UpOptions { parallel: options.parallel, ..UpOptions::default() };
    let graph = Arc::new(repair.graph);
    let (session, connections) = (Arc::clone(session), Arc::clone(connections));
    // From here on it is closed, whatever becomes of it.
    *held = None;
    let summary = deploy(engine, &up, COMMAND, session, connections, plan, graph).await?;
    Ok(Fixed { report: look.report, summary: Some(summary), left })
}

impl Look {
    /// Refuses to take the wrong account for a massacre.
    pub(super) fn refuse_massacre(&self, allowed: bool) -> Result<()> {
        if allowed || !self.is_massacre() {
            return Ok(());
        }
        let message = format!(
            "{} of {} objects are gone at once. The wrong account, region or endpoint is likelier than that somebody \
             deleted them. If they are really gone: `--allow-mass-absence`",
            self.gone, self.report.checked
        );
        Err(Error::new(ErrorKind::Refused, message))
    }
}
