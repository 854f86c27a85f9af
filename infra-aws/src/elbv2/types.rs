//! Ids and words of load balancing.

use infra_core::{Value, text_type};

text_type! {
    /// The ARN of a load balancer.
    LoadBalancerArn, "a load balancer's ARN like `arn:aws:elasticloadbalancing:…:loadbalancer/net/…`",
    |text| text.starts_with("arn:") && text.contains(":loadbalancer/")
}
text_type! {
    /// The ARN of a listener.
    ListenerArn, "a listener's ARN like `arn:aws:elasticloadbalancing:…:listener/net/…`",
    |text| text.starts_with("arn:") && text.contains(":listener/")
}

/// What a listener speaks, or a target group.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP; application load balancers.
    #[value(rename = "HTTP")]
    Http,
    /// HTTPS; application load balancers.
    #[value(rename = "HTTPS")]
    Https,
    /// TCP; network load balancers.
    #[value(rename = "TCP")]
    Tcp,
    /// TLS, ended at the load balancer; network load balancers.
    #[value(rename = "TLS")]
    Tls,
    /// UDP; network load balancers.
    #[value(rename = "UDP")]
    Udp,
    /// TCP and UDP on one port; network load balancers.
    #[value(rename = "TCP_UDP")]
    TcpUdp,
}

/// What kind of load balancer.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadBalancerKind {
    /// Connections: TCP, TLS, UDP.
    Network,
    /// Requests: HTTP, HTTPS.
    Application,
}

/// From where a load balancer is reached.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// From within the VPC only.
    Internal,
    /// From the internet; its subnets need a route to an internet gateway.
    #[value(rename = "internet-facing")]
    InternetFacing,
}

/// Which addresses a load balancer has.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpAddressType {
    /// IPv4.
    Ipv4,
    /// IPv4 and IPv6.
    Dualstack,
}

/// What a target group's members are.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetType {
    /// Instances, by id.
    Instance,
    /// Addresses, of pods for instance.
    Ip,
    /// One application load balancer.
    Alb,
}

/// Where in ARNs' `RESOURCE` part the identity begins: `net/name/id` of `…:loadbalancer/net/name/id`.
pub(super) fn full_name<'a>(arn: &'a str, after: &str) -> &'a str {
    arn.split_once(after).map_or(arn, |(_, name)| name)
}
