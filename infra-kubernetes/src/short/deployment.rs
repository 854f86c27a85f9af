//! Deployments and how many of their pods may be away.

use infra_core::program::IntoInput;

use super::{
    Pod,
    builder::{namespaced, short},
};

/// The label that a deployment finds its pods by.
pub(super) const APP: &str = "app";

short! {
    /// Pods that are always there: `Deployment::new("ledger", pod).replicas(3)`.
    ///
    /// Its pods have the label `app` with its name. It is waited for until every pod is new and available; one that does
    /// not come says why, as the cluster has it.
    Deployment = "apps/v1" "Deployment"
}
namespaced!(Deployment);

impl Deployment {
    /// One pod of this template.
    pub fn new(name: impl IntoInput<String>, pod: Pod) -> Self {
        let name = name.into_input().into_expr();
        let text = || infra_core::program::Input::<String>::from_expr(name.clone());
        let pod = pod.label(APP, text());
        Self::called(text()).part(|part| {
            part.with("spec.template", pod.0).entry("spec.selector.matchLabels", APP, name.clone())
        })
    }

    /// How many pods. Left out, it is for an autoscaler to say, and begins with one.
    pub fn replicas(self, count: i32) -> Self {
        self.set("spec.replicas", count)
    }

    /// How many more and how many fewer pods there may be while it changes.
    pub fn rolling(self, more: i32, fewer: i32) -> Self {
        self.set("spec.strategy.type", "RollingUpdate")
            .set("spec.strategy.rollingUpdate.maxSurge", more)
            .set("spec.strategy.rollingUpdate.maxUnavailable", fewer)
    }

    /// The old pods end before the new ones start.
    pub fn recreate(self) -> Self {
        self.set("spec.strategy.type", "Recreate")
    }

    /// After how many seconds without progress a rollout has failed; 600 if left out.
    pub fn progress_deadline(self, seconds: i32) -> Self {
        self.set("spec.progressDeadlineSeconds", seconds)
    }
}

short! {
    /// How many pods may be away at a time when nodes are drained: `PodDisruptionBudget::new("ledger", "ledger")
    /// .min_available(2)`.
    PodDisruptionBudget = "policy/v1" "PodDisruptionBudget"
}
namespaced!(PodDisruptionBudget);

impl PodDisruptionBudget {
    /// For the pods of the deployment called `app`.
    pub fn new(name: impl IntoInput<String>, app: impl IntoInput<String>) -> Self {
        let app = app.into_input().into_expr();
        Self::called(name).part(|part| part.entry("spec.selector.matchLabels", APP, app))
    }

    /// So many stay.
    pub fn min_available(self, count: i32) -> Self {
        self.set("spec.minAvailable", count)
    }

    /// So many may go.
    pub fn max_unavailable(self, count: i32) -> Self {
        self.set("spec.maxUnavailable", count)
    }

    /// Pods that are not ready may go in any case: a crashing one does not keep a node from being drained.
    pub fn evict_unready(self) -> Self {
        self.set("spec.unhealthyPodEvictionPolicy", "AlwaysAllow")
    }
}
