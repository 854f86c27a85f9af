//! The way in.

use infra_aws::{acm, autoscaling, elbv2, route53, route53::RecordType};
use infra_core::prelude::*;

use super::{Cluster, Config, NODE_PORT, Network};

/// The way in: a network load balancer whose targets are the nodes' auto scaling groups on a fixed port. No
/// controller inside the cluster makes it, so nothing is left over when the stack is destroyed.
pub struct Entry {
    /// Where the ledger answers.
    pub url: Output<String>,
    /// The load balancer.
    pub balancer: Handle<elbv2::LoadBalancer>,
    /// What it sends traffic to.
    pub targets: Handle<elbv2::TargetGroup>,
}

impl Entry {
    /// Declares it.
    pub fn new(stack: &mut Stack, config: &Config, network: &Network, cluster: &Cluster) -> Self {
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
            .interval(5)
            .timeout(3)
            .healthy(2)
            .unhealthy(2);
        let targets = elbv2::TargetGroup::new(elbv2::Protocol::Tcp, NODE_PORT, &network.vpc.id)
            .health_check(health)
            .deregistration_delay(30)
            // A pod that calls the ledger by its internal balancer may be sent back to its own node, which takes no packet
            // that comes with its own address. From outside nobody has one.
            .preserve_client_ip(public);
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
