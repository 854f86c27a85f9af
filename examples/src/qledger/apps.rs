//! The flagship as it is plugged together, for its `main` and for who asks it something.

use infra_core::App;

use crate::{
    kubeconfig::{Kubeconfig, KubeconfigToken},
    smoke::Smoke,
};

/// `qledger-ha`: on an AWS and a Kubernetes inside the process, or on real ones.
pub fn ha() -> App {
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
}
