//! Where a value sits inside another: `tags["a.b"]`, `rules[*].port`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Value};

/// One step of a [`Path`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Segment {
    /// An entry of a map: `.port`, or `["a.b"]` where the key is not a plain word.
    Key(String),
    /// An element of a list: `[0]`.
    Index(usize),
    /// Every element or entry: `[*]`. Only in patterns.
    Any,
}

/// A path from the root of a resource's inputs or outputs. The empty path is the root itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path(pub Vec<Segment>);

impl Path {
    /// The root.
    pub const ROOT: Self = Self(Vec::new());

    /// The path of one top-level field.
    pub fn field(name: impl Into<String>) -> Self {
        Self(vec![Segment::Key(name.into())])
    }

    /// This path with one more key.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(Segment::Key(key.into()))
    }

    /// This path with one more index.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// This path with one more segment.
    #[must_use]
    pub fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// The top-level field this path lies in.
    pub fn first(&self) -> Option<&str> {
        match self.0.first() {
            Some(Segment::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// Whether `self`, as a pattern, covers `path`: equal up to `[*]`, or an ancestor of it.
    pub fn covers(&self, path: &Self) -> bool {
        self.0.len() <= path.0.len()
            && self.0.iter().zip(&path.0).all(|(a, b)| *a == Segment::Any || a == b)
    }

    /// Whether one of the two, as a pattern, covers the other: a change at `path` concerns what is at `self`.
    pub fn meets(&self, path: &Self) -> bool {
        self.covers(path) || path.covers(self)
    }

    /// What is at this path of `value`, looking through secret marks.
    pub fn get<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, segment| match (segment, value.revealed()) {
            (Segment::Key(key), Value::Map(map)) => map.get(key),
            (Segment::Index(index), Value::List(list)) => list.get(*index),
            _ => None,
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if is_word(key) && at == 0 => f.write_str(key)?,
                Segment::Key(key) if is_word(key) => write!(f, ".{key}")?,
                Segment::Key(key) => write!(f, "[{}]", serde_json::Value::String(key.clone()))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Any => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

impl FromStr for Path {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |at: &str| {
            let message = format!(
                "expected a path like `tags[\"a.b\"]` or `rules[*].port`, found {text:?} (at {at:?})"
            );
            Error::new(ErrorKind::Invalid, message)
        };
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                if let Some(after) = inner.strip_prefix("*]") {
                    segments.push(Segment::Any);
                    rest = after;
                } else if inner.starts_with('"') {
                    let mut stream =
                        serde_json::Deserializer::from_str(inner).into_iter::<String>();
                    let key = stream.next().and_then(Result::ok).ok_or_else(|| wrong(rest))?;
                    rest = inner[stream.byte_offset()..]
                        .strip_prefix(']')
                        .ok_or_else(|| wrong(rest))?;
                    segments.push(Segment::Key(key));
                } else {
                    let (index, after) = inner.split_once(']').ok_or_else(|| wrong(rest))?;
                    segments.push(Segment::Index(index.parse().map_err(|_| wrong(rest))?));
                    rest = after;
                }
                continue;
            }
            let word = if segments.is_empty() {
                rest
            } else {
                rest.strip_prefix('.').ok_or_else(|| wrong(rest))?
            };
            let end = word.find(['.', '[']).unwrap_or(word.len());
            if !is_word(&word[..end]) {
                return Err(wrong(rest));
            }
            segments.push(Segment::Key(word[..end].to_owned()));
            rest = &word[end..];
        }
        Ok(Self(segments))
    }
}

impl TryFrom<String> for Path {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.to_string()
    }
}
