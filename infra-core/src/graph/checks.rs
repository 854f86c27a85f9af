//! What can be wrong with a node before anything is planned.

use std::collections::BTreeMap;

use infra_state::{Path, Segment, Urn, Value};

use super::{Graph, Mistake, Node, Role, did_you_mean};
use crate::{
    config::nearest,
    plan::{complete_fields, name},
    program::stands_in,
    provider::{FieldSchema, Operation, Shape, Violation},
    scrub::Scrub,
};

/// What stands for an output is understood only where whole objects of others are declared.
const MISPLACED: &str = "something stands for an output in it that only objects made of other people's structs can have: \
                         give the output itself, `&thing.id`, or text made by `interpolate!`";

/// Checks one node: references, provider, types, names, tags, and what its driver has to say.
pub(super) fn node(graph: &Graph, node: &Node, mistakes: &mut Vec<Mistake>) {
    let mut found = Vec::new();
    for (field, expr) in &node.inputs {
        expr.references(&mut |urn, path| {
            found
                .extend(reference(graph, urn, path).map(|message| format!("`{field}`: {message}")));
        });
    }
    found.extend(node.options.depends_on.iter().filter_map(|urn| declared(graph, urn)));
    found.extend(provider(graph, node));
    if node.role != Role::Managed && (node.options.import.is_some() || node.options.adopt) {
        found.push("only what is created can be imported or adopted".to_owned());
    }
    found.extend(options(node));
    match node.known() {
        Ok(known) if stands_in(&known) => found.push(MISPLACED.to_owned()),
        Ok(known) => found.extend(values(node, &known)),
        Err((field, e)) => found.push(format!("`{field}`: {e}")),
    }
    found.sort();
    found.dedup();
    let mistake = |message| Mistake { message, urn: Some(node.urn.clone()), at: Some(node.at) };
    mistakes.extend(found.into_iter().map(mistake));
}

/// What is wrong with the values that became known while planning; those that the program wrote down are checked with it.
pub(crate) fn resolved(node: &Node, wanted: &Value, acts: bool) -> Vec<Mistake> {
    let mut fixed = true;
    node.inputs.values().for_each(|expr| expr.references(&mut |_, _| fixed = false));
    if fixed || !acts {
        return Vec::new();
    }
    let found = values(node, wanted).into_iter();
    let mistake = |message| Mistake { message, urn: Some(node.urn.clone()), at: Some(node.at) };
    found.map(mistake).collect()
}

/// Checks what the exports refer to.
pub(super) fn exports(graph: &Graph, mistakes: &mut Vec<Mistake>) {
    for (name, expr) in &graph.exports {
        if expr.eval(&|_| None).is_ok_and(|value| stands_in(&value)) {
            let at = graph.export_places.get(name).copied();
            let message = format!("the export `{name}`: {MISPLACED}");
            mistakes.push(Mistake { message, urn: None, at });
        }
        expr.references(&mut |urn, path| {
            let wrong = reference(graph, urn, path).map(|m| format!("the export `{name}`: {m}"));
            let at = graph.export_places.get(name).copied();
            mistakes.extend(wrong.map(|message| Mistake { message, urn: None, at }));
        });
    }
}

/// Checks that no former name is claimed twice, or is in use.
pub(super) fn aliases(graph: &Graph, mistakes: &mut Vec<Mistake>) {
    let mut claimed = BTreeMap::<Urn, &Urn>::new();
    for node in graph.nodes.values() {
        for alias in &node.options.aliases {
            let wrong = match node.alias(alias) {
                Err(e) => e,
                Ok(old) if old == node.urn => continue,
                Ok(old) if graph.nodes.contains_key(&old) => {
                    format!("the alias `{old}` is the name of another resource of this program")
                }
                Ok(old) => match claimed.insert(old.clone(), &node.urn) {
                    Some(other) if *other != node.urn => {
                        format!("the alias `{old}` is claimed by `{other}` too")
                    }
                    _ => continue,
                },
            };
            mistakes.push(Mistake {
                message: wrong,
                urn: Some(node.urn.clone()),
                at: Some(node.at),
            });
        }
    }
}

impl Node {
    /// The urn that an alias means: a whole one, or another name of the same kind.
    pub(crate) fn alias(&self, alias: &str) -> Result<Urn, String> {
        let urn =
            if alias.contains("::") { alias.parse() } else { Urn::new(self.urn.kind(), alias) };
        urn.map_err(|e| format!("the alias {alias:?} cannot be a former name: {e}"))
    }

    /// What is known of the inputs without anything having been made; the defaults filled in.
    fn known(&self) -> Result<Value, (&str, String)> {
        let mut known = BTreeMap::new();
        for (field, expr) in &self.inputs {
            let value = expr.eval(&|_| None).map_err(|e| (field.as_str(), e.to_string()))?;
            known.insert(field.clone(), value);
        }
        complete_fields(&self.driver.schema().fields, &mut known);
        Ok(Value::Map(known))
    }
}

fn declared(graph: &Graph, urn: &Urn) -> Option<String> {
    if graph.nodes.contains_key(urn) {
        return None;
    }
    let hint = did_you_mean(urn, graph.nodes.keys());
    Some(format!("`{urn}` is not declared in this program{hint}"))
}

fn reference(graph: &Graph, urn: &Urn, path: &Path) -> Option<String> {
    let wrong = declared(graph, urn);
    if wrong.is_some() {
        return wrong;
    }
    let outputs = &graph.nodes.get(urn)?.driver.schema().outputs;
    let name = path.first()?;
    if outputs.iter().any(|output| output.name == name) {
        return None;
    }
    let near = nearest(name, outputs.iter().map(|output| output.name));
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Some(format!("`{urn}` has no output `{name}`{hint}"))
}

fn provider(graph: &Graph, node: &Node) -> Option<String> {
    let provider = node.provider.as_ref()?;
    let Some(kind) = node.driver.provider_kind() else {
        return Some(format!("needs no provider, but `{provider}` was given"));
    };
    if provider.kind() != kind {
        return Some(format!("needs a provider of kind `{kind}`, found `{provider}`"));
    }
    // A default provider that could not be added is reported as what it is.
    if provider.name() == "default" { None } else { declared(graph, provider) }
}

/// What is wrong with the paths of the options: they must lead somewhere.
fn options(node: &Node) -> Vec<String> {
    let fields = Shape::Struct(node.driver.schema().fields.clone());
    let options = [
        ("ignore_changes", &node.options.ignore_changes),
        ("replace_on_changes", &node.options.replace_on_changes),
    ];
    let paths = options.iter().flat_map(|(option, paths)| paths.iter().map(move |p| (option, p)));
    let wrong = paths.filter_map(|(option, path)| {
        Some(format!("{option}: `{path}`: {}", nowhere(&fields, &Path::ROOT, &path.0)?))
    });
    wrong.collect()
}

/// Why there can be nothing at `path` of a value of this shape; `within` is where the value is.
fn nowhere(shape: &Shape, within: &Path, path: &[Segment]) -> Option<String> {
    let (segment, rest) = path.split_first()?;
    let below = within.with(segment.clone());
    match (shape, segment) {
        (Shape::Any, _) => None,
        (Shape::Struct(fields), Segment::Key(key)) => {
            match fields.iter().find(|field| field.name == key) {
                Some(field) => nowhere(&field.shape, &below, rest),
                None => Some(no_field(key, fields)),
            }
        }
        // Some field has to have the rest.
        (Shape::Struct(fields), Segment::Any) => {
            let mut wrong = fields.iter().map(|field| nowhere(&field.shape, &below, rest));
            wrong.find(Option::is_none).unwrap_or_else(|| Some(no_field("*", fields)))
        }
        (Shape::Map(of), Segment::Key(_) | Segment::Any)
        | (Shape::List { of, .. }, Segment::Index(_) | Segment::Any) => nowhere(of, &below, rest),
        (Shape::List { .. }, Segment::Key(_)) => {
            Some(format!("`{within}` is a list: write `{within}[*]` for its elements"))
        }
        (Shape::Struct(_) | Shape::Map(_), Segment::Index(_)) => {
            Some(format!("`{within}` is not a list"))
        }
        (Shape::Scalar, _) => Some(format!("`{within}` has no parts")),
    }
}

/// What is wrong with the values that are known.
fn values(node: &Node, known: &Value) -> Vec<String> {
    let schema = node.driver.schema();
    let mut wrong = Vec::new();
    if known.has_unknown() {
        let fields = Shape::Struct(schema.fields.clone());
        shape(&fields, &mut Path::ROOT.clone(), known, &mut wrong);
    } else {
        wrong = node.driver.type_check(known);
    }
    // The driver may rely on the types of what it is asked about.
    if wrong.is_empty() {
        wrong.extend(node.driver.check(known));
    }
    for field in &schema.fields {
        let Some(value) = known.get(field.name) else { continue };
        let message = if let Some(rule) = &field.name_rule {
            value.as_str().and_then(|text| name::wrong(rule, text))
        } else if field.tags {
            reserved(value)
        } else {
            None
        };
        wrong.extend(message.map(|message| Violation { path: Path::field(field.name), message }));
    }
    wrong.extend(schema.secret_names(known));
    let scrub = Scrub::of(known);
    wrong.into_iter().map(|violation| scrub.clean(said(violation))).collect()
}

fn said(violation: Violation) -> String {
    if violation.path.0.is_empty() {
        violation.message
    } else {
        format!("`{}`: {}", violation.path, violation.message)
    }
}

fn reserved(tags: &Value) -> Option<String> {
    let prefix = Operation::TAG_PREFIX;
    let key = tags.as_map()?.keys().find(|key| key.starts_with(prefix))?;
    Some(format!(
        "the tag `{key}` is reserved: tags that begin with `{prefix}` say whose an object is"
    ))
}

/// Finds what does not have its shape in a value that is known in parts only, so that its type cannot be asked.
fn shape(shape_of: &Shape, path: &mut Path, value: &Value, wrong: &mut Vec<Violation>) {
    let expected = |what: &str, path: &Path| Violation {
        path: path.clone(),
        message: format!("expected {what}, found {}", value.describe()),
    };
    match (shape_of, value.revealed()) {
        (Shape::Scalar, Value::List(_) | Value::Map(_)) => {
            wrong.push(expected("text, a number or a boolean", path));
        }
        // A variant of an enum without content is text.
        (Shape::Any | Shape::Scalar, _)
        | (_, Value::Unknown | Value::Null)
        | (Shape::Struct(_), Value::String(_)) => {}
        (Shape::List { of, .. }, Value::List(list)) => {
            for (at, element) in list.iter().enumerate() {
                path.0.push(Segment::Index(at));
                shape(of, path, element, wrong);
                path.0.pop();
            }
        }
        (Shape::List { .. }, _) => wrong.push(expected("a list", path)),
        (Shape::Map(of), Value::Map(map)) => {
            for (key, value) in map {
                path.0.push(Segment::Key(key.clone()));
                shape(of, path, value, wrong);
                path.0.pop();
            }
        }
        (Shape::Map(_), _) => wrong.push(expected("a map", path)),
        (Shape::Struct(fields), Value::Map(map)) => {
            for (key, value) in map {
                path.0.push(Segment::Key(key.clone()));
                match fields.iter().find(|field| field.name == key) {
                    Some(field) => shape(&field.shape, path, value, wrong),
                    None => wrong.push(unknown_field(path, key, fields)),
                }
                path.0.pop();
            }
            for field in fields.iter().filter(|f| f.required && !map.contains_key(f.name)) {
                let message = "expected a value, found none".to_owned();
                wrong.push(Violation { path: path.key(field.name), message });
            }
        }
        (Shape::Struct(_), _) => wrong.push(expected("a struct", path)),
    }
}

fn unknown_field(path: &Path, key: &str, fields: &[FieldSchema]) -> Violation {
    Violation { path: path.clone(), message: no_field(key, fields) }
}

fn no_field(key: &str, fields: &[FieldSchema]) -> String {
    let near = nearest(key, fields.iter().map(|field| field.name));
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!("there is no such field{hint}")
}
