//! Route tables.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_sdk_ec2::types::{Filter, ResourceType, RouteTable as SdkTable};
use infra_core::{
    Outputs, Resource,
    provider::{Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Result},
    state::StackName,
};

use super::{
    grants::{Names, arn},
    route::{beyond, tables},
    search::{observed, of_stack, search},
    tagging,
};
use crate::{
    Aws,
    classify::Classify,
    tags,
    types::{RouteTableId, VpcId},
};

/// A table of routes. Its [routes](super::Route) and [associations](super::RouteTableAssociation) are resources of
/// their own; a new table has the route within the VPC.
///
/// Another VPC replaces it. Deploying needs `ec2:CreateRouteTable` (on it and the VPC), `ec2:DeleteRouteTable`, the
/// tag actions on `route-table/*`, and `ec2:DescribeRouteTables`. Source: *EC2 API reference*, `CreateRouteTable`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:RouteTable", outputs = RouteTableOutputs)]
pub struct RouteTable {
    /// The VPC it is for. Another VPC replaces the table.
    #[field(replace)]
    pub vpc_id: VpcId,
    /// Tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a route table gives.
#[derive(Outputs, Clone, Debug)]
pub struct RouteTableOutputs {
    /// Its id.
    #[output(stable)]
    pub id: RouteTableId,
}

const NAMES: Names = Names {
    resource: "route-table",
    read: &["DescribeRouteTables"],
    create: "CreateRouteTable",
    delete: "DeleteRouteTable",
};

impl Managed for RouteTable {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let ids: Option<Vec<_>> = find.iter().map(|find| find.id().map(str::to_owned)).collect();
        let Some(ids) = ids else {
            let found = search(find, "route-table-id", |filter| describe(cx, filter)).await;
            return observed(found, observe);
        };
        match tables(cx, "route-table-id", ids).await {
            Ok(tables) => {
                let of = |id| tables.iter().find(|table| table.route_table_id() == id);
                find.iter().map(|find| Ok(of(find.id()).map(observe))).collect()
            }
            Err(e) => find.iter().map(|_| Err(e.again())).collect(),
        }
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        Ok(Some(of_the_stack(cx, stack).await?.iter().map(observe).collect()))
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let call = cx
            .ec2()
            .create_route_table()
            .client_token(op.token())
            .vpc_id(want.vpc_id.as_str())
            .tag_specifications(tagging::specification(
                cx,
                ResourceType::RouteTable,
                &want.tags,
                op,
            ));
        let made = call.send().await.classify()?;
        Ok(made.route_table.and_then(|table| table.route_table_id).unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        if change.touches(Self::TAGS) {
            let live = &change.have()?.live.tags;
            tagging::sync(cx, change.id()?, live, &change.want()?.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.ec2().delete_route_table().route_table_id(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let vpc = change.want.map(|want| arn("vpc", want.vpc_id.as_str()));
        NAMES.grants(change, vpc, [], change.touches(Self::TAGS))
    }

    fn once() -> Once {
        Once { token: Some(Duration::from_hours(24)), ..Once::default() }
    }
}

/// The stack's tables. Their routes are looked through too.
pub(super) async fn of_the_stack(cx: &Cx<Aws>, stack: &StackName) -> Result<Arc<Vec<SdkTable>>> {
    cx.memo(&format!("ec2:route-tables:of:{stack}"), || describe(cx, of_stack(stack))).await
}

pub(super) async fn describe(cx: &Cx<Aws>, filter: Filter) -> Result<Vec<SdkTable>> {
    let pages = cx.ec2().describe_route_tables().filters(filter).into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.classify()
}

fn observe(table: &SdkTable) -> Observed<RouteTable> {
    let all = tagging::map(table.tags());
    let vpc_id = VpcId::trusted(table.vpc_id().unwrap_or_default());
    let live = RouteTable { vpc_id, tags: tags::visible(&all) };
    let id = table.route_table_id().unwrap_or_default();
    let outputs = RouteTableOutputs { id: RouteTableId::trusted(id) };
    Observed::ready(id, live, outputs).with_beyond(beyond(table)).owned_by(&all)
}
