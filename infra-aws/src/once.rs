//! The table of the README, held against the drivers.

use std::collections::BTreeSet;

use infra_core::{graph::Role, provider::Once};

const README: &str = include_str!("../README.md");

fn line(kind: &str, once: Once) -> String {
    let told = match (once.token, once.by_name) {
        (Some(_), true) => "token, name",
        (Some(_), false) => "token",
        (None, true) => "name",
        (None, false) => "owner tag",
    };
    let token = once
        .token
        .map_or_else(|| "–".to_owned(), |lifetime| format!("{} h", lifetime.as_secs() / 3600));
    format!("| `{kind}` | {told} | {token} | {} s |", once.window.as_secs())
}

#[test]
fn the_readme_says_how_each_kind_is_made_exactly_once() {
    let drivers = crate::drivers();
    let managed = drivers.iter().filter(|driver| driver.role() == Role::Managed);
    let expected: BTreeSet<String> =
        managed.map(|driver| line(driver.schema().kind, driver.once())).collect();
    let written: BTreeSet<String> =
        README.lines().filter(|line| line.starts_with("| `aws:")).map(str::to_owned).collect();
    let whole = expected.iter().cloned().collect::<Vec<_>>().join("\n");
    assert!(expected == written, "README.md, `Exactly once`, must have this table:\n{whole}");
}

/// What can be told from a second one by nothing but its tags must have them from the creating call on, and be found by
/// them: a window of nothing would be a guess.
#[test]
fn what_has_neither_token_nor_name_is_waited_for() {
    for driver in crate::drivers().iter().filter(|driver| driver.role() == Role::Managed) {
        let once = driver.once();
        let told = once.by_name || once.token.is_some();
        assert!(told || !once.window.is_zero(), "{}", driver.schema().kind);
        let tags = driver.schema().fields.iter().any(|field| field.tags);
        assert!(told || tags, "{} has no tags to be found by", driver.schema().kind);
    }
}
