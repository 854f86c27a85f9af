//! A state that is lost, from the command line.

use infra_core::exit::Exit;

use crate::{TOML, program, terminal::Terminal};

#[tokio::test]
async fn a_lost_state_is_refused_shown_and_written_again() {
    let t = Terminal::new(TOML);
    assert_eq!(t.run(program, &[]).await.exit, Exit::Done);
    std::fs::remove_dir_all(t.folder().join(".infra")).unwrap();

    let up = t.run(program, &["up", "--yes"]).await;
    assert_eq!(up.exit, Exit::Refused, "{}", up.err);
    assert!(up.err.contains("`state rebuild`") && up.err.contains("`--new-lineage`"), "{}", up.err);
    let look = t.run(program, &["preview"]).await;
    assert_eq!(look.exit, Exit::Done, "{}", look.err);
    assert!(look.err.contains("`state rebuild`"), "{}", look.err);

    // Nobody is there to agree: what would be written is shown all the same.
    let shown = t.run(program, &["state", "rebuild"]).await;
    assert_eq!(shown.exit, Exit::Refused, "{}", shown.err);
    assert!(
        shown.err.contains("Found") && shown.err.contains("state rebuild --yes"),
        "{}",
        shown.err
    );
    let declined = t.ask(program, &["state", "rebuild"], "n\n").await;
    assert_eq!(declined.exit, Exit::Refused, "{}", declined.err);
    assert!(declined.err.contains("Write this state? [y/N]"), "{}", declined.err);
    assert_eq!(t.run(program, &["state", "list"]).await.exit, Exit::Usage);

    let wrong = t.run(program, &["state", "rebuild", "--yes", "--current", "web"]).await;
    assert_eq!(wrong.exit, Exit::Usage, "{}", wrong.err);
    let rebuilt = t.run(program, &["state", "rebuild", "--yes", "--json"]).await;
    assert_eq!(rebuilt.exit, Exit::Done, "{}", rebuilt.err);
    let last = rebuilt.out.lines().last().unwrap();
    let found: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!((&found["event"], &found["version"]), (&"found".into(), &1.into()));
    assert_eq!(found["objects"].as_array().unwrap().len(), 2, "{found:#}");
    assert_eq!(found["secrets"][0]["from"][0], "`web.password`", "{found:#}");
    let look = t.run(program, &["preview", "--refresh", "--exit-code"]).await;
    assert_eq!(look.exit, Exit::Done, "{}", look.err);
    let again = t.run(program, &["state", "rebuild", "--yes"]).await;
    assert_eq!(again.exit, Exit::Refused, "{}", again.err);
}
