//! Where in a block a field of ours has become an attribute: the field is marked, and the mark is looked for.

use infra_state::Segment;

use super::{Body, Hcl, address::quoted};

/// What no configuration has in it.
const MARK: &str = "__mark__";

/// This value with a mark at `path` in it.
pub(crate) fn marked(value: Option<Hcl>, path: &[Segment]) -> Hcl {
    let mark = || Hcl::Expression(MARK.to_owned());
    let Some((first, rest)) = path.split_first() else { return mark() };
    match first {
        Segment::Key(key) => {
            let mut entries = match value {
                Some(Hcl::Map(entries)) => entries,
                Some(Hcl::Literal(value)) => {
                    let map = value.revealed().as_map().cloned().unwrap_or_default();
                    map.into_iter().map(|(key, value)| (key, Hcl::Literal(value))).collect()
                }
                _ => Vec::new(),
            };
            match entries.iter_mut().find(|(name, _)| name == key) {
                Some((_, inner)) => *inner = marked(Some(inner.clone()), rest),
                None => entries.push((key.clone(), marked(None, rest))),
            }
            Hcl::Map(entries)
        }
        Segment::Index(at) => {
            let mut elements = value.map(|value| value.elements()).unwrap_or_default();
            match elements.get_mut(*at) {
                Some(inner) => {
                    *inner = marked(Some(inner.clone()), rest);
                    Hcl::List(elements)
                }
                None => mark(),
            }
        }
        Segment::Any => mark(),
    }
}

/// Where the marks are, as `ignore_changes` has it: `desired_capacity`, `tags["Name"]`, `scaling_config[0].desired_size`.
pub(crate) fn marks(body: &Body) -> Vec<String> {
    let mut found = Vec::new();
    inside(body, "", &mut found);
    found
}

fn inside(body: &Body, before: &str, found: &mut Vec<String>) {
    for (name, value) in &body.attributes {
        of(value, &format!("{before}{name}"), found);
    }
    for (at, (name, inner)) in body.blocks.iter().enumerate() {
        let number = body.blocks[..at].iter().filter(|(other, _)| other == name).count();
        inside(inner, &format!("{before}{name}[{number}]."), found);
    }
}

fn of(value: &Hcl, path: &str, found: &mut Vec<String>) {
    match value {
        Hcl::Expression(text) if text == MARK => found.push(path.to_owned()),
        Hcl::Literal(_) | Hcl::Expression(_) => {}
        Hcl::List(list) => {
            for (at, value) in list.iter().enumerate() {
                of(value, &format!("{path}[{at}]"), found);
            }
        }
        Hcl::Map(map) => {
            for (key, value) in map {
                of(value, &format!("{path}[{}]", quoted(key)), found);
            }
        }
        // One text is made of it all.
        Hcl::Template(list) | Hcl::Call(_, list) => {
            let before = found.len();
            for value in list {
                of(value, path, found);
            }
            if found.len() > before {
                found.truncate(before);
                found.push(path.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use infra_state::{Path, Value};

    use super::*;

    #[test]
    fn a_field_is_found_wherever_it_was_put() {
        let path = |text: &str| text.parse::<Path>().unwrap().0;
        let tags = Hcl::Literal(Value::Map([("Name".to_owned(), "a".into())].into()));
        let scaling = marked(None, &path("desired"));
        let text = marked(Some(Hcl::Map(vec![("a".to_owned(), Hcl::from(1_u32))])), &path("b[0]"));
        let body = Body::new()
            .set("size", Some(Hcl::from(1_u32)))
            .set("count", Some(marked(Some(Hcl::from(1_u32)), &[])))
            .set("tags", Some(marked(Some(tags), &path("Name"))))
            .set("text", Some(Hcl::Call("jsonencode", vec![text])))
            .block("limit", Body::new())
            .block("limit", Body::new().set("desired_size", scaling.get("desired")));
        let wanted = ["count", "tags[\"Name\"]", "text", "limit[1].desired_size"];
        assert_eq!(marks(&body), wanted);
    }
}
