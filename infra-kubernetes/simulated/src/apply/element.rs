//! One step of a path to a field.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Value};

use crate::schema::{Listed, Type};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// A field of an object.
    Field(String),
    /// The item of a list that has these keys.
    Key(Map<String, Value>),
    /// The item of a set.
    Item(Value),
}

impl Element {
    /// How an item of a list is known; nothing where its keys are missing.
    pub(super) fn of(item: &Value, of: &Type) -> Option<Self> {
        match of.listed() {
            Listed::Atomic => None,
            Listed::Set => Some(Self::Item(item.clone())),
            Listed::Map(keys) => {
                let mut key = Map::new();
                for (name, default) in keys {
                    let value = item.get(name).filter(|value| !value.is_null());
                    match value.or(default.as_ref()) {
                        Some(value) => {
                            key.insert(name.clone(), value.clone());
                        }
                        // An item may lack some of its keys, not all of them.
                        None if keys.len() > 1 => {}
                        None => return None,
                    }
                }
                (!key.is_empty()).then_some(Self::Key(key))
            }
        }
    }

    /// `f:spec`, `k:{"name":"app"}`, `v:"x.io/f"`.
    pub(super) fn encoded(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(key) => format!("k:{}", Value::Object(key.clone())),
            Self::Item(value) => format!("v:{value}"),
        }
    }

    pub(super) fn decoded(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::Field(rest.to_owned())),
            "k" => serde_json::from_str(rest).ok().map(Self::Key),
            "v" => serde_json::from_str(rest).ok().map(Self::Item),
            _ => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Item(_) => 2,
        }
    }
}

impl Ord for Element {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(one), Self::Field(two)) => one.cmp(two),
            (Self::Key(_), Self::Key(_)) | (Self::Item(_), Self::Item(_)) => {
                self.encoded().cmp(&other.encoded())
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Element {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(key) => {
                let parts: Vec<_> =
                    key.iter().map(|(name, value)| format!("{name}={value}")).collect();
                write!(f, "[{}]", parts.join(","))
            }
            Self::Item(value) => write!(f, "[={value}]"),
        }
    }
}
