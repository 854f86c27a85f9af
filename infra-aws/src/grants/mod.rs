//! From grants to IAM policies.
//!
//! A kind says what it needs with ARNs of any account and region ([`Grant`](infra_core::provider::Grant)). Here they are
//! put where the stack is ([`placed`]), merged into as few statements as say the same ([`merge`]) and cut into documents
//! that IAM takes ([`split`]).
//!
//! **Invariant:** the documents together allow what was asked for; what more they allow is only what ARNs and conditions
//! cannot tell apart.

mod backend;
mod documents;
mod implied;
mod merge;
mod placed;
mod sealing;
mod split;

pub(crate) use documents::policies;
pub use implied::{IMPLIED, ImpliedRow};
