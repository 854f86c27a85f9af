//! What a program has of a reference.

use std::{fmt, marker::PhantomData, ops::Deref, sync::Arc};

use infra_state::Urn;

use crate::{Outputs, program::Dependable};

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
