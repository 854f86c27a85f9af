//! What a plan violates.

use std::fmt::Write;

use super::paint::{dim, heading, loud, warning};
use crate::policy::{Enforcement, Violation};

/// What a plan violates: each with its policy, where, and what would be right.
pub(super) fn violations(violations: &[Violation], out: &mut String) {
    if violations.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", heading("Policies"));
    for violation in violations {
        let Violation { policy, enforcement, urn, path, message, at, allowed } = violation;
        let (sign, name) = match (allowed, enforcement) {
            (Some(_), _) => (dim("·"), dim(policy)),
            (None, Enforcement::Mandatory) => (loud("✗"), loud(policy)),
            (None, Enforcement::Advisory) => (warning("!"), warning(policy)),
        };
        let mut line = format!("  {sign} {name}");
        if let Some(urn) = urn {
            let field = path.as_ref().map(|path| format!(".{path}")).unwrap_or_default();
            let _ = write!(line, "  {}{field}  {}", urn.name(), dim(urn.kind()));
        }
        let _ = writeln!(out, "{line}");
        let at = at.as_ref().map(|at| dim(&format!("  ({enforcement}, {at})")));
        let at = at.unwrap_or_else(|| dim(&format!("  ({enforcement})")));
        let _ = match allowed {
            None => writeln!(out, "      {message}{at}"),
            Some(why) => writeln!(out, "      {}{at}", dim(&format!("allowed: {why}"))),
        };
    }
}
