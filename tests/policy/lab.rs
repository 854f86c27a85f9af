//! One stack on an embedded AWS that enforces what it is told.

use std::{path::PathBuf, sync::Arc};

use infra_aws::embedded::{Cloud, Settings as Embedded};
use infra_core::{
    App, Engine, Stack,
    command::{
        self, Confirmed, PolicyOptions, PreviewOptions, UpOptions,
        rebuild::{RebuildOptions, rebuild},
    },
    event::Summary,
    plan::{Plan, PlanOptions, Refresh},
    provider::{Policies, Purpose},
    state::{Outcome, Value as State},
};
use infra_kubernetes::embedded::Kubernetes;
use serde_json::Value;
use tempfile::TempDir;

/// Everything that the configuration can switch on.
pub const BIG: &[&str] = &[
    "nat=\"per-zone\"",
    "interface_endpoints=true",
    "bastion=true",
    "domain=\"ledger.example.com\"",
    "api_access=[\"203.0.113.0/24\"]",
    "admins=[\"arn:aws:iam::999999999999:role/admin\"]",
    "alarm_email=\"on-call@example.com\"",
    "operators=[\"arn:aws:iam::999999999999:role/operator\"]",
    "callers=[\"arn:aws:iam::999999999999:role/caller\"]",
    "dr_region=\"eu-central-1\"",
    "ledger.prometheus=true",
];

/// One stack on one embedded AWS.
pub struct Lab {
    pub cloud: Cloud,
    cluster: Kubernetes,
    folder: TempDir,
    file: Option<PathBuf>,
    /// What is declared.
    program: fn(&mut Stack) -> infra_core::Result<()>,
    /// A tag that everything gets.
    tag: Option<&'static str>,
}

/// What went wrong, in full.
type Outcomes<T = ()> = Result<T, String>;

impl Lab {
    pub fn new() -> Self {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/qledger-ha.toml");
        Self { file: Some(file), ..Self::bare(infra_examples::qledger::whole) }
    }

    /// A stack without a file.
    pub fn bare(program: fn(&mut Stack) -> infra_core::Result<()>) -> Self {
        Self {
            file: None,
            cloud: Cloud::memory(Embedded::default()),
            cluster: Kubernetes::memory(infra_kubernetes::embedded::Settings::default()),
            folder: TempDir::new().unwrap(),
            program,
            tag: None,
        }
    }

    pub async fn engine(&self, sets: &[&str]) -> Engine {
        let app = App::new("qledger-ha")
            .cloud("simulated", infra_aws::simulated_in(self.cloud.clone()))
            .cloud("simulated", infra_kubernetes::simulated_in(self.cluster.clone()));
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        let folder = self.folder.path();
        let mut settings = app.settings("dev", self.file.clone(), folder, &sets).unwrap();
        settings.state = Some(format!("file:{}", folder.join("state").display()));
        settings.key = Some(format!("file:{}", folder.join("key").display()));
        folder.clone_into(&mut settings.directory);
        if let Some(value) = self.tag {
            let tags = State::from([("cost-centre", value.into())]);
            let mut clouds = settings.clouds.as_map().cloned().unwrap_or_default();
            clouds.insert("default_tags".to_owned(), tags);
            settings.clouds = State::Map(clouds);
        }
        let program = self.program;
        let engine = app.engine(&settings, move |stack: &mut Stack| program(stack)).await;
        engine.unwrap_or_else(|e| panic!("{e:?}"))
    }

    /// What `policy` prints.
    pub async fn policies(&self, purpose: Purpose, sets: &[&str]) -> Policies {
        let options = PolicyOptions { purpose, ..PolicyOptions::default() };
        let found = command::policy(&self.engine(sets).await, &options).await;
        found.unwrap_or_else(|e| panic!("{e:?}"))
    }

    pub async fn policy(&self, purpose: Purpose, sets: &[&str]) -> Vec<Value> {
        let found = self.policies(purpose, sets).await;
        found.documents.into_iter().map(|document| document.json).collect()
    }

    pub fn enforce(&self, policy: &[Value]) {
        self.cloud.enforce(policy).unwrap_or_else(|e| panic!("{e}: {policy:#?}"));
    }

    pub async fn up(&self, sets: &[&str]) -> Outcomes {
        done(command::up(&self.engine(sets).await, &UpOptions::default(), &Confirmed).await)
    }

    pub async fn plan(&self, sets: &[&str], refresh: Refresh) -> Outcomes<Arc<Plan>> {
        let plan = PlanOptions { refresh, ..PlanOptions::default() };
        let options = PreviewOptions { plan };
        let preview = command::preview(&self.engine(sets).await, &options).await;
        preview.map(|preview| preview.plan).map_err(|e| format!("preview: {e:?}"))
    }

    /// One after the other, and then nothing.
    pub async fn steps(&self, steps: &[&str]) -> Outcomes {
        for step in steps {
            self.up(&[step]).await?;
        }
        let last = steps.last().copied().into_iter().collect::<Vec<_>>();
        done(command::destroy(&self.engine(&last).await, &UpOptions::default(), &Confirmed).await)
    }

    /// Replaces everything of some kinds that can be replaced alone.
    async fn replace(&self, sets: &[&str]) -> Outcomes {
        let engine = self.engine(sets).await;
        let kinds = ["aws:ec2:Instance", "aws:cloudwatch:Alarm", "aws:eks:PodIdentityAssociation"];
        let nodes = engine.graph().unwrap().nodes;
        let replaces = nodes.keys().filter(|urn| kinds.contains(&urn.kind())).cloned();
        let plan = PlanOptions { replaces: replaces.collect(), ..PlanOptions::default() };
        assert!(plan.replaces.len() > 5, "{:?}", plan.replaces);
        let options = UpOptions { plan, ..UpOptions::default() };
        done(command::up(&engine, &options, &Confirmed).await)
    }

    /// Made, changed, tagged, replaced in part, looked at, remembered again, and destroyed.
    pub async fn life(&mut self, sets: &[&str]) -> Outcomes {
        self.tag = None;
        self.up(sets).await?;
        self.tag = Some("ledger");
        let sets = &[sets, &["team=\"payments\""]].concat();
        self.up(sets).await?;
        self.tag = None;
        self.up(sets).await?;
        self.replace(sets).await?;
        let plan = self.plan(sets, Refresh::All).await?;
        if !plan.is_empty() {
            return Err("something differs".to_owned());
        }
        std::fs::remove_dir_all(self.folder.path().join("state")).unwrap();
        let found = rebuild(&self.engine(sets).await, &RebuildOptions::default(), &Confirmed).await;
        let found = found.map_err(|e| format!("state rebuild: {e:?}"))?;
        if !found.missing.is_empty() {
            return Err(format!("state rebuild: {:?} is not found", found.missing));
        }
        done(command::destroy(&self.engine(sets).await, &UpOptions::default(), &Confirmed).await)
    }
}

fn done(summary: infra_core::Result<Summary>) -> Outcomes {
    let summary = summary.map_err(|e| format!("{e:?}"))?;
    match summary.outcome {
        Outcome::Succeeded => Ok(()),
        _ => Err(format!("{:#?}", summary.failed)),
    }
}
