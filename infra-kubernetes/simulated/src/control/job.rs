//! Jobs: pods that run to their end.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, ending, has_condition, set_condition};
use super::pods::{is_over, is_ready};
use super::replica::pod_of;
use crate::json::{self, at, flag, int, items, put, text};
use crate::time::stamp;

const TABLE: &str = "jobs.batch";

pub(super) fn run(cx: &mut Control<'_>) {
    for job in cx.all(TABLE) {
        if ending(&job) {
            continue;
        }
        if has_condition(&job, "Complete") || has_condition(&job, "Failed") {
            expire(cx, &job);
        } else {
            sync(cx, &job);
        }
    }
}

/// A job that is over goes after its time, if it has one.
fn expire(cx: &mut Control<'_>, job: &Arc<Value>) {
    let Some(ttl) = int(job, "spec.ttlSecondsAfterFinished") else { return };
    let since = cx.since(TABLE, job, "finished");
    if cx.due(since + ttl * 1000) {
        cx.delete(TABLE, job, "Background");
    }
}

fn sync(cx: &mut Control<'_>, job: &Arc<Value>) {
    let pods = cx.owned("pods", job);
    let phase = |is: &str| pods.iter().filter(|pod| text(pod, "status.phase") == is).count();
    let succeeded = phase("Succeeded");
    let failed = phase("Failed");
    let active: Vec<_> = pods.iter().filter(|pod| !is_over(pod) && !ending(pod)).cloned().collect();
    let restarts: i64 = active
        .iter()
        .flat_map(|pod| items(pod, "status.containerStatuses"))
        .filter_map(|it| int(it, "restartCount"))
        .sum();
    let mut status = at(job, "status").clone();
    json::as_object(&mut status);
    if flag(job, "spec.suspend") {
        for pod in &active {
            cx.delete("pods", pod, "Background");
        }
        json::remove(&mut status, "startTime");
        cx.note(TABLE, job, "started", None);
        set_condition(&mut status, cx.now, "Suspended", true, "JobSuspended", "Job suspended");
        count(&mut status, 0, succeeded, failed, 0);
        cx.status(TABLE, job, status);
        return;
    }
    let started = cx.since(TABLE, job, "started");
    put(&mut status, "startTime", stamp(started));
    if items(&status, "conditions").iter().any(|it| it["type"] == "Suspended") {
        set_condition(&mut status, cx.now, "Suspended", false, "JobResumed", "Job resumed");
    }
    let limit = int(job, "spec.backoffLimit").unwrap_or(6);
    let tried = i64::try_from(failed).unwrap_or(0) + restarts;
    let wanted = int(job, "spec.completions").and_then(|it| usize::try_from(it).ok());
    let deadline = int(job, "spec.activeDeadlineSeconds").map(|it| started + it * 1000);
    if tried > limit {
        over(
            cx,
            job,
            &active,
            status,
            succeeded,
            failed + active.len(),
            ("BackoffLimitExceeded", "Job has reached the specified backoff limit"),
        );
    } else if deadline.is_some_and(|at| cx.due(at)) {
        over(
            cx,
            job,
            &active,
            status,
            succeeded,
            failed + active.len(),
            ("DeadlineExceeded", "Job was active longer than specified deadline"),
        );
    } else if wanted.map_or(succeeded > 0 && active.is_empty(), |wanted| succeeded >= wanted) {
        let message = "Reached expected number of succeeded pods";
        set_condition(
            &mut status,
            cx.now,
            "SuccessCriteriaMet",
            true,
            "CompletionsReached",
            message,
        );
        set_condition(&mut status, cx.now, "Complete", true, "CompletionsReached", message);
        let now = cx.now;
        put(&mut status, "completionTime", stamp(now));
        cx.note(TABLE, job, "finished", Some(now));
        count(&mut status, 0, succeeded, failed, 0);
        cx.event(job, "Normal", "Completed", "Job completed", "job-controller");
        cx.status(TABLE, job, status);
    } else {
        let parallel = usize::try_from(int(job, "spec.parallelism").unwrap_or(1)).unwrap_or(1);
        let left = wanted.map_or(if succeeded > 0 { 0 } else { parallel }, |wanted| {
            (wanted - succeeded).min(parallel)
        });
        let mut running = active.len();
        if wait_over(cx, &pods) {
            let missing = left.saturating_sub(running);
            running += (0..missing).filter(|more| create(cx, job, pods.len() + more)).count();
        }
        for pod in active.iter().skip(left) {
            cx.delete("pods", pod, "Background");
            running -= 1;
        }
        let ready = active.iter().filter(|pod| is_ready(pod)).count();
        count(&mut status, running, succeeded, failed, ready);
        cx.status(TABLE, job, status);
    }
}

/// After a failure the next try waits, longer each time.
fn wait_over(cx: &mut Control<'_>, pods: &[Arc<Value>]) -> bool {
    let failed: Vec<_> = pods.iter().filter(|pod| text(pod, "status.phase") == "Failed").collect();
    let Some(last) = failed.iter().map(|pod| cx.since("pods", pod, "failed")).max() else {
        return true;
    };
    let first = i64::try_from(cx.settings.back_off.as_millis()).unwrap_or(0);
    let wait = first << failed.len().saturating_sub(1).min(5);
    cx.due(last + wait)
}

fn create(cx: &mut Control<'_>, job: &Arc<Value>, index: usize) -> bool {
    let mut pod = pod_of(job, "Job", "batch/v1");
    if text(job, "spec.completionMode") == "Indexed" {
        let key = "batch.kubernetes.io/job-completion-index";
        json::object_at(&mut pod, "metadata.annotations")
            .insert(key.to_owned(), json!(index.to_string()));
        json::object_at(&mut pod, "metadata.labels")
            .insert(key.to_owned(), json!(index.to_string()));
    }
    match cx.create("pods", pod) {
        Ok(pod) => {
            let message = format!("Created pod: {}", json::name(&pod));
            cx.event(job, "Normal", "SuccessfulCreate", &message, "job-controller");
            true
        }
        Err(refused) => {
            let message = format!("Error creating: {}", refused.message);
            cx.event(job, "Warning", "FailedCreate", &message, "job-controller");
            false
        }
    }
}

fn over(
    cx: &mut Control<'_>,
    job: &Arc<Value>,
    active: &[Arc<Value>],
    mut status: Value,
    succeeded: usize,
    failed: usize,
    (reason, message): (&str, &str),
) {
    for pod in active {
        cx.delete("pods", pod, "Background");
    }
    set_condition(&mut status, cx.now, "FailureTarget", true, reason, message);
    set_condition(&mut status, cx.now, "Failed", true, reason, message);
    let now = cx.now;
    cx.note(TABLE, job, "finished", Some(now));
    count(&mut status, 0, succeeded, failed, 0);
    cx.event(job, "Warning", reason, message, "job-controller");
    cx.status(TABLE, job, status);
}

fn count(status: &mut Value, active: usize, succeeded: usize, failed: usize, ready: usize) {
    for (field, number) in [("active", active), ("succeeded", succeeded), ("failed", failed)] {
        if number > 0 {
            put(status, field, number);
        } else {
            json::remove(status, field);
        }
    }
    put(status, "ready", ready);
    put(status, "terminating", 0);
    put(status, "uncountedTerminatedPods", json!({}));
}
