//! EC2.

use serde_json::Value;

use super::super::Ask;
use super::scope::{Scope, Tags, given};
use super::{key, role, stored};
use crate::services::Service;
use crate::wire::{flags, list, text};

/// What an operation makes, and the objects that it names: each by its type and the parameter with its id.
struct Row {
    makes: Option<&'static str>,
    names: &'static [(&'static str, &'static str)],
}

const VPC: (&str, &str) = ("vpc", "VpcId");
const SUBNET: (&str, &str) = ("subnet", "SubnetId");
const ADDRESS: (&str, &str) = ("elastic-ip", "AllocationId");
const GATEWAY: (&str, &str) = ("internet-gateway", "InternetGatewayId");
const TABLE: (&str, &str) = ("route-table", "RouteTableId");
const GROUP: (&str, &str) = ("security-group", "GroupId");
const GROUPS: (&str, &str) = ("security-group", "SecurityGroupId");
const INSTANCE: (&str, &str) = ("instance", "InstanceId");
const TEMPLATE: (&str, &str) = ("launch-template", "LaunchTemplateId");
const ENDPOINT: (&str, &str) = ("vpc-endpoint", "VpcEndpointId");

fn row(name: &str) -> Option<Row> {
    let makes = |makes| Row { makes: Some(makes), names: &[] };
    let names = |names| Row { makes: None, names };
    Some(match name {
        "CreateVpc" => makes("vpc"),
        "CreateSubnet" => Row { makes: Some("subnet"), names: &[VPC] },
        "CreateInternetGateway" => makes("internet-gateway"),
        "AllocateAddress" => makes("elastic-ip"),
        "CreateNatGateway" => Row { makes: Some("natgateway"), names: &[SUBNET, ADDRESS] },
        "CreateRouteTable" => Row { makes: Some("route-table"), names: &[VPC] },
        "CreateSecurityGroup" => Row { makes: Some("security-group"), names: &[VPC] },
        "CreateVpcEndpoint" => {
            Row { makes: Some("vpc-endpoint"), names: &[VPC, TABLE, SUBNET, GROUPS] }
        }
        "CreateLaunchTemplate" => makes("launch-template"),
        "CreateFlowLogs" => makes("vpc-flow-log"),
        "RunInstances" => Row { makes: Some("instance"), names: &[SUBNET, GROUPS] },
        "AuthorizeSecurityGroupIngress" | "AuthorizeSecurityGroupEgress" => {
            Row { makes: Some("security-group-rule"), names: &[GROUP] }
        }
        "RevokeSecurityGroupIngress" | "RevokeSecurityGroupEgress" => {
            names(&[GROUP, ("security-group-rule", "SecurityGroupRuleId")])
        }
        "ImportKeyPair" | "CreateKeyPair" => makes("key-pair"),
        "DescribeVpcAttribute" | "ModifyVpcAttribute" | "DeleteVpc" => names(&[VPC]),
        "ModifySubnetAttribute" | "DeleteSubnet" => names(&[SUBNET]),
        "AttachInternetGateway" | "DetachInternetGateway" => names(&[GATEWAY, VPC]),
        "DeleteInternetGateway" => names(&[GATEWAY]),
        "ReleaseAddress" => names(&[ADDRESS]),
        "DeleteNatGateway" => names(&[("natgateway", "NatGatewayId")]),
        "CreateRoute"
        | "ReplaceRoute"
        | "DeleteRoute"
        | "DeleteRouteTable"
        | "ReplaceRouteTableAssociation" => names(&[TABLE]),
        "AssociateRouteTable" => names(&[TABLE, SUBNET]),
        "DisassociateRouteTable" => names(&[]),
        "ModifySecurityGroupRules" | "DeleteSecurityGroup" => names(&[GROUP]),
        "ModifyVpcEndpoint" => names(&[
            ENDPOINT,
            ("route-table", "AddRouteTableId"),
            ("route-table", "RemoveRouteTableId"),
            ("subnet", "AddSubnetId"),
            ("subnet", "RemoveSubnetId"),
            ("security-group", "AddSecurityGroupId"),
            ("security-group", "RemoveSecurityGroupId"),
        ]),
        "DeleteVpcEndpoints" => names(&[ENDPOINT]),
        "CreateLaunchTemplateVersion"
        | "ModifyLaunchTemplate"
        | "DeleteLaunchTemplate"
        | "DeleteLaunchTemplateVersions" => names(&[TEMPLATE]),
        "ModifyInstanceAttribute"
        | "ModifyInstanceMetadataOptions"
        | "StartInstances"
        | "StopInstances"
        | "TerminateInstances"
        | "AssociateIamInstanceProfile"
        | "MonitorInstances"
        | "UnmonitorInstances" => names(&[INSTANCE]),
        "DeleteFlowLogs" => names(&[("vpc-flow-log", "FlowLogId")]),
        _ => return None,
    })
}

pub(super) fn asks(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let mut all = match (scope.name, row(scope.name)) {
        ("CreateTags" | "DeleteTags", _) => tags(scope),
        (_, Some(row)) => named(scope, &row),
        _ => associated(scope),
    };
    if scope.name == "DisassociateRouteTable" || scope.name == "ReplaceRouteTableAssociation" {
        all.extend(association(scope));
    }
    all.extend(besides(scope));
    all
}

fn named(scope: &mut Scope<'_, '_>, row: &Row) -> Vec<Ask> {
    let name = scope.name;
    let mut all = Vec::new();
    if let Some(kind) = row.makes {
        let tags = specified(scope.input, kind);
        // A rule is an object of its own where it gets tags.
        if kind != "security-group-rule" || !tags.is_empty() {
            all.push(make(scope, kind, &tags));
        }
    }
    for specification in list(scope.input, "TagSpecification") {
        let kind = text(specification, "ResourceType").unwrap_or_default();
        let tag = Ask::new("ec2:CreateTags", scope.arn(&format!("{kind}/*")));
        all.push(tag.giving(&given(specification)).with("ec2:CreateAction", [name]));
    }
    for (kind, parameter) in row.names {
        for id in scope.texts(parameter) {
            all.push(on(scope, kind, &id));
        }
    }
    all
}

fn make(scope: &Scope<'_, '_>, kind: &str, tags: &Tags) -> Ask {
    Ask::new(format!("ec2:{}", scope.name), scope.arn(&format!("{kind}/*"))).giving(tags)
}

/// The call's action on an object.
fn on(scope: &mut Scope<'_, '_>, kind: &str, id: &str) -> Ask {
    let tags = stored::ec2(scope, kind, id);
    Ask::new(format!("ec2:{}", scope.name), scope.arn(&format!("{kind}/{id}"))).of(tags)
}

/// The tags that a creating call gives to one type of object.
fn specified(input: &Value, kind: &str) -> Tags {
    let of_kind = |it: &&Value| it["ResourceType"] == kind;
    list(input, "TagSpecification").into_iter().filter(of_kind).flat_map(given).collect()
}

fn tags(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let given = given(scope.input);
    let ids = scope.texts("ResourceId");
    ids.iter()
        .map(|id| {
            let kind = kind_of(id);
            on(scope, kind, id).giving(&given)
        })
        .collect()
}

/// The type of an object, as its id begins.
fn kind_of(id: &str) -> &'static str {
    match id.rsplit_once('-').map_or(id, |(prefix, _)| prefix) {
        "vpc" => "vpc",
        "subnet" => "subnet",
        "igw" => "internet-gateway",
        "eipalloc" => "elastic-ip",
        "nat" => "natgateway",
        "rtb" => "route-table",
        "sg" => "security-group",
        "sgr" => "security-group-rule",
        "vpce" => "vpc-endpoint",
        "lt" => "launch-template",
        "i" => "instance",
        "fl" => "vpc-flow-log",
        "key" => "key-pair",
        "acl" => "network-acl",
        _ => "*",
    }
}

/// The table and the subnet that an association ties together.
fn association(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let asked = scope.text("AssociationId").unwrap_or_default();
    let tables = scope.access.docs(Service::Ec2).values("route-table");
    let found = tables.flat_map(|table| {
        let all = table["associationSet"].as_array().into_iter().flatten();
        all.map(move |it| (table["routeTableId"].clone(), it.clone()))
    });
    let found = found.into_iter().find(|(_, it)| it["routeTableAssociationId"] == asked);
    let Some((table, association)) = found else { return Vec::new() };
    let ids = [("route-table", &table), ("subnet", &association["subnetId"])];
    let ids = ids.into_iter().filter_map(|(kind, id)| Some((kind, id.as_str()?.to_owned())));
    ids.map(|(kind, id)| on(scope, kind, &id)).collect()
}

/// What is asked for an instance by its profile's association, or without a resource.
fn associated(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    match scope.name {
        "ReplaceIamInstanceProfileAssociation" | "DisassociateIamInstanceProfile" => {
            let id = scope.text("AssociationId").unwrap_or_default();
            let id = id.replacen("iip-assoc-", "i-", 1);
            vec![on(scope, "instance", &id)]
        }
        name => vec![Ask::new(format!("ec2:{name}"), "*")],
    }
}

/// What is asked for besides.
fn besides(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let input = scope.input;
    let mut all = Vec::new();
    match scope.name {
        "ModifySecurityGroupRules" => {
            for rule in list(input, "SecurityGroupRule") {
                let id = text(rule, "SecurityGroupRuleId").unwrap_or_default();
                all.push(on(scope, "security-group-rule", id));
            }
        }
        "CreateFlowLogs" => {
            let kind = text(input, "ResourceType").unwrap_or_default().to_ascii_lowercase();
            let kind =
                if kind == "networkinterface" { "network-interface".to_owned() } else { kind };
            for id in scope.texts("ResourceId") {
                all.push(on(scope, &kind, &id));
            }
            let role = text(input, "DeliverLogsPermissionArn");
            all.extend(role.map(|role| role::pass(role, "vpc-flow-logs.amazonaws.com")));
            if text(input, "LogDestinationType") == Some("s3") {
                all.push(Ask::new("logs:CreateLogDelivery", "*"));
            }
        }
        "DeleteFlowLogs" => {
            let to_bucket = scope.texts("FlowLogId").iter().any(|id| {
                let log = scope.access.docs(Service::Ec2).get("vpc-flow-log", id);
                log.is_some_and(|log| log["logDestinationType"] == "s3")
            });
            all.extend(to_bucket.then(|| Ask::new("logs:DeleteLogDelivery", "*")));
        }
        "CreateVpcEndpoint" | "ModifyVpcEndpoint"
            if flags(input, "PrivateDnsEnabled") == Some(true) =>
        {
            all.push(Ask::new(
                "route53:AssociateVPCWithHostedZone",
                "arn:aws:route53:::hostedzone/*",
            ));
        }
        "RunInstances" => all.extend(instance(scope)),
        "AssociateIamInstanceProfile" | "ReplaceIamInstanceProfileAssociation" => {
            let profile = input["IamInstanceProfile"].clone();
            all.extend(profile_role(scope, &profile));
        }
        _ => {}
    }
    all
}

fn instance(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let input = scope.input;
    let image = text(input, "ImageId").unwrap_or_default();
    let region = scope.access.region();
    let run = |arn: String| Ask::new("ec2:RunInstances", arn);
    let mut all = vec![
        run(format!("arn:aws:ec2:{region}::image/{image}")),
        run(scope.arn("network-interface/*")),
        run(scope.arn("volume/*")).giving(&specified(input, "volume")),
    ];
    all.extend(text(input, "KeyName").map(|name| run(scope.arn(&format!("key-pair/{name}")))));
    for interface in list(input, "NetworkInterface") {
        let subnet = text(interface, "SubnetId").map(|id| ("subnet", id.to_owned()));
        let groups = crate::wire::texts(interface, "SecurityGroupId").into_iter();
        for (kind, id) in subnet.into_iter().chain(groups.map(|id| ("security-group", id))) {
            all.push(on(scope, kind, &id));
        }
    }
    for device in list(input, "BlockDeviceMapping") {
        let of = key::at(device, &["Ebs", "KmsKeyId"]);
        let actions = ["CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext"];
        all.extend(key::used(scope, of, &actions));
    }
    let profile = input["IamInstanceProfile"].clone();
    all.extend(profile_role(scope, &profile));
    all
}

/// `iam:PassRole` of the role in a profile.
fn profile_role(scope: &mut Scope<'_, '_>, profile: &Value) -> Option<Ask> {
    let named = text(profile, "Name").or(text(profile, "Arn"))?;
    let name = named.rsplit('/').next().unwrap_or(named);
    let role = super::iam::role_in(scope, name)?;
    Some(role::pass(&role, "ec2.amazonaws.com"))
}
