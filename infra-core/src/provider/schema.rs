//! What the engine knows of a kind without calling it.

use std::{marker::PhantomData, time::Duration};

use infra_state::{Path, Value};

use super::Violation;
use crate::spelling::Spelling;

/// What a value looks like, as far as comparing two of them needs it.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Text, a number or a boolean: equal or not.
    Scalar,
    /// Any JSON: compared part by part. The elements of a list are told apart by their `name`, where all have one.
    Any,
    /// A list.
    List {
        /// What its elements look like.
        of: Box<Self>,
        /// What order means in it.
        order: Order,
    },
    /// A map with any keys.
    Map(Box<Self>),
    /// A struct, or one variant of an enum: known fields.
    Struct(Vec<FieldSchema>),
}

/// What the order of a list means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Order matters.
    List,
    /// Order means nothing and duplicates collapse (`set`).
    Set,
    /// Elements are told apart by this field (`key = "…"`).
    Keyed(&'static str),
}

/// How a name that the program leaves out is made: `{program}-{stack}-{name}-{instance}`, the instance never cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRule {
    /// The most characters the cloud allows.
    pub max: usize,
    /// Characters allowed beside letters and digits; what is not allowed becomes `-`, or `_` if only that is.
    pub extra: &'static str,
    /// The cloud wants it in lower case.
    pub lowercase: bool,
}

/// One field of a resource or of a struct inside it.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent attributes, as they stand in the derive"
)]
pub struct FieldSchema {
    /// Its name in Rust and in state.
    pub name: &'static str,
    /// The first line of its documentation.
    pub doc: &'static str,
    /// The constructor asks for it.
    pub required: bool,
    /// A change replaces the resource.
    pub replace: bool,
    /// Its type is `Sensitive`.
    pub secret: bool,
    /// It cannot be read back: drift is not looked for in it.
    pub write_only: bool,
    /// Where the program leaves it out the cloud chooses, and what it chose is no drift.
    pub computed: bool,
    /// It holds tags: the provider's default tags are merged in.
    pub tags: bool,
    /// What is meant when the program leaves it out.
    pub default: Option<Value>,
    /// Brings a written value into the cloud's spelling; applied to desired and live values before they are compared.
    pub normalize: Option<fn(&Value) -> Value>,
    /// How a missing name is generated. A name that the program fixes forces delete-before-create.
    pub name_rule: Option<NameRule>,
    /// What the value looks like.
    pub shape: Shape,
    /// How the value is written in a program.
    pub spelling: fn() -> Spelling,
}

/// One output.
#[derive(Clone, Debug)]
pub struct OutputSchema {
    /// Its name.
    pub name: &'static str,
    /// The first line of its documentation.
    pub doc: &'static str,
    /// No update changes it: it stays known while the resource is updated in place.
    pub stable: bool,
    /// Its type is `Sensitive`.
    pub secret: bool,
    /// Its type.
    pub spelling: fn() -> Spelling,
}

/// What the engine knows of a kind without calling it.
#[derive(Clone, Debug)]
pub struct Schema {
    /// `aws:ec2:Subnet`.
    pub kind: &'static str,
    /// The public path of its type: `infra_aws::ec2::Subnet`.
    pub path: String,
    /// Of a provider: the public path of what it connects to, `infra_aws::Aws`.
    pub cloud: Option<String>,
    /// The first line of its documentation.
    pub doc: &'static str,
    /// The inputs.
    pub fields: Vec<FieldSchema>,
    /// The outputs.
    pub outputs: Vec<OutputSchema>,
    /// Deleting or replacing an object loses data.
    pub holds_data: bool,
    /// Two objects cannot exist side by side, and why: the old one goes first.
    pub delete_before_replace: Option<&'static str>,
    /// The cloud keeps what is wanted of an object apart from what has become of it: what is read back is right even while
    /// the object is on its way.
    pub declarative: bool,
}

impl Schema {
    /// The field that a path lies in.
    pub fn field(&self, path: &Path) -> Option<&FieldSchema> {
        let name = path.first()?;
        self.fields.iter().find(|field| field.name == name)
    }

    /// How its name is made where the program leaves it out.
    pub fn name_rule(&self) -> Option<&NameRule> {
        self.fields.iter().find_map(|field| field.name_rule.as_ref())
    }

    /// What is wrong with names that are secret: a name is in ids, logs and every console, where nothing hides it.
    pub(crate) fn secret_names(&self, inputs: &Value) -> Vec<Violation> {
        let named = self.fields.iter().filter(|field| field.name_rule.is_some());
        let secret = named.filter(|field| inputs.get(field.name).is_some_and(Value::has_secret));
        let violation = |field: &FieldSchema| Violation {
            path: Path::field(field.name),
            message: "a name cannot be secret: ids, logs and consoles show it".to_owned(),
        };
        secret.map(violation).collect()
    }
}

/// A field of `R` as a value of the program: `Subnet::TAGS`, for `ignore_changes` and for a driver's `touches`.
pub struct Field<R, T> {
    name: &'static str,
    of: PhantomData<fn() -> (R, T)>,
}

impl<R, T> Clone for Field<R, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, T> Copy for Field<R, T> {}

impl<R, T> Field<R, T> {
    /// The field with this name; the derives make these.
    pub const fn new(name: &'static str) -> Self {
        Self { name, of: PhantomData }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Its path.
    pub fn path(self) -> Path {
        Path::field(self.name)
    }
}

/// How long each verb may take, waiting included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first call to `Ready`.
    pub create: Duration,
    /// From the first call to `Ready` again.
    pub update: Duration,
    /// From the first call until the object is gone.
    pub delete: Duration,
}

impl Timeouts {
    /// The same limit, in minutes, for all verbs.
    pub const fn minutes(minutes: u64) -> Self {
        let limit = Duration::from_secs(minutes * 60);
        Self { create: limit, update: limit, delete: limit }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::minutes(10)
    }
}

/// How a create of this kind stays exactly once across a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Once {
    /// How long the API honours a client token; `None` where it takes none.
    pub token: Option<Duration>,
    /// A create with the same name finds the first object (or is refused): the name alone settles it.
    pub by_name: bool,
    /// How long after a call a read may miss its effect, and a call that nobody waits for any more may be on its way.
    pub window: Duration,
}

impl Default for Once {
    fn default() -> Self {
        Self { token: None, by_name: false, window: Duration::from_secs(10) }
    }
}

impl Shape {
    /// The same list with another meaning of order; on anything else, nothing changes.
    #[must_use]
    pub fn ordered(self, order: Order) -> Self {
        match self {
            Self::List { of, .. } => Self::List { of, order },
            other => other,
        }
    }
}

impl FieldSchema {
    /// The schema of one variant of an enum: a field that is there or not.
    #[doc(hidden)]
    pub fn variant(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            doc: "",
            required: false,
            replace: false,
            secret: false,
            write_only: false,
            computed: false,
            tags: false,
            default: None,
            normalize: None,
            name_rule: None,
            shape,
            spelling: || Spelling::Json,
        }
    }
}
