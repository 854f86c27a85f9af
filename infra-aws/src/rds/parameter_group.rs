//! Parameter groups.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_rds::types::{ApplyMethod, DbParameterGroup, Parameter};
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Result, Timeouts,
    },
    state::StackName,
};

use super::{
    ParameterGroupName,
    tagging::{self, Tags},
    types::arn,
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, subject},
    tags,
    types::Arn,
};

/// `ModifyDBParameterGroup` and `ResetDBParameterGroup` take this many parameters.
const BATCH: usize = 20;

/// Settings of a database engine: `ParameterGroup::new("postgres17").parameters([("rds.force_ssl", "1")])`.
///
/// Another name, family or description replaces it. Parameters change in place: dynamic ones at once, static ones
/// when the instance is next rebooted (the engine does not reboot it). One that is removed goes back to its default.
///
/// Needs `rds:CreateDBParameterGroup`, `ModifyDBParameterGroup`, `ResetDBParameterGroup`, `DeleteDBParameterGroup`,
/// `DescribeDBParameterGroups`, `DescribeDBParameters` and the tag actions on it. A new group takes up to five minutes
/// until it can be the default of a new database (`CreateDBParameterGroup` in the API reference); parameters that
/// matter when the database itself is made need that wait.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:rds:ParameterGroup", outputs = ParameterGroupOutputs)]
pub struct ParameterGroup {
    /// Engine and major version, `postgres17`. Another replaces it.
    #[field(replace)]
    pub family: String,
    /// Its name, in lower case. Another replaces it.
    #[field(replace, name(max = 255, extra = "-", lowercase))]
    pub name: Option<String>,
    /// What it is for. Another text replaces it.
    #[field(replace, default = "made by infra")]
    pub description: String,
    /// What differs from the family's defaults.
    pub parameters: BTreeMap<String, String>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a parameter group gives.
#[derive(Outputs, Clone, Debug)]
pub struct ParameterGroupOutputs {
    /// Its name.
    #[output(stable)]
    pub name: ParameterGroupName,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
}

/// The parameters of a group: all, or those that somebody set.
async fn parameters(
    cx: &Cx<Aws>,
    group: &str,
    source: Option<&str>,
) -> Result<Option<Vec<Parameter>>> {
    let describe = cx.rds().describe_db_parameters().db_parameter_group_name(group);
    let describe = describe.set_source(source.map(str::to_owned));
    let (mut all, mut marker) = (Vec::new(), None);
    loop {
        let Some(page) = describe.clone().set_marker(marker).send().await.found()? else {
            return Ok(None);
        };
        all.extend_from_slice(page.parameters());
        marker = page.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if marker.is_none() {
            return Ok(Some(all));
        }
    }
}

/// How a change of a parameter is made: a static one cannot be changed at once, and a wish for that is refused.
fn method(apply_type: Option<&str>) -> ApplyMethod {
    if apply_type == Some("dynamic") { ApplyMethod::Immediate } else { ApplyMethod::PendingReboot }
}

/// Which parameters to set and which to reset.
fn changes<'a>(
    live: &'a BTreeMap<String, String>,
    want: &'a BTreeMap<String, String>,
) -> (Vec<(&'a str, &'a str)>, Vec<&'a str>) {
    let set = want.iter().filter(|(name, value)| live.get(*name) != Some(value));
    let reset = live.keys().filter(|name| !want.contains_key(*name));
    (
        set.map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        reset.map(String::as_str).collect(),
    )
}

impl ParameterGroup {
    fn observed(found: &DbParameterGroup, set: &[Parameter], all_tags: &Tags) -> Observed<Self> {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let name = text(found.db_parameter_group_name());
        let pair =
            |p: &Parameter| Some((p.parameter_name()?.to_owned(), p.parameter_value()?.to_owned()));
        let live = Self {
            family: text(found.db_parameter_group_family()),
            name: Some(name.clone()),
            description: text(found.description()),
            parameters: set.iter().filter_map(pair).collect(),
            tags: tags::visible(all_tags),
        };
        let outputs = ParameterGroupOutputs {
            name: ParameterGroupName::trusted(name.clone()),
            arn: Arn::trusted(text(found.db_parameter_group_arn())),
        };
        Observed::ready(name, live, outputs).owned_by(all_tags)
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let name = match find {
            Find::Id { id, .. } => Some(*id),
            Find::Made { want, .. } => want.name.as_deref(),
        };
        let name = name.ok_or_else(|| Error::invalid("a parameter group without a name"))?;
        let describe =
            cx.rds().describe_db_parameter_groups().db_parameter_group_name(name.to_lowercase());
        let answer = describe.send().await.found()?;
        let Some(found) = answer.as_ref().and_then(|answer| answer.db_parameter_groups().first())
        else {
            return Ok(None);
        };
        let Some(set) = parameters(cx, name, Some("user")).await? else { return Ok(None) };
        let tags = tagging::of(cx, found.db_parameter_group_arn().unwrap_or_default()).await?;
        Ok(Some(Self::observed(found, &set, &tags)))
    }

    async fn update_parameters(cx: &Cx<Aws>, name: &str, live: &Self, want: &Self) -> Result<()> {
        let (set, reset) = changes(&live.parameters, &want.parameters);
        if set.is_empty() && reset.is_empty() {
            return Ok(());
        }
        let all = parameters(cx, name, None).await?.unwrap_or_default();
        let types: HashMap<_, _> =
            all.iter().map(|p| (p.parameter_name(), p.apply_type())).collect();
        let parameter = |name: &str| {
            let method = method(types.get(&Some(name)).copied().flatten());
            Parameter::builder().parameter_name(name).apply_method(method)
        };
        for batch in reset.chunks(BATCH) {
            let reset = batch.iter().map(|name| parameter(name).build()).collect();
            let call = cx.rds().reset_db_parameter_group().db_parameter_group_name(name);
            call.set_parameters(Some(reset)).send().await.classify()?;
        }
        for batch in set.chunks(BATCH) {
            let set =
                batch.iter().map(|(name, value)| parameter(name).parameter_value(*value).build());
            let call = cx.rds().modify_db_parameter_group().db_parameter_group_name(name);
            call.set_parameters(Some(set.collect())).send().await.classify()?;
        }
        Ok(())
    }
}

impl Managed for ParameterGroup {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let pages = cx.rds().describe_db_parameter_groups().into_paginator().items().send();
        let mut found = pages.collect::<Result<Vec<_>, _>>().await.classify()?;
        // Groups that begin so are AWS's own.
        found.retain(|it| {
            it.db_parameter_group_name().is_some_and(|it| !it.starts_with("default."))
        });
        let tags = batch::each(&found, |group| {
            tagging::found(cx, group.db_parameter_group_arn().unwrap_or_default())
        });
        let tags = tags.await;
        let names =
            found.into_iter().map(|group| group.db_parameter_group_name.unwrap_or_default());
        owned::read(cx, owned::tagged(stack, names.collect(), tags)?).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let create = cx
            .rds()
            .create_db_parameter_group()
            .set_db_parameter_group_name(want.name.clone())
            .db_parameter_group_family(&want.family)
            .description(&want.description)
            .set_tags(Some(tagging::list(cx.tags(&want.tags, op))));
        let answer = create.send().await.classify()?;
        let name = answer.db_parameter_group().and_then(DbParameterGroup::db_parameter_group_name);
        Ok(name.or(want.name.as_deref()).unwrap_or_default().to_lowercase())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (name, want, have) = (change.id()?, change.want()?, change.have()?);
        if change.touches(Self::PARAMETERS) {
            Self::update_parameters(cx, name, &have.live, want).await?;
        }
        if change.touches(Self::TAGS) {
            let arn = have.outputs.as_ref().map(|outputs| outputs.arn.as_str()).unwrap_or_default();
            tagging::update(cx, arn, &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.rds().delete_db_parameter_group().db_parameter_group_name(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let name = subject(change).and_then(|group| group.name.as_deref());
        let actions: &[&str] = match Verb::of(change) {
            Verb::Search => {
                return grants("*", ["rds:DescribeDBParameterGroups", "rds:ListTagsForResource"]);
            }
            Verb::Read => &[],
            Verb::Create => &["rds:CreateDBParameterGroup", "rds:AddTagsToResource"],
            Verb::Update => &[
                "rds:ModifyDBParameterGroup",
                "rds:ResetDBParameterGroup",
                "rds:AddTagsToResource",
                "rds:RemoveTagsFromResource",
            ],
            Verb::Delete => &["rds:DeleteDBParameterGroup"],
        };
        let reads = [
            "rds:DescribeDBParameterGroups",
            "rds:DescribeDBParameters",
            "rds:ListTagsForResource",
        ];
        grants(arn("pg", name), actions.iter().copied().chain(reads))
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        // A group that a database used until now stays in use until that one has moved on.
        Timeouts::minutes(20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_parameters_are_reset() {
        let map = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let (live, want) = (
            map(&[("a", "1"), ("b", "1"), ("c", "1")]),
            map(&[("a", "1"), ("b", "2"), ("d", "3")]),
        );
        assert_eq!(changes(&live, &want), (vec![("b", "2"), ("d", "3")], vec!["c"]));
    }

    #[test]
    fn only_dynamic_parameters_change_at_once() {
        assert_eq!(method(Some("dynamic")), ApplyMethod::Immediate);
        assert_eq!(method(Some("static")), ApplyMethod::PendingReboot);
        assert_eq!(method(None), ApplyMethod::PendingReboot);
    }
}
