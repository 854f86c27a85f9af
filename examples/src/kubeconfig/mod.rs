//! `kubeconfig`: the way into the stack's cluster for `kubectl`, without the aws CLI.
//!
//! ```text
//! cargo run --example qledger-ha -- kubeconfig --stack prod > prod.yaml          # a file of its own
//! cargo run --example qledger-ha -- kubeconfig --stack prod --out ~/.kube/config # merged into yours
//! ```
//!
//! What it writes has no credentials: `kubectl` runs this very program (`kubeconfig-token`) whenever it needs a token,
//! and that mints one from the AWS credentials of whoever runs it. An API that is reached through a forwarded port is
//! said with `--server https://127.0.0.1:PORT`; its certificate is still checked against the cluster's own name.

mod command;
mod file;
#[cfg(test)]
mod tests;
mod token;

pub use command::Kubeconfig;
pub use token::{KubeconfigToken, Token};
