//! A host for port forwarding.

use infra_aws::{
    cidr, ec2,
    ec2::{Ports, Source},
    iam, kms, ssm,
};
use infra_core::prelude::*;

use super::{Cluster, Network, POSTGRES, cluster::managed_policies};

/// Who may open sessions on the host is told by this tag, whose value is the cluster's name.
pub(super) const SESSIONS: &str = "qledger:bastion-of";

/// A host for port forwarding: no inbound rule, no key, reached through Session Manager only.
pub fn bastion(stack: &mut Stack, network: &Network, cluster: &Cluster, key: &Handle<kms::Key>) {
    let role = stack.add("bastion", iam::Role::for_service("ec2.amazonaws.com"));
    managed_policies(stack, "bastion", &role, &["AmazonSSMManagedInstanceCore"]);
    let profile = stack.add("bastion", iam::InstanceProfile::of(&role.name));
    let group = ec2::SecurityGroup::new(&network.vpc.id, "bastion");
    let group = stack.add("bastion", group);
    // AWS's own services, and the Kubernetes API, which lets in whoever is in the network.
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
        .tags([(SESSIONS, interpolate!("{}", &cluster.eks.name))])
        .root_volume(ec2::RootVolume::new("/dev/xvda", 8).kms_key(&key.arn));
    // The newest image is looked up once and pinned: a new one replaces the host only on `--refresh-lookups`.
    stack.add("host", host);
}
