//! `smoke`: calls to the running ledger that show whether it does what a ledger must.
//!
//! ```text
//! cargo run --example qledger-ha -- smoke --stack prod
//! cargo run --example qledger-ha -- smoke --url http://127.0.0.1:7000 --token -    # the token from standard input
//! ```
//!
//! Each run makes two accounts and two transactions of its own, so that runs never disturb each other; it says their
//! names. A ledger forgets nothing, so they stay: try a ledger after a deployment, and probe it with `/ping`.

mod attempt;
mod checks;
mod client;
mod command;
#[cfg(test)]
mod double;
mod meaning;
mod report;
#[cfg(test)]
mod tests;

pub use command::Smoke;
