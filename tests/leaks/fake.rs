//! A program in the fake world, whose cloud says everything it is given.

use std::{
    panic,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use infra_core::{
    App, Output, Result, Sensitive, Stack, cli::Screen, exit::Exit, interpolate, provider::Class,
    secret::Secret, testing::Buffer,
};
use tempfile::TempDir;

use super::{
    harness::{Db, FakeConnector, Host, Hurried, Net, Note, Slot, World, Wrong},
    search::{Written, echo},
};

/// What the program says itself.
const LITERAL: &str = "l1teral/\"quoted\" & <angled> 100%";
/// What is hard to quote.
const ALPHABET: &str = "abcXYZ0189\"\\/&<>%+='{}é:@ ";

fn text(written: &Buffer) -> String {
    String::from_utf8_lossy(&written.bytes()).into_owned()
}

/// What logs and panics say, of every test of this program.
fn loud() -> &'static Buffer {
    static LOUD: OnceLock<Buffer> = OnceLock::new();
    LOUD.get_or_init(|| {
        let buffer = Buffer::default();
        let logs = buffer.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(move || logs.clone());
        subscriber.init();
        let panics = std::sync::Mutex::new(buffer.clone());
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            use std::io::Write;
            let _ = writeln!(panics.lock().unwrap(), "{info}");
            before(info);
        }));
        buffer
    })
}

/// What the program declares beyond what is always there.
#[derive(Clone, Copy, Default)]
struct With {
    /// The literal is not marked as a secret: what happens where sealing is switched off.
    unmarked: bool,
    /// One more note, which the cloud refuses.
    extra: bool,
    /// What is written into the notes, so that they change.
    revision: u32,
}

fn program(with: With) -> impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static {
    move |stack| {
        let plain = Output::known(&LITERAL.to_owned());
        let word = stack.secret("word");
        let hard = Secret::new().length(40u16).alphabet(ALPHABET);
        let hard = stack.secret_with("hard", hard);
        let net = stack.add("net", Net::new("10.0.0.0/16"));
        let db = stack.add("db", Db::new().password(&word).net(&net.id));
        stack.add("db-hard", Db::new().password(&hard));
        let literal: Output<String> = if with.unmarked {
            plain
        } else {
            plain.secret().map(|secret| secret.reveal().clone())
        };
        let n = with.revision.to_string();
        let notes: [(&str, Output<String>); 6] = [
            ("url", interpolate!("db://root:{}@{}/{}", &word, &db.id, n)),
            ("encoded", revealed(&hard).url_encode()),
            ("base64", interpolate!("{}", interpolate!("x{}", &hard).base64())),
            ("json", interpolate!("{}", interpolate!("{} {}", &hard, &word).json())),
            ("literal", interpolate!("{} {}", &literal, stack.name().to_owned())),
            ("word", revealed(&word)),
        ];
        for (name, text) in &notes {
            stack.add(name, Note::new(text));
            stack.export(*name, text);
        }
        stack.add("host", Host::new(&net.id).wait(2u32));
        if with.extra {
            stack.add("extra", Slot::new(interpolate!("{} {}", &hard, &word)));
        }
        stack.export("literal-alone", &literal);
        Ok(())
    }
}

fn revealed(secret: &Output<Sensitive<String>>) -> Output<String> {
    secret.map(|secret| secret.reveal().clone())
}

struct Lab {
    world: Arc<World>,
    folder: TempDir,
    written: Written,
}

impl Lab {
    fn new() -> Self {
        loud();
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        std::fs::create_dir(&project).unwrap();
        let settings = format!(
            "[stack.dev]\nstate = 'file:{}'\nkey = 'file:{}'\n",
            project.join(".infra").display(),
            folder.path().join("key").display()
        );
        std::fs::write(project.join("leaky.toml"), settings).unwrap();
        Self { world: Arc::default(), folder, written: Written::default() }
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    async fn silent(&self, with: With, arguments: &[&str]) -> (Exit, String, String) {
        let connector = FakeConnector {
            world: Arc::clone(&self.world),
            account: "1111".to_owned(),
            region: "here".to_owned(),
        };
        let app = App::new("leaky").cloud("fake", connector).revision("test");
        let app = app.env(Arc::new(Hurried::default()));
        let config = self.project().join("leaky.toml").display().to_string();
        let all =
            ["leaky"].into_iter().chain(arguments.iter().copied()).chain(["--config", &config]);
        let (out, err) = (Buffer::default(), Buffer::default());
        let screen = Screen::captured(out.clone(), err.clone(), None);
        let exit = app.run_on(program(with), all, screen).await;
        (exit, text(&out), text(&err))
    }

    /// Runs a command, both ways of telling, and keeps what it said and what it left.
    async fn run(&mut self, with: With, arguments: &[&str]) -> Exit {
        let json: Vec<_> = arguments.iter().copied().chain(["--json"]).collect();
        let mut exit = Exit::Done;
        for arguments in [arguments, &json] {
            let (how, out, err) = self.silent(with, arguments).await;
            let line = arguments.join(" ");
            self.written.add(format!("{line} > out"), out);
            self.written.add(format!("{line} > err"), err);
            self.written.add_folder(&line, &self.project());
            if arguments.len() < json.len() {
                exit = how;
            }
        }
        exit
    }

    async fn ok(&mut self, with: With, arguments: &[&str]) {
        let exit = self.run(with, arguments).await;
        let said = |place: &str| self.written.said(&format!("{} > {place}", arguments.join(" ")));
        assert_eq!(exit, Exit::Done, "{arguments:?}: {} {}", said("out"), said("err"));
    }

    /// The secrets that were generated, and the one that the program says.
    async fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![LITERAL.to_owned()];
        for name in ["word", "hard"] {
            let urn = format!("core:Secret::{name}");
            let show = ["state", "show", &urn, "--show-secrets"];
            let (exit, text, err) = self.silent(With::default(), &show).await;
            assert_eq!(exit, Exit::Done, "{err}");
            let record: serde_json::Value = serde_json::from_str(&text).unwrap();
            secrets.push(record["outputs"]["value"].as_str().unwrap().to_owned());
        }
        assert!(secrets[1].len() == 32 && secrets[2].chars().count() == 40);
        secrets
    }
}

const DESTROY: &[&str] =
    &["destroy", "--yes", "--allow-data-loss", "db", "--allow-data-loss", "db-hard"];

/// Every command that only looks.
const LOOKS: &[&[&str]] = &[
    &["preview", "--details", "--refresh"],
    &["preview", "--destroy", "--details"],
    &["outputs"],
    &["outputs", "url"],
    &["graph"],
    &["graph", "--format", "svg"],
    &["graph", "--format", "mermaid", "--remembered"],
    &["history"],
    &["stack", "list"],
    &["stack", "show"],
    &["state", "list"],
    &["state", "show", "db"],
    &["state", "show", "literal"],
    &["state", "show", "hard"],
    &["state", "pull"],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_written_anywhere_has_a_secret_in_it() {
    let mut lab = Lab::new();
    let plain = With::default();
    lab.ok(plain, &["preview", "--details"]).await;
    lab.ok(plain, &["up", "--yes", "--details"]).await;
    let secrets = lab.secrets().await;
    for look in LOOKS {
        lab.run(plain, look).await;
    }

    // A plan in a file, of changes to everything that has a secret in it.
    let next = With { revision: 1, ..plain };
    let file = lab.project().join("saved.plan").display().to_string();
    lab.ok(next, &["preview", "--save", &file, "--details"]).await;
    lab.ok(next, &["state", "protect", "net"]).await;
    lab.ok(next, &["state", "unprotect", "net"]).await;
    lab.ok(next, &["preview", "--save", &file]).await;
    let (exit, _, err) = lab.silent(next, &["up", "--plan", &file]).await;
    assert_eq!(exit, Exit::Done, "{err}");

    // A cloud that says what it was given, in an error, in a reason, in a panic; when it is asked and when it is read.
    for (verb, revision) in [("create", 1), ("update", 2), ("read", 3), ("delete", 3)] {
        for secret in &secrets {
            let with = With { extra: verb == "create", revision, ..plain };
            lab.world.fault(verb, "", Wrong::Refuse(Class::Invalid, echo(secret)), 1000);
            let arguments: &[&str] = match verb {
                "delete" => DESTROY,
                "read" => &["preview", "--refresh"],
                _ => &["up", "--yes", "--details"],
            };
            assert_eq!(lab.run(with, arguments).await, Exit::Failed, "{verb}");
            lab.world.heal();
            lab.world.fault(verb, "", Wrong::Blurt(echo(secret)), 1000);
            if verb != "read" && verb != "delete" {
                assert_eq!(lab.run(with, arguments).await, Exit::Failed, "{verb}");
            }
            lab.world.heal();
        }
    }
    let drifted: Vec<String> = lab.world.of("fake:Note").into_keys().collect();
    for (id, secret) in drifted.iter().zip(&secrets) {
        lab.world.tamper(id, |object| {
            object.broken = Some(echo(secret));
            Some(())
        });
    }
    lab.run(plain, &["preview", "--refresh", "--details"]).await;
    for look in [&["history"][..], &["stack", "show"], &["state", "pull"]] {
        lab.run(plain, look).await;
    }
    lab.ok(plain, &["up", "--yes", "--refresh", "--details"]).await;

    // A run that is cut off, and the next, which settles what it left.
    lab.world.fault("update", "", Wrong::HangBefore, 1);
    let cut = lab.silent(With { revision: 5, ..plain }, &["up", "--yes"]);
    let _ = tokio::time::timeout(std::time::Duration::from_secs(3), cut).await;
    lab.world.heal();
    lab.run(plain, &["preview"]).await;
    lab.ok(plain, &["up", "--yes"]).await;

    let key = format!("file:{}", lab.folder.path().join("other").display());
    let (exit, out, err) = lab.silent(plain, &["state", "rekey", "--to", &key]).await;
    assert_eq!(exit, Exit::Done, "{err}");
    lab.written.add("rekey", out + &err);
    assert!(err.contains(&format!("key = \"{key}\"")), "{err}");
    lab.run(plain, &["outputs"]).await;
    let settings = lab.project().join("leaky.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let old = format!("file:{}", lab.folder.path().join("key").display());
    std::fs::write(&settings, text.replace(&old, &key)).unwrap();
    for look in LOOKS {
        lab.run(plain, look).await;
    }
    assert_eq!(lab.secrets().await, secrets, "the new key opens what the old one sealed");
    lab.ok(plain, DESTROY).await;

    lab.written.add("logs and panics", loud().bytes());
    assert!(lab.written.places() > 300, "{} places", lab.written.places());
    let found = lab.written.find(&secrets);
    assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_sealed_is_found_everywhere() {
    let mut lab = Lab::new();
    let unmarked = With { unmarked: true, ..With::default() };
    lab.run(unmarked, &["preview", "--details"]).await;
    lab.ok(unmarked, &["up", "--yes", "--details"]).await;
    for look in LOOKS {
        lab.run(unmarked, look).await;
    }
    let found = lab.written.find(&[LITERAL.to_owned()]).join("\n");
    for place in
        ["preview --details > err", "/journal/", "/history/", "outputs > out", "state pull > out"]
    {
        assert!(found.contains(place), "the search is blind in {place}:\n{found}");
    }
    // And a secret that is shown because somebody asked is found where it is shown.
    let (_, shown, _) = lab.silent(unmarked, &["outputs", "--show-secrets"]).await;
    let (_, pulled, _) = lab.silent(unmarked, &["state", "pull", "--show-secrets"]).await;
    let secrets = lab.secrets().await;
    let mut written = Written::default();
    written.add("outputs", shown);
    written.add("pull", pulled);
    let found = written.find(&secrets[1..]).join("\n");
    assert!(found.contains("outputs: plain of") && found.contains("pull: plain of"), "{found}");
}
