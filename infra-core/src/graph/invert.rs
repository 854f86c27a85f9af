//! Expressions the other way round: from a value that was found to the hidden texts it was made of.

use std::{cell::Cell, collections::BTreeMap};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use infra_state::{Path, Urn, Value};
use percent_encoding::percent_decode_str;

use super::{Expr, expr::url_encoded};

/// What hidden outputs are, by resource.
pub(crate) type Solution = BTreeMap<Urn, String>;

/// How much is tried before an expression counts as telling nothing.
const PATIENCE: u32 = 20_000;

/// What is known and what is looked for.
pub(crate) struct Inversion<'s> {
    /// The outputs that are known.
    pub(crate) known: &'s dyn Fn(&Urn) -> Option<&'s Value>,
    /// The output of a resource that is looked for, if the resource has one.
    pub(crate) hidden: &'s dyn Fn(&Urn) -> Option<Path>,
    /// Whether a text can be that output.
    pub(crate) fits: &'s dyn Fn(&Urn, &str) -> bool,
}

impl Inversion<'_> {
    /// Every way in which `expr` comes to `value`; what an expression does not tell is absent. None at all: it does
    /// not come to that value, whatever is hidden.
    pub(crate) fn solve(&self, expr: &Expr, value: &Value) -> Vec<Solution> {
        let left = Cell::new(PATIENCE);
        let found = Attempt { of: self, left: &left }.solve(expr, value);
        if left.get() == 0 { vec![Solution::new()] } else { found.unwrap_or_default() }
    }

    fn hides(&self, expr: &Expr) -> bool {
        let mut hides = false;
        expr.references(&mut |urn, _| hides |= (self.hidden)(urn).is_some());
        hides
    }
}

/// One search, with what is left of its patience.
struct Attempt<'a, 's> {
    of: &'a Inversion<'s>,
    left: &'a Cell<u32>,
}

impl Attempt<'_, '_> {
    /// `None`: it cannot come to that value.
    fn solve(&self, expr: &Expr, value: &Value) -> Option<Vec<Solution>> {
        let nothing = || Some(vec![Solution::new()]);
        self.left.set(self.left.get().checked_sub(1)?);
        if !self.of.hides(expr) {
            return nothing();
        }
        let value = value.revealed();
        match expr {
            Expr::Reference { urn, path } if (self.of.hidden)(urn).as_ref() == Some(path) => {
                let text = value.as_str().filter(|text| (self.of.fits)(urn, text))?;
                Some(vec![Solution::from([(urn.clone(), text.to_owned())])])
            }
            Expr::Secret(of) => self.solve(of, value),
            Expr::List(parts) => {
                let values = value.as_list().filter(|values| values.len() == parts.len());
                let Some(values) = values else { return nothing() };
                Some(self.parts(parts.iter().zip(values)))
            }
            Expr::Map(parts) => {
                let Some(values) = value.as_map() else { return nothing() };
                Some(self.parts(parts.iter().filter_map(|(k, part)| Some((part, values.get(k)?)))))
            }
            Expr::Field(of, key) => match &**of {
                Expr::Map(parts) => parts.get(key).map_or_else(nothing, |of| self.solve(of, value)),
                _ => nothing(),
            },
            Expr::Index(of, at) => match &**of {
                Expr::List(parts) => {
                    parts.get(*at).map_or_else(nothing, |of| self.solve(of, value))
                }
                _ => nothing(),
            },
            Expr::Concat(parts) => {
                let pieces: Vec<_> = parts.iter().map(|part| self.piece(part)).collect();
                self.text(&pieces, value.as_str()?)
            }
            Expr::Json(of) => {
                let json: serde_json::Value = serde_json::from_str(value.as_str()?).ok()?;
                self.solve(of, &json.into())
            }
            Expr::Base64(of) => {
                let bytes = STANDARD.decode(value.as_str()?).ok()?;
                self.solve(of, &String::from_utf8(bytes).ok()?.into())
            }
            Expr::UrlEncode(of) => {
                let text = value.as_str()?;
                let decoded = percent_decode_str(text).decode_utf8().ok()?;
                // Otherwise a text that is cut in the middle of an escape would pass for another secret.
                (url_encoded(&decoded) == text).then_some(())?;
                self.solve(of, &Value::from(&*decoded))
            }
            Expr::Literal(_) | Expr::Reference { .. } | Expr::Opaque(_) | Expr::Remembered(_) => {
                nothing()
            }
        }
    }

    /// Parts that stand each for itself: one that somebody changed says nothing of the others.
    fn parts<'p>(&self, parts: impl Iterator<Item = (&'p Expr, &'p Value)>) -> Vec<Solution> {
        parts.fold(vec![Solution::new()], |all, (part, value)| {
            let found = self.solve(part, value).unwrap_or_else(|| vec![Solution::new()]);
            let joined = joined(&all, &found);
            if joined.is_empty() { all } else { joined }
        })
    }

    fn piece<'p>(&self, part: &'p Expr) -> Piece<'p> {
        // The value of a text of one part is that part's text.
        let value = Expr::Concat(vec![part.clone()]).eval(&|urn| (self.of.known)(urn));
        match value.as_ref().map(Value::revealed) {
            Ok(Value::String(text)) if !self.of.hides(part) => Piece::Known(text.clone()),
            _ => Piece::Hidden(part),
        }
    }

    /// Pieces of one text: what is not known stands between what is.
    fn text(&self, pieces: &[Piece<'_>], text: &str) -> Option<Vec<Solution>> {
        self.left.set(self.left.get().checked_sub(1)?);
        let Some((first, rest)) = pieces.split_first() else {
            return text.is_empty().then(|| vec![Solution::new()]);
        };
        let first = match first {
            Piece::Known(known) => return self.text(rest, text.strip_prefix(known)?),
            Piece::Hidden(expr) => expr,
        };
        if rest.is_empty() {
            return self.solve(first, &text.into());
        }
        let mut all = Vec::new();
        let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        for end in ends {
            let (begin, end) = text.split_at(end);
            if let Some(found) = self.solve(first, &begin.into())
                && let Some(after) = self.text(rest, end)
            {
                all.extend(joined(&found, &after));
            }
        }
        (!all.is_empty()).then_some(all)
    }
}

/// A part of a text.
enum Piece<'p> {
    Known(String),
    Hidden(&'p Expr),
}

/// Every pair that does not contradict itself.
fn joined(some: &[Solution], others: &[Solution]) -> Vec<Solution> {
    let mut all = Vec::new();
    for one in some {
        for other in others {
            if other.iter().all(|(urn, text)| one.get(urn).is_none_or(|known| known == text)) {
                let joined = one.iter().chain(other).map(|(urn, text)| (urn.clone(), text.clone()));
                all.push(joined.collect());
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urn(name: &str) -> Urn {
        Urn::new("core:Secret", name).unwrap()
    }

    fn secret(name: &str) -> Expr {
        Expr::Reference { urn: urn(name), path: Path::field("value") }
    }

    fn host() -> Expr {
        let urn = Urn::new("fake:Net", "net").unwrap();
        Expr::Reference { urn, path: Path::field("host") }
    }

    fn text(text: &str) -> Expr {
        Expr::Literal(text.into())
    }

    /// Secrets have six characters; `net.host` is `h:1`.
    fn solve(expr: &Expr, value: &str) -> Vec<Solution> {
        let outputs = Value::from([("host", "h:1".into())]);
        let inversion = Inversion {
            known: &|urn| (urn.kind() == "fake:Net").then_some(&outputs),
            hidden: &|urn| (urn.kind() == "core:Secret").then(|| Path::field("value")),
            fits: &|_, text| text.chars().count() == 6,
        };
        inversion.solve(expr, &value.into())
    }

    fn one(found: &[(&str, &str)]) -> Vec<Solution> {
        vec![found.iter().map(|(name, text)| (urn(name), (*text).to_owned())).collect()]
    }

    #[test]
    fn every_form_is_undone() {
        let boxed = |name| Box::new(secret(name));
        assert_eq!(solve(&secret("a"), "abcdef"), one(&[("a", "abcdef")]));
        assert_eq!(solve(&Expr::Base64(boxed("a")), "YWJjZGVm"), one(&[("a", "abcdef")]));
        assert_eq!(solve(&Expr::UrlEncode(boxed("a")), "ab%2Fdef"), one(&[("a", "ab/def")]));
        let map = Expr::Map([("user".into(), text("root")), ("pw".into(), secret("a"))].into());
        let json = Expr::Secret(Box::new(Expr::Json(Box::new(map.clone()))));
        let stored = r#"{ "pw": "abcdef", "user": "somebody changed it" }"#;
        assert_eq!(solve(&json, stored), one(&[("a", "abcdef")]));
        let coded = Expr::Concat(vec![text("Basic "), Expr::Base64(Box::new(json))]);
        let encoded = STANDARD.encode(stored);
        assert_eq!(solve(&coded, &format!("Basic {encoded}")), one(&[("a", "abcdef")]));
        let field = Expr::Field(Box::new(map), "pw".into());
        assert_eq!(solve(&field, "abcdef"), one(&[("a", "abcdef")]));
    }

    #[test]
    fn several_in_one_text_are_told_apart() {
        let parts = [text("db://"), secret("a"), text(":"), secret("b"), text("@"), host()];
        let url = Expr::Concat(parts.to_vec());
        assert_eq!(solve(&url, "db://abcdef:ghijkl@h:1"), one(&[("a", "abcdef"), ("b", "ghijkl")]));
        let twice = Expr::Concat(vec![secret("a"), secret("a")]);
        assert_eq!(solve(&twice, "abcdefabcdef"), one(&[("a", "abcdef")]));
        assert_eq!(solve(&twice, "abcdefghijkl"), Vec::new());
        let encoded =
            [Expr::UrlEncode(Box::new(secret("a"))), Expr::UrlEncode(Box::new(secret("b")))];
        let joint = Expr::Concat(encoded.to_vec());
        assert_eq!(solve(&joint, "%2Fbcdefghijk%2F"), one(&[("a", "/bcdef"), ("b", "ghijk/")]));
    }

    #[test]
    fn another_value_is_no_answer() {
        let url = Expr::Concat(vec![text("db://"), secret("a"), text("@"), host()]);
        for other in ["db://abcdef@h:2", "db://abcde@h:1", "", "abcdef"] {
            assert_eq!(solve(&url, other), Vec::new(), "{other}");
        }
        assert_eq!(solve(&Expr::Base64(Box::new(secret("a"))), "no base64!"), Vec::new());
    }
}
