//! What a source calls sensitive, of one object.

use std::collections::BTreeSet;

use infra_state::{Path, Value};

/// What a source calls sensitive, of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sealed {
    fields: BTreeSet<String>,
    texts: BTreeSet<String>,
}

impl Sealed {
    /// Everything that is marked secret in these attributes.
    pub fn of(attributes: &Value) -> Self {
        let mut sealed = Self::default();
        for (name, value) in attributes.as_map().into_iter().flatten() {
            if let Value::Secret(_) = value {
                // `user_data_base64` is another spelling of `user_data`.
                sealed.fields.insert(name.trim_end_matches("_base64").to_owned());
            }
            sealed.texts_of(value, false);
        }
        sealed
    }

    fn texts_of(&mut self, value: &Value, secret: bool) {
        match value {
            Value::Secret(inner) => self.texts_of(inner, true),
            Value::List(list) => list.iter().for_each(|value| self.texts_of(value, secret)),
            Value::Map(map) => map.values().for_each(|value| self.texts_of(value, secret)),
            Value::String(text) if secret && text.len() >= 8 => {
                self.texts.insert(text.clone());
            }
            _ => {}
        }
    }

    /// Whether what stands here is sensitive.
    pub(super) fn holds(&self, path: &Path, text: &str) -> bool {
        !text.is_empty()
            && (self.texts.contains(text)
                || (path.0.len() == 1 && path.first().is_some_and(|it| self.fields.contains(it))))
    }
}
