//! What a stack needs, before there is one and after.

use infra_core::exit::Exit;
use serde_json::{Value, json};

use crate::{TOML, program, terminal::Terminal};

async fn printed(t: &Terminal, arguments: &[&str]) -> Value {
    let ran = t.run(program, arguments).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

#[tokio::test]
async fn a_policy_is_told_from_the_program_and_from_what_there_is() {
    let t = Terminal::new(TOML);
    let before = printed(&t, &["policy"]).await;
    // What a machine is put into is the stack's own, though nobody knows its id.
    let all = [
        "fake:Host:Create {own}",
        "fake:Host:Delete {own}",
        "fake:Host:Read {own}",
        "fake:Host:Search *",
        "fake:Host:Update {own}",
        "fake:Net:Create *",
        "fake:Net:Delete {own}",
        "fake:Net:Read {own}",
        "fake:Net:Search *",
        "fake:Net:Update {own}",
    ];
    assert_eq!(before, json!({"in": null, "grants": all}));
    assert!(t.world.0.lock().unwrap().is_empty());

    t.run(program, &["up", "--yes"]).await;
    let after = printed(&t, &["policy", "--json"]).await;
    assert_eq!(after["policies"][0]["name"], "deploy");
    let document = &after["policies"][0]["document"];
    assert_eq!(document["in"], "here");
    // It is now in what is there, too.
    let grants = document["grants"].as_array().unwrap();
    assert!(grants.iter().any(|it| it.as_str().unwrap().starts_with("fake:Host:Read net-main-")));

    let looks = printed(&t, &["policy", "--for", "drift", "--set", "hosts=[]"]).await;
    let looks = looks["grants"].as_array().unwrap();
    let only_looks =
        |it: &Value| [":Read ", ":Search "].iter().any(|how| it.as_str().unwrap().contains(how));
    assert!(looks.iter().all(only_looks), "{looks:?}");
    let fleet = printed(&t, &["policy", "--for", "fleet", "--set", "hosts=[]", "--json"]).await;
    assert_eq!(fleet["policies"][0]["name"], "fleet");
    assert_eq!(fleet["policies"][0]["document"]["grants"].as_array().unwrap(), looks);
    assert!(looks.len() > 1, "what is not declared any more is looked at until it is gone");
}

#[tokio::test]
async fn documents_are_written_and_the_table_is_told() {
    let t = Terminal::new(TOML);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("policies");
    let ran = t.run(program, &["policy", "--out", out.to_str().unwrap()]).await;
    assert!(ran.out.is_empty() && ran.err.contains("deploy.json"), "{} {}", ran.out, ran.err);
    let text = std::fs::read_to_string(out.join("deploy.json")).unwrap();
    assert!(serde_json::from_str::<Value>(&text).unwrap()["grants"].is_array());
    let table = t.run(program, &["policy", "--table"]).await.out;
    assert!(table.contains("| `fake:Pass` | `fake:Host:Create`: always | its guide |"), "{table}");
    let refused = t.run(program, &["policy", "--table", "--out", "x"]).await;
    assert_eq!(refused.exit, Exit::Usage);
}
