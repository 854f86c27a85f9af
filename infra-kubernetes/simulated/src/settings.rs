//! How the embedded cluster behaves: its nodes, and how long things take.

use std::time::Duration;

/// Fixed when a [`Kubernetes`](crate::Kubernetes) is made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The region of the nodes: `topology.kubernetes.io/region`.
    pub region: String,
    /// The zones, one node each when the cluster is new.
    pub zones: Vec<String>,
    /// How many nodes a zone has.
    pub nodes_per_zone: usize,
    /// What each node has: `node.kubernetes.io/instance-type`.
    pub instance_type: String,
    /// Its version, as `/version` says it.
    pub version: String,
    /// How long a pod takes from its node to being ready.
    pub pod_start: Duration,
    /// How long a container runs that is meant to end: of a job, or an init container.
    pub job_run: Duration,
    /// How long a load balancer takes to get its address, an ingress too.
    pub address: Duration,
    /// How long a namespace takes to end.
    pub namespace_end: Duration,
    /// How long a pod takes to end.
    pub pod_end: Duration,
    /// How long a volume takes to be made.
    pub volume: Duration,
    /// The first wait before a container that failed starts again; it doubles each time.
    pub back_off: Duration,
    /// How long a node must be lost before its pods are given up.
    pub eviction: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "eu-west-1".to_owned(),
            zones: ["a", "b", "c"].map(|zone| format!("eu-west-1{zone}")).to_vec(),
            nodes_per_zone: 1,
            instance_type: "m7i.large".to_owned(),
            version: "v1.33.4".to_owned(),
            pod_start: Duration::from_millis(200),
            job_run: Duration::from_millis(200),
            address: Duration::from_millis(300),
            namespace_end: Duration::from_millis(200),
            pod_end: Duration::from_millis(100),
            volume: Duration::from_millis(100),
            back_off: Duration::from_millis(500),
            eviction: Duration::from_millis(500),
        }
    }
}

impl Settings {
    /// The same, with nothing that takes time: what is asked for is there at the next call.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            pod_start: Duration::ZERO,
            job_run: Duration::ZERO,
            address: Duration::ZERO,
            namespace_end: Duration::ZERO,
            pod_end: Duration::ZERO,
            volume: Duration::ZERO,
            back_off: Duration::from_millis(20),
            eviction: Duration::ZERO,
            ..Self::default()
        }
    }

    /// The same, in another region with these zones.
    #[must_use]
    pub fn zones(mut self, region: &str, zones: &[&str]) -> Self {
        region.clone_into(&mut self.region);
        self.zones = zones.iter().map(|&zone| zone.to_owned()).collect();
        self
    }

    /// The same, with so many nodes in each zone.
    #[must_use]
    pub fn nodes_per_zone(mut self, nodes: usize) -> Self {
        self.nodes_per_zone = nodes;
        self
    }
}
