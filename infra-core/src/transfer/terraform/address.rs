//! Where Terraform says a resource is: `module.vpc["eu-west-1"].aws_subnet.private[0]`.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
};

use super::super::Key;

/// One instance of a resource, as Terraform prints it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The modules it is in, the outermost first.
    pub modules: Vec<Call>,
    /// It is a `data` source.
    pub data: bool,
    /// Its type: `aws_subnet`.
    pub kind: String,
    /// Its name: `private`.
    pub name: String,
    /// Which of several.
    pub key: Option<Key>,
}

/// One call of a module: `module.vpc["eu-west-1"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Which of several.
    pub key: Option<Key>,
}

impl Address {
    /// The resource as it stands in the configuration, without any key: what `dependencies` in a state say.
    #[must_use]
    pub fn config(&self) -> Self {
        let modules = self.modules.iter();
        let modules = modules.map(|call| Call { name: call.name.clone(), key: None }).collect();
        Self { modules, key: None, ..self.clone() }
    }

    /// The resource that this is one instance of.
    #[must_use]
    pub fn group(&self) -> Self {
        Self { key: None, ..self.clone() }
    }

    /// Whether `text` names this instance, or all instances of its resource, or a module that it is in.
    pub fn is_in(&self, text: &str) -> bool {
        let own = self.to_string();
        let rest = own.strip_prefix(text);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for call in &self.modules {
            write!(f, "module.{}{}.", call.name, Indexed(call.key.as_ref()))?;
        }
        let data = if self.data { "data." } else { "" };
        write!(f, "{data}{}.{}{}", self.kind, self.name, Indexed(self.key.as_ref()))
    }
}

/// A key in brackets.
struct Indexed<'k>(Option<&'k Key>);

impl fmt::Display for Indexed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(Key::Index(at)) => write!(f, "[{at}]"),
            Some(Key::Name(name)) => write!(f, "[{}]", quoted(name)),
        }
    }
}

/// The text as a string of HCL: `${` and `%{` begin a template and are written twice.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => {
                out.push(c);
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl FromStr for Address {
    type Err = String;

    /// Reads what [`Display`](fmt::Display) and Terraform print.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "expected the address of a resource like `module.vpc.aws_subnet.private[0]`, found {text:?}"
            )
        };
        let mut rest = text;
        let mut modules = Vec::new();
        while let Some(call) = rest.strip_prefix("module.") {
            let (name, key, after) = step(call).ok_or_else(wrong)?;
            modules.push(Call { name: name.to_owned(), key });
            rest = after.strip_prefix('.').ok_or_else(wrong)?;
        }
        let data = rest.strip_prefix("data.");
        let (kind, name) = data.unwrap_or(rest).split_once('.').ok_or_else(wrong)?;
        let (name, key, after) = step(name).ok_or_else(wrong)?;
        if kind.is_empty() || kind.contains(['[', '"']) || !after.is_empty() {
            return Err(wrong());
        }
        let (kind, name) = (kind.to_owned(), name.to_owned());
        Ok(Self { modules, data: data.is_some(), kind, name, key })
    }
}

/// A name, its key if it has one, and what follows.
fn step(text: &str) -> Option<(&str, Option<Key>, &str)> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    let Some(inside) = rest.strip_prefix('[') else { return Some((name, None, rest)) };
    if let Some(text) = inside.strip_prefix('"') {
        let (key, after) = unquoted(text)?;
        return Some((name, Some(Key::Name(key)), after.strip_prefix(']')?));
    }
    let (digits, after) = inside.split_once(']')?;
    Some((name, Some(Key::Index(digits.parse().ok()?)), after))
}

/// The text up to the closing quote, and what follows that.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => match rest.next()?.1 {
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'u' => {
                    let digits: String = rest.by_ref().take(4).map(|(_, c)| c).collect();
                    out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                c => out.push(c),
            },
            '$' | '%' if text[at + 1..].starts_with(&format!("{c}{{")) => {
                rest.next();
                out.push(c);
            }
            c => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_printed() {
        for text in [
            "aws_vpc.this",
            "module.vpc.aws_subnet.private[0]",
            "module.a[\"x y\"].module.b[0].aws_iam_role.r[\"a.b[c]\\\"d\\\\e\"]",
            "data.aws_ami.ubuntu",
            "module.m.data.aws_ami.ubuntu[\"$${x}\"]",
            "aws_vpc.v[\"ü/日本\\n\\u0007\"]",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        let address: Address = "m_x.n[\"$${x}\"]".parse().unwrap();
        assert_eq!(address.key, Some(Key::Name("${x}".to_owned())));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "aws_vpc", "module.vpc", "aws_vpc.a[", "aws_vpc.a[x]", "aws_vpc.a[\"x]", "a.b.c"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_selection_is_a_resource_an_instance_or_a_module() {
        let address: Address = "module.vpc[0].aws_subnet.private[1]".parse().unwrap();
        for text in ["module.vpc", "module.vpc[0]", "module.vpc[0].aws_subnet.private"] {
            assert!(address.is_in(text), "{text}");
        }
        assert!(address.is_in("module.vpc[0].aws_subnet.private[1]"));
        for text in
            ["module.vp", "module.vpc[1]", "module.vpc[0].aws_subnet.priv", "aws_subnet.private"]
        {
            assert!(!address.is_in(text), "{text}");
        }
    }
}
