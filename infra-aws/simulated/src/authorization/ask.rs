//! What is asked for.

use std::collections::BTreeMap;

/// An action on a resource, and what is known of the request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    pub(crate) action: String,
    pub(crate) resource: String,
    /// By key in lower case: keys are the same whatever their case.
    keys: BTreeMap<String, Vec<String>>,
    /// There is no such object, so nothing is known of its tags: who asks is told that, not that it may not.
    absent: bool,
}

impl Ask {
    pub(crate) fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            keys: BTreeMap::new(),
            absent: false,
        }
    }

    /// The same, where the condition key has these values.
    #[must_use]
    pub(crate) fn with<V: Into<String>>(
        mut self,
        key: impl AsRef<str>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.keys.insert(key.as_ref().to_ascii_lowercase(), values);
        self
    }

    /// The same of an object with these tags, or of none.
    #[must_use]
    pub(super) fn of(self, tags: Option<Vec<(String, String)>>) -> Self {
        let Some(tags) = tags else { return Self { absent: true, ..self } };
        tags.into_iter()
            .fold(self, |ask, (key, value)| ask.with(format!("aws:ResourceTag/{key}"), [value]))
    }

    /// The same where the request gives these tags.
    #[must_use]
    pub(super) fn giving(self, tags: &[(String, String)]) -> Self {
        if tags.is_empty() {
            return self;
        }
        let keys: Vec<_> = tags.iter().map(|(key, _)| key.clone()).collect();
        tags.iter().fold(self.with("aws:TagKeys", keys), |ask, (key, value)| {
            ask.with(format!("aws:RequestTag/{key}"), [value])
        })
    }

    pub(super) fn key(&self, name: &str) -> Option<&[String]> {
        self.keys.get(&name.to_ascii_lowercase()).map(Vec::as_slice)
    }

    pub(super) fn knows_nothing_of(&self, key: &str) -> bool {
        self.absent && key.to_ascii_lowercase().starts_with("aws:resourcetag/")
    }
}
