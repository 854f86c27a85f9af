//! Leaving for Terraform: every block, variable and output has a name of its own, and nothing refers to what is not there.

use std::collections::BTreeSet;

use infra_core::{Stack, command::export::to_terraform, prelude::*};

use crate::{
    harness::{Db, Host, Lab, Net, Note},
    outside::engine,
};

fn program(stack: &mut Stack) -> Result<()> {
    let net = stack.add("net", Net::new("10.0.0.0/16"));
    // Three blocks each, and the second is called as one of the first's would be.
    stack.add("a", Note::new("first"));
    stack.add("a_2", Note::new("second"));
    let host = stack.add("host", Host::new(&net.id).size("big"));
    stack.add("of", Note::new(&host.id));
    // What these are called differs by what Terraform does not allow.
    for (at, name) in ["x-y", "x/y", "count"].into_iter().enumerate() {
        let password = stack.secret(name);
        stack.add(format!("db-{at}"), Db::new().net(&net.id).password(password));
    }
    stack.export("x-y", &net.id);
    stack.export("x_y", &net.id);
    Ok(())
}

/// The headers of the blocks of one sort: `resource "fake_note" "a"`.
fn blocks<'t>(text: &'t str, sort: &str) -> Vec<&'t str> {
    let header = format!("{sort} ");
    text.lines().filter(|line| line.starts_with(&header) && line.contains('{')).collect()
}

#[tokio::test]
async fn everything_has_a_name_of_its_own() {
    let lab = Lab::new();
    lab.up(program).await.ok();
    let out = to_terraform(&engine(&lab, program)).await.unwrap();
    let all: String = out.files.values().map(String::as_str).collect();
    for (sort, count) in [("resource", 1 + 3 * 3 + 3), ("variable", 3), ("output", 2)] {
        let found = blocks(&all, sort);
        let distinct: BTreeSet<_> = found.iter().collect();
        assert_eq!((found.len(), distinct.len()), (count, count), "{found:#?}");
    }
    let imports: Vec<_> = all.lines().filter(|line| line.trim().starts_with("to ")).collect();
    assert_eq!(imports.iter().collect::<BTreeSet<_>>().len(), 1 + 3 * 3 + 3, "{imports:#?}");
    assert!(!out.variables.contains_key("count"), "a word of Terraform's: {:?}", out.variables);
    for variable in out.variables.keys() {
        assert_eq!(all.matches(&format!("= var.{variable}\n")).count(), 1, "{variable}\n{all}");
    }
}

#[tokio::test]
async fn nothing_refers_to_what_is_not_written() {
    let lab = Lab::new();
    lab.up(program).await.ok();
    let out = to_terraform(&engine(&lab, program)).await.unwrap();
    let main = &out.files["main.tf"];
    let left: Vec<_> = out.left.keys().map(infra_core::state::Urn::as_str).collect();
    assert_eq!(left, ["fake:Host::host"]);
    assert!(!main.contains("fake_host."), "{main}");
    let snapshot = lab.snapshot().await.unwrap();
    let host = snapshot.records.values().find(|it| it.urn.name() == "host").unwrap();
    let id = host.id.as_deref().unwrap();
    assert!(main.contains(&format!("text = \"{id}\"")), "its value stands there instead: {main}");
}

#[tokio::test]
async fn what_holds_data_is_not_destroyed_by_terraform_either() {
    let lab = Lab::new();
    lab.up(program).await.ok();
    let out = to_terraform(&engine(&lab, program)).await.unwrap();
    let main = &out.files["main.tf"];
    let kept = main.matches("prevent_destroy = true").count();
    assert_eq!(kept, 3, "the databases, and nothing else: {main}");
}

#[tokio::test]
async fn what_the_program_waits_for_and_ignores_terraform_does_too() {
    let lab = Lab::new();
    let program = |stack: &mut Stack| {
        let net = stack.add("net", Net::new("10.0.0.0/16"));
        let big = stack.add("big", Host::new(&net.id).size("big"));
        stack.add("late", Note::new("late").depends_on(&big).ignore_changes([Note::TEXT]));
        stack.add("last", Host::new(&net.id).depends_on(&net).ignore_changes([Host::LABELS]));
        Ok(())
    };
    lab.up(program).await.ok();
    let out = to_terraform(&engine(&lab, program)).await.unwrap();
    let main = &out.files["main.tf"];
    let of = |header: &str| main.split(header).nth(1).unwrap().split("\n}").next().unwrap();
    let late = of("resource \"fake_note\" \"late\" {");
    // The host is not written: what it is made from is waited for instead.
    assert!(late.contains("  depends_on = [fake_net.net]"), "{main}");
    assert_eq!(main.matches("    ignore_changes = [text]").count(), 3, "every block: {main}");
    let last = of("resource \"fake_host\" \"last\" {");
    assert!(last.contains("depends_on = [fake_net.net]") && !last.contains("ignore"), "{main}");
    let heeded: Vec<_> = out.heeded.iter().map(|(urn, all)| (urn.name(), all.clone())).collect();
    assert_eq!(heeded, [("last", vec!["labels".to_owned()])], "nothing of it is there");
}
