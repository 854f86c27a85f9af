//! Names and labels: RFC 1123, RFC 1035, qualified names.

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

fn is_label(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let edge = |c: Option<&u8>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let bytes = text.as_bytes();
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(|c| inner(*c))
}

/// `example.com`.
pub(super) fn subdomain(text: &str) -> Option<String> {
    if text.len() > 253 {
        return Some("must be no more than 253 characters".to_owned());
    }
    (!text.split('.').all(is_label)).then(|| SUBDOMAIN.to_owned())
}

/// `my-name`.
pub(super) fn label(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some("must be no more than 63 characters".to_owned());
    }
    (!is_label(text)).then(|| LABEL.to_owned())
}

/// `my-name`, not `1-name`: of services.
pub(super) fn label_1035(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some("must be no more than 63 characters".to_owned());
    }
    let starts = text.bytes().next().is_some_and(|c| c.is_ascii_lowercase());
    (!is_label(text) || !starts).then(|| LABEL_1035.to_owned())
}

fn is_name(text: &str) -> bool {
    let edge = |c: Option<&u8>| c.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(c))
}

/// `example.com/My.Name`.
pub(super) fn qualified(text: &str) -> Option<String> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if prefix.is_some_and(str::is_empty) {
        return Some("prefix part must be non-empty".to_owned());
    }
    if let Some(why) = prefix.and_then(subdomain) {
        return Some(format!("prefix part {why}"));
    }
    if name.is_empty() {
        return Some(format!("name part must be non-empty; {QUALIFIED}"));
    }
    if name.len() > 63 {
        return Some("name part must be no more than 63 characters".to_owned());
    }
    (!is_name(name)).then(|| QUALIFIED.to_owned())
}

/// The value of a label.
pub(super) fn label_value(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some("must be no more than 63 characters".to_owned());
    }
    (!text.is_empty() && !is_name(text)).then(|| VALUE.to_owned())
}

/// The name of a port: `http`.
pub(super) fn port(text: &str) -> Option<String> {
    if text.len() > 15 {
        return Some("must be no more than 15 characters".to_owned());
    }
    let allowed = text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    if !allowed {
        return Some(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned(),
        );
    }
    if !text.bytes().any(|c| c.is_ascii_lowercase()) {
        return Some("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        return Some("must not contain consecutive hyphens".to_owned());
    }
    (text.starts_with('-') || text.ends_with('-'))
        .then(|| "must not begin or end with a hyphen".to_owned())
}

/// A key of a `ConfigMap` or a Secret.
pub(super) fn config_key(text: &str) -> Option<String> {
    if text.len() > 253 {
        return Some("must be no more than 253 characters".to_owned());
    }
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
    if text.is_empty() || !text.bytes().all(allowed) {
        return Some("a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')".to_owned());
    }
    matches!(text, "." | "..").then(|| format!("must not be '{text}'"))
}

/// The name of an environment variable: all printable characters but `=`.
pub(super) fn variable(text: &str) -> Option<String> {
    let allowed = !text.is_empty() && text.bytes().all(|c| (0x20..0x7f).contains(&c) && c != b'=');
    (!allowed).then(|| "a valid environment variable name must consist only of printable ASCII characters other than '='".to_owned())
}
