//! How far something is open.

#[cfg(feature = "ec2")]
use crate::ec2::Ports;
#[cfg(feature = "ec2")]
use crate::types::Cidr;

/// Ports behind which nobody expects the world: shells and desktops, databases and caches, a cluster's own.
#[cfg(feature = "ec2")]
const PRIVATE: [u16; 22] = [
    22, 23, 135, 139, 445, 1433, 1521, 2049, 2375, 2379, 3306, 3389, 5432, 5439, 5900, 6379, 6443,
    9200, 10250, 11211, 27017, 50000,
];

/// Whether these are all addresses there are, or half of them: two rules of a half are one of all.
#[cfg(feature = "ec2")]
pub(super) fn is_world(cidr: Cidr) -> bool {
    cidr.prefix() <= 1
}

/// Whether these let anybody in where nobody expects it.
#[cfg(feature = "ec2")]
pub(super) fn are_private(ports: &Ports) -> bool {
    let within = |from: u16, to: u16| PRIVATE.iter().any(|port| (from..=to).contains(port));
    match *ports {
        Ports::All | Ports::Protocol(_) => true,
        Ports::Tcp(port) | Ports::Udp(port) => within(port, port),
        Ports::TcpRange { from, to } | Ports::UdpRange { from, to } => within(from, to),
        Ports::Icmp
        | Ports::Icmpv6
        | Ports::IcmpType(_)
        | Ports::IcmpCode { .. }
        | Ports::Icmpv6Type(_)
        | Ports::Icmpv6Code { .. } => false,
    }
}

/// Whether a policy document allows everything on everything, or what leads there: to write IAM, or everything but a few
/// actions.
#[cfg(feature = "iam")]
pub(super) fn is_admin(document: &str) -> bool {
    let all = ["*", "*:*", "iam:*"];
    allowing(document).any(|statement| {
        // The names of actions and services are the same in capitals.
        let names_all = |text: &str| all.iter().any(|it| text.eq_ignore_ascii_case(it));
        let most = texts(&statement["Action"]).any(names_all) || !statement["NotAction"].is_null();
        let everywhere = texts(&statement["Resource"]).any(|text| text == "*");
        most && (everywhere || !statement["NotResource"].is_null())
    })
}

/// Whether a policy document lets anybody in, without a condition.
#[cfg(any(feature = "iam", feature = "s3"))]
pub(super) fn is_public(document: &str) -> bool {
    allowing(document).any(|statement| {
        let principal = &statement["Principal"];
        let anybody = texts(principal).chain(texts(&principal["AWS"])).any(|text| text == "*");
        anybody && statement["Condition"].is_null()
    })
}

/// The statements that allow something.
#[cfg(any(feature = "iam", feature = "s3"))]
fn allowing(document: &str) -> impl Iterator<Item = serde_json::Value> {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let statements = match &document["Statement"] {
        serde_json::Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    statements.into_iter().filter(|statement| statement["Effect"] == "Allow")
}

/// The texts of a list, or the one text.
#[cfg(any(feature = "iam", feature = "s3"))]
fn texts(value: &serde_json::Value) -> impl Iterator<Item = &str> {
    let many = value.as_array().into_iter().flatten();
    many.chain(std::iter::once(value)).filter_map(serde_json::Value::as_str)
}
