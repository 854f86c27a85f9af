//! What must not be open to the world.

use infra_core::policy::Policy;
#[cfg(any(feature = "s3", feature = "sns", feature = "ecr", feature = "kms"))]
use infra_core::{
    Resource,
    policy::{Violation, Wanted},
    provider::Field,
};

#[cfg(feature = "ec2")]
use crate::ec2::{Direction, Ports, SecurityGroupRule, Source};
#[cfg(any(feature = "ec2", feature = "eks"))]
use crate::types::Cidr;

pub(super) fn public_database() -> Policy {
    let policy = Policy::named("aws:public-database");
    #[cfg(feature = "rds")]
    let policy = policy.also::<crate::rds::Instance>(|it| {
        type Instance = crate::rds::Instance;
        let message = "the internet can reach the database: leave `publicly_accessible` out, and come to it through the \
                       VPC";
        let public = it.is(Instance::PUBLICLY_ACCESSIBLE, &true);
        it.wrong_if(public, Instance::PUBLICLY_ACCESSIBLE, message)
    });
    policy.about("a database has no address that the internet can reach")
}

pub(super) fn open_group() -> Policy {
    let policy = Policy::named("aws:open-group");
    #[cfg(feature = "ec2")]
    let policy = policy.also::<SecurityGroupRule>(|it| {
        let source = match it.known(SecurityGroupRule::SOURCE) {
            Some(Source::Cidr(block)) if is_world(&block) => block,
            _ => return Vec::new(),
        };
        let inward = it.is(SecurityGroupRule::DIRECTION, &Direction::Ingress);
        let Some(what) = it.known(SecurityGroupRule::PORTS).filter(|_| inward).as_ref().and_then(guarded)
        else {
            return Vec::new();
        };
        let message = format!(
            "{source} may reach {what}: name the addresses or the group that need it; for a shell, Session Manager needs \
             no open port"
        );
        vec![it.wrong(SecurityGroupRule::SOURCE, message)]
    });
    policy
        .about("no security group lets the world in to SSH, RDP, a database's port, or everything")
}

pub(super) fn public_bucket() -> Policy {
    let policy = Policy::named("aws:public-bucket");
    #[cfg(feature = "s3")]
    let policy = policy.also::<crate::s3::Bucket>(|it| {
        use crate::s3::{Bucket, PublicAccessBlock};
        let block = it.known(Bucket::PUBLIC_ACCESS_BLOCK);
        let message = "part of the block on public access is lifted, so that a policy or an ACL can open the bucket to \
                       everybody";
        let lifted = block.is_some_and(|block| block != PublicAccessBlock::ALL);
        it.wrong_if(lifted, Bucket::PUBLIC_ACCESS_BLOCK, message)
    });
    policy.about("a bucket's public access is blocked, all of it")
}

pub(super) fn public_policy() -> Policy {
    let policy = Policy::named("aws:public-policy");
    #[cfg(feature = "s3")]
    let policy = policy.also(|it| everybody(it, crate::s3::Bucket::POLICY));
    #[cfg(feature = "sns")]
    let policy = policy.also(|it| everybody(it, crate::sns::Topic::POLICY));
    #[cfg(feature = "ecr")]
    let policy = policy.also(|it| everybody(it, crate::ecr::Repository::POLICY));
    #[cfg(feature = "kms")]
    let policy = policy.also(|it| everybody(it, crate::kms::Key::POLICY));
    policy.about(
        "no policy of a bucket, topic, repository or key lets everybody in without a condition",
    )
}

pub(super) fn public_cluster() -> Policy {
    let policy = Policy::named("aws:public-cluster");
    #[cfg(feature = "eks")]
    let policy = policy.also::<crate::eks::Cluster>(|it| {
        use crate::eks::Cluster;
        let from = it.get(Cluster::PUBLIC_CIDRS);
        // What is left out AWS opens to everybody.
        let unsaid = it.lacks(Cluster::PUBLIC_CIDRS);
        let world = unsaid || from.known().is_some_and(|blocks| blocks.iter().any(is_world));
        let open = it.is(Cluster::PUBLIC_ACCESS, &true) && world;
        let message = "everybody may reach the cluster's API: name the addresses in `public_cidrs`";
        it.wrong_if(open, Cluster::PUBLIC_CIDRS, message)
    });
    policy.about("the API of a cluster is not reachable from all of the internet")
}

#[cfg(any(feature = "s3", feature = "sns", feature = "ecr", feature = "kms"))]
fn everybody<R: Resource>(it: &Wanted<'_, R>, policy: Field<R, String>) -> Vec<Violation> {
    let open = it.known(policy).is_some_and(|text| super::document::lets_in_everybody(&text));
    let message = "a statement allows everybody (`Principal: \"*\"`) something, and no condition bounds it: name \
                   principals, or add a condition like `aws:PrincipalOrgID`";
    it.wrong_if(open, policy, message)
}

/// Whether a block is so large that it is everybody; two halves are as open as the whole.
#[cfg(any(feature = "ec2", feature = "eks"))]
fn is_world(block: &Cidr) -> bool {
    block.prefix() <= 1
}

/// The ports of what is administered or holds data: nothing that the world has to reach.
#[cfg(feature = "ec2")]
const GUARDED: [(u16, &str); 17] = [
    (22, "SSH"),
    (23, "Telnet"),
    (445, "SMB"),
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (2375, "Docker"),
    (2379, "etcd"),
    (3306, "MySQL"),
    (3389, "RDP"),
    (5432, "PostgreSQL"),
    (5439, "Redshift"),
    (5900, "VNC"),
    (5985, "WinRM"),
    (6379, "Redis"),
    (9200, "OpenSearch"),
    (11211, "memcached"),
    (27017, "MongoDB"),
];

/// What of that these ports let through.
#[cfg(feature = "ec2")]
fn guarded(ports: &Ports) -> Option<String> {
    let (from, to) = match *ports {
        Ports::All => return Some("everything".to_owned()),
        Ports::Tcp(port) => (port, port),
        Ports::TcpRange { from, to } => (from, to),
        Ports::UdpRange { from: 0, to: u16::MAX } => return Some("every UDP port".to_owned()),
        _ => return None,
    };
    let met: Vec<_> = GUARDED.iter().filter(|(port, _)| (from..=to).contains(port)).collect();
    match met.as_slice() {
        [] => None,
        [(port, name)] if from == to => Some(format!("{name} (port {port})")),
        [(_, name), ..] => {
            let more = if met.len() > 1 { ", among others" } else { "" };
            Some(format!("ports {from} to {to} ({name}{more})"))
        }
    }
}
