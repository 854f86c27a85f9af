//! The loop.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use infra_state::Env;

use super::{Board, pace};
use crate::{Cancel, Error, ErrorKind, Result, drift::Report, panics::caught_in};

/// How long a look that is under way may still take when a person asks to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Who is given reports, one after the other; none is kept for it.
#[async_trait]
pub trait Audience: Send {
    /// A report, as soon as it is there.
    async fn hear(&mut self, report: Report) -> Result<()>;
}

/// What looks.
#[async_trait]
pub trait Looker: Send + Sync {
    /// Looks once and gives every report. What is wrong with one stack is in its report; an error is what kept others from
    /// being looked at.
    async fn look(&self, audience: &mut dyn Audience) -> Result<()>;
}

/// Who follows a watch.
#[async_trait]
pub trait Watcher: Audience {
    /// A look is over. An error is counted, and ends nothing.
    async fn over(&mut self, how: &Result<()>) -> Result<()>;
}

/// Looks every `every` until `cancel` says to stop; the first time at once. Nothing else ends it.
pub async fn watch(
    env: &Arc<dyn Env>,
    cancel: &Cancel,
    every: Duration,
    board: &Board,
    looker: &dyn Looker,
    watcher: &mut dyn Watcher,
) {
    let mut failed = 0_u32;
    while !cancel.is_stopped() {
        let began = env.monotonic();
        let turn = turn(env, every, board, looker, watcher);
        let well = tokio::select! {
            biased;
            well = turn => well,
            () = stopped(env, cancel) => return,
        };
        failed = if well { 0 } else { failed.saturating_add(1) };
        let took = env.monotonic().saturating_sub(began);
        let pause = pace::pause(every, took, failed, &**env);
        tokio::select! {
            () = env.sleep(pause) => {}
            () = cancel.stopped() => {}
        }
    }
}

/// Returns when a person has asked to stop and what runs has had its time.
async fn stopped(env: &Arc<dyn Env>, cancel: &Cancel) {
    cancel.stopped().await;
    tokio::select! {
        () = env.sleep(GRACE) => {}
        () = cancel.aborted() => {}
    }
}

/// One look. Whether every stack could be looked at.
async fn turn(
    env: &Arc<dyn Env>,
    every: Duration,
    board: &Board,
    looker: &dyn Looker,
    watcher: &mut dyn Watcher,
) -> bool {
    board.begun();
    let mut hearing = Hearing { board, watcher, failed: 0, heard: 0 };
    let limit = pace::limit(every);
    let how = tokio::select! {
        ended = caught_in(looker.look(&mut hearing)) => ended.unwrap_or_else(|panic| {
            Err(Error::new(ErrorKind::Failed, format!("the look panicked: {panic}")))
        }),
        () = env.sleep(limit) => {
            let message = format!("the look was not over after {} s and was given up", limit.as_secs());
            Err(Error::new(ErrorKind::Failed, message))
        }
    };
    let (failed, heard) = (hearing.failed, hearing.heard);
    // A fleet in which some can be looked at is looked at.
    let well = how.is_ok() && (failed == 0 || failed < heard);
    board.over(well);
    let told = caught_in(watcher.over(&how)).await;
    if !matches!(told, Ok(Ok(()))) {
        board.not_told();
    }
    well
}

/// Whether nothing is known of the stack.
fn is_blind(report: &Report) -> bool {
    report.failed.is_some() || (report.checked == 0 && !report.unchecked.is_empty())
}

/// Writes what is heard on the board.
struct Hearing<'a> {
    board: &'a Board,
    watcher: &'a mut dyn Watcher,
    heard: usize,
    failed: usize,
}

#[async_trait]
impl Audience for Hearing<'_> {
    async fn hear(&mut self, report: Report) -> Result<()> {
        self.heard += 1;
        // A cloud that answers nothing is not looked at.
        self.failed += usize::from(is_blind(&report));
        self.board.heard(&report);
        self.watcher.hear(report).await
    }
}
