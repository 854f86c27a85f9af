//! What a call that writes says besides the object.

use std::sync::Arc;

use crate::apply::Applied;
use crate::kinds::Kind;
use crate::store::Store;
use crate::time::stamp;

/// What is done about fields that the type does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validation {
    Ignore,
    Warn,
    Strict,
}

/// The query of a call that writes.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) manager: String,
    pub(crate) dry_run: bool,
    pub(crate) force: bool,
    pub(crate) validation: Validation,
}

/// One call that writes.
pub(crate) struct Write<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) kind: Arc<Kind>,
    pub(crate) namespace: String,
    /// Nothing, or `status`.
    pub(crate) subresource: &'static str,
    pub(crate) options: Options,
    pub(crate) now: i64,
    /// What is answered in `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

impl Write<'_> {
    /// Hands who and when to those who keep the managers of fields.
    pub(crate) fn with_applied<T>(&self, then: impl FnOnce(&Applied<'_>) -> T) -> T {
        let (api_version, time) = (self.kind.api_version(), stamp(self.now));
        then(&Applied {
            manager: &self.options.manager,
            api_version: &api_version,
            subresource: self.subresource,
            has_status: self.kind.status,
            time: &time,
            force: self.options.force,
            of: &self.kind.root,
        })
    }
}
