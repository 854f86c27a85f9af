//! The run of a plan: what the scheduler says, done by workers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use infra_state::Urn;
use tokio::task::JoinSet;

use super::{run::Run, scheduler::Scheduler};
use crate::{
    Cancel, Error, ErrorKind, Result,
    event::{Event, Failure},
    panics::caught_in,
    plan::{Action, Plan, StepId},
};

/// What became of a run.
#[derive(Default)]
pub(crate) struct Finished {
    /// Steps that were done, by action.
    pub(crate) done: BTreeMap<Action, usize>,
    /// Steps that failed.
    pub(crate) failed: Vec<Failure>,
    /// Steps that were not begun.
    pub(crate) skipped: usize,
    /// Steps that were begun and not waited for: the next run settles them.
    pub(crate) unfinished: usize,
    /// From the first step to the last.
    pub(crate) elapsed: Duration,
    /// The chain of steps that took longest.
    pub(crate) critical_path: Vec<(Urn, Action, Duration)>,
    /// Why it was cut short: a person, the lease, a truth stronger than what was confirmed.
    pub(crate) cut: Option<Error>,
}

/// Does the steps of the plan.
pub(crate) async fn execute(
    run: &Arc<Run>,
    parallel: usize,
    go_on: bool,
    cancel: &Cancel,
) -> Finished {
    let mut execution = Execution {
        scheduler: Scheduler::new(&run.plan.steps, parallel, go_on),
        tasks: JoinSet::new(),
        begun: BTreeSet::new(),
        times: vec![Duration::ZERO; run.plan.steps.len()],
        finished: Finished::default(),
        run,
    };
    let begun = run.env.monotonic();
    execution.go(cancel).await;
    let Execution { times, mut finished, .. } = execution;
    finished.elapsed = run.env.monotonic().saturating_sub(begun);
    finished.critical_path = critical_path(&run.plan, &times);
    finished
}

struct Execution<'r> {
    run: &'r Arc<Run>,
    scheduler: Scheduler,
    tasks: JoinSet<(StepId, Result<Action>, Duration)>,
    /// Those that run, of the steps that are shown.
    begun: BTreeSet<StepId>,
    times: Vec<Duration>,
    finished: Finished,
}

impl Execution<'_> {
    async fn go(&mut self, cancel: &Cancel) {
        let mut stopping = false;
        loop {
            self.start();
            if self.tasks.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                ended = self.tasks.join_next() => {
                    if let Some(Ok((id, result, time))) = ended {
                        self.ended(id, result, time);
                    }
                }
                () = cancel.stopped(), if !stopping => {
                    stopping = true;
                    self.run.events.send(Event::Stopping);
                    let skipped = self.scheduler.stop();
                    self.skipped(&skipped, None);
                    // Where everything runs already, nothing is cut short.
                    if !skipped.is_empty() {
                        self.finished.cut.get_or_insert_with(stopped);
                    }
                }
                () = cancel.aborted(), if stopping => {
                    // What they were about to do is in the journal: the next run settles it.
                    self.finished.unfinished = self.begun.len();
                    self.finished.cut.get_or_insert_with(stopped);
                    self.tasks.shutdown().await;
                    return;
                }
            }
        }
    }

    fn start(&mut self) {
        let run = self.run;
        while let Some(id) = self.scheduler.next(&mut |id| run.lock(id)) {
            if run.is_idle(id) {
                self.scheduler.done(id);
                continue;
            }
            if run.is_shown(id) {
                let step = run.step(id);
                let (urn, action) = (step.urn.clone(), step.action);
                self.begun.insert(id);
                run.events.send(Event::StepStarted { step: id, urn, action });
            }
            let run = Arc::clone(run);
            self.tasks.spawn(async move {
                let begun = run.env.monotonic();
                // A driver that panics is a step that failed; the others go on.
                let worked = caught_in(run.work(id)).await;
                let result = worked.unwrap_or_else(|panic| {
                    let panic = run.scrub.panicked(&panic);
                    let message = format!("the driver of {} panicked: {panic}", run.step(id).urn);
                    Err(Error::new(ErrorKind::Failed, message))
                });
                (id, result, run.env.monotonic().saturating_sub(begun))
            });
        }
    }

    fn ended(&mut self, id: StepId, result: Result<Action>, elapsed: Duration) {
        self.times[id.0] = elapsed;
        self.begun.remove(&id);
        let step = self.run.step(id);
        let urn = step.urn.clone();
        let error = match result {
            Ok(action) => {
                if self.run.is_shown(id) {
                    if action != Action::Keep {
                        *self.finished.done.entry(action).or_default() += 1;
                    }
                    self.run.events.send(Event::StepDone { step: id, urn, action, elapsed });
                }
                return self.scheduler.done(id);
            }
            Err(error) => error,
        };
        let message = error.to_string();
        let action = step.action;
        let at = self.run.declared_at(&urn);
        self.finished.failed.push(Failure { urn: urn.clone(), message: message.clone(), at });
        self.run.events.send(Event::StepFailed {
            step: id,
            urn: urn.clone(),
            action,
            message,
            at,
            elapsed,
        });
        let skipped = self.scheduler.failed(id);
        self.skipped(&skipped, Some(&urn));
        if matches!(error.kind(), ErrorKind::PlanStale | ErrorKind::Interrupted) {
            self.cut(error);
        }
    }

    /// From here on nothing starts.
    fn cut(&mut self, why: Error) {
        self.finished.cut.get_or_insert(why);
        let skipped = self.scheduler.stop();
        self.skipped(&skipped, None);
    }

    fn skipped(&mut self, steps: &[StepId], because: Option<&Urn>) {
        for &id in steps.iter().filter(|id| self.run.is_shown(**id)) {
            self.finished.skipped += 1;
            let (urn, because) = (self.run.step(id).urn.clone(), because.cloned());
            self.run.events.send(Event::StepSkipped { step: id, urn, because });
        }
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Interrupted, "stopped by request")
}

/// The chain of steps, each waiting for the one before, that took longest together. What a step waited for a place
/// among those that run does not count: it is no property of the plan.
fn critical_path(plan: &Plan, times: &[Duration]) -> Vec<(Urn, Action, Duration)> {
    let mut ends = vec![Duration::ZERO; plan.steps.len()];
    let mut before = vec![None; plan.steps.len()];
    for (id, step) in plan.iter() {
        let last = step.after.iter().max_by_key(|before| ends[before.0]);
        before[id.0] = last;
        ends[id.0] = times[id.0] + last.map_or(Duration::ZERO, |last| ends[last.0]);
    }
    let mut at = (0..ends.len()).rev().max_by_key(|at| ends[*at]).map(StepId);
    let mut path = Vec::new();
    while let Some(id) = at {
        let step = plan.step(id);
        if !times[id.0].is_zero() && !step.record_only {
            path.push((step.urn.clone(), step.action, times[id.0]));
        }
        at = before[id.0].copied();
    }
    path.reverse();
    path
}
