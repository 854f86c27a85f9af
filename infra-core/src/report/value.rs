//! Values on a screen. What is secret is never shown.

use std::fmt::Write;

use infra_state::Value;

/// What stands for a value that is not known yet.
const UNKNOWN: &str = "(known after apply)";
/// What stands for a secret.
const SECRET: &str = "[secret]";

/// The value on one line of at most `width` characters.
pub fn inline(value: &Value, width: usize) -> String {
    let mut text = String::new();
    write_inline(value, width, &mut text);
    if text.chars().count() > width {
        text = text.chars().take(width.saturating_sub(1)).collect();
        text.push('…');
    }
    text
}

fn write_inline(value: &Value, width: usize, out: &mut String) {
    // Past the width nothing is seen any more.
    if out.len() > width * 4 {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => drop(write!(out, "{b}")),
        Value::Number(n) => drop(write!(out, "{n}")),
        Value::String(text) => out.push_str(&serde_json::Value::from(&**text).to_string()),
        Value::List(list) => {
            out.push('[');
            for (at, value) in list.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write_inline(value, width, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (at, (key, value)) in map.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { " " });
                let _ = write!(out, "{key}: ");
                write_inline(value, width, out);
            }
            out.push_str(if map.is_empty() { "}" } else { " }" });
        }
        Value::Secret(_) => out.push_str(SECRET),
        Value::Unknown => out.push_str(UNKNOWN),
    }
}

/// The value over as many lines as it needs, if one line does not do it justice: text with line breaks, JSON in
/// text, and whatever is longer than `width`.
pub fn whole(value: &Value, width: usize) -> Option<String> {
    match value {
        Value::String(text) => {
            if let Ok(json @ (serde_json::Value::Object(_) | serde_json::Value::Array(_))) =
                serde_json::from_str(text)
                && text.len() > width
            {
                return Some(pretty(&Value::from(json)));
            }
            text.contains('\n').then(|| text.trim_end_matches('\n').to_owned())
        }
        Value::List(_) | Value::Map(_) if inline(value, width + 1).chars().count() > width => {
            Some(pretty(value))
        }
        _ => None,
    }
}

fn pretty(value: &Value) -> String {
    fn go(value: &Value, indent: usize, out: &mut String) {
        let line = |out: &mut String, indent: usize| {
            out.push('\n');
            out.push_str(&"  ".repeat(indent));
        };
        match value {
            Value::List(list) if !list.is_empty() => {
                out.push('[');
                for value in list {
                    line(out, indent + 1);
                    go(value, indent + 1, out);
                }
                line(out, indent);
                out.push(']');
            }
            Value::Map(map) if !map.is_empty() => {
                out.push('{');
                for (key, value) in map {
                    line(out, indent + 1);
                    let _ = write!(out, "{key}: ");
                    go(value, indent + 1, out);
                }
                line(out, indent);
                out.push('}');
            }
            other => write_inline(other, usize::MAX / 8, out),
        }
    }
    let mut out = String::new();
    go(value, 0, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_unknowns_are_not_shown() {
        let value = Value::from([
            ("a", Value::from("x\"y")),
            ("b", Value::from("geheim").secret()),
            ("c", Value::List(vec![Value::Unknown, Value::from(3)])),
        ]);
        assert_eq!(
            inline(&value, 80),
            r#"{ a: "x\"y", b: [secret], c: [(known after apply), 3] }"#
        );
        assert_eq!(inline(&value, 9), r#"{ a: "x\…"#);
        let document = Value::from(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}"#);
        assert!(whole(&document, 20).unwrap().contains("\n    {\n      Effect: \"Allow\""));
        assert_eq!(whole(&document.secret(), 20), None);
    }
}
