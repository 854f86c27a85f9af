//! What runs once, or by the clock.

use infra_core::program::IntoInput;

use super::{
    Pod,
    builder::{namespaced, short},
};

short! {
    /// Something that runs once: `Job::new("schema", pod)`.
    ///
    /// It is waited for until it has succeeded; what depends on it comes after that. What fails says why, with the last lines
    /// of its container, and the next `up` runs it again. **Another pod template replaces it**: it runs again then. Give
    /// it a name with what it is for (a digest) where an old one should be kept until the new one has succeeded.
    Job = "batch/v1" "Job"
}
namespaced!(Job);

impl Job {
    /// Runs a pod of this template to its end. Its containers are not started again in the same pod.
    pub fn new(name: impl IntoInput<String>, pod: Pod) -> Self {
        Self::called(name)
            .part(|part| part.with("spec.template", pod.set("spec.restartPolicy", "Never").0))
    }

    /// How many more pods are tried after a failure; 6 if left out.
    pub fn retries(self, count: i32) -> Self {
        self.set("spec.backoffLimit", count)
    }

    /// How many seconds it may take in all.
    pub fn deadline(self, seconds: i32) -> Self {
        self.set("spec.activeDeadlineSeconds", seconds)
    }
}

short! {
    /// Something that runs by the clock: `CronJob::new("report", "0 6 * * *", pod)`.
    CronJob = "batch/v1" "CronJob"
}
namespaced!(CronJob);

impl CronJob {
    /// Runs a pod of this template whenever `schedule` (minute, hour, day, month, day of the week) says.
    pub fn new(name: impl IntoInput<String>, schedule: &str, pod: Pod) -> Self {
        let pod = pod.set("spec.restartPolicy", "Never");
        Self::called(name)
            .set("spec.schedule", schedule)
            .part(|part| part.with("spec.jobTemplate.spec.template", pod.0))
    }

    /// The time zone of the schedule: `Europe/Berlin`; that of the control plane if left out.
    pub fn time_zone(self, zone: &str) -> Self {
        self.set("spec.timeZone", zone)
    }

    /// A run does not start while the one before is not over.
    pub fn one_at_a_time(self) -> Self {
        self.set("spec.concurrencyPolicy", "Forbid")
    }

    /// How many more pods a run tries after a failure; 6 if left out.
    pub fn retries(self, count: i32) -> Self {
        self.set("spec.jobTemplate.spec.backoffLimit", count)
    }

    /// How many runs of each kind are kept to be looked at.
    pub fn keep(self, succeeded: i32, failed: i32) -> Self {
        self.set("spec.successfulJobsHistoryLimit", succeeded)
            .set("spec.failedJobsHistoryLimit", failed)
    }
}
