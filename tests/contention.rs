//! Many processes, one stack, nobody coordinates them: each `up` adds one to a counter, and none is lost.
//!
//! The counter has no lock of its own: it is read, and written back with one more. Two `up`s at once would lose one.
//!
//! `INFRA_INCREMENTS=200` makes each process do so many; `INFRA_STATE=s3://…` keeps the state there, with the SDK's
//! environment saying where that is.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use infra_core::{
    App, Engine, Outputs, Resource,
    command::{self, Confirmed, UpOptions},
    config::Settings,
    prelude::*,
    provider::{
        self, Change, Class, Connection, Connector, Context, Cx, Driver, Find, Managed, Observed,
        Operation,
    },
    state::{Env as _, Outcome, Value, env::System},
};

const PROCESSES: u64 = 16;
/// Set for the processes that count: where the counter is, and which of them it is.
const FOLDER: &str = "INFRA_COUNTING_FOLDER";
const WORKER: &str = "INFRA_COUNTING_WORKER";
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_mins(20);

/// A number that an update makes one more.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "counting:Counter", outputs = CounterOutputs)]
struct Counter {
    /// Another one is another increment.
    turn: String,
}

/// What it stands at.
#[derive(Outputs, Clone, Debug)]
struct CounterOutputs {
    /// How many increments there were.
    count: i64,
}

/// A file with a count and the last turn.
struct Shelf(PathBuf);

impl Shelf {
    fn read(&self) -> provider::Result<Option<(i64, String)>> {
        match fs::read_to_string(&self.0) {
            Ok(text) => {
                let (count, turn) = text.split_once(' ').unwrap_or_default();
                let count = count.parse().map_err(|_| {
                    provider::Error::new(Class::Invalid, format!("{text:?} is not a count"))
                })?;
                Ok(Some((count, turn.to_owned())))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(refused(&e)),
        }
    }

    fn increment(&self, turn: &str) -> provider::Result<()> {
        let count = self.read()?.map_or(0, |(count, _)| count);
        // Whoever else was let in reads the same number meanwhile.
        std::thread::yield_now();
        fs::write(&self.0, format!("{} {turn}", count + 1)).map_err(|e| refused(&e))
    }
}

fn refused(error: &io::Error) -> provider::Error {
    provider::Error::new(Class::Denied, error.to_string())
}

impl Managed for Counter {
    type Cloud = Shelf;

    async fn read(
        cx: &Cx<Shelf>,
        find: &[Find<'_, Self>],
    ) -> Vec<provider::Result<Option<Observed<Self>>>> {
        let look = || {
            let found = cx.read()?.map(|(count, turn)| {
                Observed::ready("counter", Self { turn }, CounterOutputs { count })
            });
            Ok(found)
        };
        find.iter().map(|_| look()).collect()
    }

    async fn create(cx: &Cx<Shelf>, want: &Self, _: &Operation) -> provider::Result<String> {
        cx.increment(&want.turn)?;
        Ok("counter".to_owned())
    }

    async fn update(
        cx: &Cx<Shelf>,
        change: &Change<'_, Self>,
        _: &Operation,
    ) -> provider::Result<()> {
        cx.increment(&change.want()?.turn)
    }

    async fn delete(
        cx: &Cx<Shelf>,
        _: &Observed<Self>,
        _: &Self,
        _: &Operation,
    ) -> provider::Result<()> {
        fs::remove_file(&cx.0).map_err(|e| refused(&e))
    }
}

/// Where the counter is.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "counting:Shelf", cloud = Shelf)]
struct ShelfProvider {
    /// The folder.
    folder: String,
}

struct Shelves(PathBuf);

#[async_trait::async_trait]
impl Connector for Shelves {
    fn provider_kind(&self) -> &'static str {
        ShelfProvider::KIND
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        vec![provider::driver::<Counter>(), provider::provider_driver::<ShelfProvider>()]
    }

    fn default_provider(&self, _: &Context) -> provider::Result<Value> {
        Ok(ShelfProvider { folder: self.0.display().to_string() }.to_value())
    }

    async fn connect(&self, _: &Value, _: &Context) -> provider::Result<Connection> {
        Ok(Connection::new([].into(), Shelf(self.0.join("counter"))))
    }
}

/// What the program is configured with.
#[derive(serde::Deserialize)]
struct Config {
    turn: String,
}

fn program(stack: &mut Stack) -> Result<()> {
    let config: Config = stack.config()?;
    let counter = stack.add("counter", Counter::new(config.turn));
    stack.export("count", &counter.count);
    Ok(())
}

/// The stack, with the state where the environment says or beside the counter.
async fn engine(folder: &Path, turn: &str) -> Engine {
    let app = App::new("counting").cloud("shelf", Shelves(folder.to_owned()));
    #[cfg(feature = "aws")]
    let app = app.backend("s3", infra_aws::state::s3);
    let file = folder.join("counting.toml");
    let mut settings: Settings =
        app.settings("dev", Some(file), folder, &[format!("turn={turn}")]).expect("settings");
    let here = format!("file:{}", folder.join("state").display());
    settings.state = Some(env::var("INFRA_STATE").unwrap_or(here));
    settings.cloud = Some("shelf".to_owned());
    settings.key = Some(format!("file:{}", folder.join("keys/counting.key").display()));
    app.engine(&settings, program).await.unwrap_or_else(|e| panic!("{e:?}"))
}

/// What runs in the processes that count. In an ordinary run of the tests it has nothing to do.
#[tokio::test]
async fn a_process_that_counts() {
    let (Some(folder), Ok(worker)) = (env::var_os(FOLDER), env::var(WORKER)) else { return };
    for turn in 0..increments() {
        let engine = engine(Path::new(&folder), &format!("{worker}-{turn}")).await;
        let options = UpOptions { lock_timeout: PATIENCE, ..UpOptions::default() };
        let summary = command::up(&engine, &options, &Confirmed).await;
        let summary = summary.unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(summary.outcome, Outcome::Succeeded, "{:#?}", summary.failed);
    }
}

fn increments() -> u64 {
    env::var("INFRA_INCREMENTS").map_or(4, |n| n.parse().expect("INFRA_INCREMENTS is a number"))
}

#[tokio::test]
async fn no_increment_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("counting.toml"), "").expect("a file");
    let total = PROCESSES * increments();
    let start = System.monotonic();
    let processes: Vec<Child> = (0..PROCESSES)
        .map(|worker| {
            let mut command = Command::new(env::current_exe().expect("this binary"));
            command.args(["--exact", "a_process_that_counts", "--nocapture"]);
            command.env(FOLDER, folder.path()).env(WORKER, worker.to_string());
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().expect("a process")
        })
        .collect();
    for process in processes {
        let ended = process.wait_with_output().expect("it ends");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let took = System.monotonic().saturating_sub(start);

    let counter = fs::read_to_string(folder.path().join("counter")).expect("the counter");
    let (count, last) = counter.split_once(' ').expect("a count and a turn");
    assert_eq!(count, total.to_string(), "increments were lost");

    let engine = engine(folder.path(), "none").await;
    let history = command::history(&engine, usize::MAX).await.expect("the history");
    let numbers: Vec<u64> = history.iter().map(|entry| entry.deployment.number).collect();
    assert_eq!(numbers, (1..=total).collect::<Vec<_>>(), "one entry an increment, in order");
    let positions: Vec<_> =
        history.iter().map(|entry| (entry.position.epoch, entry.position.seq)).collect();
    assert!(positions.is_sorted_by(|a, b| a < b), "each goes on where the one before ended");
    for entry in &history {
        let (word, n) = entry.summary.first_key_value().expect("it did something");
        let first = if entry.deployment.number == 1 { "created" } else { "updated" };
        assert_eq!((word.as_str(), *n, entry.outcome), (first, 1, Outcome::Succeeded));
    }
    let _ = writeln!(
        io::stdout(),
        "{PROCESSES} processes made {total} increments in {:.1} s ({last} was the last); INFRA_INCREMENTS=n for more",
        took.as_secs_f64()
    );
}
