//! Conditions: what a controller says of an object.

use serde_json::Value as Json;

/// The status and the words of a condition.
pub(super) struct Condition<'a> {
    pub(super) is_true: bool,
    pub(super) is_false: bool,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

impl Condition<'_> {
    /// `ProgressDeadlineExceeded: ReplicaSet "web-1" has timed out progressing.`
    pub(super) fn said(&self) -> String {
        match (self.reason, self.message) {
            (reason, "") => reason.to_owned(),
            ("", message) => message.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}

/// The condition of this type, if the object has it.
pub(super) fn condition<'a>(object: &'a Json, wanted: &str) -> Option<Condition<'a>> {
    let conditions = object["status"]["conditions"].as_array()?;
    let found = conditions.iter().find(|condition| condition["type"] == wanted)?;
    let text = |field: &str| found[field].as_str().unwrap_or_default();
    Some(Condition {
        is_true: text("status") == "True",
        is_false: text("status") == "False",
        reason: text("reason"),
        message: text("message"),
    })
}

/// Whether the controller has seen the object as it is.
pub(super) fn is_seen(object: &Json) -> bool {
    let seen = object["status"]["observedGeneration"].as_i64();
    seen.is_none_or(|seen| object["metadata"]["generation"].as_i64().is_none_or(|is| seen >= is))
}
