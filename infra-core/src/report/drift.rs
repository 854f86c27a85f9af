//! A report of drift, for people.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::Value as Json;

use super::paint::{added, changed, dim, heading, loud, read, warning};
use crate::drift::{FieldDrift, Finding, Repair, Report, Severity};

/// How much of a value a line shows.
const WIDTH: usize = 60;

/// The report: what is worst first, then what could not be looked at, and the counts last.
pub fn drift(report: &Report) -> String {
    let mut out = String::new();
    if let Some(busy) = &report.in_progress {
        let _ = writeln!(out, "{} {busy}; what it works on is not looked at", warning("!"));
    }
    for notice in &report.notices {
        let _ = writeln!(out, "{} {notice}", dim("note:"));
    }
    if !report.findings.is_empty() {
        let _ = writeln!(out, "\n{}", heading("Drift"));
    }
    report.findings.iter().for_each(|it| finding(it, &mut out));
    if !report.unchecked.is_empty() {
        let _ = writeln!(out, "\n{}", loud("Not checked"));
        for it in &report.unchecked {
            let _ = writeln!(out, "  {} {}: {}", loud("?"), it.urn, it.why);
        }
    }
    if let Some(why) = &report.failed {
        let _ = writeln!(out, "\n{} {why}", loud("The look failed:"));
    }
    let _ = writeln!(out, "\n{}", summary(report));
    out
}

fn finding(it: &Finding, out: &mut String) {
    let name = match (&it.urn, &it.id) {
        (Some(urn), _) => format!("{}  {}", heading(urn.name()), dim(urn.kind())),
        (None, id) => format!("{}  {}", heading(id.as_deref().unwrap_or("?")), dim(&it.kind)),
    };
    let what = it.what.as_str();
    let _ = writeln!(out, "  {} {name}  {what}", severity(it.severity));
    let mut line = |text: &str| {
        let _ = writeln!(out, "      {text}");
    };
    if it.fields.is_empty() {
        line(&it.message);
    }
    it.fields.iter().for_each(|it| line(&field(it)));
    if let Some(by) = &it.by {
        let from = by.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
        line(&format!("by {} at {}: {}{from}", by.who, by.at, by.what));
    }
    let repair = match &it.repair {
        Repair::Update => added("--fix changes it back"),
        Repair::Create => added("--fix makes it again"),
        Repair::Nothing(why) => dim(&format!("left alone by --fix: {why}")),
    };
    line(&repair);
    let at = it.at.as_ref().map(|at| format!("  declared at {at}")).unwrap_or_default();
    line(&dim(&format!("rule {}{at}", it.rule)));
}

/// `size: "small" -> "big"  (the program wants "large")`.
fn field(it: &FieldDrift) -> String {
    let mut text =
        format!("{}: {} -> {}", it.path, value(it.recorded.as_ref()), value(it.live.as_ref()));
    if it.desired != it.recorded && it.desired.is_some() {
        let wanted = format!("  (the program wants {})", value(it.desired.as_ref()));
        text.push_str(&changed(&wanted));
    }
    text
}

fn value(json: Option<&Json>) -> String {
    let text = match json {
        None => return "nothing".to_owned(),
        Some(Json::Object(map)) if map.contains_key("$secret") => return "[secret]".to_owned(),
        Some(Json::Object(map)) if map.contains_key("$unknown") => {
            return "(not known)".to_owned();
        }
        Some(json) => json.to_string(),
    };
    if text.chars().count() <= WIDTH {
        return text;
    }
    text.chars().take(WIDTH - 1).chain(['…']).collect()
}

fn severity(severity: Severity) -> String {
    let word = format!("{severity:8}");
    match severity {
        Severity::Info => dim(&word),
        Severity::Low => read(&word),
        Severity::Medium => changed(&word),
        Severity::High => warning(&word),
        Severity::Critical => loud(&word),
    }
}

/// `Drift: 1 critical, 2 medium. 52 objects checked in 3.1 s, 14 calls (ec2 9, sts 1).`
fn summary(report: &Report) -> String {
    let mut counts = BTreeMap::<Severity, usize>::new();
    for it in &report.findings {
        *counts.entry(it.severity).or_default() += 1;
    }
    let found: Vec<_> =
        counts.iter().rev().map(|(severity, count)| format!("{count} {severity}")).collect();
    let head = match (&found[..], report.is_whole()) {
        ([], true) => added("No drift."),
        ([], false) => warning("No drift in what could be looked at."),
        (found, _) => warning(&format!("Drift: {}.", found.join(", "))),
    };
    let calls: u64 = report.calls.values().sum();
    let services: Vec<_> =
        report.calls.iter().map(|(service, count)| format!("{service} {count}")).collect();
    let services =
        if services.is_empty() { String::new() } else { format!(" ({})", services.join(", ")) };
    let unchecked = match report.unchecked.len() {
        0 => String::new(),
        count => format!(", {count} not checked"),
    };
    let plural = if report.checked == 1 { "" } else { "s" };
    format!(
        "{head} {} object{plural} checked{unchecked} in {:.1} s, {calls} calls{services}.",
        report.checked, report.seconds
    )
}
