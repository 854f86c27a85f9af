//! A program on the embedded AWS, each command in a process of its own: its streams, its logs, its panics, its folder.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

use infra_aws::{rds, secretsmanager, ssm};
use infra_core::{App, Result, Stack, interpolate, secret::Secret};
use tempfile::TempDir;

use super::search::{Written, echo};

/// Where the child's project is; that this is set makes the test a child.
const FOLDER: &str = "INFRA_LEAKS_FOLDER";
/// Its arguments, a line each.
const ARGUMENTS: &str = "INFRA_LEAKS_ARGUMENTS";
/// What is wrong with the program.
const WRONG: &str = "INFRA_LEAKS_WRONG";

const ALPHABET: &str = "abcXYZ0189&<>%+='{}:";

fn program(stack: &mut Stack) -> Result<()> {
    let wrong = env::var(WRONG).unwrap_or_default();
    let word = stack.secret("word");
    let hard = Secret::new().length(40u16).alphabet(ALPHABET);
    let hard = stack.secret_with("hard", hard);
    let url = interpolate!("postgres://shop:{}@db/{}", &word, stack.name().to_owned());
    let json = interpolate!("{} {}", &hard, &word).json();
    stack.add("url", ssm::Parameter::secure("/shop/url", &url));
    stack.add("json", secretsmanager::Secret::new().value(json.secret()));
    let encoded = interpolate!("{}", interpolate!("x{}", &hard).base64());
    stack.add("encoded", ssm::Parameter::secure("/shop/encoded", encoded));
    // A description is no secret for AWS, which gives it back to everybody; what is in this one is.
    let text = interpolate!("made for {}", &word);
    stack.add("described", ssm::Parameter::secure("/shop/described", "x").description(text));
    match &*wrong {
        // AWS says what it was given.
        "pattern" => {
            let parameter =
                ssm::Parameter::secure("/shop/pattern", &url).allowed_pattern("^[0-9]$");
            drop(stack.add("pattern", parameter));
        }
        "password" => {
            let db = rds::Instance::new(rds::Engine::postgres("17"), "db.t4g.micro", rds::gib(20));
            let password = interpolate!("{}/ @\"", &word);
            drop(stack.add("db", db.username("shop").password(password.secret())));
        }
        "panic" => {
            let said = word.map(|word| -> String { panic!("{}", echo(word.reveal())) });
            drop(stack.add("panic", ssm::Parameter::secure("/shop/panic", said)));
        }
        "closure" => {
            let said = word.try_map(|word| Err::<String, _>(echo(word.reveal())));
            drop(stack.add("closure", ssm::Parameter::secure("/shop/closure", said)));
        }
        _ => {}
    }
    stack.export("url", &url);
    stack.export("word", &word);
    Ok(())
}

/// Not a test: what the parent starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let log = File::options().append(true).create(true).open(folder.join("trace.log")).unwrap();
    let ours = tracing_subscriber::EnvFilter::new("trace");
    let log = Mutex::new(log);
    tracing_subscriber::fmt().with_env_filter(ours).with_writer(log).with_ansi(false).init();
    let app = App::new("leaky").cloud("simulated", infra_aws::simulated()).revision("test");
    let config = folder.join("project/leaky.toml").display().to_string();
    let arguments = env::var(ARGUMENTS).unwrap();
    let arguments: Vec<&str> =
        ["leaky"].into_iter().chain(arguments.lines()).chain(["--config", &config]).collect();
    let exit = app.run_with(program, arguments).await;
    fs::write(folder.join("exit"), format!("{exit:?}")).unwrap();
}

struct Lab {
    folder: TempDir,
    written: Written,
    exits: BTreeMap<String, String>,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        fs::write(folder.path().join("project/leaky.toml"), "[stack.dev]\n").unwrap();
        Self { folder, written: Written::default(), exits: BTreeMap::new() }
    }

    fn silent(&self, wrong: &str, arguments: &[&str]) -> (String, String) {
        let folder = self.folder.path();
        let streams = |name: &str| File::create(folder.join(name)).unwrap();
        let status = Command::new(env::current_exe().unwrap())
            .args(["--exact", "embedded::child", "--nocapture", "--quiet"])
            .env(FOLDER, folder)
            .env(ARGUMENTS, arguments.join("\n"))
            .env(WRONG, wrong)
            .env("XDG_CONFIG_HOME", folder.join("config"))
            .env_remove("INFRA_KEY_FILE")
            .env("RUST_BACKTRACE", "1")
            .current_dir(folder.join("project"))
            .stdin(Stdio::null())
            .stdout(streams("out"))
            .stderr(streams("err"))
            .status()
            .unwrap();
        assert!(status.success(), "{arguments:?}: {status}: {}", read(&folder.join("err")));
        (read(&folder.join("out")), read(&folder.join("err")))
    }

    fn run(&mut self, wrong: &str, arguments: &[&str]) {
        let json: Vec<_> = arguments.iter().copied().chain(["--json"]).collect();
        for arguments in [arguments, &json] {
            let (out, err) = self.silent(wrong, arguments);
            let line = format!("{wrong} {}", arguments.join(" "));
            self.written.add(format!("{line} > out"), out);
            self.written.add(format!("{line} > err"), err);
            self.written.add_folder(&line, &self.folder.path().join("project"));
            self.exits.insert(line, read(&self.folder.path().join("exit")));
        }
    }

    fn exit(&self, line: &str) -> bool {
        self.exits[line].contains("unix_exit_status(0)")
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

#[test]
fn nothing_that_a_process_writes_has_a_secret_in_it() {
    let mut lab = Lab::new();
    lab.run("", &["preview", "--details"]);
    lab.run("", &["up", "--yes", "--details"]);
    assert!(lab.exit(" up --yes --details"), "{:?}", lab.written.said(" up --yes --details > err"));
    let (shown, err) = lab.silent("", &["state", "show", "core:Secret::word", "--show-secrets"]);
    let mut secrets = vec![value(&shown).unwrap_or_else(|| panic!("{shown}{err}"))];
    let (shown, _) = lab.silent("", &["state", "show", "core:Secret::hard", "--show-secrets"]);
    secrets.push(value(&shown).unwrap());
    for wrong in ["pattern", "password", "panic", "closure"] {
        for command in [&["preview", "--details"][..], &["up", "--yes", "--details"]] {
            lab.run(wrong, command);
        }
        // The others are for AWS to refuse.
        if ["panic", "closure"].contains(&wrong) {
            assert!(!lab.exit(&format!("{wrong} up --yes --details")), "{wrong}");
        }
    }
    let plan = lab.folder.path().join("project/saved.plan").display().to_string();
    lab.run("pattern", &["preview", "--save", &plan]);
    let looks: &[&[&str]] = &[
        &["preview", "--refresh", "--details"],
        &["outputs"],
        &["graph", "--remembered"],
        &["history"],
        &["stack", "show"],
        &["state", "list"],
        &["state", "show", "url"],
        &["state", "show", "described"],
        &["state", "pull"],
        &["state", "rekey"],
        &["destroy", "--yes"],
    ];
    for look in looks {
        lab.run("", look);
    }
    let log = fs::read(lab.folder.path().join("trace.log")).unwrap();
    assert!(log.len() > 100_000, "{} bytes of logs", log.len());
    // What the SDK logs at this level is the SDK's: what it sends, with all that is in it.
    let log = String::from_utf8_lossy(&log);
    let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].map(|level| format!("{level} infra"));
    let ours = log.lines().filter(|line| levels.iter().any(|level| line.contains(level)));
    let ours: Vec<_> = ours.collect();
    assert!(!ours.is_empty());
    lab.written.add("logs", ours.join("\n"));
    let found = lab.written.find(&secrets);
    assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
    let world = lab.folder.path().join("project/.infra/leaky/.cloud");
    assert!(world.exists(), "the world is in the folder that was searched");
}

/// The generated secret in what `state show` prints.
fn value(shown: &str) -> Option<String> {
    let json = &shown[shown.find('{')?..=shown.rfind('}')?];
    let record: serde_json::Value = serde_json::from_str(json).ok()?;
    record["outputs"]["value"].as_str().map(str::to_owned)
}
