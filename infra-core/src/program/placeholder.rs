//! Outputs inside structs that know nothing of outputs.
//!
//! The typed structs of `k8s-openapi` have plain text and numbers in their fields. What stands there for an output is a
//! text that nobody would write, or a number that nobody would; [`resolved`] puts the output's expression in its place when
//! the struct has become a value. It works at any depth, and inside longer text (`format!("http://{}/", …)`) too.

use std::{cell::RefCell, collections::BTreeMap, marker::PhantomData};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use infra_state::Value;

use crate::{Output, graph::Expr};

/// Around the number of a text. They are private to whoever uses them: no text of a program has them.
const OPEN: char = '\u{f8f0}';
const CLOSE: char = '\u{f8f1}';
/// Below every number that a field of an API could mean: -2,147,483,648 and the million above it.
const NUMBERS: i64 = i32::MIN as i64;
const MANY: i64 = 1_000_000;

thread_local! {
    static STANDING: RefCell<Standing> = RefCell::default();
}

/// What stands for what, in this thread: a program runs in one.
#[derive(Default)]
struct Standing {
    exprs: Vec<Expr>,
    stacks: usize,
}

/// A type of field in which something can stand for an output.
pub trait Placeholder: Sized {
    /// Stands for this output until the struct around it is declared.
    fn of<T>(output: &Output<T>) -> Self;
}

impl Placeholder for String {
    fn of<T>(output: &Output<T>) -> Self {
        format!("{OPEN}{}{CLOSE}", keep(output))
    }
}

impl Placeholder for i32 {
    fn of<T>(output: &Output<T>) -> Self {
        // There is no program with a million of them; the clamp only keeps the arithmetic honest.
        let number = i64::try_from(keep(output)).unwrap_or(MANY).min(MANY - 1);
        Self::try_from(NUMBERS + number).unwrap_or(Self::MIN)
    }
}

impl Placeholder for i64 {
    fn of<T>(output: &Output<T>) -> Self {
        i32::of(output).into()
    }
}

impl<P: Placeholder> Placeholder for Option<P> {
    fn of<T>(output: &Output<T>) -> Self {
        Some(P::of(output))
    }
}

fn keep<T>(output: &Output<T>) -> usize {
    STANDING.with_borrow_mut(|standing| {
        standing.exprs.push(output.expr().clone());
        standing.exprs.len() - 1
    })
}

/// While one is there, what stands for outputs is known. A program that runs again begins anew.
pub(super) struct Lifetime(PhantomData<()>);

impl Lifetime {
    pub(super) fn begin() -> Self {
        STANDING.with_borrow_mut(|standing| standing.stacks += 1);
        Self(PhantomData)
    }
}

impl Drop for Lifetime {
    fn drop(&mut self) {
        STANDING.with_borrow_mut(|standing| {
            standing.stacks = standing.stacks.saturating_sub(1);
            if standing.stacks == 0 {
                standing.exprs.clear();
            }
        });
    }
}

/// The value as an expression: what stands for an output in it is that output. An error if that one was given to another
/// program's run.
pub fn resolved(value: &Value) -> Result<Expr, String> {
    Ok(match value {
        Value::String(text) => text_of(text)?,
        Value::Number(number) => {
            match number.as_i64().and_then(|number| number.checked_sub(NUMBERS)) {
                Some(at @ 0..MANY) => standing(usize::try_from(at).unwrap_or_default())?,
                _ => Expr::Literal(value.clone()),
            }
        }
        Value::List(list) => {
            let list = list.iter().map(resolved).collect::<Result<Vec<_>, _>>()?;
            match literals(list.iter()) {
                Some(values) => Expr::Literal(Value::List(values)),
                None => Expr::List(list),
            }
        }
        Value::Map(map) => {
            let entry = |(key, value): (&String, &Value)| {
                if key.contains(OPEN) {
                    return Err(
                        "an output stands for a key of a map: keys must be known".to_owned()
                    );
                }
                Ok((key.clone(), resolved(value)?))
            };
            let map = map.iter().map(entry).collect::<Result<BTreeMap<_, _>, _>>()?;
            match literals(map.values()) {
                Some(values) => Expr::Literal(Value::Map(map.into_keys().zip(values).collect())),
                None => Expr::Map(map),
            }
        }
        Value::Secret(inner) => match resolved(inner)? {
            Expr::Literal(value) => Expr::Literal(value.secret()),
            other => Expr::Secret(Box::new(other)),
        },
        other => Expr::Literal(other.clone()),
    })
}

/// Whether something in it stands for an output.
pub(crate) fn stands_in(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(OPEN),
        Value::List(list) => list.iter().any(stands_in),
        Value::Map(map) => map.values().any(stands_in),
        Value::Secret(inner) => stands_in(inner),
        _ => false,
    }
}

fn literals<'e>(exprs: impl Iterator<Item = &'e Expr>) -> Option<Vec<Value>> {
    let literal = |expr: &Expr| match expr {
        Expr::Literal(value) => Some(value.clone()),
        _ => None,
    };
    exprs.map(literal).collect()
}

fn text_of(text: &str) -> Result<Expr, String> {
    if !text.contains(OPEN) {
        // Bytes of others are written in base64, with what stands in them.
        let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        return match decoded.filter(|decoded| decoded.contains(OPEN)) {
            Some(decoded) => Ok(Expr::Base64(Box::new(text_of(&decoded)?))),
            None => Ok(Expr::Literal(text.into())),
        };
    }
    let mut parts = Vec::new();
    for (at, piece) in text.split(OPEN).enumerate() {
        let literal = match piece.split_once(CLOSE).filter(|_| at > 0) {
            Some((number, rest)) => {
                parts.push(standing(number.parse().unwrap_or(usize::MAX))?);
                rest
            }
            None => piece,
        };
        if !literal.is_empty() {
            parts.push(Expr::Literal(literal.into()));
        }
    }
    Ok(match <[Expr; 1]>::try_from(parts) {
        Ok([only]) => only,
        Err(parts) => Expr::Concat(parts),
    })
}

fn standing(at: usize) -> Result<Expr, String> {
    STANDING.with_borrow(|standing| standing.exprs.get(at).cloned()).ok_or_else(|| {
        "an output of another run of the program stands in it: declare it in the run that uses it".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use infra_state::{Path, StackName, Urn};

    use super::*;
    use crate::Stack;

    fn stack() -> Stack {
        Stack::new(StackName::new("program", "dev").unwrap(), Value::map())
    }

    fn output(name: &str) -> Output<String> {
        Output::of(&Urn::new("fake:Thing", name).unwrap(), Path::field("out"))
    }

    #[test]
    fn outputs_stand_at_any_depth_and_inside_text() {
        let _stack = stack();
        let text =
            format!("http://{}:{}/", String::of(&output("host")), String::of(&output("port")));
        let value = Value::from([
            ("url", text.as_str().into()),
            ("replicas", i32::of(&output("count")).into()),
            ("bytes", STANDARD.encode(String::of(&output("raw"))).as_str().into()),
            ("plain", "bm90aGluZw==".into()),
        ]);
        let outputs = [
            ("host", Value::from([("out", "db".into())])),
            ("port", Value::from([("out", 5432_u64.into())])),
            ("count", Value::from([("out", 3_u64.into())])),
            ("raw", Value::from([("out", Value::from("geheim").secret())])),
        ];
        let of = |urn: &Urn| outputs.iter().find(|(name, _)| *name == urn.name()).map(|(_, v)| v);
        let expr = resolved(&value).unwrap();
        let evaluated = expr.eval(&of).unwrap();
        assert_eq!(evaluated.get("url"), Some(&"http://db:5432/".into()));
        assert_eq!(evaluated.get("replicas"), Some(&3_u64.into()));
        assert_eq!(evaluated.get("bytes"), Some(&Value::from("Z2VoZWlt").secret()));
        assert_eq!(evaluated.get("plain"), Some(&"bm90aGluZw==".into()));
        let unknown = expr.eval(&|_| None).unwrap();
        assert_eq!(unknown.get("replicas"), Some(&Value::Unknown));
        assert_eq!(unknown.get("plain"), Some(&"bm90aGluZw==".into()));
    }

    #[test]
    fn a_value_that_is_known_already_stands_for_itself_and_no_number_is_too_large() {
        let _stack = stack();
        let known = String::of(&Output::known(&"web:1".to_owned()));
        let value = Value::from([("image", known.as_str().into()), ("big", i64::MAX.into())]);
        let expected = Value::from([("image", "web:1".into()), ("big", i64::MAX.into())]);
        assert_eq!(resolved(&value).unwrap().eval(&|_| None).unwrap(), expected);
    }

    #[test]
    fn what_stands_for_an_output_ends_with_the_run() {
        let first = stack();
        let text = String::of(&output("host"));
        drop(first);
        let _second = stack();
        assert!(resolved(&text.as_str().into()).unwrap_err().contains("another run"));
    }
}
