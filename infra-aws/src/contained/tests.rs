//! A network made by somebody, listed.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use infra_aws_simulated::{Cloud, Settings};
use infra_core::{
    provider::{Connection, Connector, Contained, Context, Gate, Managed, World},
    state::{StackName, Value},
};
use serde_json::json;

use crate::{
    Aws, ec2, eks, elbv2,
    exercise::{make, want},
    iam, rds, simulated_in,
};

async fn connection(cloud: &Cloud) -> Connection {
    let context = Context {
        stack: StackName::new("test", "dev").unwrap(),
        settings: Value::map(),
        directory: PathBuf::new(),
        world: World::with_key(PathBuf::from(uuid::Uuid::new_v4().to_string()), [0; 32]),
        gate: Gate::default(),
    };
    let simulated = simulated_in(cloud.clone());
    let config = simulated.default_provider(&context).unwrap();
    simulated.connect(&config, &context).await.unwrap()
}

async fn id<R: Managed<Cloud = Aws>>(aws: &Arc<Aws>, json: serde_json::Value) -> String {
    make(aws, &want::<R>(json)).await.id
}

/// Where everybody is let in by a policy that is not looked at.
fn trust(service: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}
    }]})
    .to_string()
}

#[tokio::test]
async fn everything_in_a_network_is_listed_once_and_nothing_of_another() {
    let cloud = Cloud::memory(Settings::default());
    let connection = connection(&cloud).await;
    let aws: Arc<Aws> = Arc::clone(&connection.client).downcast().unwrap();
    let aws = &aws;
    let other = id::<ec2::Vpc>(aws, json!({"cidr": "10.9.0.0/16"})).await;
    id::<ec2::Subnet>(aws, json!({"vpc_id": other, "cidr": "10.9.0.0/24", "zone": "eu-west-1a"}))
        .await;

    let tags = json!({"Name": "main"});
    let vpc = id::<ec2::Vpc>(aws, json!({"cidr": "10.0.0.0/16", "tags": tags})).await;
    let mut subnets = Vec::new();
    for (n, zone) in ["eu-west-1a", "eu-west-1b"].into_iter().enumerate() {
        let cidr = format!("10.0.{n}.0/24");
        let subnet = json!({"vpc_id": vpc, "cidr": cidr, "zone": zone});
        subnets.push(id::<ec2::Subnet>(aws, subnet).await);
    }
    let gateway = id::<ec2::InternetGateway>(aws, json!({"vpc_id": vpc})).await;
    let ip = id::<ec2::ElasticIp>(aws, json!({})).await;
    let nat = json!({"subnet_id": subnets[0], "allocation_id": ip});
    let nat = id::<ec2::NatGateway>(aws, nat).await;
    let table = id::<ec2::RouteTable>(aws, json!({"vpc_id": vpc})).await;
    let route = json!({
        "route_table_id": table, "destination": "0.0.0.0/0", "target": {"internet_gateway": gateway}
    });
    let route = id::<ec2::Route>(aws, route).await;
    let association = json!({"subnet_id": subnets[0], "route_table_id": table});
    let association = id::<ec2::RouteTableAssociation>(aws, association).await;
    let group = json!({"vpc_id": vpc, "description": "web", "name": "web"});
    let group = id::<ec2::SecurityGroup>(aws, group).await;
    let rule = json!({
        "group_id": group, "direction": "ingress", "source": {"cidr": "10.0.0.0/8"}, "ports": {"tcp": 443}
    });
    let rule = id::<ec2::SecurityGroupRule>(aws, rule).await;
    let endpoint = json!({
        "vpc_id": vpc, "service": "s3", "endpoint_type": "gateway", "route_table_ids": [table]
    });
    let endpoint = id::<ec2::VpcEndpoint>(aws, endpoint).await;
    let balancer = json!({"name": "front", "subnets": subnets});
    let balancer = id::<elbv2::LoadBalancer>(aws, balancer).await;
    let target_group = json!({"name": "web", "protocol": "TCP", "port": 80, "vpc": vpc});
    let targets = id::<elbv2::TargetGroup>(aws, target_group).await;
    let listener = json!({
        "load_balancer": balancer, "protocol": "TCP", "port": 80, "action": {"forward": targets}
    });
    let listener = id::<elbv2::Listener>(aws, listener).await;
    let databases = id::<rds::SubnetGroup>(aws, json!({"name": "data", "subnets": subnets})).await;
    let service = json!({"name": "eks", "assume_role_policy": trust("eks.amazonaws.com")});
    make(aws, &want::<iam::Role>(service)).await;
    let cluster = json!({
        "name": "main", "version": "1.33", "role": "arn:aws:iam::123456789012:role/eks", "subnets": subnets
    });
    let cluster = id::<eks::Cluster>(aws, cluster).await;
    let addon = id::<eks::Addon>(aws, json!({"cluster": cluster, "name": "vpc-cni"})).await;

    let calls = cloud.calls().len();
    let found = super::contained(&connection, &vpc).await.unwrap().unwrap();
    let calls = cloud.calls().split_off(calls);
    assert!(calls.iter().all(|call| !call.mutating), "{calls:?}");
    assert!(calls.len() <= 30, "{} calls", calls.len());

    let kinds: Vec<_> = found.iter().map(|it| (it.kind.as_str(), it.id.as_str())).collect();
    let distinct: BTreeMap<_, usize> = kinds.iter().fold(BTreeMap::new(), |mut all, it| {
        *all.entry(*it).or_default() += 1;
        all
    });
    assert_eq!(distinct.len(), found.len(), "{distinct:#?}");
    assert_eq!(kinds[0], ("aws:ec2:Vpc", vpc.as_str()));
    assert_eq!(found[0].name.as_deref(), Some("main"));
    let own: Vec<&Contained> = found.iter().filter(|it| it.comes_with.is_none()).collect();
    let mut own: Vec<_> = own.iter().map(|it| (it.kind.as_str(), it.id.as_str())).collect();
    own.sort_unstable();
    let mut expected = vec![
        ("aws:ec2:ElasticIp", ip.as_str()),
        ("aws:ec2:InternetGateway", &gateway),
        ("aws:ec2:NatGateway", &nat),
        ("aws:ec2:Route", &route),
        ("aws:ec2:RouteTable", &table),
        ("aws:ec2:RouteTableAssociation", &association),
        ("aws:ec2:SecurityGroup", &group),
        ("aws:ec2:SecurityGroupRule", &rule),
        ("aws:ec2:Subnet", &subnets[0]),
        ("aws:ec2:Subnet", &subnets[1]),
        ("aws:ec2:Vpc", &vpc),
        ("aws:ec2:VpcEndpoint", &endpoint),
        ("aws:eks:Addon", &addon),
        ("aws:eks:Cluster", &cluster),
        ("aws:elbv2:Listener", &listener),
        ("aws:elbv2:LoadBalancer", &balancer),
        ("aws:elbv2:TargetGroup", &targets),
        ("aws:rds:SubnetGroup", &databases),
    ];
    expected.sort_unstable();
    assert_eq!(own, expected);
    for kind in ["aws:ec2:RouteTable", "aws:ec2:SecurityGroup", "AWS::EC2::NetworkAcl"] {
        let with = |it: &&Contained| it.kind == kind && it.comes_with.is_some();
        assert!(found.iter().any(|it| with(&it)), "none of {kind} came with the VPC");
    }
    let made = found.iter().find(|it| it.id == group).unwrap();
    assert_eq!(made.owner.as_ref().unwrap()["infra:stack"], "exercise/test");

    assert_eq!(super::contained(&connection, "vpc-00000000000000000").await.unwrap(), None);
    assert_eq!(super::contained(&connection, "subnet-1").await.unwrap(), None);
}
