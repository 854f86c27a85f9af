//! No secret in plain text anywhere: every command is run, everything that it wrote anywhere is searched.

#![expect(clippy::unwrap_used, reason = "tests")]

#[cfg(feature = "aws")]
#[path = "leaks/embedded.rs"]
mod embedded;
#[path = "leaks/fake.rs"]
mod fake;
mod harness;
#[path = "leaks/search.rs"]
mod search;
