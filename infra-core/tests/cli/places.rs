//! Which cloud, which world, which stack.

use std::path::Path;

use infra_core::{App, command::stack::stacks, config::Settings, exit::Exit, prelude::*};

use crate::{
    TOML,
    fake::{Connect, Net, World},
    program,
    terminal::Terminal,
};

#[tokio::test]
async fn a_stack_stays_on_its_cloud_without_being_told() {
    let t = Terminal::new(TOML);
    let up = t.run(program, &["up", "--yes", "--cloud", "real"]).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    let look = t.run(program, &["preview"]).await;
    assert_eq!(look.exit, Exit::Done, "{}", look.err);
    assert!(
        look.err.contains("cloud     real") && look.err.contains("Nothing to do"),
        "{}",
        look.err
    );
    // A bare command on it must not take it for a simulated one.
    let bare = t.run(program, &["--set", "block=10.9.0.0/16"]).await;
    assert!(bare.err.contains("Nothing was changed"), "{}", bare.err);
    let other = t.run(program, &["preview", "--cloud", "simulated"]).await;
    assert_eq!(other.exit, Exit::Refused, "{}", other.err);
    assert!(other.err.contains("the stack `dev` was made on the cloud `real`"), "{}", other.err);
    assert!(!other.err.contains("reading"), "{}", other.err);
    // What only looks after the state changes nothing of that.
    assert_eq!(t.run(program, &["state", "protect", "web"]).await.exit, Exit::Done);
    assert!(t.run(program, &["preview"]).await.err.contains("cloud     real"));
    let shown = t.run(program, &["stack", "show"]).await;
    assert!(shown.out.contains("cloud        real\n"), "{}", shown.out);
}

#[tokio::test]
async fn clouds_are_listed_once() {
    let t = Terminal::new(TOML);
    let ran = t.run(program, &["preview", "--cloud", "azure"]).await;
    assert!(ran.err.contains("no cloud `azure`; known: `real`, `simulated`\n"), "{}", ran.err);
}

#[tokio::test]
async fn two_programs_in_one_folder_have_a_world_each() {
    let folder = tempfile::tempdir().unwrap();
    let engine = async |name: &str| {
        let connect = || Connect { world: World::default(), notice: Some("simulated") };
        let app = App::new(name).cloud("simulated", connect());
        let mut settings = Settings::new("dev");
        settings.directory = folder.path().join("project");
        settings.key = Some(format!("file:{}", folder.path().join(name).display()));
        app.engine(&settings, |_| Ok(())).await.unwrap()
    };
    let (one, two) = (engine("one").await, engine("two").await);
    let world = one.context.world.directory().to_owned();
    assert!(world.ends_with(Path::new(".infra/one/.cloud")), "{}", world.display());
    assert_ne!(world, two.context.world.directory());
    // A world is no stack.
    std::fs::create_dir_all(world.join("aws")).unwrap();
    assert!(stacks(&one).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_stack_that_was_never_made_is_an_error_everywhere() {
    let t = Terminal::new(TOML);
    assert_eq!(t.run(program, &[]).await.exit, Exit::Done);
    for command in [&["outputs"][..], &["history"], &["stack", "show"], &["stack", "rm"]] {
        let ran = t.run(program, &[command, &["--stack", "zzz"]].concat()).await;
        assert_eq!(ran.exit, Exit::Usage, "{command:?}: {}", ran.err);
        assert!(ran.err.contains("there is no state of shop/zzz"), "{}", ran.err);
    }
    let saved = t.run(program, &["preview", "--save", "x.plan", "--set", "block=x"]).await;
    assert_eq!(saved.exit, Exit::Done, "{}", saved.err);
    let other = t.run(program, &["up", "--plan", "x.plan", "--stack", "zzz"]).await;
    assert_eq!(other.exit, Exit::Refused, "{}", other.err);
    assert!(other.err.contains("is one of shop/dev, and this is shop/zzz"), "{}", other.err);
}

#[tokio::test]
async fn a_rename_is_not_nothing() {
    let t = Terminal::new("");
    let first = |stack: &mut Stack| {
        stack.add("old", Net::new("10.0.0.0/16"));
        Ok(())
    };
    let second = |stack: &mut Stack| {
        stack.add("new", Net::new("10.0.0.0/16").alias("old"));
        Ok(())
    };
    assert_eq!(t.run(first, &[]).await.exit, Exit::Done);
    let ran = t.run(second, &["up", "--yes"]).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
    assert!(ran.err.contains("Plan: 1 renamed, nothing to do in the cloud."), "{}", ran.err);
    assert!(!ran.err.contains("\n\n\n"), "{}", ran.err);
}

#[tokio::test]
async fn a_folder_needs_nothing_and_the_doctor_finds_what_was_damaged_in_it() {
    let t = Terminal::new(TOML);
    let made = t.run(program, &["bootstrap"]).await;
    assert_eq!(made.exit, Exit::Done, "{}", made.err);
    assert!(made.err.contains("has all that a state needs"), "{}", made.err);
    assert_eq!(t.run(program, &["up", "--yes"]).await.exit, Exit::Done);
    let sound = t.run(program, &["state", "doctor"]).await;
    assert_eq!(sound.exit, Exit::Done, "{}", sound.err);
    assert!(
        sound.err.contains("✓ the lock is free\n") && !sound.err.contains('✗'),
        "{}",
        sound.err
    );
    let history = std::fs::read_dir(t.folder().join(".infra/shop/dev/history")).unwrap();
    let filed = history.map(|entry| entry.unwrap().path()).next().unwrap();
    std::fs::write(&filed, "{").unwrap();
    let ill = t.run(program, &["state", "doctor", "--json"]).await;
    assert_eq!(ill.exit, Exit::Failed, "{}", ill.err);
    let told: serde_json::Value = serde_json::from_str(&ill.out).unwrap();
    let found = told["findings"].as_array().unwrap();
    let wrong: Vec<_> = found.iter().filter(|it| it["grade"] == "wrong").collect();
    assert_eq!(wrong.len(), 1, "{found:#?}");
    assert!(wrong[0]["what"].as_str().unwrap().contains("history/00000001."), "{wrong:?}");
}
