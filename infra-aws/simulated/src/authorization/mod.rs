//! Whether a caller may do what it asks for: IAM policies, evaluated.
//!
//! Every call is one or more asks ([`Ask`]): an IAM action on a resource, with the condition keys that are known of it.
//! What a call is named after is one of them; what AWS asks for besides (`iam:PassRole`, a key's use) are others
//! ([`calls`]). A call is carried out if all of its asks are allowed ([`evaluate`]).

mod ask;
mod calls;
mod condition;
mod document;
mod enforced;
mod evaluate;
mod pattern;

pub(crate) use ask::Ask;
pub(crate) use document::Policy;
pub(crate) use enforced::Enforcement;
