//! KMS: keys, their replicas in other regions, and their names.

mod alias;
mod key;
mod replica_key;
mod spec;
mod tag;
mod upkeep;

pub use alias::{Alias, AliasDecl, AliasOutputs};
pub use key::{Key, KeyDecl, KeyOutputs};
pub use replica_key::{ReplicaKey, ReplicaKeyDecl, ReplicaKeyOutputs};
pub use spec::{KeySpec, KeyUsage};

crate::kinds! { Key, ReplicaKey, Alias }

#[cfg(all(test, feature = "simulated"))]
mod tests;
