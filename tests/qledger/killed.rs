//! `kill -9` of the process that deploys, at random moments, over and over; the cloud outlives it, served over HTTP.
//!
//! `INFRA_KILLS=100` kills more often than the twenty of an ordinary run; `INFRA_SEED=…` repeats the moments of one
//! that failed.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use infra_aws::embedded::{Cloud, Settings as Embedded};
use infra_core::{
    App, Engine,
    command::{self, Confirmed, UpOptions},
    plan::{PlanOptions, Refresh},
    state::{Outcome, Value},
};
use infra_kubernetes::embedded::{Kubernetes, Settings as Clusters};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::settings;

/// Set for the process that is killed: where its state is, and what it does.
const FOLDER: &str = "INFRA_KILLED_FOLDER";
const COMMAND: &str = "INFRA_KILLED_COMMAND";

/// The stack on cloud `aws`, which is wherever `AWS_ENDPOINT_URL` points.
async fn engine(folder: &Path) -> Engine {
    let app = App::new("qledger-ha")
        .cloud("aws", infra_aws::aws())
        .cloud("aws", infra_kubernetes::kubernetes());
    let mut settings = settings(folder, &[]);
    settings.cloud = Some("aws".to_owned());
    if let Value::Map(clouds) = &mut settings.clouds {
        let elsewhere = Value::from([("kubeconfig", "kubeconfig".into())]);
        clouds.insert("kubernetes".to_owned(), elsewhere);
    }
    let engine = app.engine(&settings, infra_examples::qledger::whole).await;
    engine.unwrap_or_else(|e| panic!("{e:?}"))
}

/// What runs in the process that is killed. In an ordinary run of the tests it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let engine = engine(Path::new(&folder)).await;
    let mut options = UpOptions::default();
    let summary = match env::var(COMMAND).as_deref() {
        Ok("up") => command::up(&engine, &options, &Confirmed).await,
        Ok("destroy") => {
            let view = engine.state.read().await.unwrap();
            let records = view.iter().flat_map(|view| view.snapshot.records.keys());
            options.plan.allow_data_loss = records.map(|key| key.urn.clone()).collect();
            command::destroy(&engine, &options, &Confirmed).await
        }
        Ok("check") => {
            options.plan = PlanOptions { refresh: Refresh::All, ..PlanOptions::default() };
            let options = command::PreviewOptions { plan: options.plan };
            let plan = command::preview(&engine, &options).await.unwrap().plan;
            return assert!(plan.is_empty(), "{:#?}", super::shown(&super::busy(&plan)));
        }
        other => panic!("{COMMAND} is {other:?}"),
    };
    let summary = summary.unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(summary.outcome, Outcome::Succeeded, "{:#?}", summary.failed);
}

/// A stack in a folder, on a cloud behind an address.
struct Stack<'a> {
    folder: &'a Path,
    endpoint: String,
    /// For messages: how to have the same moments again.
    seed: u64,
}

impl Stack<'_> {
    /// Runs a command in a process of its own; whether it ended before `limit`. If not, it is killed.
    async fn run(&self, what: &str, limit: Option<Duration>) -> bool {
        let screen = self.folder.join("screen");
        let file = std::fs::File::create(&screen).unwrap();
        let mut child = tokio::process::Command::from(self.command(what))
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let status = match limit {
            None => child.wait().await.unwrap(),
            Some(limit) => {
                let Ok(status) = tokio::time::timeout(limit, child.wait()).await else {
                    child.kill().await.unwrap();
                    return false;
                };
                status.unwrap()
            }
        };
        let screen = || std::fs::read_to_string(&screen).unwrap();
        let seed = self.seed;
        assert!(status.success(), "INFRA_SEED={seed}: `{what}` ended with {status}:\n{}", screen());
        true
    }

    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "killed::the_process_that_is_killed", "--nocapture"]);
        // Nothing of the machine's own AWS configuration: it must not be found by accident.
        for (name, _) in env::vars_os().filter(|(name, _)| aws(name)) {
            command.env_remove(name);
        }
        command
            .env(FOLDER, self.folder)
            .env(COMMAND, what)
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command until it is not killed any more; how often it was. `moment` gives the milliseconds of each life.
    async fn killed(&self, what: &str, mut moment: impl FnMut() -> u64, kills: u32) -> u32 {
        for at in 0..kills {
            if self.run(what, Some(Duration::from_millis(moment()))).await {
                return at;
            }
        }
        self.run(what, None).await;
        kills
    }
}

fn aws(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("AWS_"))
}

/// A cloud of its own, and a cluster in it, each behind a port of this process.
struct Served {
    cloud: Cloud,
    cluster: Kubernetes,
    endpoint: String,
    folder: TempDir,
}

impl Served {
    async fn new() -> Self {
        let (cloud, cluster) =
            (Cloud::memory(Embedded::default()), Kubernetes::memory(Clusters::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let serving = cloud.clone();
        tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let serving = cluster.clone();
        tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
        let folder = TempDir::new().unwrap();
        let kubeconfig = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": server}}],
            "users": [{"name": "it", "user": {"token": "simulated"}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        });
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig.to_string()).unwrap();
        Self { cloud, cluster, endpoint, folder }
    }

    fn stack(&self, seed: u64) -> Stack<'_> {
        Stack { folder: self.folder.path(), endpoint: self.endpoint.clone(), seed }
    }

    /// How many objects there are of what.
    fn inventory(&self) -> BTreeMap<String, usize> {
        let mut all = self.cloud.inventory().unwrap();
        for object in self.cluster.objects() {
            *all.entry(format!("kubernetes/{}", object["kind"].as_str().unwrap())).or_default() +=
                1;
        }
        all
    }

    /// Waits until there is what is expected and no more: for a while AWS still shows what was deleted.
    async fn expect(&self, expected: &BTreeMap<String, usize>, seed: u64) {
        for _ in 0..100 {
            if self.inventory() == *expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(self.inventory(), *expected, "INFRA_SEED={seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_is_killed_nothing_is_made_twice_and_nothing_forgotten() {
    let number = |name, otherwise| env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let wanted = number("INFRA_KILLS", 20);
    let seed = number("INFRA_SEED", u64::from(std::process::id()));
    let mut drawn = 0_u64;
    let mut moment = || {
        let mut hash = DefaultHasher::new();
        (seed, drawn).hash(&mut hash);
        drawn += 1;
        // From before the first call to beyond the last: a whole run takes about three seconds.
        150 + hash.finish() % 2500
    };

    // What an undisturbed run makes, and what it leaves.
    let served = Served::new().await;
    let stack = served.stack(seed);
    stack.run("up", None).await;
    let made = served.inventory();
    stack.run("destroy", None).await;
    // Deleted NAT gateways are shown for an hour, which is a second and a half here.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let left = served.inventory();

    let mut kills = 0;
    while kills < wanted {
        let served = Served::new().await;
        let stack = served.stack(seed);
        kills += u64::from(stack.killed("up", &mut moment, 6).await);
        stack.run("check", None).await;
        served.expect(&made, seed).await;
        kills += u64::from(stack.killed("destroy", &mut moment, 3).await);
        served.expect(&left, seed).await;
    }
}
