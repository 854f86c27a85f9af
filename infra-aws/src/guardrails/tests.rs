//! The table of the README, held against the list.

use std::collections::BTreeSet;

use infra_core::policy::Policy;

const README: &str = include_str!("../../README.md");

fn line(policy: &Policy) -> String {
    let (how, name) = (policy.enforcement(), policy.name());
    format!("| {how} | `{name}` | {} |", policy.purpose())
}

#[test]
fn the_readme_lists_what_every_program_is_held_to() {
    let expected: Vec<String> = super::all().iter().map(line).collect();
    let rows = README.lines().filter(|line| {
        line.starts_with("| mandatory | `aws:") || line.starts_with("| advisory | `aws:")
    });
    let written: Vec<String> = rows.map(str::to_owned).collect();
    let whole = expected.join("\n");
    assert!(expected == written, "README.md, `Guardrails`, must have this table:\n{whole}");
}

#[test]
fn names_are_told_apart_and_say_whose_they_are() {
    let all = super::all();
    let names: BTreeSet<&str> = all.iter().map(Policy::name).collect();
    assert_eq!(names.len(), all.len());
    assert!(names.iter().all(|name| name.starts_with("aws:")), "{names:?}");
    for policy in &all {
        let in_production = policy.purpose().starts_with("in production, ");
        assert_eq!(in_production, policy.is_only_production(), "{}", policy.name());
    }
}
