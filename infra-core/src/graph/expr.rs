//! The one expression language of program, plan, history and saved plan.

use std::{collections::BTreeMap, fmt, panic::Location, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use infra_state::{Path, Urn, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{panics::caught, scrub::Scrub};

/// How a value is made from literals and from other resources' outputs.
#[derive(Clone)]
pub enum Expr {
    /// A value written in the program.
    Literal(Value),
    /// An output of a resource.
    Reference {
        /// Whose.
        urn: Urn,
        /// Where in its outputs.
        path: Path,
    },
    /// A list of expressions.
    List(Vec<Self>),
    /// A map of expressions.
    Map(BTreeMap<String, Self>),
    /// Text put together: `interpolate!`.
    Concat(Vec<Self>),
    /// One entry of a map.
    Field(Box<Self>, String),
    /// One element of a list.
    Index(Box<Self>, usize),
    /// The value as canonical JSON text (policy documents, container definitions).
    Json(Box<Self>),
    /// The text in base64.
    Base64(Box<Self>),
    /// The text percent-encoded, as a part of a URL.
    UrlEncode(Box<Self>),
    /// The value, marked secret.
    Secret(Box<Self>),
    /// A closure of the program (`map`, `try_map`): the only part that cannot be stored.
    Opaque(Opaque),
    /// What such a closure came to in an earlier deployment, whose graph this is of.
    Remembered(Remembered),
}

/// The result of a closure that is not at hand.
#[derive(Clone)]
pub struct Remembered {
    /// What it was applied to.
    pub input: Box<Expr>,
    /// What that came to.
    pub given: Value,
    /// What it made of it.
    pub result: Value,
    /// Where in the program it stood.
    pub at: String,
}

/// A closure over the value of an expression.
#[derive(Clone)]
pub struct Opaque {
    /// What it is applied to.
    pub input: Box<Expr>,
    /// The closure.
    pub apply: Arc<Closure>,
    /// Where in the program it stands.
    pub at: &'static Location<'static>,
}

/// What `map` and `try_map` store.
pub type Closure = dyn Fn(&Value) -> Result<Value, String> + Send + Sync;

/// An expression could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalError(pub String);

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EvalError {}

/// Everything but letters, digits and `-._~`: what RFC 3986 leaves unreserved.
const URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Expr {
    /// The value, with [`Value::Unknown`] where it hangs on an output that is not known, and secret wherever a part
    /// of it is.
    ///
    /// `outputs` gives a resource's outputs as far as they are known; `None` means nothing is.
    pub fn eval<'v>(
        &self,
        outputs: &dyn Fn(&Urn) -> Option<&'v Value>,
    ) -> Result<Value, EvalError> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Reference { urn, path } => match outputs(urn) {
                Some(value) => at(value, path),
                None => Value::Unknown,
            },
            Self::List(list) => {
                Value::List(list.iter().map(|e| e.eval(outputs)).collect::<Result<_, _>>()?)
            }
            Self::Map(map) => {
                let entry = |(k, e): (&String, &Self)| Ok((k.clone(), e.eval(outputs)?));
                Value::Map(map.iter().map(entry).collect::<Result<_, EvalError>>()?)
            }
            Self::Concat(parts) => {
                let parts: Vec<_> =
                    parts.iter().map(|e| e.eval(outputs)).collect::<Result<_, _>>()?;
                tainted(&Value::List(parts), |list| {
                    let parts = list.as_list().unwrap_or_default();
                    parts.iter().map(text).collect::<Result<String, _>>().map(Value::String)
                })?
            }
            Self::Field(of, key) => at(&of.eval(outputs)?, &Path::field(key.clone())),
            Self::Index(of, index) => {
                let list = of.eval(outputs)?;
                of.has_element(&list, *index)?;
                at(&list, &Path::ROOT.index(*index))
            }
            Self::Json(of) => {
                tainted(&of.eval(outputs)?, |value| Ok(canonical_json(value).into()))?
            }
            Self::Base64(of) => {
                tainted(&of.eval(outputs)?, |value| Ok(STANDARD.encode(text(value)?).into()))?
            }
            Self::UrlEncode(of) => {
                tainted(&of.eval(outputs)?, |value| Ok(url_encoded(&text(value)?).into()))?
            }
            Self::Secret(of) => of.eval(outputs)?.secret(),
            Self::Remembered(closure) => {
                let input = closure.input.eval(outputs)?;
                if input.has_unknown() {
                    Value::Unknown
                } else if input.plain().same(&closure.given.plain()) {
                    closure.result.clone()
                } else {
                    return Err(EvalError(closure.cannot("is applied to something else now")));
                }
            }
            Self::Opaque(opaque) => {
                let input = opaque.input.eval(outputs)?;
                let secret = input.has_secret();
                tainted(&input, |value| {
                    let applied = caught(|| (opaque.apply)(value));
                    let error = |what| EvalError(format!("the closure at {} {what}", opaque.at));
                    applied
                        // What a panic says nobody has thought about: `unwrap` shows whatever it finds.
                        .map_err(|panic| if secret { panic.without_message() } else { panic })
                        .map_err(|panic| error(format!("panicked: {panic}")))?
                        // What it was given may be in what it says.
                        .map_err(|e| error(format!("failed: {}", Scrub::of(&input).clean(e))))
                })?
            }
        })
    }

    /// Calls `found` with every remembered closure in this expression.
    pub(crate) fn remembered<'e>(&'e self, found: &mut dyn FnMut(&'e Remembered)) {
        match self {
            Self::Literal(_) | Self::Reference { .. } => {}
            Self::List(list) | Self::Concat(list) => {
                for expr in list {
                    expr.remembered(found);
                }
            }
            Self::Map(map) => map.values().for_each(|expr| expr.remembered(found)),
            Self::Field(of, _)
            | Self::Index(of, _)
            | Self::Json(of)
            | Self::Base64(of)
            | Self::UrlEncode(of)
            | Self::Secret(of) => of.remembered(found),
            Self::Opaque(opaque) => opaque.input.remembered(found),
            Self::Remembered(remembered) => {
                found(remembered);
                remembered.input.remembered(found);
            }
        }
    }

    /// Refuses an index that is past the end of the list that this expression came to.
    fn has_element(&self, list: &Value, index: usize) -> Result<(), EvalError> {
        let count = match list.revealed() {
            Value::List(list) => list.len(),
            // An empty list is left out of the outputs.
            Value::Null => 0,
            _ => return Ok(()),
        };
        if index < count {
            return Ok(());
        }
        let name = match self {
            Self::Reference { urn, path } => format!("{}.{path}", urn.name()),
            other => format!("{other:?}"),
        };
        let count = match count {
            0 => "no elements".to_owned(),
            1 => "1 element".to_owned(),
            count => format!("{count} elements"),
        };
        Err(EvalError(format!("`{name}` has {count}, there is no index {index}")))
    }

    /// Calls `found` with every output that this expression uses.
    pub fn references<'e>(&'e self, found: &mut dyn FnMut(&'e Urn, &'e Path)) {
        match self {
            Self::Literal(_) => {}
            Self::Reference { urn, path } => found(urn, path),
            Self::List(list) | Self::Concat(list) => {
                for expr in list {
                    expr.references(found);
                }
            }
            Self::Map(map) => map.values().for_each(|expr| expr.references(found)),
            Self::Field(of, _)
            | Self::Index(of, _)
            | Self::Json(of)
            | Self::Base64(of)
            | Self::UrlEncode(of)
            | Self::Secret(of) => of.references(found),
            Self::Opaque(opaque) => opaque.input.references(found),
            Self::Remembered(remembered) => remembered.input.references(found),
        }
    }

    /// Whether the value is secret wherever it is known; `given` says so of an output.
    pub(crate) fn is_secret(&self, given: &dyn Fn(&Urn, &Path) -> bool) -> bool {
        match self {
            Self::Literal(value) => value.has_secret(),
            Self::Secret(_) => true,
            Self::Reference { urn, path } => given(urn, path),
            Self::List(list) | Self::Concat(list) => list.iter().any(|of| of.is_secret(given)),
            Self::Map(map) => map.values().any(|of| of.is_secret(given)),
            Self::Field(of, _)
            | Self::Index(of, _)
            | Self::Json(of)
            | Self::Base64(of)
            | Self::UrlEncode(of) => of.is_secret(given),
            Self::Opaque(opaque) => opaque.input.is_secret(given),
            Self::Remembered(of) => of.result.has_secret() || of.input.is_secret(given),
        }
    }

    /// The value, if this is a literal all through.
    pub fn literal(&self) -> Option<Value> {
        let mut constant = true;
        self.references(&mut |_, _| constant = false);
        if constant { self.eval(&|_| None).ok() } else { None }
    }
}

impl Remembered {
    /// Why its result cannot be had.
    pub(crate) fn cannot(&self, why: &str) -> String {
        format!("the closure at {} {why}, and it is code that is not at hand", self.at)
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(value) => value.fmt(f),
            Self::Reference { urn, path } => write!(f, "<{}.{path}>", urn.name()),
            Self::List(list) => f.debug_list().entries(list).finish(),
            Self::Map(map) => f.debug_map().entries(map).finish(),
            Self::Concat(parts) => f.debug_tuple("interpolate").field(parts).finish(),
            Self::Field(of, key) => write!(f, "{of:?}.{key}"),
            Self::Index(of, index) => write!(f, "{of:?}[{index}]"),
            Self::Json(of) => f.debug_tuple("json").field(of).finish(),
            Self::Base64(of) => f.debug_tuple("base64").field(of).finish(),
            Self::UrlEncode(of) => f.debug_tuple("url_encode").field(of).finish(),
            Self::Secret(_) => f.write_str("[secret]"),
            Self::Opaque(opaque) => write!(f, "map({:?} at {})", opaque.input, opaque.at),
            Self::Remembered(closure) => write!(f, "map({:?} at {})", closure.input, closure.at),
        }
    }
}

/// What is at `path`, unknown below an unknown and secret below a secret.
fn at(value: &Value, path: &Path) -> Value {
    let mut value = value;
    let mut secret = false;
    for segment in &path.0 {
        while let Value::Secret(inner) = value {
            secret = true;
            value = inner;
        }
        if matches!(value, Value::Unknown) {
            return Value::Unknown;
        }
        match Path(vec![segment.clone()]).get(value) {
            Some(inner) => value = inner,
            None => return Value::Null,
        }
    }
    if secret { value.clone().secret() } else { value.clone() }
}

/// Applies `f` to the plain value; unknown if any part is, secret if any part is.
fn tainted(
    value: &Value,
    f: impl FnOnce(&Value) -> Result<Value, EvalError>,
) -> Result<Value, EvalError> {
    if value.has_unknown() {
        return Ok(Value::Unknown);
    }
    if value.has_secret() { Ok(f(&value.plain())?.secret()) } else { f(value) }
}

pub(super) fn url_encoded(text: &str) -> String {
    utf8_percent_encode(text, URL).to_string()
}

fn text(value: &Value) -> Result<String, EvalError> {
    match value.revealed() {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(b) => Ok(b.to_string()),
        other => Err(EvalError(format!(
            "expected text, a number or a boolean, found {}",
            other.describe()
        ))),
    }
}

/// JSON with sorted keys and no spaces, whatever features `serde_json` was built with.
fn canonical_json(value: &Value) -> String {
    match value.revealed() {
        Value::List(list) => {
            let parts: Vec<_> = list.iter().map(canonical_json).collect();
            format!("[{}]", parts.join(","))
        }
        Value::Map(map) => {
            let entry = |(k, v): (&String, &Value)| {
                format!("{}:{}", serde_json::Value::String(k.clone()), canonical_json(v))
            };
            let parts: Vec<_> = map.iter().map(entry).collect();
            format!("{{{}}}", parts.join(","))
        }
        other => other.to_json().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Output, graph::Expr, state::Value};

    fn failure(expr: &Expr) -> String {
        expr.eval(&|_| None).unwrap_err().to_string()
    }

    #[test]
    fn a_closure_that_panics_is_an_error_with_its_place() {
        let name = Output::known(&"gate".to_owned());
        let mapped =
            name.map(|name| name.strip_prefix("x-").expect("names begin with x-").to_owned());
        let text = failure(mapped.expr());
        let begin = text.starts_with("the closure at ") && text.contains("graph/expr.rs:");
        assert!(begin && text.contains(" panicked: names begin with x-"), "{text}");
        let tried = name.try_map(|name| name.parse::<i64>().map_err(|e| e.to_string()));
        assert!(failure(tried.expr()).contains(" failed: invalid digit"));
        let tried = name.try_map(|name| if name.is_empty() { Ok(1_i64) } else { panic!("{name}") });
        assert!(failure(tried.expr()).contains(" panicked: gate"));
    }

    #[test]
    fn a_panic_over_a_secret_does_not_tell_it() {
        let secret = Output::known(&"geheim".to_owned()).secret();
        let mapped = secret.map(|secret| {
            assert_eq!(secret.reveal(), "other");
            true
        });
        let text = failure(mapped.expr());
        assert!(
            text.contains("panicked: its message is left out") && !text.contains("geheim"),
            "{text}"
        );
    }

    #[test]
    fn an_index_past_the_end_says_how_many_there_are() {
        let urn = infra_state::Urn::new("fake:Zone", "zone").unwrap();
        let names = Output::<Vec<String>>::of(&urn, infra_state::Path::field("names"));
        let outputs =
            Value::from([("names", Value::from(["a", "b", "c"].map(Value::from).to_vec()))]);
        let eval = |index| names.index(index).expr().eval(&|_| Some(&outputs));
        assert_eq!(eval(2).unwrap(), Value::from("c"));
        assert_eq!(
            eval(17).unwrap_err().to_string(),
            "`zone.names` has 3 elements, there is no index 17"
        );
        assert_eq!(names.index(0).expr().eval(&|_| None).unwrap(), Value::Unknown);
        let empty = names.index(0).expr().eval(&|_| Some(&Value::Null)).unwrap_err();
        assert_eq!(empty.to_string(), "`zone.names` has no elements, there is no index 0");
    }
}
