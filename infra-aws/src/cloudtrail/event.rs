//! One event, as far as it matters here.

use aws_sdk_cloudtrail::types::Event as SdkEvent;
use infra_core::drift::Actor;
use jiff::Timestamp;
use serde_json::Value;

/// What the names of operations that remove something begin with.
const REMOVING: [&str; 9] = [
    "Delete",
    "Deregister",
    "Detach",
    "Disassociate",
    "Release",
    "Remove",
    "Revoke",
    "ScheduleKeyDeletion",
    "Terminate",
];

/// A change that somebody made.
pub(super) struct Event {
    actor: Actor,
    /// Everything that the event says, where ids are looked for.
    text: String,
    removes: bool,
}

impl Event {
    pub(super) fn of(event: &SdkEvent) -> Option<Self> {
        let what = event.event_name()?.to_owned();
        let at = Timestamp::from_second(event.event_time()?.secs()).ok()?;
        let text = event.cloud_trail_event().unwrap_or_default().to_owned();
        let whole: Value = serde_json::from_str(&text).unwrap_or_default();
        // A call that failed has changed nothing.
        if whole["errorCode"].is_string() {
            return None;
        }
        let named = event.username().unwrap_or("unknown");
        let who = who(&whole["userIdentity"]).unwrap_or_else(|| named.to_owned());
        let from = whole["sourceIPAddress"].as_str().map(str::to_owned);
        let removes = REMOVING.iter().any(|word| what.starts_with(word));
        Some(Self { actor: Actor { who, at, what, from }, text, removes })
    }

    /// Whether it is about an object with these words, of which it may have been the end.
    pub(super) fn is_about(&self, words: &[&str], gone: bool) -> bool {
        // What is deleted first may be deleted by a change of what it is in.
        (gone || !self.removes_whole(words))
            && words.iter().all(|word| mentions(&self.text, word))
            && (!gone || self.removes || !self.what().starts_with("Create"))
    }

    /// A part can be revoked from what stays; what was deleted is not there to be changed.
    fn removes_whole(&self, words: &[&str]) -> bool {
        self.what().starts_with("Delete") && words.len() == 1 && !self.what().contains("Tag")
    }

    pub(super) fn removes(&self) -> bool {
        self.removes
    }

    pub(super) fn what(&self) -> &str {
        &self.actor.what
    }

    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// Whether the text has this word, and not only as a part of another: `rtb-1` is not in `rtb-12`.
fn mentions(text: &str, word: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inner) && !after.is_some_and(inner)
    })
}

/// Who it was, as people say it: a user's name, a role's with the session's, a service.
fn who(identity: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let arn = identity["arn"].as_str();
    match identity["type"].as_str()? {
        "Root" => Some(format!("root of {}", identity["accountId"].as_str()?)),
        "AssumedRole" => {
            let session = arn.and_then(|arn| arn.rsplit('/').next());
            let role = identity["sessionContext"]["sessionIssuer"]["userName"].as_str();
            match (role, session) {
                (Some(role), Some(session)) => Some(format!("{role}/{session}")),
                _ => arn.map(str::to_owned),
            }
        }
        "AWSService" => text(&identity["invokedBy"]),
        _ => text(&identity["userName"]).or_else(|| arn.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn principals_are_readable() {
        for (identity, name) in [
            (
                json!({"type": "IAMUser", "userName": "alice", "arn": "arn:aws:iam::1:user/alice"}),
                "alice",
            ),
            (json!({"type": "Root", "accountId": "123456789012"}), "root of 123456789012"),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Admin/alice",
                    "sessionContext": {"sessionIssuer": {"userName": "Admin"}}}),
                "Admin/alice",
            ),
            (
                json!({"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"}),
                "autoscaling.amazonaws.com",
            ),
        ] {
            assert_eq!(who(&identity).as_deref(), Some(name));
        }
    }

    #[test]
    fn a_longer_id_is_another() {
        assert!(mentions(r#"{"routeTableId":"rtb-1"}"#, "rtb-1"));
        assert!(!mentions(r#"{"routeTableId":"rtb-12"}"#, "rtb-1"));
        assert!(mentions(r#"{"destinationCidrBlock":"0.0.0.0/0"}"#, "0.0.0.0/0"));
    }
}
