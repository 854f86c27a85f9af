//! Expressions as values: for saved plans, for the history of deployments, and for the digest of a graph.
//!
//! A literal stands for itself. Everything else is a map with one key that starts with `$`: `$ref`, `$concat`, …; a
//! key of the program's own that starts with `$` gets one more, so no program can write something that reads back as
//! an expression.

use std::{collections::BTreeMap, fmt::Write as _};

use infra_state::{Path, Urn, Value, canonical};
use sha2::{Digest, Sha256};

use super::{Expr, Graph, Node, Remembered, Role};
use crate::{Error, ErrorKind, Result};

/// What is known of the outputs of resources.
type Outputs<'o, 'v> = dyn Fn(&Urn) -> Option<&'v Value> + 'o;

/// The expression as a value. A closure leaves a mark of where it stands; such a value cannot be read back.
/// What the program says inside a secret is marked as one, so that it is sealed wherever the value is stored.
pub fn encode(expr: &Expr) -> Value {
    encode_with(expr, None, false)
}

/// The same; with the outputs of a deployment, a closure leaves what it was given and what it came to as well.
fn encode_with(expr: &Expr, known: Option<&Outputs<'_, '_>>, secret: bool) -> Value {
    let tag = |name: &str, inner: Value| Value::from([(name, inner)]);
    let encode = |expr: &Expr| encode_with(expr, known, secret);
    let hide = |value: Value| if secret { value.secret() } else { value };
    let list = |exprs: &[Expr]| Value::List(exprs.iter().map(encode).collect());
    match expr {
        Expr::Literal(value) => hide(escape(value)),
        Expr::Reference { urn, path } => {
            tag("$ref", Value::List(vec![urn.as_str().into(), path.to_string().into()]))
        }
        Expr::List(exprs) => list(exprs),
        Expr::Map(map) => Value::Map(map.iter().map(|(k, e)| (escaped(k), encode(e))).collect()),
        Expr::Concat(parts) => tag("$concat", list(parts)),
        Expr::Field(of, key) => {
            tag("$field", Value::from([("of", encode(of)), ("key", key.as_str().into())]))
        }
        Expr::Index(of, at) => {
            tag("$index", Value::from([("of", encode(of)), ("at", (*at as u64).into())]))
        }
        Expr::Json(of) => tag("$json", encode(of)),
        Expr::Base64(of) => tag("$base64", encode(of)),
        Expr::UrlEncode(of) => tag("$url", encode(of)),
        Expr::Secret(of) => tag("$secret", encode_with(of, known, true)),
        Expr::Opaque(opaque) => {
            let (of, at) = (encode(&opaque.input), opaque.at.to_string());
            let known = known.and_then(|known| {
                let (given, result) = (opaque.input.eval(known).ok()?, expr.eval(known).ok()?);
                let unknown = given.has_unknown() || result.has_unknown();
                (!unknown).then(|| (hide(escape(&given)), hide(escape(&result))))
            });
            tag("$closure", closure(of, &at, known))
        }
        Expr::Remembered(it) => {
            let known = known.map(|_| (hide(escape(&it.given)), hide(escape(&it.result))));
            tag("$closure", closure(encode(&it.input), &it.at, known))
        }
    }
}

fn closure(of: Value, at: &str, known: Option<(Value, Value)>) -> Value {
    let mut map: BTreeMap<_, _> =
        [("of".to_owned(), of), ("at".to_owned(), at.into())].into_iter().collect();
    if let Some((given, result)) = known {
        map.extend([("given".to_owned(), given), ("result".to_owned(), result)]);
    }
    Value::Map(map)
}

/// The expression that was encoded. Of a closure comes back what it came to; if that was not known, the error says where
/// it stood.
pub fn decode(value: &Value) -> Result<Expr> {
    let all = |list: &[Value]| list.iter().map(decode).collect::<Result<Vec<_>>>();
    Ok(match value {
        Value::List(list) => fold(Expr::List(all(list)?)),
        Value::Map(map) => {
            if let Some((tag, inner)) = tagged(map) {
                return decode_tag(tag, inner);
            }
            let entry = |(k, v): (&String, &Value)| {
                Ok((k.strip_prefix('$').unwrap_or(k).to_owned(), decode(v)?))
            };
            fold(Expr::Map(map.iter().map(entry).collect::<Result<_>>()?))
        }
        Value::Secret(inner) => match fold(decode(inner)?) {
            Expr::Literal(value) => Expr::Literal(value.secret()),
            other => Expr::Secret(Box::new(other)),
        },
        other => Expr::Literal(other.clone()),
    })
}

fn decode_tag(tag: &str, inner: &Value) -> Result<Expr> {
    let boxed = |value: &Value| decode(value).map(Box::new);
    let of = || boxed(inner.get("of").ok_or_else(|| malformed(tag))?);
    let text = |key| inner.get(key).and_then(Value::as_str).ok_or_else(|| malformed(tag));
    Ok(match tag {
        "$ref" => {
            let Some([urn, path]) = inner.as_list() else { return Err(malformed(tag)) };
            let text =
                |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| malformed(tag));
            Expr::Reference { urn: text(urn)?.parse::<Urn>()?, path: text(path)?.parse::<Path>()? }
        }
        "$concat" => {
            let parts = inner.as_list().ok_or_else(|| malformed(tag))?;
            Expr::Concat(parts.iter().map(decode).collect::<Result<_>>()?)
        }
        "$field" => Expr::Field(of()?, text("key")?.to_owned()),
        "$index" => {
            let at = match inner.get("at") {
                Some(Value::Number(at)) => at.as_u64().and_then(|at| usize::try_from(at).ok()),
                _ => None,
            };
            Expr::Index(of()?, at.ok_or_else(|| malformed(tag))?)
        }
        "$json" => Expr::Json(boxed(inner)?),
        "$base64" => Expr::Base64(boxed(inner)?),
        "$url" => Expr::UrlEncode(boxed(inner)?),
        "$secret" => Expr::Secret(boxed(inner)?),
        "$closure" => {
            let literal = |key| match inner.get(key).map(decode) {
                Some(Ok(Expr::Literal(value))) => Some(value),
                _ => None,
            };
            let (Some(given), Some(result)) = (literal("given"), literal("result")) else {
                let message = format!(
                    "the closure at {} is code: it cannot be read back from a stored graph. Run the program that has it",
                    text("at")?
                );
                return Err(Error::new(ErrorKind::Usage, message));
            };
            let at = text("at")?.to_owned();
            Expr::Remembered(Remembered { input: of()?, given, result, at })
        }
        _ => return Err(malformed(tag)),
    })
}

fn malformed(tag: &str) -> Error {
    Error::new(
        ErrorKind::Failed,
        format!("a stored expression `{tag}` is malformed, or of a newer version"),
    )
}

/// The tag and content of a map that stands for an expression.
fn tagged(map: &BTreeMap<String, Value>) -> Option<(&str, &Value)> {
    let (key, value) = map.first_key_value().filter(|_| map.len() == 1)?;
    (key.starts_with('$') && !key.starts_with("$$")).then_some((key.as_str(), value))
}

fn escaped(key: &str) -> String {
    if key.starts_with('$') { format!("${key}") } else { key.to_owned() }
}

fn escape(value: &Value) -> Value {
    match value {
        Value::List(list) => Value::List(list.iter().map(escape).collect()),
        Value::Map(map) => Value::Map(map.iter().map(|(k, v)| (escaped(k), escape(v))).collect()),
        Value::Secret(inner) => escape(inner).secret(),
        other => other.clone(),
    }
}

/// A list or map of literals is a literal.
fn fold(expr: Expr) -> Expr {
    let is_literal = |expr: &Expr| matches!(expr, Expr::Literal(_));
    let value = |expr: Expr| match expr {
        Expr::Literal(value) => value,
        _ => Value::Null,
    };
    match expr {
        Expr::List(list) if list.iter().all(is_literal) => {
            Expr::Literal(Value::List(list.into_iter().map(value).collect()))
        }
        Expr::Map(map) if map.values().all(is_literal) => {
            Expr::Literal(Value::Map(map.into_iter().map(|(k, e)| (k, value(e))).collect()))
        }
        other => other,
    }
}

impl Graph {
    /// Everything that was declared, as a value: what the history keeps, and [`Graph::restore`] reads. Secrets in it are
    /// marked. `known` gives the outputs of the deployment, for what closures made of them.
    ///
    /// The providers that the program left to their connectors are not in it: they are what the settings say, whoever
    /// restores it.
    pub fn to_value<'v>(&self, known: &dyn Fn(&Urn) -> Option<&'v Value>) -> Value {
        let kept = |expr: &Expr| encode_with(expr, Some(known), false);
        let nodes = self.nodes.values().filter(|node| !self.defaults.contains(&node.urn));
        let nodes = nodes.map(|node| {
            let mut value = encode_node(node, &kept);
            if node.provider.as_ref().is_some_and(|urn| self.defaults.contains(urn))
                && let Value::Map(map) = &mut value
            {
                map.remove("provider");
            }
            (node.urn.to_string(), value)
        });
        let exports = self.exports.iter().map(|(name, expr)| (name.clone(), kept(expr)));
        Value::from([
            ("nodes", Value::Map(nodes.collect())),
            ("exports", Value::Map(exports.collect())),
        ])
    }
}

/// See [`Graph::hash`].
pub(super) fn digest(graph: &Graph) -> String {
    let mut hash = Sha256::new();
    for node in graph.nodes.values() {
        hash.update(node.urn.as_str());
        hash.update(canonical::to_vec(&encode_node(node, &|expr| hidden(&encode(expr)))));
        hash.update(b"\n");
    }
    for (name, expr) in &graph.exports {
        let export =
            Value::from([("export", name.as_str().into()), ("value", hidden(&encode(expr)))]);
        hash.update(canonical::to_vec(&export));
        hash.update(b"\n");
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        // Writing to text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// All of a node that decides what is planned. What is as it would be unsaid is left out: with a hundred thousand nodes
/// the fifteen keys of each would be most of the history's size.
fn encode_node(node: &Node, encode: &dyn Fn(&Expr) -> Value) -> Value {
    let text = |text: &dyn ToString| Value::String(text.to_string());
    let list = |list: Vec<Value>| (!list.is_empty()).then_some(Value::List(list));
    let paths = |paths: &[Path]| list(paths.iter().map(|path| text(path)).collect());
    let flag = |flag: bool| flag.then_some(Value::Bool(true));
    let seconds = |limit: &Option<std::time::Duration>| {
        limit.map_or(Value::Null, |limit| limit.as_secs().into())
    };
    let options = &node.options;
    let timeouts = [options.create_timeout, options.update_timeout, options.delete_timeout];
    let timed = timeouts.iter().any(Option::is_some);
    let inputs = node.inputs.iter().map(|(k, e)| (escaped(k), encode(e)));
    let role = match node.role {
        Role::Managed => None,
        Role::Lookup => Some("lookup".into()),
        Role::Provider => Some("provider".into()),
    };
    let allow = (!options.allow.is_empty())
        .then(|| Value::Map(options.allow.iter().map(|(k, v)| (k.clone(), text(v))).collect()));
    let entries = [
        ("role", role),
        ("version", Some(node.driver.version().into())),
        ("inputs", Some(Value::Map(inputs.collect()))),
        ("provider", node.provider.as_ref().map(|urn| text(urn))),
        ("protect", flag(options.protect)),
        ("retain_on_delete", flag(options.retain_on_delete)),
        ("depends_on", list(options.depends_on.iter().map(|urn| text(urn)).collect())),
        ("ignore_changes", paths(&options.ignore_changes)),
        ("replace_on_changes", paths(&options.replace_on_changes)),
        ("delete_before_replace", flag(options.delete_before_replace)),
        ("aliases", list(options.aliases.iter().map(|alias| text(alias)).collect())),
        ("timeouts", timed.then(|| Value::List(timeouts.iter().map(seconds).collect()))),
        ("import", options.import.as_ref().map(|id| text(id))),
        ("adopt", flag(options.adopt)),
        ("allow", allow),
    ];
    let said = entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Map(said.collect())
}

/// The value without what is secret in it.
fn hidden(value: &Value) -> Value {
    match value {
        Value::Secret(_) => Value::Null.secret(),
        Value::List(list) => Value::List(list.iter().map(hidden).collect()),
        Value::Map(map) => Value::Map(map.iter().map(|(k, v)| (k.clone(), hidden(v))).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::{panic::Location, sync::Arc};

    use super::*;
    use crate::graph::Opaque;

    fn reference() -> Expr {
        let urn = Urn::new("fake:Net", "a/net").unwrap();
        Expr::Reference { urn, path: "ids[0].x".parse().unwrap() }
    }

    #[test]
    fn everything_but_closures_comes_back() {
        let literal = Value::from([
            ("$ref", Value::from("not a reference")),
            ("$$", Value::List(vec![Value::Null, true.into()])),
            ("pw", Value::from("geheim").secret()),
        ]);
        let boxed = || Box::new(reference());
        let expr = Expr::List(vec![
            Expr::Literal(literal),
            Expr::Map([("$json".to_owned(), reference())].into()),
            Expr::Concat(vec![Expr::Literal("a".into()), reference()]),
            Expr::Field(boxed(), "$k".into()),
            Expr::Index(boxed(), 3),
            Expr::Json(boxed()),
            Expr::Base64(boxed()),
            Expr::UrlEncode(boxed()),
            Expr::Secret(boxed()),
        ]);
        let value = encode(&expr);
        assert_eq!(encode(&decode(&value).unwrap()), value);
        let outputs = Value::from([("ids", Value::List(vec![Value::from([("x", "1".into())])]))]);
        let eval = |expr: &Expr| expr.eval(&|_| Some(&outputs)).map_err(|e| e.to_string());
        assert_eq!(eval(&decode(&value).unwrap()), eval(&expr));
    }

    #[test]
    fn what_is_said_inside_a_secret_is_one() {
        let text = |text: &str| Expr::Literal(text.into());
        let joined = Expr::Concat(vec![text("pw:"), reference(), text("geheim")]);
        let expr = Expr::Secret(Box::new(Expr::Base64(Box::new(joined))));
        let value = encode(&expr);
        assert!(!format!("{value:?}").contains("geheim"), "{value:?}");
        assert!(!format!("{:?}", hidden(&value).plain()).contains("geheim"));
        assert_eq!(encode(&decode(&value).unwrap()), value);
        let outputs = Value::from([("ids", Value::List(vec![Value::from([("x", "1".into())])]))]);
        let eval = |expr: &Expr| expr.eval(&|_| Some(&outputs)).map_err(|e| e.to_string());
        assert_eq!(eval(&decode(&value).unwrap()), eval(&expr));
    }

    #[test]
    fn a_closure_says_where_it_stands() {
        let apply = Arc::new(|value: &Value| Ok(value.clone()));
        let at = Location::caller();
        let value = encode(&Expr::Opaque(Opaque { input: Box::new(reference()), apply, at }));
        let error = decode(&value).err().unwrap().to_string();
        assert!(error.contains("encode.rs:"), "{error}");
    }
}
