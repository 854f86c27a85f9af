//! QLedger, highly available, as one typed program: three zones, a Multi-AZ PostgreSQL, EKS behind a network load
//! balancer, credentials through SSM and KMS, alarms.
//!
//! ```text
//! cargo run --example qledger-ha                 # on an AWS inside the process
//! cargo run --example qledger-ha -- preview
//! cargo run --example qledger-ha -- graph --format svg > qledger.svg
//! cargo run --example qledger-ha -- destroy
//! ```
//!
//! Read [`program`] first: it is the system on a page. Each component below it is one function under a scope. The
//! numbers and choices are in `qledger-ha.toml`.

use std::process::ExitCode;

use infra_aws::{
    acm, autoscaling, cidr, cloudwatch,
    cloudwatch::{Comparison, Metric},
    ec2,
    ec2::{BlockDevice, Ports, RouteTarget, Source},
    ecr, eks,
    eks::LogType,
    elbv2, iam, kms, logs,
    policy::{Condition, Document, Principal, Statement},
    rds,
    rds::{Engine, gib},
    route53,
    route53::RecordType,
    sns, ssm, sts,
    types::{Arn, Cidr, Zone},
};
use infra_core::{App, prelude::*};
use serde::Deserialize;

/// The fixed node port that the load balancer's targets listen on; the ledger's pods stand behind it.
const NODE_PORT: u16 = 30_700;
const POSTGRES: u16 = 5432;

/// What `qledger-ha.toml` decides.
#[derive(Deserialize)]
struct Config {
    cidr: String,
    zones: usize,
    nat: Nat,
    interface_endpoints: bool,
    api_access: Vec<String>,
    kubernetes: String,
    node_type: String,
    nodes_per_zone: i32,
    spare_nodes_per_zone: i32,
    postgres: String,
    database_class: String,
    database_gib: i32,
    backup_days: i32,
    bastion: bool,
    admins: Vec<String>,
    alarm_email: Option<String>,
    domain: Option<String>,
    team: String,
    protect: bool,
}

/// How the application subnets reach the internet.
#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Nat {
    /// One gateway a zone: a lost zone takes only its own way out with it.
    PerZone,
    /// One for all: cheaper.
    Single,
}

#[tokio::main]
async fn main() -> ExitCode {
    App::new("qledger-ha")
        .config_beside(env!("CARGO_MANIFEST_DIR"))
        .cloud("simulated", infra_aws::simulated())
        .cloud("aws", infra_aws::aws())
        .backend("s3", infra_aws::state::s3)
        .run(program)
        .await
}

/// The whole system. Pure: it builds the graph and calls no cloud.
pub fn program(stack: &mut Stack) -> Result<()> {
    let config: Config = stack.config()?;
    let caller = stack.lookup("caller", sts::CallerIdentity::new());
    let key = stack.scope("key", |stack| encryption_key(stack, &config, &caller));
    let network = stack.scope("network", |stack| Network::new(stack, &config, &key));
    let database = stack.scope("database", |stack| Database::new(stack, &config, &network, &key));
    let secrets = stack.scope("secrets", |stack| Secrets::new(stack, &database, &key));
    let registry = stack.scope("image", |stack| image_repository(stack, &config, &key));
    let cluster = stack.scope("cluster", |stack| Cluster::new(stack, &config, &network, &key));
    stack.scope("identity", |stack| ledger_identity(stack, &cluster, &secrets, &key));
    let entry = stack.scope("entry", |stack| Entry::new(stack, &config, &network, &cluster));
    stack.scope("alarms", |stack| alarms(stack, &config, &database, &entry, &key));
    if config.bastion {
        stack.scope("bastion", |stack| bastion(stack, &network, &key));
    }

    stack.export("url", entry.url);
    stack.export("cluster", &cluster.eks.name);
    stack.export("cluster_endpoint", &cluster.eks.endpoint);
    stack.export("database", &database.instance.endpoint);
    stack.export("repository", &registry.url);
    stack.export("parameters", secrets.path.as_str());
    stack.export("token", &secrets.token);
    Ok(())
}

/// The stack's key: it seals the database, its master secret, the parameters, the nodes' disks and the logs.
fn encryption_key(
    stack: &mut Stack,
    config: &Config,
    caller: &Handle<sts::CallerIdentity>,
) -> Handle<kms::Key> {
    let root = interpolate!("arn:aws:iam::{}:root", &caller.account);
    let policy = Document::new()
        .statement(
            Statement::allow()
                .sid("AccountDecides")
                .principal(Principal::arn(&root))
                .actions(["kms:*"])
                .all_resources(),
        )
        // CloudWatch Logs encrypts with the key of a group itself, so the key must name it.
        .statement(
            Statement::allow()
                .sid("Logs")
                .principal(Principal::service("logs.amazonaws.com"))
                .actions(["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*"])
                .actions(["kms:Describe*"])
                .all_resources(),
        )
        // Auto scaling starts nodes whose disks this key encrypts.
        .statement(
            Statement::allow()
                .sid("NodeDisks")
                .principal(Principal::arn(&root))
                .actions(["kms:CreateGrant"])
                .all_resources()
                .condition(Condition::bool("kms:GrantIsForAWSResource", true)),
        );
    let key = kms::Key::new()
        .description("qledger: database, parameters, disks, logs")
        .rotation(true)
        .policy(policy);
    let key = stack.add("key", key.protect_if(config.protect));
    stack.add("alias", kms::Alias::new(&key.id).name(format!("alias/qledger-{}", stack.name())));
    key
}

/// Three zones, each with a public, an application and an isolated database subnet.
struct Network {
    vpc: Handle<ec2::Vpc>,
    internet: Handle<ec2::InternetGateway>,
    public: Vec<Handle<ec2::Subnet>>,
    app: Vec<Handle<ec2::Subnet>>,
    data: Vec<Handle<ec2::Subnet>>,
    /// The load balancer's group: the only one that the outside may reach.
    entry_group: Handle<ec2::SecurityGroup>,
    node_group: Handle<ec2::SecurityGroup>,
    data_group: Handle<ec2::SecurityGroup>,
}

type Rule = ec2::SecurityGroupRule;

impl Network {
    fn new(stack: &mut Stack, config: &Config, key: &Handle<kms::Key>) -> Self {
        let block = checked(stack, "cidr", &config.cidr).unwrap_or(cidr!("10.0.0.0/16"));
        let name = |what: &str| {
            let named = [("Name", format!("qledger {what}")), ("team", config.team.clone())];
            named.map(|(key, value)| (key.to_owned(), value))
        };
        let vpc = ec2::Vpc::new(block).dns_hostnames(true).dns_support(true);
        let vpc = stack.add("vpc", vpc.tags(name("network")));
        let internet = stack.add("internet", ec2::InternetGateway::new().vpc_id(&vpc.id));

        // 10.10.0.0/16: public 10.10.0-2.0/24, database 10.10.8-10.0/24, application 10.10.16.0/20 and up.
        let found = stack.lookup("zones", ec2::AvailabilityZones::new());
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
        let everywhere = cidr!("0.0.0.0/0");
        let outward = stack.add("public", ec2::RouteTable::new(&vpc.id).tags(name("public")));
        let direct =
            ec2::Route::new(&outward.id, everywhere, RouteTarget::internet_gateway(&internet.id));
        stack.add("public-out", direct);
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
                ec2::Route::new(&table.id, everywhere, RouteTarget::nat_gateway(&gateway.id));
            stack.add(format!("app-{zone}-out"), through);
            for (tier, subnet, table) in [
                ("public", &public[at], &outward),
                ("app", &app[at], &table),
                ("data", &data[at], &isolated),
            ] {
                let association = ec2::RouteTableAssociation::new(&subnet.id, &table.id);
                stack.add(format!("{tier}-{zone}"), association);
            }
            tables.push(table);
        }

        let group = |stack: &mut Stack, what: &str, about: &str| {
            stack.add(what, ec2::SecurityGroup::new(&vpc.id, about).tags(name(what)))
        };
        let entry_group = group(stack, "entry", "load balancer of the ledger");
        let node_group = group(stack, "nodes", "nodes of the cluster");
        let data_group = group(stack, "database", "database of the ledger");

        // Who may talk to whom; whatever is not here is refused.
        let mut allow = |name: &str, rule: ec2::SecurityGroupRuleDecl| drop(stack.add(name, rule));
        let clients = if config.domain.is_some() { everywhere } else { block };
        let door = if config.domain.is_some() { 443 } else { 80 };
        let from = |group: &Handle<ec2::SecurityGroup>| Source::group(&group.id);
        allow(
            "clients-to-entry",
            Rule::ingress(&entry_group.id, Source::cidr(clients), Ports::tcp(door)),
        );
        allow("entry-out", Rule::egress(&entry_group.id, from(&node_group), Ports::tcp(NODE_PORT)));
        allow(
            "entry-to-nodes",
            Rule::ingress(&node_group.id, from(&entry_group), Ports::tcp(NODE_PORT)),
        );
        allow("nodes-to-nodes", Rule::ingress(&node_group.id, from(&node_group), Ports::All));
        allow("nodes-out", Rule::egress(&node_group.id, Source::cidr(everywhere), Ports::All));
        allow(
            "nodes-to-database",
            Rule::ingress(&data_group.id, from(&node_group), Ports::tcp(POSTGRES)),
        );

        let s3 = ec2::VpcEndpoint::gateway(&vpc.id, "s3");
        stack.add("s3", s3.route_table_ids(tables.iter().map(|table| &table.id)));
        if config.interface_endpoints {
            let inside = group(stack, "endpoints", "AWS services inside the network");
            stack.add(
                "nodes-to-endpoints",
                Rule::ingress(&inside.id, Source::cidr(block), Ports::tcp(443)),
            );
            interface_endpoints(stack, &vpc, &app, &inside);
        }
        flow_log(stack, &vpc, key);
        Self { vpc, internet, public, app, data, entry_group, node_group, data_group }
    }
}

/// The AWS services that nodes call, reached inside the network instead of through NAT.
fn interface_endpoints(
    stack: &mut Stack,
    vpc: &Handle<ec2::Vpc>,
    subnets: &[Handle<ec2::Subnet>],
    group: &Handle<ec2::SecurityGroup>,
) {
    for service in [
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
    ] {
        let endpoint = ec2::VpcEndpoint::interface(&vpc.id, service)
            .subnet_ids(subnets.iter().map(|subnet| &subnet.id))
            .security_group_ids([&group.id])
            .private_dns(true);
        stack.add(service.replace('.', "-"), endpoint);
    }
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

/// Multi-AZ PostgreSQL in the isolated subnets. RDS makes and rotates the master password; nothing else knows it.
struct Database {
    instance: Handle<rds::Instance>,
}

impl Database {
    fn new(stack: &mut Stack, config: &Config, network: &Network, key: &Handle<kms::Key>) -> Self {
        let subnets = network.data.iter().map(|subnet| &subnet.id);
        let subnets = stack.add("subnets", rds::SubnetGroup::new().subnets(subnets));
        let parameters = rds::ParameterGroup::new(format!("postgres{}", config.postgres))
            .parameters([("rds.force_ssl", "1"), ("log_min_duration_statement", "500")]);
        let parameters = stack.add("parameters", parameters);
        let instance = rds::Instance::new(
            Engine::postgres(&config.postgres),
            &config.database_class,
            gib(config.database_gib),
        )
        .multi_az(true)
        .database("qledger")
        .username("qledger_master")
        .manage_master_password(true)
        .master_secret_key(&key.arn)
        .kms_key(&key.arn)
        .subnet_group(&subnets.name)
        .parameter_group(&parameters.name)
        .security_groups([&network.data_group.id])
        .backup_retention(config.backup_days)
        .copy_tags_to_snapshot(true)
        .log_exports(["postgresql", "upgrade"])
        .deletion_protection(config.protect)
        .skip_final_snapshot(!config.protect);
        Self { instance: stack.add("instance", instance.protect_if(config.protect)) }
    }
}

/// What the ledger reads at start: its connection string and the token its callers must show. Generated here, sealed
/// in state, stored as `SecureStrings`; nobody types or sees them.
struct Secrets {
    path: String,
    token: Output<Sensitive<String>>,
    parameters: Vec<Handle<ssm::Parameter>>,
}

impl Secrets {
    fn new(stack: &mut Stack, database: &Database, key: &Handle<kms::Key>) -> Self {
        let path = format!("/{}/qledger", stack.name());
        // Letters and digits only: safe in a URL, in a shell and in a DSN alike.
        let password = stack.secret("database-password");
        let token = stack.secret_with("auth-token", Secret::new().length(48));
        let url = interpolate!(
            "postgres://qledger:{}@{}:{}/qledger?sslmode=verify-full&sslrootcert=/etc/rds/global-bundle.pem",
            &password,
            &database.instance.address,
            &database.instance.port
        );
        let parameter = |name: &str, value: Output<Sensitive<String>>| {
            ssm::Parameter::secure(format!("{path}/{name}"), value).kms_key(&key.id)
        };
        let parameters = vec![
            stack.add("url", parameter("DATABASE_URL", url.secret())),
            stack.add("token", parameter("LEDGER_AUTH_TOKEN", token.clone())),
        ];
        Self { path, token, parameters }
    }
}

/// Where the ledger's image is pushed to: scanned, and a tag once pushed stays what it is.
fn image_repository(
    stack: &mut Stack,
    config: &Config,
    key: &Handle<kms::Key>,
) -> Handle<ecr::Repository> {
    let repository = ecr::Repository::new()
        .scan_on_push(true)
        .tag_mutability(ecr::TagMutability::Immutable)
        .encryption(ecr::Encryption::kms(&key.arn))
        .force_delete(!config.protect);
    stack.add("repository", repository)
}

/// EKS over the application subnets, with one node group a zone.
struct Cluster {
    eks: Handle<eks::Cluster>,
    nodes: Vec<Handle<eks::NodeGroup>>,
    agent: Handle<eks::Addon>,
}

impl Cluster {
    fn new(stack: &mut Stack, config: &Config, network: &Network, key: &Handle<kms::Key>) -> Self {
        let name = format!("qledger-{}", stack.name());
        let public: Vec<Cidr> = config
            .api_access
            .iter()
            .filter_map(|block| checked(stack, "api_access", block))
            .collect();
        if config.protect && public.iter().any(|block| block.prefix() == 0) {
            stack.error("`api_access` opens the Kubernetes API to the whole internet: name the blocks that need it");
        }

        // EKS writes here under a fixed name; made first, it has our retention and key instead of none.
        let audit =
            logs::LogGroup::new().name(format!("/aws/eks/{name}/cluster")).retention_days(90);
        let audit = stack.add("audit", audit.kms_key(&key.arn));
        let role = stack.add("control", iam::Role::for_service("eks.amazonaws.com"));
        let policies = managed_policies(stack, "control", &role, &["AmazonEKSClusterPolicy"]);
        let eks = eks::Cluster::new(&role.arn, &config.kubernetes)
            .name(name)
            .subnets(network.app.iter().map(|subnet| &subnet.id))
            .private_access(true)
            .public_access(!public.is_empty())
            .logs([
                LogType::Api,
                LogType::Audit,
                LogType::Authenticator,
                LogType::ControllerManager,
                LogType::Scheduler,
            ])
            .encryption_key(&key.arn)
            .deletion_protection(config.protect)
            .when(!public.is_empty(), |eks| eks.public_cidrs(public.clone()));
        let eks = stack
            .add("eks", eks.protect_if(config.protect).depends_on(policies).depends_on([&audit]));
        for (at, admin) in config.admins.iter().enumerate() {
            let administer = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
            let entry = eks::AccessEntry::new(&eks.name, Arn::trusted(admin))
                .policies([eks::AccessPolicy::new(Arn::trusted(administer))]);
            stack.add(format!("admin-{at}"), entry);
        }

        // What a node needs to become ready comes before the nodes; what runs on nodes comes after them.
        let addon =
            |stack: &mut Stack, name: &str| stack.add(name, eks::Addon::new(&eks.name, name));
        let before =
            ["vpc-cni", "kube-proxy", "eks-pod-identity-agent"].map(|name| addon(stack, name));
        let nodes = node_groups(stack, config, network, key, &eks, &before);
        for name in ["coredns", "metrics-server"] {
            stack.add(name, eks::Addon::new(&eks.name, name).depends_on(&nodes));
        }
        let [_, _, agent] = before;
        Self { eks, nodes, agent }
    }
}

/// One node group a zone, so that each zone keeps its share and a volume finds its node again.
fn node_groups(
    stack: &mut Stack,
    config: &Config,
    network: &Network,
    key: &Handle<kms::Key>,
    eks: &Handle<eks::Cluster>,
    before: &[Handle<eks::Addon>],
) -> Vec<Handle<eks::NodeGroup>> {
    let role = stack.add("node", iam::Role::for_service("ec2.amazonaws.com"));
    let needed = [
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonSSMManagedInstanceCore",
    ];
    let policies = managed_policies(stack, "node", &role, &needed);
    // With a template of our own EKS does not add the cluster's group to the nodes: both are named here.
    let template = ec2::LaunchTemplate::new()
        .instance_type(&config.node_type)
        .security_group_ids([&eks.cluster_security_group_id, &network.node_group.id])
        // IMDSv2 only, one hop: pods cannot reach the node's own credentials. That is the default here.
        .metadata(ec2::MetadataOptions::default())
        .block_devices([BlockDevice::new("/dev/xvda", 40).kms_key(&key.arn)]);
    let template = stack.add("node", template);
    let mut groups = Vec::new();
    let scaling = eks::Scaling {
        min: config.nodes_per_zone,
        max: config.nodes_per_zone + config.spare_nodes_per_zone,
        desired: Some(config.nodes_per_zone),
    };
    for (zone, subnet) in ('a'..='z').zip(&network.app) {
        let group = eks::NodeGroup::new(&eks.name, &role.arn, scaling.clone())
            .subnets([&subnet.id])
            .launch_template(eks::LaunchTemplateVersion::new(
                &template.id,
                &template.latest_version,
            ))
            .depends_on(&policies)
            .depends_on(before);
        groups.push(stack.add(format!("nodes-{zone}"), group));
    }
    groups
}

/// AWS's own policies, attached to a role.
fn managed_policies(
    stack: &mut Stack,
    of: &str,
    role: &Handle<iam::Role>,
    names: &[&str],
) -> Vec<Handle<iam::PolicyAttachment>> {
    let mut attach = |name: &&str| {
        stack.add(format!("{of}-{name}"), iam::PolicyAttachment::of_aws(&role.name, name))
    };
    names.iter().map(&mut attach).collect()
}

/// The ledger's pods may read exactly its two parameters, with exactly this key, and nothing else.
fn ledger_identity(
    stack: &mut Stack,
    cluster: &Cluster,
    secrets: &Secrets,
    key: &Handle<kms::Key>,
) {
    let role = stack.add("ledger", iam::Role::for_pods());
    let parameters: Vec<_> = secrets.parameters.iter().map(|parameter| &parameter.arn).collect();
    let policy = Document::new()
        .statement(
            Statement::allow()
                .sid("ReadOwnParameters")
                .actions(["ssm:GetParameter", "ssm:GetParameters"])
                .resources(parameters.iter().copied()),
        )
        .statement(
            Statement::allow()
                .sid("DecryptThem")
                .actions(["kms:Decrypt"])
                .resources([&key.arn])
                .condition(
                    Condition::string_equals("kms:EncryptionContext:PARAMETER_ARN", parameters[0])
                        .or_any(parameters[1..].iter().copied()),
                ),
        );
    stack.add("ledger", iam::RolePolicy::new(&role.name, policy));
    let association =
        eks::PodIdentityAssociation::new(&cluster.eks.name, "qledger", "qledger", &role.arn);
    stack.add("ledger", association.depends_on([&cluster.agent]));
}

/// The way in: a network load balancer whose targets are the nodes' auto scaling groups on a fixed port. No
/// controller inside the cluster makes it, so nothing is left over when the stack is destroyed.
struct Entry {
    url: Output<String>,
    balancer: Handle<elbv2::LoadBalancer>,
    targets: Handle<elbv2::TargetGroup>,
}

impl Entry {
    fn new(stack: &mut Stack, config: &Config, network: &Network, cluster: &Cluster) -> Self {
        let public = config.domain.is_some();
        let subnets = if public { &network.public } else { &network.app };
        let balancer = elbv2::LoadBalancer::new()
            .kind(elbv2::LoadBalancerKind::Network)
            .subnets(subnets.iter().map(|subnet| &subnet.id))
            .scheme(if public { elbv2::Scheme::InternetFacing } else { elbv2::Scheme::Internal })
            // A network load balancer that is made without a security group can never get one.
            .security_groups([&network.entry_group.id])
            .cross_zone(true)
            .deletion_protection(config.protect);
        // What faces the internet is refused while there is no way out of its VPC.
        let balancer = balancer.depends_on(public.then_some(&network.internet));
        let balancer = stack.add("balancer", balancer);
        let health = elbv2::HealthCheck::new()
            .protocol(elbv2::Protocol::Http)
            .path("/ping")
            .interval(10)
            .healthy(2);
        let targets = elbv2::TargetGroup::new(elbv2::Protocol::Tcp, NODE_PORT, &network.vpc.id)
            .health_check(health)
            .deregistration_delay(30);
        let targets = stack.add("targets", targets);
        for (zone, nodes) in ('a'..='z').zip(&cluster.nodes) {
            let group = nodes.auto_scaling_groups.index(0);
            stack.add(
                format!("nodes-{zone}"),
                autoscaling::TargetGroupAttachment::new(group, &targets.arn),
            );
        }
        let url = if let Some(domain) = &config.domain {
            let certificate = named(stack, domain, &balancer);
            let forward = elbv2::Action::forward(&targets.arn);
            let listener = elbv2::Listener::new(&balancer.arn, elbv2::Protocol::Tls, 443, forward);
            stack.add("listener", listener.certificate(&certificate.arn));
            interpolate!("https://{}", domain)
        } else {
            let forward = elbv2::Action::forward(&targets.arn);
            let listener = elbv2::Listener::new(&balancer.arn, elbv2::Protocol::Tcp, 80, forward);
            stack.add("listener", listener);
            interpolate!("http://{}", &balancer.dns_name)
        };
        Self { url, balancer, targets }
    }
}

/// A zone for the domain, a certificate proven by a record in it, and the alias to the load balancer.
fn named(
    stack: &mut Stack,
    domain: &str,
    balancer: &Handle<elbv2::LoadBalancer>,
) -> Handle<acm::CertificateValidation> {
    let zone = stack.add("zone", route53::HostedZone::new(domain));
    let certificate = stack.add("certificate", acm::Certificate::new(domain));
    let proof = certificate.validation_record(domain);
    let record = route53::Record::new(&zone.id, proof.map(|record| record.name), RecordType::Cname)
        .values([proof.map(|record| record.value)])
        .ttl(300);
    let record = stack.add("proof", record);
    let valid = acm::CertificateValidation::new(&certificate.arn).records([&record.name]);
    let valid = stack.add("certificate", valid);
    let alias = route53::Alias::new(&balancer.dns_name, &balancer.hosted_zone_id);
    stack.add("alias", route53::Record::new(&zone.id, domain, RecordType::A).alias(alias));
    stack.export("name_servers", &zone.name_servers);
    valid
}

/// What somebody must look at, sent to one topic.
fn alarms(
    stack: &mut Stack,
    config: &Config,
    database: &Database,
    entry: &Entry,
    key: &Handle<kms::Key>,
) {
    let people = config.alarm_email.iter().map(|address| sns::Subscription {
        protocol: sns::Protocol::Email,
        endpoint: address.clone(),
    });
    let topic = sns::Topic::new().kms_key(&key.id).subscriptions(people.collect::<Vec<_>>());
    let topic = stack.add("topic", topic);
    let balancer = |metric: &str| {
        Metric::new("AWS/NetworkELB", metric).dimensions([
            ("LoadBalancer", &entry.balancer.full_name),
            ("TargetGroup", &entry.targets.full_name),
        ])
    };
    let database = |metric: &str| {
        Metric::new("AWS/RDS", metric)
            .dimensions([("DBInstanceIdentifier", &database.instance.identifier)])
            .period(300)
    };
    let gibibyte = 1_073_741_824.0;
    for (name, about, metric, comparison, threshold) in [
        (
            "unhealthy-targets",
            "A node does not answer /ping",
            balancer("UnHealthyHostCount"),
            Comparison::Greater,
            0.0,
        ),
        (
            "few-targets",
            "Fewer than two nodes answer",
            balancer("HealthyHostCount"),
            Comparison::Less,
            2.0,
        ),
        (
            "database-cpu",
            "The database is busy",
            database("CPUUtilization"),
            Comparison::Greater,
            80.0,
        ),
        (
            "database-space",
            "The disk is nearly full",
            database("FreeStorageSpace"),
            Comparison::Less,
            5.0 * gibibyte,
        ),
        (
            "database-memory",
            "Little memory is left",
            database("FreeableMemory"),
            Comparison::Less,
            gibibyte / 8.0,
        ),
        // The ledger's pool has no limit, so the database's own is the one to watch.
        (
            "connections",
            "Many connections",
            database("DatabaseConnections"),
            Comparison::Greater,
            80.0,
        ),
    ] {
        let alarm = cloudwatch::Alarm::new(metric, comparison, threshold)
            .description(about)
            .evaluation_periods(3)
            .alarm_actions([&topic.arn])
            .ok_actions([&topic.arn]);
        stack.add(name, alarm);
    }
}

/// A host for port forwarding: no inbound rule, no key, reached through Session Manager only.
fn bastion(stack: &mut Stack, network: &Network, key: &Handle<kms::Key>) {
    let role = stack.add("bastion", iam::Role::for_service("ec2.amazonaws.com"));
    managed_policies(stack, "bastion", &role, &["AmazonSSMManagedInstanceCore"]);
    let profile = stack.add("bastion", iam::InstanceProfile::of(&role.name));
    let group = ec2::SecurityGroup::new(&network.vpc.id, "bastion");
    let group = stack.add("bastion", group);
    let out = Source::cidr(cidr!("0.0.0.0/0"));
    stack.add("bastion-out", ec2::SecurityGroupRule::egress(&group.id, out, Ports::tcp(443)));
    let to = Source::group(&network.data_group.id);
    stack.add(
        "bastion-to-database",
        ec2::SecurityGroupRule::egress(&group.id, to, Ports::tcp(POSTGRES)),
    );
    let from = Source::group(&group.id);
    stack.add(
        "database-from-bastion",
        ec2::SecurityGroupRule::ingress(&network.data_group.id, from, Ports::tcp(POSTGRES)),
    );
    let image = stack.lookup("image", ssm::LatestAmi::amazon_linux(ssm::Architecture::Arm64));
    let host = ec2::Instance::new(&image.image_id, "t4g.nano", &network.app[0].id)
        .security_group_ids([&group.id])
        .instance_profile(&profile.name)
        .root_volume(ec2::RootVolume::new("/dev/xvda", 8).kms_key(&key.arn));
    // The newest image is looked up once and pinned: a new one replaces the host only on `--refresh-lookups`.
    stack.add("host", host);
}

/// The block, or a mistake that says which entry of the configuration is none.
fn checked(stack: &mut Stack, key: &str, block: &str) -> Option<Cidr> {
    Cidr::parse(block)
        .map_err(|e| stack.error(format!("`{key}` in the configuration: {block:?}: {e}")))
        .ok()
}
