//! Policy as code: typed checks over a plan, by the program's author, by who maintains a cloud's crate, or by who owns
//! the account.
//!
//! ```
//! use infra_core::{plan::Plan, policy::{Policy, Violation}};
//!
//! /// Named after the function: `few-deletes`. Mandatory, unless a violation says `.advisory()`.
//! fn few_deletes(plan: &Plan) -> Vec<Violation> {
//!     let gone = plan.counts().get(&infra_core::plan::Action::Delete).copied().unwrap_or_default();
//!     (gone > 20).then(|| Violation::new(format!("{gone} resources would be deleted"))).into_iter().collect()
//! }
//!
//! let app = infra_core::App::new("shop")
//!     .policy(few_deletes)
//!     .policy(Policy::advisory("small-plans", |plan: &Plan| {
//!         let steps = plan.steps.len();
//!         (steps > 5_000).then(|| Violation::new(format!("{steps} steps"))).into_iter().collect()
//!     }))
//!     .without_policy("small-plans");
//! # let _ = app;
//! ```
//!
//! [`Policy::each`] is asked about every resource of one kind, with its fields by type. A cloud brings a pack of its own
//! ([`Connector::guardrails`](crate::provider::Connector::guardrails)), which is on unless the program or its settings
//! say otherwise.
//!
//! **Invariant:** a mandatory policy that is violated stops `preview` and everything that would execute the plan, before
//! anybody is asked. What is not known when the plan is made violates nothing; it is checked again when it is known, before
//! its step calls anything.

mod enforcement;
mod find;
mod live;
mod losses;
mod pack;
mod refusal;
mod rule;
mod violation;
mod wanted;

pub use enforcement::Enforcement;
pub(crate) use find::{of_plan, of_step};
pub(crate) use live::of_recorded;
pub use live::{Live, Looked, live};
pub use pack::Pack;
pub(crate) use refusal::refusal;
pub use rule::{IntoPolicy, Policy};
pub use violation::Violation;
pub use wanted::Wanted;

#[cfg(test)]
mod tests;
