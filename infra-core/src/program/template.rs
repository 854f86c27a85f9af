//! `interpolate!`: text with outputs in it.

use crate::{Output, graph::Expr};

impl Output<String> {
    /// Puts parts into a template with one `{}` each; [`interpolate!`](crate::interpolate) checks the count.
    #[doc(hidden)]
    pub fn interpolate(template: &str, parts: Vec<Expr>) -> Self {
        let mut parts = parts.into_iter();
        let mut pieces = Vec::new();
        for (at, piece) in template.split("{}").enumerate() {
            if at > 0 {
                pieces.extend(parts.next());
            }
            if !piece.is_empty() {
                pieces.push(Expr::Literal(piece.into()));
            }
        }
        Self::from_expr(Expr::Concat(pieces))
    }
}

/// How many `{}` a template has, at compile time.
#[doc(hidden)]
pub const fn placeholders(template: &str) -> usize {
    let bytes = template.as_bytes();
    let (mut at, mut count) = (0, 0);
    while at + 1 < bytes.len() {
        if bytes[at] == b'{' && bytes[at + 1] == b'}' {
            count += 1;
            at += 1;
        }
        at += 1;
    }
    count
}

/// Whether a template has what `format!` would fill in and `interpolate!` would not: `{name}`, `{0}`, `{:?}`. Braces
/// after a `$` or another brace are other languages' (`${aws:username}`, `{{ name }}`), and so is what `format!` would
/// not understand (`{"a": 1}`, `{color:red}`).
#[doc(hidden)]
pub const fn has_format_argument(template: &str) -> bool {
    let bytes = template.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let literal = at > 0 && matches!(bytes[at - 1], b'$' | b'{');
        if bytes[at] == b'{' && !literal && is_format_argument(bytes, at + 1) {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether `name:spec}` begins at `at`: either may be missing, not both.
const fn is_format_argument(bytes: &[u8], at: usize) -> bool {
    let begin = at;
    let mut at = at;
    // Fields too (`{vpc.id}`): `format!` refuses them, but nobody means them literally.
    while at < bytes.len()
        && (bytes[at].is_ascii_alphanumeric()
            || bytes[at] == b'_'
            || bytes[at] == b'.' && at > begin && bytes[at - 1] != b'.')
    {
        at += 1;
    }
    if at < bytes.len() && bytes[at] == b':' {
        at += 1;
        while at < bytes.len()
            && (bytes[at].is_ascii_digit()
                || matches!(bytes[at], b'<' | b'>' | b'^' | b'+' | b'-' | b'#' | b'.' | b'$')
                || matches!(bytes[at], b'?' | b'x' | b'X' | b'o' | b'b' | b'e' | b'E'))
        {
            at += 1;
        }
    }
    at > begin && at < bytes.len() && bytes[at] == b'}'
}

/// Text with outputs in it: `interpolate!("https://{}/v1", &lb.dns_name)`. Secret if any part is.
///
/// Each `{}` is one argument; other braces are text. Names inside braces, as `format!` has them, are refused.
#[macro_export]
macro_rules! interpolate {
    ($template:literal $(, $part:expr)* $(,)?) => {{
        const _: () = assert!(
            !$crate::program::has_format_argument($template),
            "interpolate! fills in `{{}}` only, not `{{name}}`, `{{0}}` or `{{:?}}`: write \
             `interpolate!(\"{{}}/*\", &arn)`, not `interpolate!(\"{{arn}}/*\")`. Braces that are meant as \
             text can be an argument: `interpolate!(\"{{}}\", \"{{name}}\")`"
        );
        const _: () = assert!(
            $crate::program::placeholders($template) == 0 $(+ { let _ = stringify!($part); 1 })*,
            "interpolate! takes one argument for each pair of braces in its template"
        );
        $crate::Output::<String>::interpolate(
            $template,
            vec![$($crate::program::IntoText::into_text($part)),*],
        )
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_format_would_fill_in_is_told_from_other_braces() {
        for template in ["{arn}/*", "{0}", "{:?}", "{arn:?}", "a{x:>8}", "{:08.3}", "{vpc.id}"] {
            assert!(has_format_argument(template), "{template}");
        }
        let literal = [
            "{}/*",
            "${aws:username}",
            "${HOME}",
            "{{ name }}",
            "{{name}}",
            "{\"a\": {}}",
            "{ print $1 }",
            "{color:red}",
            "{1..5}",
            "{",
            "{x",
        ];
        for template in literal {
            assert!(!has_format_argument(template), "{template}");
        }
    }
}
