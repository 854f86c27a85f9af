//! How the kubelet asks a container how it is.

use infra_core::program::IntoInput;

use super::builder::{Part, texts};

/// A question: `Probe::http("/ping", 7000).every(5)`. Times are in seconds.
#[derive(Clone)]
#[must_use]
pub struct Probe(pub(super) Part);

impl Probe {
    /// A GET that is answered with a status from 200 to 399.
    pub fn http(path: &str, port: i32) -> Self {
        Self(Part::new().set("httpGet.path", path).set("httpGet.port", port))
    }

    /// A TCP connection that opens.
    pub fn tcp(port: i32) -> Self {
        Self(Part::new().set("tcpSocket.port", port))
    }

    /// A command that ends with 0.
    pub fn command<T: IntoInput<String>>(command: impl IntoIterator<Item = T>) -> Self {
        Self(
            Part::new()
                .set("exec.command", infra_core::Output::<Vec<String>>::from_expr(texts(command))),
        )
    }

    /// How often; 10 if left out.
    pub fn every(self, seconds: i32) -> Self {
        Self(self.0.set("periodSeconds", seconds))
    }

    /// How long before the first time; 0 if left out.
    pub fn after(self, seconds: i32) -> Self {
        Self(self.0.set("initialDelaySeconds", seconds))
    }

    /// How long the answer may take; 1 if left out.
    pub fn timeout(self, seconds: i32) -> Self {
        Self(self.0.set("timeoutSeconds", seconds))
    }

    /// After how many failures in a row it counts as failed; 3 if left out.
    pub fn failures(self, count: i32) -> Self {
        Self(self.0.set("failureThreshold", count))
    }
}
