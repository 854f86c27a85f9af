//! The flagship on the embedded AWS: what a person who has just cloned the repository sees, and what must hold of it.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "qledger/killed.rs"]
mod killed;
#[path = "qledger/matrix/mod.rs"]
mod matrix;
#[path = "qledger/rebuilt.rs"]
mod rebuilt;
#[path = "qledger/stacks.rs"]
mod stacks;
#[path = "qledger/zone.rs"]
mod zone;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use infra_aws::embedded::{Cloud, Settings as Embedded};
use infra_core::{
    App, Engine, Result, Stack,
    command::{self, Confirmed, PreviewOptions, UpOptions},
    config::{Known, Settings, Source},
    event::Summary,
    plan::{Action, Plan, PlanOptions, Refresh, Step},
    policy::Pack,
    state::Outcome,
};
use infra_examples::qledger;
use infra_kubernetes::embedded::{Kubernetes, Settings as Clusters};
use tempfile::TempDir;

/// The example's own configuration for `dev`, with state and key in `folder`.
fn settings(folder: &Path, sets: &[&str]) -> Settings {
    settings_of("qledger-ha", folder, sets)
}

/// The same of another program around the ledger.
fn settings_of(program: &str, folder: &Path, sets: &[&str]) -> Settings {
    let file = format!("../examples/{program}.toml");
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = Source {
        program: program.to_owned(),
        file: Some(beside),
        from: folder.to_owned(),
        beside: None,
    };
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let known = Known {
        keys: [("region".to_owned(), None)].into(),
        clouds: vec!["simulated".to_owned()],
        states: vec!["file".to_owned()],
        policies: Pack::new(infra_aws::guardrails::all()),
        ..Known::default()
    };
    let mut settings = Settings::load(&source, "dev", &sets, &known).unwrap();
    settings.state = Some(format!("file:{}", folder.join("state").display()));
    settings.key = Some(format!("file:{}", folder.join("key").display()));
    folder.clone_into(&mut settings.directory);
    settings
}

/// One stack on one embedded AWS, with one cluster in it.
struct Lab {
    cloud: Cloud,
    cluster: Kubernetes,
    folder: TempDir,
}

impl Lab {
    fn new() -> Self {
        Self {
            cloud: Cloud::memory(Embedded::default()),
            cluster: Kubernetes::memory(Clusters::default()),
            folder: TempDir::new().unwrap(),
        }
    }

    async fn engine(&self, sets: &[&str]) -> Engine {
        let settings = settings(self.folder.path(), sets);
        let app = App::new("qledger-ha")
            .cloud("simulated", infra_aws::simulated_in(self.cloud.clone()))
            .cloud("simulated", infra_kubernetes::simulated_in(self.cluster.clone()));
        app.engine(&settings, qledger::whole).await.unwrap_or_else(|e| panic!("{e:?}"))
    }

    async fn up(&self, sets: &[&str]) -> Summary {
        let summary =
            command::up(&self.engine(sets).await, &UpOptions::default(), &Confirmed).await;
        let summary = summary.unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(summary.outcome, Outcome::Succeeded, "{:#?}", summary.failed);
        summary
    }

    async fn plan(&self, sets: &[&str], refresh: Refresh) -> Arc<Plan> {
        let plan = PlanOptions { refresh, ..PlanOptions::default() };
        let options = PreviewOptions { plan };
        let preview = command::preview(&self.engine(sets).await, &options).await;
        preview.unwrap_or_else(|e| panic!("{e:?}")).plan
    }

    fn clear_calls(&self) {
        self.cloud.clear_calls();
        self.cluster.clear_calls();
    }

    fn mutations(&self) -> Vec<String> {
        let calls = self.cloud.calls();
        let changes = calls.iter().filter(|call| call.mutating).map(|call| call.operation.clone());
        let calls = self.cluster.calls();
        let applied = calls.iter().filter(|call| call.mutating());
        changes.chain(applied.map(|call| format!("{} {}", call.verb, call.path))).collect()
    }
}

/// What a plan would do, for messages.
fn busy(plan: &Plan) -> Vec<&Step> {
    plan.steps.iter().filter(|step| step.action != Action::Keep && !step.record_only).collect()
}

fn shown(steps: &[&Step]) -> Vec<String> {
    let line =
        |step: &&Step| format!("{:?} {} {:?} {:?}", step.action, step.urn, step.diff, step.drift);
    steps.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn up_then_nothing_then_a_tag_then_a_block_then_nothing_left() {
    let lab = Lab::new();

    // A preview of an empty stack changes nothing.
    let plan = lab.plan(&[], Refresh::Touched).await;
    assert!(plan.steps.len() > 90, "{} steps", plan.steps.len());
    assert_eq!(lab.mutations(), Vec::<String>::new());

    let summary = lab.up(&[]).await;
    for export in ["url", "cluster", "cluster_endpoint", "database", "repository"] {
        assert!(summary.exports.contains_key(export), "{:?}", summary.exports.keys());
    }

    // The second run has nothing to do, and everything in the cloud is as it was declared.
    lab.clear_calls();
    for refresh in [Refresh::Touched, Refresh::All] {
        let plan = lab.plan(&[], refresh).await;
        assert!(plan.is_empty(), "{refresh:?}: {:#?}", shown(&busy(&plan)));
    }
    lab.up(&[]).await;
    assert_eq!(lab.mutations(), Vec::<String>::new());

    // Another tag is updated in place, and nothing else is.
    let plan = lab.plan(&["team=\"payments\""], Refresh::Touched).await;
    let steps = busy(&plan);
    assert!(!steps.is_empty());
    for step in &steps {
        assert_eq!(step.action, Action::Update, "{step:?}");
        assert!(step.paths.iter().all(|path| path.to_string() == "tags.team"), "{step:?}");
    }

    // Other blocks replace the subnets and what cannot follow them, each with its reason.
    let plan = lab.plan(&["cidr=\"10.77.0.0/16\""], Refresh::Touched).await;
    let steps = busy(&plan);
    let replaced = |kind: &str| {
        steps.iter().filter(|step| step.urn.kind() == kind && step.replaces.is_some()).count()
    };
    assert_eq!((replaced("aws:ec2:Vpc"), replaced("aws:ec2:Subnet")), (1, 9));
    assert!(steps.iter().all(|step| !step.why.is_empty()), "{:#?}", shown(&steps));

    let options = UpOptions::default();
    let summary = command::destroy(&lab.engine(&[]).await, &options, &Confirmed)
        .await
        .unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(summary.outcome, Outcome::Succeeded, "{:#?}", summary.failed);
    let left = lab.engine(&[]).await.state.read().await.unwrap().unwrap().snapshot.records;
    assert!(left.is_empty(), "{:?}", left.keys());
    assert!(lab.cluster.objects().is_empty(), "{:#?}", lab.cluster.objects());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_choice_of_the_configuration_works() {
    let lab = Lab::new();
    let sets = [
        "nat=\"per-zone\"",
        "interface_endpoints=true",
        "bastion=true",
        "domain=\"ledger.example.com\"",
        "api_access=[\"203.0.113.0/24\"]",
        "admins=[\"arn:aws:iam::999999999999:role/admin\"]",
        "alarm_email=\"on-call@example.com\"",
        "callers=[\"arn:aws:iam::123456789012:role/shop\"]",
        "operators=[\"arn:aws:iam::123456789012:user/on-call\"]",
        "dr_region=\"eu-central-1\"",
        "ledger.prometheus=true",
        "ledger.replicas=6",
    ];
    let summary = lab.up(&sets).await;
    assert_eq!(summary.exports["url"].as_str(), Some("https://ledger.example.com"));
    let plan = lab.plan(&sets, Refresh::All).await;
    assert!(plan.is_empty(), "{:#?}", shown(&busy(&plan)));
    let summary = command::destroy(&lab.engine(&sets).await, &UpOptions::default(), &Confirmed)
        .await
        .unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(summary.outcome, Outcome::Succeeded, "{:#?}", summary.failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_makes_no_sense_is_refused_before_the_first_call() {
    let lab = Lab::new();
    for (sets, expected) in [
        (["cidr=\"nonsense\""], "`cidr`"),
        (["api_access=[\"10.0.0.0/33\"]"], "`api_access`"),
        (["nat=\"none\""], "nat"),
        (["zonse=3"], "zonse"),
    ] {
        let engine = lab.engine(&sets).await;
        let error = command::preview(&engine, &PreviewOptions::default()).await.err().unwrap();
        assert!(format!("{error:?}").contains(expected), "{error:?}");
    }
    assert_eq!(lab.mutations(), Vec::<String>::new());
}

/// The program is the same, whoever calls it: what a stack declares hangs on nothing but its configuration.
#[tokio::test]
async fn the_program_is_repeatable() {
    let lab = Lab::new();
    let engine = lab.engine(&[]).await;
    assert_eq!(engine.graph().unwrap().hash(), engine.graph().unwrap().hash());
    let _: fn(&mut Stack) -> Result<()> = qledger::whole;
}
