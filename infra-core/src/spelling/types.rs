//! How values of a type are written.

use crate::provider::FieldSchema;

/// How values of a type are written in a program. An `Option` is written as what is in it.
#[derive(Clone, Debug)]
pub enum Spelling {
    /// Text: `"web"`.
    Text,
    /// `true`.
    Bool,
    /// A number of this type: `443`.
    Number(&'static str),
    /// Any JSON.
    Json,
    /// A list.
    List(Box<Self>),
    /// A map with text as keys.
    Map(Box<Self>),
    /// What is sealed: never written in clear.
    Secret(Box<Self>),
    /// A type of text of its own, `text_type!`: `Zone::trusted("eu-west-1a")`.
    Named {
        /// Its public path.
        path: String,
    },
    /// A type whose values are written by a macro that takes their text: `cidr!("10.0.0.0/16")`. They are copied.
    Macro {
        /// Its public path.
        path: String,
        /// The macro's public path.
        by: &'static str,
    },
    /// A struct around one value: `Gib(20)`.
    Newtype {
        /// Its public path.
        path: String,
        /// How what is in it is written.
        of: Box<Self>,
    },
    /// A struct: `Rule::new(80).note("web")`, the required fields in their order, the others by their names.
    Struct {
        /// Its public path.
        path: String,
        /// Its fields.
        fields: Vec<FieldSchema>,
    },
    /// An enum.
    Enum {
        /// Its public path.
        path: String,
        /// Its variants.
        variants: Vec<Variant>,
    },
}

/// One variant of an enum.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name in Rust: `TcpRange`.
    pub name: &'static str,
    /// Its name in values: `tcp_range`.
    pub text: &'static str,
    /// What is in it.
    pub form: Form,
}

/// What is in a variant of an enum.
#[derive(Clone, Debug)]
pub enum Form {
    /// Nothing: `Ports::All`.
    Unit,
    /// One value, given to a function of this name: `Ports::tcp(443)`.
    One {
        /// The function.
        function: &'static str,
        /// How what is in it is written.
        of: fn() -> Spelling,
    },
    /// Named fields, given in their order to a function of this name: `Ports::tcp_range(80, 90)`. There is no function if
    /// one of the fields may be left out.
    Fields {
        /// The function.
        function: Option<&'static str>,
        /// The fields.
        fields: Vec<FieldSchema>,
    },
}

impl Spelling {
    /// The type's name in Rust, with its public path: what two types are told apart by.
    pub fn name(&self) -> String {
        match self {
            Self::Text => "String".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Number(name) => (*name).to_owned(),
            Self::Json => "infra_core::state::Value".to_owned(),
            Self::List(of) => format!("Vec<{}>", of.name()),
            Self::Map(of) => format!("BTreeMap<String, {}>", of.name()),
            Self::Secret(of) => format!("Sensitive<{}>", of.name()),
            Self::Named { path }
            | Self::Macro { path, .. }
            | Self::Newtype { path, .. }
            | Self::Struct { path, .. }
            | Self::Enum { path, .. } => path.clone(),
        }
    }

    /// Whether its values can stand inside [`interpolate!`](crate::interpolate).
    pub fn is_text(&self) -> bool {
        match self {
            Self::Text | Self::Bool | Self::Named { .. } | Self::Macro { .. } => true,
            Self::Number(name) => matches!(*name, "u16" | "u32" | "i32" | "i64"),
            Self::Secret(of) => of.is_text(),
            Self::Enum { variants, .. } => {
                variants.iter().all(|variant| matches!(variant.form, Form::Unit))
            }
            Self::Json
            | Self::List(_)
            | Self::Map(_)
            | Self::Newtype { .. }
            | Self::Struct { .. } => false,
        }
    }
}
