//! The kinds of EC2 objects: where they are kept, how they are called, how they are found.

use serde_json::Value;

use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::wire::{Failure, fail, text};

/// One kind of object.
pub(crate) struct Kind {
    /// The table, and the type in a tag specification.
    pub(super) table: &'static str,
    /// The beginning of ids.
    pub(super) prefix: &'static str,
    /// The field of the id in a document.
    pub(super) id: &'static str,
    /// The parameter with ids in a describe call.
    pub(super) param: &'static str,
    /// The list in a describe reply.
    pub(super) set: &'static str,
    /// The error for an id that does not exist.
    pub(super) missing: &'static str,
    /// Filters whose field is not simply the filter's name in camel case.
    pub(super) filters: &'static [(&'static str, &'static str)],
}

macro_rules! kinds {
    ($($name:ident = $table:literal $prefix:literal $id:literal $param:literal $set:literal
       $missing:literal [$($filter:literal $path:literal),*];)+) => {
        $(pub(super) static $name: Kind = Kind {
            table: $table, prefix: $prefix, id: $id, param: $param, set: $set, missing: $missing,
            filters: &[$(($filter, $path)),*],
        };)+
        /// All kinds: what tags can be put on.
        pub(super) static ALL: &[&Kind] = &[$(&$name),+];
    };
}

kinds! {
    VPC = "vpc" "vpc" "vpcId" "VpcId" "vpcSet" "InvalidVpcID.NotFound"
        ["cidr" "cidrBlock", "cidr-block-association.cidr-block" "cidrBlockAssociationSet.cidrBlock"];
    SUBNET = "subnet" "subnet" "subnetId" "SubnetId" "subnetSet" "InvalidSubnetID.NotFound"
        ["cidr" "cidrBlock"];
    INTERNET_GATEWAY = "internet-gateway" "igw" "internetGatewayId" "InternetGatewayId"
        "internetGatewaySet" "InvalidInternetGatewayID.NotFound"
        ["attachment.vpc-id" "attachmentSet.vpcId", "attachment.state" "attachmentSet.state"];
    ADDRESS = "elastic-ip" "eipalloc" "allocationId" "AllocationId" "addressesSet"
        "InvalidAllocationID.NotFound" [];
    NAT_GATEWAY = "natgateway" "nat" "natGatewayId" "NatGatewayId" "natGatewaySet"
        "NatGatewayNotFound" [];
    ROUTE_TABLE = "route-table" "rtb" "routeTableId" "RouteTableId" "routeTableSet"
        "InvalidRouteTableID.NotFound"
        ["association.route-table-association-id" "associationSet.routeTableAssociationId",
         "association.subnet-id" "associationSet.subnetId",
         "association.route-table-id" "associationSet.routeTableId",
         "association.main" "associationSet.main",
         "association.gateway-id" "associationSet.gatewayId",
         "route.destination-cidr-block" "routeSet.destinationCidrBlock",
         "route.gateway-id" "routeSet.gatewayId",
         "route.nat-gateway-id" "routeSet.natGatewayId"];
    NETWORK_ACL = "network-acl" "acl" "networkAclId" "NetworkAclId" "networkAclSet"
        "InvalidNetworkAclID.NotFound" ["default" "default"];
    SECURITY_GROUP = "security-group" "sg" "groupId" "GroupId" "securityGroupInfo"
        "InvalidGroup.NotFound"
        ["description" "groupDescription", "ip-permission.group-id" "ipPermissions.groups.groupId",
         "ip-permission.cidr" "ipPermissions.ipRanges.cidrIp",
         "egress.ip-permission.group-id" "ipPermissionsEgress.groups.groupId"];
    SECURITY_GROUP_RULE = "security-group-rule" "sgr" "securityGroupRuleId" "SecurityGroupRuleId"
        "securityGroupRuleSet" "InvalidSecurityGroupRuleId.NotFound" [];
    VPC_ENDPOINT = "vpc-endpoint" "vpce" "vpcEndpointId" "VpcEndpointId" "vpcEndpointSet"
        "InvalidVpcEndpointId.NotFound" ["vpc-endpoint-state" "state"];
    LAUNCH_TEMPLATE = "launch-template" "lt" "launchTemplateId" "LaunchTemplateId"
        "launchTemplates" "InvalidLaunchTemplateId.NotFound" [];
    INSTANCE = "instance" "i" "instanceId" "InstanceId" "instancesSet"
        "InvalidInstanceID.NotFound"
        ["instance-state-name" "instanceState.name",
         "instance-state-code" "instanceState.code",
         "instance.group-id" "groupSet.groupId",
         "availability-zone" "placement.availabilityZone",
         "iam-instance-profile.arn" "iamInstanceProfile.arn"];
    FLOW_LOG = "vpc-flow-log" "fl" "flowLogId" "FlowLogId" "flowLogSet"
        "InvalidFlowLogId.NotFound" [];
    KEY_PAIR = "key-pair" "key" "keyPairId" "KeyPairId" "keySet" "InvalidKeyPair.NotFound" [];
}

impl Kind {
    /// A new id.
    pub(super) fn new_id(&self) -> String {
        format!("{}-{}", self.prefix, hex(17))
    }

    /// The object, or the error of this kind.
    pub(super) fn find(&self, access: &mut Access<'_>, id: &str) -> Result<Value, Failure> {
        let missing = || self.not_found(id);
        access.docs(Service::Ec2).get(self.table, id).cloned().ok_or_else(missing)
    }

    /// The object the parameter names.
    pub(super) fn param(
        &self,
        access: &mut Access<'_>,
        name: &str,
    ) -> Result<(String, Value), Failure> {
        let id = need(access.input(), name)?.to_owned();
        let document = self.find(access, &id)?;
        Ok((id, document))
    }

    pub(super) fn edit<'a>(
        &self,
        access: &'a mut Access<'_>,
        id: &str,
    ) -> Result<&'a mut Value, Failure> {
        let missing = self.not_found(id);
        access.docs(Service::Ec2).edit(self.table, id).ok_or(missing)
    }

    pub(super) fn not_found(&self, id: &str) -> Failure {
        let what = self.param.trim_end_matches("Id");
        fail(self.missing, format!("The {what} ID '{id}' does not exist"))
    }

    /// Keeps a new object, with the tags its creation asked for.
    pub(super) fn put(&self, access: &mut Access<'_>, id: &str, mut document: Value) -> Value {
        if document["tagSet"].is_null() {
            document["tagSet"] = super::tags::specified(access.input(), self.table);
        }
        document["_born"] = access.now.into();
        access.docs(Service::Ec2).put(self.table, id, document.clone());
        document
    }

    pub(super) fn remove(&self, access: &mut Access<'_>, id: &str) {
        access.docs(Service::Ec2).remove(self.table, id);
    }
}

/// A parameter that must be there.
pub(super) fn need<'a>(input: &'a Value, name: &str) -> Result<&'a str, Failure> {
    text(input, name).ok_or_else(|| {
        fail("MissingParameter", format!("The request must contain the parameter {name}"))
    })
}

/// `DependencyViolation`.
pub(super) fn dependent(what: &str, id: &str, user: &str) -> Failure {
    fail(
        "DependencyViolation",
        format!("The {what} '{id}' has dependencies and cannot be deleted ({user})."),
    )
}
