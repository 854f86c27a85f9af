//! How plain Rust types become [`Value`]s and come back.

use std::{collections::BTreeMap, fmt};

use infra_state::{Path, Segment, Value};

use crate::{
    provider::{Order, Shape},
    spelling::Spelling,
};

/// A type that may stand in a resource's inputs or outputs. Written by `#[derive(Value)]`,
/// `#[derive(Resource)]` and `#[derive(Outputs)]`; by hand only for leaf types (see [`crate::text_type!`]).
///
/// Reading back does not validate: what was stored once must be readable for ever. Constructors validate.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in a resource",
    label = "this type has no form in state",
    note = "structs and enums get one by `#[derive(infra_core::Value)]`, ids and names by `infra_core::text_type!`"
)]
pub trait Data: Sized + Send + Sync + 'static {
    /// The value; a field that is `None` (or an empty list or map) is absent.
    fn to_value(&self) -> Value;
    /// The type of this value; secret marks are looked through.
    fn from_value(value: &Value) -> Result<Self, DataError>;
    /// What the value looks like, for diffs.
    fn shape() -> Shape;
    /// How values of the type are written in a program.
    fn spelling() -> Spelling;
    /// What stands for an absent field of this type, if it may be absent.
    fn absent() -> Option<Self> {
        None
    }
    /// Whether a field with this content is left out.
    fn is_absent(&self) -> bool {
        false
    }
}

/// A value did not have the type that was expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    /// Where, from the root of the value.
    pub path: Path,
    /// What was expected there.
    pub expected: String,
    /// What was there.
    pub found: String,
}

impl DataError {
    /// `expected` was expected and `value` found.
    pub fn new(expected: impl Into<String>, value: &Value) -> Self {
        Self { path: Path::ROOT, expected: expected.into(), found: value.describe().to_owned() }
    }

    /// The same error, seen from one level further out.
    #[must_use]
    pub fn within(mut self, segment: Segment) -> Self {
        self.path.0.insert(0, segment);
        self
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.0.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl std::error::Error for DataError {}

/// Something that must be sealed in state and hidden everywhere else. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Marks `value` as secret.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The secret itself; for the call that needs it.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Data> Data for Sensitive<T> {
    fn to_value(&self) -> Value {
        self.0.to_value().secret()
    }

    fn from_value(value: &Value) -> Result<Self, DataError> {
        T::from_value(value).map(Self)
    }

    fn shape() -> Shape {
        T::shape()
    }

    fn spelling() -> Spelling {
        Spelling::Secret(Box::new(T::spelling()))
    }
}

impl<T: Data> Data for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, Data::to_value)
    }

    fn from_value(value: &Value) -> Result<Self, DataError> {
        if matches!(value.revealed(), Value::Null) {
            Ok(None)
        } else {
            T::from_value(value).map(Some)
        }
    }

    fn shape() -> Shape {
        T::shape()
    }

    fn spelling() -> Spelling {
        T::spelling()
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Data> Data for Vec<T> {
    fn to_value(&self) -> Value {
        Value::List(self.iter().map(Data::to_value).collect())
    }

    fn from_value(value: &Value) -> Result<Self, DataError> {
        let list = value.as_list().ok_or_else(|| DataError::new("a list", value))?;
        let element = |(at, v)| T::from_value(v).map_err(|e| e.within(Segment::Index(at)));
        list.iter().enumerate().map(element).collect()
    }

    fn shape() -> Shape {
        Shape::List { of: Box::new(T::shape()), order: Order::List }
    }

    fn spelling() -> Spelling {
        Spelling::List(Box::new(T::spelling()))
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Data> Data for BTreeMap<String, T> {
    fn to_value(&self) -> Value {
        Value::Map(self.iter().map(|(k, v)| (k.clone(), v.to_value())).collect())
    }

    fn from_value(value: &Value) -> Result<Self, DataError> {
        let map = value.as_map().ok_or_else(|| DataError::new("a map", value))?;
        let entry = |(k, v): (&String, &Value)| match T::from_value(v) {
            Ok(v) => Ok((k.clone(), v)),
            Err(e) => Err(e.within(Segment::Key(k.clone()))),
        };
        map.iter().map(entry).collect()
    }

    fn shape() -> Shape {
        Shape::Map(Box::new(T::shape()))
    }

    fn spelling() -> Spelling {
        Spelling::Map(Box::new(T::spelling()))
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Data for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }

    fn from_value(value: &Value) -> Result<Self, DataError> {
        Ok(value.clone())
    }

    fn shape() -> Shape {
        Shape::Any
    }

    fn spelling() -> Spelling {
        Spelling::Json
    }
}

impl Data for String {
    fn to_value(&self) -> Value {
        Value::String(self.clone())
    }

    fn from_value(value: &Value) -> Result<Self, DataError> {
        value.as_str().map(Self::from).ok_or_else(|| DataError::new("text", value))
    }

    fn shape() -> Shape {
        Shape::Scalar
    }

    fn spelling() -> Spelling {
        Spelling::Text
    }
}

impl Data for bool {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }

    fn from_value(value: &Value) -> Result<Self, DataError> {
        match value.revealed() {
            Value::Bool(b) => Ok(*b),
            _ => Err(DataError::new("a boolean", value)),
        }
    }

    fn shape() -> Shape {
        Shape::Scalar
    }

    fn spelling() -> Spelling {
        Spelling::Bool
    }
}

macro_rules! integers {
    ($($int:ty)*) => { $(
        impl Data for $int {
            fn to_value(&self) -> Value {
                Value::Number((*self).into())
            }

            fn from_value(value: &Value) -> Result<Self, DataError> {
                let number = match value.revealed() {
                    Value::Number(n) => n.as_i64().and_then(|n| Self::try_from(n).ok()),
                    _ => None,
                };
                number.ok_or_else(|| DataError::new(concat!("a whole number (", stringify!($int), ")"), value))
            }

            fn shape() -> Shape {
                Shape::Scalar
            }

            fn spelling() -> Spelling {
                Spelling::Number(stringify!($int))
            }
        }
    )* };
}

integers!(u8 u16 u32 i32 i64);

impl Data for f64 {
    fn to_value(&self) -> Value {
        serde_json::Number::from_f64(*self).map_or(Value::Null, Value::Number)
    }

    fn from_value(value: &Value) -> Result<Self, DataError> {
        match value.revealed() {
            Value::Number(n) => n.as_f64().ok_or_else(|| DataError::new("a number", value)),
            _ => Err(DataError::new("a number", value)),
        }
    }

    fn shape() -> Shape {
        Shape::Scalar
    }

    fn spelling() -> Spelling {
        Spelling::Number("f64")
    }
}

/// Reads one field of a map for the derives: absent where the type allows it, an error with the path otherwise.
#[doc(hidden)]
pub fn field<T: Data>(value: &Value, name: &str) -> Result<T, DataError> {
    let key = || Segment::Key(name.to_owned());
    match value.get(name) {
        Some(value) => T::from_value(value).map_err(|e| e.within(key())),
        None => T::absent().ok_or_else(|| {
            let missing =
                DataError { path: Path::ROOT, expected: "a value".into(), found: "none".into() };
            missing.within(key())
        }),
    }
}

/// Makes a distinct type of text: an id, an ARN, a name. The text is checked by `check` in the constructor only.
///
/// ```
/// infra_core::text_type! {
///     /// The id of a VPC, `vpc-0a1b2c3d`.
///     VpcId, "a VPC id like `vpc-0a1b2c3d`", |text| text.starts_with("vpc-")
/// }
/// assert!(VpcId::new("vpc-1").is_ok());
/// assert_eq!(VpcId::new("subnet-1").unwrap_err().to_string(), "expected a VPC id like `vpc-0a1b2c3d`, found \"subnet-1\"");
/// ```
#[macro_export]
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $expected:expr, |$text:ident| $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks the text and takes it.
            pub fn new(text: impl Into<String>) -> Result<Self, $crate::DataError> {
                let text = text.into();
                let fits = { let $text: &str = &text; $check };
                if fits {
                    Ok(Self(text))
                } else {
                    Err($crate::DataError {
                        path: $crate::state::Path::ROOT,
                        expected: $expected.to_owned(),
                        found: format!("{text:?}"),
                    })
                }
            }

            /// Takes text that the cloud gave, unchecked.
            pub fn trusted(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::DataError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl ::std::convert::From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl $crate::Data for $name {
            fn to_value(&self) -> $crate::state::Value {
                $crate::state::Value::String(self.0.clone())
            }

            fn from_value(value: &$crate::state::Value) -> Result<Self, $crate::DataError> {
                let text = value.as_str().ok_or_else(|| $crate::DataError::new($expected, value))?;
                Ok(Self(text.to_owned()))
            }

            fn shape() -> $crate::provider::Shape {
                $crate::provider::Shape::Scalar
            }

            fn spelling() -> $crate::spelling::Spelling {
                let path = $crate::spelling::path(module_path!(), stringify!($name));
                $crate::spelling::Spelling::Named { path }
            }
        }

        impl $crate::Text for $name {}
    };
}

/// Types whose value can stand inside [`interpolate!`](crate::interpolate).
pub trait Text: Data {}

impl Text for String {}
impl Text for bool {}
impl Text for u16 {}
impl Text for u32 {}
impl Text for i32 {}
impl Text for i64 {}
impl<T: Text> Text for Sensitive<T> {}
