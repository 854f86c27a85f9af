//! What the ledger stands on, as a stack of its own: network, database, cluster, load balancer, alarms.
//!
//! ```text
//! cargo run --example qledger-platform          # on an AWS inside the process
//! cargo run --example qledger-app               # the ledger on it
//! cargo run --example qledger-app -- destroy
//! cargo run --example qledger-platform -- destroy
//! ```
//!
//! The same components as `qledger-ha`, for two teams: this changes once a quarter, and `qledger-app` every day. What that one
//! needs of this one is a typed struct of outputs (`Exports`, in `src/qledger/platform.rs`).

use std::process::ExitCode;

use infra_core::App;
use infra_examples::{
    kubeconfig::{Kubeconfig, KubeconfigToken},
    qledger,
};

#[tokio::main]
async fn main() -> ExitCode {
    App::new("qledger-platform")
        .config_beside(env!("CARGO_MANIFEST_DIR"))
        // In the embedded AWS, the platform is where the application looks for it.
        .world("qledger")
        .cloud("simulated", infra_aws::simulated())
        .cloud("aws", infra_aws::aws())
        .backend("s3", infra_aws::state::s3)
        .command(Kubeconfig)
        .command(KubeconfigToken::eks())
        .run(qledger::platform)
        .await
}
