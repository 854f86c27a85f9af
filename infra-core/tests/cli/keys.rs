//! What seals the secrets, and another one instead.

use std::path::Path;

use infra_core::{
    App, command, command::Confirmed, command::UpOptions, config::Settings, exit::Exit, prelude::*,
};

use crate::{TOML, program, terminal::Terminal};

fn secrets(stack: &mut Stack) -> Result<()> {
    let password = stack.secret("password");
    stack.export("password", password);
    Ok(())
}

async fn engine(folder: &Path, key: &str) -> Result<infra_core::Engine> {
    let mut settings = Settings::new("dev");
    settings.directory = folder.join("project");
    settings.key = Some(key.to_owned());
    App::new("shop").engine(&settings, secrets).await
}

#[tokio::test]
async fn a_passphrase_opens_and_another_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        format!("passphrase:file={}", path.display())
    };
    let (right, wrong) = (file("right", "correct horse\n"), file("wrong", "battery staple"));
    let stack = engine(folder.path(), &right).await.unwrap();
    let made = command::up(&stack, &UpOptions::default(), &Confirmed).await.unwrap();
    let again = engine(folder.path(), &right).await.unwrap();
    assert_eq!(command::outputs(&again).await.unwrap(), made.exports);
    let stranger = engine(folder.path(), &wrong).await.unwrap();
    let error = command::outputs(&stranger).await.unwrap_err().to_string();
    assert!(error.contains(&right) && !error.contains("horse"), "{error}");

    let says =
        async |key: &str| engine(folder.path(), key).await.map(drop).unwrap_err().to_string();
    assert!(says(&file("empty", "\n")).await.contains("is empty"));
    let error = says("passphrase:env=INFRA_TEST_NOT_SET").await;
    assert!(error.contains("the variable INFRA_TEST_NOT_SET has none: set it"), "{error}");
    let error = says("passphrase:hunter2").await;
    assert!(error.contains("passphrase:env=NAME"), "{error}");
    assert!(says("passphrase:file=/nowhere").await.contains("cannot be read from /nowhere"));
}

#[tokio::test]
async fn another_key_has_to_be_written_into_the_settings() {
    let t = Terminal::new(TOML);
    assert_eq!(t.run(program, &[]).await.exit, Exit::Done);
    let never = t.run(program, &["state", "rekey", "--stack", "prod"]).await;
    assert_eq!(never.exit, Exit::Usage, "{}", never.err);
    let inside = t.folder().join(".infra/new.key").display().to_string();
    let inside = t.run(program, &["state", "rekey", "--to", &format!("file:{inside}")]).await;
    assert!(inside.err.contains("would lie inside the state"), "{}", inside.err);

    // The same key, a fresh data key: nothing to write.
    let fresh = t.run(program, &["state", "rekey"]).await;
    assert_eq!(fresh.exit, Exit::Done, "{}", fresh.err);
    assert!(!fresh.err.contains("key = "), "{}", fresh.err);
    assert_eq!(t.run(program, &["outputs"]).await.exit, Exit::Done);

    let other = t.key().with_file_name("other");
    let to = format!("file:{}", other.display());
    let ran = t.run(program, &["state", "rekey", "--to", &to]).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
    let expected = "Now write this into the settings in /home/me/project/shop.toml";
    assert!(ran.err.contains(expected), "{}", ran.err);
    let lines = "\n  [stack.dev]\n  key = \"file:/home/me/other\"\n";
    assert!(ran.err.contains(lines), "{}", ran.err);
    let old = t.run(program, &["outputs"]).await;
    assert_eq!(old.exit, Exit::Failed, "{}", old.err);
    assert!(old.err.contains("local:") && old.err.contains("state rekey"), "{}", old.err);
    // Said again with the old settings, it is done again: what was cut off there is ended like that.
    let again = t.run(program, &["state", "rekey", "--to", &to]).await;
    assert_eq!(again.exit, Exit::Done, "{}", again.err);
    std::fs::rename(&other, t.key()).unwrap();
    let history = t.run(program, &["history"]).await;
    assert_eq!(history.out.matches("state rekey").count(), 3, "{}", history.out);
    assert!(t.run(program, &["preview"]).await.err.contains("Nothing to do"));
}
