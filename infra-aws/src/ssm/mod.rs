//! Systems Manager: parameters, and what AWS publishes as parameters.

mod latest_ami;
mod parameter;
mod public_parameter;
mod tag;

pub use latest_ami::{Architecture, LatestAmi, LatestAmiDecl, LatestAmiOutputs};
pub use parameter::{Parameter, ParameterDecl, ParameterOutputs, ParameterType, Tier};
pub use public_parameter::{PublicParameter, PublicParameterDecl, PublicParameterOutputs};

crate::kinds! { Parameter; lookups: PublicParameter, LatestAmi }

#[cfg(all(test, feature = "simulated"))]
mod tests;
