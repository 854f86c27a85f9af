//! For graphviz.

use std::{collections::BTreeMap, fmt::Write};

use super::picture::{Picture, kind};

/// The picture in the language of `dot`, with a cluster for each scope.
pub fn dot(picture: &Picture) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "digraph {} {{", quoted(&picture.title));
    out.push_str("  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    let mut root = Cluster::default();
    for (at, one) in picture.boxes.iter().enumerate() {
        let mut cluster = &mut root;
        let mut parts: Vec<&str> = one.urn.name().split('/').collect();
        let name = parts.pop().unwrap_or_default();
        for scope in parts {
            cluster = cluster.inner.entry(scope.to_owned()).or_default();
        }
        let mut style = String::new();
        if one.holds_data {
            style.push_str(", peripheries=2");
        }
        if one.protected {
            style.push_str(", penwidth=2");
        }
        let text = quoted(&format!("{name}\n{}", kind(&one.urn)));
        cluster
            .lines
            .push(format!("n{at} [label={text}, tooltip={}{style}];", quoted(one.urn.as_str())));
    }
    root.write("", 1, &mut out);
    for (from, to) in &picture.arrows {
        let _ = writeln!(out, "  n{from} -> n{to};");
    }
    out.push_str("}\n");
    out
}

#[derive(Default)]
struct Cluster {
    lines: Vec<String>,
    inner: BTreeMap<String, Self>,
}

impl Cluster {
    fn write(&self, path: &str, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        for line in &self.lines {
            let _ = writeln!(out, "{indent}{line}");
        }
        for (name, cluster) in &self.inner {
            let path = format!("{path}/{name}");
            let _ =
                writeln!(out, "{indent}subgraph {} {{", quoted(&format!("cluster_{}", &path[1..])));
            let _ = writeln!(out, "{indent}  label={};", quoted(name));
            cluster.write(&path, depth + 1, out);
            let _ = writeln!(out, "{indent}}}");
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
