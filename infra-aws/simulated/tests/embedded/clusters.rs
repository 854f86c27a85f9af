//! EKS.

use serde_json::{Value, json};

use crate::caller::{Caller, endless, instant};

async fn cluster(aws: &Caller, subnets: &[String]) -> Value {
    let role = aws.role("eks").await;
    let input = json!({
        "name": "main", "version": "1.34", "roleArn": role, "clientRequestToken": "t",
        "resourcesVpcConfig": {"subnetIds": subnets},
        "accessConfig": {
            "authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": false,
        },
    });
    aws.eks("POST", "/clusters", input).await.ok().json()["cluster"].clone()
}

#[tokio::test]
async fn a_role_must_exist_and_subnets_be_in_two_zones() {
    let aws = instant();
    let (_, subnets) = aws.network().await;
    let role = aws.role("eks").await;
    let mut input = json!({
        "name": "main", "roleArn": "arn:aws:iam::123456789012:role/none",
        "resourcesVpcConfig": {"subnetIds": subnets},
    });
    let refused = aws.eks("POST", "/clusters", input.clone()).await;
    assert_eq!(refused.code(), "InvalidParameterException");
    input["roleArn"] = json!(role);
    input["resourcesVpcConfig"]["subnetIds"] = json!([subnets[0]]);
    let refused = aws.eks("POST", "/clusters", input).await;
    assert_eq!(refused.code(), "InvalidParameterException");
}

#[tokio::test]
async fn a_cluster_is_being_made_then_complete() {
    let aws = endless();
    let (_, subnets) = aws.network().await;
    let made = cluster(&aws, &subnets).await;
    assert_eq!((made["status"].as_str(), made["endpoint"].as_str()), (Some("CREATING"), None));
    let early = json!({"addonName": "coredns"});
    let refused = aws.eks("POST", "/clusters/main/addons", early).await;
    assert_eq!(refused.code(), "InvalidRequestException");

    let aws = instant();
    let (_, subnets) = aws.network().await;
    cluster(&aws, &subnets).await;
    let seen = aws.eks("GET", "/clusters/main", Value::Null).await.ok().json()["cluster"].clone();
    assert_eq!(seen["status"], "ACTIVE");
    assert!(seen["endpoint"].as_str().unwrap().ends_with(".simulated.invalid"));
    assert!(seen["identity"]["oidc"]["issuer"].is_string());
    assert!(seen["certificateAuthority"]["data"].as_str().unwrap().len() > 500);
    let group = seen["resourcesVpcConfig"]["clusterSecurityGroupId"].as_str().unwrap().to_owned();
    let by_id = format!("GroupId.1={group}");
    aws.ec2("DescribeSecurityGroups", &by_id).await.ok();
    aws.eks("DELETE", "/clusters/main", Value::Null).await.ok();
    let gone = aws.eks("GET", "/clusters/main", Value::Null).await;
    assert_eq!(gone.code(), "ResourceNotFoundException");
    assert_eq!(aws.ec2("DescribeSecurityGroups", &by_id).await.code(), "InvalidGroup.NotFound");
}

#[tokio::test]
async fn a_node_group_has_a_real_scaling_group() {
    let aws = instant();
    let (_, subnets) = aws.network().await;
    cluster(&aws, &subnets).await;
    let role = aws.role("node").await;
    let input = json!({
        "nodegroupName": "a", "nodeRole": role, "subnets": subnets,
        "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 2},
    });
    aws.eks("POST", "/clusters/main/node-groups", input).await.ok();
    let seen = aws.eks("GET", "/clusters/main/node-groups/a", Value::Null).await.ok().json();
    let group = seen["nodegroup"]["resources"]["autoScalingGroups"][0]["name"].as_str().unwrap();
    let by_name = format!("AutoScalingGroupNames.member.1={group}");
    let scaling = aws.query("autoscaling", "DescribeAutoScalingGroups", &by_name).await.ok();
    assert_eq!(scaling.get("DesiredCapacity"), "2");
    assert!(scaling.text.contains("eks:nodegroup-name"));
    // In API mode the nodes' entry is made along.
    let entries = aws.eks("GET", "/clusters/main/access-entries", Value::Null).await.ok().json();
    assert_eq!(entries["accessEntries"], json!([role]));

    let refused = aws.eks("DELETE", "/clusters/main", Value::Null).await;
    assert_eq!(refused.code(), "ResourceInUseException");
    let delete = format!("SubnetId={}", subnets[0]);
    assert_eq!(aws.ec2("DeleteSubnet", &delete).await.code(), "DependencyViolation");
    aws.eks("DELETE", "/clusters/main/node-groups/a", Value::Null).await.ok();
    let scaling = aws.query("autoscaling", "DescribeAutoScalingGroups", &by_name).await.ok();
    assert!(!scaling.text.contains(group));
}

#[tokio::test]
async fn the_machines_of_a_node_group_fit_its_image() {
    let aws = instant();
    let (_, subnets) = aws.network().await;
    cluster(&aws, &subnets).await;
    let role = aws.role("node").await;
    let make = async |name: &str, more: Value| {
        let mut input = json!({"nodegroupName": name, "nodeRole": role, "subnets": subnets});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        aws.eks("POST", "/clusters/main/node-groups", input).await
    };
    let arm = "AL2023_ARM_64_STANDARD";
    let refused = make("a", json!({"instanceTypes": ["t4g.medium"]})).await;
    assert_eq!(refused.code(), "InvalidParameterException");
    let why =
        "[t4g.medium] is not a valid instance type for requested amiType AL2023_x86_64_STANDARD";
    assert!(refused.text.contains(why), "{}", refused.text);
    let refused = make("a", json!({"instanceTypes": ["m7i.large"], "amiType": arm})).await;
    assert_eq!(refused.code(), "InvalidParameterException");
    make("a", json!({"instanceTypes": ["t4g.medium"], "amiType": arm})).await.ok();
    make("b", json!({"instanceTypes": ["g5.xlarge"]})).await.ok();

    // What a template says counts as well, and what its next version says.
    let form =
        |kind: &str| format!("LaunchTemplateName=nodes&LaunchTemplateData.InstanceType={kind}");
    aws.ec2("CreateLaunchTemplate", &form("c8gn.large")).await.ok();
    let template = json!({"name": "nodes", "version": "1"});
    let refused = make("c", json!({"launchTemplate": template})).await;
    assert!(refused.text.contains("[c8gn.large] is not a valid"), "{}", refused.text);
    make("c", json!({"launchTemplate": template, "amiType": arm})).await.ok();
    aws.ec2("CreateLaunchTemplateVersion", &form("c7i.large")).await.ok();
    let next = json!({"launchTemplate": {"name": "nodes", "version": "2"}});
    let refused = aws.eks("POST", "/clusters/main/node-groups/c/update-version", next).await;
    assert!(refused.text.contains("[c7i.large] is not a valid"), "{}", refused.text);
}

#[tokio::test]
async fn updates_go_one_minor_version_and_one_kind_at_a_time() {
    let aws = instant();
    let (_, subnets) = aws.network().await;
    cluster(&aws, &subnets).await;
    let leap = aws.eks("POST", "/clusters/main/updates", json!({"version": "1.36"})).await;
    assert_eq!(leap.code(), "InvalidParameterException");
    let step = aws.eks("POST", "/clusters/main/updates", json!({"version": "1.35"})).await.ok();
    let id = step.json()["update"]["id"].as_str().unwrap().to_owned();
    let seen = aws.eks("GET", &format!("/clusters/main/updates/{id}"), Value::Null).await.json();
    assert_eq!(seen["update"]["status"], "Successful");
    let two = json!({"deletionProtection": true, "zonalShiftConfig": {"enabled": true}});
    let refused = aws.eks("POST", "/clusters/main/update-config", two).await;
    assert_eq!(refused.code(), "InvalidParameterException");
    let one = json!({"deletionProtection": true});
    aws.eks("POST", "/clusters/main/update-config", one).await.ok();
    let refused = aws.eks("DELETE", "/clusters/main", Value::Null).await;
    assert_eq!(refused.code(), "InvalidRequestException");
}

#[tokio::test]
async fn add_ons_that_need_nodes_are_degraded_without() {
    let aws = instant();
    let (_, subnets) = aws.network().await;
    cluster(&aws, &subnets).await;
    for (name, status) in [("coredns", "DEGRADED"), ("vpc-cni", "ACTIVE")] {
        let input = json!({"addonName": name});
        aws.eks("POST", "/clusters/main/addons", input).await.ok();
        let path = format!("/clusters/main/addons/{name}");
        let seen = aws.eks("GET", &path, Value::Null).await.ok().json();
        assert_eq!(seen["addon"]["status"], status);
    }
}

#[tokio::test]
async fn the_same_token_is_the_same_cluster() {
    let aws = instant();
    let (_, subnets) = aws.network().await;
    let first = cluster(&aws, &subnets).await;
    let mut input = json!({
        "name": "main", "version": "1.34", "roleArn": first["roleArn"], "clientRequestToken": "t",
        "resourcesVpcConfig": {"subnetIds": subnets},
        "accessConfig": {
            "authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": false,
        },
    });
    let second = aws.eks("POST", "/clusters", input.clone()).await.ok().json();
    assert!(second["cluster"]["endpoint"].is_string());
    input["clientRequestToken"] = json!("u");
    let refused = aws.eks("POST", "/clusters", input).await;
    assert_eq!(refused.code(), "ResourceInUseException");
}

#[tokio::test]
async fn entries_and_associations() {
    let aws = instant();
    let (_, subnets) = aws.network().await;
    cluster(&aws, &subnets).await;
    let role = aws.role("dev").await;
    let entry = json!({"principalArn": role});
    aws.eks("POST", "/clusters/main/access-entries", entry).await.ok();
    let encoded = role.replace('/', "%2F");
    let path = format!("/clusters/main/access-entries/{encoded}/access-policies");
    let policy = json!({
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
        "accessScope": {"type": "namespace", "namespaces": ["app"]},
    });
    aws.eks("POST", &path, policy).await.ok();
    let seen = aws.eks("GET", &path, Value::Null).await.ok().json();
    assert_eq!(seen["associatedAccessPolicies"][0]["accessScope"]["namespaces"], json!(["app"]));
    let association = json!({"namespace": "app", "serviceAccount": "web", "roleArn": role});
    let path = "/clusters/main/pod-identity-associations";
    aws.eks("POST", path, association.clone()).await.ok();
    assert_eq!(aws.eks("POST", path, association).await.code(), "ResourceInUseException");
}
