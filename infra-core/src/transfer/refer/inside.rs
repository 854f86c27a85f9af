//! References inside of larger texts.

use infra_state::{Urn, Value};

use super::{Index, Secrets};
use crate::{graph::Expr, spelling::Spelling};

/// The text put together from references, if there are ids, ARNs or hosts of others in it, or secrets.
pub(super) fn inside(index: &mut Index, urn: &Urn, secrets: &Secrets, text: &str) -> Option<Expr> {
    let mut parts = vec![Part::Text(text.to_owned())];
    for (secret, found) in secrets.telling(text) {
        parts = cut(parts, secret, &found, |_| true);
    }
    for known in index.telling(text, stands_alone).into_iter().filter(|known| known != text) {
        if let Some(found) = index.find(urn, None, &Spelling::Text, &known) {
            parts = split(parts, &known, &found);
        }
    }
    let found = parts.iter().any(|part| matches!(part, Part::Found(_)));
    found.then(|| concat(parts))
}

/// A connection string put together from the secret in it: only where what else is in it is known to be no secret.
pub(super) fn connection(
    index: &mut Index,
    urn: &Urn,
    secrets: &Secrets,
    text: &str,
) -> Option<Expr> {
    let (secret, found) = secrets.inside(text)?;
    if !is_connection(text, secret) {
        return None;
    }
    let mut parts = split(vec![Part::Text(text.to_owned())], secret, &found);
    for known in index.telling(text, stands_alone) {
        if let Some(found) = index.find(urn, None, &Spelling::Text, &known) {
            parts = split(parts, &known, &found);
        }
    }
    Some(concat(parts))
}

/// Whether this is `scheme://user:SECRET@host/…`, or `key=value` pairs of which only the password is one.
fn is_connection(text: &str, secret: &str) -> bool {
    let Some((before, after)) = text.split_once(secret) else { return false };
    if after.contains(secret) {
        return false;
    }
    if let Some((scheme, user)) = before.split_once("://") {
        let plain = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
        let query = after.contains(['?', '#', '=']);
        return plain && user.ends_with(':') && after.starts_with('@') && !query;
    }
    let pairs: Vec<(String, &str)> = text
        .split([';', ' '])
        .filter(|pair| !pair.trim().is_empty())
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.trim().to_lowercase(), value))
        .collect();
    let open = [
        "server",
        "host",
        "hostaddr",
        "port",
        "database",
        "dbname",
        "user",
        "username",
        "user id",
        "uid",
        "sslmode",
        "ssl mode",
        "data source",
        "initial catalog",
    ];
    let is_password = |key: &str| matches!(key, "password" | "pwd");
    pairs.len() > 1
        && pairs.iter().filter(|(key, value)| is_password(key) && *value == secret).count() == 1
        && pairs.iter().all(|(key, _)| is_password(key) || open.contains(&key.as_str()))
}

enum Part {
    Text(String),
    Found(Expr),
}

/// Every place where `known` stands on its own is `found`.
fn split(parts: Vec<Part>, known: &str, found: &Expr) -> Vec<Part> {
    cut(parts, known, found, stands_alone)
}

/// Whether a text may begin or end beside this.
fn stands_alone(beside: Option<char>) -> bool {
    beside.is_none_or(|c| !c.is_ascii_alphanumeric())
}

/// Every place of `known` between what `stands` allows is `found`.
fn cut(parts: Vec<Part>, known: &str, found: &Expr, stands: fn(Option<char>) -> bool) -> Vec<Part> {
    let mut out = Vec::new();
    for part in parts {
        let Part::Text(text) = part else {
            out.push(part);
            continue;
        };
        let mut from = 0;
        let mut at = 0;
        while let Some(next) = text[at..].find(known) {
            let (start, end) = (at + next, at + next + known.len());
            if stands(text[..start].chars().next_back()) && stands(text[end..].chars().next()) {
                if start > from {
                    out.push(Part::Text(text[from..start].to_owned()));
                }
                out.push(Part::Found(found.clone()));
                from = end;
            }
            at = end;
        }
        if from < text.len() {
            out.push(Part::Text(text[from..].to_owned()));
        }
    }
    out
}

fn concat(parts: Vec<Part>) -> Expr {
    let parts = parts.into_iter().flat_map(|part| match part {
        Part::Text(text) => vec![Expr::Literal(Value::String(text))],
        Part::Found(Expr::Concat(parts)) => parts,
        Part::Found(expr) => vec![expr],
    });
    Expr::Concat(parts.collect())
}
