//! Log groups.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_cloudwatchlogs::types::LogGroup as Found;
use infra_core::{
    Data as _, Outputs, Resource, Value,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial, Result,
        Violation,
    },
    state::{StackName, Value},
};

use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, subject},
    tagged::{self, Tagged},
    tags,
    types::Arn,
};

/// A log group: where a service or a program writes its logs.
///
/// Another name or class replaces it. EKS makes `/aws/eks/NAME/cluster` itself, without retention, if the cluster logs
/// before the group is there.
///
/// Deploying needs `logs:CreateLogGroup`, `PutRetentionPolicy`, `DeleteRetentionPolicy`, `AssociateKmsKey`,
/// `DisassociateKmsKey`, `PutLogGroupDeletionProtection`, `TagResource`, `UntagResource`, `ListTagsForResource`,
/// `DeleteLogGroup` on it, and `logs:DescribeLogGroups`. (CloudWatch Logs API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:logs:LogGroup", outputs = LogGroupOutputs)]
pub struct LogGroup {
    /// Its name, like `/aws/eks/prod/cluster`; generated if left out. Another name replaces it.
    #[field(replace, name(max = 512, extra = "-/_.#"))]
    pub name: Option<String>,
    /// Days that events are kept, of the numbers AWS allows; for ever if left out.
    pub retention_days: Option<i32>,
    /// The key that encrypts the events. Its policy must let `logs.REGION.amazonaws.com` use it.
    pub kms_key: Option<Arn>,
    /// Its class. Another class replaces it.
    #[field(replace, default = LogGroupClass::Standard)]
    pub class: LogGroupClass,
    /// Whether AWS refuses to delete it.
    #[field(default = false)]
    pub deletion_protection: bool,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a log group gives.
#[derive(Outputs, Clone, Debug)]
pub struct LogGroupOutputs {
    /// Its ARN, without the `:*` that some services show at its end.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
}

/// What can be done with the events, and for how much.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogGroupClass {
    /// Everything.
    #[value(rename = "STANDARD")]
    Standard,
    /// Cheaper, without live tail, metric filters and the like.
    #[value(rename = "INFREQUENT_ACCESS")]
    InfrequentAccess,
    /// One day only, for what is delivered elsewhere.
    #[value(rename = "DELIVERY")]
    Delivery,
}

/// The retentions that AWS allows, in days. (API reference, `PutRetentionPolicy`.)
const RETENTIONS: &[i32] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// How many names `DescribeLogGroups` takes.
const NAMES: usize = 50;

impl LogGroup {
    fn name_in<'a>(find: &Find<'a, Self>) -> &'a str {
        let named = || find.inputs().and_then(|group| group.name.as_deref());
        find.id().or_else(named).unwrap_or_default()
    }

    async fn read_some(
        cx: &Cx<Aws>,
        find: &[Find<'_, Self>],
    ) -> Vec<Result<Option<Observed<Self>>>> {
        let names: Vec<_> = find.iter().map(|find| Self::name_in(find).to_owned()).collect();
        let found = async {
            let found = describe(cx, Some(names)).await?;
            let arns: Vec<_> = found.values().map(|group| arn(group).to_owned()).collect();
            let tagged = Tagged::of(cx, &arns).await;
            Ok((found, tagged))
        };
        let (found, tagged) = match found.await {
            Ok(found) => found,
            Err(e) => return find.iter().map(|_| Err(Error::again(&e))).collect(),
        };
        let observe = |find| {
            let (group, tagged) = (found.get(Self::name_in(find)).cloned(), &tagged);
            async move {
                match group {
                    Some(group) => Self::observe(cx, find, group, tagged).await,
                    None => Ok(None),
                }
            }
        };
        batch::each(find, observe).await
    }

    async fn observe(
        cx: &Cx<Aws>,
        find: &Find<'_, Self>,
        group: Found,
        tagged: &Tagged,
    ) -> Result<Option<Observed<Self>>> {
        let name = group.log_group_name.clone().unwrap_or_default();
        let arn = arn(&group);
        let recorded = find.inputs().map(|recorded| &recorded.tags);
        let all = tagged.or_asked(arn, recorded, tags_of(cx, arn)).await?;
        let Some(all) = all else { return Ok(None) };
        let class = group.log_group_class().map_or("STANDARD", |class| class.as_str());
        let live = Self {
            name: Some(name.clone()),
            retention_days: group.retention_in_days(),
            kms_key: group.kms_key_id().map(Arn::trusted),
            class: LogGroupClass::from_value(&class.into())?,
            deletion_protection: group.deletion_protection_enabled().unwrap_or_default(),
            tags: tags::visible(&all),
        };
        let outputs = LogGroupOutputs { arn: Arn::trusted(arn), name: name.clone() };
        Ok(Some(Observed::ready(name, live, outputs).owned_by(&all)))
    }
}

fn arn(group: &Found) -> &str {
    let arn = group.log_group_arn().or(group.arn()).unwrap_or_default();
    arn.strip_suffix(":*").unwrap_or(arn)
}

async fn tags_of(cx: &Cx<Aws>, arn: &str) -> Result<Option<BTreeMap<String, String>>> {
    let list = cx.logs().list_tags_for_resource().resource_arn(arn);
    let found = list.send().await.found()?;
    Ok(found.map(|found| found.tags.unwrap_or_default().into_iter().collect()))
}

/// The groups with these names, or all; those that do not exist are just not among them.
async fn describe(cx: &Cx<Aws>, names: Option<Vec<String>>) -> Result<HashMap<String, Found>> {
    let mut found = HashMap::new();
    let describe = cx.logs().describe_log_groups().set_log_group_identifiers(names);
    let mut pages = describe.into_paginator().send();
    while let Some(page) = pages.next().await {
        let groups = page.classify()?.log_groups.unwrap_or_default();
        found.extend(
            groups.into_iter().filter_map(|group| Some((group.log_group_name.clone()?, group))),
        );
    }
    Ok(found)
}

impl Managed for LogGroup {
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
        let groups = describe(cx, None).await?.into_iter();
        let groups = groups.map(|(name, group)| (name, arn(&group).to_owned())).collect();
        owned::by_index(cx, stack, groups, |arn| async move { tags_of(cx, &arn).await }).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        // The retention follows by `update`: this call cannot take it.
        let name = want.name.as_deref().unwrap_or_default();
        cx.logs()
            .create_log_group()
            .log_group_name(name)
            .set_kms_key_id(want.kms_key.as_ref().map(ToString::to_string))
            .log_group_class(want.class.as_str().into())
            .set_deletion_protection_enabled(want.deletion_protection.then_some(true))
            .set_tags(Some(cx.tags(&want.tags, op).into_iter().collect()))
            .send()
            .await
            .classify()?;
        Ok(name.to_owned())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (name, want, logs) = (change.id()?, change.want()?, cx.logs());
        let have = change.have()?;
        if change.touches(Self::RETENTION_DAYS) {
            if let Some(days) = want.retention_days {
                let put = logs.put_retention_policy().log_group_name(name);
                put.retention_in_days(days).send().await.classify()?;
            } else {
                logs.delete_retention_policy().log_group_name(name).send().await.classify()?;
            }
        }
        if change.touches(Self::KMS_KEY) {
            if let Some(key) = &want.kms_key {
                let associate = logs.associate_kms_key().log_group_name(name);
                associate.kms_key_id(key.as_str()).send().await.classify()?;
            } else {
                logs.disassociate_kms_key().log_group_name(name).send().await.classify()?;
            }
        }
        if change.touches(Self::DELETION_PROTECTION) {
            let put = logs.put_log_group_deletion_protection().log_group_identifier(name);
            let put = put.deletion_protection_enabled(want.deletion_protection);
            put.send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            let (put, remove) = tags::changes(&have.live.tags, &want.tags);
            let arn = have.outputs.as_ref().map(|outputs| outputs.arn.to_string());
            if !remove.is_empty() {
                let untag = logs.untag_resource().set_resource_arn(arn.clone());
                untag.set_tag_keys(Some(remove)).send().await.classify()?;
            }
            if !put.is_empty() {
                let tag = logs.tag_resource().set_resource_arn(arn);
                tag.set_tags(Some(put.into_iter().collect())).send().await.classify()?;
            }
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.logs().delete_log_group().log_group_name(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let group = subject(change);
        let name = group.and_then(|group| group.name.as_deref()).unwrap_or("*");
        let (mut actions, mut tags) = (Vec::new(), vec!["logs:ListTagsForResource"]);
        match Verb::of(change) {
            Verb::Search => {
                let search = ["logs:DescribeLogGroups", "logs:ListTagsForResource", tagged::ACTION];
                return grants("*", search);
            }
            Verb::Read => {}
            Verb::Create => {
                actions.push("logs:CreateLogGroup");
                tags.push("logs:TagResource");
                let key = group.is_some_and(|group| group.kms_key.is_some());
                actions.extend(key.then_some("logs:AssociateKmsKey"));
                let protected = group.is_some_and(|group| group.deletion_protection);
                actions.extend(protected.then_some("logs:PutLogGroupDeletionProtection"));
            }
            Verb::Delete => actions.push("logs:DeleteLogGroup"),
            Verb::Update => {
                let fields: [(bool, &[&'static str]); 3] = [
                    (
                        change.touches(Self::RETENTION_DAYS),
                        &["logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy"],
                    ),
                    (
                        change.touches(Self::KMS_KEY),
                        &["logs:AssociateKmsKey", "logs:DisassociateKmsKey"],
                    ),
                    (
                        change.touches(Self::DELETION_PROTECTION),
                        &["logs:PutLogGroupDeletionProtection"],
                    ),
                ];
                actions.extend(fields.iter().filter(|(it, _)| *it).flat_map(|(_, names)| *names));
                if change.touches(Self::TAGS) {
                    tags.extend(["logs:TagResource", "logs:UntagResource"]);
                }
            }
        }
        // CloudWatch Logs writes a group's ARN with `:*`, except where it is about tags.
        let arn = format!("arn:*:logs:*:*:log-group:{name}");
        let mut all = grants(format!("{arn}:*"), actions);
        all.extend(grants(arn, tags));
        all.extend(grants("*", ["logs:DescribeLogGroups"]));
        all.extend(tagged::grants(change));
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        let name = want.name.as_deref().unwrap_or("*");
        vec![("arn", format!("arn:*:logs:*:*:log-group:{name}").as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let days = want.get(Self::RETENTION_DAYS).known().filter(|days| !RETENTIONS.contains(days));
        let violation = |days: i32| {
            let nearest = RETENTIONS.iter().find(|allowed| **allowed > days).unwrap_or(&3653);
            let message = format!(
                "AWS keeps logs for certain numbers of days only; found {days}, the next is {nearest}"
            );
            Violation::of(Self::RETENTION_DAYS, message)
        };
        days.map(violation).into_iter().collect()
    }

    /// Events that are older than the retention are deleted, and nothing brings them back.
    fn shrinks(live: &Self, want: &Self) -> Option<String> {
        let then = want.retention_days?;
        let kept = live.retention_days.map_or("for ever".to_owned(), |days| format!("{days} days"));
        let fewer = live.retention_days.is_none_or(|days| then < days);
        fewer.then(|| format!("events kept {kept}, then {then} days"))
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}

#[cfg(test)]
mod tests {
    use infra_core::state::Value;

    use super::*;

    #[test]
    fn events_that_would_be_deleted() {
        let keeps = |days: Option<i32>| {
            let days = days.map_or(Value::Null, Value::from);
            LogGroup::from_value(&Value::from([("name", "g".into()), ("retention_days", days)]))
                .unwrap()
        };
        let shrinks = |is, then| LogGroup::shrinks(&keeps(is), &keeps(then));
        let text = shrinks(Some(3653), Some(30));
        assert_eq!(text.as_deref(), Some("events kept 3653 days, then 30 days"));
        assert!(shrinks(None, Some(3653)).is_some());
        assert_eq!(shrinks(Some(30), None), None);
        assert_eq!(shrinks(Some(1), Some(30)), None);
        assert_eq!(shrinks(Some(30), Some(30)), None);
    }

    #[test]
    fn only_the_retentions_that_aws_has() {
        let check = |days: i32| {
            LogGroup::check(&Partial::new(Value::from([("retention_days", days.into())])))
        };
        assert!(check(30).is_empty());
        assert!(check(31)[0].message.ends_with("the next is 60"));
    }
}
