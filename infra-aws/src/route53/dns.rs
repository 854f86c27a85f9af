//! Names as Route 53 and people write them.

use infra_core::state::Value;

/// In lower case, without the dot at the end, with `*` for `\052` (and other escapes resolved).
pub(super) fn plain(name: &str) -> String {
    let mut plain = String::new();
    let mut rest = name.strip_suffix('.').unwrap_or(name);
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 4).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(code) = code.filter(u8::is_ascii) {
            plain.push(char::from(code));
            rest = &rest[at + 4..];
        } else {
            plain.push('\\');
            rest = &rest[at + 1..];
        }
    }
    plain.push_str(rest);
    plain.to_lowercase()
}

/// [`plain`], for a field.
pub(super) fn normalize(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |name| Value::from(plain(name).as_str()))
}

/// The id without what Route 53 puts in front: `Z1` of `/hostedzone/Z1`, `C1` of `/change/C1`.
pub(super) fn short(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// A text record as Route 53 wants it: quoted, in strings of at most 255 bytes. What is quoted already stays.
pub(super) fn quoted(text: &str) -> String {
    if text.starts_with('"') {
        return text.to_owned();
    }
    let mut strings = vec![String::new()];
    let mut length = 0;
    for c in text.chars() {
        if length + c.len_utf8() > 255 {
            strings.push(String::new());
            length = 0;
        }
        length += c.len_utf8();
        if let Some(last) = strings.last_mut() {
            if matches!(c, '"' | '\\') {
                last.push('\\');
            }
            last.push(c);
        }
    }
    strings.iter().map(|string| format!("\"{string}\"")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(plain("\\052.Example.COM."), "*.example.com");
        assert_eq!(plain("app.example.com"), "app.example.com");
        assert_eq!(plain("a\\b"), "a\\b");
        assert_eq!(short("/hostedzone/Z1"), "Z1");
        assert_eq!(short("Z1"), "Z1");
    }

    #[test]
    fn texts_are_quoted_once() {
        assert_eq!(quoted("v=spf1 -all"), "\"v=spf1 -all\"");
        assert_eq!(quoted("\"already\""), "\"already\"");
        assert_eq!(quoted("a\"b"), "\"a\\\"b\"");
        assert_eq!(
            quoted(&"x".repeat(300)),
            format!("\"{}\" \"{}\"", "x".repeat(255), "x".repeat(45))
        );
    }
}
