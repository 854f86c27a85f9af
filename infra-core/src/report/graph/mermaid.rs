//! For Markdown that draws Mermaid (GitHub, GitLab).

use std::{collections::BTreeMap, fmt::Write};

use super::picture::{Picture, kind, label, scope};

/// The picture as a Mermaid flowchart, with a subgraph for each outermost scope.
pub fn mermaid(picture: &Picture) -> String {
    let mut out = String::from("flowchart LR\n");
    let mut scopes: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (at, one) in picture.boxes.iter().enumerate() {
        scopes.entry(scope(&one.urn)).or_default().push(at);
    }
    for (number, (scope, boxes)) in scopes.iter().enumerate() {
        if let Some(scope) = scope {
            let _ = writeln!(out, "  subgraph s{number}[\"{scope}\"]");
        }
        for &at in boxes {
            let urn = &picture.boxes[at].urn;
            let (open, close) =
                if picture.boxes[at].holds_data { ("[(", ")]") } else { ("[", "]") };
            let _ = writeln!(
                out,
                "    n{at}{open}\"{}<br/><small>{}</small>\"{close}",
                label(urn),
                kind(urn)
            );
        }
        if scope.is_some() {
            out.push_str("  end\n");
        }
    }
    for (from, to) in &picture.arrows {
        let _ = writeln!(out, "  n{from} --> n{to}");
    }
    out
}
