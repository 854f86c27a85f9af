//! Alarms.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_cloudwatch::{
    operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder,
    types::{MetricAlarm, Tag},
};
use infra_core::{
    Data as _, Outputs, Resource, Value,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial, Result,
        Violation,
    },
    state::StackName,
};

use super::Metric;
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, subject},
    tagged::{self, Tagged},
    tags,
    types::Arn,
};

/// An alarm on a metric. Another name replaces it; everything else changes in place.
///
/// Deploying needs `cloudwatch:PutMetricAlarm`, `DescribeAlarms`, `ListTagsForResource`, `TagResource`,
/// `UntagResource`, `DeleteAlarms` on it. (CloudWatch API reference. A put over someone else's alarm would replace it
/// without a word, so a create looks first.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:cloudwatch:Alarm", outputs = AlarmOutputs)]
pub struct Alarm {
    /// What it looks at.
    pub metric: Metric,
    /// How the number of a period is compared with the threshold.
    pub comparison: Comparison,
    /// What it is compared with.
    pub threshold: f64,
    /// Its name, unique in the region; generated if left out. Another name replaces it.
    #[field(replace, name(max = 255, extra = "-_/.:@"))]
    pub name: Option<String>,
    /// What it means and what to do, for whoever is woken up.
    pub description: Option<String>,
    /// How many of the latest periods are looked at.
    #[field(default = 1i32)]
    pub evaluation_periods: i32,
    /// How many of these must be beyond the threshold; all of them if left out.
    #[field(computed)]
    pub datapoints_to_alarm: Option<i32>,
    /// What a period without data counts as.
    #[field(default = MissingData::Missing)]
    pub missing_data: MissingData,
    /// What happens when it goes off: ARNs of topics and the like, at most five.
    #[field(set)]
    pub alarm_actions: Vec<Arn>,
    /// What happens when it is over.
    #[field(set)]
    pub ok_actions: Vec<Arn>,
    /// What happens when there is too little data to tell.
    #[field(set)]
    pub insufficient_data_actions: Vec<Arn>,
    /// Whether anything happens at all.
    #[field(default = true)]
    pub actions_enabled: bool,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What an alarm gives.
#[derive(Outputs, Clone, Debug)]
pub struct AlarmOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
}

/// When a number is beyond the threshold.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It is greater.
    #[value(rename = "GreaterThanThreshold")]
    Greater,
    /// It is greater, or the same.
    #[value(rename = "GreaterThanOrEqualToThreshold")]
    GreaterOrEqual,
    /// It is less.
    #[value(rename = "LessThanThreshold")]
    Less,
    /// It is less, or the same.
    #[value(rename = "LessThanOrEqualToThreshold")]
    LessOrEqual,
}

/// What a period without data counts as.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingData {
    /// Nothing: with no data at all the alarm says so.
    #[value(rename = "missing")]
    Missing,
    /// Good.
    #[value(rename = "notBreaching")]
    NotBreaching,
    /// Bad.
    #[value(rename = "breaching")]
    Breaching,
    /// As if the period had not been: the alarm stays as it is.
    #[value(rename = "ignore")]
    Ignore,
}

/// How many names `DescribeAlarms` takes.
const NAMES: usize = 100;

impl Alarm {
    fn name_in<'a>(find: &Find<'a, Self>) -> &'a str {
        let named = || find.inputs().and_then(|alarm| alarm.name.as_deref());
        find.id().or_else(named).unwrap_or_default()
    }

    async fn read_some(
        cx: &Cx<Aws>,
        find: &[Find<'_, Self>],
    ) -> Vec<Result<Option<Observed<Self>>>> {
        let names: Vec<_> = find.iter().map(|find| Self::name_in(find).to_owned()).collect();
        let found = async {
            let found = describe(cx, Some(names)).await?;
            let arns: Vec<_> = found.values().filter_map(|it| it.alarm_arn.clone()).collect();
            let tagged = Tagged::of(cx, &arns).await;
            Ok((found, tagged))
        };
        let (found, tagged) = match found.await {
            Ok(found) => found,
            Err(e) => return find.iter().map(|_| Err(Error::again(&e))).collect(),
        };
        let observe = |find| {
            let (alarm, tagged) = (found.get(Self::name_in(find)).cloned(), &tagged);
            async move {
                match alarm {
                    Some(alarm) => Self::observe(cx, find, alarm, tagged).await,
                    None => Ok(None),
                }
            }
        };
        batch::each(find, observe).await
    }

    async fn observe(
        cx: &Cx<Aws>,
        find: &Find<'_, Self>,
        alarm: MetricAlarm,
        tagged: &Tagged,
    ) -> Result<Option<Observed<Self>>> {
        let arn = alarm.alarm_arn().unwrap_or_default();
        let recorded = find.inputs().map(|recorded| &recorded.tags);
        let all = tagged.or_asked(arn, recorded, tags_of(cx, arn)).await?;
        let Some(all) = all else { return Ok(None) };
        let name = alarm.alarm_name().unwrap_or_default().to_owned();
        let arns = |arns: &[String]| arns.iter().map(Arn::trusted).collect();
        let comparison = alarm.comparison_operator().map_or("", |operator| operator.as_str());
        let comparison = Comparison::from_value(&comparison.into());
        let beyond = Metric::beyond(&alarm);
        let comparison = match comparison {
            // An anomaly detector's band; the alarm is to be shown, not to stop who reads it.
            Err(_) if !beyond.is_empty() => Comparison::Greater,
            comparison => comparison?,
        };
        let missing = alarm.treat_missing_data().unwrap_or("missing");
        let live = Self {
            metric: Metric::of(&alarm),
            comparison,
            threshold: alarm.threshold().unwrap_or_default(),
            name: Some(name.clone()),
            description: alarm.alarm_description().filter(|d| !d.is_empty()).map(str::to_owned),
            evaluation_periods: alarm.evaluation_periods().unwrap_or(1),
            datapoints_to_alarm: alarm.datapoints_to_alarm(),
            missing_data: MissingData::from_value(&missing.into())?,
            alarm_actions: arns(alarm.alarm_actions()),
            ok_actions: arns(alarm.ok_actions()),
            insufficient_data_actions: arns(alarm.insufficient_data_actions()),
            actions_enabled: alarm.actions_enabled().unwrap_or(true),
            tags: tags::visible(&all),
        };
        let outputs = AlarmOutputs { arn: Arn::trusted(arn), name: name.clone() };
        Ok(Some(Observed::ready(name, live, outputs).with_beyond(beyond).owned_by(&all)))
    }

    /// The call that makes the alarm or replaces all of it.
    fn put(&self, cx: &Cx<Aws>) -> PutMetricAlarmFluentBuilder {
        let texts = |arns: &[Arn]| Some(arns.iter().map(ToString::to_string).collect());
        let (statistic, extended) = self.metric.statistics();
        cx.cloudwatch()
            .put_metric_alarm()
            .alarm_name(self.name.as_deref().unwrap_or_default())
            .set_alarm_description(self.description.clone())
            .namespace(&self.metric.namespace)
            .metric_name(&self.metric.name)
            .set_dimensions(Some(self.metric.dimensions()))
            .set_statistic(statistic.map(Into::into))
            .set_extended_statistic(extended)
            .period(self.metric.period)
            .set_unit(self.metric.unit.as_deref().map(Into::into))
            .comparison_operator(self.comparison.as_str().into())
            .threshold(self.threshold)
            .evaluation_periods(self.evaluation_periods)
            .set_datapoints_to_alarm(self.datapoints_to_alarm)
            .treat_missing_data(self.missing_data.as_str())
            .set_alarm_actions(texts(&self.alarm_actions))
            .set_ok_actions(texts(&self.ok_actions))
            .set_insufficient_data_actions(texts(&self.insufficient_data_actions))
            .actions_enabled(self.actions_enabled)
    }
}

/// The alarms with these names, or all.
async fn describe(
    cx: &Cx<Aws>,
    names: Option<Vec<String>>,
) -> Result<HashMap<String, MetricAlarm>> {
    let mut found = HashMap::new();
    let describe = cx.cloudwatch().describe_alarms().set_alarm_names(names);
    let mut pages = describe.into_paginator().send();
    while let Some(page) = pages.next().await {
        let alarms = page.classify()?.metric_alarms.unwrap_or_default();
        found.extend(
            alarms.into_iter().filter_map(|alarm| Some((alarm.alarm_name.clone()?, alarm))),
        );
    }
    Ok(found)
}

async fn tags_of(cx: &Cx<Aws>, arn: &str) -> Result<Option<BTreeMap<String, String>>> {
    let list = cx.cloudwatch().list_tags_for_resource().resource_arn(arn);
    let map = |tag: Tag| Some((tag.key?, tag.value?));
    let found = list.send().await.found()?;
    Ok(found.map(|found| found.tags.unwrap_or_default().into_iter().filter_map(map).collect()))
}

fn tag_list(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

impl Managed for Alarm {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let chunks: Vec<_> = find.chunks(NAMES).collect();
        batch::each(&chunks, |chunk| Self::read_some(cx, chunk))
            .await
            .into_iter()
            .flatten()
            .collect()
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let alarms = describe(cx, None).await?.into_iter();
        let alarms = alarms.filter_map(|(name, alarm)| Some((name, alarm.alarm_arn?))).collect();
        owned::by_index(cx, stack, alarms, |arn| async move { tags_of(cx, &arn).await }).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let name = want.name.clone().unwrap_or_default();
        if let Some(alarm) = describe(cx, Some(vec![name.clone()])).await?.get(&name) {
            let tags =
                tags_of(cx, alarm.alarm_arn().unwrap_or_default()).await?.unwrap_or_default();
            if tags.get("infra:operation") != Some(&op.id.to_string()) {
                let message =
                    format!("there is an alarm {name:?} already, and a put would replace it");
                return Err(Error::new(Class::Exists, message));
            }
        }
        let tags = tag_list(&cx.tags(&want.tags, op));
        want.put(cx).set_tags(Some(tags)).send().await.classify()?;
        Ok(name)
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (want, have) = (change.want()?, change.have()?);
        if change.paths.iter().any(|path| path.first() != Some(Self::TAGS.name())) {
            want.put(cx).send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            // A put takes tags for a new alarm only.
            let (put, remove) = tags::changes(&have.live.tags, &want.tags);
            let arn = have.outputs.as_ref().map(|outputs| outputs.arn.to_string());
            if !remove.is_empty() {
                let untag = cx.cloudwatch().untag_resource().set_resource_arn(arn.clone());
                untag.set_tag_keys(Some(remove)).send().await.classify()?;
            }
            if !put.is_empty() {
                let tag = cx.cloudwatch().tag_resource().set_resource_arn(arn);
                tag.set_tags(Some(tag_list(&put))).send().await.classify()?;
            }
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.cloudwatch().delete_alarms().alarm_names(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let name = subject(change).and_then(|alarm| alarm.name.as_deref()).unwrap_or("*");
        let mut actions = vec!["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"];
        match Verb::of(change) {
            Verb::Search => {
                actions.push(tagged::ACTION);
                return grants("*", actions);
            }
            Verb::Read => {}
            Verb::Create => actions.extend(["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"]),
            Verb::Update => {
                actions.push("cloudwatch:PutMetricAlarm");
                if change.touches(Self::TAGS) {
                    actions.extend(["cloudwatch:TagResource", "cloudwatch:UntagResource"]);
                }
            }
            Verb::Delete => actions.push("cloudwatch:DeleteAlarms"),
        }
        let mut all = grants(format!("arn:*:cloudwatch:*:*:alarm:{name}"), actions);
        all.extend(tagged::grants(change));
        all
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(problem) = want.get(Self::METRIC).known().and_then(|metric| metric.problem()) {
            violations.push(Violation::of(Self::METRIC, problem));
        }
        let periods = want.get(Self::EVALUATION_PERIODS).known().unwrap_or(1);
        if let Some(points) = want.get(Self::DATAPOINTS_TO_ALARM).known()
            && !(1..=periods).contains(&points)
        {
            let message =
                format!("expected 1 to {periods} (the evaluation periods), found {points}");
            violations.push(Violation::of(Self::DATAPOINTS_TO_ALARM, message));
        }
        for field in [Self::ALARM_ACTIONS, Self::OK_ACTIONS, Self::INSUFFICIENT_DATA_ACTIONS] {
            if let Some(actions) = want.get(field).known()
                && actions.len() > 5
            {
                let message = format!("expected at most five actions, found {}", actions.len());
                violations.push(Violation::of(field, message));
            }
        }
        violations
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}
