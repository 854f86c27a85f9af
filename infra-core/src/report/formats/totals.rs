//! What many reports come to.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::drift::{Report, Severity, What};

/// What many reports come to: small, however many they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Stacks that were looked at.
    pub stacks: usize,
    /// Those among them in which something was found.
    pub drifted: usize,
    /// Those of which nothing is known, because the look failed.
    pub failed: usize,
    /// Those on which a deployment works, or was cut off.
    pub in_progress: usize,
    /// Objects that were compared.
    pub checked: usize,
    /// Resources that could not be compared.
    pub unchecked: usize,
    /// Findings, by severity.
    pub severity: BTreeMap<Severity, usize>,
    /// Findings, by what happened.
    pub what: BTreeMap<What, usize>,
    /// Calls, by service.
    pub calls: BTreeMap<String, u64>,
}

impl Totals {
    /// What these come to.
    pub fn of<'r>(reports: impl IntoIterator<Item = &'r Report>) -> Self {
        let mut totals = Self::default();
        reports.into_iter().for_each(|report| totals.add(report));
        totals
    }

    /// One report more.
    pub fn add(&mut self, report: &Report) {
        self.stacks += 1;
        self.drifted += usize::from(!report.findings.is_empty());
        self.failed += usize::from(report.failed.is_some());
        self.in_progress += usize::from(report.in_progress.is_some());
        self.checked += report.checked;
        self.unchecked += report.unchecked.len();
        for finding in &report.findings {
            *self.severity.entry(finding.severity).or_default() += 1;
            *self.what.entry(finding.what).or_default() += 1;
        }
        for (service, calls) in &report.calls {
            *self.calls.entry(service.clone()).or_default() += calls;
        }
    }

    /// Those of other reports too.
    pub fn merge(&mut self, other: &Self) {
        self.stacks += other.stacks;
        self.drifted += other.drifted;
        self.failed += other.failed;
        self.in_progress += other.in_progress;
        self.checked += other.checked;
        self.unchecked += other.unchecked;
        for (severity, n) in &other.severity {
            *self.severity.entry(*severity).or_default() += n;
        }
        for (what, n) in &other.what {
            *self.what.entry(*what).or_default() += n;
        }
        for (service, n) in &other.calls {
            *self.calls.entry(service.clone()).or_default() += n;
        }
    }

    /// How many findings.
    pub fn findings(&self) -> usize {
        self.severity.values().sum()
    }

    /// The worst finding.
    pub fn worst(&self) -> Option<Severity> {
        self.severity.last_key_value().map(|(severity, _)| *severity)
    }

    /// Whether every object of every stack could be looked at.
    pub fn is_whole(&self) -> bool {
        self.failed == 0 && self.unchecked == 0
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let (stacks, checked, findings) = (self.stacks, self.checked, self.findings());
        write!(
            f,
            "{stacks} stack{}, {checked} object{} checked: ",
            plural(stacks),
            plural(checked)
        )?;
        if findings == 0 {
            f.write_str("no drift")?;
        } else {
            write!(f, "{findings} finding{} in {}", plural(findings), self.drifted)?;
            let by = self.severity.iter().rev();
            let by: Vec<_> = by.map(|(severity, n)| format!("{n} {severity}")).collect();
            write!(f, " ({})", by.join(", "))?;
        }
        if self.unchecked > 0 {
            write!(f, "; {} unchecked", self.unchecked)?;
        }
        if self.failed > 0 {
            write!(f, "; {} stack{} could not be looked at", self.failed, plural(self.failed))?;
        }
        if self.in_progress > 0 {
            write!(f, "; {} in the middle of a deployment", self.in_progress)?;
        }
        Ok(())
    }
}
