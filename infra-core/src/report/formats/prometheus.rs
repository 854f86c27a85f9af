//! Reports as Prometheus's text format.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    io::{self, Write},
};

use crate::drift::{Report, Severity, What};

/// The numbers of a stack. What a stack is told of is bounded: how often, how bad, how long; never which.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    stack: String,
    findings: BTreeMap<(Severity, What), usize>,
    checked: usize,
    unchecked: usize,
    in_progress: bool,
    failed: bool,
    seconds: f64,
    calls: BTreeMap<String, u64>,
    /// When the last look that did not fail was over, in seconds since 1970.
    success: Option<f64>,
}

impl Sample {
    /// The numbers of a stack that was never looked at.
    pub(crate) fn new(stack: &str) -> Self {
        Self { stack: stack.to_owned(), ..Self::default() }
    }

    /// The numbers after another look. One that failed knows nothing: what was known stays, with its time.
    pub(crate) fn follow(&mut self, report: &Report) {
        // Where nothing could be compared nothing is known either.
        let blind = report.checked == 0 && !report.unchecked.is_empty();
        self.failed = report.failed.is_some() || blind;
        self.seconds = report.seconds;
        self.calls.clone_from(&report.calls);
        if self.failed {
            return;
        }
        // Of what could not be listed is known what was known before.
        let mut hidden = std::mem::take(&mut self.findings);
        hidden.retain(|(_, what), _| report.unchecked.iter().any(|it| it.lists(*what)));
        for finding in &report.findings {
            *self.findings.entry((finding.severity, finding.what)).or_default() += 1;
        }
        for (of, before) in hidden {
            let now = self.findings.entry(of).or_default();
            *now = before.max(*now);
        }
        self.checked = report.checked;
        self.unchecked = report.unchecked.len();
        self.in_progress = report.in_progress.is_some();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this millennium fit")]
        let began = report.at.as_millisecond() as f64 / 1000.0;
        self.success = Some(began + report.seconds);
    }

    fn worst(&self) -> usize {
        let worst = self.findings.last_key_value().map(|((severity, _), _)| *severity);
        worst.map_or(0, |worst| 1 + Severity::ALL.iter().take_while(|s| **s < worst).count())
    }
}

/// Reports, of which only the numbers are kept: a metric's samples stand together.
pub(super) struct Writer<W> {
    out: W,
    samples: Vec<Sample>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, samples: Vec::new() }
    }

    pub(super) fn add(&mut self, report: &Report) {
        let mut sample = Sample::new(&report.stack);
        sample.follow(report);
        self.samples.push(sample);
    }

    pub(super) fn end(mut self) -> io::Result<W> {
        self.out.write_all(text(self.samples.iter()).as_bytes())?;
        Ok(self.out)
    }
}

/// The metrics of these stacks.
pub(crate) fn text<'s>(samples: impl Iterator<Item = &'s Sample> + Clone) -> String {
    let mut text = Text::default();
    let own = |sample: &Sample| vec![("stack", sample.stack.clone())];
    text.family("infra_drift_findings", "gauge", "Findings of the last look.");
    for sample in samples.clone() {
        for ((severity, what), n) in &sample.findings {
            let mut labels = own(sample);
            labels.push(("severity", severity.to_string()));
            labels.push(("what", what.as_str().to_owned()));
            text.sample(&labels, n);
        }
    }
    let mut each = |name: &str, help: &str, value: &dyn Fn(&Sample) -> Option<String>| {
        text.family(name, "gauge", help);
        for sample in samples.clone() {
            if let Some(value) = value(sample) {
                text.sample(&own(sample), value);
            }
        }
    };
    each(
        "infra_drift_worst",
        "The worst finding of the last look: 0 none, 1 info, 2 low, 3 medium, 4 high, 5 critical.",
        &|sample| sample.success.map(|_| sample.worst().to_string()),
    );
    each("infra_drift_checked", "Objects that the last look compared.", &|sample| {
        sample.success.map(|_| sample.checked.to_string())
    });
    each("infra_drift_unchecked", "Resources that the last look could not compare.", &|sample| {
        sample.success.map(|_| sample.unchecked.to_string())
    });
    each(
        "infra_drift_in_progress",
        "Whether a deployment works on the stack, or was cut off.",
        &|sample| Some(u8::from(sample.in_progress).to_string()),
    );
    each(
        "infra_drift_failed",
        "Whether the last look failed as a whole; the other numbers are then of the one before.",
        &|sample| Some(u8::from(sample.failed).to_string()),
    );
    each("infra_drift_duration_seconds", "How long the last look took.", &|sample| {
        Some(format!("{:.3}", sample.seconds))
    });
    each(
        "infra_drift_last_success_timestamp_seconds",
        "When the last look that did not fail was over.",
        &|sample| sample.success.map(|at| format!("{at:.3}")),
    );
    text.family("infra_drift_calls", "gauge", "Calls of the last look.");
    for sample in samples {
        for (service, n) in &sample.calls {
            let mut labels = own(sample);
            labels.push(("service", service.clone()));
            text.sample(&labels, n);
        }
    }
    text.0
}

/// Metrics in the text format 0.0.4.
#[derive(Default)]
pub(crate) struct Text(String, String);

impl Text {
    /// A metric. Its samples follow.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        name.clone_into(&mut self.1);
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A sample of the last metric.
    pub(crate) fn sample(&mut self, labels: &[(&str, String)], value: impl fmt::Display) {
        self.0.push_str(&self.1);
        for (n, (label, value)) in labels.iter().enumerate() {
            let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            let _ = write!(self.0, "{}{label}=\"{value}\"", if n == 0 { '{' } else { ',' });
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    /// All of it.
    pub(crate) fn end(self) -> String {
        self.0
    }
}
