//! A stack whose every field changes that can change in place: the updates that the flagship's life does not need.

use infra_aws::{
    acm, cidr, ec2,
    ec2::{Ports, RouteTarget, Source},
    ecr, eks, elbv2, iam, kms, logs, rds,
    rds::{Engine, gib},
    route53, sns,
    types::Arn,
};
use infra_core::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    /// 0, 1, 2: as it is made, changed, and mostly as it was.
    step: u32,
}

/// Everything.
pub fn program(stack: &mut Stack) -> Result<()> {
    let Config { step } = stack.config()?;
    let changed = step == 1;
    let key = kms::Key::new().description(if changed { "other" } else { "one" }).rotation(!changed);
    let key = stack.add("key", key);
    let spare = stack.add("spare", kms::Key::new().enabled(!changed));
    let named = if changed { &spare } else { &key };
    stack.add("name", kms::Alias::new(&named.id));

    let vpc = stack.add("vpc", ec2::Vpc::new(cidr!("10.0.0.0/16")).dns_hostnames(changed));
    let zones = stack.lookup("zones", ec2::AvailabilityZones::new());
    let internet = stack.add("internet", ec2::InternetGateway::new().vpc_id(&vpc.id));
    let subnets = [cidr!("10.0.0.0/24"), cidr!("10.0.1.0/24"), cidr!("10.0.2.0/24")];
    let subnets = subnets.into_iter().enumerate().map(|(at, block)| {
        let subnet = ec2::Subnet::new(&vpc.id, block, zones.names.index(at));
        stack.add(format!("s{at}"), subnet.map_public_ip_on_launch(changed))
    });
    let subnets: Vec<_> = subnets.collect();
    let ids = || subnets.iter().map(|subnet| &subnet.id);
    let tables = ["a", "b"].map(|name| stack.add(name, ec2::RouteTable::new(&vpc.id)));
    let table = &tables[usize::from(changed)];
    stack.add("tied", ec2::RouteTableAssociation::new(&subnets[0].id, &table.id));
    let address = stack.add("nat", ec2::ElasticIp::new());
    let nat = ec2::NatGateway::new(&subnets[0].id).allocation_id(&address.id);
    let nat = stack.add("nat", nat.depends_on([&internet]));
    let out = if changed {
        RouteTarget::nat_gateway(&nat.id)
    } else {
        RouteTarget::internet_gateway(&internet.id)
    };
    stack.add("out", ec2::Route::new(&tables[0].id, cidr!("0.0.0.0/0"), out));
    let groups = ["g", "h"].map(|name| stack.add(name, ec2::SecurityGroup::new(&vpc.id, name)));
    let group = &groups[usize::from(changed)];
    let rule = ec2::SecurityGroupRule::ingress(
        &groups[0].id,
        Source::cidr(cidr!("10.0.0.0/16")),
        Ports::tcp(443),
    );
    stack.add("rule", rule.description(if changed { "other" } else { "one" }));
    let gateway = ec2::VpcEndpoint::gateway(&vpc.id, "s3").route_table_ids([&table.id]);
    stack.add("s3", gateway);

    instances(stack, step, &subnets[0], group);
    cluster(stack, step, &subnets, &key);
    balancers(stack, changed, &vpc, &subnets, &groups, &internet);

    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let rules = r#"{"rules":[]}"#;
    let mutability =
        if changed { ecr::TagMutability::Mutable } else { ecr::TagMutability::Immutable };
    let repository = ecr::Repository::new().tag_mutability(mutability).scan_on_push(changed);
    let repository = repository.when(changed, |it| it.lifecycle_policy(rules).policy(policy));
    stack.add("images", repository);
    let group = logs::LogGroup::new().deletion_protection(changed);
    stack.add("logs", group.when(step == 0, |it| it.retention_days(7).kms_key(&key.arn)));
    let topic = sns::Topic::new().display_name(if changed { "other" } else { "one" });
    let queues = ["a", "b"].into_iter().take(if changed { 1 } else { 2 });
    let queues = queues.map(|queue| sns::Subscription {
        protocol: sns::Protocol::Sqs,
        endpoint: format!("arn:aws:sqs:eu-west-1:123456789012:{queue}"),
    });
    stack.add("topic", topic.subscriptions(queues.collect::<Vec<_>>()));

    let some = ids().take(if changed { 3 } else { 2 });
    let network = stack.add("db", rds::SubnetGroup::new().subnets(some));
    let parameters = rds::ParameterGroup::new("postgres17");
    let parameters = parameters.when(!changed, |it| it.parameters([("rds.force_ssl", "1")]));
    let parameters = stack.add("db", parameters);
    let db = rds::Instance::new(Engine::postgres("17"), "db.t4g.micro", gib(20))
        .username("admin_user")
        .manage_master_password(true)
        .master_secret_key(&key.arn)
        .kms_key(&key.arn)
        .subnet_group(&network.name)
        .parameter_group(&parameters.name)
        .security_groups([&groups[0].id])
        .backup_retention(if changed { 2 } else { 1 })
        .skip_final_snapshot(true);
    stack.add("db", db);
    Ok(())
}

fn instances(
    stack: &mut Stack,
    step: u32,
    subnet: &Handle<ec2::Subnet>,
    group: &Handle<ec2::SecurityGroup>,
) {
    let changed = step == 1;
    let role = stack.add("host", iam::Role::for_service("ec2.amazonaws.com"));
    let profiles =
        ["one", "other"].map(|name| stack.add(name, iam::InstanceProfile::of(&role.name)));
    let image = infra_aws::ssm::LatestAmi::amazon_linux(infra_aws::ssm::Architecture::Arm64);
    let image = stack.lookup("image", image);
    let host = |name: &str, profile: Option<&Handle<iam::InstanceProfile>>| {
        let metadata =
            ec2::MetadataOptions { hop_limit: if changed { 2 } else { 1 }, ..Default::default() };
        let host = ec2::Instance::new(&image.image_id, "t4g.nano", &subnet.id)
            .security_group_ids([&group.id])
            .monitoring(changed)
            .source_dest_check(!changed)
            .metadata(metadata);
        let host = match profile {
            Some(profile) => host.instance_profile(&profile.name),
            None => host,
        };
        (name.to_owned(), host)
    };
    // None, one, other; and one, other, none.
    let first = step.checked_sub(1).and_then(|at| profiles.get(at as usize));
    for (name, host) in [host("first", first), host("second", profiles.get(step as usize))] {
        stack.add(name, host);
    }
}

fn cluster(stack: &mut Stack, step: u32, subnets: &[Handle<ec2::Subnet>], key: &Handle<kms::Key>) {
    let changed = step == 1;
    let trusted = if changed { "pods.eks.amazonaws.com" } else { "ec2.amazonaws.com" };
    let bounded = iam::Role::for_service(trusted).description(trusted);
    let boundary = Arn::trusted("arn:aws:iam::aws:policy/ReadOnlyAccess");
    let bounded = bounded.when(changed, |role| role.permissions_boundary(boundary));
    stack.add("bounded", bounded);
    let control = stack.add("control", iam::Role::for_service("eks.amazonaws.com"));
    let node = stack.add("node", iam::Role::for_service("ec2.amazonaws.com"));
    for (role, policy) in
        [(&control, "AmazonEKSClusterPolicy"), (&node, "AmazonEKSWorkerNodePolicy")]
    {
        stack.add(policy, iam::PolicyAttachment::of_aws(&role.name, policy));
    }
    let eks = eks::Cluster::new(&control.arn, if step == 0 { "1.34" } else { "1.35" })
        .subnets(subnets.iter().map(|subnet| &subnet.id))
        .private_access(true)
        .when(changed, |eks| eks.logs([eks::LogType::Api]))
        .when(step > 0, |eks| eks.encryption_key(&key.arn));
    let eks = stack.add("eks", eks);
    let view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
    let somebody = Arn::trusted("arn:aws:iam::999999999999:role/somebody");
    let entry = eks::AccessEntry::new(&eks.name, somebody);
    let entry = if changed {
        entry.groups(["viewers"])
    } else {
        entry.policies([eks::AccessPolicy::new(Arn::trusted(view))])
    };
    stack.add("somebody", entry);
    let proxy = eks::Addon::new(&eks.name, "kube-proxy");
    stack.add("kube-proxy", proxy.when(changed, |it| it.configuration(r#"{"mode":"ipvs"}"#)));
    let agent = stack.add("agent", eks::Addon::new(&eks.name, "eks-pod-identity-agent"));
    let pods = ["a", "b"].map(|name| stack.add(format!("pods-{name}"), iam::Role::for_pods()));
    let role = &pods[usize::from(changed)].arn;
    let pods = eks::PodIdentityAssociation::new(&eks.name, "default", "default", role);
    stack.add("pods", pods.depends_on([&agent]));
    let template = ec2::LaunchTemplate::new();
    let template = template.instance_type(if changed { "t3.small" } else { "t3.medium" });
    let template = stack.add("nodes", template);
    let scaling = eks::Scaling { min: 1, max: if changed { 3 } else { 2 }, desired: Some(1) };
    let version = eks::LaunchTemplateVersion::new(&template.id, &template.latest_version);
    let nodes = eks::NodeGroup::new(&eks.name, &node.arn, scaling)
        .subnets(subnets.iter().map(|subnet| &subnet.id))
        .launch_template(version);
    stack.add("nodes", nodes);
}

fn balancers(
    stack: &mut Stack,
    changed: bool,
    vpc: &Handle<ec2::Vpc>,
    subnets: &[Handle<ec2::Subnet>],
    groups: &[Handle<ec2::SecurityGroup>; 2],
    internet: &Handle<ec2::InternetGateway>,
) {
    let some = subnets.iter().take(if changed { 3 } else { 2 }).map(|subnet| &subnet.id);
    let balancer = elbv2::LoadBalancer::new()
        .kind(elbv2::LoadBalancerKind::Network)
        .scheme(elbv2::Scheme::Internal)
        .subnets(some)
        .security_groups([&groups[usize::from(changed)].id])
        .ip_address_type(if changed {
            elbv2::IpAddressType::Dualstack
        } else {
            elbv2::IpAddressType::Ipv4
        })
        .cross_zone(changed);
    let balancer = stack.add("balancer", balancer.depends_on([internet]));
    let health = elbv2::HealthCheck::new().interval(if changed { 10 } else { 30 });
    let targets = elbv2::TargetGroup::new(elbv2::Protocol::Tcp, 80, &vpc.id).health_check(health);
    let targets = stack.add("targets", targets.deregistration_delay(if changed { 10 } else { 20 }));
    let forward = elbv2::Action::forward(&targets.arn);
    let port = if changed { 81 } else { 80 };
    let listener = elbv2::Listener::new(&balancer.arn, elbv2::Protocol::Tcp, port, forward);
    stack.add("listener", listener);

    let zone = route53::HostedZone::new("fields.example.com");
    stack.add("zone", zone.comment(if changed { "other" } else { "one" }));
    stack.add("certificate", acm::Certificate::new("fields.example.com"));
}
