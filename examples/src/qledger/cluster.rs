//! EKS and its nodes.

use infra_aws::{ec2, ec2::BlockDevice, eks, eks::LogType, iam, kms, logs, types::Cidr};
use infra_core::{prelude::*, state::Urn};

use super::{Config, Network, access::access, config::checked};

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

        // EKS writes here under a fixed name; made first, it has our retention and key instead of none. The last words of
        // a cluster may make it anew after it is deleted: then it is taken over.
        let audit =
            logs::LogGroup::new().name(format!("/aws/eks/{name}/cluster")).retention_days(90);
        let audit = stack.add("audit", audit.kms_key(&key.arn).adopt());
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
            .security_groups([&network.api_group.id])
            // Or this very program, which makes the cluster, could put nothing into it.
            .creator_is_admin(true)
            .deletion_protection(config.protect)
            .when(!public.is_empty(), |eks| eks.public_cidrs(public.clone()));
        let eks = stack
            .add("eks", eks.protect_if(config.protect).depends_on(policies).depends_on([&audit]));
        let mut before_pods = access(stack, config, &eks);

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
        before_pods.extend(before.iter().map(|addon| addon.urn().clone()));
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
    // The agents write here under fixed names; made first, they have our retention and key instead of none. An agent that
    // writes its last after they are deleted makes them anew: then they are taken over.
    let mut groups = Vec::new();
    for kind in ["application", "dataplane", "host", "performance"] {
        let name = interpolate!("/aws/containerinsights/{}/{}", &eks.name, kind);
        let group = logs::LogGroup::new().name(name).retention_days(30).kms_key(&key.arn);
        groups.push(stack.add(format!("insights-{kind}"), group.adopt()));
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
            .ami_type(image_for(&config.node_type))
            .launch_template(eks::LaunchTemplateVersion::new(
                &template.id,
                &template.latest_version,
            ))
            .depends_on(&policies)
            .depends_on(before)
            // Nodes come up only with a way out, and while they are there somebody still needs it.
            .depends_on(&network.ready);
        groups.push(stack.add(format!("nodes-{zone}"), group));
    }
    groups
}

/// EKS's own machine image for the processor of an instance type. Graviton's families have a `g` after their number
/// (`m7g`, `c8gn`), but for the first; EKS does not find that out by itself.
fn image_for(instance_type: &str) -> &'static str {
    let family = instance_type.split('.').next().unwrap_or_default();
    let variant = family.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let variant = variant.trim_start_matches(|c: char| c.is_ascii_digit());
    if variant.starts_with('g') || family == "a1" {
        "AL2023_ARM_64_STANDARD"
    } else {
        "AL2023_x86_64_STANDARD"
    }
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

#[cfg(test)]
mod tests {
    use super::image_for;

    #[test]
    fn the_image_is_for_the_processor() {
        for graviton in
            ["m7g.large", "t4g.medium", "c8gn.xlarge", "x2gd.metal", "g5g.xlarge", "a1.large"]
        {
            assert_eq!(image_for(graviton), "AL2023_ARM_64_STANDARD", "{graviton}");
        }
        for other in ["m7i.large", "t3.medium", "g5.xlarge", "g4dn.xlarge", "c7a.large"] {
            assert_eq!(image_for(other), "AL2023_x86_64_STANDARD", "{other}");
        }
    }
}
