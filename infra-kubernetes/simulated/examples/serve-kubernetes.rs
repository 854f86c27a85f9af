//! The embedded Kubernetes on a port, for kubectl, and in a directory if one is named:
//! `cargo run -p infra-kubernetes-simulated --example serve-kubernetes -- 127.0.0.1:8001 DIR`.

use std::io::Write as _;

use infra_kubernetes_simulated::{Kubernetes, Settings};

/// Everybody can read this: a directory made here is for trying, not for secrets.
const KEY: [u8; 32] = [7; 32];

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8001".to_owned());
    let cluster = match arguments.next() {
        Some(dir) => Kubernetes::open(dir.as_ref(), &KEY, Settings::default())
            .map_err(std::io::Error::other)?,
        None => Kubernetes::memory(Settings::default()),
    };
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let told = format!("kubectl --server http://{} get nodes\n", listener.local_addr()?);
    std::io::stdout().write_all(told.as_bytes())?;
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    cluster.serve(listener, stop).await
}
