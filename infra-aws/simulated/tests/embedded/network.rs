//! EC2: what belongs together, what blocks what, what takes time.

use crate::caller::{caller, endless, instant};
use infra_aws_simulated::{Cloud, Settings};

#[tokio::test]
async fn a_new_vpc_has_its_group_table_and_acl() {
    let aws = instant();
    let (vpc, _) = aws.network().await;
    let filter = format!("Filter.1.Name=vpc-id&Filter.1.Value.1={vpc}");
    let groups = aws.ec2("DescribeSecurityGroups", &filter).await.ok();
    assert_eq!(groups.get("groupName"), "default");
    assert!(groups.get("ipPermissionsEgress").contains("0.0.0.0/0"));
    assert_eq!(aws.ec2("DescribeRouteTables", &filter).await.ok().get("main"), "true");
    assert_eq!(aws.ec2("DescribeNetworkAcls", &filter).await.ok().get("default"), "true");
}

#[tokio::test]
async fn dns_attributes_are_set_one_a_call() {
    let aws = instant();
    let (vpc, _) = aws.network().await;
    let on = format!("VpcId={vpc}&EnableDnsHostnames.Value=true");
    aws.ec2("ModifyVpcAttribute", &on).await.ok();
    let asked = format!("VpcId={vpc}&Attribute=enableDnsHostnames");
    assert_eq!(aws.ec2("DescribeVpcAttribute", &asked).await.ok().get("value"), "true");
    let both = format!("{on}&EnableDnsSupport.Value=true");
    assert_eq!(aws.ec2("ModifyVpcAttribute", &both).await.code(), "InvalidParameterCombination");
}

#[tokio::test]
async fn nothing_is_deleted_from_under_its_users() {
    let aws = instant();
    let (vpc, subnets) = aws.network().await;
    let gateway = aws.ec2("CreateInternetGateway", "").await.get("internetGatewayId");
    let attach = format!("InternetGatewayId={gateway}&VpcId={vpc}");
    aws.ec2("AttachInternetGateway", &attach).await.ok();
    let address = aws.ec2("AllocateAddress", "Domain=vpc").await.ok().get("allocationId");
    let nat = format!("SubnetId={}&AllocationId={address}", subnets[0]);
    let nat = aws.ec2("CreateNatGateway", &nat).await.ok().get("natGatewayId");

    let blocked = [
        ("DeleteSubnet", format!("SubnetId={}", subnets[0]), "DependencyViolation"),
        ("DeleteVpc", format!("VpcId={vpc}"), "DependencyViolation"),
        ("DetachInternetGateway", attach.clone(), "DependencyViolation"),
        ("DeleteInternetGateway", format!("InternetGatewayId={gateway}"), "DependencyViolation"),
        ("ReleaseAddress", format!("AllocationId={address}"), "InvalidIPAddress.InUse"),
    ];
    for (action, input, code) in &blocked {
        assert_eq!(aws.ec2(action, input).await.code(), *code, "{action}");
    }
    aws.ec2("DeleteNatGateway", &format!("NatGatewayId={nat}")).await.ok();
    aws.ec2("DetachInternetGateway", &attach).await.ok();
    aws.ec2("ReleaseAddress", &format!("AllocationId={address}")).await.ok();
    for subnet in &subnets {
        aws.ec2("DeleteSubnet", &format!("SubnetId={subnet}")).await.ok();
    }
    aws.ec2("DeleteVpc", &format!("VpcId={vpc}")).await.ok();
    assert!(!aws.ec2("DescribeSecurityGroups", "").await.text.contains("groupId"));
}

#[tokio::test]
async fn a_nat_gateway_takes_its_time_and_stays_visible() {
    let aws = caller(Cloud::memory(Settings::default()));
    let (_, subnets) = aws.network().await;
    let address = aws.ec2("AllocateAddress", "Domain=vpc").await.get("allocationId");
    let input = format!("SubnetId={}&AllocationId={address}", subnets[0]);
    let made = aws.ec2("CreateNatGateway", &input).await.ok();
    assert_eq!(made.get("state"), "pending");
    let id = format!("NatGatewayId={}", made.get("natGatewayId"));
    let by_id = format!("NatGatewayId.1={}", made.get("natGatewayId"));
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    assert_eq!(aws.ec2("DescribeNatGateways", &by_id).await.get("state"), "available");
    aws.ec2("DeleteNatGateway", &id).await.ok();
    assert_eq!(aws.ec2("DescribeNatGateways", &by_id).await.get("state"), "deleting");
    tokio::time::sleep(std::time::Duration::from_millis(40)).await;
    assert_eq!(aws.ec2("DescribeNatGateways", &by_id).await.get("state"), "deleted");
}

#[tokio::test]
async fn a_client_token_makes_one_object() {
    let aws = instant();
    let (vpc, _) = aws.network().await;
    let input = format!("VpcId={vpc}&ClientToken=once");
    let first = aws.ec2("CreateRouteTable", &input).await.ok().get("routeTableId");
    let second = aws.ec2("CreateRouteTable", &input).await.ok().get("routeTableId");
    assert_eq!(first, second);
    let (other, _) = aws.network().await;
    let input = format!("VpcId={other}&ClientToken=once");
    assert_eq!(aws.ec2("CreateRouteTable", &input).await.code(), "IdempotentParameterMismatch");
}

#[tokio::test]
async fn rules_have_ids_tags_and_canonical_ranges() {
    let aws = instant();
    let (vpc, _) = aws.network().await;
    let (group, other) = (aws.group(&vpc, "one").await, aws.group(&vpc, "two").await);
    let input = format!(
        "GroupId={group}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=443&\
         IpPermissions.1.ToPort=443&IpPermissions.1.IpRanges.1.CidrIp=100.68.0.18/18&\
         TagSpecification.1.ResourceType=security-group-rule&TagSpecification.1.Tag.1.Key=k&\
         TagSpecification.1.Tag.1.Value=v"
    );
    let made = aws.ec2("AuthorizeSecurityGroupIngress", &input).await.ok();
    assert_eq!(made.get("cidrIpv4"), "100.68.0.0/18");
    let rule = made.get("securityGroupRuleId");
    assert_eq!(
        aws.ec2("AuthorizeSecurityGroupIngress", &input).await.code(),
        "InvalidPermission.Duplicate"
    );
    let change = format!(
        "GroupId={group}&SecurityGroupRule.1.SecurityGroupRuleId={rule}&\
         SecurityGroupRule.1.SecurityGroupRule.IpProtocol=tcp&\
         SecurityGroupRule.1.SecurityGroupRule.FromPort=80&\
         SecurityGroupRule.1.SecurityGroupRule.ToPort=81&\
         SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId={other}"
    );
    aws.ec2("ModifySecurityGroupRules", &change).await.ok();
    let seen =
        aws.ec2("DescribeSecurityGroupRules", &format!("SecurityGroupRuleId.1={rule}")).await.ok();
    assert_eq!(
        seen.get("referencedGroupInfo"),
        format!("<groupId>{other}</groupId><userId>123456789012</userId>")
    );
    assert_eq!((seen.get("toPort"), seen.get("key")), ("81".to_owned(), "k".to_owned()));
    let delete = format!("GroupId={other}");
    assert_eq!(aws.ec2("DeleteSecurityGroup", &delete).await.code(), "DependencyViolation");
    let revoke = format!("GroupId={group}&SecurityGroupRuleId.1={rule}");
    aws.ec2("RevokeSecurityGroupIngress", &revoke).await.ok();
    aws.ec2("DeleteSecurityGroup", &delete).await.ok();
}

#[tokio::test]
async fn one_unknown_id_fails_the_whole_call() {
    let aws = instant();
    let (vpc, _) = aws.network().await;
    let input = format!("VpcId.1={vpc}&VpcId.2=vpc-0");
    assert_eq!(aws.ec2("DescribeVpcs", &input).await.code(), "InvalidVpcID.NotFound");
    let filtered = "Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-0";
    assert!(!aws.ec2("DescribeVpcs", filtered).await.ok().text.contains("vpcId"));
}

#[tokio::test]
async fn describe_calls_have_pages() {
    let aws = instant();
    aws.network().await;
    let first = aws.ec2("DescribeSubnets", "MaxResults=2").await.ok();
    assert_eq!(first.text.matches("<subnetId>").count(), 2);
    let next = format!("MaxResults=2&NextToken={}", first.get("nextToken"));
    let second = aws.ec2("DescribeSubnets", &next).await.ok();
    assert_eq!(second.text.matches("<subnetId>").count(), 1);
    assert_eq!(second.find("nextToken"), None);
}

#[tokio::test]
async fn interface_endpoints_need_dns_and_take_time() {
    let aws = endless();
    let (vpc, subnets) = aws.network().await;
    let input = format!(
        "VpcId={vpc}&VpcEndpointType=Interface&ServiceName=com.amazonaws.eu-west-1.ssm&\
         SubnetId.1={}",
        subnets[0]
    );
    assert_eq!(aws.ec2("CreateVpcEndpoint", &input).await.code(), "InvalidParameter");
    let on = format!("VpcId={vpc}&EnableDnsHostnames.Value=true");
    aws.ec2("ModifyVpcAttribute", &on).await.ok();
    assert_eq!(aws.ec2("CreateVpcEndpoint", &input).await.ok().get("state"), "pending");
    let delete = format!("SubnetId={}", subnets[0]);
    assert_eq!(aws.ec2("DeleteSubnet", &delete).await.code(), "DependencyViolation");
}

#[tokio::test]
async fn regions_and_accounts_are_worlds_of_their_own() {
    let aws = instant();
    aws.network().await;
    let elsewhere = crate::caller::Caller { region: "us-east-1", ..aws.clone() };
    assert!(!elsewhere.ec2("DescribeVpcs", "").await.ok().text.contains("vpcId"));

    let role = "RoleArn=arn:aws:iam::210987654321:role/deploy&RoleSessionName=me";
    let session = aws.query("sts", "AssumeRole", role).await.ok();
    let other = crate::caller::Caller { key: session.get("AccessKeyId"), ..aws.clone() };
    let who = other.query("sts", "GetCallerIdentity", "").await.ok();
    assert_eq!(who.get("Account"), "210987654321");
    assert_eq!(who.get("Arn"), "arn:aws:sts::210987654321:assumed-role/deploy/me");
    assert!(!other.ec2("DescribeVpcs", "").await.ok().text.contains("vpcId"));
    assert_eq!(other.role("mine").await, "arn:aws:iam::210987654321:role/mine");
    let seen = aws.query("iam", "GetRole", "RoleName=mine").await;
    assert_eq!(seen.code(), "NoSuchEntity");
}
