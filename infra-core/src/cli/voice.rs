//! Saying something beside a session: of many stacks, and again and again.

use serde_json::Value as Json;

use super::{reporter::Reporter, screen::Shared};

/// Says things: data on standard output, text for people on standard error, after what was said before.
#[derive(Clone)]
pub(super) struct Voice<'a> {
    pub(super) reporter: &'a Reporter,
    pub(super) out: Shared,
    /// Only data is said.
    pub(super) json: bool,
}

impl Voice<'_> {
    /// Tells a person something.
    pub(super) async fn say(&self, text: &str) {
        self.reporter.caught_up().await;
        self.reporter.write(text);
    }

    /// Prints a line of data.
    pub(super) fn data(&self, text: &str) {
        self.out.clone().line(text);
    }

    /// Prints a document on a line of its own.
    pub(super) fn document(&self, name: &str, value: &Json) {
        let version = crate::report::JSON_VERSION;
        self.data(&serde_json::json!({"version": version, name: value}).to_string());
    }
}
