//! What looks came to, in a few lines.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Notification;
use crate::{
    drift::{Finding, Report, Unchecked, What},
    report::{JSON_VERSION, formats::Totals},
};

/// The most reports that a notification has; of a fleet there may be thousands.
const MOST_REPORTS: usize = 50;
/// The most findings that the text has.
const MOST_LINES: usize = 20;
/// The longest subject: what SNS takes.
const LONGEST: usize = 100;

/// What looks came to, in a few lines: the reports of which there is something to say, not more than fit.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    totals: Totals,
    reports: Vec<Report>,
    left_out: usize,
    /// What was found in each stack that could be looked at.
    found: BTreeMap<String, Found>,
}

/// What somebody was told last.
#[derive(Clone, Debug, Default)]
pub struct Told(BTreeMap<String, BTreeMap<About, u64>>);

impl Digest {
    /// One report more.
    pub fn add(&mut self, report: &Report) {
        self.totals.add(report);
        if report.failed.is_none() {
            self.found.insert(report.stack.clone(), Found::of(report));
        }
        if report.findings.is_empty() && report.is_whole() {
            return;
        }
        if self.reports.len() < MOST_REPORTS {
            self.reports.push(report.clone());
        } else {
            self.left_out += 1;
        }
    }

    /// Whether there is something to say: something was found, or could not be looked at.
    pub fn is_of_interest(&self) -> bool {
        self.totals.findings() > 0 || !self.totals.is_whole()
    }

    /// What all of it comes to.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What somebody is told: `of` is the stack, or the place of a fleet.
    pub fn notification(&self, of: &str) -> Notification {
        let totals = &self.totals;
        let what = match (totals.findings(), totals.worst()) {
            (n, Some(worst)) => {
                format!("{n} finding{}, worst {worst}", if n == 1 { "" } else { "s" })
            }
            (_, None) if !totals.is_whole() => "not everything could be looked at".to_owned(),
            (_, None) => "no drift".to_owned(),
        };
        let room = LONGEST.saturating_sub(what.len() + "drift in : ".len());
        // The end of a long place says more than its beginning.
        let long = of.chars().count();
        let of = if long > room {
            format!("…{}", of.chars().skip(long + 3 - room.max(3)).collect::<String>())
        } else {
            of.to_owned()
        };
        Notification {
            subject: format!("drift in {of}: {what}"),
            text: self.text(),
            document: json!({
                "version": JSON_VERSION,
                "reports": self.reports,
                "left_out": self.left_out,
                "totals": totals,
            }),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.totals);
        let mut lines = Vec::new();
        for report in &self.reports {
            let failed = report.failed.iter().map(|why| format!("{}: {why}", report.stack));
            lines.extend(failed);
            lines.extend(report.findings.iter().map(|finding| line(report, finding)));
        }
        let more = lines.len().saturating_sub(MOST_LINES);
        for line in lines.iter().take(MOST_LINES) {
            let _ = writeln!(text, "{line}");
        }
        if more > 0 || self.left_out > 0 {
            text.push_str("and more\n");
        }
        text
    }
}

impl Told {
    /// Whether something else is known than was told last. Of a stack that could not be looked at nothing new is known. From
    /// now on this is what was told.
    pub fn moves_to(&mut self, now: &Digest) -> bool {
        let mut moved = false;
        for (stack, found) in &now.found {
            // Nothing found is what everybody believes who was told nothing.
            let before = self.0.remove(stack).unwrap_or_default();
            let mut marks = found.marks.clone();
            for (about, mark) in &before {
                if found.may_be(about) {
                    marks.entry(about.clone()).or_insert(*mark);
                }
            }
            moved |= before != marks;
            if !marks.is_empty() {
                self.0.insert(stack.clone(), marks);
            }
        }
        moved
    }
}

fn line(report: &Report, finding: &Finding) -> String {
    let of = about(finding);
    let mut line = format!(
        "{} {}: {} {}: {}",
        finding.severity,
        report.stack,
        of,
        finding.what.as_str(),
        finding.message
    );
    if let Some(by) = &finding.by {
        let _ = write!(line, " (by {} at {})", by.who, by.at);
    }
    line.replace('\n', " ")
}

/// What findings are about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Resource(String),
    /// An object that no state knows: kind, what it is, id.
    Stranger(String, What, String),
}

impl About {
    fn of(finding: &Finding) -> Self {
        let id = finding.id.clone().unwrap_or_default();
        match &finding.urn {
            Some(urn) => Self::Resource(urn.to_string()),
            None => Self::Stranger(finding.kind.clone(), finding.what, id),
        }
    }
}

/// What is found in a stack.
#[derive(Clone, Debug, Default)]
struct Found {
    /// By what it is about, a number that is another one when something else is found of it.
    marks: BTreeMap<About, u64>,
    /// What could not be compared: what was found of it before may still be so.
    unknown: Vec<Unchecked>,
}

impl Found {
    fn of(report: &Report) -> Self {
        let mut marks = BTreeMap::<About, u64>::new();
        for finding in &report.findings {
            let found =
                json!([finding.kind, finding.what, finding.rule, finding.severity, finding.fields]);
            let hash = Sha256::digest(found.to_string().as_bytes());
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&hash[..8]);
            let mark = marks.entry(About::of(finding)).or_default();
            // Whatever the order of several.
            *mark = mark.wrapping_add(u64::from_be_bytes(bytes));
        }
        Self { marks, unknown: report.unchecked.clone() }
    }

    /// Whether what was found before may still be so.
    fn may_be(&self, about: &About) -> bool {
        self.unknown.iter().any(|it| match about {
            About::Resource(urn) => it.urn.as_str() == urn,
            About::Stranger(kind, what, _) => it.hides(kind, *what),
        })
    }
}

fn about(finding: &Finding) -> String {
    let urn = finding.urn.as_ref().map(ToString::to_string);
    urn.or_else(|| finding.id.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use infra_state::StackName;

    use super::*;
    use crate::{
        command::watch::unseen,
        drift::{Repair, Severity},
    };

    fn report(stack: &str, ids: &[&str]) -> Report {
        let name = StackName::new("shop", stack).unwrap();
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let finding = |id: &&str| Finding {
            urn: None,
            kind: "aws:ec2:Vpc".to_owned(),
            id: Some((*id).to_owned()),
            what: What::Orphan,
            severity: Severity::Low,
            rule: "orphan".to_owned(),
            message: "somebody\nmade it".to_owned(),
            fields: Vec::new(),
            at: None,
            by: None,
            repair: Repair::Update,
        };
        let findings = ids.iter().map(finding).collect();
        Report { failed: None, findings, ..unseen(&name, at, String::new()) }
    }

    fn digest(reports: &[Report]) -> Digest {
        let mut digest = Digest::default();
        for report in reports {
            digest.add(report);
        }
        digest
    }

    #[test]
    fn somebody_is_told_what_moved_and_nothing_twice() {
        let mut told = Told::default();
        assert!(!told.moves_to(&digest(&[report("prod", &[])])), "nobody expects anything");
        assert!(told.moves_to(&digest(&[report("prod", &["a", "b"])])));
        assert!(!told.moves_to(&digest(&[report("prod", &["b", "a"])])), "in another order");
        let failed = Report { failed: Some("throttled".to_owned()), ..report("prod", &[]) };
        assert!(!told.moves_to(&digest(&[failed])), "nothing new is known");
        assert!(!told.moves_to(&digest(&[report("prod", &["a", "b"])])));
        let mut denied = report("prod", &["a"]);
        let urn = infra_state::Urn::new("aws:ec2:Vpc", "b").unwrap();
        denied.findings[0].urn = Some(urn.clone());
        assert!(told.moves_to(&digest(&[denied.clone()])));
        denied.findings.clear();
        denied.unchecked.push(Unchecked { urn, why: "throttled".to_owned() });
        assert!(!told.moves_to(&digest(&[denied])), "it may still be so");
        assert!(told.moves_to(&digest(&[report("prod", &["a", "b"])])));
        let mut unlisted = report("prod", &["a"]);
        unlisted.unchecked.extend(Unchecked::orphans("aws:ec2:Vpc", "denied".to_owned()));
        assert!(!told.moves_to(&digest(&[unlisted.clone()])), "b may still be there");
        unlisted.unchecked =
            Unchecked::orphans("aws:ec2:Subnet", String::new()).into_iter().collect();
        assert!(told.clone().moves_to(&digest(&[unlisted])), "b is gone");
        assert!(told.moves_to(&digest(&[report("prod", &["a"]), report("dev", &[])])));
        assert!(told.moves_to(&digest(&[report("prod", &[]), report("dev", &[])])), "all is well");
        assert!(!told.moves_to(&digest(&[report("prod", &[])])));
    }

    #[test]
    fn what_is_told_fits() {
        let notification = digest(&[report("prod", &["a"])]).notification("shop/prod");
        assert_eq!(notification.subject, "drift in shop/prod: 1 finding, worst low");
        let expected = "1 stack, 0 objects checked: 1 finding in 1 (1 low)\nlow shop/prod: a orphan: somebody made it\n";
        assert_eq!(notification.text, expected);
        let many: Vec<_> = (0..500).map(|n| report(&format!("s{n}"), &["a", "b"])).collect();
        let place = format!("s3://{}/end", "bucket-".repeat(30));
        let notification = digest(&many).notification(&place);
        let subject = &notification.subject;
        assert!(subject.chars().count() <= 100, "{subject}");
        assert!(
            subject.contains("/end: 1000 findings") && subject.starts_with("drift in …"),
            "{subject}"
        );
        assert_eq!(notification.text.lines().count(), 22);
        assert_eq!(notification.document["reports"].as_array().unwrap().len(), 50);
        assert_eq!(notification.document["left_out"], 450);
        let quiet = digest(&[report("prod", &[])]);
        assert!(!quiet.is_of_interest());
        assert_eq!(quiet.notification("shop/prod").subject, "drift in shop/prod: no drift");
    }
}
