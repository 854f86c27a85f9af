//! The forms in which a secret may turn up.

use std::fmt::Write;

use base64::{
    Engine as _,
    engine::general_purpose::{
        GeneralPurpose, STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD,
    },
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;

/// What RFC 3986 leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What browsers leave as it is in a component.
const COMPONENT: &AsciiSet =
    &UNRESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
/// What is shorter is found by chance.
const SHORTEST: usize = 6;
/// A part of a document that is shorter may be any word.
const PART: usize = 8;

/// The text itself, encoded, escaped, and its parts if it is a document.
pub(super) fn forms(secret: &str) -> Vec<String> {
    let mut all = encoded(secret);
    for part in parts(secret) {
        all.extend(encoded(&part));
    }
    all
}

/// The text itself, encoded and escaped.
pub(super) fn encoded(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned(), STANDARD.encode(secret), URL_SAFE.encode(secret)];
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        all.extend((0..3).filter_map(|shift| inside(engine, secret, shift)));
        all.push(engine.encode(secret));
    }
    for set in [NON_ALPHANUMERIC, UNRESERVED, COMPONENT] {
        let percent = utf8_percent_encode(secret, set).to_string();
        all.push(percent.replace("%20", "+"));
        all.push(lower_hex(&percent));
        all.push(percent);
    }
    let json = escaped(secret);
    all.push(escaped(&json));
    all.push(json.replace('/', "\\/"));
    all.push(web_safe(&json));
    all.push(json);
    all.push(secret.escape_debug().to_string());
    all.push(xml(secret));
    let hex = secret.bytes().fold(String::new(), |mut hex, byte| {
        // Writing to text does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    all.push(hex.to_uppercase());
    all.push(hex);
    all.sort_unstable();
    all.dedup();
    all
}

/// What is the same in the base64 of every text that has the secret in it, so many bytes (of three) from its beginning.
fn inside(engine: &GeneralPurpose, secret: &str, shift: usize) -> Option<String> {
    let mut bytes = vec![0; shift];
    bytes.extend(secret.as_bytes());
    let text = engine.encode(&bytes);
    // The characters at the ends have bits of what stands beside.
    let end = text.len() - usize::from(!bytes.len().is_multiple_of(3));
    let start = (shift * 8).div_ceil(6);
    text.get(start..end).filter(|text| text.len() >= SHORTEST).map(str::to_owned)
}

/// As it stands between the quotes in JSON.
fn escaped(text: &str) -> String {
    let json = Json::from(text).to_string();
    json[1..json.len() - 1].to_owned()
}

/// As encoders write it that think of web pages.
fn web_safe(json: &str) -> String {
    let mut safe = String::new();
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\'' => drop(write!(safe, "\\u{:04x}", u32::from(c))),
            c => safe.push(c),
        }
    }
    safe
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `%2F` as `%2f`.
fn lower_hex(percent: &str) -> String {
    let mut lower = String::new();
    let mut left = 0;
    for c in percent.chars() {
        if c == '%' {
            left = 3;
        }
        lower.push(if left > 0 { c.to_ascii_lowercase() } else { c });
        left = usize::saturating_sub(left, 1);
    }
    lower
}

/// The lines of a text of several, the texts in JSON.
fn parts(secret: &str) -> Vec<String> {
    let mut parts = Vec::new();
    if let Ok(json @ (Json::Object(_) | Json::Array(_))) = serde_json::from_str(secret) {
        leaves(&json, &mut parts);
    }
    // What stands around a key in PEM is in every one.
    let lines = secret.lines().filter(|line| !line.starts_with("-----"));
    parts.extend(lines.map(|line| line.trim().to_owned()));
    parts.retain(|part| part.len() >= PART && part != secret);
    parts
}

fn leaves(json: &Json, found: &mut Vec<String>) {
    match json {
        Json::String(text) => found.push(text.clone()),
        Json::Array(list) => list.iter().for_each(|json| leaves(json, found)),
        Json::Object(map) => map.values().for_each(|json| leaves(json, found)),
        _ => {}
    }
}
