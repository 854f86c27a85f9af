//! Reading a configuration as the program's own type.
//!
//! `serde` stops at the first mistake. To report all of them, what was wrong is replaced by a value that fits
//! ([`Wild`]) and the type is read again, until nothing new is wrong; the result of such a run is thrown away.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Display},
};

use infra_state::{Path, Value};
use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor,
    },
    forward_to_deserialize_any,
};

use super::{Config, Located, Node, Place, did_you_mean, wild::Wild};
use crate::{Error, Result, graph::Mistake};

/// The most mistakes that are looked for.
const MOST: usize = 50;

/// The configuration as the program's own type. Missing keys, unknown keys (whether or not the type denies them) and
/// values of the wrong type are reported together, each with its line.
pub fn typed<T: DeserializeOwned>(config: &Config) -> Result<T> {
    let known = Known::default();
    for _ in 0..MOST {
        match T::deserialize(Reader { at: &config.0, path: Path::ROOT, known: &known }) {
            Ok(read) if known.mistakes.borrow().is_empty() => return Ok(read),
            Ok(_) => break,
            Err(wrong) => {
                if !known.note(wrong) {
                    break;
                }
            }
        }
    }
    let mut mistakes: Vec<_> = known.mistakes.into_inner().into_values().collect();
    mistakes.sort_by_key(|(line, _)| *line);
    let mistakes =
        mistakes.into_iter().map(|(_, message)| Mistake { message, urn: None, at: None });
    Err(Error::configuration(mistakes.collect()))
}

/// What is known to be wrong so far.
#[derive(Default)]
pub(super) struct Known {
    /// By path, so that reading again does not report again.
    mistakes: RefCell<BTreeMap<Path, (usize, String)>>,
    /// What is replaced by something that fits.
    wild: RefCell<BTreeSet<Path>>,
}

impl Known {
    fn add(&self, path: Path, place: &Place, message: String) {
        let line = match place {
            Place::File { line, .. } => *line,
            _ => 0,
        };
        self.mistakes.borrow_mut().entry(path).or_insert((line, message));
    }

    /// Whether reading again can find more.
    fn note(&self, wrong: Wrong) -> bool {
        let (table, place) = wrong.at.unwrap_or_default();
        let path = match &wrong.missing {
            Some(field) => table.key(field.clone()),
            None => table,
        };
        let name = if path.0.is_empty() { String::new() } else { format!("`{path}`: ") };
        let message = match &wrong.missing {
            Some(field) if place == Place::Nowhere => format!(
                "the key `{path}` is missing: write `{field} = …` under `[config]`, or `[stack.X.config]` for one stack"
            ),
            Some(_) => format!("{place}: the key `{path}` is missing"),
            None => format!("{place}: {name}{}", wrong.message),
        };
        self.add(path.clone(), &place, message);
        !path.0.is_empty() && self.wild.borrow_mut().insert(path)
    }
}

/// Why a value did not fit.
#[derive(Debug)]
pub(super) struct Wrong {
    message: String,
    /// The field that the table at `at` lacks.
    missing: Option<String>,
    /// Filled by the innermost reader that sees the error.
    at: Option<(Path, Place)>,
}

impl Wrong {
    fn new(message: String) -> Self {
        Self { message, missing: None, at: None }
    }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}

fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        Unexpected::Str(text) => format!("the text {text:?}"),
        Unexpected::Bool(b) => format!("`{b}`"),
        Unexpected::Unsigned(n) => format!("the number {n}"),
        Unexpected::Signed(n) => format!("the number {n}"),
        Unexpected::Float(n) => format!("the number {n}"),
        other => other.to_string(),
    }
}

/// What the words of `serde` mean in a TOML file.
fn expected(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match &*text {
        "a string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        _ if text.starts_with("struct ") => "a table".to_owned(),
        _ => text,
    }
}

impl de::Error for Wrong {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(format!("expected {}, found {}", expected(wanted), found(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(format!("expected {}, found {}", expected(wanted), found(unexpected)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field.to_owned()), ..Self::new(String::new()) }
    }

    fn unknown_variant(variant: &str, wanted: &'static [&'static str]) -> Self {
        Self::new(format!("`{variant}` is not one of its values{}", did_you_mean(variant, wanted)))
    }
}

/// Reads one value.
pub(super) struct Reader<'c> {
    at: &'c Located,
    path: Path,
    known: &'c Known,
}

impl Reader<'_> {
    fn is_wild(&self) -> bool {
        self.known.wild.borrow().contains(&self.path)
    }

    fn here(&self) -> impl Fn(Wrong) -> Wrong + use<> {
        let at = (self.path.clone(), self.at.place.clone());
        move |mut wrong: Wrong| {
            wrong.at.get_or_insert_with(|| at.clone());
            wrong
        }
    }

    /// The entries of a table with the keys a struct has: those it does not have are mistakes, those that are
    /// known to be missing are made up.
    fn fields(
        &self,
        table: &BTreeMap<String, Located>,
        fields: &'static [&'static str],
    ) -> Vec<(String, Option<Located>)> {
        let mut entries = Vec::new();
        for (key, value) in table {
            if fields.contains(&&**key) {
                entries.push((key.clone(), Some(value.clone())));
                continue;
            }
            let path = self.path.key(key.clone());
            let free: Vec<&str> =
                fields.iter().copied().filter(|field| !table.contains_key(*field)).collect();
            let message =
                format!("{}: there is no key `{path}`{}", value.place, did_you_mean(key, &free));
            self.known.add(path, &value.place, message);
        }
        let missing = fields.iter().filter(|field| {
            !table.contains_key(**field)
                && self.known.wild.borrow().contains(&self.path.key(**field))
        });
        entries.extend(missing.map(|field| ((*field).to_owned(), None)));
        entries
    }
}

/// The entries of a table that are still to be read; what has no value is made up.
struct Entries<'c> {
    rest: std::vec::IntoIter<(String, Option<Located>)>,
    value: Option<(String, Option<Located>)>,
    path: Path,
    known: &'c Known,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        self.value = self.rest.next();
        let Some((key, value)) = &self.value else { return Ok(None) };
        let key_reader: de::value::StrDeserializer<'_, Wrong> = (**key).into_deserializer();
        seed.deserialize(key_reader).map(Some).map_err(|mut wrong| {
            let place = value.as_ref().map_or_else(Place::default, |value| value.place.clone());
            wrong.at.get_or_insert_with(|| (self.path.key(key.clone()), place));
            wrong
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        match self.value.take() {
            Some((key, Some(value))) => {
                let path = self.path.key(key);
                seed.deserialize(Reader { at: &value, path, known: self.known })
            }
            Some((key, None)) => seed.deserialize(Wild(self.path.key(key))),
            None => Err(de::Error::custom("a value without a key")),
        }
    }
}

/// The elements of a list that are still to be read.
struct Elements<'c> {
    list: std::iter::Enumerate<std::slice::Iter<'c, Located>>,
    path: Path,
    known: &'c Known,
}

impl<'de> de::SeqAccess<'de> for Elements<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some((index, at)) = self.list.next() else { return Ok(None) };
        let path = self.path.index(index);
        seed.deserialize(Reader { at, path, known: self.known }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.list.len())
    }
}

/// The methods that read the value as it is, or make one up.
macro_rules! fitting_or_any {
    ($($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            if self.is_wild() { Wild(self.path).$method(visitor) } else { self.deserialize_any(visitor) }
        }
    )* };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let here = self.here();
        match &self.at.node {
            Node::Scalar(value) => match value {
                Value::Bool(b) => visitor.visit_bool(*b),
                Value::String(text) => visitor.visit_str(text),
                Value::Number(n) => match (n.as_u64(), n.as_i64()) {
                    (Some(n), _) => visitor.visit_u64(n),
                    (None, Some(n)) => visitor.visit_i64(n),
                    (None, None) => visitor.visit_f64(n.as_f64().unwrap_or_default()),
                },
                _ => visitor.visit_unit(),
            },
            Node::List(list) => {
                let list = list.iter().enumerate();
                visitor.visit_seq(Elements { list, path: self.path, known: self.known })
            }
            Node::Table(table) => {
                let rest: Vec<_> =
                    table.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
                let rest = rest.into_iter();
                visitor.visit_map(Entries { rest, value: None, path: self.path, known: self.known })
            }
        }
        .map_err(here)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.is_wild() || self.at.node == Node::Scalar(Value::Null) {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if self.is_wild() {
            return Wild(self.path).deserialize_newtype_struct(name, visitor);
        }
        let here = self.here();
        visitor.visit_newtype_struct(self).map_err(here)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if self.is_wild() {
            return Wild(self.path).deserialize_struct(name, fields, visitor);
        }
        let Node::Table(table) = &self.at.node else { return self.deserialize_any(visitor) };
        let here = self.here();
        let rest = self.fields(table, fields).into_iter();
        let entries = Entries { rest, value: None, path: self.path, known: self.known };
        visitor.visit_map(entries).map_err(here)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if self.is_wild() {
            return Wild(self.path).deserialize_enum(name, variants, visitor);
        }
        let here = self.here();
        match &self.at.node {
            Node::Scalar(Value::String(text)) => {
                let variant: de::value::StrDeserializer<'_, Wrong> = (**text).into_deserializer();
                visitor.visit_enum(variant)
            }
            Node::Table(table) if table.len() == 1 => {
                let rest: Vec<_> =
                    table.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
                let entries = Entries {
                    rest: rest.into_iter(),
                    value: None,
                    path: self.path,
                    known: self.known,
                };
                visitor.visit_enum(de::value::MapAccessDeserializer::new(entries))
            }
            _ => {
                let choice = did_you_mean("", variants);
                let message =
                    format!("expected one of its values, found {}{choice}", self.at.describe());
                Err(Wrong::new(message))
            }
        }
        .map_err(here)
    }

    forward_to_deserialize_any! {
        ignored_any identifier
    }

    fitting_or_any! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_seq deserialize_map
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Wrong> {
        if self.is_wild() {
            return Wild(self.path).deserialize_tuple(len, visitor);
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_tuple(len, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum Size {
        Small,
        Large,
        Disks(u8),
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct Db {
        class: String,
        size: Size,
        #[serde(default)]
        ports: Vec<u16>,
        replica: Option<Box<Self>>,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct All {
        zones: u8,
        name: String,
        db: Db,
        #[serde(default)]
        tags: BTreeMap<String, String>,
    }

    fn read(text: &str) -> Result<All> {
        typed(&Config::from(Located::parse(text, Path::new("p.toml")).unwrap()))
    }

    #[test]
    fn what_is_right_is_read() {
        let text = "zones = 3\nname = 'x'\ntags = { a = 'b' }\n[db]\nclass = 'c'\nports = [1, 2]\n\
            size = { disks = 2 }\nreplica = { class = 'r', size = 'large' }\n";
        let all = read(text).unwrap();
        assert_eq!(all.db.size, Size::Disks(2));
        assert_eq!(all.db.ports, [1, 2]);
        assert_eq!(all.db.replica.unwrap().size, Size::Large);
        assert_eq!(all.tags["a"], "b");
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let text = "zones = 300\nnmae = 'x'\n[db]\nclass = 4\nports = [1, 'x', -2]\nsize = 'smal'\nreplica = 7\n";
        let error = read(text).unwrap_err();
        let messages: Vec<_> = error.mistakes().iter().map(|m| &*m.message).collect();
        insta::assert_snapshot!(messages.join("\n"), @r#"
        the key `name` is missing: write `name = …` under `[config]`, or `[stack.X.config]` for one stack
        p.toml:1: `zones`: expected a whole number from 0 to 255, found the number 300
        p.toml:2: there is no key `nmae`; did you mean `name`?
        p.toml:4: `db.class`: expected text, found the number 4
        p.toml:5: `db.ports[1]`: expected a whole number from 0 to 65535, found the text "x"
        p.toml:5: `db.ports[2]`: expected a whole number from 0 to 65535, found the number -2
        p.toml:6: `db.size`: `smal` is not one of its values; did you mean `small`?
        p.toml:7: `db.replica`: expected a table, found the number 7
        "#);
        assert!(read("").unwrap_err().mistakes().len() == 3);
    }
}
