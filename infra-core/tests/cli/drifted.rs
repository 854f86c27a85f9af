//! What somebody else changed: told, put right, taken over.

use infra_core::{exit::Exit, state::Value};
use serde_json::json;

use crate::{TOML, program, terminal::Terminal};

/// A stack whose machine somebody made bigger.
async fn bigger() -> Terminal {
    let t = Terminal::new(TOML);
    assert_eq!(t.run(program, &["up", "--yes", "--set", "size=small"]).await.exit, Exit::Done);
    resize(&t, "huge");
    t
}

fn resize(t: &Terminal, size: &str) {
    let mut objects = t.world.0.lock().unwrap();
    let (_, (_, inputs)) = objects.iter_mut().find(|(id, _)| id.starts_with("web-")).unwrap();
    let Value::Map(inputs) = inputs else { panic!("{inputs:?}") };
    inputs.insert("size".into(), size.into());
}

async fn drift(t: &Terminal, more: &[&str]) -> crate::terminal::Ran {
    let arguments: Vec<&str> =
        ["drift", "--set", "size=small"].iter().chain(more).copied().collect();
    t.run(program, &arguments).await
}

#[tokio::test]
async fn a_look_is_told_to_people_and_programs() {
    let t = Terminal::new(TOML);
    let never = drift(&t, &[]).await;
    assert_eq!(never.exit, Exit::Usage);
    assert!(never.err.contains("`up` makes the stack"), "{}", never.err);

    let t = bigger().await;
    let found = drift(&t, &[]).await;
    assert_eq!((found.exit, &*found.out), (Exit::Changes, ""), "{}", found.err);
    let line = "size: \"small\" -> \"huge\"";
    assert!(found.err.contains(line) && found.err.contains("Drift: 1 medium. 2 objects checked"));
    assert!(found.err.contains("--fix changes it back"), "{}", found.err);

    // One document, and nothing else.
    let json = drift(&t, &["--json"]).await;
    let document: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let finding = &document["reports"][0]["findings"][0];
    assert_eq!(finding["what"], "changed", "{}", json.out);
    assert_eq!(finding["fields"][0]["live"], "huge");
    assert_eq!(finding["repair"], json!({"action": "update"}));
    let file = t.folder().join("report.json");
    let path = file.display().to_string();
    let written = drift(&t, &["--output", &path]).await;
    assert!(written.err.contains(line) && written.out.is_empty());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["reports"].is_array());

    assert_eq!(drift(&t, &["--fail-on", "high"]).await.exit, Exit::Done);
    assert_eq!(drift(&t, &["--severity", "high"]).await.exit, Exit::Done);
    assert_eq!(drift(&t, &["--only", "net/main"]).await.exit, Exit::Done);
    assert_eq!(drift(&t, &["--only", "wep"]).await.exit, Exit::Usage);
    assert_eq!(drift(&t, &["--severity", "awful"]).await.exit, Exit::Usage);
    assert_eq!(drift(&t, &["--allow-shrink"]).await.exit, Exit::Usage);
}

#[tokio::test]
async fn a_fix_asks_and_then_nothing_is_left() {
    let t = bigger().await;
    let nobody = drift(&t, &["--fix"]).await;
    assert_eq!(nobody.exit, Exit::Refused);
    assert!(nobody.err.contains("`drift --fix --yes`"), "{}", nobody.err);
    let fix = ["drift", "--set", "size=small", "--fix"];
    let declined = t.ask(program, &fix, "n\n").await;
    assert_eq!(declined.exit, Exit::Refused, "{}", declined.err);
    assert_eq!(drift(&t, &[]).await.exit, Exit::Changes);
    let fixed = t.ask(program, &fix, "y\n").await;
    assert_eq!(fixed.exit, Exit::Done, "{}", fixed.err);
    assert!(fixed.err.contains("\"small\" -> \"huge\"") && fixed.err.contains("1 updated"));
    let none = drift(&t, &[]).await;
    assert_eq!(none.exit, Exit::Done, "{}", none.err);
    assert!(none.err.contains("No drift. 2 objects checked"), "{}", none.err);

    // With --json all of it is events.
    resize(&t, "huge");
    let events = drift(&t, &["--fix", "--yes", "--json"]).await;
    let names: Vec<String> = events
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .collect();
    let place = |name: &str| names.iter().position(|it| it == name);
    assert!(place("drift") < place("planned") && place("planned") < place("finished"), "{names:?}");
    assert_eq!(place("target"), Some(0), "{names:?}");
}

#[tokio::test]
async fn what_is_accepted_is_what_the_next_preview_changes_back() {
    let t = bigger().await;
    let accept = ["drift", "--set", "size=small", "--accept"];
    let accepted = t.ask(program, &accept, "y\n").await;
    assert_eq!(accepted.exit, Exit::Done, "{}", accepted.err);
    assert!(accepted.err.contains("Take this into the state? [y/N]"), "{}", accepted.err);
    assert!(accepted.err.contains("1 recorded as they are"), "{}", accepted.err);
    assert_eq!(drift(&t, &[]).await.exit, Exit::Done);
    let preview = t.run(program, &["preview", "--set", "size=small"]).await;
    assert!(preview.err.contains("size: \"huge\" → \"small\""), "{}", preview.err);
    assert_eq!(drift(&t, &["--accept", "--yes"]).await.exit, Exit::Done);
}

#[tokio::test]
async fn a_stack_made_by_another_program_is_compared_with_what_is_recorded() {
    let t = bigger().await;
    let broken = |_: &mut infra_core::Stack| -> infra_core::Result<()> { panic!("not asked") };
    let found = t.run(broken, &["drift", "--recorded-only"]).await;
    assert_eq!(found.exit, Exit::Changes, "{}", found.err);
    assert!(found.err.contains("its own program repairs it"), "{}", found.err);
}
