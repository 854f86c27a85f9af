//! What other stacks export, as typed outputs: a built-in kind like any other.
//!
//! A reference is read while planning, every time: unlike a lookup it is not pinned. What another stack exports is changed
//! on purpose by its owner, and what is pinned would point at what is gone. Reading it costs two or three objects of that
//! stack's state and no lock; a change shows in the plan with the reference as its reason.

mod driver;
mod neighbours;

use std::{fmt, marker::PhantomData, ops::Deref, sync::Arc};

use infra_state::{StackName, Urn};

pub use self::neighbours::{Neighbour, SamePlace, Stacks};
pub(crate) use self::{driver::driver, neighbours::Neighbours};
use crate::{Outputs, Resource, program::Dependable};

/// Which stack is referred to, and how it is reached.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "core:StackReference", outputs = ())]
pub struct StackReference {
    /// The stack's name, or `PROGRAM/STACK`.
    pub stack: String,
    /// Its program, if it is another one.
    pub of_program: Option<String>,
    /// Where its state lives, if it is another place: `s3://…`. A stack of the same program is looked for where its
    /// settings say.
    pub at: Option<String>,
    /// What seals its secrets, if they are needed and its settings do not say it: `file:PATH`, or another scheme.
    pub key: Option<String>,
}

impl StackReference {
    /// The stack that is meant by a stack of `own`.
    fn target(&self, own: &str) -> infra_state::Result<StackName> {
        match (&self.of_program, self.stack.split_once('/')) {
            (Some(program), _) => StackName::new(program, &self.stack),
            (None, Some((program, stack))) => StackName::new(program, stack),
            (None, None) => StackName::new(own, &self.stack),
        }
    }
}

/// The exports of another stack: its fields are outputs, like those of a resource.
///
/// `O` is any struct with `#[derive(Outputs)]`; it names the exports that are used, with their types. A field that is an
/// `Option` may be missing.
pub struct Reference<O: Outputs> {
    urn: Urn,
    outputs: Arc<O::Refs>,
    of: PhantomData<fn() -> O>,
}

impl<O: Outputs> Reference<O> {
    pub(crate) fn new(urn: Urn) -> Self {
        let outputs = Arc::new(O::refs(&urn));
        Self { urn, outputs, of: PhantomData }
    }

    /// The urn of the reference.
    pub fn urn(&self) -> &Urn {
        &self.urn
    }
}

impl<O: Outputs> Clone for Reference<O> {
    fn clone(&self) -> Self {
        Self { urn: self.urn.clone(), outputs: Arc::clone(&self.outputs), of: PhantomData }
    }
}

impl<O: Outputs> fmt::Debug for Reference<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reference").field(&self.urn).finish()
    }
}

impl<O: Outputs> Deref for Reference<O> {
    type Target = O::Refs;

    fn deref(&self) -> &O::Refs {
        &self.outputs
    }
}

impl<O: Outputs> Dependable for Reference<O> {
    fn depended(&self) -> &Urn {
        &self.urn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_named_alone_or_with_its_program() {
        let named = |stack: &str, of_program: Option<&str>| StackReference {
            stack: stack.to_owned(),
            of_program: of_program.map(str::to_owned),
            at: None,
            key: None,
        };
        let target = |reference: StackReference| reference.target("shop").unwrap().to_string();
        assert_eq!(target(named("network", None)), "shop/network");
        assert_eq!(target(named("platform/network", None)), "platform/network");
        assert_eq!(target(named("network", Some("platform"))), "platform/network");
        assert!(named("a/b", Some("platform")).target("shop").is_err());
    }
}
