//! What the flagship adds to the commands that every program has: calls that try the running ledger, and the way
//! into its cluster for `kubectl`.

pub mod kubeconfig;
pub mod smoke;
#[cfg(test)]
mod terminal;
