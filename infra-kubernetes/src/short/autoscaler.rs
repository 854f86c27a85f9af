//! As many pods as are needed.

use infra_core::program::IntoInput;

use super::builder::{Part, namespaced, short};

short! {
    /// As many pods as are needed: `HorizontalPodAutoscaler::new("ledger", "ledger", 3, 9).cpu(70)`. Its deployment leaves
    /// `replicas` out. It measures by `metrics-server`.
    HorizontalPodAutoscaler = "autoscaling/v2" "HorizontalPodAutoscaler"
}
namespaced!(HorizontalPodAutoscaler);

impl HorizontalPodAutoscaler {
    /// For a deployment, between these numbers of pods.
    pub fn new(
        name: impl IntoInput<String>,
        deployment: impl IntoInput<String>,
        min: i32,
        max: i32,
    ) -> Self {
        Self::called(name).part(|part| {
            part.set("spec.scaleTargetRef.apiVersion", "apps/v1")
                .set("spec.scaleTargetRef.kind", "Deployment")
                .text("spec.scaleTargetRef.name", deployment)
                .set("spec.minReplicas", min)
                .set("spec.maxReplicas", max)
        })
    }

    /// So that the pods use this share of the CPU they request, in percent.
    pub fn cpu(self, percent: i32) -> Self {
        self.resource("cpu", percent)
    }

    /// So that the pods use this share of the memory they request, in percent.
    pub fn memory(self, percent: i32) -> Self {
        self.resource("memory", percent)
    }

    fn resource(self, name: &str, percent: i32) -> Self {
        let metric = Part::new()
            .set("type", "Resource")
            .set("resource.name", name)
            .set("resource.target.type", "Utilization")
            .set("resource.target.averageUtilization", percent);
        self.part(|part| part.push("spec.metrics", metric))
    }
}
