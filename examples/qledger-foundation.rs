//! Who may deploy qledger-ha: roles for GitHub Actions, with exactly the policies that `policy` prints.
//!
//! ```text
//! cargo run --example qledger-foundation                        # on an AWS inside the process
//! cargo run --example qledger-foundation -- preview --stack prod
//! ```
//!
//! Run by somebody who administers the account, once, and again when the system needs something new. It asks `qledger-ha`
//! itself what its stack of the same name needs.

use std::{env, process::ExitCode};

use infra_core::{App, Error, Stack};
use infra_examples::qledger::{Needed, foundation};

#[tokio::main]
async fn main() -> ExitCode {
    let needed = Needed::of(&stack()).await;
    App::new("qledger-foundation")
        .config_beside(env!("CARGO_MANIFEST_DIR"))
        .cloud("simulated", infra_aws::simulated())
        .cloud("aws", infra_aws::aws())
        .backend("s3", infra_aws::state::s3)
        .run(move |stack: &mut Stack| match &needed {
            Ok(needed) => foundation(stack, needed),
            Err(error) => {
                let message = format!("what qledger-ha needs cannot be said: {error}");
                Err(Error::new(error.kind(), message))
            }
        })
        .await
}

/// The stack that the arguments name: the other program is asked about the one of the same name.
fn stack() -> String {
    let arguments: Vec<String> = env::args().collect();
    let after = arguments.iter().position(|argument| argument == "--stack");
    let apart = after.and_then(|at| arguments.get(at + 1));
    let joined = arguments.iter().find_map(|argument| argument.strip_prefix("--stack="));
    apart.map(String::as_str).or(joined).unwrap_or("dev").to_owned()
}
