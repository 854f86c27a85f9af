//! The text of items, laid out: comments and empty lines where they were marked.

use super::value::{DOT, MACRO};

/// Lines that a syntax tree does not keep: comments, and empty lines.
#[derive(Default)]
pub(super) struct Lines(Vec<String>);

/// What such a line is while the program is formatted.
const LINE: &str = "__line_";

impl Lines {
    /// A statement that becomes an empty line.
    pub(super) fn empty(&mut self) -> String {
        self.line(String::new())
    }

    /// A statement that becomes a comment.
    pub(super) fn comment(&mut self, text: &str) -> String {
        self.line(format!("// {}", comment(text)))
    }

    fn line(&mut self, text: String) -> String {
        self.0.push(text);
        format!("{LINE}!({});", self.0.len() - 1)
    }

    /// The items, each formatted, with an empty line between them.
    pub(super) fn lay_out(&self, items: &[String]) -> Result<String, syn::Error> {
        let mut texts = Vec::new();
        for item in items {
            let file = syn::parse_file(item)?;
            texts.push(self.unmarked(prettyplease::unparse(&file).trim_end()));
        }
        Ok(texts.join("\n\n"))
    }

    /// What was marked is what it stands for. What looks like a mark in a literal is somebody's text.
    fn unmarked(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        // The call of a macro begins: its `!` is still to come.
        let mut is_macro = false;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let of_literal = literal(rest);
            if of_literal > 0 {
                out.push_str(&rest[..of_literal]);
                rest = &rest[of_literal..];
            } else if let Some((line, after)) = self.line_at(rest) {
                if line.is_empty() {
                    out.truncate(out.trim_end_matches(' ').len());
                }
                out.push_str(line);
                rest = after;
            } else if let Some(after) = rest.strip_prefix(MACRO) {
                (is_macro, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix(DOT) {
                out.push('.');
                rest = after;
            } else {
                if is_macro && c == '(' {
                    is_macro = false;
                    out.push('!');
                }
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        out
    }

    /// The line that stands here, and what follows it.
    fn line_at<'s>(&'s self, text: &'s str) -> Option<(&'s str, &'s str)> {
        let (number, after) = text.strip_prefix(LINE)?.strip_prefix("!(")?.split_once(");")?;
        Some((self.0.get(number.parse::<usize>().ok()?)?, after))
    }
}

/// Text that stays inside one comment. Marks that turn the direction of what is shown are escaped: rustc denies them.
pub(super) fn comment(text: &str) -> String {
    let mut one = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !one.is_empty() {
            one.push(' ');
        }
        for c in word.chars() {
            match c {
                '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => one.extend(c.escape_unicode()),
                c => one.push(c),
            }
        }
    }
    one
}

/// How long the text literal, or the comment, is that begins here; 0 if none does.
fn literal(text: &str) -> usize {
    let to = |from: usize, end: &str| {
        text[from..].find(end).map_or(text.len(), |at| from + at + end.len())
    };
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            return to(hashes + 2, &format!("\"{}", &raw[..hashes]));
        }
    }
    if !text.starts_with('"') {
        return 0;
    }
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return at + 1,
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_one_line_that_is_shown_as_it_is() {
        let text = "fake_note.n[\"a\u{202E}b\u{2066}\n c\u{2069}\"]";
        assert_eq!(comment(text), r#"fake_note.n["a\u{202e}b\u{2066} c\u{2069}"]"#);
        let mut lines = Lines::default();
        let line = lines.comment(text);
        let text = lines.lay_out(&[format!("fn f() {{ {line} }}")]).unwrap();
        assert!(!text.contains(['\u{202E}', '\u{2066}', '\u{2069}']), "{text}");
    }

    #[test]
    fn what_looks_like_a_mark_in_a_text_stays() {
        let mut lines = Lines::default();
        let (empty, comment) = (lines.empty(), lines.comment("a __dot__b \"c"));
        let script = "r##\"a__dot__b\"# __macro_x(1)\n    __line_!(0);\n\"##";
        let item = format!(
            "/// Doc \"of it.\nfn f() {{ g(); {empty} {comment} stack{DOT}add(\"\\\"__dot__\", {MACRO}format(\"x\"), {script}); }}"
        );
        let text = lines.lay_out(&[item]).unwrap();
        let wanted = [
            "/// Doc \"of it.",
            "fn f() {",
            "    g();",
            "",
            "    // a __dot__b \"c",
            "    stack.add(",
            "        \"\\\"__dot__\",",
            "        format!(\"x\"),",
            "        r##\"a__dot__b\"# __macro_x(1)",
            "    __line_!(0);",
            "\"##,",
            "    );",
            "}",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), wanted, "{text}");
    }
}
