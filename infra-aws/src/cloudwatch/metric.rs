//! What an alarm looks at.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, Statistic as Reported};
use infra_core::Value;

/// A metric, and how its data points are made into one number a period.
#[derive(Value, Clone, Debug, PartialEq)]
pub struct Metric {
    /// Whose metric: `AWS/RDS`.
    pub namespace: String,
    /// Its name: `FreeStorageSpace`.
    pub name: String,
    /// Of which object: `[("DBInstanceIdentifier", &db.id)]`. All of a metric's dimensions have to be given.
    pub dimensions: BTreeMap<String, String>,
    /// How the data points of a period become one number.
    #[field(default = Statistic::Average)]
    pub statistic: Statistic,
    /// Seconds in a period: 10, 30 or a multiple of 60.
    #[field(default = 60i32)]
    pub period: i32,
    /// Only data points in this unit (`Percent`, `Bytes`, …). Rarely needed: a wrong unit finds no data at all.
    pub unit: Option<String>,
}

/// How the data points of a period become one number.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Their average.
    Average,
    /// Their sum.
    Sum,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// How many there are.
    SampleCount,
    /// A percentile or another extended statistic: `p99`, `tm90`.
    Extended(String),
}

impl Statistic {
    fn plain(&self) -> Option<&'static str> {
        Some(match self {
            Self::Average => "Average",
            Self::Sum => "Sum",
            Self::Minimum => "Minimum",
            Self::Maximum => "Maximum",
            Self::SampleCount => "SampleCount",
            Self::Extended(_) => return None,
        })
    }

    fn of(alarm: &MetricAlarm) -> Self {
        match (alarm.statistic().map(Reported::as_str), alarm.extended_statistic()) {
            (_, Some(extended)) => Self::Extended(extended.to_owned()),
            (Some("Sum"), _) => Self::Sum,
            (Some("Minimum"), _) => Self::Minimum,
            (Some("Maximum"), _) => Self::Maximum,
            (Some("SampleCount"), _) => Self::SampleCount,
            _ => Self::Average,
        }
    }
}

impl Metric {
    pub(super) fn of(alarm: &MetricAlarm) -> Self {
        let pair = |dimension: &Dimension| {
            Some((dimension.name()?.to_owned(), dimension.value()?.to_owned()))
        };
        Self {
            namespace: alarm.namespace().unwrap_or_default().to_owned(),
            name: alarm.metric_name().unwrap_or_default().to_owned(),
            dimensions: alarm.dimensions().iter().filter_map(pair).collect(),
            statistic: Statistic::of(alarm),
            period: alarm.period().unwrap_or(60),
            unit: alarm.unit().map(|unit| unit.as_str().to_owned()),
        }
    }

    /// What an alarm looks at that is not one metric.
    pub(super) fn beyond(alarm: &MetricAlarm) -> Vec<&'static str> {
        let no_metric = alarm.metric_name().unwrap_or_default().is_empty();
        let several = !alarm.metrics().is_empty();
        let band = alarm.threshold_metric_id().is_some();
        let all = [
            ("an expression over several metrics", several && !band),
            ("a band of anomalies", band),
            ("no metric of its own", no_metric && !several && !band),
            (
                "its own way with few data points",
                alarm.evaluate_low_sample_count_percentile().is_some_and(|it| it != "evaluate"),
            ),
        ];
        all.into_iter().filter_map(|(what, is)| is.then_some(what)).collect()
    }

    pub(super) fn dimensions(&self) -> Vec<Dimension> {
        let dimension = |(name, value)| Dimension::builder().name(name).value(value).build();
        self.dimensions.iter().map(dimension).collect()
    }

    /// The statistic as the two parameters of the call.
    pub(super) fn statistics(&self) -> (Option<&'static str>, Option<String>) {
        match &self.statistic {
            Statistic::Extended(name) => (None, Some(name.clone())),
            plain => (plain.plain(), None),
        }
    }

    pub(super) fn problem(&self) -> Option<String> {
        let period = self.period;
        let fits = matches!(period, 10 | 20 | 30) || (period > 0 && period % 60 == 0);
        (!fits).then(|| {
            format!("expected a period of 10, 20, 30 or a multiple of 60 seconds, found {period}")
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::MetricDataQuery;

    use super::*;

    #[test]
    fn a_metric_comes_back_as_it_was_sent() {
        for statistic in [Statistic::Maximum, Statistic::Extended("p99".into())] {
            let metric = Metric {
                namespace: "AWS/RDS".into(),
                name: "ReadLatency".into(),
                dimensions: [("DBInstanceIdentifier".into(), "db".into())].into(),
                statistic,
                period: 300,
                unit: None,
            };
            let (plain, extended) = metric.statistics();
            let alarm = MetricAlarm::builder()
                .namespace(&metric.namespace)
                .metric_name(&metric.name)
                .set_dimensions(Some(metric.dimensions()))
                .set_statistic(plain.map(Into::into))
                .set_extended_statistic(extended)
                .period(metric.period)
                .build();
            assert_eq!(Metric::of(&alarm), metric);
            assert!(Metric::beyond(&alarm).is_empty());
            assert_eq!(metric.problem(), None);
            assert!(Metric { period: 90, ..metric }.problem().is_some());
        }
    }

    #[test]
    fn what_is_no_metric_is_told() {
        let query = || MetricDataQuery::builder().id("m").build();
        let several = MetricAlarm::builder().metrics(query());
        assert_eq!(
            Metric::beyond(&several.clone().build()),
            ["an expression over several metrics"]
        );
        let band = several.threshold_metric_id("band").build();
        assert_eq!(Metric::beyond(&band), ["a band of anomalies"]);
        assert_eq!(Metric::beyond(&MetricAlarm::builder().build()), ["no metric of its own"]);
    }
}
