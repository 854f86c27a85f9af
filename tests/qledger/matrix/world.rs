//! A stack in memory: its cloud and its state, which can be copied as they are at a moment.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use infra_aws::embedded::{Cloud, Durations, Settings as Embedded};
use infra_core::{
    App, Engine,
    command::{self, Confirmed, UpOptions},
    event::Summary,
    plan::PlanOptions,
    state::{
        LocalKey,
        backend::Memory,
        env::{Env, System},
    },
};
use infra_kubernetes::embedded::{Kubernetes, Settings as Clusters};
use jiff::Timestamp;

use super::{
    super::settings,
    Killed,
    recording::{Named, Recording, Witness},
};

/// What outlives a process: the cloud, and the stored state.
#[derive(Clone)]
pub(super) struct World {
    pub(super) cloud: Cloud,
    pub(super) cluster: Kubernetes,
    pub(super) state: Memory,
}

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Up,
    Destroy,
}

impl World {
    /// Nothing yet, and whatever takes time in AWS is due at once.
    pub(super) fn new() -> Self {
        let settings = Embedded::default().durations(Durations::Instant);
        let cluster = Kubernetes::memory(Clusters::instant());
        Self { cloud: Cloud::memory(settings), cluster, state: Memory::new() }
    }

    /// What there is now, in a world of its own: what a `kill -9` at this moment leaves.
    pub(super) fn copied(&self) -> Self {
        let (cloud, cluster) = (self.cloud.copied().unwrap(), self.cluster.copied());
        Self { cloud, cluster, state: self.state.copied() }
    }

    /// A process of its own on this world: engine, state and clients are made anew.
    pub(super) async fn engine(&self, sets: &[&str], recording: Option<&Arc<Recording>>) -> Engine {
        let mut settings = settings(Path::new("/nowhere"), sets);
        settings.state = Some("memory:".to_owned());
        settings.key = Some("memory:".to_owned());
        // What the program may not be is the matter of another test; a connector that is watched brings no policies.
        settings.policies.clear();
        let backend: Arc<dyn infra_core::state::Backend> = match recording {
            Some(recording) => Arc::new(Witness::new(self.state.clone(), Arc::clone(recording))),
            None => Arc::new(self.state.clone()),
        };
        let cloud = Named(infra_aws::simulated_in(self.cloud.clone()));
        let cluster = Named(infra_kubernetes::simulated_in(self.cluster.clone()));
        let app = App::new("qledger-ha")
            .cloud("simulated", cloud)
            .cloud("simulated", cluster)
            .backend("memory", move |_| {
                let backend = Arc::clone(&backend);
                async move { Ok(backend) }
            })
            .keys("memory", |_| async {
                let sealer: Arc<dyn infra_core::state::Sealer> =
                    Arc::new(LocalKey::from_bytes([7; 32]));
                Ok(sealer)
            })
            .revision("matrix");
        // Who comes after a crash comes a while later: nothing has to be waited for that would have shown by then.
        let app = if recording.is_none() { app.env(Arc::new(Later)) } else { app };
        app.engine(&settings, infra_examples::qledger::whole)
            .await
            .unwrap_or_else(|e| panic!("{e:?}"))
    }

    /// Runs a command to its end.
    pub(super) async fn run(
        &self,
        killed: &Killed,
        recording: Option<&Arc<Recording>>,
    ) -> infra_core::Result<Summary> {
        let engine = self.engine(&killed.sets, recording).await;
        let replaces = killed.replaced.iter().map(|urn| urn.parse().unwrap()).collect();
        let plan = PlanOptions { replaces, ..PlanOptions::default() };
        let options = UpOptions { plan, ..UpOptions::default() };
        match killed.verb {
            Verb::Up => command::up(&engine, &options, &Confirmed).await,
            Verb::Destroy => command::destroy(&engine, &options, &Confirmed).await,
        }
    }
}

/// Five minutes later than the machine's own clock.
#[derive(Debug)]
struct Later;

#[async_trait]
impl Env for Later {
    fn now(&self) -> Timestamp {
        System.now() + Duration::from_mins(5)
    }

    fn monotonic(&self) -> Duration {
        System.monotonic()
    }

    fn random(&self, bytes: &mut [u8]) {
        System.random(bytes);
    }

    async fn sleep(&self, time: Duration) {
        System.sleep(time).await;
    }
}
