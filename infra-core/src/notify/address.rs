//! Where a notification is to go.

use std::path::PathBuf;

use infra_state::Value;

/// A target of `--notify`, with what may be needed to open it.
#[derive(Clone)]
pub struct Address {
    /// `command:PROGRAM ARGS`, `https://…`, or `SCHEME:…` with another scheme that is plugged in.
    pub url: String,
    /// What a relative path in it is relative to.
    pub directory: PathBuf,
    /// What the clouds read from the stack's settings: `region`, `profile`, …
    pub settings: Value,
}

impl Address {
    /// What stands before the first `:`.
    pub fn scheme(&self) -> &str {
        crate::config::scheme(&self.url)
    }

    /// What stands after it.
    pub fn rest(&self) -> &str {
        self.url.split_once(':').map_or("", |(_, rest)| rest)
    }
}
