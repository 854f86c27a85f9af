//! Looking again and again, at many stacks, and telling somebody.

mod told;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use infra_core::{
    App, Error, ErrorKind, Stack,
    exit::Exit,
    state::{Backend, Local, Value},
};
use serde_json::{Value as Json, json};

use crate::{
    TOML,
    fake::{Connect, World},
    program,
    terminal::Terminal,
};

/// Where a process of its own gets its arguments from.
const CHILD: &str = "INFRA_TEST_CHILD";
const CHILD_TOML: &str = "INFRA_TEST_CHILD_TOML";
/// The file that opens a shaky place.
const OPEN: &str = "open";

fn resize(t: &Terminal, size: &str) {
    let mut objects = t.world.0.lock().unwrap();
    let (_, (_, inputs)) = objects.iter_mut().find(|(id, _)| id.starts_with("web-")).unwrap();
    let Value::Map(inputs) = inputs else { panic!("{inputs:?}") };
    inputs.insert("size".into(), size.into());
}

fn script(t: &Terminal, name: &str, text: &str) {
    let path = t.folder().join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, executable).unwrap();
}

/// Settings of another stack.
fn with_stack(t: &Terminal, stack: &str) {
    let toml = t.folder().join("shop.toml");
    let text = fs::read_to_string(&toml).unwrap();
    let key = t.key().display().to_string();
    fs::write(&toml, format!("{text}\n[stack.{stack}]\nkey = 'file:{key}'\n")).unwrap();
}

async fn deployed(stack: &str, t: &Terminal) {
    let up = ["up", "--yes", "--cloud", "simulated", "--stack", stack, "--set", "size=small"];
    let up = t.run(program, &up).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
}

#[tokio::test]
async fn somebody_is_told_of_what_is_found() {
    let t = Terminal::whole(
        "[config]\nblock = '10.0.0.0/16'\nhosts = ['web']\nsize = 'small'\n[stack.dev]\nnotify = ['command:./tell told']\n",
    );
    deployed("dev", &t).await;
    script(&t, "tell", "cat > \"$1\"");
    let told = t.folder().join("told");
    let quiet = t.run(program, &["drift"]).await;
    assert_eq!((quiet.exit, told.exists()), (Exit::Done, false), "{}", quiet.err);
    resize(&t, "huge");
    let found = t.run(program, &["drift"]).await;
    assert_eq!(found.exit, Exit::Changes, "{}", found.err);
    let document: Json = serde_json::from_str(&fs::read_to_string(&told).unwrap()).unwrap();
    assert_eq!(document["totals"]["severity"], json!({"medium": 1}));
    assert_eq!(document["reports"][0]["stack"], "shop/dev");

    // Who cannot be told hides nothing.
    script(&t, "tell", "echo it is down >&2; exit 7");
    let failed = t.run(program, &["drift"]).await;
    assert_eq!(failed.exit, Exit::Failed);
    for said in ["\"small\" -> \"huge\"", "not everybody could be told", "it is down"] {
        assert!(failed.err.contains(said), "{said} in {}", failed.err);
    }
    let wrong = t.run(program, &["drift", "--notify", "pigeon:hunter2"]).await;
    assert_eq!(wrong.exit, Exit::Usage, "{}", wrong.err);
    assert!(wrong.err.contains("`pigeon:…`") && !wrong.err.contains("hunter2"), "{}", wrong.err);
}

#[tokio::test]
async fn all_stacks_of_a_place_are_looked_at_in_one_report() {
    let t = Terminal::new(TOML);
    with_stack(&t, "live");
    for stack in ["dev", "live"] {
        deployed(stack, &t).await;
    }
    let all = ["drift", "--all-stacks", "--set", "size=small"];
    let none = t.run(program, &all).await;
    assert_eq!(none.exit, Exit::Done, "{}", none.err);
    assert!(none.err.contains("2 stacks, 4 objects checked: no drift"), "{}", none.err);
    resize(&t, "huge");
    // A state that cannot be read, and one of a program that nobody here knows.
    let broken = t.folder().join(".infra/other/broken");
    fs::create_dir_all(&broken).unwrap();
    fs::write(broken.join("head.json"), "{").unwrap();
    let more: Vec<&str> = all.iter().chain(&["--format", "json"]).copied().collect();
    let found = t.run(program, &more).await;
    assert_eq!(found.exit, Exit::Failed, "{}", found.err);
    let document: Json = serde_json::from_str(&found.out).unwrap();
    let reports = document["reports"].as_array().unwrap();
    let stacks: Vec<_> = reports.iter().map(|report| report["stack"].as_str().unwrap()).collect();
    assert_eq!(stacks, ["other/broken", "shop/dev", "shop/live"]);
    assert!(reports[0]["failed"].is_string(), "{}", found.out);
    assert_eq!(document["totals"]["drifted"], 1, "{}", found.out);
    fs::remove_dir_all(&broken).unwrap();

    // Without the key nothing is lost but the secrets.
    fs::rename(t.key(), t.key().with_extension("away")).unwrap();
    let sealed = t.run(program, &more).await;
    assert_eq!(sealed.exit, Exit::Changes, "{}", sealed.err);
    assert!(sealed.out.contains("sealed with a key that is not here"), "{}", sealed.out);
    assert!(!t.key().exists(), "none is made");
    fs::rename(t.key().with_extension("away"), t.key()).unwrap();

    // A moved stack is looked at where it went.
    let renamed = t.run(program, &["stack", "rename", "old", "--stack", "live"]).await;
    assert_eq!(renamed.exit, Exit::Done, "{}", renamed.err);
    let moved = t.run(program, &more).await;
    assert!(!moved.out.contains("shop/live"), "{}", moved.out);
    assert!(moved.out.contains("shop/old"), "{}", moved.out);
    let empty = t.run(program, &["drift", "--all-stacks", "--state", "file:/nowhere/x"]).await;
    assert_ne!(empty.exit, Exit::Done, "{}", empty.err);
}

#[tokio::test]
async fn a_role_is_assumed_where_the_cloud_has_roles() {
    let t = Terminal::new(TOML);
    deployed("dev", &t).await;
    let asked = ["drift", "--all-stacks", "--assume-role", "arn:{account}"];
    let ran = t.run(program, &asked).await;
    // This one has accounts and no roles.
    assert_eq!(ran.exit, Exit::Failed, "{}", ran.err);
    assert!(ran.err.contains("cannot work as a role"), "{}", ran.err);
    let wrong = t.run(program, &["drift", "--assume-role", "arn:{account}"]).await;
    assert_eq!(wrong.exit, Exit::Usage);
}

#[tokio::test]
async fn schedules_are_written_and_nothing_else() {
    let t = Terminal::new(TOML);
    let cron = ["drift", "--fail-on", "high", "schedule", "--kubernetes", "--image", "shop:1"];
    let cron: Vec<&str> =
        cron.iter().chain(&["--every", "1h", "--stack", "prod"]).copied().collect();
    let ran = t.run(program, &cron).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
    for said in ["kind: CronJob", "name: drift-shop-prod", "- \"--fail-on\"", "- \"prod\""] {
        assert!(ran.out.contains(said), "{said} in {}", ran.out);
    }
    assert!(!t.folder().join(".infra").exists() && !t.key().exists());
    let out = t.folder().join("units").display().to_string();
    let fleet = ["drift", "schedule", "--kubernetes", "--fleet", "--shards", "8", "--image", "i"];
    let fleet: Vec<&str> = fleet.iter().chain(&["--out", &out]).copied().collect();
    let ran = t.run(program, &fleet).await;
    // Its name ends in a word of its own: no two stacks are called alike.
    let file = ran.err.split_whitespace().find(|word| word.starts_with("drift-shop-all-stacks-"));
    let file = file.unwrap_or_else(|| panic!("{}", ran.err));
    let text = fs::read_to_string(t.folder().join("units").join(file)).unwrap();
    assert!(text.contains("completions: 8") && text.contains("- \"--all-stacks\""), "{text}");
    let units = t.run(program, &["drift", "schedule", "--systemd", "--out", &out]).await;
    assert!(units.err.contains("enable --now drift-shop-dev-"), "{}", units.err);
    let odd = ["drift", "schedule", "--kubernetes", "--image", "i", "--every", "45m"];
    let odd = t.run(program, &odd).await;
    assert_eq!(odd.exit, Exit::Usage);
    assert!(odd.err.contains("cron cannot say"), "{}", odd.err);
    let none = t.run(program, &["drift", "schedule"]).await;
    assert_eq!(none.exit, Exit::Usage, "{}", none.err);
}

/// This test, as a process of its own: only when it is started by another one.
#[tokio::test]
async fn a_child() {
    let Ok(arguments) = env::var(CHILD) else { return };
    let arguments: Vec<String> = serde_json::from_str(&arguments).unwrap();
    let connect = Connect { world: World::default(), notice: Some("simulated") };
    let folder = Path::new(&env::var(CHILD_TOML).unwrap()).to_owned();
    let app = App::new("shop").cloud("simulated", connect).config_beside(folder);
    // A place that can be opened while a file says so.
    let app = app.backend("shaky", |address| async move {
        if !address.path().join(OPEN).exists() {
            return Err(Error::new(ErrorKind::Failed, "the place does not answer"));
        }
        let place: Arc<dyn Backend> = Arc::new(Local::new(address.path())?);
        Ok(place)
    });
    let secret = |stack: &mut Stack| {
        let password = stack.secret("password");
        stack.export("password", password);
        Ok(())
    };
    let screen = infra_core::cli::Screen::captured(std::io::stdout(), std::io::stderr(), None);
    let exit = app.run_on(secret, arguments, screen).await;
    std::process::exit(exit.code().into());
}

fn child(t: &Terminal, arguments: &[&str], variables: &BTreeMap<&str, String>) -> Child {
    let arguments: Vec<_> = std::iter::once("shop").chain(arguments.iter().copied()).collect();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["often::a_child", "--exact", "--nocapture"]).envs(variables);
    command.env(CHILD, json!(arguments).to_string()).env(CHILD_TOML, t.folder());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(child: Child) -> (i32, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn four_processes_of_an_indexed_job_write_one_report() {
    let t = Terminal::new(TOML);
    let stacks: Vec<String> = (0..12).map(|n| format!("s{n:02}")).collect();
    for stack in &stacks {
        with_stack(&t, stack);
        let (exit, _, err) = ended(child(&t, &["up", "--yes", "--stack", stack], &BTreeMap::new()));
        assert_eq!(exit, 0, "{err}");
    }
    let job = |index: u32| {
        BTreeMap::from([
            ("JOB_COMPLETION_INDEX", index.to_string()),
            ("JOB_COMPLETIONS", "4".to_owned()),
            ("INFRA_DRIFT_RUN", "drift-1".to_owned()),
        ])
    };
    let look = ["drift", "--all-stacks", "--shard", "auto", "--format", "json"];
    let children: Vec<_> = (0..4).map(|index| child(&t, &look, &job(index))).collect();
    let mut reports = Vec::new();
    for (exit, out, err) in children.into_iter().map(ended) {
        assert_eq!(exit, 0, "{err}");
        // The harness says something too.
        if let Some(at) = out.find("{\"version\"") {
            let mut documents = serde_json::Deserializer::from_str(&out[at..]).into_iter::<Json>();
            reports.push(documents.next().unwrap().unwrap());
        }
    }
    assert_eq!(reports.len(), 1, "one report");
    let found = reports[0]["reports"].as_array().unwrap();
    let mut found: Vec<_> = found.iter().map(|it| it["stack"].as_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, stacks.iter().map(|stack| format!("shop/{stack}")).collect::<Vec<_>>());
    let list = ended(child(&t, &["stack", "list"], &BTreeMap::new()));
    assert_eq!(list.1.matches("record").count(), 12, "what a run leaves is no stack: {}", list.1);
}

#[test]
fn a_watch_serves_what_it_knows_and_ends_well_when_it_is_told_to() {
    let t = Terminal::new(TOML);
    let (exit, _, err) = ended(child(&t, &["up", "--yes"], &BTreeMap::new()));
    assert_eq!(exit, 0, "{err}");
    let watch = ["drift", "--watch", "1s", "--listen", "127.0.0.1:0"];
    let mut watch = child(&t, &watch, &BTreeMap::new());
    let mut lines = BufReader::new(watch.stderr.take().unwrap()).lines().map(Result::unwrap);
    let at = lines.find(|line| line.starts_with("Metrics are at ")).unwrap();
    let address = at.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let look = || lines.find(|line| line.contains("no drift") || line.contains("could not"));
    let mut look = look;
    assert!(look().unwrap().contains("1 stack"));
    // The state goes away, and comes back.
    let (state, away) = (t.folder().join(".infra"), t.folder().join("away"));
    fs::rename(&state, &away).unwrap();
    while !look().unwrap().contains("could not be looked at") {}
    assert!(get(&address, "/metrics").contains("infra_drift_failed{stack=\"shop/dev\"} 1"));
    assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200"));
    drop(fs::remove_dir_all(&state));
    fs::rename(&away, &state).unwrap();
    while !look().unwrap().contains("no drift") {}
    let metrics = get(&address, "/metrics");
    assert!(metrics.contains("infra_drift_failed{stack=\"shop/dev\"} 0"), "{metrics}");
    assert!(!metrics.contains("infra_drift_look_failures_total 0\n"), "{metrics}");
    let killed = Command::new("kill").args(["-TERM", &watch.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let stopped = lines.any(|line| line == "Stopped.");
    assert_eq!((watch.wait().unwrap().code(), stopped), (Some(0), true));
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
