//! The verbs of EC2's kinds over the embedded AWS.

use std::sync::Arc;

use infra_core::provider::{Cx, Find, Lookup, Managed, Observed};
use serde_json::{Value, json};

use super::*;
use crate::{
    Aws,
    exercise::{bring, delete, make, operation, read, want},
};

/// A VPC with a subnet in it.
async fn network(aws: &Arc<Aws>) -> (Observed<Vpc>, Observed<Subnet>) {
    let vpc: Vpc =
        want(json!({"cidr": "10.0.0.0/16", "dns_hostnames": true, "tags": {"Name": "main"}}));
    let vpc = make(aws, &vpc).await;
    let subnet: Subnet = want(json!({
        "vpc_id": vpc.id, "cidr": "10.0.1.0/24", "zone": "eu-west-1b", "tags": {"tier": "db"}
    }));
    let subnet = make(aws, &subnet).await;
    (vpc, subnet)
}

async fn group(aws: &Arc<Aws>, vpc: &str, name: &str) -> Observed<SecurityGroup> {
    let group: SecurityGroup =
        want(json!({"vpc_id": vpc, "description": "for tests", "name": name}));
    make(aws, &group).await
}

#[tokio::test]
async fn vpc_and_subnet() {
    let aws = Aws::test().await;
    let (vpc, subnet) = network(&aws).await;
    let changed: Vpc =
        want(json!({"cidr": "10.0.0.0/16", "dns_support": false, "tags": {"b": "2"}}));
    let vpc = bring(&aws, &vpc.id, &changed).await;
    let back: Vpc = want(json!({"cidr": "10.0.0.0/16", "dns_hostnames": true}));
    let vpc = bring(&aws, &vpc.id, &back).await;
    let open: Subnet = want(json!({
        "vpc_id": vpc.id, "cidr": "10.0.1.0/24", "zone": "eu-west-1b", "map_public_ip_on_launch": true
    }));
    let subnet = bring(&aws, &subnet.id, &open).await;
    assert!(subnet.outputs.as_ref().unwrap().arn.as_str().ends_with(&subnet.id));
    delete(&aws, &subnet, &open).await;
    delete(&aws, &vpc, &back).await;
}

#[tokio::test]
async fn many_are_read_at_once_and_one_unknown_id_fails_nothing() {
    let aws = Aws::test().await;
    let (vpc, subnet) = network(&aws).await;
    let second: Subnet =
        want(json!({"vpc_id": vpc.id, "cidr": "10.0.2.0/24", "zone": "eu-west-1c"}));
    let second = make(&aws, &second).await;
    let ids = [&second.id, "subnet-00000000000000000", &subnet.id];
    let find = ids.map(|id| Find::Id { id, recorded: None });
    let answers = Subnet::read(&Cx::new(Arc::clone(&aws)), &find).await;
    let found: Vec<_> = answers.into_iter().map(|it| it.unwrap().map(|it| it.id)).collect();
    assert_eq!(found, [Some(second.id.clone()), None, Some(subnet.id.clone())]);
}

#[tokio::test]
async fn gateways_and_routes() {
    let aws = Aws::test().await;
    let (vpc, subnet) = network(&aws).await;
    let attached: InternetGateway = want(json!({"vpc_id": vpc.id}));
    let gateway = make(&aws, &attached).await;
    let ip = make(&aws, &want::<ElasticIp>(json!({"tags": {"a": "1"}}))).await;
    let nat: NatGateway = want(json!({"subnet_id": subnet.id, "allocation_id": ip.id}));
    let nat_made = make(&aws, &nat).await;
    let outputs = nat_made.outputs.as_ref().unwrap();
    assert_eq!(outputs.public_ip, ip.outputs.as_ref().unwrap().public_ip);
    let table: RouteTable = want(json!({"vpc_id": vpc.id}));
    let table_made = make(&aws, &table).await;
    let route = |target: Value| -> Route {
        want(json!({"route_table_id": table_made.id, "destination": "0.0.0.0/0", "target": target}))
    };
    let to_internet = route(json!({"internet_gateway": gateway.id}));
    let made = make(&aws, &to_internet).await;
    let to_nat = route(json!({"nat_gateway": nat_made.id}));
    let made = bring(&aws, &made.id, &to_nat).await;
    let association: RouteTableAssociation =
        want(json!({"subnet_id": subnet.id, "route_table_id": table_made.id}));
    let first = make(&aws, &association).await;
    let other = make(&aws, &table).await;
    let moved: RouteTableAssociation =
        want(json!({"subnet_id": subnet.id, "route_table_id": other.id}));
    let second = bring(&aws, &first.id, &moved).await;
    assert_ne!(first.outputs.unwrap().id, second.outputs.as_ref().unwrap().id);
    delete(&aws, &second, &moved).await;
    delete(&aws, &made, &to_nat).await;
    delete(&aws, &other, &table).await;
    delete(&aws, &table_made, &table).await;
    delete(&aws, &nat_made, &nat).await;
    delete(&aws, &ip, &ip.live.clone()).await;
    let detached: InternetGateway = want(json!({}));
    bring(&aws, &gateway.id, &detached).await;
    let gateway = bring(&aws, &gateway.id, &attached).await;
    delete(&aws, &gateway, &attached).await;
}

#[tokio::test]
async fn a_new_group_lets_nothing_out() {
    let aws = Aws::test().await;
    let (vpc, _) = network(&aws).await;
    let group = group(&aws, &vpc.id, "one").await;
    let open: SecurityGroup = want(json!({
        "vpc_id": vpc.id, "description": "for tests", "name": "one", "allow_all_egress": true
    }));
    bring(&aws, &group.id, &open).await;
    let closed: SecurityGroup = want(
        json!({"vpc_id": vpc.id, "description": "for tests", "name": "one", "tags": {"a": "b"}}),
    );
    bring(&aws, &group.id, &closed).await;
    // A declared rule of that kind is not AWS's.
    let rule: SecurityGroupRule = want(json!({
        "group_id": group.id, "direction": "egress", "source": {"cidr": "0.0.0.0/0"}, "ports": "all"
    }));
    let rule_made = make(&aws, &rule).await;
    let group = bring(&aws, &group.id, &closed).await;
    assert!(read(&aws, &rule_made.id, &rule).await.is_some());
    delete(&aws, &rule_made, &rule).await;
    delete(&aws, &group, &closed).await;
}

#[tokio::test]
async fn rules() {
    let aws = Aws::test().await;
    let (vpc, _) = network(&aws).await;
    let (one, two) = (group(&aws, &vpc.id, "one").await, group(&aws, &vpc.id, "two").await);
    let rule = |source: Value, ports: Value, description: Value| -> SecurityGroupRule {
        want(json!({
            "group_id": one.id, "direction": "ingress", "source": source, "ports": ports,
            "description": description, "tags": {"a": "1"}
        }))
    };
    let first = rule(json!({"cidr": "10.0.0.0/8"}), json!({"tcp": 5432}), json!("postgres"));
    let made = make(&aws, &first).await;
    let second = rule(
        json!({"cidr": "10.1.0.0/16"}),
        json!({"tcp_range": {"from": 30_000, "to": 32_767}}),
        Value::Null,
    );
    let made = bring(&aws, &made.id, &second).await;
    let from_group = rule(json!({"group": two.id}), json!({"udp": 53}), json!("dns"));
    let of_group = make(&aws, &from_group).await;
    // One group's rule keeps the other group.
    let (cx, op) = (Cx::new(Arc::clone(&aws)), operation::<SecurityGroup>());
    let blocked = SecurityGroup::delete(&cx, &two, &two.live, &op).await;
    assert!(blocked.unwrap_err().class().is_retryable());
    delete(&aws, &of_group, &from_group).await;
    delete(&aws, &made, &second).await;
}

#[tokio::test]
async fn endpoints() {
    let aws = Aws::test().await;
    let (vpc, subnet) = network(&aws).await;
    let table: RouteTable = want(json!({"vpc_id": vpc.id}));
    let table = make(&aws, &table).await;
    let gateway = |tables: Value, policy: Value| -> VpcEndpoint {
        want(json!({
            "vpc_id": vpc.id, "service": "s3", "endpoint_type": "gateway", "route_table_ids": tables, "policy": policy
        }))
    };
    let first = gateway(json!([table.id]), Value::Null);
    let made = make(&aws, &first).await;
    assert!(made.outputs.as_ref().unwrap().prefix_list_id.is_some());
    let policy = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": "*"}}"#;
    let second = gateway(json!([]), json!(policy));
    let made = bring(&aws, &made.id, &second).await;
    delete(&aws, &made, &second).await;
    let (one, two) = (group(&aws, &vpc.id, "one").await, group(&aws, &vpc.id, "two").await);
    let interface = |groups: Value, dns: bool| -> VpcEndpoint {
        want(json!({
            "vpc_id": vpc.id, "service": "com.amazonaws.eu-west-1.ecr.api", "endpoint_type": "interface",
            "subnet_ids": [subnet.id], "security_group_ids": groups, "private_dns": dns, "tags": {"a": "b"}
        }))
    };
    let first = interface(json!([one.id]), true);
    let made = make(&aws, &first).await;
    assert_eq!(made.outputs.as_ref().unwrap().dns_names.len(), 1);
    let second = interface(json!([two.id]), false);
    let made = bring(&aws, &made.id, &second).await;
    delete(&aws, &made, &second).await;
}

#[tokio::test]
async fn launch_templates_move_to_new_versions() {
    let aws = Aws::test().await;
    let first: LaunchTemplate = want(json!({
        "name": "nodes", "image_id": "ami-1", "instance_type": "m7g.large", "user_data": "#!/bin/sh\n",
        "security_group_ids": ["sg-1", "sg-2"], "monitoring": true, "ebs_optimized": true,
        "instance_profile": "arn:aws:iam::123456789012:instance-profile/nodes",
        "block_devices": [{"device_name": "/dev/xvda", "size": 50, "kms_key": "arn:aws:kms:eu-west-1:1:key/k"}],
        "instance_tags": {"Name": "node"}, "volume_tags": {"Name": "disk"}, "tags": {"a": "1"}
    }));
    let made = make(&aws, &first).await;
    assert_eq!(made.outputs.as_ref().unwrap().latest_version, 1);
    let second: LaunchTemplate = want(json!({
        "name": "nodes", "instance_type": "m7g.xlarge", "metadata": {"hop_limit": 2, "http_tokens": "optional"},
        "block_devices": [{"device_name": "/dev/xvda", "size": 80, "iops": 4000, "throughput": 200}]
    }));
    let made = bring(&aws, &made.id, &second).await;
    let outputs = made.outputs.as_ref().unwrap();
    assert_eq!((outputs.latest_version, outputs.default_version), (2, 2));
    delete(&aws, &made, &second).await;
}

#[tokio::test]
async fn a_template_of_anothers_with_two_versions_is_not_taken_by_its_default() {
    let aws = Aws::test().await;
    let data = |kind: &str| {
        let data = aws_sdk_ec2::types::RequestLaunchTemplateData::builder();
        data.image_id("ami-1").instance_type(kind.into()).build()
    };
    let call = aws.ec2().create_launch_template().launch_template_name("theirs");
    let made = call.launch_template_data(data("t3.micro")).send().await.unwrap();
    let id = made.launch_template.unwrap().launch_template_id.unwrap();
    let beyond = async |recorded: Option<&LaunchTemplate>| {
        let find = [Find::Id { id: &id, recorded }];
        let found = LaunchTemplate::read(&Cx::new(Arc::clone(&aws)), &find).await.remove(0);
        found.unwrap().unwrap().beyond
    };
    assert_eq!(beyond(None).await, Vec::<String>::new());
    let call = aws.ec2().create_launch_template_version().launch_template_id(&id);
    call.launch_template_data(data("t3.large")).send().await.unwrap();
    let told = beyond(None).await;
    assert!(told.len() == 1 && told[0].contains("version 1 that is not its latest 2"), "{told:?}");
    // What is recorded is looked at as it is used: by its default.
    let recorded: LaunchTemplate = want(json!({"name": "theirs"}));
    assert_eq!(beyond(Some(&recorded)).await, Vec::<String>::new());
    let call = aws.ec2().modify_launch_template().launch_template_id(&id);
    call.default_version("2").send().await.unwrap();
    assert_eq!(beyond(None).await, Vec::<String>::new());
}

#[tokio::test]
async fn instances() {
    let aws = Aws::test().await;
    let (vpc, subnet) = network(&aws).await;
    let (one, two) = (group(&aws, &vpc.id, "one").await, group(&aws, &vpc.id, "two").await);
    let instance = |more: Value| -> Instance {
        let mut json = json!({
            "image_id": "ami-1", "instance_type": "t4g.nano", "subnet_id": subnet.id,
            "root_volume": {"device_name": "/dev/xvda", "size": 10}, "user_data": "#!/bin/sh"
        });
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        want(json)
    };
    let first = instance(json!({"security_group_ids": [one.id], "tags": {"Name": "bastion"}}));
    let made = make(&aws, &first).await;
    assert!(!made.outputs.as_ref().unwrap().private_ip.is_empty());
    let second = instance(json!({
        "security_group_ids": [two.id], "source_dest_check": false, "monitoring": true,
        "metadata": {"http_tokens": "optional", "hop_limit": 3}
    }));
    let made = bring(&aws, &made.id, &second).await;
    delete(&aws, &made, &second).await;
}

#[cfg(feature = "iam")]
#[tokio::test]
async fn instance_profiles_come_and_go() {
    let aws = Aws::test().await;
    let (_, subnet) = network(&aws).await;
    for name in ["one", "two"] {
        aws.iam().create_instance_profile().instance_profile_name(name).send().await.unwrap();
    }
    let instance = |profile: Value| -> Instance {
        want(json!({
            "image_id": "ami-1", "instance_type": "t4g.nano", "subnet_id": subnet.id, "instance_profile": profile
        }))
    };
    let made = make(&aws, &instance(json!("one"))).await;
    bring(&aws, &made.id, &instance(json!("two"))).await;
    bring(&aws, &made.id, &instance(Value::Null)).await;
    bring(&aws, &made.id, &instance(json!("one"))).await;
}

#[tokio::test]
async fn flow_logs() {
    let aws = Aws::test().await;
    let (vpc, _) = network(&aws).await;
    let log: FlowLog = want(json!({
        "source": {"vpc": vpc.id}, "traffic": "reject", "aggregation_seconds": 60,
        "destination": {"log_group": {"name": "/flow", "role": "arn:aws:iam::123456789012:role/flow"}}
    }));
    let made = make(&aws, &log).await;
    let tagged = FlowLog { tags: [("a".to_owned(), "b".to_owned())].into(), ..log };
    let made = bring(&aws, &made.id, &tagged).await;
    delete(&aws, &made, &tagged).await;
}

#[tokio::test]
async fn lookups() {
    let aws = Aws::test().await;
    let (vpc, subnet) = network(&aws).await;
    // `make` made a second one with the same tag.
    let named: Vpc =
        want(json!({"cidr": "10.0.0.0/16", "dns_hostnames": true, "tags": {"Name": "this"}}));
    bring(&aws, &vpc.id, &named).await;
    let cx = Cx::new(aws);
    let zones = AvailabilityZones::look_up(&cx, &AvailabilityZones {}).await.unwrap();
    assert_eq!(zones.names[0].as_str(), "eu-west-1a");
    let by_tag = VpcByTag { key: "Name".to_owned(), value: "this".to_owned() };
    let found = VpcByTag::look_up(&cx, &by_tag).await.unwrap();
    assert_eq!(found.id.as_str(), vpc.id);
    let by_id = VpcById { id: found.id.clone() };
    assert_eq!(VpcById::look_up(&cx, &by_id).await.unwrap().cidr, found.cidr);
    let subnets = |tier: &str| Subnets {
        vpc_id: found.id.clone(),
        tags: [("tier".to_owned(), tier.to_owned())].into(),
    };
    let found = Subnets::look_up(&cx, &subnets("db")).await.unwrap();
    assert_eq!(found.ids[0].as_str(), subnet.id);
    let nothing = Subnets::look_up(&cx, &subnets("web")).await.unwrap_err();
    assert!(nothing.to_string().contains("no subnet"), "{nothing}");
}

/// A rule that is replaced though nothing in it changes cannot be made beside the old one; one that moves to another
/// group is.
#[tokio::test]
async fn a_rule_is_replaced() {
    use infra_core::{
        App,
        command::{self, Confirmed, UpOptions},
        plan::ReplaceOrder,
        prelude::*,
        testing::TestStack,
    };

    let cloud = crate::embedded::Cloud::memory(crate::embedded::Settings::default());
    let app = App::new("shop").cloud("simulated", crate::simulated_in(cloud));
    let stack = TestStack::of(app).setting("region", "eu-west-1");
    let program = |to: usize| {
        move |stack: &mut Stack| {
            let vpc = stack.add("vpc", Vpc::new(crate::cidr!("10.0.0.0/16")));
            let group = |stack: &mut Stack, name: &str| {
                stack.add(name, SecurityGroup::new(&vpc.id, "for tests")).id.clone()
            };
            let groups = [group(stack, "one"), group(stack, "two")];
            let from = crate::cidr!("10.0.0.0/8");
            stack.add("rule", SecurityGroupRule::ingress(&groups[to], from, Ports::Tcp(443)));
            Ok(())
        }
    };
    stack.up(program(0)).await.unwrap();
    let mut options = UpOptions::default();
    options.plan.replaces.insert("aws:ec2:SecurityGroupRule::rule".parse().unwrap());
    let engine = stack.engine(program(0)).await.unwrap();
    let summary = command::up(&engine, &options, &Confirmed).await.unwrap();
    assert!(summary.failed.is_empty(), "{:?}", summary.failed);
    assert!(stack.plan(program(0)).await.unwrap().is_empty());

    let moved = stack.plan(program(1)).await.unwrap();
    let order = moved.steps.iter().find_map(|step| step.replaces.as_ref());
    assert_eq!(order.unwrap().order, ReplaceOrder::CreateFirst);
    stack.up(program(1)).await.unwrap();
}

#[tokio::test]
async fn a_rule_that_somebody_added_is_the_stacks_and_of_no_resource() {
    use infra_core::state::StackName;

    let aws = Aws::test().await;
    let vpc = make(&aws, &want::<Vpc>(json!({"cidr": "10.0.0.0/16"}))).await;
    let group = json!({"vpc_id": vpc.id, "description": "d", "name": "g"});
    let group = make(&aws, &want::<SecurityGroup>(group)).await;
    let rule = json!({
        "group_id": group.id, "direction": "ingress", "source": {"cidr": "10.0.0.0/8"},
        "ports": {"tcp": 443}
    });
    let declared = make(&aws, &want::<SecurityGroupRule>(rule)).await;
    let open = aws.ec2().authorize_security_group_ingress().group_id(&group.id);
    let open = open.ip_protocol("tcp").from_port(22).to_port(22).cidr_ip("0.0.0.0/0");
    // A tag that is no owner's hides nothing.
    let tag = aws_sdk_ec2::types::Tag::builder().key("Name").value("tmp").build();
    let tags = aws_sdk_ec2::types::TagSpecification::builder()
        .resource_type(aws_sdk_ec2::types::ResourceType::SecurityGroupRule)
        .tags(tag);
    open.tag_specifications(tags.build()).send().await.unwrap();
    let stack = StackName::new("exercise", "test").unwrap();
    let found = SecurityGroupRule::added(&Cx::new(Arc::clone(&aws)), &stack).await;
    let added = found.unwrap();
    assert_eq!(added.len(), 1);
    assert_ne!(added[0].id, declared.id);
    let owner = added[0].owner.as_ref().unwrap();
    assert_eq!(owner["infra:stack"], "exercise/test");
    assert!(owner.contains_key("infra:lineage") && !owner.contains_key("infra:urn"));
    assert_eq!(added[0].live.ports, Ports::Tcp(22));
}
