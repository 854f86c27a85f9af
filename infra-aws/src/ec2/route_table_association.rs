//! Which route table a subnet uses.

use std::collections::HashMap;

use aws_sdk_ec2::types::{
    RouteTable as SdkTable, RouteTableAssociation as SdkAssociation,
    RouteTableAssociationStateCode as State,
};
use infra_core::{
    Outputs, Resource,
    provider::{Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Readiness, Result},
};

use super::{grants::arn, route::tables};
use crate::{
    Aws,
    classify::Classify,
    policy::{Verb, grants, subject},
    types::{RouteTableAssociationId, RouteTableId, SubnetId},
};

/// The route table that a subnet uses instead of the VPC's main one.
///
/// A subnet has one, so the subnet's id is its identity: another subnet replaces it, another table is a change in
/// place (which gives the association a new id; no packet is lost). Deploying needs `ec2:AssociateRouteTable`,
/// `ec2:ReplaceRouteTableAssociation` and `ec2:DisassociateRouteTable` on table and subnet, and
/// `ec2:DescribeRouteTables`. Source: *EC2 API reference*, `ReplaceRouteTableAssociation`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:RouteTableAssociation", outputs = RouteTableAssociationOutputs)]
pub struct RouteTableAssociation {
    /// The subnet. Another subnet replaces the association.
    #[field(replace)]
    pub subnet_id: SubnetId,
    /// The table that it uses.
    pub route_table_id: RouteTableId,
}

/// What an association gives.
#[derive(Outputs, Clone, Debug)]
pub struct RouteTableAssociationOutputs {
    /// Its id, another one after each change.
    pub id: RouteTableAssociationId,
}

impl Managed for RouteTableAssociation {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let subnet = |find: &Find<'_, Self>| match find {
            Find::Id { id, .. } => (*id).to_owned(),
            Find::Made { want, .. } => want.subnet_id.to_string(),
        };
        let subnets: Vec<_> = find.iter().map(subnet).collect();
        let found = associations(cx, find, &subnets).await;
        let answer = |subnet: &String| match &found {
            Ok(found) => Ok(found.get(subnet).map(observe)),
            Err(e) => Err(e.again()),
        };
        subnets.iter().map(answer).collect()
    }

    async fn create(cx: &Cx<Aws>, want: &Self, _: &Operation) -> Result<String> {
        let call = cx
            .ec2()
            .associate_route_table()
            .route_table_id(want.route_table_id.as_str())
            .subnet_id(want.subnet_id.as_str());
        call.send().await.classify()?;
        Ok(want.subnet_id.to_string())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let call = cx
            .ec2()
            .replace_route_table_association()
            .set_association_id(association(change.have()?))
            .route_table_id(change.want()?.route_table_id.as_str());
        call.send().await.classify().map(drop)
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let call = cx.ec2().disassociate_route_table().set_association_id(association(have));
        call.send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let action = match Verb::of(change) {
            Verb::Search => return Vec::new(),
            Verb::Read => None,
            Verb::Create => Some("ec2:AssociateRouteTable"),
            Verb::Update => Some("ec2:ReplaceRouteTableAssociation"),
            Verb::Delete => Some("ec2:DisassociateRouteTable"),
        };
        let subject = subject(change);
        let table = subject.map_or("*", |subject| subject.route_table_id.as_str());
        let subnet = subject.map_or("*", |subject| subject.subnet_id.as_str());
        let mut all = grants("*", ["ec2:DescribeRouteTables"]);
        all.extend(grants(arn("route-table", table), action));
        all.extend(grants(arn("subnet", subnet), action));
        all
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}

/// The associations of these subnets. Most use the table that was recorded, and that is described for itself anyway;
/// who is not among its associations is asked for.
async fn associations(
    cx: &Cx<Aws>,
    find: &[Find<'_, RouteTableAssociation>],
    subnets: &[String],
) -> Result<HashMap<String, SdkAssociation>> {
    let expected: Vec<_> = find
        .iter()
        .filter_map(|find| find.id().and(find.inputs()))
        .map(|recorded| recorded.route_table_id.to_string())
        .collect();
    let mut found = HashMap::new();
    if !expected.is_empty() {
        note(&mut found, subnets, &tables(cx, "route-table-id", expected).await?);
    }
    let missing = subnets.iter().filter(|subnet| !found.contains_key(*subnet));
    let missing: Vec<_> = missing.cloned().collect();
    if !missing.is_empty() {
        note(&mut found, subnets, &tables(cx, "association.subnet-id", missing).await?);
    }
    Ok(found)
}

/// Those of the tables' associations that are of these subnets.
fn note(found: &mut HashMap<String, SdkAssociation>, subnets: &[String], tables: &[SdkTable]) {
    for association in tables.iter().flat_map(SdkTable::associations) {
        let subnet = association.subnet_id().unwrap_or_default();
        // Where it is on its way from one table to another, what goes is not it.
        let stays = state(association) != Some(&State::Disassociating);
        let known = found.contains_key(subnet);
        if subnets.iter().any(|it| it == subnet) && !is_gone(association) && (stays || !known) {
            found.insert(subnet.to_owned(), association.clone());
        }
    }
}

/// The association's id as it was last read.
fn association(have: &Observed<RouteTableAssociation>) -> Option<String> {
    have.outputs.as_ref().map(|outputs| outputs.id.to_string())
}

fn state(association: &SdkAssociation) -> Option<&State> {
    association.association_state().and_then(|state| state.state())
}

fn is_gone(association: &SdkAssociation) -> bool {
    state(association) == Some(&State::Disassociated)
}

fn observe(association: &SdkAssociation) -> Observed<RouteTableAssociation> {
    let subnet = association.subnet_id().unwrap_or_default();
    let live = RouteTableAssociation {
        subnet_id: SubnetId::trusted(subnet),
        route_table_id: RouteTableId::trusted(association.route_table_id().unwrap_or_default()),
    };
    let id = association.route_table_association_id().unwrap_or_default();
    let outputs = RouteTableAssociationOutputs { id: RouteTableAssociationId::trusted(id) };
    let readiness = match state(association) {
        Some(State::Associating) => Readiness::Pending("associating".to_owned()),
        Some(State::Disassociating) => Readiness::Deleting("disassociating".to_owned()),
        Some(State::Failed) => {
            let why = association.association_state().and_then(|state| state.status_message());
            Readiness::Failed(why.unwrap_or("failed").to_owned())
        }
        _ => Readiness::Ready,
    };
    Observed::ready(subnet, live, outputs).but(readiness)
}
