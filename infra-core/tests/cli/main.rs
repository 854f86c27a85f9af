//! The command line from arguments to exit code, on a cloud in memory.

#![expect(clippy::unwrap_used, unreachable_pub, reason = "a test all through")]

mod drifted;
mod enforced;
mod fake;
mod keys;
mod often;
mod output;
mod places;
mod policies;
mod rebuilt;
mod stacks;
mod taken;
mod terminal;

use infra_core::{exit::Exit, prelude::*};
use serde::Deserialize;
use terminal::Terminal;

use crate::fake::{Disk, Host, Net};

#[derive(Deserialize)]
struct Config {
    block: String,
    #[serde(default)]
    hosts: Vec<String>,
    size: Option<String>,
}

fn program(stack: &mut Stack) -> Result<()> {
    let config: Config = stack.config()?;
    let net =
        stack.scope("net", |stack| stack.add("main", Net::new(&config.block).tags([("a", "b")])));
    let password = stack.secret("password");
    for host in &config.hosts {
        let declared = Host::new(&net.id).password(&password).maybe_size(config.size.clone());
        stack.add(host, declared.maybe_disk(None::<Disk>));
    }
    stack.export("net", &net.id);
    stack.export("password", &password);
    Ok(())
}

const TOML: &str = "[config]\nblock = '10.0.0.0/16'\nhosts = ['web']\n[stack.prod]\ncloud = 'real'\nregion = 'there'\n";

#[tokio::test]
async fn a_whole_life() {
    let t = Terminal::new(TOML);
    let first = t.run(program, &[]).await;
    assert_eq!(first.exit, Exit::Done, "{}", first.err);
    assert!(first.err.contains("3 created") && !first.err.contains("[y/N]"), "{}", first.err);
    assert_eq!(t.world.0.lock().unwrap().len(), 2);

    let second = t.run(program, &["up", "--yes"]).await;
    assert_eq!(second.exit, Exit::Done, "{}", second.err);
    assert!(second.err.contains("Nothing to do"), "{}", second.err);

    let changed = t.run(program, &["preview", "--exit-code", "--set", "block=10.9.0.0/16"]).await;
    assert_eq!(changed.exit, Exit::Changes, "{}", changed.err);
    insta::assert_snapshot!("preview", changed.err);

    // `web` holds data, but what is simulated is nobody's.
    let replaced = t.run(program, &["up", "--yes", "--set", "block=10.9.0.0/16"]).await;
    assert_eq!(replaced.exit, Exit::Done, "{}", replaced.err);

    let outputs = t.run(program, &["outputs"]).await;
    assert!(outputs.out.contains("password = [secret]\n"), "{}", outputs.out);
    let net = t.run(program, &["outputs", "net"]).await;
    assert!(net.out.starts_with("net-main-WORD") && net.out.lines().count() == 1, "{}", net.out);
    assert_eq!(t.run(program, &["outputs", "password"]).await.exit, Exit::Refused);
    let secret = t.run(program, &["outputs", "password", "--show-secrets"]).await.out;
    assert_eq!(secret.trim().len(), 32);
    assert_eq!(t.run(program, &["outputs", "nett"]).await.exit, Exit::Usage);
    let json: serde_json::Value =
        serde_json::from_str(&t.run(program, &["outputs", "--json"]).await.out).unwrap();
    assert_eq!(json["outputs"]["password"]["$secret"], true);

    let list = t.run(program, &["state", "list"]).await;
    assert_eq!(
        list.out,
        "core:Secret::password\nfake:Host::web\nfake:Net::net/main\nfake:Provider::default\n"
    );
    let gone = t.run(program, &["destroy", "--yes"]).await;
    assert_eq!(gone.exit, Exit::Done, "{}", gone.err);
    assert!(t.world.0.lock().unwrap().is_empty());
    let history = t.run(program, &["history", "--json"]).await;
    let history: serde_json::Value = serde_json::from_str(&history.out).unwrap();
    let newest = history["deployments"].as_array().unwrap().last().unwrap();
    assert_eq!((&newest["command"], &newest["cloud"]), (&"destroy".into(), &"simulated".into()));
    // No secret was ever shown.
    let everything =
        [&first, &second, &changed, &replaced, &gone].map(|ran| format!("{}{}", ran.out, ran.err));
    assert!(everything.iter().all(|text| !text.contains(secret.trim())));
}

#[tokio::test]
async fn what_a_person_sees() {
    let t = Terminal::new(TOML);
    // One at a time, so that the order is always the same.
    let ran = t.ask(program, &["up", "--parallel", "1"], "yes\n").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
    insta::assert_snapshot!("up", ran.err);
    let declined = t.ask(program, &["up", "--set", "block=x"], "\n").await;
    assert_eq!(declined.exit, Exit::Refused, "{}", declined.err);
}

#[tokio::test]
async fn a_real_cloud_is_asked_about() {
    let t = Terminal::new(TOML);
    let look = t.run(program, &["--stack", "prod"]).await;
    assert_eq!(look.exit, Exit::Done, "{}", look.err);
    assert!(
        look.err.contains("up --stack prod") && look.err.contains("region there"),
        "{}",
        look.err
    );
    assert!(!look.err.contains("nothing real"));
    assert!(t.world.0.lock().unwrap().is_empty());

    let alone = t.run(program, &["up", "--stack", "prod"]).await;
    assert_eq!(alone.exit, Exit::Refused);
    assert!(alone.err.contains("up --yes"), "{}", alone.err);

    let no = t.ask(program, &["up", "--stack", "prod"], "y\n").await;
    assert_eq!(no.exit, Exit::Refused, "{}", no.err);
    assert!(no.err.contains("type the stack's name (prod)"), "{}", no.err);
    assert!(t.world.0.lock().unwrap().is_empty());

    let yes = t.ask(program, &["up", "--stack", "prod"], "prod\n").await;
    assert_eq!(yes.exit, Exit::Done, "{}", yes.err);
    assert_eq!(t.world.0.lock().unwrap().len(), 2);
    // `web` holds data, and would be replaced: `--yes` is not enough for that.
    let change = ["up", "--yes", "--stack", "prod", "--set", "block=10.9.0.0/16"];
    let lost = t.run(program, &change).await;
    assert_eq!(lost.exit, Exit::Refused, "{}", lost.err);
    assert!(lost.err.contains("needs --allow-data-loss fake:Host::web"), "{}", lost.err);
    let mut agreed = change.to_vec();
    agreed.extend(["--allow-data-loss", "web"]);
    let agreed = t.run(program, &agreed).await;
    assert_eq!(agreed.exit, Exit::Done, "{}", agreed.err);

    let stacks = t.run(program, &["stack", "list"]).await;
    assert!(stacks.out.starts_with("prod  4 records, deployment 2 `up` by "), "{}", stacks.out);
    let described = t.run(program, &["stack", "show", "--stack", "prod"]).await;
    assert!(described.out.contains("   1 fake:Host\n"), "{}", described.out);
}

#[tokio::test]
async fn a_saved_plan_is_executed_without_a_question() {
    let t = Terminal::new(TOML);
    let saved = t.run(program, &["preview", "--save", "x.plan"]).await;
    assert_eq!(saved.exit, Exit::Done, "{}", saved.err);
    let up = t.run(program, &["up", "--plan", "x.plan"]).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    let stale = t.run(program, &["up", "--plan", "x.plan"]).await;
    assert_eq!(stale.exit, Exit::Refused, "{}", stale.err);
}

#[tokio::test]
async fn a_failure_is_reported_and_gone_on_from() {
    let t = Terminal::new(TOML);
    let failed = t.run(program, &["up", "--yes", "--set", "size=impossible"]).await;
    assert_eq!(failed.exit, Exit::Failed, "{}", failed.err);
    assert!(failed.err.contains("RunHost: there is no size `impossible`"), "{}", failed.err);
    let json = t.run(program, &["up", "--yes", "--json"]).await;
    assert_eq!(json.exit, Exit::Done, "{}", json.err);
    let events = json.out.lines().map(|line| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["version"], 1);
        event["event"].as_str().unwrap().to_owned()
    });
    let events: Vec<_> = events.collect();
    assert_eq!((&*events[0], &**events.last().unwrap()), ("target", "finished"), "{events:?}");
}

#[tokio::test]
async fn operating_on_state() {
    let t = Terminal::new(TOML);
    assert_eq!(t.run(program, &["state", "list"]).await.exit, Exit::Usage);
    assert_eq!(t.run(program, &[]).await.exit, Exit::Done);

    let moved = t.run(program, &["state", "mv", "net/main", "net/core"]).await;
    assert_eq!(moved.exit, Exit::Done, "{}", moved.err);
    let web = t.run(program, &["state", "show", "web"]).await;
    assert!(
        web.out.contains("\"fake:Net::net/core\"") && web.out.contains("$secret"),
        "{}",
        web.out
    );

    let refused = t.run(program, &["state", "rm", "net/core"]).await;
    assert_eq!(refused.exit, Exit::Refused);
    assert!(refused.err.contains("fake:Host::web"), "{}", refused.err);
    assert_eq!(t.run(program, &["state", "rm", "net/core", "--force"]).await.exit, Exit::Done);

    assert_eq!(t.run(program, &["state", "protect", "web"]).await.exit, Exit::Done);
    let destroy = t.run(program, &["destroy", "--yes", "--allow-data-loss", "web"]).await;
    assert_ne!(destroy.exit, Exit::Done, "{}", destroy.err);
    assert_eq!(t.run(program, &["state", "unprotect", "web"]).await.exit, Exit::Done);

    let pulled = t.run(program, &["state", "pull"]).await;
    std::fs::write(t.folder().join("state.json"), &pulled.out).unwrap();
    let file = t.folder().join("state.json");
    let pushed = t.run(program, &["state", "push", file.to_str().unwrap()]).await;
    assert_eq!(pushed.exit, Exit::Done, "{}", pushed.err);
    assert_eq!(t.run(program, &["state", "unlock", "nonsense"]).await.exit, Exit::Usage);
    let wrong = t.run(program, &["state", "show", "wbe"]).await;
    assert!(wrong.err.contains("did you mean `web`?"), "{}", wrong.err);
}

#[tokio::test]
async fn drawing() {
    let t = Terminal::new(TOML);
    let dot = t.run(program, &["graph"]).await;
    assert!(dot.out.starts_with("digraph \"shop/dev\""), "{}", dot.err);
    let svg = t.folder().join("x.svg");
    assert_eq!(t.run(program, &["graph", "-o", svg.to_str().unwrap()]).await.exit, Exit::Done);
    assert!(std::fs::read_to_string(svg).unwrap().starts_with("<svg"));
    assert!(t.run(program, &["graph", "--format", "mermaid"]).await.out.starts_with("flowchart"));
}

#[tokio::test]
async fn what_is_wrong_is_said_at_once() {
    let five = |stack: &mut Stack| {
        let net = stack.add("main", Net::new("10.0.0.0/16"));
        stack.add("main", Net::new("10.1.0.0/16"));
        stack.add("bad name", Host::new(&net.id));
        stack.add("web", Host::new(&net.id).ignore_changes(["tags["]));
        stack.export("net", &net.id);
        stack.export("net", &net.id);
        stack.error("there must be two zones");
        Ok(())
    };
    let t = Terminal::new("");
    let ran = t.run(five, &["preview"]).await;
    assert_eq!(ran.exit, Exit::Usage);
    insta::assert_snapshot!("five_mistakes", ran.err);

    let config = t.run(program, &["preview", "--set", "hostss=3", "--set", "size=4"]).await;
    assert_eq!(config.exit, Exit::Usage);
    insta::assert_snapshot!("configuration", config.err);

    assert_eq!(t.run(program, &["perview"]).await.exit, Exit::Usage);
    assert_eq!(t.run(program, &["--help"]).await.exit, Exit::Done);
    let cloud = t.run(program, &["preview", "--cloud", "rael"]).await;
    assert!(cloud.err.contains("did you mean `real`?"), "{}", cloud.err);
    let state = t.run(program, &["preview", "--state", "s4://x"]).await;
    assert!(state.err.contains("this program knows `file:…`"), "{}", state.err);
    let target = t.run(program, &["preview", "--set", "block=x", "--target", "net/mian"]).await;
    assert!(target.err.contains("did you mean `net/main`?"), "{}", target.err);
}

#[tokio::test]
async fn a_program_that_panics_is_wrong_like_any_other() {
    let t = Terminal::new("");
    let program = |stack: &mut Stack| {
        stack.error("there must be two zones");
        let zones: Vec<&str> = Vec::new();
        stack.add(zones[zones.len()], Net::new("10.0.0.0/16"));
        Ok(())
    };
    let ran = t.run(program, &["preview"]).await;
    assert_eq!(ran.exit, Exit::Usage, "{}", ran.err);
    for expected in ["two zones", "the program panicked: index out of bounds", "cli/main.rs:"] {
        assert!(ran.err.contains(expected), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_closure_that_panics_fails_what_needs_its_value() {
    let t = Terminal::new("");
    let with = |wanted: &'static str| {
        move |stack: &mut Stack| {
            let net = stack.add("main", Net::new("10.0.0.0/16"));
            let size = net.id.map(move |id| id.find(wanted).expect("it is there").to_string());
            stack.add("web", Host::new(&net.id).size(&size));
            stack.add("other", Host::new(&net.id));
            stack.export("net", &net.id);
            Ok(())
        }
    };
    let ran = t.run(with("nothing"), &["up", "--yes"]).await;
    assert_eq!(ran.exit, Exit::Failed, "{}", ran.err);
    for expected in
        ["the closure at ", "panicked: it is there", "2 created, 1 failed", "net = main-"]
    {
        assert!(ran.err.contains(expected), "{expected}: {}", ran.err);
    }
    // At the end, with the line that declares it.
    let (_, end) = ran.err.split_once("\nFailed").unwrap();
    assert!(end.contains("declared at ") && end.contains("cli/main.rs:"), "{end}");
    // Now that the value is known it is a mistake of the program before anything is begun.
    let again = t.run(with("nothing"), &["up", "--yes"]).await;
    assert_eq!(again.exit, Exit::Usage, "{}", again.err);
    assert!(again.err.contains("panicked: it is"), "{}", again.err);
    let mended = t.run(with("main"), &["up", "--yes"]).await;
    assert_eq!(mended.exit, Exit::Done, "{}", mended.err);
}

#[tokio::test]
async fn a_missing_key_is_asked_for_by_name() {
    let t = Terminal::new(TOML);
    assert_eq!(t.run(program, &[]).await.exit, Exit::Done);
    std::fs::remove_file(t.key()).unwrap();
    let ran = t.run(program, &["preview"]).await;
    assert_eq!(ran.exit, Exit::Failed, "{}", ran.err);
    assert!(ran.err.contains("INFRA_KEY_FILE"), "{}", ran.err);
    assert!(!t.key().exists(), "no new key is made for an old state");
}
