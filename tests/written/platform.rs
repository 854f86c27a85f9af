//! The stack `qledger-platform`, written from the platform of the examples.

use std::{collections::BTreeMap, process::ExitCode};

use infra_aws::{
    autoscaling, cidr, cloudwatch, ec2, ecr, eks, elbv2, iam, kms, logs, rds, sns, sts,
    types::Arn,
};
use infra_core::{App, prelude::*};

#[tokio::main]
async fn main() -> ExitCode {
    App::new("qledger-platform")
        .config_beside(env!("CARGO_MANIFEST_DIR"))
        .cloud("simulated", infra_aws::simulated())
        .run(program)
        .await
}

/// What the stack consists of.
pub fn program(stack: &mut Stack) -> Result<()> {
    let zones = stack.lookup("zones", ec2::AvailabilityZones::new());
    let caller = stack.lookup("caller", sts::CallerIdentity::new());

    let key_part = stack.scope("key", |stack| key_part(stack, &zones, &caller))?;

    let network = stack.scope("network", |stack| network(stack, &zones, &key_part))?;

    let cluster = stack.scope("cluster", |stack| cluster(stack, &key_part, &network))?;

    let entry = stack.scope("entry", |stack| entry(stack, &network, &cluster))?;

    let database = stack
        .scope("database", |stack| database(stack, &key_part, &network))?;

    stack
        .scope("alarms", |stack| alarms(stack, &key_part, &cluster, &entry, &database))?;

    stack.scope("image", |stack| image(stack, &key_part))?;
    Ok(())
}

/// What the rest of the stack uses of the scope `key`.
struct KeyPart {
    key_2: Handle<kms::Key>,
}

/// Declares the scope `key`.
fn key_part(
    stack: &mut Stack,
    zones: &Handle<ec2::AvailabilityZones>,
    caller: &Handle<sts::CallerIdentity>,
) -> Result<KeyPart> {
    let key_2 = stack.add(
        "key",
        kms::Key::new()
            .description("qledger: database, parameters, disks, logs")
            .policy(
                interpolate!(
                    r#"{"Statement":[{"Action":"kms:*","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{}:root"},"Resource":"*","Sid":"AccountDecides"},{"Action":["kms:Encrypt*","kms:Decrypt*","kms:ReEncrypt*","kms:GenerateDataKey*","kms:Describe*"],"Condition":{"ArnLike":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:{}:{}:log-group:*"}},"Effect":"Allow","Principal":{"Service":"logs.{}.amazonaws.com"},"Resource":"*","Sid":"Logs"},{"Action":["kms:Decrypt","kms:GenerateDataKey*"],"Condition":{"StringEquals":{"aws:SourceAccount":"{}"}},"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Resource":"*","Sid":"Alarms"},{"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:CreateGrant","kms:DescribeKey"],"Condition":{"StringEquals":{"kms:CallerAccount":"{}"},"StringLike":{"kms:ViaService":"ec2.*.amazonaws.com"}},"Effect":"Allow","Principal":{"AWS":"*"},"Resource":"*","Sid":"Disks"}],"Version":"2012-10-17"}"#,
                    &caller.account,
                    zones.names.index(0),
                    &caller.account,
                    zones.names.index(0),
                    &caller.account,
                    &caller.account,
                ),
            )
            .rotation(true)
            .multi_region(true),
    );
    stack.add("alias", kms::Alias::new(&key_2.id).name("alias/qledger-test"));
    Ok(KeyPart { key_2 })
}

/// What the rest of the stack uses of the scope `network`.
struct Network {
    ec2: Ec2,
}

/// Declares the scope `network`.
fn network(
    stack: &mut Stack,
    zones: &Handle<ec2::AvailabilityZones>,
    key_part: &KeyPart,
) -> Result<Network> {
    let logs = logs(stack, key_part)?;

    let iam = iam(stack, &logs)?;

    let ec2 = ec2(stack, zones, &logs, &iam)?;
    Ok(Network { ec2 })
}

/// What the rest of the stack uses of what is of `logs`.
struct Logs {
    flows: Handle<logs::LogGroup>,
}

/// Declares what is of `logs`.
fn logs(stack: &mut Stack, key_part: &KeyPart) -> Result<Logs> {
    let flows = stack.add(
        "flows",
        logs::LogGroup::new().retention_days(30).kms_key(&key_part.key_2.arn),
    );
    Ok(Logs { flows })
}

/// What the rest of the stack uses of what is of `iam`.
struct Iam {
    flows: Handle<iam::Role>,
}

/// Declares what is of `iam`.
fn iam(stack: &mut Stack, logs: &Logs) -> Result<Iam> {
    let flows = stack.add(
        "flows",
        iam::Role::new(
            r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"vpc-flow-logs.amazonaws.com"}}],"Version":"2012-10-17"}"#,
        ),
    );
    stack.add(
        "flows",
        iam::RolePolicy::new(
            &flows.name,
            interpolate!(
                r#"{"Statement":[{"Action":["logs:CreateLogStream","logs:PutLogEvents","logs:DescribeLogStreams"],"Effect":"Allow","Resource":"{}:*"}],"Version":"2012-10-17"}"#,
                &logs.flows.arn,
            ),
        ),
    );
    Ok(Iam { flows })
}

/// What the rest of the stack uses of what is of `ec2`.
struct Ec2 {
    nat_a_nat_gateway: Handle<ec2::NatGateway>,
    app_a_out: Handle<ec2::Route>,
    app_b_out: Handle<ec2::Route>,
    app_c_out: Handle<ec2::Route>,
    public_out: Handle<ec2::Route>,
    app_route_table_association: BTreeMap<
        &'static str,
        Handle<ec2::RouteTableAssociation>,
    >,
    data_route_table_association: BTreeMap<
        &'static str,
        Handle<ec2::RouteTableAssociation>,
    >,
    public_route_table_association: BTreeMap<
        &'static str,
        Handle<ec2::RouteTableAssociation>,
    >,
    api: Handle<ec2::SecurityGroup>,
    database: Handle<ec2::SecurityGroup>,
    entry: Handle<ec2::SecurityGroup>,
    nodes: Handle<ec2::SecurityGroup>,
    clients_to_entry: Handle<ec2::SecurityGroupRule>,
    entry_out: Handle<ec2::SecurityGroupRule>,
    entry_to_nodes: Handle<ec2::SecurityGroupRule>,
    inside_to_api: Handle<ec2::SecurityGroupRule>,
    nodes_out: Handle<ec2::SecurityGroupRule>,
    nodes_to_database: Handle<ec2::SecurityGroupRule>,
    nodes_to_nodes: Handle<ec2::SecurityGroupRule>,
    app_subnet: BTreeMap<&'static str, Handle<ec2::Subnet>>,
    data_subnet: BTreeMap<&'static str, Handle<ec2::Subnet>>,
    vpc: Handle<ec2::Vpc>,
    s3: Handle<ec2::VpcEndpoint>,
}

/// Declares what is of `ec2`.
fn ec2(
    stack: &mut Stack,
    zones: &Handle<ec2::AvailabilityZones>,
    logs: &Logs,
    iam: &Iam,
) -> Result<Ec2> {
    let nat_a = stack.add("nat-a", ec2::ElasticIp::new());
    let vpc = stack.add(
        "vpc",
        ec2::Vpc::new(cidr!("10.10.0.0/16"))
            .dns_hostnames(true)
            .tags([("Name", "qledger network"), ("team", "ledger")]),
    );
    stack.add(
        "flows",
        ec2::FlowLog::new(
            ec2::FlowLogSource::vpc(&vpc.id),
            ec2::FlowLogDestination::log_group(&logs.flows.name, &iam.flows.arn),
        ),
    );
    let internet = stack.add(
        "internet",
        ec2::InternetGateway::new().vpc_id(&vpc.id),
    );

    // aws_ec2_RouteTable.network.app
    let mut app = BTreeMap::new();
    for key in ["a", "b", "c"] {
        let route_table = ec2::RouteTable::new(&vpc.id)
            .tags([("Name", "qledger app"), ("team", "ledger")]);
        app.insert(key, stack.add(format!("app-{key}"), route_table));
    }
    let data = stack.add(
        "data",
        ec2::RouteTable::new(&vpc.id)
            .tags([("Name", "qledger data"), ("team", "ledger")]),
    );
    let public = stack.add(
        "public",
        ec2::RouteTable::new(&vpc.id)
            .tags([("Name", "qledger public"), ("team", "ledger")]),
    );
    let public_out = stack.add(
        "public-out",
        ec2::Route::new(
            &public.id,
            cidr!("0.0.0.0/0"),
            ec2::RouteTarget::internet_gateway(&internet.id),
        ),
    );
    let api = stack.add(
        "api",
        ec2::SecurityGroup::new(&vpc.id, "Kubernetes API inside the network")
            .tags([("Name", "qledger api"), ("team", "ledger")]),
    );
    let database = stack.add(
        "database",
        ec2::SecurityGroup::new(&vpc.id, "database of the ledger")
            .tags([("Name", "qledger database"), ("team", "ledger")]),
    );
    let entry = stack.add(
        "entry",
        ec2::SecurityGroup::new(&vpc.id, "load balancer of the ledger")
            .tags([("Name", "qledger entry"), ("team", "ledger")]),
    );
    let nodes = stack.add(
        "nodes",
        ec2::SecurityGroup::new(&vpc.id, "nodes of the cluster")
            .tags([("Name", "qledger nodes"), ("team", "ledger")]),
    );
    let clients_to_entry = stack.add(
        "clients-to-entry",
        ec2::SecurityGroupRule::new(
            &entry.id,
            ec2::Direction::Ingress,
            ec2::Source::cidr(cidr!("10.10.0.0/16")),
            ec2::Ports::tcp(80),
        ),
    );
    let entry_out = stack.add(
        "entry-out",
        ec2::SecurityGroupRule::new(
            &entry.id,
            ec2::Direction::Egress,
            ec2::Source::group(&nodes.id),
            ec2::Ports::tcp(30_700),
        ),
    );
    let entry_to_nodes = stack.add(
        "entry-to-nodes",
        ec2::SecurityGroupRule::new(
            &nodes.id,
            ec2::Direction::Ingress,
            ec2::Source::group(&entry.id),
            ec2::Ports::tcp(30_700),
        ),
    );
    let inside_to_api = stack.add(
        "inside-to-api",
        ec2::SecurityGroupRule::new(
            &api.id,
            ec2::Direction::Ingress,
            ec2::Source::cidr(cidr!("10.10.0.0/16")),
            ec2::Ports::tcp(443),
        ),
    );
    let nodes_out = stack.add(
        "nodes-out",
        ec2::SecurityGroupRule::new(
            &nodes.id,
            ec2::Direction::Egress,
            ec2::Source::cidr(cidr!("0.0.0.0/0")),
            ec2::Ports::All,
        ),
    );
    let nodes_to_database = stack.add(
        "nodes-to-database",
        ec2::SecurityGroupRule::new(
            &database.id,
            ec2::Direction::Ingress,
            ec2::Source::group(&nodes.id),
            ec2::Ports::tcp(5432),
        ),
    );
    let nodes_to_nodes = stack.add(
        "nodes-to-nodes",
        ec2::SecurityGroupRule::new(
            &nodes.id,
            ec2::Direction::Ingress,
            ec2::Source::group(&nodes.id),
            ec2::Ports::All,
        ),
    );

    // aws_ec2_Subnet.network.app
    let mut app_subnet = BTreeMap::new();
    for (key, cidr, zone) in [
        ("a", cidr!("10.10.16.0/20"), zones.names.index(0)),
        ("b", cidr!("10.10.32.0/20"), zones.names.index(1)),
        ("c", cidr!("10.10.48.0/20"), zones.names.index(2)),
    ] {
        let subnet = ec2::Subnet::new(&vpc.id, cidr, zone)
            .tags([
                ("Name", "qledger app"),
                ("kubernetes.io/role/internal-elb", "1"),
                ("team", "ledger"),
            ]);
        app_subnet.insert(
            key,
            stack.add(format!("app-{key}"), subnet),
        );
    }

    // aws_ec2_RouteTableAssociation.network.app
    let mut app_route_table_association = BTreeMap::new();
    for key in ["a", "b", "c"] {
        let route_table_association = ec2::RouteTableAssociation::new(
            &app_subnet[key].id,
            &app[key].id,
        );
        app_route_table_association.insert(
            key,
            stack.add(format!("app-{key}"), route_table_association),
        );
    }

    // aws_ec2_Subnet.network.data
    let mut data_subnet = BTreeMap::new();
    for (key, cidr, zone) in [
        ("a", cidr!("10.10.8.0/24"), zones.names.index(0)),
        ("b", cidr!("10.10.9.0/24"), zones.names.index(1)),
        ("c", cidr!("10.10.10.0/24"), zones.names.index(2)),
    ] {
        let subnet = ec2::Subnet::new(&vpc.id, cidr, zone)
            .tags([("Name", "qledger data"), ("team", "ledger")]);
        data_subnet.insert(
            key,
            stack.add(format!("data-{key}"), subnet),
        );
    }

    // aws_ec2_RouteTableAssociation.network.data
    let mut data_route_table_association = BTreeMap::new();
    for key in ["a", "b", "c"] {
        let route_table_association = ec2::RouteTableAssociation::new(
            &data_subnet[key].id,
            &data.id,
        );
        data_route_table_association.insert(
            key,
            stack.add(format!("data-{key}"), route_table_association),
        );
    }

    // aws_ec2_Subnet.network.public
    let mut public_subnet = BTreeMap::new();
    for (key, cidr, zone) in [
        ("a", cidr!("10.10.0.0/24"), zones.names.index(0)),
        ("b", cidr!("10.10.1.0/24"), zones.names.index(1)),
        ("c", cidr!("10.10.2.0/24"), zones.names.index(2)),
    ] {
        let subnet = ec2::Subnet::new(&vpc.id, cidr, zone)
            .tags([
                ("Name", "qledger public"),
                ("kubernetes.io/role/elb", "1"),
                ("team", "ledger"),
            ]);
        public_subnet.insert(
            key,
            stack.add(format!("public-{key}"), subnet),
        );
    }
    let nat_a_nat_gateway = stack.add(
        "nat-a",
        ec2::NatGateway::new(&public_subnet["a"].id)
            .allocation_id(&nat_a.id)
            .tags([("Name", "qledger nat"), ("team", "ledger")])
            .depends_on(&internet),
    );
    let app_a_out = stack.add(
        "app-a-out",
        ec2::Route::new(
            &app["a"].id,
            cidr!("0.0.0.0/0"),
            ec2::RouteTarget::nat_gateway(&nat_a_nat_gateway.id),
        ),
    );
    let app_b_out = stack.add(
        "app-b-out",
        ec2::Route::new(
            &app["b"].id,
            cidr!("0.0.0.0/0"),
            ec2::RouteTarget::nat_gateway(&nat_a_nat_gateway.id),
        ),
    );
    let app_c_out = stack.add(
        "app-c-out",
        ec2::Route::new(
            &app["c"].id,
            cidr!("0.0.0.0/0"),
            ec2::RouteTarget::nat_gateway(&nat_a_nat_gateway.id),
        ),
    );

    // aws_ec2_RouteTableAssociation.network.public
    let mut public_route_table_association = BTreeMap::new();
    for key in ["a", "b", "c"] {
        let route_table_association = ec2::RouteTableAssociation::new(
            &public_subnet[key].id,
            &public.id,
        );
        public_route_table_association.insert(
            key,
            stack.add(format!("public-{key}"), route_table_association),
        );
    }
    let s3 = stack.add(
        "s3",
        ec2::VpcEndpoint::new(&vpc.id, "s3", ec2::EndpointType::Gateway)
            .route_table_ids([
                &public.id,
                &data.id,
                &app["a"].id,
                &app["b"].id,
                &app["c"].id,
            ]),
    );
    Ok(Ec2 {
        nat_a_nat_gateway,
        app_a_out,
        app_b_out,
        app_c_out,
        public_out,
        app_route_table_association,
        data_route_table_association,
        public_route_table_association,
        api,
        database,
        entry,
        nodes,
        clients_to_entry,
        entry_out,
        entry_to_nodes,
        inside_to_api,
        nodes_out,
        nodes_to_database,
        nodes_to_nodes,
        app_subnet,
        data_subnet,
        vpc,
        s3,
    })
}

/// What the rest of the stack uses of the scope `cluster`.
struct Cluster {
    eks: Handle<eks::Cluster>,
    nodes: BTreeMap<&'static str, Handle<eks::NodeGroup>>,
}

/// Declares the scope `cluster`.
fn cluster(stack: &mut Stack, key_part: &KeyPart, network: &Network) -> Result<Cluster> {
    let control = stack.add(
        "control",
        iam::Role::new(
            r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"}}],"Version":"2012-10-17"}"#,
        ),
    );
    let control_amazon_ekscluster_policy = stack.add(
        "control-AmazonEKSClusterPolicy",
        iam::PolicyAttachment::new(
            &control.name,
            Arn::trusted("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"),
        ),
    );
    let node_role = stack.add(
        "node",
        iam::Role::new(
            r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}],"Version":"2012-10-17"}"#,
        ),
    );
    let node_amazon_ec2_container_registry_pull_only = stack.add(
        "node-AmazonEC2ContainerRegistryPullOnly",
        iam::PolicyAttachment::new(
            &node_role.name,
            Arn::trusted("arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"),
        ),
    );
    let node_amazon_eksworker_node_policy = stack.add(
        "node-AmazonEKSWorkerNodePolicy",
        iam::PolicyAttachment::new(
            &node_role.name,
            Arn::trusted("arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"),
        ),
    );
    let node_amazon_eks_cni_policy = stack.add(
        "node-AmazonEKS_CNI_Policy",
        iam::PolicyAttachment::new(
            &node_role.name,
            Arn::trusted("arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"),
        ),
    );
    let node_amazon_ssmmanaged_instance_core = stack.add(
        "node-AmazonSSMManagedInstanceCore",
        iam::PolicyAttachment::new(
            &node_role.name,
            Arn::trusted("arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"),
        ),
    );
    let observability = stack.add(
        "observability",
        iam::Role::new(
            r#"{"Statement":[{"Action":["sts:AssumeRole","sts:TagSession"],"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"}}],"Version":"2012-10-17"}"#,
        ),
    );
    let observability_cloud_watch_agent_server_policy = stack.add(
        "observability-CloudWatchAgentServerPolicy",
        iam::PolicyAttachment::new(
            &observability.name,
            Arn::trusted("arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"),
        ),
    );
    let audit = stack.add(
        "audit",
        logs::LogGroup::new()
            .name("/aws/eks/qledger-test/cluster")
            .retention_days(90)
            .kms_key(&key_part.key_2.arn)
            .adopt(),
    );
    let eks = stack.add(
        "eks",
        eks::Cluster::new(&control.arn, "1.35")
            .name("qledger-test")
            .subnets(network.ec2.app_subnet.values().map(|subnet| &subnet.id))
            .security_groups([&network.ec2.api.id])
            .logs([
                eks::LogType::Api,
                eks::LogType::Audit,
                eks::LogType::Authenticator,
                eks::LogType::ControllerManager,
                eks::LogType::Scheduler,
            ])
            .creator_is_admin(true)
            .encryption_key(&key_part.key_2.arn)
            .depends_on([control_amazon_ekscluster_policy.urn(), audit.urn()]),
    );
    let node = stack.add(
        "node",
        ec2::LaunchTemplate::new()
            .instance_type("t4g.medium")
            .security_group_ids([&eks.cluster_security_group_id, &network.ec2.nodes.id])
            .block_devices([
                ec2::BlockDevice::new("/dev/xvda", 40).kms_key(&key_part.key_2.arn),
            ]),
    );
    let eks_pod_identity_agent = stack.add(
        "eks-pod-identity-agent",
        eks::Addon::new(&eks.name, "eks-pod-identity-agent"),
    );
    let kube_proxy = stack.add(
        "kube-proxy",
        eks::Addon::new(&eks.name, "kube-proxy"),
    );
    let vpc_cni = stack.add(
        "vpc-cni",
        eks::Addon::new(&eks.name, "vpc-cni")
            .configuration(r#"{"enableNetworkPolicy":"true"}"#),
    );

    // aws_eks_NodeGroup.cluster.nodes
    let mut nodes = BTreeMap::new();
    for key in ["a", "b", "c"] {
        let node_group = eks::NodeGroup::new(
                &eks.name,
                &node_role.arn,
                eks::Scaling::new(1, 2).desired(1),
            )
            .subnets([&network.ec2.app_subnet[key].id])
            .launch_template(
                eks::LaunchTemplateVersion::new(&node.id, &node.latest_version),
            )
            .ami_type("AL2023_ARM_64_STANDARD")
            .depends_on([
                network.ec2.nat_a_nat_gateway.urn(),
                network.ec2.app_a_out.urn(),
                network.ec2.app_b_out.urn(),
                network.ec2.app_c_out.urn(),
                network.ec2.public_out.urn(),
                network.ec2.app_route_table_association["a"].urn(),
                network.ec2.app_route_table_association["b"].urn(),
                network.ec2.app_route_table_association["c"].urn(),
                network.ec2.data_route_table_association["a"].urn(),
                network.ec2.data_route_table_association["b"].urn(),
                network.ec2.data_route_table_association["c"].urn(),
                network.ec2.public_route_table_association["a"].urn(),
                network.ec2.public_route_table_association["b"].urn(),
                network.ec2.public_route_table_association["c"].urn(),
                network.ec2.clients_to_entry.urn(),
                network.ec2.entry_out.urn(),
                network.ec2.entry_to_nodes.urn(),
                network.ec2.inside_to_api.urn(),
                network.ec2.nodes_out.urn(),
                network.ec2.nodes_to_database.urn(),
                network.ec2.nodes_to_nodes.urn(),
                network.ec2.s3.urn(),
                eks_pod_identity_agent.urn(),
                kube_proxy.urn(),
                vpc_cni.urn(),
                node_amazon_ec2_container_registry_pull_only.urn(),
                node_amazon_eksworker_node_policy.urn(),
                node_amazon_eks_cni_policy.urn(),
                node_amazon_ssmmanaged_instance_core.urn(),
            ]);
        nodes.insert(
            key,
            stack.add(format!("nodes-{key}"), node_group),
        );
    }
    stack.add(
        "coredns",
        eks::Addon::new(&eks.name, "coredns")
            .depends_on([&nodes["a"], &nodes["b"], &nodes["c"]]),
    );
    stack.add(
        "metrics-server",
        eks::Addon::new(&eks.name, "metrics-server")
            .depends_on([&nodes["a"], &nodes["b"], &nodes["c"]]),
    );
    let insights_application = stack.add(
        "insights-application",
        logs::LogGroup::new()
            .name(
                interpolate!("/aws/containerinsights/{}/application", &eks.name),
            )
            .retention_days(30)
            .kms_key(&key_part.key_2.arn)
            .adopt(),
    );
    let insights_dataplane = stack.add(
        "insights-dataplane",
        logs::LogGroup::new()
            .name(interpolate!("/aws/containerinsights/{}/dataplane", &eks.name))
            .retention_days(30)
            .kms_key(&key_part.key_2.arn)
            .adopt(),
    );
    let insights_host = stack.add(
        "insights-host",
        logs::LogGroup::new()
            .name(interpolate!("/aws/containerinsights/{}/host", &eks.name))
            .retention_days(30)
            .kms_key(&key_part.key_2.arn)
            .adopt(),
    );
    let insights_performance = stack.add(
        "insights-performance",
        logs::LogGroup::new()
            .name(
                interpolate!("/aws/containerinsights/{}/performance", &eks.name),
            )
            .retention_days(30)
            .kms_key(&key_part.key_2.arn)
            .adopt(),
    );
    stack.add(
        "amazon-cloudwatch-observability",
        eks::Addon::new(&eks.name, "amazon-cloudwatch-observability")
            .pod_identities([
                eks::AddonIdentity::new("cloudwatch-agent", &observability.arn),
            ])
            .depends_on([
                nodes["a"].urn(),
                nodes["b"].urn(),
                nodes["c"].urn(),
                observability_cloud_watch_agent_server_policy.urn(),
                insights_application.urn(),
                insights_dataplane.urn(),
                insights_host.urn(),
                insights_performance.urn(),
            ]),
    );
    Ok(Cluster { eks, nodes })
}

/// What the rest of the stack uses of the scope `entry`.
struct Entry {
    balancer: Handle<elbv2::LoadBalancer>,
    targets: Handle<elbv2::TargetGroup>,
}

/// Declares the scope `entry`.
fn entry(stack: &mut Stack, network: &Network, cluster: &Cluster) -> Result<Entry> {
    let balancer = stack.add(
        "balancer",
        elbv2::LoadBalancer::new()
            .subnets(network.ec2.app_subnet.values().map(|subnet| &subnet.id))
            .security_groups([&network.ec2.entry.id])
            .cross_zone(true),
    );
    let targets = stack.add(
        "targets",
        elbv2::TargetGroup::new(elbv2::Protocol::Tcp, 30_700, &network.ec2.vpc.id)
            .health_check(
                elbv2::HealthCheck::new()
                    .protocol(elbv2::Protocol::Http)
                    .path("/ping")
                    .interval(5)
                    .timeout(3)
                    .healthy(2)
                    .unhealthy(2),
            )
            .deregistration_delay(30)
            .preserve_client_ip(false),
    );

    // aws_autoscaling_TargetGroupAttachment.entry.nodes
    for (key, auto_scaling_group) in [
        ("a", cluster.nodes["a"].auto_scaling_groups.index(0)),
        ("b", cluster.nodes["b"].auto_scaling_groups.index(0)),
        ("c", cluster.nodes["c"].auto_scaling_groups.index(0)),
    ] {
        let target_group_attachment = autoscaling::TargetGroupAttachment::new(
            auto_scaling_group,
            &targets.arn,
        );
        stack.add(format!("nodes-{key}"), target_group_attachment);
    }
    stack.add(
        "listener",
        elbv2::Listener::new(
            &balancer.arn,
            elbv2::Protocol::Tcp,
            80,
            elbv2::Action::forward(&targets.arn),
        ),
    );
    Ok(Entry { balancer, targets })
}

/// What the rest of the stack uses of the scope `database`.
struct Database {
    instance: Handle<rds::Instance>,
}

/// Declares the scope `database`.
fn database(
    stack: &mut Stack,
    key_part: &KeyPart,
    network: &Network,
) -> Result<Database> {
    let parameters = stack.add(
        "parameters",
        rds::ParameterGroup::new("postgres17")
            .parameters([("log_min_duration_statement", "500"), ("rds.force_ssl", "1")]),
    );
    let subnets = stack.add(
        "subnets",
        rds::SubnetGroup::new()
            .subnets(network.ec2.data_subnet.values().map(|subnet| &subnet.id)),
    );
    let instance = stack.add(
        "instance",
        rds::Instance::new(rds::Engine::postgres("17"), "db.t4g.micro", rds::Gib(20))
            .database("qledger")
            .username("qledger_master")
            .manage_master_password(true)
            .master_secret_key(&key_part.key_2.arn)
            .multi_az(true)
            .subnet_group(&subnets.name)
            .security_groups([&network.ec2.database.id])
            .parameter_group(&parameters.name)
            .kms_key(&key_part.key_2.arn)
            .backup_retention(1)
            .skip_final_snapshot(true)
            .log_exports(["postgresql", "upgrade"]),
    );
    Ok(Database { instance })
}

/// Declares the scope `alarms`.
fn alarms(
    stack: &mut Stack,
    key_part: &KeyPart,
    cluster: &Cluster,
    entry: &Entry,
    database: &Database,
) -> Result<()> {
    let topic = stack.add(
        "topic",
        sns::Topic::new()
            .kms_key(&key_part.key_2.id)
            .subscriptions(Vec::<sns::Subscription>::new()),
    );
    stack.add(
        "connections",
        cloudwatch::Alarm::new(
                cloudwatch::Metric::new("AWS/RDS", "DatabaseConnections")
                    .dimensions([
                        ("DBInstanceIdentifier", &database.instance.identifier),
                    ])
                    .statistic(cloudwatch::Statistic::Maximum)
                    .period(300),
                cloudwatch::Comparison::Greater,
                80.0,
            )
            .description("Many connections")
            .evaluation_periods(3)
            .alarm_actions([&topic.arn])
            .ok_actions([&topic.arn]),
    );
    stack.add(
        "database-cpu",
        cloudwatch::Alarm::new(
                cloudwatch::Metric::new("AWS/RDS", "CPUUtilization")
                    .dimensions([
                        ("DBInstanceIdentifier", &database.instance.identifier),
                    ])
                    .period(300),
                cloudwatch::Comparison::Greater,
                80.0,
            )
            .description("The database is busy")
            .evaluation_periods(3)
            .alarm_actions([&topic.arn])
            .ok_actions([&topic.arn]),
    );
    stack.add(
        "database-memory",
        cloudwatch::Alarm::new(
                cloudwatch::Metric::new("AWS/RDS", "FreeableMemory")
                    .dimensions([
                        ("DBInstanceIdentifier", &database.instance.identifier),
                    ])
                    .statistic(cloudwatch::Statistic::Minimum)
                    .period(300),
                cloudwatch::Comparison::Less,
                134217728.0,
            )
            .description("Little memory is left")
            .evaluation_periods(3)
            .alarm_actions([&topic.arn])
            .ok_actions([&topic.arn]),
    );
    stack.add(
        "database-space",
        cloudwatch::Alarm::new(
                cloudwatch::Metric::new("AWS/RDS", "FreeStorageSpace")
                    .dimensions([
                        ("DBInstanceIdentifier", &database.instance.identifier),
                    ])
                    .statistic(cloudwatch::Statistic::Minimum)
                    .period(300),
                cloudwatch::Comparison::Less,
                5368709120.0,
            )
            .description("The disk is nearly full")
            .evaluation_periods(3)
            .alarm_actions([&topic.arn])
            .ok_actions([&topic.arn]),
    );
    stack.add(
        "failed-nodes",
        cloudwatch::Alarm::new(
                cloudwatch::Metric::new("ContainerInsights", "cluster_failed_node_count")
                    .dimensions([
                        ("ClusterName", interpolate!("{}", &cluster.eks.name)),
                    ])
                    .statistic(cloudwatch::Statistic::Maximum),
                cloudwatch::Comparison::Greater,
                0.0,
            )
            .description("A node of the cluster has failed")
            .evaluation_periods(3)
            .alarm_actions([&topic.arn])
            .ok_actions([&topic.arn]),
    );
    stack.add(
        "few-targets",
        cloudwatch::Alarm::new(
                cloudwatch::Metric::new("AWS/NetworkELB", "HealthyHostCount")
                    .dimensions([
                        ("LoadBalancer", &entry.balancer.full_name),
                        ("TargetGroup", &entry.targets.full_name),
                    ])
                    .statistic(cloudwatch::Statistic::Minimum),
                cloudwatch::Comparison::Less,
                2.0,
            )
            .description("Fewer than two nodes answer")
            .evaluation_periods(3)
            .missing_data(cloudwatch::MissingData::Breaching)
            .alarm_actions([&topic.arn])
            .ok_actions([&topic.arn]),
    );
    stack.add(
        "node-cpu",
        cloudwatch::Alarm::new(
                cloudwatch::Metric::new("ContainerInsights", "node_cpu_utilization")
                    .dimensions([
                        ("ClusterName", interpolate!("{}", &cluster.eks.name)),
                    ])
                    .statistic(cloudwatch::Statistic::Maximum),
                cloudwatch::Comparison::Greater,
                80.0,
            )
            .description("A node is busy")
            .evaluation_periods(3)
            .alarm_actions([&topic.arn])
            .ok_actions([&topic.arn]),
    );
    stack.add(
        "node-disk",
        cloudwatch::Alarm::new(
                cloudwatch::Metric::new(
                        "ContainerInsights",
                        "node_filesystem_utilization",
                    )
                    .dimensions([
                        ("ClusterName", interpolate!("{}", &cluster.eks.name)),
                    ])
                    .statistic(cloudwatch::Statistic::Maximum),
                cloudwatch::Comparison::Greater,
                85.0,
            )
            .description("The disk of a node is nearly full")
            .evaluation_periods(3)
            .alarm_actions([&topic.arn])
            .ok_actions([&topic.arn]),
    );
    stack.add(
        "node-memory",
        cloudwatch::Alarm::new(
                cloudwatch::Metric::new("ContainerInsights", "node_memory_utilization")
                    .dimensions([
                        ("ClusterName", interpolate!("{}", &cluster.eks.name)),
                    ])
                    .statistic(cloudwatch::Statistic::Maximum),
                cloudwatch::Comparison::Greater,
                85.0,
            )
            .description("A node has little memory left")
            .evaluation_periods(3)
            .alarm_actions([&topic.arn])
            .ok_actions([&topic.arn]),
    );
    Ok(())
}

/// Declares the scope `image`.
fn image(stack: &mut Stack, key_part: &KeyPart) -> Result<()> {
    stack.add(
        "repository",
        ecr::Repository::new()
            .tag_mutability(ecr::TagMutability::Immutable)
            .scan_on_push(true)
            .encryption(ecr::Encryption::kms(&key_part.key_2.arn))
            .force_delete(true),
    );
    Ok(())
}
