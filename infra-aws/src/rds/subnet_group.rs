//! Subnet groups.

use std::collections::BTreeMap;

use aws_sdk_rds::types::{DbSubnetGroup, Subnet};
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Part, Partial, Result,
        Violation,
    },
    state::StackName,
};

use super::{
    SubnetGroupName,
    tagging::{self, Tags},
    types::arn,
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, subject},
    tags,
    types::{Arn, SubnetId, VpcId},
};

/// The subnets that a database may lie in, in at least two zones: `SubnetGroup::new().subnets([&a.id, &b.id])`.
///
/// Another name replaces it. A subnet that a database is in cannot be taken out (`SubnetAlreadyInUse`).
///
/// Needs `rds:CreateDBSubnetGroup`, `ModifyDBSubnetGroup`, `DeleteDBSubnetGroup`, `DescribeDBSubnetGroups`,
/// `AddTagsToResource`, `RemoveTagsFromResource`, `ListTagsForResource` on it.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:rds:SubnetGroup", outputs = SubnetGroupOutputs)]
pub struct SubnetGroup {
    /// Its name, in lower case. Another replaces it.
    #[field(replace, name(max = 255, extra = "-_", lowercase))]
    pub name: Option<String>,
    /// What it is for.
    #[field(default = "made by infra")]
    pub description: String,
    /// Its subnets, of at least two zones.
    #[field(set)]
    pub subnets: Vec<SubnetId>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a subnet group gives.
#[derive(Outputs, Clone, Debug)]
pub struct SubnetGroupOutputs {
    /// Its name.
    #[output(stable)]
    pub name: SubnetGroupName,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// The VPC its subnets are in.
    #[output(stable)]
    pub vpc_id: VpcId,
}

impl SubnetGroup {
    fn observed(found: &DbSubnetGroup, all_tags: &Tags) -> Observed<Self> {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let name = text(found.db_subnet_group_name());
        let subnets = found.subnets().iter().filter_map(Subnet::subnet_identifier);
        let live = Self {
            name: Some(name.clone()),
            description: text(found.db_subnet_group_description()),
            subnets: subnets.map(SubnetId::trusted).collect(),
            tags: tags::visible(all_tags),
        };
        let outputs = SubnetGroupOutputs {
            name: SubnetGroupName::trusted(name.clone()),
            arn: Arn::trusted(text(found.db_subnet_group_arn())),
            vpc_id: VpcId::trusted(text(found.vpc_id())),
        };
        Observed::ready(name, live, outputs).owned_by(all_tags)
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let name = match find {
            Find::Id { id, .. } => Some(*id),
            Find::Made { want, .. } => want.name.as_deref(),
        };
        let name = name.ok_or_else(|| Error::invalid("a subnet group without a name"))?;
        let describe =
            cx.rds().describe_db_subnet_groups().db_subnet_group_name(name.to_lowercase());
        let answer = describe.send().await.found()?;
        let Some(found) = answer.as_ref().and_then(|answer| answer.db_subnet_groups().first())
        else {
            return Ok(None);
        };
        let tags = tagging::of(cx, found.db_subnet_group_arn().unwrap_or_default()).await?;
        Ok(Some(Self::observed(found, &tags)))
    }

    fn subnet_ids(&self) -> Vec<String> {
        self.subnets.iter().map(ToString::to_string).collect()
    }
}

impl Managed for SubnetGroup {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let pages = cx.rds().describe_db_subnet_groups().into_paginator().items().send();
        let found = pages.collect::<Result<Vec<_>, _>>().await.classify()?;
        let tags = batch::each(&found, |group| {
            tagging::found(cx, group.db_subnet_group_arn().unwrap_or_default())
        });
        let tags = tags.await;
        let names = found.into_iter().map(|group| group.db_subnet_group_name.unwrap_or_default());
        owned::read(cx, owned::tagged(stack, names.collect(), tags)?).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let create = cx
            .rds()
            .create_db_subnet_group()
            .set_db_subnet_group_name(want.name.clone())
            .db_subnet_group_description(&want.description)
            .set_subnet_ids(Some(want.subnet_ids()))
            .set_tags(Some(tagging::list(cx.tags(&want.tags, op))));
        let answer = create.send().await.classify()?;
        // AWS keeps the name in lower case.
        let name = answer.db_subnet_group().and_then(DbSubnetGroup::db_subnet_group_name);
        Ok(name.or(want.name.as_deref()).unwrap_or_default().to_lowercase())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (name, want, have) = (change.id()?, change.want()?, change.have()?);
        if change.touches(Self::SUBNETS) || change.touches(Self::DESCRIPTION) {
            let modify = cx.rds().modify_db_subnet_group().db_subnet_group_name(name);
            let modify = modify.db_subnet_group_description(&want.description);
            modify.set_subnet_ids(Some(want.subnet_ids())).send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            let arn = have.outputs.as_ref().map(|outputs| outputs.arn.as_str()).unwrap_or_default();
            tagging::update(cx, arn, &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.rds().delete_db_subnet_group().db_subnet_group_name(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let name = subject(change).and_then(|group| group.name.as_deref());
        let actions: &[&str] = match Verb::of(change) {
            Verb::Search => {
                return grants("*", ["rds:DescribeDBSubnetGroups", "rds:ListTagsForResource"]);
            }
            Verb::Read => &[],
            Verb::Create => &["rds:CreateDBSubnetGroup", "rds:AddTagsToResource"],
            Verb::Update => {
                &["rds:ModifyDBSubnetGroup", "rds:AddTagsToResource", "rds:RemoveTagsFromResource"]
            }
            Verb::Delete => &["rds:DeleteDBSubnetGroup"],
        };
        let reads = ["rds:DescribeDBSubnetGroups", "rds:ListTagsForResource"];
        grants(arn("subgrp", name), actions.iter().copied().chain(reads))
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let found = match want.get(Self::SUBNETS) {
            Part::Unset => 0,
            Part::Unknown => return Vec::new(),
            Part::Known(subnets) => subnets.len(),
        };
        let message = format!("expected subnets of at least two zones, found {found}");
        if found < 2 { vec![Violation::of(Self::SUBNETS, message)] } else { Vec::new() }
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}
