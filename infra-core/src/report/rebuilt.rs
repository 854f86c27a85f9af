//! What `state rebuild` found.

use std::fmt::Write;

use serde_json::json;

use super::{
    paint::{added, changed, dim, heading, removed, warning},
    tree::{Leaf, Tree},
};
use crate::command::rebuild::{AsFound, Found, FoundObject, SecretFrom};

/// What was found as a tree by scope, what was not, and what the next `up` will make of it.
pub fn rebuilt(found: &Found) -> String {
    let mut out = String::new();
    let mut tree = Tree::default();
    for object in &found.objects {
        tree.put(object.urn.name(), &format!("{} {}", object.urn.kind(), object.id), leaf(object));
    }
    for (urn, why) in &found.missing {
        let rest = format!("{}  {}", dim(urn.kind()), warning("not found"));
        let mut below = dim(why);
        for former in found.renamed.get(urn).into_iter().flatten() {
            let _ = write!(
                below,
                "\nif it is `{former}` under a new name, write `.alias(\"{}\")` in the program first",
                former.name()
            );
        }
        tree.put(urn.name(), urn.kind(), Leaf { sign: added("+"), rest, below });
    }
    let _ = writeln!(out, "\n{}", heading("Found"));
    tree.write(0, &mut out);
    secrets(found, &mut out);
    remarks(found, &mut out);
    let _ = writeln!(out, "\n{}", summary(found));
    out
}

fn leaf(object: &FoundObject) -> Leaf {
    let what = match object.as_found {
        AsFound::Current => String::new(),
        AsFound::Incomplete => changed("not finished: the next `up` finishes it"),
        AsFound::Deposed => removed("replaced: the next `up` deletes it"),
        AsFound::Unknown => removed("not in the program: the next `up` deletes it"),
        AsFound::Forgotten => dim("not in the program: left alone"),
    };
    let sign = match object.as_found {
        AsFound::Current if object.differs.is_empty() => dim("="),
        AsFound::Current | AsFound::Incomplete => changed("~"),
        AsFound::Deposed | AsFound::Unknown => removed("-"),
        AsFound::Forgotten => dim("·"),
    };
    let mut below = String::new();
    if !object.differs.is_empty() {
        let paths: Vec<_> = object.differs.iter().map(|path| format!("`{path}`")).collect();
        let _ = write!(below, "not as declared: {}", paths.join(", "));
    }
    let rest = format!("{}  {}  {what}", dim(object.urn.kind()), object.id);
    Leaf { sign, rest: rest.trim_end().to_owned(), below }
}

fn secrets(found: &Found, out: &mut String) {
    if found.secrets.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", heading("Secrets"));
    for (urn, from) in &found.secrets {
        let from = match from {
            SecretFrom::Places(places) => {
                let places: Vec<_> = places.iter().map(String::as_str).collect();
                format!("recovered from {}", places.join(", "))
            }
            SecretFrom::Rotated => warning("a new value: the next `up` writes it everywhere"),
        };
        let _ = writeln!(out, "  {}  {from}", urn.name());
    }
}

fn remarks(found: &Found, out: &mut String) {
    let mut say = |text: String| {
        let _ = writeln!(out, "\n{text}");
    };
    if found.lookups > 0 {
        say(format!("{} lookups were asked again: they may tell something newer.", found.lookups));
    }
    for (lineage, count) in &found.others {
        say(warning(&format!("{count} objects of the lineage {lineage} are left alone.")));
    }
    for (kind, id) in &found.strange {
        say(warning(&format!(
            "{id} ({kind}) looks like the stack's, and nothing says what it is: it is left alone."
        )));
    }
    for (kind, why) in &found.unasked {
        say(warning(&format!("Whether there is anything of {kind} is not known: {why}")));
    }
}

fn summary(found: &Found) -> String {
    let mut parts =
        vec![format!("{} objects", found.objects.len() - found.count(AsFound::Forgotten))];
    let mut add = |count: usize, what: &str| {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    };
    add(found.missing.len(), "not found");
    add(found.count(AsFound::Incomplete), "not finished");
    add(found.count(AsFound::Deposed), "replaced");
    add(found.count(AsFound::Unknown), "not in the program");
    format!("{} of {}, lineage {}.", parts.join(", "), found.stack, found.lineage)
}

/// The same for programs.
pub(super) fn members(found: &Found) -> serde_json::Value {
    let objects = found.objects.iter().map(|object| {
        json!({
            "urn": object.urn,
            "id": object.id,
            "as": match object.as_found {
                AsFound::Current => "current",
                AsFound::Incomplete => "incomplete",
                AsFound::Deposed => "deposed",
                AsFound::Unknown => "unknown",
                AsFound::Forgotten => "forgotten",
            },
            "differs": object.differs.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    });
    let secrets = found.secrets.iter().map(|(urn, from)| match from {
        SecretFrom::Places(places) => json!({"urn": urn, "from": places}),
        SecretFrom::Rotated => json!({"urn": urn, "rotated": true}),
    });
    let pairs = |what: &str, list: &[(String, String)]| {
        list.iter().map(|(kind, text)| json!({"kind": kind, what: text})).collect::<Vec<_>>()
    };
    let others = found.others.iter().map(|(lineage, n)| (lineage.to_string(), json!(n)));
    json!({
        "stack": found.stack.to_string(),
        "lineage": found.lineage.to_string(),
        "objects": objects.collect::<Vec<_>>(),
        "missing": found.missing,
        "renamed": found.renamed,
        "secrets": secrets.collect::<Vec<_>>(),
        "lookups": found.lookups,
        "others": serde_json::Value::Object(others.collect()),
        "strange": pairs("id", &found.strange),
        "unasked": pairs("why", &found.unasked),
    })
}
