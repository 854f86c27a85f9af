//! A Terraform state's objects, held here with their own ids.

use std::collections::BTreeMap;

use infra_aws_simulated::{Cloud, Settings};
use serde_json::{Value, json};

use crate::caller::caller;

/// A real state: Terraform 1.11, aws provider 3.8, 66 managed instances.
const SEED: &str = include_str!("../../../../infra-core/tests/data/terraform/seed.tfstate");

fn seed() -> Value {
    serde_json::from_str(SEED).unwrap()
}

async fn planted() -> (Cloud, Vec<(String, String)>) {
    let cloud = Cloud::memory(Settings::default());
    let planted = cloud.plant(&seed()).await.unwrap().unwrap();
    assert_eq!(planted.account, "123456789012");
    (cloud, planted.left)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_aws_in_a_real_state_is_held() {
    let (cloud, left) = planted().await;
    let left: BTreeMap<_, _> = left.iter().map(|(it, why)| (it.as_str(), why.as_str())).collect();
    let expected = [
        "module.eks.kubernetes_config_map.aws_auth[0]",
        "module.eks.null_resource.wait_for_cluster[0]",
        "module.eks.random_pet.workers[0]",
        "module.eks.random_pet.workers[1]",
        "random_string.postgres_password",
        "random_string.suffix",
    ];
    assert_eq!(left.keys().copied().collect::<Vec<_>>(), expected, "{left:#?}");
    assert!(left.values().all(|why| *why == "nothing of AWS"));

    let held = cloud.inventory().unwrap();
    for (table, count) in [
        ("autoscaling/group", 2),
        ("autoscaling/launch-configuration", 2),
        ("ec2/elastic-ip", 1),
        // Those of the groups.
        ("ec2/instance", 3),
        ("ec2/internet-gateway", 1),
        ("ec2/natgateway", 1),
        // The VPC's main one too.
        ("ec2/route-table", 3),
        // The VPC's default one and the cluster's own too.
        ("ec2/security-group", 8),
        ("ec2/subnet", 9),
        ("ec2/vpc", 1),
        ("eks/cluster", 1),
        ("rds/instance", 1),
        ("rds/subnet-group", 1),
        ("ssm/parameter", 1),
    ] {
        assert_eq!(held.get(table), Some(&count), "{table} of {held:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_the_ids_and_what_no_call_can_say() {
    let (cloud, _) = planted().await;
    let caller = caller(cloud);
    let vpc = "vpc-44f69cfe7f53ba48c";
    let groups = format!("Filter.1.Name=vpc-id&Filter.1.Value.1={vpc}");
    let groups = caller.ec2("DescribeSecurityGroups", &groups).await.ok();
    for id in ["sg-521b632c5ab1fe82b", "sg-2f63165ce9188b214", "sg-4b76175a5a4b36cb7"] {
        assert!(groups.text.contains(id), "{id}");
    }
    let tables = caller.ec2("DescribeRouteTables", "").await.ok();
    for id in ["rtb-f22577257907681d2", "rtb-20abc62e802816f91", "rtbassoc-0589cd90496c01f64"] {
        assert!(tables.text.contains(id), "{id}");
    }
    let acls = caller.ec2("DescribeNetworkAcls", "").await.ok();
    assert!(acls.text.contains("acl-c5bb523d0b06bc31e"));
    let nat = caller.ec2("DescribeNatGateways", "").await.ok();
    assert_eq!(
        (nat.get("state"), nat.get("publicIp")),
        ("available".into(), "127.54.239.1".into())
    );
    assert_eq!(nat.get("networkInterfaceId"), "eni-d7d1a45a931a7bc6a");
    let rules = "Filter.1.Name=group-id&Filter.1.Value.1=sg-240422e178310515d";
    let rules = caller.ec2("DescribeSecurityGroupRules", rules).await.ok();
    assert_eq!(rules.text.matches("<securityGroupRuleId>").count(), 4, "{}", rules.text);

    let path = "/clusters/koho-eks-R6P4dNFB";
    let cluster = caller.send("eks", "GET", path, &[], "").await.ok().json();
    let cluster = &cluster["cluster"];
    assert_eq!((&cluster["version"], &cluster["status"]), (&json!("1.17"), &json!("ACTIVE")));
    assert_eq!(cluster["resourcesVpcConfig"]["clusterSecurityGroupId"], "sg-2f63165ce9188b214");
    assert_eq!(cluster["accessConfig"]["authenticationMode"], "CONFIG_MAP");
    let database = caller.query("rds", "DescribeDBInstances", "").await.ok();
    assert_eq!(database.get("EngineVersion"), "10.6");
    assert_eq!(database.get("Address"), "mytest-db.aaaaaaaaaa.eu-west-1.rds.amazonaws.com");
    assert_eq!(database.get("DBParameterGroupName"), "default.postgres10");
    let role = "RoleName=koho-eks-R6P4dNFB20261122191204418200000001";
    let role = caller.query("iam", "GetRole", role).await.ok();
    assert_eq!(role.get("RoleId"), "AROARZPUZDIKM5IRXCRYN");
    let group = caller.query("autoscaling", "DescribeAutoScalingGroups", "").await.ok();
    assert_eq!(group.text.matches("<LifecycleState>InService").count(), 3, "{}", group.text);
    assert!(group.text.contains("autoScalingGroup:8df8d4a8-5a7c-455f-b6ba-f699b7734556"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_state_or_does_not_fit_is_said() {
    let cloud = Cloud::memory(Settings::default());
    let said = cloud.plant(&json!({"version": 3})).await.unwrap().unwrap_err();
    assert!(said.contains("version 4"), "{said}");
    let subnet = json!({"id": "subnet-1", "vpc_id": "vpc-none", "cidr_block": "10.0.0.0/24"});
    let state = json!({"version": 4, "resources": [
        {"mode": "managed", "type": "aws_subnet", "name": "a b", "module": "module.net[\"x y\"]",
         "instances": [{"index_key": "k", "attributes": subnet}]},
        {"mode": "data", "type": "aws_ami", "name": "a", "instances": []},
    ]});
    let planted = cloud.plant(&state).await.unwrap().unwrap();
    assert!(planted.planted.is_empty());
    let [(address, why)] = &planted.left[..] else { panic!("{planted:?}") };
    assert_eq!(address, r#"module.net["x y"].aws_subnet.a b["k"]"#);
    assert!(why.contains("vpc-none"), "{why}");
}
