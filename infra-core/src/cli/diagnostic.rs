//! Errors for people: what, where in the program, and what to do.

use std::{
    error::Error as StdError,
    fmt, fs,
    panic::Location,
    path::{Path, PathBuf},
};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
    SourceOffset,
};

use textwrap::{WordSeparator, WordSplitter};

use crate::{Error, ErrorKind, graph::Mistake};

/// How long a line is on a terminal.
const WIDTH: usize = 100;

/// The error as text. Source lines are shown where the files are found: under `folders`, or above them. Long lines are
/// broken on a terminal, between words; elsewhere they stay whole, for `grep`.
pub(super) fn render(error: &Error, folders: &[PathBuf], terminal: bool) -> String {
    let head = Shown {
        message: if error.mistakes().is_empty() { error.to_string() } else { format!("{error}:") },
        causes: causes(error),
        help: help(error.kind()),
        source: None,
        label: None,
    };
    let mistakes = error.mistakes().iter().map(|mistake| Shown::of(mistake, folders));
    let reports: Vec<_> =
        std::iter::once(head).chain(mistakes).map(|shown| shown.render(terminal)).collect();
    reports.join("\n")
}

fn help(kind: ErrorKind) -> Option<String> {
    let text = match kind {
        ErrorKind::Locked => "to wait for it: `--lock-timeout 10m`",
        ErrorKind::PlanStale => "look at the new plan and confirm that one",
        _ => return None,
    };
    Some(text.to_owned())
}

/// The causes that say more than the message does already.
fn causes(error: &Error) -> Option<String> {
    let mut said = error.to_string();
    let mut texts = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !said.contains(&text) {
            said.push_str(&text);
            texts.push(text);
        }
        source = cause.source();
    }
    (!texts.is_empty()).then(|| texts.join(": "))
}

/// An error as `miette` wants it.
#[derive(Debug)]
struct Shown {
    message: String,
    causes: Option<String>,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    label: Option<LabeledSpan>,
}

impl Shown {
    fn render(&self, terminal: bool) -> String {
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode());
        let handler = handler.with_width(WIDTH).with_wrap_lines(terminal).without_cause_chain();
        // A path, a URN or a command is one word: neither its slashes nor its hyphens are places to break it.
        let handler = handler
            .with_break_words(false)
            .with_word_separator(WordSeparator::AsciiSpace)
            .with_word_splitter(WordSplitter::NoHyphenation);
        let mut text = String::new();
        match handler.render_report(&mut text, self) {
            Ok(()) => text,
            Err(_) => format!("{self}\n"),
        }
    }

    fn of(mistake: &Mistake, folders: &[PathBuf]) -> Self {
        let message = match &mistake.urn {
            Some(urn) => format!("{} ({}): {}", urn.name(), urn.kind(), mistake.message),
            None => mistake.message.clone(),
        };
        let mut shown = Self { message, causes: None, help: None, source: None, label: None };
        let Some(at) = mistake.at else { return shown };
        match read(at, folders) {
            Some(text) => {
                let from =
                    SourceOffset::from_location(&text, at.line() as usize, at.column() as usize);
                let rest = text.get(from.offset()..).unwrap_or_default();
                let length = rest.find('\n').unwrap_or(rest.len()).clamp(1, 60);
                shown.label =
                    Some(LabeledSpan::new(Some("here".to_owned()), from.offset(), length));
                shown.source = Some(NamedSource::new(at.file(), text));
            }
            None => shown.help = Some(format!("at {at}")),
        }
        shown
    }
}

/// The file of a location: the compiler names it from where it was started, which may be above here.
fn read(at: &Location<'_>, folders: &[PathBuf]) -> Option<String> {
    let file = Path::new(at.file());
    let mut above = folders.iter().flat_map(|folder| folder.ancestors());
    above.find_map(|folder| fs::read_to_string(folder.join(file)).ok())
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes.iter().try_for_each(|causes| write!(f, "\n{causes}"))
    }
}

impl StdError for Shown {}

impl Diagnostic for Shown {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.label.as_ref().map(|label| Box::new(std::iter::once(label.clone())) as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_never_broken() {
        let path = "/home/somebody/a-folder/with-a-name/".repeat(4);
        let message = format!("the state in {path} cannot be read, {}", "and so on ".repeat(10));
        let error = Error::new(ErrorKind::Failed, message.clone());
        let shown = render(&error, &[], true);
        assert!(shown.contains(&path) && shown.lines().count() > 2, "{shown}");
        let whole = render(&error, &[], false);
        assert!(whole.contains(message.trim_end()) && whole.lines().count() == 1, "{whole}");
    }
}
