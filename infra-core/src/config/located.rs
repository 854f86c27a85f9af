//! Values that remember where they were written.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use infra_state::Value;
use toml::de::{DeTable, DeValue};

use crate::{Error, ErrorKind, Result};

/// Where a value was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// The file.
        path: Arc<Path>,
        /// The line, from 1.
        line: usize,
    },
    /// On the command line.
    Flag(String),
    /// By the program that embeds the engine, or nowhere.
    #[default]
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Flag(flag) => f.write_str(flag),
            Self::Nowhere => f.write_str("the configuration"),
        }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// The value.
    pub node: Node,
    /// Where its key stands, or it itself in a list.
    pub place: Place,
}

/// A value whose parts remember where they were written.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Text, a number, a boolean, or nothing.
    Scalar(Value),
    /// A list.
    List(Vec<Located>),
    /// Named values.
    Table(BTreeMap<String, Located>),
}

/// A program's own configuration, as it was merged from `[config]`, `[stack.X.config]` and `--set`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config(pub(crate) Located);

impl Config {
    /// The plain value.
    pub fn value(&self) -> Value {
        self.0.to_value()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self(Located::table())
    }
}

impl From<Value> for Config {
    fn from(value: Value) -> Self {
        Self(value.into())
    }
}

impl From<Located> for Config {
    fn from(located: Located) -> Self {
        Self(located)
    }
}

impl From<Value> for Located {
    fn from(value: Value) -> Self {
        let node = match value {
            Value::List(list) => Node::List(list.into_iter().map(Self::from).collect()),
            Value::Map(map) => {
                Node::Table(map.into_iter().map(|(key, value)| (key, value.into())).collect())
            }
            Value::Secret(inner) => return (*inner).into(),
            scalar => Node::Scalar(scalar),
        };
        Self { node, place: Place::Nowhere }
    }
}

impl Located {
    /// An empty table that stands nowhere.
    pub fn table() -> Self {
        Self { node: Node::Table(BTreeMap::new()), place: Place::Nowhere }
    }

    /// The TOML text of a file.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let file: Arc<Path> = path.into();
        let starts: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let line = |at: usize| starts.partition_point(|start| *start <= at);
        let place = |at: usize| Place::File { path: Arc::clone(&file), line: line(at) };
        let table = DeTable::parse(text).map_err(|e| {
            let at = e.span().map_or(0, |span| span.start);
            let message = format!("{}: {}", place(at), e.message().replace('\n', ", "));
            Error::new(ErrorKind::Usage, message)
        })?;
        Ok(Self { node: tables(table.get_ref(), &place), place: Place::Nowhere })
    }

    /// What `--set` says: `zones=3`, `db.class="db.m7g.large"`. What is no TOML value is taken as text.
    pub fn parse_set(set: &str) -> Result<Self> {
        let wrong = |why: &str| {
            let message = format!("--set {set}: {why}; write it like `--set db.class=large`");
            Error::new(ErrorKind::Usage, message)
        };
        let (key, value) = set.split_once('=').ok_or_else(|| wrong("there is no `=`"))?;
        let place = |_| Place::Flag(format!("--set {set}"));
        let quoted = format!("{key} = {}", serde_json::Value::from(value.trim()));
        let text = format!("{key} = {value}");
        let table = DeTable::parse(&text)
            .or_else(|_| DeTable::parse(&quoted))
            .map_err(|e| wrong(&e.message().replace('\n', ", ")))?;
        Ok(Self { node: tables(table.get_ref(), &place), place: Place::Nowhere })
    }

    /// The plain value.
    pub fn to_value(&self) -> Value {
        match &self.node {
            Node::Scalar(value) => value.clone(),
            Node::List(list) => Value::List(list.iter().map(Self::to_value).collect()),
            Node::Table(table) => Value::Map(
                table.iter().map(|(key, value)| (key.clone(), value.to_value())).collect(),
            ),
        }
    }

    /// The entries, if this is a table.
    pub fn entries(&self) -> Option<&BTreeMap<String, Self>> {
        match &self.node {
            Node::Table(table) => Some(table),
            _ => None,
        }
    }

    /// One entry, if this is a table that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.get(key)
    }

    /// Lays `over` on this: tables are merged, everything else is replaced.
    pub fn merge(&mut self, over: Self) {
        match (&mut self.node, over.node) {
            (Node::Table(under), Node::Table(over_table)) => {
                for (key, value) in over_table {
                    match under.get_mut(&key) {
                        Some(there) => there.merge(value),
                        None => drop(under.insert(key, value)),
                    }
                }
                if self.place == Place::Nowhere {
                    self.place = over.place;
                }
            }
            (node, other) => {
                *node = other;
                self.place = over.place;
            }
        }
    }

    /// What this is, for messages.
    pub(crate) fn describe(&self) -> String {
        match &self.node {
            Node::Scalar(value) => format!("{value:?}"),
            Node::List(_) => "a list".to_owned(),
            Node::Table(_) => "a table".to_owned(),
        }
    }
}

fn tables(table: &DeTable<'_>, place: &dyn Fn(usize) -> Place) -> Node {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let key_text: &std::borrow::Cow<'_, str> = key.get_ref();
        let located =
            Located { node: node(value.get_ref(), place), place: place(key.span().start) };
        (key_text.clone().into_owned(), located)
    };
    Node::Table(table.iter().map(entry).collect())
}

fn node(value: &DeValue<'_>, place: &dyn Fn(usize) -> Place) -> Node {
    Node::Scalar(match value {
        DeValue::String(text) => Value::from(&**text),
        DeValue::Boolean(b) => Value::Bool(*b),
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(float) => {
            let number = float.as_str().parse().ok().and_then(serde_json::Number::from_f64);
            number.map_or(Value::Null, Value::Number)
        }
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(array) => {
            let element = |value: &toml::Spanned<DeValue<'_>>| Located {
                node: node(value.get_ref(), place),
                place: place(value.span().start),
            };
            return Node::List(array.iter().map(element).collect());
        }
        DeValue::Table(table) => return tables(table, place),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_remembered_and_tables_merge() {
        let text = "a = 1\n\n[t]\nb = [1,\n 2]\nc = 1979-05-27\n";
        let mut located = Located::parse(text, Path::new("x.toml")).unwrap();
        let line = |l: &Located| l.place.to_string();
        let t = located.get("t").unwrap();
        assert_eq!(line(t.get("b").unwrap()), "x.toml:4");
        let Node::List(list) = &t.get("b").unwrap().node else { panic!() };
        assert_eq!(line(&list[1]), "x.toml:5");
        located.merge(Located::parse_set("t.b=two words").unwrap());
        located.merge(Located::parse_set("t.d.e = true").unwrap());
        assert_eq!(
            located.to_value(),
            serde_json::json!({"a": 1, "t": {"b": "two words", "c": "1979-05-27", "d": {"e": true}}})
                .into()
        );
        assert_eq!(line(located.get("t").unwrap().get("b").unwrap()), "--set t.b=two words");
    }

    #[test]
    fn a_syntax_error_says_the_line() {
        let error = Located::parse("a = 1\nb = = 2\n", Path::new("x.toml")).unwrap_err();
        assert!(error.to_string().starts_with("x.toml:2: "), "{error}");
        assert!(Located::parse_set("novalue").unwrap_err().to_string().contains("no `=`"));
    }
}
