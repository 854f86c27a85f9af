//! Databases and their subnet groups.

use aws_sdk_rds::types::{DbInstance, DbSubnetGroup, Tag};
use infra_core::provider::{Contained, Cx, Result};
use tokio::try_join;

use super::object::{Tags, named, object, part_of};
use crate::{Aws, batch, classify::Classify as _};

pub(super) async fn databases(cx: &Cx<Aws>, vpc: &str) -> Result<Vec<Contained>> {
    let databases = async {
        let pages = cx.rds().describe_db_instances().into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.classify()
    };
    let groups = async {
        let pages = cx.rds().describe_db_subnet_groups().into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.classify()
    };
    let (databases, mut groups): (Vec<DbInstance>, Vec<DbSubnetGroup>) =
        try_join!(databases, groups)?;
    groups.retain(|it| it.vpc_id() == Some(vpc));
    let within =
        |it: &&DbInstance| it.db_subnet_group().and_then(DbSubnetGroup::vpc_id) == Some(vpc);
    let mut all: Vec<_> = databases.iter().filter(within).filter_map(database).collect();
    let tagged = batch::each(&groups, |group| tags(cx, group)).await;
    for (group, tags) in groups.iter().zip(tagged) {
        let Some(name) = group.db_subnet_group_name() else { continue };
        let with = (name == "default").then_some("the default VPC");
        let found = object("aws:rds:SubnetGroup", name, &tags?);
        all.push(part_of(named(found, Some(name)), with));
    }
    Ok(all)
}

fn database(it: &DbInstance) -> Option<Contained> {
    let name = it.db_instance_identifier()?;
    // A member of a cluster has its storage, password and backups there.
    let kind = match it.db_cluster_identifier() {
        Some(_) => "AWS::RDS::DBInstance",
        None => "aws:rds:Instance",
    };
    Some(named(object(kind, name, &map(it.tag_list())), Some(name)))
}

async fn tags(cx: &Cx<Aws>, group: &DbSubnetGroup) -> Result<Tags> {
    let Some(arn) = group.db_subnet_group_arn() else { return Ok(Tags::new()) };
    let found = cx.rds().list_tags_for_resource().resource_name(arn).send().await.found()?;
    Ok(found.map(|found| map(found.tag_list())).unwrap_or_default())
}

fn map(tags: &[Tag]) -> Tags {
    let pair =
        |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(pair).collect()
}
