//! What the examples around the ledger share: the components of its system, calls that try it while it runs, and the
//! way into its cluster for `kubectl`.

pub mod kubeconfig;
#[cfg(feature = "full")]
pub mod qledger;
pub mod smoke;
#[cfg(test)]
mod terminal;
