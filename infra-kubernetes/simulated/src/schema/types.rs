//! Types of fields.

use std::collections::BTreeMap;

use serde_json::Value;

/// The type of one field.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    /// Whatever it is; objects in it are merged field by field, lists as a whole.
    Any,
    /// One value.
    Scalar(Scalar),
    /// A built-in type, by its name.
    Named(String),
    /// Named fields.
    Struct(Struct),
    /// Keys of the user's own.
    Map {
        /// The type of all entries.
        of: Box<Self>,
        /// It belongs to one manager as a whole.
        atomic: bool,
    },
    /// A list.
    List {
        /// The type of all items.
        of: Box<Self>,
        /// How it is merged.
        listed: Listed,
    },
}

/// The type of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// Text.
    Text,
    /// Text in base64.
    Bytes,
    /// An instant.
    Time,
    /// A whole number of so many bits.
    Integer(u8),
    /// Any number.
    Number,
    /// A truth value.
    Boolean,
    /// A number or a text.
    IntOrText,
    /// `500m`, `1Gi`.
    Quantity,
}

/// An object with known fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Struct {
    /// The name of the type, for messages; nothing for what a custom resource declares inline.
    pub(crate) name: String,
    /// The fields by name.
    pub(crate) fields: BTreeMap<String, Type>,
    /// What must be there.
    pub(crate) required: Vec<String>,
    /// It belongs to one manager as a whole.
    pub(crate) atomic: bool,
    /// Other fields are kept too.
    pub(crate) open: bool,
}

/// How a list is merged.
#[derive(Clone, Debug)]
pub(crate) enum Listed {
    /// As a whole.
    Atomic,
    /// Item by item; an item is its value.
    Set,
    /// Item by item; an item is known by these fields (and what they are when they are missing).
    Map(Vec<(String, Option<Value>)>),
}

impl Type {
    /// The type behind a name.
    pub(crate) fn resolved(&self) -> &Self {
        match self {
            Self::Named(name) => super::types().get(name).unwrap_or(&Self::Any),
            other => other,
        }
    }

    /// Whether the type is one that a manager owns as a whole.
    pub(crate) fn is_leaf(&self) -> bool {
        match self.resolved() {
            Self::Scalar(_) => true,
            Self::Struct(of) => of.atomic,
            Self::Map { atomic, .. } => *atomic,
            Self::List { listed, .. } => matches!(listed, Listed::Atomic),
            Self::Any | Self::Named(_) => false,
        }
    }

    /// The type of a field or of an entry.
    pub(crate) fn field(&self, name: &str) -> &Self {
        match self.resolved() {
            Self::Struct(of) => of.fields.get(name).unwrap_or(&Self::Any),
            Self::Map { of, .. } => of,
            _ => &Self::Any,
        }
    }

    /// Whether it is a struct that has this field.
    pub(crate) fn declares(&self, name: &str) -> bool {
        matches!(self.resolved(), Self::Struct(of) if of.fields.contains_key(name))
    }

    /// The type of the items.
    pub(crate) fn item(&self) -> &Self {
        match self.resolved() {
            Self::List { of, .. } => of,
            _ => &Self::Any,
        }
    }

    /// How its items are merged; nothing for what is no list.
    pub(crate) fn listed(&self) -> &Listed {
        match self.resolved() {
            Self::List { listed, .. } => listed,
            _ => &Listed::Atomic,
        }
    }
}
