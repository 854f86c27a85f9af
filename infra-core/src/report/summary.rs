//! How a command ended.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use infra_state::{Outcome, Value};

use super::{
    duration::duration,
    paint::{added, dim, heading, loud, warning},
    value::{inline, whole},
};
use crate::{
    event::{Failure, Summary},
    plan::Action,
};

/// `3 created, 1 updated`.
pub(super) fn done(counts: &BTreeMap<Action, usize>) -> String {
    let words = |action: &Action| match action {
        Action::Keep => "unchanged",
        Action::Create => "created",
        Action::Update => "updated",
        Action::Import => "taken over",
        Action::Delete => "deleted",
        Action::DeleteOld => "old deleted",
        Action::Read => "read",
        Action::Forget => "forgotten",
    };
    let counts = counts.iter().filter(|(action, n)| **n > 0 && **action != Action::Keep);
    let parts: Vec<_> = counts.map(|(action, n)| format!("{n} {}", words(action))).collect();
    if parts.is_empty() { "nothing changed".to_owned() } else { parts.join(", ") }
}

/// Counts, time, the chain that took longest, failures and exports.
pub fn summary(summary: &Summary) -> String {
    let mut out = String::new();
    if !summary.failed.is_empty() {
        let _ = writeln!(out, "\n{}", loud("Failed"));
        for Failure { urn, message, at } in &summary.failed {
            let _ = writeln!(out, "  {} {}  {}", loud("✗"), urn.name(), dim(urn.kind()));
            for line in message.lines() {
                let _ = writeln!(out, "      {line}");
            }
            if let Some(at) = at {
                let _ = writeln!(out, "      {}", dim(&format!("declared at {at}")));
            }
        }
    }
    let head = match summary.outcome {
        Outcome::Succeeded => added("Done"),
        Outcome::Failed => loud("Not all of it was done"),
        Outcome::Interrupted => warning("Interrupted"),
    };
    let _ = write!(out, "\n{head} in {}: {}", duration(summary.elapsed), done(&summary.done));
    if !summary.failed.is_empty() {
        let _ = write!(out, ", {} failed", summary.failed.len());
    }
    if summary.skipped > 0 {
        let _ = write!(out, ", {} not begun", summary.skipped);
    }
    if summary.unfinished > 0 {
        let _ = write!(out, ", {} begun and not waited for", summary.unfinished);
    }
    out.push_str(".\n");
    path(summary, &mut out);
    match summary.outcome {
        Outcome::Succeeded => {}
        Outcome::Failed => out.push_str("Run it again to go on from here.\n"),
        Outcome::Interrupted if summary.unfinished > 0 => out.push_str(
            "Nothing is lost: run it again; it looks what became of what was begun, and goes on from here.\n",
        ),
        Outcome::Interrupted => out.push_str("Nothing is lost: run it again to go on from here.\n"),
    }
    // An empty plan has shown them already.
    if !summary.exports.is_empty() && !summary.done.is_empty() {
        let _ = writeln!(out, "\n{}", heading("Outputs"));
        out.push_str(&exports(&summary.exports));
    }
    out
}

/// The longest chain of steps, its slowest links first seen.
fn path(summary: &Summary, out: &mut String) {
    const SHOWN: usize = 6;
    let total: Duration = summary.critical_path.iter().map(|(_, _, time)| *time).sum();
    if summary.critical_path.len() < 2 || total.is_zero() {
        return;
    }
    let mut slowest: Vec<usize> = (0..summary.critical_path.len()).collect();
    slowest.sort_by_key(|&at| std::cmp::Reverse(summary.critical_path[at].2));
    slowest.truncate(SHOWN);
    slowest.sort_unstable();
    let links = slowest.iter().map(|&at| {
        let (urn, _, time) = &summary.critical_path[at];
        format!("{} {}", urn.name(), duration(*time))
    });
    let mut links: Vec<_> = links.collect();
    let rest = summary.critical_path.len() - links.len();
    if rest > 0 {
        links.push(format!("{rest} shorter"));
    }
    let text = format!("Longest chain {}: {}", duration(total), links.join(" → "));
    let _ = writeln!(out, "{}", dim(&text));
}

/// Exports, one a line; longer ones below their names.
pub(super) fn exports(exports: &BTreeMap<String, Value>) -> String {
    let mut out = String::new();
    let width = exports.keys().map(String::len).max().unwrap_or(0);
    for (name, value) in exports {
        let text = match (value, whole(value, 100)) {
            (_, Some(text)) => format!("\n    {}", text.replace('\n', "\n    ")),
            (Value::String(text), None) => text.clone(),
            (value, None) => inline(value, 200),
        };
        let _ = writeln!(out, "  {} {text}", dim(&format!("{name:width$} =")));
    }
    out
}
