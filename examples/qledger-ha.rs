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
//! the same components as two stacks; `qledger-foundation` is who may deploy them.

use std::process::ExitCode;

use infra_examples::qledger;

#[tokio::main]
async fn main() -> ExitCode {
    qledger::ha().run(qledger::whole).await
}
