//! One deployment under the lock: from the confirmed plan to the closed session.

use std::{collections::BTreeMap, sync::Arc};

use infra_state::{Change, Deployment, HistoryEntry, Outcome, Session};

use super::UpOptions;
use crate::{
    Engine, ErrorKind, Result,
    event::{Event, Summary},
    execute::{Connections, Finished, Run, Scope, execute},
    graph::Graph,
    plan::{Action, Plan},
    report::CUT_OFF,
};

/// Executes the plan and closes the session.
pub(super) async fn deploy(
    engine: &Engine,
    options: &UpOptions,
    command: &str,
    session: Arc<Session>,
    connections: Arc<Connections>,
    plan: Arc<Plan>,
    graph: Arc<Graph>,
) -> Result<Summary> {
    let (before, ended) = session.with(|snapshot| (snapshot.deployment.clone(), snapshot.outcome));
    let deployment = engine.deployment(command, before.as_ref());
    let mut changes = vec![Change::Begun(deployment.clone())];
    changes.extend(plan.forgotten.iter().cloned().map(Change::Forgotten));
    changes.extend(plan.records.iter().cloned().map(Change::Put));
    if let Some(before) = before {
        file_earlier(engine, &session, before, ended).await;
    }
    if let Err(error) = session.commit(changes).await {
        let _ = session.release().await;
        return Err(error.into());
    }
    let todo = plan.steps.iter().filter(|s| s.action != Action::Keep && !s.record_only);
    engine.events.send(Event::Started { steps: todo.count(), deployment: deployment.number });
    let scope = Scope::new(engine, Arc::clone(&session), connections);
    let run = Arc::new(Run::new(scope, plan, Arc::clone(&graph)));
    let parallel = options.parallel.max(1);
    let mut finished = execute(&run, parallel, options.continue_on_error, &engine.cancel).await;
    let ended = end(&run, &session, &mut finished).await;
    let summary = summary(&session, &finished);
    let ended = match ended {
        Ok(()) => {
            let entry = HistoryEntry {
                deployment,
                ended: engine.env.now(),
                outcome: summary.outcome,
                summary: counts(&summary),
                position: session.position(),
                graph: (!options.plan.destroy).then(|| graph.to_value(&|urn| run.known(urn))),
            };
            session.close(entry).await
        }
        Err(error) => {
            let _ = session.release().await;
            Err(error)
        }
    };
    match finished.cut {
        // The person knows; the summary says what became of it.
        Some(cut) if cut.kind() == ErrorKind::Interrupted && engine.cancel.is_stopped() => {}
        Some(cut) => {
            engine.events.send(Event::Finished(Box::new(summary)));
            return Err(cut);
        }
        None => {}
    }
    ended?;
    Ok(summary)
}

/// Puts the deployment before this one into the history, if it could not do it itself: it was cut off, or died between
/// its end and the history. Before the next one is begun, or nobody would know of it any more.
pub(super) async fn file_earlier(
    engine: &Engine,
    session: &Session,
    deployment: Deployment,
    ended: Option<Outcome>,
) {
    let entry = HistoryEntry {
        deployment,
        // When it ended nobody knows; this is when that was found.
        ended: engine.env.now(),
        outcome: ended.unwrap_or(Outcome::Interrupted),
        summary: std::iter::once((CUT_OFF.to_owned(), 1)).collect(),
        position: session.position(),
        graph: None,
    };
    // A line of history is no reason not to deploy.
    if let Err(error) = session.file(entry).await {
        tracing::warn!(%error, "the deployment that was cut off is missing from the history");
    }
}

/// Records the exports and that the deployment is over.
async fn end(
    run: &Run,
    session: &Session,
    finished: &mut Finished,
) -> Result<(), infra_state::Error> {
    let mut changes = Vec::new();
    match run.exports() {
        Ok(exports) if session.with(|snapshot| snapshot.exports == exports) => {}
        Ok(exports) => changes.push(Change::Exports(exports)),
        Err(error) => finished.cut = finished.cut.take().or(Some(error)),
    }
    changes.push(Change::Ended(outcome(finished)));
    session.commit(changes).await
}

fn outcome(finished: &Finished) -> Outcome {
    match &finished.cut {
        Some(cut) if cut.kind() == ErrorKind::Interrupted => Outcome::Interrupted,
        None if finished.failed.is_empty() => Outcome::Succeeded,
        _ => Outcome::Failed,
    }
}

fn summary(session: &Session, finished: &Finished) -> Summary {
    Summary {
        outcome: outcome(finished),
        done: finished.done.clone(),
        failed: finished.failed.clone(),
        skipped: finished.skipped,
        unfinished: finished.unfinished,
        elapsed: finished.elapsed,
        critical_path: finished.critical_path.clone(),
        exports: session.with(|snapshot| snapshot.exports.clone()),
    }
}

/// The words of the history.
fn counts(summary: &Summary) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut add = |word: &str, count: usize| {
        if count > 0 {
            *counts.entry(word.to_owned()).or_default() += count as u64;
        }
    };
    for (action, count) in &summary.done {
        let word = match action {
            Action::Keep => continue,
            Action::Create => "created",
            Action::Update => "updated",
            Action::Import => "imported",
            Action::Delete => "deleted",
            Action::DeleteOld => "replaced",
            Action::Read => "read",
            Action::Forget => "forgotten",
        };
        add(word, *count);
    }
    add("failed", summary.failed.len());
    add("skipped", summary.skipped);
    add("unfinished", summary.unfinished);
    counts
}
