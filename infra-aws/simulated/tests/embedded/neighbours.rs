//! EKS and Auto Scaling here, the services next to them elsewhere; and the other way, the checks
//! where they are here.

use serde_json::{Value, json};

use crate::caller::{Caller, instant};

const ROLE: &str = "arn:aws:iam::123456789012:role/elsewhere";
const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/6a1e1f0c-0000-4000-8000-000000000000";
const TARGETS: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef";

fn cluster() -> Value {
    json!({
        "name": "main", "version": "1.34", "roleArn": ROLE, "tags": {"k": "v"},
        "resourcesVpcConfig": {
            "subnetIds": ["subnet-1", "subnet-2", "subnet-3"], "securityGroupIds": ["sg-1"],
        },
        "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": KEY}}],
        "accessConfig": {"authenticationMode": "API"},
    })
}

fn node_group() -> Value {
    json!({
        "nodegroupName": "a", "nodeRole": ROLE, "subnets": ["subnet-1", "subnet-2"],
        "scalingConfig": {"minSize": 2, "maxSize": 4, "desiredSize": 4},
        "launchTemplate": {"id": "lt-0123456789abcdef0", "version": "3"},
    })
}

async fn get(aws: &Caller, path: &str) -> Value {
    aws.eks("GET", path, Value::Null).await.ok().json()
}

async fn post(aws: &Caller, path: &str, input: Value) -> Value {
    aws.eks("POST", path, input).await.ok().json()
}

async fn refused(aws: &Caller, path: &str, input: Value) {
    assert_eq!(aws.eks("POST", path, input).await.code(), "InvalidParameterException");
}

#[tokio::test]
async fn a_cluster_of_a_foreign_network() {
    let aws = instant();
    post(&aws, "/clusters", cluster()).await;
    let seen = get(&aws, "/clusters/main").await["cluster"].clone();
    assert_eq!(seen["status"], "ACTIVE");
    assert_eq!(seen["encryptionConfig"][0]["provider"]["keyArn"], KEY);
    let network = &seen["resourcesVpcConfig"];
    let vpc = network["vpcId"].as_str().unwrap();
    assert!(vpc.starts_with("vpc-") && vpc.len() == 21, "{vpc}");
    let group = network["clusterSecurityGroupId"].as_str().unwrap();
    assert!(group.starts_with("sg-") && group.len() == 20, "{group}");

    // Its group is not an object here, or EC2 would seem to be.
    let by_id = format!("GroupId.1={group}");
    assert_eq!(aws.ec2("DescribeSecurityGroups", &by_id).await.code(), "InvalidGroup.NotFound");

    let moved = json!({"resourcesVpcConfig": {"subnetIds": ["subnet-2", "subnet-4"]}});
    post(&aws, "/clusters/main/update-config", moved).await;
    post(&aws, "/clusters/main/updates", json!({"version": "1.35"})).await;
    let seen = get(&aws, "/clusters/main").await["cluster"].clone();
    assert_eq!(seen["resourcesVpcConfig"]["vpcId"], vpc);
    assert_eq!(seen["resourcesVpcConfig"]["clusterSecurityGroupId"], group);
    assert_eq!(seen["resourcesVpcConfig"]["subnetIds"], json!(["subnet-2", "subnet-4"]));

    aws.eks("DELETE", "/clusters/main", Value::Null).await.ok();
    let gone = aws.eks("GET", "/clusters/main", Value::Null).await;
    assert_eq!(gone.code(), "ResourceNotFoundException");
}

#[tokio::test]
async fn what_is_misshapen_is_refused_wherever_it_is() {
    let aws = instant();
    for (field, value) in [("roleArn", json!("elsewhere")), ("version", json!("0.1"))] {
        let mut input = cluster();
        input[field] = value;
        refused(&aws, "/clusters", input).await;
    }
    for subnets in [json!(["subnet-1"]), json!(["subnet-1", "subnet-1"]), json!(["a", "b"])] {
        let mut input = cluster();
        input["resourcesVpcConfig"]["subnetIds"] = subnets;
        refused(&aws, "/clusters", input).await;
    }
}

#[tokio::test]
async fn a_node_group_of_a_foreign_network() {
    let aws = instant();
    post(&aws, "/clusters", cluster()).await;
    for template in [json!({}), json!({"id": "template"}), json!({"id": "lt-1", "name": "n"})] {
        let mut input = node_group();
        input["launchTemplate"] = template;
        refused(&aws, "/clusters/main/node-groups", input).await;
    }
    post(&aws, "/clusters/main/node-groups", node_group()).await;
    let path = "/clusters/main/node-groups/a";
    let seen = get(&aws, path).await["nodegroup"].clone();
    assert_eq!(seen["launchTemplate"], json!({"id": "lt-0123456789abcdef0", "version": "3"}));
    let group = seen["resources"]["autoScalingGroups"][0]["name"].as_str().unwrap();
    let by_name = format!("AutoScalingGroupNames.member.1={group}");
    let scaling = aws.query("autoscaling", "DescribeAutoScalingGroups", &by_name).await.ok();
    let zones = scaling.get("AvailabilityZones");
    assert_eq!(zones.matches("<member>").count(), 2, "{zones}");
    assert!(zones.contains("eu-west-1a") && zones.contains("eu-west-1b"), "{zones}");
    assert_eq!(scaling.get("VPCZoneIdentifier"), "subnet-1,subnet-2");

    let attach = format!("AutoScalingGroupName={group}&TargetGroupARNs.member.1={TARGETS}");
    for action in ["AttachLoadBalancerTargetGroups", "DetachLoadBalancerTargetGroups"] {
        aws.query("autoscaling", action, &attach).await.ok();
    }

    let newer = json!({"launchTemplate": {"id": "lt-0123456789abcdef0", "version": "4"}});
    post(&aws, &format!("{path}/update-version"), newer).await;
    assert_eq!(get(&aws, path).await["nodegroup"]["launchTemplate"]["version"], "4");
    let other = json!({"launchTemplate": {"id": "lt-1", "version": "1"}});
    refused(&aws, &format!("{path}/update-version"), other).await;
    let size = json!({"scalingConfig": {"desiredSize": 3}, "labels": {"addOrUpdateLabels": {}}});
    post(&aws, &format!("{path}/update-config"), size).await;
    let scaling = aws.query("autoscaling", "DescribeAutoScalingGroups", &by_name).await.ok();
    assert_eq!(scaling.get("DesiredCapacity"), "3");
    aws.eks("DELETE", path, Value::Null).await.ok();
    aws.eks("DELETE", "/clusters/main", Value::Null).await.ok();
}

#[tokio::test]
async fn everything_in_a_foreign_cluster() {
    let aws = instant();
    let arn = post(&aws, "/clusters", cluster()).await["cluster"]["arn"].clone();
    let tags = format!("/tags/{}", arn.as_str().unwrap().replace('/', "%2F").replace(':', "%3A"));
    post(&aws, &tags, json!({"tags": {"more": "1"}})).await;
    aws.eks("DELETE", &format!("{tags}?tagKeys=k"), Value::Null).await.ok();
    assert_eq!(get(&aws, &tags).await["tags"], json!({"more": "1"}));

    let addon = json!({
        "addonName": "vpc-cni", "serviceAccountRoleArn": ROLE,
        "podIdentityAssociations": [{"serviceAccount": "aws-node", "roleArn": ROLE}],
    });
    post(&aws, "/clusters/main/addons", addon).await;
    let change = json!({"configurationValues": "{}", "serviceAccountRoleArn": ROLE});
    post(&aws, "/clusters/main/addons/vpc-cni/update", change).await;
    let seen = get(&aws, "/clusters/main/addons/vpc-cni").await["addon"].clone();
    assert_eq!((&seen["status"], &seen["configurationValues"]), (&json!("ACTIVE"), &json!("{}")));
    aws.eks("DELETE", "/clusters/main/addons/vpc-cni", Value::Null).await.ok();

    post(&aws, "/clusters/main/access-entries", json!({"principalArn": ROLE})).await;
    let entry = format!("/clusters/main/access-entries/{}", ROLE.replace('/', "%2F"));
    post(&aws, &entry, json!({"kubernetesGroups": ["g"]})).await;
    assert_eq!(get(&aws, &entry).await["accessEntry"]["kubernetesGroups"], json!(["g"]));
    aws.eks("DELETE", &entry, Value::Null).await.ok();

    let path = "/clusters/main/pod-identity-associations";
    let association = json!({"namespace": "n", "serviceAccount": "s", "roleArn": ROLE});
    let made = post(&aws, path, association).await;
    let one = format!("{path}/{}", made["association"]["associationId"].as_str().unwrap());
    post(&aws, &one, json!({"roleArn": format!("{ROLE}-2")})).await;
    assert_eq!(get(&aws, &one).await["association"]["roleArn"], format!("{ROLE}-2"));
    aws.eks("DELETE", &one, Value::Null).await.ok();
    aws.eks("DELETE", "/clusters/main", Value::Null).await.ok();
}

/// Each neighbour alone: what the others know is of no account.
#[tokio::test]
async fn a_neighbour_that_is_here_is_asked() {
    let aws = instant();
    aws.role("known").await;
    refused(&aws, "/clusters", cluster()).await;

    let aws = instant();
    aws.json("kms", "CreateKey", json!({})).await.ok();
    refused(&aws, "/clusters", cluster()).await;
    let mut plain = cluster();
    plain["encryptionConfig"] = Value::Null;
    post(&aws, "/clusters", plain).await;
    let config = cluster()["encryptionConfig"].clone();
    let add = json!({"encryptionConfig": config});
    refused(&aws, "/clusters/main/encryption-config/associate", add).await;

    let aws = instant();
    let (vpc, subnets) = aws.network().await;
    refused(&aws, "/clusters", cluster()).await;
    let mut input = cluster();
    input["resourcesVpcConfig"]["subnetIds"] = json!(subnets);
    refused(&aws, "/clusters", input.clone()).await;
    let group = aws.group(&vpc, "g").await;
    input["resourcesVpcConfig"]["securityGroupIds"] = json!([group]);
    post(&aws, "/clusters", input).await;
    let foreign = json!({"resourcesVpcConfig": {"securityGroupIds": ["sg-1"]}});
    refused(&aws, "/clusters/main/update-config", foreign).await;
    refused(&aws, "/clusters/main/node-groups", node_group()).await;
    let mut input = node_group();
    input["subnets"] = json!(subnets);
    refused(&aws, "/clusters/main/node-groups", input.clone()).await;
    input["launchTemplate"] = Value::Null;
    post(&aws, "/clusters/main/node-groups", input).await;

    let seen = get(&aws, "/clusters/main/node-groups/a").await;
    let name = seen["nodegroup"]["resources"]["autoScalingGroups"][0]["name"].clone();
    let attach = format!(
        "AutoScalingGroupName={}&TargetGroupARNs.member.1={TARGETS}",
        name.as_str().unwrap()
    );
    let here = format!("Name=here&Protocol=TCP&Port=80&VpcId={vpc}");
    aws.query("elasticloadbalancing", "CreateTargetGroup", &here).await.ok();
    let unknown = aws.query("autoscaling", "AttachLoadBalancerTargetGroups", &attach).await;
    assert_eq!(unknown.code(), "ValidationError");
}

/// Regions are worlds of their own in this too; IAM is the same in all.
#[tokio::test]
async fn a_neighbour_is_here_by_region() {
    let aws = instant();
    aws.network().await;
    let far = Caller { region: "us-east-1", ..aws.clone() };
    post(&far, "/clusters", cluster()).await;
    refused(&aws, "/clusters", cluster()).await;
    aws.role("known").await;
    let mut second = cluster();
    second["name"] = json!("second");
    refused(&far, "/clusters", second).await;
}
