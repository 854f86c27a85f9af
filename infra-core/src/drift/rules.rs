//! The rules that always hold, and how rules are put together.

use infra_state::{Path, Value};

use super::{Rule, Severity, Subject, What};
use crate::panics::caught;

/// Fields in which people write for people.
const DESCRIPTIONS: [&str; 4] = ["description", "comment", "display_name", "tags"];

/// What grades the findings of a look.
#[derive(Clone, Default)]
pub struct Rules {
    /// The program's own, before all others.
    pub program: Vec<Rule>,
    /// Those of its clouds.
    pub clouds: Vec<Rule>,
}

impl Rules {
    /// How bad it is, and which rule says so.
    pub fn grade(&self, subject: &Subject<'_>) -> (Severity, String) {
        if let Some(found) = self.program.iter().find_map(|rule| said(rule, subject)) {
            return found;
        }
        let clouds = self.clouds.iter().filter_map(|rule| said(rule, subject));
        let worst = clouds.chain(general(subject)).max_by_key(|(severity, _)| *severity);
        worst.unwrap_or_else(|| (Severity::Medium, subject.what.as_str().to_owned()))
    }
}

fn said(rule: &Rule, subject: &Subject<'_>) -> Option<(Severity, String)> {
    match caught(|| rule.grade(subject)) {
        Ok(severity) => Some((severity?, rule.name().to_owned())),
        // A rule with a bug hides nothing.
        Err(_) => Some((Severity::Medium, format!("{} (it panicked)", rule.name()))),
    }
}

/// What holds for every kind.
fn general(subject: &Subject<'_>) -> Option<(Severity, String)> {
    let data = subject.holds_data();
    let (severity, rule) = match subject.what {
        What::Deleted if data => (Severity::Critical, "data-deleted"),
        What::Deleted => (Severity::High, "deleted"),
        What::Replaced => (Severity::High, "replaced"),
        What::Broken => (Severity::High, "broken"),
        What::Orphan if data => (Severity::Medium, "orphan-with-data"),
        What::Orphan => (Severity::Low, "orphan"),
        What::Unmanaged => (Severity::Info, "unmanaged"),
        What::Violation => (Severity::Medium, "violation"),
        What::Changed => return changed(subject),
    };
    Some((severity, rule.to_owned()))
}

fn changed(subject: &Subject<'_>) -> Option<(Severity, String)> {
    let field = subject.field();
    let is_secret = |value: Option<&Value>| value.is_some_and(Value::has_secret);
    let name = subject.path.and_then(Path::first);
    let found = if field.is_some_and(|field| field.secret)
        || is_secret(subject.was)
        || is_secret(subject.is)
    {
        (Severity::High, "secret")
    } else if subject.protected {
        (Severity::Medium, "protected")
    } else if field.is_some_and(|field| field.tags)
        || name.is_some_and(|name| DESCRIPTIONS.contains(&name))
    {
        (Severity::Info, "description")
    } else {
        return None;
    };
    Some((found.0, found.1.to_owned()))
}
