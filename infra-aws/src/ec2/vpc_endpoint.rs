//! VPC endpoints.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_sdk_ec2::types::{
    Filter, ResourceType, State, VpcEndpoint as SdkEndpoint, VpcEndpointType,
};
use infra_core::{
    Outputs, Resource, Value,
    program::IntoInput,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Part, Partial, Readiness,
        Result, Timeouts, Violation,
    },
    state::{self, StackName},
};

use super::{
    grants::{Names, arn},
    search::{filter, ids, of_stack, search},
    tagging,
};
use crate::{
    Aws,
    classify::{self, Classify},
    owned, policy,
    policy::Verb,
    tags,
    types::{
        Arn, NetworkInterfaceId, PrefixListId, RouteTableId, SecurityGroupId, SubnetId,
        VpcEndpointId, VpcId,
    },
};

/// A way from a VPC to an AWS service that does not go over the internet.
///
/// A gateway endpoint (S3, DynamoDB; free) works through route tables, an interface endpoint through network
/// interfaces in subnets. Another VPC, service or type replaces it. Private DNS needs both DNS attributes of the VPC,
/// and only one endpoint of a service and VPC can have it. Deploying needs `ec2:CreateVpcEndpoint` (on it, the VPC,
/// and the tables, subnets and groups it uses), `ec2:ModifyVpcEndpoint`, `ec2:DeleteVpcEndpoints`, the tag actions on
/// `vpc-endpoint/*`, and `ec2:DescribeVpcEndpoints` and `ec2:DescribePrefixLists`. Source: *AWS `PrivateLink` guide*.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:VpcEndpoint", outputs = VpcEndpointOutputs)]
pub struct VpcEndpoint {
    /// The VPC it is in. Another VPC replaces it.
    #[field(replace)]
    pub vpc_id: VpcId,
    /// The service: `s3`, `ecr.api` for AWS's own in this region; else its whole name. Another one replaces it.
    #[field(replace, normalize = short)]
    pub service: String,
    /// How it works. Another type replaces it.
    #[field(replace)]
    pub endpoint_type: EndpointType,
    /// The route tables that lead to a gateway endpoint.
    #[field(set)]
    pub route_table_ids: Vec<RouteTableId>,
    /// The subnets that an interface endpoint has addresses in: at most one a zone.
    #[field(set)]
    pub subnet_ids: Vec<SubnetId>,
    /// The security groups of an interface endpoint: let in port 443.
    #[field(set, computed)]
    pub security_group_ids: Vec<SecurityGroupId>,
    /// Who may do what through it, as JSON; everything if left out.
    #[field(computed, normalize = policy::normalize)]
    pub policy: Option<String>,
    /// Whether the service's own name leads to it inside the VPC; yes for interface endpoints if left out.
    #[field(computed)]
    pub private_dns: Option<bool>,
    /// Tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// How an endpoint works.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointType {
    /// By routes.
    Gateway,
    /// By network interfaces.
    Interface,
}

/// What an endpoint gives.
#[derive(Outputs, Clone, Debug)]
pub struct VpcEndpointOutputs {
    /// Its id.
    #[output(stable)]
    pub id: VpcEndpointId,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its own DNS names; none for a gateway endpoint.
    pub dns_names: Vec<String>,
    /// Its network interfaces; none for a gateway endpoint.
    pub network_interface_ids: Vec<NetworkInterfaceId>,
    /// The prefix list of a gateway endpoint's service, for security group rules.
    #[output(stable)]
    pub prefix_list_id: Option<PrefixListId>,
}

const NAMES: Names = Names {
    resource: "vpc-endpoint",
    read: &["DescribeVpcEndpoints", "DescribePrefixLists"],
    create: "CreateVpcEndpoint",
    delete: "DeleteVpcEndpoints",
};

impl VpcEndpoint {
    /// A gateway endpoint for `s3` or `dynamodb`.
    pub fn gateway(
        vpc_id: impl IntoInput<VpcId>,
        service: impl IntoInput<String>,
    ) -> VpcEndpointDecl {
        Self::new(vpc_id, service, EndpointType::Gateway)
    }

    /// An interface endpoint.
    pub fn interface(
        vpc_id: impl IntoInput<VpcId>,
        service: impl IntoInput<String>,
    ) -> VpcEndpointDecl {
        Self::new(vpc_id, service, EndpointType::Interface)
    }
}

impl Managed for VpcEndpoint {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let found = search(find, "vpc-endpoint-id", |filter| describe(cx, filter)).await;
        let gateways = found.iter().filter_map(|found| found.as_ref().ok()?.as_ref());
        let gateways =
            gateways.filter(|it| it.vpc_endpoint_type() == Some(&VpcEndpointType::Gateway));
        let services: Vec<_> =
            gateways.filter_map(|it| it.service_name()).map(str::to_owned).collect();
        let lists = match prefix_lists(cx, services).await {
            Ok(lists) => lists,
            Err(e) => return find.iter().map(|_| Err(e.again())).collect(),
        };
        let observe = |endpoint: SdkEndpoint| observe(cx, &endpoint, &lists);
        found.into_iter().map(|found| Ok(found?.map(observe))).collect()
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        owned::read(cx, ids(&describe(cx, of_stack(stack)).await?)).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let kind = match want.endpoint_type {
            EndpointType::Gateway => VpcEndpointType::Gateway,
            EndpointType::Interface => VpcEndpointType::Interface,
        };
        let call = cx
            .ec2()
            .create_vpc_endpoint()
            .client_token(op.token())
            .vpc_id(want.vpc_id.as_str())
            .service_name(long(&want.service, cx.region()))
            .vpc_endpoint_type(kind)
            .set_route_table_ids(given(&want.route_table_ids, RouteTableId::as_str))
            .set_subnet_ids(given(&want.subnet_ids, SubnetId::as_str))
            .set_security_group_ids(given(&want.security_group_ids, SecurityGroupId::as_str))
            .set_policy_document(want.policy.clone())
            .set_private_dns_enabled(want.private_dns)
            .tag_specifications(tagging::specification(
                cx,
                ResourceType::VpcEndpoint,
                &want.tags,
                op,
            ));
        let made = call.send().await.classify()?;
        Ok(made.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id).unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (id, want, have) = (change.id()?, change.want()?, change.have()?);
        let mut call = cx.ec2().modify_vpc_endpoint().vpc_endpoint_id(id);
        if change.touches(Self::ROUTE_TABLE_IDS) {
            let (have, want) = (&have.live.route_table_ids, &want.route_table_ids);
            call = call.set_add_route_table_ids(missing(want, have, RouteTableId::as_str));
            call = call.set_remove_route_table_ids(missing(have, want, RouteTableId::as_str));
        }
        if change.touches(Self::SUBNET_IDS) {
            let (have, want) = (&have.live.subnet_ids, &want.subnet_ids);
            call = call.set_add_subnet_ids(missing(want, have, SubnetId::as_str));
            call = call.set_remove_subnet_ids(missing(have, want, SubnetId::as_str));
        }
        if change.touches(Self::SECURITY_GROUP_IDS) {
            let (have, want) = (&have.live.security_group_ids, &want.security_group_ids);
            call = call.set_add_security_group_ids(missing(want, have, SecurityGroupId::as_str));
            call = call.set_remove_security_group_ids(missing(have, want, SecurityGroupId::as_str));
        }
        if change.touches(Self::POLICY) {
            call = match &want.policy {
                Some(policy) => call.policy_document(policy),
                None => call.reset_policy(true),
            };
        }
        if change.touches(Self::PRIVATE_DNS) {
            call = call.set_private_dns_enabled(want.private_dns);
        }
        let tags_only = change.paths.iter().all(|path| path.first() == Some(Self::TAGS.name()));
        if !tags_only {
            call.send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            tagging::sync(cx, id, &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let call = cx.ec2().delete_vpc_endpoints().vpc_endpoint_ids(&have.id);
        let Some(answer) = call.send().await.found()? else { return Ok(()) };
        let failed = answer.unsuccessful().iter().find_map(|item| item.error());
        classify::item("ec2 DeleteVpcEndpoints", failed.map(|e| (e.code(), e.message())))
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let mut with = Vec::new();
        if let Some(want) = change.want {
            with.push(arn("vpc", want.vpc_id.as_str()));
            with.extend(want.route_table_ids.iter().map(|id| arn("route-table", id.as_str())));
            with.extend(want.subnet_ids.iter().map(|id| arn("subnet", id.as_str())));
            with.extend(
                want.security_group_ids.iter().map(|id| arn("security-group", id.as_str())),
            );
        }
        let verb = Verb::of(change);
        let own = Self::TAGS.name();
        let modifies = verb == Verb::Update
            && change.paths.iter().any(|path| path.first().is_none_or(|name| name != own));
        let calls = modifies.then_some("ModifyVpcEndpoint");
        let mut grants =
            NAMES.grants(change, with.iter().cloned(), calls, change.touches(Self::TAGS));
        if modifies {
            // What is added or taken away is named by the call too.
            grants.extend(
                with.into_iter().skip(1).map(|arn| Grant::new("ec2:ModifyVpcEndpoint", arn)),
            );
        }
        if (verb == Verb::Create || modifies)
            && change.want.is_some_and(|want| want.private_dns == Some(true))
        {
            // The private names are a zone of AWS's, which is tied to the VPC.
            let zone = "arn:*:route53:::hostedzone/*";
            grants.push(Grant::new("route53:AssociateVPCWithHostedZone", zone));
        }
        grants
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        let mut refuse = |is_set: bool, field: Violation| {
            if is_set {
                violations.push(field);
            }
        };
        match want.get(Self::ENDPOINT_TYPE) {
            Part::Known(EndpointType::Gateway) => {
                let message = "a gateway endpoint has route tables only";
                let set = want.get(Self::SUBNET_IDS) != Part::Unset;
                refuse(set, Violation::of(Self::SUBNET_IDS, message));
                let set = want.get(Self::SECURITY_GROUP_IDS) != Part::Unset;
                refuse(set, Violation::of(Self::SECURITY_GROUP_IDS, message));
            }
            Part::Known(EndpointType::Interface) => {
                let set = want.get(Self::ROUTE_TABLE_IDS) != Part::Unset;
                let message =
                    "an interface endpoint has subnets and security groups, no route tables";
                refuse(set, Violation::of(Self::ROUTE_TABLE_IDS, message));
            }
            _ => {}
        }
        violations
    }

    fn once() -> Once {
        Once { token: Some(Duration::from_hours(24)), ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        Timeouts::minutes(15)
    }
}

/// The service's whole name.
fn long(service: &str, region: &str) -> String {
    let whole = ["com.amazonaws.", "cn.com.amazonaws.", "aws."];
    if whole.iter().any(|prefix| service.starts_with(prefix)) {
        service.to_owned()
    } else {
        format!("com.amazonaws.{region}.{service}")
    }
}

/// AWS's own services by their short names, whichever the region: an endpoint is always in its VPC's.
fn short(service: &state::Value) -> state::Value {
    let text = service.as_str().and_then(|text| text.strip_prefix("com.amazonaws."));
    match text.and_then(|text| text.split_once('.')) {
        // `com.amazonaws.vpce.eu-west-1.vpce-svc-…` is somebody's own.
        Some((region, name)) if region != "vpce" => name.into(),
        _ => service.clone(),
    }
}

fn given<T>(list: &[T], text: impl Fn(&T) -> &str) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.iter().map(|it| text(it).to_owned()).collect())
}

/// What is in `list` and not in `other`.
fn missing<T: PartialEq>(
    list: &[T],
    other: &[T],
    text: impl Fn(&T) -> &str,
) -> Option<Vec<String>> {
    let missing = list.iter().filter(|it| !other.contains(it)).map(|it| text(it).to_owned());
    let missing: Vec<_> = missing.collect();
    (!missing.is_empty()).then_some(missing)
}

async fn describe(cx: &Cx<Aws>, filter: Filter) -> Result<Vec<SdkEndpoint>> {
    let pages = cx.ec2().describe_vpc_endpoints().filters(filter).into_paginator().items().send();
    let mut found = pages.collect::<Result<Vec<_>, _>>().await.classify()?;
    found.retain(|endpoint| state(endpoint) != "deleted");
    Ok(found)
}

/// AWS writes states both as `pending` and as `Pending`.
fn state(endpoint: &SdkEndpoint) -> String {
    endpoint.state().map(State::as_str).unwrap_or_default().to_lowercase()
}

/// The prefix lists of gateway services, by the services' names.
async fn prefix_lists(
    cx: &Cx<Aws>,
    mut services: Vec<String>,
) -> Result<HashMap<String, PrefixListId>> {
    services.sort();
    services.dedup();
    if services.is_empty() {
        return Ok(HashMap::new());
    }
    let call = cx.ec2().describe_prefix_lists().filters(filter("prefix-list-name", services));
    let lists = call.send().await.classify()?.prefix_lists.unwrap_or_default();
    let pair = |list: aws_sdk_ec2::types::PrefixList| {
        Some((list.prefix_list_name?, PrefixListId::trusted(list.prefix_list_id?)))
    };
    Ok(lists.into_iter().filter_map(pair).collect())
}

fn observe(
    cx: &Cx<Aws>,
    endpoint: &SdkEndpoint,
    lists: &HashMap<String, PrefixListId>,
) -> Observed<VpcEndpoint> {
    let all = tagging::map(endpoint.tags());
    let gateway = endpoint.vpc_endpoint_type() == Some(&VpcEndpointType::Gateway);
    let groups = endpoint.groups().iter().filter_map(|group| group.group_id());
    let live = VpcEndpoint {
        vpc_id: VpcId::trusted(endpoint.vpc_id().unwrap_or_default()),
        service: endpoint.service_name().unwrap_or_default().to_owned(),
        endpoint_type: if gateway { EndpointType::Gateway } else { EndpointType::Interface },
        route_table_ids: endpoint.route_table_ids().iter().map(RouteTableId::trusted).collect(),
        subnet_ids: endpoint.subnet_ids().iter().map(SubnetId::trusted).collect(),
        security_group_ids: groups.map(SecurityGroupId::trusted).collect(),
        policy: endpoint.policy_document().map(str::to_owned),
        private_dns: endpoint.private_dns_enabled().filter(|_| !gateway),
        tags: tags::visible(&all),
    };
    let id = endpoint.vpc_endpoint_id().unwrap_or_default();
    let names = endpoint.dns_entries().iter().filter_map(|entry| entry.dns_name());
    let interfaces = endpoint.network_interface_ids().iter().map(NetworkInterfaceId::trusted);
    let account = endpoint.owner_id().unwrap_or(cx.account());
    let outputs = VpcEndpointOutputs {
        id: VpcEndpointId::trusted(id),
        arn: Arn::of(cx.partition(), "ec2", cx.region(), account, &format!("vpc-endpoint/{id}")),
        dns_names: names.map(str::to_owned).collect(),
        network_interface_ids: interfaces.collect(),
        prefix_list_id: lists.get(&live.service).cloned(),
    };
    let readiness = match state(endpoint).as_str() {
        "available" => Readiness::Ready,
        "deleting" => Readiness::Deleting("deleting".to_owned()),
        failed @ ("failed" | "rejected" | "expired") => {
            let why = endpoint.last_error().and_then(|error| error.message());
            Readiness::Failed(
                why.map_or_else(|| failed.to_owned(), |why| format!("{failed}: {why}")),
            )
        }
        other => Readiness::Pending(other.to_owned()),
    };
    Observed::ready(id, live, outputs).but(readiness).owned_by(&all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_short_names() {
        assert_eq!(long("ecr.api", "eu-west-1"), "com.amazonaws.eu-west-1.ecr.api");
        assert_eq!(short(&long("ecr.api", "eu-west-1").into()), "ecr.api".into());
        let own = "com.amazonaws.vpce.eu-west-1.vpce-svc-1";
        assert_eq!(short(&own.into()), own.into());
        assert_eq!(long(own, "eu-west-1"), own);
    }

    #[test]
    fn what_changes_in_a_list() {
        let id = RouteTableId::trusted;
        let (have, want) = ([id("a"), id("b")], [id("b"), id("c")]);
        assert_eq!(missing(&want, &have, RouteTableId::as_str), Some(vec!["c".to_owned()]));
        assert_eq!(missing(&want, &want, RouteTableId::as_str), None);
    }
}
