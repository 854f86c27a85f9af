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
        let one = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.line(format!("// {one}"))
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
            let text = prettyplease::unparse(&file);
            let lines: Vec<_> = text.lines().map(|line| self.marked(line)).collect();
            texts.push(lines.join("\n").replace(MACRO, "\u{0}").replace(DOT, "."));
        }
        Ok(called(&texts.join("\n\n")))
    }

    fn marked(&self, line: &str) -> String {
        let indented = line.trim_start();
        let number = indented.strip_prefix(LINE).and_then(|rest| rest.strip_prefix("!("));
        let number = number.and_then(|rest| rest.strip_suffix(");")?.parse::<usize>().ok());
        match number.and_then(|number| self.0.get(number)) {
            Some(text) if text.is_empty() => String::new(),
            Some(text) => format!("{}{text}", &line[..line.len() - indented.len()]),
            None => line.to_owned(),
        }
    }
}

/// Calls that are marked as macros become so.
fn called(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('\u{0}');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find('(').unwrap_or(part.len());
        out.push_str(&part[..end]);
        out.push('!');
        out.push_str(&part[end..]);
    }
    out
}
