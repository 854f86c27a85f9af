//! The permissions that no call is named after, as a table.

use crate::provider::Implied;

/// One row a permission, as Markdown.
pub fn implied(rows: &[Implied]) -> String {
    let mut text = "| action | asked for when | said by |\n|---|---|---|\n".to_owned();
    for Implied { action, when, source } in rows {
        text.extend(["| `", action, "` | ", when, " | ", source, " |\n"]);
    }
    text
}
