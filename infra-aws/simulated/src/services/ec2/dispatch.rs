//! Operation by operation.

use super::{
    address, describe, endpoint, flow_log, instance, instance_profile, interface, internet_gateway,
    key_pair, kind, launch_template, monitoring, nat_gateway, place, route_table, security_group,
    security_group_rule, subnet, tags, token, vpc,
};
use crate::services::Access;
use crate::wire::{Outcome, fail};

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    if crate::wire::flags(access.input(), "DryRun") == Some(true) {
        return Err(fail(
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
        )
        .status(412));
    }
    token::once(access, operate)
}

fn operate(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "CreateVpc" => vpc::create(access),
        "DescribeVpcs" => describe::set(access, &kind::VPC),
        "DescribeVpcAttribute" => vpc::attribute(access),
        "ModifyVpcAttribute" => vpc::modify(access),
        "DeleteVpc" => vpc::delete(access),
        "CreateSubnet" => subnet::create(access),
        "DescribeSubnets" => describe::set(access, &kind::SUBNET),
        "ModifySubnetAttribute" => subnet::modify(access),
        "DeleteSubnet" => subnet::delete(access),
        "CreateInternetGateway" => internet_gateway::create(access),
        "DescribeInternetGateways" => describe::set(access, &kind::INTERNET_GATEWAY),
        "AttachInternetGateway" => internet_gateway::attach(access),
        "DetachInternetGateway" => internet_gateway::detach(access),
        "DeleteInternetGateway" => internet_gateway::delete(access),
        "AllocateAddress" => address::allocate(access),
        "DescribeAddresses" => describe::set(access, &kind::ADDRESS),
        "AssociateAddress" => address::associate(access),
        "DisassociateAddress" => address::disassociate(access),
        "ReleaseAddress" => address::release(access),
        "CreateNatGateway" => nat_gateway::create(access),
        "DescribeNatGateways" => describe::set(access, &kind::NAT_GATEWAY),
        "DeleteNatGateway" => nat_gateway::delete(access),
        "CreateRouteTable" => route_table::create(access),
        "DescribeRouteTables" => route_table::describe(access),
        "DeleteRouteTable" => route_table::delete(access),
        "CreateRoute" => route_table::create_route(access),
        "ReplaceRoute" => route_table::replace_route(access),
        "DeleteRoute" => route_table::delete_route(access),
        "AssociateRouteTable" => route_table::associate(access),
        "ReplaceRouteTableAssociation" => route_table::replace_association(access),
        "DisassociateRouteTable" => route_table::disassociate(access),
        "CreateSecurityGroup" => security_group::create(access),
        "DescribeSecurityGroups" => security_group::describe(access),
        "DeleteSecurityGroup" => security_group::delete(access),
        "AuthorizeSecurityGroupIngress" => security_group_rule::authorize(access, false),
        "AuthorizeSecurityGroupEgress" => security_group_rule::authorize(access, true),
        "RevokeSecurityGroupIngress" => security_group_rule::revoke(access, false),
        "RevokeSecurityGroupEgress" => security_group_rule::revoke(access, true),
        "ModifySecurityGroupRules" => security_group_rule::modify(access),
        "UpdateSecurityGroupRuleDescriptionsIngress" => {
            security_group_rule::describe_again(access, false)
        }
        "UpdateSecurityGroupRuleDescriptionsEgress" => {
            security_group_rule::describe_again(access, true)
        }
        "DescribeSecurityGroupRules" => describe::set(access, &kind::SECURITY_GROUP_RULE),
        "CreateVpcEndpoint" => endpoint::create(access),
        "DescribeVpcEndpoints" => describe::set(access, &kind::VPC_ENDPOINT),
        "ModifyVpcEndpoint" => endpoint::modify(access),
        "DeleteVpcEndpoints" => endpoint::delete(access),
        "DescribeVpcEndpointServices" => endpoint::services(access),
        "DescribePrefixLists" => endpoint::prefix_lists(access),
        "CreateLaunchTemplate" => launch_template::create(access),
        "DescribeLaunchTemplates" => launch_template::describe(access),
        "CreateLaunchTemplateVersion" => launch_template::create_version(access),
        "DescribeLaunchTemplateVersions" => launch_template::versions(access),
        "ModifyLaunchTemplate" => launch_template::modify(access),
        "DeleteLaunchTemplate" => launch_template::delete(access),
        "DeleteLaunchTemplateVersions" => launch_template::delete_versions(access),
        "RunInstances" => instance::run(access),
        "DescribeInstances" => instance::describe(access),
        "DescribeInstanceAttribute" => instance::attribute(access),
        "ModifyInstanceAttribute" => instance::modify(access),
        "ModifyInstanceMetadataOptions" => instance::metadata(access),
        "StartInstances" => instance::start(access),
        "StopInstances" => instance::stop(access),
        "TerminateInstances" => instance::terminate(access),
        "DescribeIamInstanceProfileAssociations" => instance::profiles(access),
        "AssociateIamInstanceProfile" => instance_profile::associate(access),
        "ReplaceIamInstanceProfileAssociation" => instance_profile::replace(access),
        "DisassociateIamInstanceProfile" => instance_profile::disassociate(access),
        "MonitorInstances" => monitoring::switch(access, "enabled"),
        "UnmonitorInstances" => monitoring::switch(access, "disabled"),
        "CreateFlowLogs" => flow_log::create(access),
        "DescribeFlowLogs" => describe::set(access, &kind::FLOW_LOG),
        "DeleteFlowLogs" => flow_log::delete(access),
        "ImportKeyPair" | "CreateKeyPair" => key_pair::create(access),
        "DescribeKeyPairs" => key_pair::describe(access),
        "DeleteKeyPair" => key_pair::delete(access),
        "DescribeNetworkAcls" => describe::set(access, &kind::NETWORK_ACL),
        "DescribeNetworkInterfaces" => interface::describe(access),
        "CreateTags" => tags::create(access),
        "DeleteTags" => tags::delete(access),
        "DescribeTags" => tags::describe(access),
        "DescribeAvailabilityZones" => place::zones(access),
        "DescribeRegions" => Ok(place::regions()),
        "DescribeImages" => place::images(access),
        "DescribeInstanceTypes" => place::instance_types(access),
        "DescribeAccountAttributes" => Ok(place::account_attributes()),
        other => Err(fail(
            "InvalidAction",
            format!("The action {other} is not valid for this web service (embedded AWS)."),
        )),
    }
}
