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

use infra_examples::qledger;

#[tokio::main]
async fn main() -> ExitCode {
    // In the embedded AWS, the platform is where this looks for it.
    qledger::ledger_app("qledger-app").world("qledger").run(qledger::app).await
}
