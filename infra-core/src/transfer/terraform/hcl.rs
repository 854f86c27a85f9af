//! The text of a Terraform configuration.

use std::fmt::Write as _;

use infra_state::Value;

use super::address::quoted;

/// A value in a configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Hcl {
    /// A value. What is secret in it must have become a variable before it is written.
    Literal(Value),
    /// An expression as it stands: `aws_vpc.main.id`.
    Expression(String),
    /// Text put together.
    Template(Vec<Self>),
    /// A list.
    List(Vec<Self>),
    /// A map.
    Map(Vec<(String, Self)>),
    /// A function applied: `jsonencode(…)`.
    Call(&'static str, Vec<Self>),
}

/// What is between the braces of a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    /// The attributes, in order.
    pub attributes: Vec<(String, Hcl)>,
    /// The blocks inside, in order.
    pub blocks: Vec<(String, Self)>,
}

impl<V: Into<Value>> From<V> for Hcl {
    fn from(value: V) -> Self {
        Self::Literal(value.into())
    }
}

impl Hcl {
    /// Whether it says nothing: null, or an empty list or map.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Literal(value) => match value.revealed() {
                Value::Null => true,
                Value::List(list) => list.is_empty(),
                Value::Map(map) => map.is_empty(),
                _ => false,
            },
            Self::List(list) => list.is_empty(),
            Self::Map(map) => map.is_empty(),
            _ => false,
        }
    }

    /// One entry, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<Self> {
        match self {
            Self::Literal(value) => value.get(key).cloned().map(Self::Literal),
            Self::Map(map) => map.iter().find(|(k, _)| k == key).map(|(_, value)| value.clone()),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    pub fn elements(&self) -> Vec<Self> {
        match self {
            Self::Literal(value) => {
                value.as_list().unwrap_or_default().iter().cloned().map(Self::Literal).collect()
            }
            Self::List(list) => list.clone(),
            _ => Vec::new(),
        }
    }

    /// The text, if this is a literal one that is not secret.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Literal(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Every literal in it, to be replaced.
    pub(crate) fn each_literal(&mut self, change: &mut dyn FnMut(&Value) -> Option<Self>) {
        match self {
            Self::Literal(value) => {
                if let Some(other) = change(value) {
                    *self = other;
                } else if value.has_secret() {
                    *self = opened(value);
                    if !matches!(self, Self::Literal(_)) {
                        self.each_literal(change);
                    }
                }
            }
            Self::Expression(_) => {}
            Self::Template(list) | Self::List(list) | Self::Call(_, list) => {
                for value in list {
                    value.each_literal(change);
                }
            }
            Self::Map(map) => map.iter_mut().for_each(|(_, value)| value.each_literal(change)),
        }
    }

    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Self::Literal(value) => literal(value, out, depth),
            Self::Expression(text) => out.push_str(text),
            Self::Template(parts) => template(parts, out, depth),
            Self::List(list) => sequence(list, out, depth),
            Self::Map(map) => entries(map, out, depth),
            Self::Call(name, arguments) => {
                let _ = write!(out, "{name}(");
                for (at, argument) in arguments.iter().enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    argument.write(out, depth);
                }
                out.push(')');
            }
        }
    }
}

/// A list or map of which a part is secret, with its parts on their own.
fn opened(value: &Value) -> Hcl {
    match value {
        Value::List(list) => Hcl::List(list.iter().cloned().map(Hcl::Literal).collect()),
        Value::Map(map) => {
            Hcl::Map(map.iter().map(|(k, v)| (k.clone(), Hcl::Literal(v.clone()))).collect())
        }
        other => Hcl::Literal(other.clone()),
    }
}

fn literal(value: &Value, out: &mut String, depth: usize) {
    match value {
        // Nothing that is secret is written; who forgot to make a variable of it gets one that is not declared.
        Value::Secret(_) => out.push_str("var.secret"),
        Value::Null | Value::Unknown => out.push_str("null"),
        Value::Bool(_) | Value::Number(_) => {
            let _ = write!(out, "{value:?}");
        }
        Value::String(text) => out.push_str(&quoted(text)),
        Value::List(list) => {
            let list: Vec<_> = list.iter().cloned().map(Hcl::Literal).collect();
            sequence(&list, out, depth);
        }
        Value::Map(map) => {
            let map: Vec<_> =
                map.iter().map(|(k, v)| (k.clone(), Hcl::Literal(v.clone()))).collect();
            entries(&map, out, depth);
        }
    }
}

fn template(parts: &[Hcl], out: &mut String, depth: usize) {
    out.push('"');
    let mut parts = parts.iter().peekable();
    while let Some(part) = parts.next() {
        let Some(text) = part.text() else {
            out.push_str("${");
            part.write(out, depth);
            out.push('}');
            continue;
        };
        let mut text = text.to_owned();
        while let Some(more) = parts.peek().and_then(|part| part.text()) {
            text.push_str(more);
            parts.next();
        }
        // Right before a reference, these would escape it.
        let last = if parts.peek().is_some() {
            text.trim_end_matches(['$', '%']).len()
        } else {
            text.len()
        };
        let before = quoted(&text[..last]);
        out.push_str(&before[1..before.len() - 1]);
        if last < text.len() {
            let _ = write!(out, "${{{}}}", quoted(&text[last..]));
        }
    }
    out.push('"');
}

fn sequence(list: &[Hcl], out: &mut String, depth: usize) {
    let short = list.iter().all(|value| !matches!(value, Hcl::List(_) | Hcl::Map(_)));
    if short {
        out.push('[');
        for (at, value) in list.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            value.write(out, depth);
        }
        out.push(']');
        return;
    }
    out.push_str("[\n");
    for value in list {
        indent(out, depth + 1);
        value.write(out, depth + 1);
        out.push_str(",\n");
    }
    indent(out, depth);
    out.push(']');
}

fn entries(map: &[(String, Hcl)], out: &mut String, depth: usize) {
    if map.is_empty() {
        out.push_str("{}");
        return;
    }
    out.push_str("{\n");
    let map: Vec<_> = map.iter().map(|(key, value)| (named(key), value)).collect();
    aligned(&map, out, depth + 1);
    indent(out, depth);
    out.push('}');
}

/// `name = value`, line by line, as `terraform fmt` aligns them: one-line neighbours together.
fn aligned(lines: &[(String, &Hcl)], out: &mut String, depth: usize) {
    let written: Vec<String> = lines
        .iter()
        .map(|(_, value)| {
            let mut text = String::new();
            value.write(&mut text, depth);
            text
        })
        .collect();
    let mut at = 0;
    while at < lines.len() {
        let run = written[at..].iter().take_while(|text| !text.contains('\n')).count().max(1);
        let width = lines[at..at + run].iter().map(|(name, _)| name.chars().count()).max();
        for line in at..at + run {
            indent(out, depth);
            let name = &lines[line].0;
            let pad = width.unwrap_or_default() - name.chars().count();
            let _ = writeln!(out, "{name}{} = {}", " ".repeat(pad), written[line]);
        }
        at += run;
    }
}

/// The key of a map: bare where that reads the same.
fn named(key: &str) -> String {
    let bare = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if bare { key.to_owned() } else { quoted(key) }
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

impl Body {
    /// An empty body.
    pub fn new() -> Self {
        Self::default()
    }

    /// An attribute, unless it says nothing.
    #[must_use]
    pub fn set(mut self, name: &str, value: Option<impl Into<Hcl>>) -> Self {
        if let Some(value) = value.map(Into::into).filter(|value| !value.is_nothing()) {
            self.attributes.push((name.to_owned(), value));
        }
        self
    }

    /// A block inside.
    #[must_use]
    pub fn block(mut self, name: &str, body: Self) -> Self {
        self.blocks.push((name.to_owned(), body));
        self
    }

    /// Calls `change` with every literal in it, and puts what it answers in its place.
    pub(crate) fn each_literal(&mut self, change: &mut dyn FnMut(&Value) -> Option<Hcl>) {
        self.attributes.iter_mut().for_each(|(_, value)| value.each_literal(change));
        self.blocks.iter_mut().for_each(|(_, body)| body.each_literal(change));
    }

    /// The block `header { … }` with this body.
    pub fn text(&self, header: &str) -> String {
        let mut out = String::new();
        self.write(header, &mut out, 0);
        out
    }

    fn write(&self, header: &str, out: &mut String, depth: usize) {
        indent(out, depth);
        if self.attributes.is_empty() && self.blocks.is_empty() {
            let _ = writeln!(out, "{header} {{}}");
            return;
        }
        let _ = writeln!(out, "{header} {{");
        let lines: Vec<_> =
            self.attributes.iter().map(|(name, value)| (name.clone(), value)).collect();
        aligned(&lines, out, depth + 1);
        for (at, (name, body)) in self.blocks.iter().enumerate() {
            if at > 0 || !self.attributes.is_empty() {
                out.push('\n');
            }
            body.write(name, out, depth + 1);
        }
        indent(out, depth);
        out.push_str("}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_written_as_terraform_fmt_has_it() {
        let tags =
            Value::from([("Name", Value::from("a \"b\" ${c}")), ("x/y", Value::from(1_i64))]);
        let inner = Body::new().set("port", Some(443_i64)).set("host", Some("h"));
        let body = Body::new()
            .set("vpc_id", Some(Hcl::Expression("aws_vpc.main.id".to_owned())))
            .set("a", Some(true))
            .set("tags", Some(tags))
            .set("none", Some(Value::Null))
            .set(
                "name",
                Some(Hcl::Template(vec!["x-".into(), Hcl::Expression("var.a".to_owned())])),
            )
            .block("target", inner);
        insta::assert_snapshot!(body.text("resource \"aws_x\" \"y\""), @r#"
        resource "aws_x" "y" {
          vpc_id = aws_vpc.main.id
          a      = true
          tags = {
            Name  = "a \"b\" $${c}"
            "x/y" = 1
          }
          name = "x-${var.a}"

          target {
            port = 443
            host = "h"
          }
        }
        "#);
    }

    #[test]
    fn a_dollar_before_a_reference_stays_one() {
        let id = || Hcl::Expression("a.b.id".to_owned());
        let text = Hcl::Template(vec!["cost: $".into(), id(), "100%".into(), "{x}".into()]);
        let body = Body::new().set("text", Some(text));
        insta::assert_snapshot!(body.text("x"), @r#"
        x {
          text = "cost: ${"$"}${a.b.id}100%%{x}"
        }
        "#);
    }

    #[test]
    fn what_is_secret_is_never_written() {
        let body = Body::new().set("password", Some(Value::from("geheim").secret()));
        assert!(!body.text("x").contains("geheim"));
    }
}
