//! The ledger on a platform that another stack made: its secrets, its database's role and schema, its pods.
//!
//! ```text
//! cargo run --example qledger-platform          # on an AWS inside the process
//! cargo run --example qledger-app               # the ledger on it
//! ```
//!
//! It knows the platform by a typed reference: an output that is not there, or of another type, is told before anything is
//! planned.

use std::process::ExitCode;

use infra_core::App;
use infra_examples::{
    kubeconfig::{Kubeconfig, KubeconfigToken},
    qledger,
    smoke::Smoke,
};

#[tokio::main]
async fn main() -> ExitCode {
    App::new("qledger-app")
        .config_beside(env!("CARGO_MANIFEST_DIR"))
        .world("qledger")
        .cloud("simulated", infra_aws::simulated())
        .cloud("simulated", infra_kubernetes::simulated())
        .cloud("aws", infra_aws::aws())
        .cloud("aws", infra_kubernetes::kubernetes())
        .backend("s3", infra_aws::state::s3)
        .command(Smoke)
        .command(Kubeconfig)
        .command(KubeconfigToken::eks())
        .run(qledger::app)
        .await
}
