//! What a resource's inputs and outputs are made of: JSON with secret marks and, in plans, unknowns.

use std::{collections::BTreeMap, fmt};

use serde_json::Number;

/// A JSON value in which every part may be marked secret and, while planning, may be unknown.
///
/// **Invariant:** a value inside a [`Record`](crate::Record) has no [`Value::Unknown`] in it.
/// `Debug` never prints what is secret.
#[derive(Clone, PartialEq, Default)]
pub enum Value {
    /// Explicitly nothing. A field that is not set is absent from its map instead.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, kept as it was written.
    Number(Number),
    /// Text.
    String(String),
    /// An ordered list.
    List(Vec<Self>),
    /// Named values, in the order of their names.
    Map(BTreeMap<String, Self>),
    /// Something that must be sealed wherever it is stored and hidden wherever it is shown.
    Secret(Box<Self>),
    /// Not known before execution. Only in plans.
    Unknown,
}

impl Value {
    /// An empty map.
    pub fn map() -> Self {
        Self::Map(BTreeMap::new())
    }

    /// Marks the value secret; marking twice is marking once.
    #[must_use]
    pub fn secret(self) -> Self {
        match self {
            Self::Secret(_) | Self::Unknown => self,
            other => Self::Secret(Box::new(other)),
        }
    }

    /// The value without an outer secret mark.
    pub fn revealed(&self) -> &Self {
        match self {
            Self::Secret(inner) => inner.revealed(),
            other => other,
        }
    }

    /// The value with no secret mark anywhere.
    #[must_use]
    pub fn plain(&self) -> Self {
        match self {
            Self::Secret(inner) => inner.plain(),
            Self::List(list) => Self::List(list.iter().map(Self::plain).collect()),
            Self::Map(map) => Self::Map(map.iter().map(|(k, v)| (k.clone(), v.plain())).collect()),
            other => other.clone(),
        }
    }

    /// Whether the two are equal when secret marks do not count.
    pub fn same(&self, other: &Self) -> bool {
        match (self.revealed(), other.revealed()) {
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((j, a), (k, b))| j == k && a.same(b))
            }
            (a, b) => a == b,
        }
    }

    /// Whether any part is unknown.
    pub fn has_unknown(&self) -> bool {
        self.any(&|value| matches!(value, Self::Unknown))
    }

    /// Whether any part is secret.
    pub fn has_secret(&self) -> bool {
        self.any(&|value| matches!(value, Self::Secret(_)))
    }

    fn any(&self, found: &impl Fn(&Self) -> bool) -> bool {
        found(self)
            || match self {
                Self::List(list) => list.iter().any(|value| value.any(found)),
                Self::Map(map) => map.values().any(|value| value.any(found)),
                Self::Secret(inner) => inner.any(found),
                _ => false,
            }
    }

    /// The text, if this is text (secret or not).
    pub fn as_str(&self) -> Option<&str> {
        match self.revealed() {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The map, if this is a map (secret or not).
    pub fn as_map(&self) -> Option<&BTreeMap<String, Self>> {
        match self.revealed() {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if this is a list (secret or not).
    pub fn as_list(&self) -> Option<&[Self]> {
        match self.revealed() {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// One entry, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.get(key)
    }

    /// What this is, for messages: `text`, `a number`, …
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Secret(inner) => inner.describe(),
            Self::Unknown => "a value not known yet",
        }
    }

    /// Plain JSON, with secrets in clear and unknowns as null: for cloud calls and closures, never for storing or showing.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null | Self::Unknown => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Number(n) => Json::Number(n.clone()),
            Self::String(s) => Json::String(s.clone()),
            Self::List(list) => Json::Array(list.iter().map(Self::to_json).collect()),
            Self::Map(map) => {
                Json::Object(map.iter().map(|(k, v)| (k.clone(), v.to_json())).collect())
            }
            Self::Secret(inner) => inner.to_json(),
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(b),
            Json::Number(n) => Self::Number(n),
            Json::String(s) => Self::String(s),
            Json::Array(list) => Self::List(list.into_iter().map(Self::from).collect()),
            Json::Object(map) => {
                Self::Map(map.into_iter().map(|(k, v)| (k, Self::from(v))).collect())
            }
        }
    }
}

macro_rules! from {
    ($($from:ty => |$v:ident| $to:expr;)*) => { $(
        impl From<$from> for Value { fn from($v: $from) -> Self { $to } }
    )* };
}

from! {
    bool => |v| Self::Bool(v);
    &str => |v| Self::String(v.to_owned());
    String => |v| Self::String(v);
    i64 => |v| Self::Number(v.into());
    u64 => |v| Self::Number(v.into());
    i32 => |v| Self::Number(v.into());
    u32 => |v| Self::Number(v.into());
    u16 => |v| Self::Number(v.into());
    Vec<Value> => |v| Self::List(v);
    BTreeMap<String, Value> => |v| Self::Map(v);
}

impl<const N: usize> From<[(&str, Self); N]> for Value {
    fn from(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(n) => write!(f, "{n}"),
            Self::String(s) => write!(f, "{s:?}"),
            Self::List(list) => f.debug_list().entries(list).finish(),
            Self::Map(map) => f.debug_map().entries(map).finish(),
            Self::Secret(_) => f.write_str("[secret]"),
            Self::Unknown => f.write_str("[unknown]"),
        }
    }
}
