//! The embedded AWS on a port, for the aws CLI: `serve [ADDRESS [DIRECTORY]]`.

use infra_aws_simulated::{Cloud, Settings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:4599".to_owned());
    let cloud = match arguments.next() {
        Some(dir) => Cloud::open(dir.as_ref(), &[7; 32], Settings::default())?,
        None => Cloud::memory(Settings::default()),
    };
    let listener = tokio::net::TcpListener::bind(address).await?;
    cloud.serve(listener, std::future::pending()).await?;
    Ok(())
}
