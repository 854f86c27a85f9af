//! Typed IAM policy documents.
//!
//! A [`Document`] is made of [`Statement`]s; resources, principals and condition values may be outputs of other
//! resources. It goes wherever a field takes JSON text, as canonical JSON (sorted keys, no spaces), and is secret or
//! unknown where a part of it is.
//!
//! ```
//! use infra_aws::policy::{Condition, Document, Statement};
//!
//! let document = Document::new().statement(
//!     Statement::allow()
//!         .sid("ReadDatabaseUrl")
//!         .actions(["ssm:GetParameter"])
//!         .resources(["arn:aws:ssm:eu-central-1:123456789012:parameter/prod/qledger/DATABASE_URL"])
//!         .condition(Condition::bool("aws:SecureTransport", true)),
//! );
//! let text = document.json().expr().literal().unwrap();
//! assert!(text.as_str().unwrap().contains(r#""Condition":{"Bool":{"aws:SecureTransport":"true"}}"#));
//! ```
//!
//! **Invariant:** two documents that mean the same are equal after [`normalize`]; what it gives is itself a valid
//! document with the same meaning.

mod condition;
mod document;
// Which of it is used depends on the services that are on.
#[cfg_attr(not(feature = "full"), allow(dead_code))]
mod grants;
mod normalize;
mod principal;
mod statement;

pub use condition::Condition;
pub use document::Document;
#[cfg_attr(not(feature = "full"), allow(unused_imports))]
pub(crate) use grants::{Verb, encrypts, grants, key, linked, looks_around, made, pass, subject};
pub(crate) use normalize::{decoded, problem};
pub use normalize::{normalize, normalize_json, same};
pub use principal::Principal;
pub use statement::{Effect, Statement};
