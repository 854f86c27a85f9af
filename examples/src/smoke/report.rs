//! What the checks found: a line each for people, one document for programs.

use std::io::Write;

use infra_core::{Error, ErrorKind, Result, report::JSON_VERSION};
use serde_json::{Value as Json, json};

use super::attempt::Finding;

/// Collects what the checks found, and says it as it comes.
pub(super) struct Report<'a> {
    out: &'a mut (dyn Write + Send),
    json: bool,
    checks: Vec<Check>,
}

struct Check {
    name: &'static str,
    outcome: Outcome,
}

enum Outcome {
    Passed(String),
    Failed(Finding),
    NotTried,
}

impl<'a> Report<'a> {
    /// An empty report to `out`.
    pub(super) fn new(out: &'a mut (dyn Write + Send), json: bool) -> Self {
        Self { out, json, checks: Vec::new() }
    }

    /// A line before the checks.
    pub(super) fn heading(&mut self, text: &str) -> Result<()> {
        if self.json { Ok(()) } else { self.line(text) }
    }

    /// Notes what a check found; what it gives is whether the check passed.
    pub(super) fn check(
        &mut self,
        name: &'static str,
        found: Result<String, Finding>,
    ) -> Result<bool> {
        let passed = found.is_ok();
        self.note(name, found.map_or_else(Outcome::Failed, Outcome::Passed))?;
        Ok(passed)
    }

    /// Notes that these were not tried, because one that they need has failed.
    pub(super) fn not_tried(&mut self, names: &[&'static str]) -> Result<()> {
        names.iter().try_for_each(|name| self.note(name, Outcome::NotTried))
    }

    fn note(&mut self, name: &'static str, outcome: Outcome) -> Result<()> {
        if !self.json {
            match &outcome {
                Outcome::Passed(detail) => self.line(&format!("✓ {name}: {detail}"))?,
                Outcome::NotTried => self.line(&format!("– {name}: not tried"))?,
                Outcome::Failed(finding) => {
                    self.line(&format!("✗ {name}"))?;
                    for (what, text) in finding.members() {
                        self.line(&format!("    {:<9} {text}", format!("{what}:")))?;
                    }
                }
            }
        }
        self.checks.push(Check { name, outcome });
        Ok(())
    }

    /// Ends the report of the ledger at `url`. An error if a check failed.
    pub(super) fn end(mut self, url: &str, made: &Json) -> Result<()> {
        if self.json {
            let checks: Vec<_> = self.checks.iter().map(document).collect();
            let document =
                json!({"version": JSON_VERSION, "url": url, "made": made, "checks": checks});
            self.line(&document.to_string())?;
        }
        let failed = self.checks.iter().filter_map(|check| match &check.outcome {
            Outcome::Failed(finding) => Some((check.name, finding)),
            _ => None,
        });
        let failed: Vec<_> = failed.collect();
        let Some((name, finding)) = failed.first() else { return Ok(()) };
        let unclear = || format!("expected {}, came {}", finding.expected, finding.came);
        let means = finding.means.clone().unwrap_or_else(unclear);
        let message = format!(
            "{} of {} checks of {url} failed; the first: {name}: {means}",
            failed.len(),
            self.checks.len(),
        );
        Err(Error::new(ErrorKind::Failed, message))
    }

    fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.out, "{text}").and_then(|()| self.out.flush()).map_err(|e| {
            Error::new(ErrorKind::Failed, format!("cannot write the report: {e}")).because(e)
        })
    }
}

fn document(check: &Check) -> Json {
    let mut document = json!({"name": check.name});
    let more = match &check.outcome {
        Outcome::Passed(detail) => json!({"outcome": "passed", "detail": detail}),
        Outcome::NotTried => json!({"outcome": "not tried"}),
        Outcome::Failed(finding) => {
            let members = finding.members().map(|(what, text)| (what.to_owned(), text.into()));
            let mut found = Json::Object(members.collect());
            found["outcome"] = "failed".into();
            found
        }
    };
    if let (Json::Object(document), Json::Object(more)) = (&mut document, more) {
        document.extend(more);
    }
    document
}
