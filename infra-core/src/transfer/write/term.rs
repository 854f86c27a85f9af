//! Expressions as they are compared and written: literals opened up, with places for what differs in a loop.

use std::collections::BTreeMap;

use infra_state::{Path, Urn, Value};

use crate::graph::Expr;

/// An expression to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    /// A literal that is neither a list nor a map.
    Literal(Value),
    /// An output of a resource; the resource itself if the path is the root.
    Reference(Urn, Path),
    /// A list.
    List(Vec<Self>),
    /// A map or a struct.
    Map(BTreeMap<String, Self>),
    /// Text put together.
    Concat(Vec<Self>),
    /// One element of a list.
    Index(Box<Self>, usize),
    /// The text in base64.
    Base64(Box<Self>),
    /// The text percent-encoded.
    UrlEncode(Box<Self>),
    /// The value, marked secret.
    Secret(Box<Self>),
    /// In a loop: what is in this column of its table.
    Column(usize),
    /// In a loop: the key, with this text before and after it.
    Keyed(String, String),
    /// In a loop: an output of the member of another loop with the same key; some member, for its kind.
    Beside(Urn, Path),
    /// What has no form in a program, and why.
    Strange(&'static str),
}

impl From<&Expr> for Term {
    fn from(expr: &Expr) -> Self {
        let inner = |of: &Expr| Box::new(Self::from(of));
        match expr {
            Expr::Literal(value) => Self::from(value),
            Expr::Reference { urn, path } => Self::Reference(urn.clone(), path.clone()),
            Expr::List(list) => Self::List(list.iter().map(Self::from).collect()),
            Expr::Map(map) => {
                Self::Map(map.iter().map(|(key, of)| (key.clone(), Self::from(of))).collect())
            }
            Expr::Concat(parts) => match expr.literal() {
                Some(value) if !value.has_secret() => Self::Literal(value),
                _ => Self::Concat(parts.iter().map(Self::from).collect()),
            },
            Expr::Index(of, at) => Self::Index(inner(of), *at),
            Expr::Base64(of) => Self::Base64(inner(of)),
            Expr::UrlEncode(of) => Self::UrlEncode(inner(of)),
            Expr::Secret(of) => Self::Secret(inner(of)),
            Expr::Json(_) => expr
                .literal()
                .map_or(Self::Strange("JSON with outputs in it"), |value| Self::from(&value)),
            Expr::Field(..) => Self::Strange("an entry of an output"),
            Expr::Opaque(_) | Expr::Remembered(_) => Self::Strange("a closure"),
        }
    }
}

impl From<&Value> for Term {
    fn from(value: &Value) -> Self {
        match value {
            Value::List(list) => Self::List(list.iter().map(Self::from).collect()),
            Value::Map(map) => {
                Self::Map(map.iter().map(|(key, of)| (key.clone(), Self::from(of))).collect())
            }
            other => Self::Literal(other.clone()),
        }
    }
}

impl Term {
    /// Calls `found` with it, and with every term inside of it.
    pub(super) fn each(&self, found: &mut dyn FnMut(&Self)) {
        found(self);
        match self {
            Self::List(list) | Self::Concat(list) => list.iter().for_each(|of| of.each(found)),
            Self::Map(map) => map.values().for_each(|of| of.each(found)),
            Self::Index(of, _) | Self::Base64(of) | Self::UrlEncode(of) | Self::Secret(of) => {
                of.each(found);
            }
            Self::Reference(..)
            | Self::Beside(..)
            | Self::Literal(_)
            | Self::Column(_)
            | Self::Keyed(..)
            | Self::Strange(_) => {}
        }
    }

    /// Calls `found` with every resource that is needed for it.
    pub(super) fn needs(&self, found: &mut dyn FnMut(&Urn)) {
        self.each(&mut |term| {
            if let Self::Reference(urn, _) | Self::Beside(urn, _) = term {
                found(urn);
            }
        });
    }

    /// How often a column is used.
    pub(super) fn uses(&self, column: usize) -> usize {
        match self {
            Self::Column(at) => usize::from(*at == column),
            Self::List(list) | Self::Concat(list) => list.iter().map(|of| of.uses(column)).sum(),
            Self::Map(map) => map.values().map(|of| of.uses(column)).sum(),
            Self::Index(of, _) | Self::Base64(of) | Self::UrlEncode(of) | Self::Secret(of) => {
                of.uses(column)
            }
            _ => 0,
        }
    }

    /// Whether the key of the loop is in it.
    pub(super) fn is_keyed(&self) -> bool {
        match self {
            Self::Keyed(..) | Self::Beside(..) => true,
            Self::List(list) | Self::Concat(list) => list.iter().any(Self::is_keyed),
            Self::Map(map) => map.values().any(Self::is_keyed),
            Self::Index(of, _) | Self::Base64(of) | Self::UrlEncode(of) | Self::Secret(of) => {
                of.is_keyed()
            }
            Self::Literal(_) | Self::Reference(..) | Self::Column(_) | Self::Strange(_) => false,
        }
    }
}
