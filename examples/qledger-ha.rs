//! QLedger, highly available, as one typed program: three zones, a Multi-AZ PostgreSQL, EKS behind a network load
//! balancer, credentials through SSM and KMS, the ledger itself in the cluster, alarms.
//!
//! ```text
//! cargo run --example qledger-ha                 # on an AWS and a Kubernetes inside the process
//! cargo run --example qledger-ha -- preview
//! cargo run --example qledger-ha -- graph --format svg > qledger.svg
//! cargo run --example qledger-ha -- destroy
//! ```
//!
//! The system on a page is `whole` in `src/qledger/program.rs`; each component below it is one file there, and one
//! function under a scope. The numbers and choices are in `qledger-ha.toml`. `qledger-platform` and `qledger-app` are
//! the same components as two stacks.

use std::process::ExitCode;

use infra_core::App;
use infra_examples::{
    kubeconfig::{Kubeconfig, KubeconfigToken},
    qledger,
    smoke::Smoke,
};

#[tokio::main]
async fn main() -> ExitCode {
    App::new("qledger-ha")
        .config_beside(env!("CARGO_MANIFEST_DIR"))
        .cloud("simulated", infra_aws::simulated())
        .cloud("simulated", infra_kubernetes::simulated())
        .cloud("aws", infra_aws::aws())
        .cloud("aws", infra_kubernetes::kubernetes())
        .backend("s3", infra_aws::state::s3)
        .command(Smoke)
        .command(Kubeconfig)
        .command(KubeconfigToken::eks())
        .run(qledger::whole)
        .await
}
