//! EKS and its nodes.

use infra_aws::{
    ec2,
    ec2::BlockDevice,
    eks,
    eks::LogType,
    iam, kms, logs,
    types::{Arn, Cidr},
};
use infra_core::{prelude::*, state::Urn};

use super::{Config, Network, config::checked};

/// EKS over the application subnets, with one node group a zone.
pub struct Cluster {
    /// Its control plane.
    pub eks: Handle<eks::Cluster>,
    /// Its nodes, a group for each zone.
    pub nodes: Vec<Handle<eks::NodeGroup>>,
    /// What has to be there before a pod can run.
    pub before_pods: Vec<Urn>,
}

impl Cluster {
    /// Declares it.
    pub fn new(
        stack: &mut Stack,
        config: &Config,
        network: &Network,
        key: &Handle<kms::Key>,
    ) -> Self {
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
        let addon = |name: &str| eks::Addon::new(&eks.name, name);
        // Without this, network policies are only wishes.
        let network_policy = "{\"enableNetworkPolicy\":\"true\"}";
        let before = [
            stack.add("vpc-cni", addon("vpc-cni").configuration(network_policy)),
            stack.add("kube-proxy", addon("kube-proxy")),
            stack.add("eks-pod-identity-agent", addon("eks-pod-identity-agent")),
        ];
        let nodes = node_groups(stack, config, network, key, &eks, &before);
        let names = stack.add("coredns", addon("coredns").depends_on(&nodes));
        stack.add("metrics-server", addon("metrics-server").depends_on(&nodes));
        observability(stack, &eks, &nodes, key);
        let mut before_pods: Vec<Urn> = before.iter().map(|addon| addon.urn().clone()).collect();
        before_pods.extend(nodes.iter().map(|nodes| nodes.urn().clone()));
        before_pods.push(names.urn().clone());
        Self { eks, nodes, before_pods }
    }
}

/// AWS's agents: metrics of nodes and pods, and what they write, in CloudWatch. With an identity of its own, so that the
/// nodes need no rights for it.
fn observability(
    stack: &mut Stack,
    eks: &Handle<eks::Cluster>,
    nodes: &[Handle<eks::NodeGroup>],
    key: &Handle<kms::Key>,
) {
    // The agents write here under fixed names; made first, they have our retention and key instead of none.
    let mut groups = Vec::new();
    for kind in ["application", "dataplane", "host", "performance"] {
        let name = interpolate!("/aws/containerinsights/{}/{}", &eks.name, kind);
        let group = logs::LogGroup::new().name(name).retention_days(30).kms_key(&key.arn);
        groups.push(stack.add(format!("insights-{kind}"), group));
    }
    let role = stack.add("observability", iam::Role::for_pods());
    let policies =
        managed_policies(stack, "observability", &role, &["CloudWatchAgentServerPolicy"]);
    let identity = eks::AddonIdentity::new("cloudwatch-agent", &role.arn);
    let addon = eks::Addon::new(&eks.name, "amazon-cloudwatch-observability");
    let addon = addon.pod_identities([identity]).depends_on(nodes).depends_on(&policies);
    stack.add("amazon-cloudwatch-observability", addon.depends_on(&groups));
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
pub(super) fn managed_policies(
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
