//! Jobs.

use serde_json::Value;

use super::pod;
use crate::json::{at, put_new};

pub(super) fn job(object: &mut Value) {
    let alone =
        at(object, "spec.completions").is_null() && at(object, "spec.parallelism").is_null();
    if alone {
        put_new(object, "spec.completions", 1);
    }
    put_new(object, "spec.parallelism", 1);
    put_new(object, "spec.backoffLimit", 6);
    put_new(object, "spec.completionMode", "NonIndexed");
    put_new(object, "spec.suspend", false);
    put_new(object, "spec.manualSelector", false);
    let policy = if at(object, "spec.podFailurePolicy").is_null() {
        "TerminatingOrFailed"
    } else {
        "Failed"
    };
    put_new(object, "spec.podReplacementPolicy", policy);
    pod::template(object, "spec.template");
}

pub(super) fn cron_job(object: &mut Value) {
    put_new(object, "spec.concurrencyPolicy", "Allow");
    put_new(object, "spec.suspend", false);
    put_new(object, "spec.successfulJobsHistoryLimit", 3);
    put_new(object, "spec.failedJobsHistoryLimit", 1);
    pod::template(object, "spec.jobTemplate.spec.template");
}
