//! Reports as SARIF 2.1.0, as GitHub's code scanning reads it.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::drift::{Finding, Report, Severity, What};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What a path may not have in a URI.
const ESCAPED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`');

/// One run. The results come first, so that the rules (which are few) can be those that were met.
pub(super) struct Writer<W> {
    out: W,
    results: usize,
    rules: BTreeMap<String, Severity>,
    /// What kept stacks or resources from being looked at.
    failures: Vec<Json>,
    left_out: usize,
}

/// The most failures that are told one by one.
const MOST_FAILURES: usize = 1000;

impl<W: Write> Writer<W> {
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        write!(out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{")?;
        write!(out, "\"columnKind\":\"unicodeCodePoints\",\"results\":[")?;
        let (rules, failures) = (BTreeMap::new(), Vec::new());
        Ok(Self { out, results: 0, rules, failures, left_out: 0 })
    }

    pub(super) fn add(&mut self, report: &Report) -> io::Result<()> {
        for finding in &report.findings {
            self.out.write_all(if self.results == 0 { b"\n" } else { b",\n" })?;
            self.results += 1;
            let worst = self.rules.entry(finding.rule.clone()).or_default();
            *worst = finding.severity.max(*worst);
            serde_json::to_writer(&mut self.out, &result(report, finding))
                .map_err(io::Error::from)?;
        }
        let unchecked = report
            .unchecked
            .iter()
            .map(|it| format!("{}: {} is unchecked: {}", report.stack, it.urn, it.why));
        let failed = report.failed.iter().map(|why| format!("{}: {why}", report.stack));
        for text in failed.chain(unchecked) {
            if self.failures.len() == MOST_FAILURES {
                self.left_out += 1;
            } else {
                self.failures.push(json!({"level": "error", "message": {"text": text}}));
            }
        }
        Ok(())
    }

    pub(super) fn end(mut self) -> io::Result<W> {
        if self.left_out > 0 {
            let text = format!("{} more could not be looked at", self.left_out);
            self.failures.push(json!({"level": "error", "message": {"text": text}}));
        }
        let rules = self.rules.iter().map(|(id, severity)| {
            json!({
                "id": id,
                "shortDescription": {"text": format!("drift: {id}")},
                "defaultConfiguration": {"level": level(*severity)},
                "properties": {"security-severity": score(*severity), "tags": ["security", "drift"]},
            })
        });
        let tool = json!({"driver": {
            "name": "infra drift",
            "version": env!("CARGO_PKG_VERSION"),
            "informationUri": "https://docs.rs/infra-core",
            "rules": rules.collect::<Vec<_>>(),
        }});
        let invocation = json!({
            "executionSuccessful": self.failures.is_empty(),
            "toolExecutionNotifications": self.failures,
        });
        let line = if self.results == 0 { "" } else { "\n" };
        writeln!(self.out, "{line}],\"tool\":{tool},\"invocations\":[{invocation}]}}]}}")?;
        Ok(self.out)
    }
}

fn result(report: &Report, finding: &Finding) -> Json {
    let of = finding.urn.as_ref().map(ToString::to_string);
    let of = of.or_else(|| finding.id.clone()).unwrap_or_default();
    let fingerprint = fingerprint(report, finding, &of);
    json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": {"text": format!("{}: {}", report.stack, finding.message)},
        "locations": [{
            "physicalLocation": location(report, finding.at.as_deref()),
            "logicalLocations": [{
                "name": of,
                "fullyQualifiedName": format!("{}/{of}", report.stack),
                "kind": "resource",
            }],
        }],
        // The first is what GitHub goes by.
        "partialFingerprints": {"primaryLocationLineHash": fingerprint, "infraFinding/v1": fingerprint},
        "properties": {
            "stack": report.stack,
            "kind": finding.kind,
            "id": finding.id,
            "what": finding.what,
            "severity": finding.severity,
            "fields": finding.fields.iter().map(|field| &field.path).collect::<Vec<_>>(),
        },
    })
}

/// The same for the same finding in every run, wherever the line that declares it has moved.
fn fingerprint(report: &Report, finding: &Finding, of: &str) -> String {
    let mut hash = Sha256::new();
    for part in [&*report.stack, of, &finding.kind, finding.what.as_str(), &finding.rule] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    // One policy may be violated in several places of a resource; the message begins with the place.
    if finding.what == What::Violation
        && let Some((path, _)) = finding.message.split_once("`: ")
    {
        hash.update(path.as_bytes());
    }
    let hash = hash.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    format!("{:032x}", u128::from_be_bytes(half))
}

/// Where it is declared; what is declared nowhere is shown where the stack's settings are.
fn location(report: &Report, at: Option<&str>) -> Json {
    let program = report.stack.split_once('/').map_or(&*report.stack, |(program, _)| program);
    let settings = format!("{program}.toml");
    let mut parts = at.unwrap_or(&settings).rsplitn(3, ':');
    let (column, line, file) = (parts.next(), parts.next(), parts.next());
    let number =
        |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok()).filter(|n| *n > 0);
    let (file, line, column) = match (number(column), number(line), file) {
        (Some(column), Some(line), Some(file)) => (file, line, column),
        _ => (at.unwrap_or(&settings), 1, 1),
    };
    let file = file.replace('\\', "/");
    let uri = utf8_percent_encode(&file, ESCAPED).to_string();
    let drive = file.get(1..3) == Some(":/");
    let artifact = if drive {
        json!({"uri": format!("file:///{uri}")})
    } else if file.starts_with('/') {
        json!({"uri": format!("file://{uri}")})
    } else {
        json!({"uri": uri, "uriBaseId": "%SRCROOT%"})
    };
    json!({"artifactLocation": artifact, "region": {"startLine": line, "startColumn": column}})
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

/// How GitHub grades it: over 9 critical, from 7 high, from 4 medium.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "0.1",
        Severity::Low => "2.0",
        Severity::Medium => "5.0",
        Severity::High => "8.0",
        Severity::Critical => "9.5",
    }
}
