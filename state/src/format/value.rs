//! Values as JSON, with secrets sealed on the way out and opened on the way in.

use std::{cell::RefCell, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Serialize, Serializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::Number;

use crate::{
    Error, ErrorKind, Result, Value,
    seal::{DataKey, Opened},
};

const SEALED: &str = "$sealed";
const SECRET: &str = "$secret";
const UNKNOWN: &str = "$unknown";
/// How `serde_json` hands a number over if some crate of the build turned on its `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

/// What becomes of secrets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Secrets<'a> {
    /// Sealed one by one: in everything that is stored.
    Sealed(&'a DataKey),
    /// In clear: where a person asked for them.
    Shown,
    /// In clear, and unknowns are allowed: inside what is sealed or hashed as a whole.
    Canonical,
}

/// What values are written with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing<'a> {
    secrets: Secrets<'a>,
    /// Whose values they are: a secret opens only in its stack, and there only in its resource.
    scope: &'a str,
    owner: &'a str,
}

/// What values are read with. Keeps the first error, which would lose its kind on the way through serde.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    key: Option<&'a Opened>,
    scope: &'a str,
    shown: bool,
    unknown: bool,
    failure: RefCell<Option<Error>>,
}

/// Where a value is, as a chain on the stack: it is only spelled out when a secret is met.
#[derive(Clone, Copy)]
struct Place<'a> {
    above: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Place<'_> {
    /// The bytes that bind a secret to whose it is and where: it cannot be cut out and pasted elsewhere.
    fn context(&self, scope: &str, owner: &str) -> Vec<u8> {
        let mut context = scope.as_bytes().to_vec();
        context.push(0);
        context.extend(owner.as_bytes());
        self.spell(&mut context);
        context
    }

    fn spell(&self, into: &mut Vec<u8>) {
        if let Some(above) = self.above {
            above.spell(into);
        }
        into.push(0);
        match self.step {
            Step::Key(key) => into.extend(key.as_bytes()),
            Step::Index(index) => into.extend(format!("[{index}]").as_bytes()),
        }
    }
}

impl<'a> Writing<'a> {
    pub(crate) fn new(secrets: Secrets<'a>, scope: &'a str) -> Self {
        Self { secrets, scope, owner: "" }
    }

    /// For the values of the resource `owner`.
    pub(crate) fn of(self, owner: &'a str) -> Self {
        Self { owner, ..self }
    }

    /// `value`, at the place called `root`, ready to be serialised.
    pub(crate) fn value(self, root: &'a str, value: &'a Value) -> impl Serialize + 'a {
        Written { value, with: self, place: Place { above: None, step: Step::Key(root) } }
    }

    /// The same for a map of values.
    pub(crate) fn map(
        self,
        root: &'a str,
        map: &'a BTreeMap<String, Value>,
    ) -> impl Serialize + 'a {
        WrittenMap { map, with: self, place: Place { above: None, step: Step::Key(root) } }
    }
}

struct Written<'a> {
    value: &'a Value,
    with: Writing<'a>,
    place: Place<'a>,
}

struct WrittenMap<'a> {
    map: &'a BTreeMap<String, Value>,
    with: Writing<'a>,
    place: Place<'a>,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { value, with, place } = self;
        match value {
            Value::Null => to.serialize_unit(),
            Value::Bool(b) => to.serialize_bool(*b),
            Value::Number(n) => n.serialize(to),
            Value::String(s) => to.serialize_str(s),
            Value::List(list) => {
                let mut seq = to.serialize_seq(Some(list.len()))?;
                for (index, value) in list.iter().enumerate() {
                    let place = Place { above: Some(place), step: Step::Index(index) };
                    seq.serialize_element(&Written { value, with: *with, place })?;
                }
                seq.end()
            }
            Value::Map(map) => WrittenMap { map, with: *with, place: *place }.serialize(to),
            Value::Secret(inner) => {
                let mut map = to.serialize_map(Some(1))?;
                match with.secrets {
                    Secrets::Sealed(key) => {
                        let plain = zeroize::Zeroizing::new(crate::canonical::to_vec(inner));
                        let sealed = key
                            .seal(&plain, &place.context(with.scope, with.owner))
                            .map_err(serde::ser::Error::custom)?;
                        map.serialize_entry(SEALED, &sealed)?;
                    }
                    Secrets::Shown | Secrets::Canonical => {
                        map.serialize_entry(SECRET, &Written { value: inner, ..*self })?;
                    }
                }
                map.end()
            }
            Value::Unknown if matches!(with.secrets, Secrets::Canonical) => {
                let mut map = to.serialize_map(Some(1))?;
                map.serialize_entry(UNKNOWN, &true)?;
                map.end()
            }
            Value::Unknown => {
                Err(serde::ser::Error::custom("a value that is not known yet cannot be stored"))
            }
        }
    }
}

impl Serialize for WrittenMap<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.map.len()))?;
        for (key, value) in self.map {
            let place = Place { above: Some(&self.place), step: Step::Key(key) };
            let value = Written { value, with: self.with, place };
            if key.starts_with('$') {
                map.serialize_entry(&format!("${key}"), &value)?;
            } else {
                map.serialize_entry(key, &value)?;
            }
        }
        map.end()
    }
}

impl<'a> Reading<'a> {
    /// For stored documents: secrets are sealed.
    pub(crate) fn stored(key: Option<&'a Opened>, scope: &'a str) -> Self {
        Self { key, scope, shown: false, unknown: false, failure: RefCell::new(None) }
    }

    /// For exported documents: secrets may be in clear as well.
    pub(crate) fn exported(key: Option<&'a Opened>, scope: &'a str) -> Self {
        Self { shown: true, ..Self::stored(key, scope) }
    }

    /// For canonical bytes.
    pub(crate) fn canonical() -> Self {
        Self { shown: true, unknown: true, ..Self::stored(None, "") }
    }

    /// The value of `owner` in `json`, which is at the place called `root`.
    pub(crate) fn value(&self, owner: &str, root: &str, json: &[u8]) -> Result<Value> {
        self.at(owner, Place { above: None, step: Step::Key(root) }, json)
    }

    fn at(&self, owner: &str, place: Place<'_>, json: &[u8]) -> Result<Value> {
        let mut from = serde_json::Deserializer::from_slice(json);
        let value = Read { with: self, owner, place }.deserialize(&mut from);
        value.and_then(|value| from.end().map(|()| value)).map_err(|e| self.failure(&e))
    }

    /// The error behind `e`.
    pub(crate) fn failure(&self, e: &serde_json::Error) -> Error {
        let failure = self.failure.borrow_mut().take();
        failure.unwrap_or_else(|| Error::new(ErrorKind::Corrupt, e.to_string()))
    }

    fn fail<E: de::Error>(&self, error: Error) -> E {
        let told = E::custom(&error);
        self.failure.borrow_mut().get_or_insert(error);
        told
    }
}

#[derive(Clone, Copy)]
struct Read<'a> {
    with: &'a Reading<'a>,
    owner: &'a str,
    place: Place<'a>,
}

impl<'de> DeserializeSeed<'de> for Read<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Read<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Value, E> {
        Number::from_f64(v).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let place = Place { above: Some(&self.place), step: Step::Index(list.len()) };
            match seq.next_element_seed(Read { place, ..self })? {
                Some(value) => list.push(value),
                None => return Ok(Value::List(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(mut key) = from.next_key::<String>()? {
            if key.starts_with('$') {
                if !key.starts_with("$$") {
                    if !map.is_empty() {
                        return Err(de::Error::custom(format!("{key:?} beside other keys")));
                    }
                    let value = self.special(&key, &mut from)?;
                    return match from.next_key::<String>()? {
                        None => Ok(value),
                        Some(more) => Err(de::Error::custom(format!("{more:?} beside {key:?}"))),
                    };
                }
                key.remove(0);
            }
            let place = Place { above: Some(&self.place), step: Step::Key(&key) };
            let value = from.next_value_seed(Read { place, ..self })?;
            if map.contains_key(&key) {
                return Err(de::Error::custom(format!("{key:?} twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Map(map))
    }
}

impl Read<'_> {
    /// What stands under a key that starts with one `$`.
    fn special<'de, A: MapAccess<'de>>(&self, key: &str, from: &mut A) -> Result<Value, A::Error> {
        match key {
            SEALED => {
                let sealed: String = from.next_value()?;
                self.open(&sealed).map_err(|e| self.with.fail(e))
            }
            SECRET if self.with.shown => {
                let inner = from.next_value_seed(Read { ..*self })?;
                Ok(Value::Secret(Box::new(inner)))
            }
            UNKNOWN if self.with.unknown => from.next_value::<bool>().map(|_| Value::Unknown),
            NUMBER => {
                let digits: String = from.next_value()?;
                let number = serde_json::from_str::<Number>(&digits).map_err(de::Error::custom)?;
                Ok(Value::Number(number))
            }
            _ => Err(de::Error::custom(format!("the key {key:?} means nothing here"))),
        }
    }

    fn open(&self, sealed: &str) -> Result<Value> {
        let key = self.with.key.ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, "a sealed value in an object that names no key")
        })?;
        let Opened::Key(key) = key else { return Ok(Value::Unknown.secret()) };
        let plain = key.open(sealed, &self.place.context(self.with.scope, self.owner))?;
        Ok(Value::Secret(Box::new(crate::canonical::from_slice(&plain)?)))
    }
}

/// A value that is read later, when the key for it is there.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Unread<'a>(#[serde(borrow)] &'a serde_json::value::RawValue);

impl Unread<'_> {
    pub(crate) fn read(self, with: &Reading<'_>, owner: &str, root: &str) -> Result<Value> {
        with.value(owner, root, self.0.get().as_bytes())
    }

    /// The same for an entry of a map at `root`.
    pub(crate) fn read_entry(
        self,
        with: &Reading<'_>,
        owner: &str,
        root: &str,
        key: &str,
    ) -> Result<Value> {
        let root = Place { above: None, step: Step::Key(root) };
        let place = Place { above: Some(&root), step: Step::Key(key) };
        with.at(owner, place, self.0.get().as_bytes())
    }
}
