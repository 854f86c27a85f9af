//! What was found when something was looked after, for people.

use infra_state::{Finding, Grade};

use super::paint::{added, dim, loud, warning};

/// A line each, with what to do about it on the next.
pub(crate) fn findings(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let sign = match finding.grade {
            Grade::Good => added("✓"),
            Grade::Notice => warning("!"),
            Grade::Wrong => loud("✗"),
        };
        let advice =
            finding.advice.as_ref().map(|advice| format!("  {}\n", dim(&format!("→ {advice}"))));
        format!("{sign} {}\n{}", finding.what, advice.unwrap_or_default())
    };
    findings.iter().map(line).collect()
}
