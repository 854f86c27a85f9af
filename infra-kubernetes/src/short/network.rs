//! Who may talk to whom.

use infra_core::program::IntoInput;

use super::builder::{Part, namespaced, short};

/// The other side of a connection.
#[derive(Clone)]
#[must_use]
pub struct Peer(Part);

impl Peer {
    /// Pods of the same namespace with this label.
    pub fn pods(key: &str, value: impl IntoInput<String>) -> Self {
        let value = value.into_input().into_expr();
        Self(Part::new().entry("podSelector.matchLabels", key, value))
    }

    /// Any pod of this namespace.
    pub fn namespace(name: impl IntoInput<String>) -> Self {
        let name = name.into_input().into_expr();
        Self(Part::new().entry(
            "namespaceSelector.matchLabels",
            "kubernetes.io/metadata.name",
            name,
        ))
    }

    /// Addresses: `10.10.0.0/16`.
    pub fn cidr(block: impl IntoInput<String>) -> Self {
        Self(Part::new().text("ipBlock.cidr", block))
    }
}

short! {
    /// Who may talk to some pods: `NetworkPolicy::new("ledger").pods("app", "ledger").incoming([Peer::cidr("10.10.0.0/16")],
    /// [7000])`.
    ///
    /// What it does not allow is forbidden to the pods it is about, in each direction that it speaks of. It takes a network
    /// plug-in that enforces it; EKS's own does when its add-on is told to.
    NetworkPolicy = "networking.k8s.io/v1" "NetworkPolicy"
}
namespaced!(NetworkPolicy);

impl NetworkPolicy {
    /// About every pod of its namespace, until [`pods`](Self::pods) says otherwise; nothing is allowed in yet.
    pub fn new(name: impl IntoInput<String>) -> Self {
        Self::called(name).part(|part| {
            part.with("spec.podSelector", Part::new())
                .set("spec.policyTypes", vec!["Ingress".to_owned()])
        })
    }

    /// About the pods with this label.
    pub fn pods(self, key: &str, value: impl IntoInput<String>) -> Self {
        let value = value.into_input().into_expr();
        self.part(|part| part.entry("spec.podSelector.matchLabels", key, value))
    }

    /// These may connect to these TCP ports; without peers, everybody.
    pub fn incoming(
        self,
        from: impl IntoIterator<Item = Peer>,
        ports: impl IntoIterator<Item = i32>,
    ) -> Self {
        let rule = from.into_iter().fold(Part::new(), |rule, peer| rule.push("from", peer.0));
        let rule = tcp(ports).fold(rule, |rule, port| rule.push("ports", port));
        self.part(|part| part.push("spec.ingress", rule))
    }

    /// They may connect to these, on these TCP ports; without ports, on all. What else they connect to has to be allowed
    /// too from then on, [name resolution](Self::resolving) first of all.
    pub fn outgoing(
        self,
        to: impl IntoIterator<Item = Peer>,
        ports: impl IntoIterator<Item = i32>,
    ) -> Self {
        let rule = to.into_iter().fold(Part::new(), |rule, peer| rule.push("to", peer.0));
        let rule = tcp(ports).fold(rule, |rule, port| rule.push("ports", port));
        self.part(|part| part.push("spec.egress", rule)).both_ways()
    }

    /// They may resolve names, anywhere.
    pub fn resolving(self) -> Self {
        let port = |protocol: &str| Part::new().set("protocol", protocol).set("port", 53);
        let rule = Part::new().push("ports", port("UDP")).push("ports", port("TCP"));
        self.part(|part| part.push("spec.egress", rule)).both_ways()
    }

    fn both_ways(self) -> Self {
        self.set("spec.policyTypes", vec!["Ingress".to_owned(), "Egress".to_owned()])
    }
}

fn tcp(ports: impl IntoIterator<Item = i32>) -> impl Iterator<Item = Part> {
    ports.into_iter().map(|port| Part::new().set("protocol", "TCP").set("port", port))
}
