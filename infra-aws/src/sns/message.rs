//! A notification as SNS takes it.

use std::{collections::HashMap, fmt::Write as _};

use aws_sdk_sns::types::MessageAttributeValue;
use infra_core::notify::Notification;
use sha2::{Digest as _, Sha256};

/// A subject has fewer characters than this. (SNS API reference, `Publish`.)
const SUBJECT: usize = 100;
/// A message has at most 262,144 bytes, its attributes among them. Some are left for what is around.
const SIZE: usize = 256_000;

/// What is published.
pub(super) struct Message {
    pub(super) subject: String,
    pub(super) text: String,
    document: Option<String>,
}

/// The notification within the limits of SNS.
pub(super) fn of(what: &Notification) -> Message {
    let mut text = what.text.clone();
    cut(&mut text, SIZE);
    if text.is_empty() {
        // An empty message is refused.
        text.clone_from(&what.subject);
    }
    let document = what.document.to_string();
    let fits = text.len() + document.len() <= SIZE;
    Message { subject: subject(&what.subject), text, document: fits.then_some(document) }
}

/// Printable ASCII on one line, which begins with no space.
fn subject(text: &str) -> String {
    let printable = |c: char| if (' '..='~').contains(&c) { c } else { '?' };
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    one_line.chars().map(printable).take(SUBJECT - 1).collect()
}

/// Cuts a text after so many bytes, between two characters.
fn cut(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        let end = (0..=bytes).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
        text.truncate(end);
    }
}

impl Message {
    pub(super) fn attributes(&self) -> Option<HashMap<String, MessageAttributeValue>> {
        let document = self.document.as_ref()?;
        let value = MessageAttributeValue::builder().data_type("String").string_value(document);
        Some([("document".to_owned(), value.build().ok()?)].into())
    }

    /// What tells one message from another.
    pub(super) fn digest(&self) -> String {
        let mut hex = String::new();
        for byte in Sha256::digest(format!("{}\n{}", self.subject, self.text)) {
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(subject: &str, text: &str) -> Message {
        let (subject, text) = (subject.to_owned(), text.to_owned());
        of(&Notification { subject, text, document: json!({"version": 1}) })
    }

    #[test]
    fn what_sns_would_refuse_is_not_sent() {
        let long = message(&"drift ".repeat(40), "");
        assert!(long.subject.len() < 100 && long.text.starts_with("drift"));
        let odd = message("drift in für\n2 lines", "text");
        assert_eq!(odd.subject, "drift in f?r 2 lines");
        assert!(odd.attributes().is_some());
        let large = message("s", &"ä".repeat(SIZE));
        assert!(large.text.len() <= SIZE && large.attributes().is_none());
        assert_ne!(odd.digest(), long.digest());
        assert_eq!(odd.digest(), message("drift in für\n2 lines", "text").digest());
    }
}
