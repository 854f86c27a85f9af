//! Stacks that are renamed, moved, removed, gone back, and that refer to each other.

use infra_core::{
    App, Outputs,
    command::{Confirmed, UpOptions, up},
    config::Settings,
    exit::Exit,
    prelude::*,
    state::Value,
};

use crate::{TOML, program, terminal::Terminal};

#[tokio::test]
async fn a_stack_is_renamed_and_says_what_is_left_to_do() {
    let t = Terminal::new(TOML);
    assert_eq!(t.run(program, &["up", "--yes"]).await.exit, Exit::Done);
    let renamed = t.run(program, &["stack", "rename", "trial"]).await;
    assert_eq!(renamed.exit, Exit::Done, "{}", renamed.err);
    assert!(renamed.err.contains("Rename `[stack.dev]` to `[stack.trial]` in "), "{}", renamed.err);
    let old = t.run(program, &["up", "--yes"]).await;
    assert_eq!(old.exit, Exit::Refused, "{}", old.err);
    assert!(old.err.contains("--stack trial"), "{}", old.err);
    let listed = t.run(program, &["stack", "list"]).await.out;
    let lines: Vec<_> = listed.lines().collect();
    assert!(lines[0].starts_with("dev    moved to shop/trial in file:"), "{listed}");
    assert!(
        lines[1].starts_with("trial  4 records, deployment 2 `stack rename trial` by "),
        "{listed}"
    );
    let key = format!("file:{}", t.key().display());
    std::fs::write(
        t.folder().join("shop.toml"),
        format!("[config]\nblock = '10.0.0.0/16'\nhosts = ['web']\n[stack.trial]\nkey = '{key}'"),
    )
    .unwrap();
    let preview = t.run(program, &["preview", "--stack", "trial", "--exit-code"]).await;
    assert_eq!(preview.exit, Exit::Done, "{}", preview.err);
    let removed = t.run(program, &["stack", "remove", "--stack", "trial"]).await;
    assert_eq!(removed.exit, Exit::Usage, "{}", removed.err);
    let removed = t.run(program, &["stack", "rm", "--force", "--stack", "trial"]).await;
    assert_eq!(removed.exit, Exit::Done, "{}", removed.err);
    assert!(removed.err.contains("2 objects stay where they are"), "{}", removed.err);
    assert!(removed.err.contains("  fake:Net::net/main net-main-WORD\n"), "{}", removed.err);
    assert_eq!(t.world.0.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_state_is_moved_to_another_place_and_another_key() {
    let t = Terminal::new(TOML);
    assert_eq!(t.run(program, &["up", "--yes", "--cloud", "real"]).await.exit, Exit::Done);
    let secret = t.run(program, &["outputs", "password", "--show-secrets"]).await.out;
    let to = format!("file:{}", t.folder().join("elsewhere").display());
    let key = format!("file:{}", t.key().with_file_name("other").display());
    let moved = t.run(program, &["state", "migrate", "--to", &to, "--key", &key]).await;
    assert_eq!(moved.exit, Exit::Done, "{}", moved.err);
    assert!(moved.err.contains("4 records, 1 deployments"), "{}", moved.err);
    let old = t.run(program, &["preview"]).await;
    assert_eq!(old.exit, Exit::Refused, "{}", old.err);
    assert!(old.err.contains("elsewhere"), "{}", old.err);
    std::fs::write(
        t.folder().join("shop.toml"),
        format!(
            "[config]\nblock = '10.0.0.0/16'\nhosts = ['web']\n[stack.dev]\nstate = '{to}'\nkey = '{key}'"
        ),
    )
    .unwrap();
    let here = t.run(program, &["preview", "--exit-code"]).await;
    assert_eq!(here.exit, Exit::Done, "{}", here.err);
    assert_eq!(t.run(program, &["outputs", "password", "--show-secrets"]).await.out, secret);

    let t = Terminal::new(TOML);
    assert_eq!(t.run(program, &["up", "--yes"]).await.exit, Exit::Done);
    let simulated = t.run(program, &["state", "migrate", "--to", &to]).await;
    assert_eq!(simulated.exit, Exit::Refused, "{}", simulated.err);
}

#[tokio::test]
async fn a_deployment_is_gone_back_to() {
    let t = Terminal::new(TOML);
    assert_eq!(t.run(program, &["up", "--yes"]).await.exit, Exit::Done);
    let second = ["up", "--yes", "--set", "size=large", "--set", "hosts=[\"web\", \"db\"]"];
    let second = t.run(program, &second).await;
    assert_eq!(second.exit, Exit::Done, "{}", second.err);
    let looked = t.run(program, &["rollback", "1", "--preview"]).await;
    assert_eq!(looked.exit, Exit::Done, "{}", looked.err);
    assert!(looked.err.contains("this goes back to deployment 1 (`up` by "), "{}", looked.err);
    let alone = t.run(program, &["rollback", "1"]).await;
    assert_eq!(alone.exit, Exit::Refused);
    assert!(
        alone.err.contains("`rollback 1 --preview`, then say `rollback 1 --yes`"),
        "{}",
        alone.err
    );
    let back = t.run(program, &["rollback", "1", "--yes"]).await;
    assert_eq!(back.exit, Exit::Done, "{}", back.err);
    let history = t.run(program, &["history"]).await.out;
    assert!(history.lines().last().unwrap().contains("rollback 1"), "{history}");
    assert!(t.run(program, &["preview"]).await.err.contains("Nothing to do"));
}

#[derive(Outputs, Clone, Debug)]
struct Platform {
    /// Where it listens.
    address: String,
    /// Who may.
    token: Sensitive<String>,
}

#[tokio::test]
async fn programs_and_places_are_reached_through_the_app() {
    fn platform(stack: &mut Stack) -> Result<()> {
        stack.export("address", "here".to_owned());
        let token = stack.secret("token");
        stack.export("token", token);
        Ok(())
    }
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("file:{}", folder.path().join(name).display());
    let settings = |stack: &str, state: &str, key: &str| {
        let mut settings = Settings::new(stack).state(url(state));
        settings.directory = folder.path().to_owned();
        settings.key = Some(url(key));
        settings
    };
    let options = UpOptions::default();
    let deploy = async |name: &str, settings: Settings| {
        let engine = App::new(name).engine(&settings, platform).await.unwrap();
        up(&engine, &options, &Confirmed).await.unwrap().exports
    };
    let near = deploy("platform", settings("main", "states", "key")).await;
    let far = deploy("platform", settings("far", "other-states", "other-key")).await;
    let (there, key) = (url("other-states"), url("other-key"));
    let consumer = move |stack: &mut Stack| {
        let near = stack.reference::<Platform>("platform/main");
        let far =
            StackReference::new("far").of_program("platform").at(there.clone()).key(key.clone());
        let far = stack.reference_with::<Platform>("far", far);
        stack.export("near", near.token.clone());
        stack.export("far", far.token.clone());
        stack.export("addresses", Output::all([&near.address, &far.address]));
        Ok(())
    };
    let engine =
        App::new("shop").engine(&settings("dev", "states", "key"), consumer).await.unwrap();
    let exports = up(&engine, &options, &Confirmed).await.unwrap().exports;
    assert_eq!((&exports["near"], &exports["far"]), (&near["token"], &far["token"]));
    assert!(exports["near"].has_secret());
    assert_eq!(exports["addresses"], Value::from(vec!["here".into(), "here".into()]));
}
