//! A stack's deployments as a table.

use std::fmt::Write;

use infra_state::{HistoryEntry, Outcome};

use super::{
    duration::duration,
    paint::{added, dim, loud, warning},
};

/// The word in a summary that stands for a deployment whose process died: who came next wrote it down.
pub const CUT_OFF: &str = "cut off";

/// One deployment a line, the last one last.
pub fn history(entries: &[HistoryEntry]) -> String {
    let mut out = String::new();
    let rows: Vec<_> = entries.iter().map(row).collect();
    let width =
        |at: usize| rows.iter().map(|row: &[String; 5]| row[at].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    for (entry, row) in entries.iter().zip(&rows) {
        let outcome = match entry.outcome {
            Outcome::Succeeded => added("done       "),
            Outcome::Failed => loud("failed     "),
            Outcome::Interrupted => warning("interrupted"),
        };
        let [number, at, command, by, what] = row;
        let [n, a, c, b] = widths;
        let _ = writeln!(
            out,
            "{number:>n$}  {at:a$}  {command:c$}  {outcome}  {}  {what}",
            dim(&format!("{by:b$}"))
        );
    }
    out
}

fn row(entry: &HistoryEntry) -> [String; 5] {
    let deployment = &entry.deployment;
    let counts = entry.summary.iter().filter(|(_, n)| **n > 0);
    let counts: Vec<_> = counts.map(|(what, n)| format!("{n} {what}")).collect();
    let what = if entry.summary.contains_key(CUT_OFF) {
        CUT_OFF.to_owned()
    } else if counts.is_empty() {
        "nothing changed".to_owned()
    } else {
        counts.join(", ")
    };
    let took = entry.ended.duration_since(deployment.at);
    let took = duration(took.try_into().unwrap_or_default());
    let revision: String = deployment.revision.chars().take(12).collect();
    let how = if what == CUT_OFF { "found after" } else { "in" };
    let what = if revision.is_empty() {
        format!("{what}, {how} {took}")
    } else {
        format!("{what}, {how} {took} ({revision})")
    };
    let what = what.replace(", in ", " in ");
    [
        deployment.number.to_string(),
        deployment.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        deployment.command.clone(),
        deployment.by.clone(),
        what,
    ]
}
