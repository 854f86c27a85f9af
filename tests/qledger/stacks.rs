//! The same components as two stacks: a platform, and the application on it.

use std::path::Path;

use infra_aws::embedded::{Cloud, Settings as Embedded};
use infra_core::{
    App, Engine, Result, Stack,
    command::{self, Confirmed, PreviewOptions, UpOptions},
    state::Outcome,
};
use infra_examples::qledger;
use infra_kubernetes::embedded::{Kubernetes, Settings as Clusters};
use tempfile::TempDir;

use super::{busy, settings_of, shown};

struct Two {
    cloud: Cloud,
    cluster: Kubernetes,
    folder: TempDir,
}

impl Two {
    async fn engine(&self, name: &str, program: fn(&mut Stack) -> Result<()>) -> Engine {
        let app = App::new(name)
            .cloud("simulated", infra_aws::simulated_in(self.cloud.clone()))
            .cloud("simulated", infra_kubernetes::simulated_in(self.cluster.clone()));
        let folder: &Path = self.folder.path();
        let settings = settings_of(name, folder, &[]);
        app.engine(&settings, program).await.unwrap_or_else(|e| panic!("{e:?}"))
    }

    async fn platform(&self) -> Engine {
        self.engine("qledger-platform", qledger::platform).await
    }

    async fn app(&self) -> Engine {
        self.engine("qledger-app", qledger::app).await
    }
}

async fn up(engine: &Engine) {
    let summary = command::up(engine, &UpOptions::default(), &Confirmed).await;
    let summary = summary.unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(summary.outcome, Outcome::Succeeded, "{:#?}", summary.failed);
    let plan = command::preview(engine, &PreviewOptions::default()).await.unwrap().plan;
    assert!(plan.is_empty(), "{:#?}", shown(&busy(&plan)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_then_the_ledger_on_it_and_back() {
    let two = Two {
        cloud: Cloud::memory(Embedded::default()),
        cluster: Kubernetes::memory(Clusters::default()),
        folder: TempDir::new().unwrap(),
    };
    // Without its platform it says what is missing, and calls nothing.
    let error = command::preview(&two.app().await, &PreviewOptions::default()).await.err().unwrap();
    assert!(format!("{error:?}").contains("qledger-platform/dev"), "{error:?}");
    assert!(two.cluster.calls().is_empty());

    up(&two.platform().await).await;
    assert!(two.cluster.objects().is_empty());
    up(&two.app().await).await;
    let pods = two.cluster.objects().into_iter().filter(|object| object["kind"] == "Deployment");
    assert_eq!(pods.map(|pods| pods["status"]["availableReplicas"].as_i64()).max(), Some(Some(3)));

    for engine in [two.app().await, two.platform().await] {
        let summary = command::destroy(&engine, &UpOptions::default(), &Confirmed).await;
        let summary = summary.unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(summary.outcome, Outcome::Succeeded, "{:#?}", summary.failed);
        assert!(two.cluster.objects().is_empty());
    }
}
