//! `state rebuild`: the state of a living stack, written again from the program and the cloud alone (design §6.8).
//!
//! What a state is made of is found in three ways: by owner tags, which say resource, object and lineage; by generated
//! names, which end in the object's word; and, for kinds that have neither, by what they are declared with. The walk
//! goes over the graph from what is made from nothing to what is made from that, because connections, lookups and
//! declared inputs hang on outputs of what was found before.
//!
//! **Invariant:** nothing in a cloud is changed, and the state is written in one commit or not at all.
//!
//! **Invariant:** what is not sure is not guessed. Two objects that could be the same resource, two lineages, a secret
//! that no place tells or that two tell differently: each is refused until somebody says how to go on.

mod again;
mod choose;
mod found;
mod look;
mod orphans;
mod record;
mod records;
mod run;
mod secrets;
mod settle;
mod walk;

pub use found::{AsFound, Found, FoundObject, SecretFrom};
pub use run::{ConfirmRebuild, RebuildOptions, rebuild};
