//! Three zones, who may talk to whom, and how the outside is reached.

use infra_aws::{
    cidr, ec2,
    ec2::{Ports, RouteTarget, Source},
    iam, kms, logs,
    policy::{Document, Statement},
    types::{Cidr, Zone},
};
use infra_core::{prelude::*, state::Urn};

use super::{Config, NODE_PORT, Nat, POSTGRES, config::checked};

/// Three zones, each with a public, an application and an isolated database subnet.
pub struct Network {
    /// The network.
    pub vpc: Handle<ec2::Vpc>,
    /// Its way to the internet.
    pub internet: Handle<ec2::InternetGateway>,
    /// Subnets that the internet reaches.
    pub public: Vec<Handle<ec2::Subnet>>,
    /// Subnets of the nodes.
    pub app: Vec<Handle<ec2::Subnet>>,
    /// Subnets of the database.
    pub data: Vec<Handle<ec2::Subnet>>,
    /// The load balancer's group: the only one that the outside may reach.
    pub entry_group: Handle<ec2::SecurityGroup>,
    /// The nodes' group.
    pub node_group: Handle<ec2::SecurityGroup>,
    /// The database's group.
    pub data_group: Handle<ec2::SecurityGroup>,
    /// The group of the Kubernetes API inside the network.
    pub api_group: Handle<ec2::SecurityGroup>,
    /// What has to be there for a node to reach anything: routes, gateways, endpoints, rules.
    pub ready: Vec<Urn>,
}

type Rule = ec2::SecurityGroupRule;

const EVERYWHERE: Cidr = cidr!("0.0.0.0/0");

impl Network {
    /// Declares it.
    pub fn new(
        stack: &mut Stack,
        config: &Config,
        found: &Handle<ec2::AvailabilityZones>,
        key: &Handle<kms::Key>,
    ) -> Self {
        let block = checked(stack, "cidr", &config.cidr).unwrap_or(cidr!("10.0.0.0/16"));
        let name = |what: &str| {
            let named = [("Name", format!("qledger {what}")), ("team", config.team.clone())];
            named.map(|(key, value)| (key.to_owned(), value))
        };
        let vpc = ec2::Vpc::new(block).dns_hostnames(true).dns_support(true);
        let vpc = stack.add("vpc", vpc.tags(name("network")));
        let internet = stack.add("internet", ec2::InternetGateway::new().vpc_id(&vpc.id));

        // 10.10.0.0/16: public 10.10.0-2.0/24, database 10.10.8-10.0/24, application 10.10.16.0/20 and up.
        let zones: Vec<(char, Output<Zone>)> =
            ('a'..='z').zip((0..config.zones).map(|at| found.names.index(at))).collect();
        let tier = |stack: &mut Stack, tier: &str, prefix: u8, first: u32, role: Option<&str>| {
            let mut subnets = Vec::new();
            for (at, (letter, zone)) in (first..).zip(&zones) {
                let Some(block) = block.subnet(prefix, at) else {
                    stack.error(format!("`cidr` {block} is too small for {} zones", config.zones));
                    break;
                };
                let role = role.map(|role| (role.to_owned(), "1".to_owned()));
                let subnet =
                    ec2::Subnet::new(&vpc.id, block, zone).tags(name(tier).into_iter().chain(role));
                subnets.push(stack.add(format!("{tier}-{letter}"), subnet));
            }
            subnets
        };
        let public = tier(stack, "public", 24, 0, Some("kubernetes.io/role/elb"));
        let data = tier(stack, "data", 24, 8, None);
        let app = tier(stack, "app", 20, 1, Some("kubernetes.io/role/internal-elb"));

        // Public subnets reach the internet directly, application subnets through NAT, database subnets not at all.
        let outward = stack.add("public", ec2::RouteTable::new(&vpc.id).tags(name("public")));
        let direct =
            ec2::Route::new(&outward.id, EVERYWHERE, RouteTarget::internet_gateway(&internet.id));
        let mut ready = vec![stack.add("public-out", direct).urn().clone()];
        let isolated = stack.add("data", ec2::RouteTable::new(&vpc.id).tags(name("data")));
        let mut gateways: Vec<Handle<ec2::NatGateway>> = Vec::new();
        let mut tables = vec![outward.clone(), isolated.clone()];
        for (at, (zone, _)) in zones.iter().enumerate().take(data.len().min(app.len())) {
            if at == 0 || config.nat == Nat::PerZone {
                let address = stack.add(format!("nat-{zone}"), ec2::ElasticIp::new());
                let gateway = ec2::NatGateway::new(&public[at].id)
                    .allocation_id(&address.id)
                    .tags(name("nat"));
                // A NAT gateway works only once the way out of its subnet does.
                let gateway = gateway.depends_on([&internet]);
                gateways.push(stack.add(format!("nat-{zone}"), gateway));
            }
            let gateway = &gateways[at.min(gateways.len() - 1)];
            let table =
                stack.add(format!("app-{zone}"), ec2::RouteTable::new(&vpc.id).tags(name("app")));
            let through =
                ec2::Route::new(&table.id, EVERYWHERE, RouteTarget::nat_gateway(&gateway.id));
            ready.push(stack.add(format!("app-{zone}-out"), through).urn().clone());
            for (tier, subnet, table) in [
                ("public", &public[at], &outward),
                ("app", &app[at], &table),
                ("data", &data[at], &isolated),
            ] {
                let association = ec2::RouteTableAssociation::new(&subnet.id, &table.id);
                ready.push(stack.add(format!("{tier}-{zone}"), association).urn().clone());
            }
            tables.push(table);
        }
        ready.extend(gateways.iter().map(|gateway| gateway.urn().clone()));

        let group = |stack: &mut Stack, what: &str, about: &str| {
            stack.add(what, ec2::SecurityGroup::new(&vpc.id, about).tags(name(what)))
        };
        let entry_group = group(stack, "entry", "load balancer of the ledger");
        let node_group = group(stack, "nodes", "nodes of the cluster");
        let data_group = group(stack, "database", "database of the ledger");
        let api_group = group(stack, "api", "Kubernetes API inside the network");

        let s3 = ec2::VpcEndpoint::gateway(&vpc.id, "s3");
        let s3 = stack.add("s3", s3.route_table_ids(tables.iter().map(|table| &table.id)));
        ready.push(s3.urn().clone());
        if config.interface_endpoints {
            let inside = group(stack, "endpoints", "AWS services inside the network");
            let rule = Rule::ingress(&inside.id, Source::cidr(block), Ports::tcp(443));
            ready.push(stack.add("nodes-to-endpoints", rule).urn().clone());
            ready.extend(interface_endpoints(stack, &vpc, &app, &inside));
        }
        flow_log(stack, &vpc, key);
        let mut network = Self {
            vpc,
            internet,
            public,
            app,
            data,
            entry_group,
            node_group,
            data_group,
            api_group,
            ready,
        };
        network.rules(stack, config, block);
        network
    }

    /// Who may talk to whom; whatever is not here is refused.
    fn rules(&mut self, stack: &mut Stack, config: &Config, block: Cidr) {
        let clients = if config.domain.is_some() { EVERYWHERE } else { block };
        let door = if config.domain.is_some() { 443 } else { 80 };
        let from = |group: &Handle<ec2::SecurityGroup>| Source::group(&group.id);
        let (entry, nodes, data) = (&self.entry_group, &self.node_group, &self.data_group);
        let (anywhere, inside) = (Source::cidr(EVERYWHERE), Source::cidr(block));
        for (name, rule) in [
            ("clients-to-entry", Rule::ingress(&entry.id, Source::cidr(clients), Ports::tcp(door))),
            ("entry-out", Rule::egress(&entry.id, from(nodes), Ports::tcp(NODE_PORT))),
            ("entry-to-nodes", Rule::ingress(&nodes.id, from(entry), Ports::tcp(NODE_PORT))),
            ("nodes-to-nodes", Rule::ingress(&nodes.id, from(nodes), Ports::All)),
            ("nodes-out", Rule::egress(&nodes.id, anywhere, Ports::All)),
            ("nodes-to-database", Rule::ingress(&data.id, from(nodes), Ports::tcp(POSTGRES))),
            // EKS's own group lets in only what is in it too: not what deploys, and not the bastion.
            ("inside-to-api", Rule::ingress(&self.api_group.id, inside, Ports::tcp(443))),
        ] {
            self.ready.push(stack.add(name, rule).urn().clone());
        }
    }
}

/// The AWS services that nodes call, reached inside the network instead of through NAT.
fn interface_endpoints(
    stack: &mut Stack,
    vpc: &Handle<ec2::Vpc>,
    subnets: &[Handle<ec2::Subnet>],
    group: &Handle<ec2::SecurityGroup>,
) -> Vec<Urn> {
    let services = [
        "ecr.api",
        "ecr.dkr",
        "ec2",
        "eks",
        "eks-auth",
        "sts",
        "logs",
        "ssm",
        "ssmmessages",
        "kms",
        "secretsmanager",
    ];
    let endpoint = |service: &str| {
        let endpoint = ec2::VpcEndpoint::interface(&vpc.id, service)
            .subnet_ids(subnets.iter().map(|subnet| &subnet.id))
            .security_group_ids([&group.id])
            .private_dns(true);
        stack.add(service.replace('.', "-"), endpoint).urn().clone()
    };
    services.map(endpoint).into()
}

/// Who talked to whom, kept for a month.
fn flow_log(stack: &mut Stack, vpc: &Handle<ec2::Vpc>, key: &Handle<kms::Key>) {
    let group = stack.add("flows", logs::LogGroup::new().retention_days(30).kms_key(&key.arn));
    let role = stack.add("flows", iam::Role::for_service("vpc-flow-logs.amazonaws.com"));
    let write = Statement::allow()
        .actions(["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"])
        .resources([interpolate!("{}:*", &group.arn)]);
    let write = Document::new().statement(write);
    stack.add("flows", iam::RolePolicy::new(&role.name, write));
    let source = ec2::FlowLogSource::vpc(&vpc.id);
    let destination = ec2::FlowLogDestination::log_group(&group.name, &role.arn);
    stack.add("flows", ec2::FlowLog::new(source, destination));
}
