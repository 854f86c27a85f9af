//! The programs as they are plugged together, for their `main` and for who asks one of them something.

use infra_core::App;

use crate::{
    kubeconfig::{Kubeconfig, KubeconfigToken},
    smoke::Smoke,
};

/// `qledger-ha`: everything in one graph.
pub fn ha() -> App {
    ledger_app("qledger-ha")
}

/// A program that has the ledger in it: on an AWS and a Kubernetes inside the process, or on real ones.
pub fn ledger_app(name: &str) -> App {
    App::new(name)
        .config_beside(env!("CARGO_MANIFEST_DIR"))
        .cloud("simulated", infra_aws::simulated())
        .cloud("simulated", infra_kubernetes::simulated())
        .cloud("aws", infra_aws::aws())
        .cloud("aws", infra_kubernetes::kubernetes())
        .backend("s3", infra_aws::state::s3)
        .documents("s3", infra_aws::state::document)
        .notifier("sns", infra_aws::sns::notifier())
        .command(Smoke)
        .command(Kubeconfig)
        .command(KubeconfigToken::eks())
}
