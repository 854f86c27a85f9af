//! IAM: roles, policies and what ties them together.
//!
//! IAM is global: one copy of every object serves all regions. Its changes take some seconds until every service
//! sees them; the engine retries what fails on a role that is not visible yet.

mod github;
mod instance_profile;
mod oidc_provider;
mod policy;
mod policy_attachment;
mod role;
mod role_policy;
mod search;
mod tag;
mod user;

pub use github::Workflow;
pub use instance_profile::{InstanceProfile, InstanceProfileDecl, InstanceProfileOutputs};
pub use oidc_provider::{OidcProvider, OidcProviderDecl, OidcProviderOutputs};
pub use policy::{Policy, PolicyDecl, PolicyOutputs};
pub use policy_attachment::{PolicyAttachment, PolicyAttachmentDecl};
pub use role::{Role, RoleDecl, RoleOutputs};
pub use role_policy::{RolePolicy, RolePolicyDecl};
pub use user::{User, UserDecl, UserOutputs};

crate::kinds! { Role, RolePolicy, Policy, PolicyAttachment, InstanceProfile, OidcProvider, User }

#[cfg(all(test, feature = "simulated"))]
mod tests;
