//! One address for many pods.

use infra_core::program::IntoInput;

use super::{
    builder::{Part, namespaced, short},
    deployment::APP,
};

/// A port of a service: `Port::new(80).target(7000)`.
#[derive(Clone)]
#[must_use]
pub struct Port(Part);

impl Port {
    /// A TCP port, the same one of the pods.
    pub fn new(port: i32) -> Self {
        Self(Part::new().set("port", port).set("protocol", "TCP"))
    }

    /// Another port of the pods.
    pub fn target(self, port: i32) -> Self {
        Self(self.0.set("targetPort", port))
    }

    /// The port of every node, 30000 to 32767; chosen by the cluster if left out.
    pub fn node_port(self, port: i32) -> Self {
        Self(self.0.set("nodePort", port))
    }

    /// Its name; needed where there are several.
    pub fn name(self, name: &str) -> Self {
        Self(self.0.set("name", name))
    }

    /// UDP instead of TCP.
    pub fn udp(self) -> Self {
        Self(self.0.set("protocol", "UDP"))
    }
}

short! {
    /// One address for many pods: `Service::new("ledger", "ledger", Port::new(80).target(7000))`.
    Service = "v1" "Service"
}
namespaced!(Service);

impl Service {
    /// For the pods of the deployment called `app`, inside the cluster.
    pub fn new(name: impl IntoInput<String>, app: impl IntoInput<String>, port: Port) -> Self {
        let app = app.into_input().into_expr();
        Self::called(name)
            .part(|part| part.entry("spec.selector", APP, app).push("spec.ports", port.0))
    }

    /// One more port.
    pub fn port(self, port: Port) -> Self {
        self.part(|part| part.push("spec.ports", port.0))
    }

    /// On a port of every node too, for a load balancer that somebody else makes.
    pub fn on_nodes(self) -> Self {
        self.set("spec.type", "NodePort")
    }

    /// Behind a load balancer that the cluster makes; its address is waited for, and is in the output `addresses`.
    pub fn load_balancer(self) -> Self {
        self.set("spec.type", "LoadBalancer")
    }

    /// A node passes traffic on to its own pods only: the client's address is kept, and a node without a pod is no target.
    pub fn local_traffic(self) -> Self {
        self.set("spec.externalTrafficPolicy", "Local")
    }

    /// No address of its own: its name resolves to those of the pods.
    pub fn headless(self) -> Self {
        self.set("spec.clusterIP", "None")
    }
}
