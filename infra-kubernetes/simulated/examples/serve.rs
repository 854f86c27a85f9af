//! The embedded Kubernetes on a port, for kubectl: `cargo run --example serve -- 127.0.0.1:8001`.

use std::io::Write as _;

use infra_kubernetes_simulated::{Kubernetes, Settings};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8001".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let told = format!("kubectl --server http://{} --token x get nodes\n", listener.local_addr()?);
    std::io::stdout().write_all(told.as_bytes())?;
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    Kubernetes::memory(Settings::default()).serve(listener, stop).await
}
