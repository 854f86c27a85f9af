//! What the colours mean.

use owo_colors::OwoColorize;

use crate::plan::Action;

/// Something that will be there.
pub(super) fn added(text: &str) -> String {
    text.green().to_string()
}

/// Something that will be gone.
pub(super) fn removed(text: &str) -> String {
    text.red().to_string()
}

/// Something that changes in place.
pub(super) fn changed(text: &str) -> String {
    text.yellow().to_string()
}

/// Something that is replaced.
pub(super) fn replaced(text: &str) -> String {
    text.magenta().to_string()
}

/// Something that is only read.
pub(super) fn read(text: &str) -> String {
    text.cyan().to_string()
}

/// Something that must not be overlooked.
pub(super) fn loud(text: &str) -> String {
    text.red().bold().to_string()
}

/// Something that draws a person's attention.
pub(super) fn warning(text: &str) -> String {
    text.yellow().bold().to_string()
}

/// What explains.
pub(super) fn dim(text: &str) -> String {
    text.dimmed().to_string()
}

/// What names a part.
pub(super) fn heading(text: &str) -> String {
    text.bold().to_string()
}

/// The sign and colour of an action.
pub(super) fn sign(action: Action, replaces: bool) -> String {
    match action {
        Action::Create if replaces => replaced("±"),
        Action::Create => added("+"),
        Action::Update => changed("~"),
        Action::Import => read("<"),
        Action::Delete | Action::DeleteOld => removed("-"),
        Action::Read => read(">"),
        Action::Forget => dim("-"),
        Action::Keep => dim("·"),
    }
}
