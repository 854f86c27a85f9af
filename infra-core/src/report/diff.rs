//! One changed property.

use std::fmt::Write;

use infra_state::Value;
use similar::{ChangeTag, TextDiff};

use super::{
    paint::{added, changed, dim, removed, replaced},
    value::{inline, whole},
};
use crate::plan::{DiffKind, PropertyDiff};

/// How wide a value may be before it gets lines of its own.
const WIDTH: usize = 72;

/// Writes the property and its values, every line behind `indent`.
pub(super) fn property(diff: &PropertyDiff, indent: &str, out: &mut String) {
    let path = diff.path.to_string();
    let sign = match (&diff.before, &diff.after, diff.kind) {
        (_, _, DiffKind::Replace | DiffKind::MaybeReplace) => replaced("±"),
        (None, _, _) => added("+"),
        (_, None, _) => removed("-"),
        _ => changed("~"),
    };
    let note = match diff.kind {
        DiffKind::Update => String::new(),
        DiffKind::Replace => replaced("  (cannot change in place)"),
        DiffKind::MaybeReplace => replaced("  (replaces it if this turns out to change)"),
    };
    let (before, after) = (diff.before.as_ref(), diff.after.as_ref());
    let text = |value: Option<&Value>| value.and_then(|value| whole(value, WIDTH));
    let (old, new) = (text(before), text(after));
    if old.is_some() || new.is_some() {
        let _ = writeln!(out, "{indent}{sign} {path}:{note}");
        let plain = |value: Option<&Value>, text: Option<String>| {
            text.or_else(|| Some(inline(value?, WIDTH))).unwrap_or_default()
        };
        lines(&plain(before, old), &plain(after, new), indent, out);
        return;
    }
    let _ = match (before, after) {
        (Some(before), Some(after)) => writeln!(
            out,
            "{indent}{sign} {path}: {} {} {}{}{note}",
            removed(&inline(before, WIDTH)),
            dim("→"),
            added(&inline(after, WIDTH)),
            // Two secrets look the same; the reader must see that they are not.
            if is_secret(before) && is_secret(after) {
                dim(" (another one)")
            } else {
                String::new()
            },
        ),
        (None, Some(after)) => {
            writeln!(out, "{indent}{sign} {path}: {}{note}", added(&inline(after, WIDTH)))
        }
        (Some(before), None) => {
            writeln!(out, "{indent}{sign} {path}: {}{note}", removed(&inline(before, WIDTH)))
        }
        (None, None) => writeln!(out, "{indent}{sign} {path}{note}"),
    };
}

fn is_secret(value: &Value) -> bool {
    matches!(value, Value::Secret(_))
}

/// Writes what changed between two texts, with two lines of context.
fn lines(before: &str, after: &str, indent: &str, out: &mut String) {
    let diff = TextDiff::from_lines(before, after);
    for (at, group) in diff.grouped_ops(2).iter().enumerate() {
        if at > 0 {
            let _ = writeln!(out, "{indent}    {}", dim("…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches('\n');
            let line = match change.tag() {
                ChangeTag::Delete => removed(&format!("- {line}")),
                ChangeTag::Insert => added(&format!("+ {line}")),
                ChangeTag::Equal => format!("  {line}"),
            };
            let _ = writeln!(out, "{indent}    {line}");
        }
    }
}
