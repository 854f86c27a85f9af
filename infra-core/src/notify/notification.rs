//! What somebody is told.

use serde_json::Value as Json;

/// What somebody is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// One line of at most 100 characters: `drift in shop/prod: 2 findings, worst critical`.
    pub subject: String,
    /// A few lines for a person, without colours.
    pub text: String,
    /// The JSON document of the look, as `--format json` prints it. Of a fleet only the stacks about which there is
    /// something to say.
    pub document: Json,
}
