//! Ids that more than one service takes.

use infra_core::text_type;

text_type! {
    /// The id of a VPC.
    VpcId, "a VPC id like `vpc-0a1b2c3d`", |text| text.starts_with("vpc-")
}
text_type! {
    /// The id of a subnet.
    SubnetId, "a subnet id like `subnet-0a1b2c3d`", |text| text.starts_with("subnet-")
}
text_type! {
    /// The id of a security group.
    SecurityGroupId, "a security group id like `sg-0a1b2c3d`", |text| text.starts_with("sg-")
}
text_type! {
    /// The id of one rule of a security group.
    SecurityGroupRuleId, "a security group rule id like `sgr-0a1b2c3d`", |text| text.starts_with("sgr-")
}
text_type! {
    /// The id of an internet gateway.
    InternetGatewayId, "an internet gateway id like `igw-0a1b2c3d`", |text| text.starts_with("igw-")
}
text_type! {
    /// The allocation id of an Elastic IP.
    AllocationId, "an allocation id like `eipalloc-0a1b2c3d`", |text| text.starts_with("eipalloc-")
}
text_type! {
    /// The id of a NAT gateway.
    NatGatewayId, "a NAT gateway id like `nat-0a1b2c3d`", |text| text.starts_with("nat-")
}
text_type! {
    /// The id of a route table.
    RouteTableId, "a route table id like `rtb-0a1b2c3d`", |text| text.starts_with("rtb-")
}
text_type! {
    /// The id of a route table's association with a subnet.
    RouteTableAssociationId, "an association id like `rtbassoc-0a1b2c3d`", |text| text.starts_with("rtbassoc-")
}
text_type! {
    /// The id of a VPC endpoint.
    VpcEndpointId, "a VPC endpoint id like `vpce-0a1b2c3d`", |text| text.starts_with("vpce-")
}
text_type! {
    /// The id of a launch template.
    LaunchTemplateId, "a launch template id like `lt-0a1b2c3d`", |text| text.starts_with("lt-")
}
text_type! {
    /// The id of an instance.
    InstanceId, "an instance id like `i-0a1b2c3d`", |text| text.starts_with("i-")
}
text_type! {
    /// The id of a flow log.
    FlowLogId, "a flow log id like `fl-0a1b2c3d`", |text| text.starts_with("fl-")
}
text_type! {
    /// The id of a machine image.
    AmiId, "an image id like `ami-0a1b2c3d`", |text| text.starts_with("ami-")
}
text_type! {
    /// The id of a network interface.
    NetworkInterfaceId, "a network interface id like `eni-0a1b2c3d`", |text| text.starts_with("eni-")
}
text_type! {
    /// The id of a prefix list.
    PrefixListId, "a prefix list id like `pl-0a1b2c3d`", |text| text.starts_with("pl-")
}
text_type! {
    /// The id of a KMS key (a UUID, or `mrk-…` for a multi-Region key).
    KeyId, "a KMS key id like `1234abcd-12ab-34cd-56ef-1234567890ab`",
    |text| !text.is_empty() && !text.contains(['/', ':', ' '])
}
text_type! {
    /// The name of an IAM role.
    RoleName, "a role name of 1 to 64 letters, digits or `+=,.@_-`",
    |text| (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c))
}
text_type! {
    /// The id of a hosted zone of Route 53, without `/hostedzone/`.
    HostedZoneId, "a hosted zone id like `Z0123456789ABC`",
    |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
