//! The inputs of a record, from what is declared and what is there.

use std::collections::BTreeMap;

use infra_state::{Instance, Path, Segment, Urn, Value};

use crate::{
    Result,
    graph::{Graph, Node},
    plan::{drift, resolve},
    provider::Schema,
};

/// The inputs as they would have been recorded, and where they are not what the program declares now.
///
/// What is declared and found to be so is as the program writes it. Where the object differs, it is as the object has
/// it: the next plan shows the difference. What cannot be read back is taken from the program; where the program does
/// not know it either it is left out, and written again by the next `up`.
pub(super) fn inputs<'v>(
    graph: &Graph,
    node: &Node,
    outputs: &dyn Fn(&Urn) -> Option<&'v Value>,
    instance: &Instance,
    live: &Value,
) -> Result<(Value, Vec<Path>)> {
    let schema = node.driver.schema();
    let wanted = resolve(graph, node, outputs, instance, Some(live))?;
    let mut inputs = wanted.clone();
    let mut differs = Vec::new();
    for diff in drift(schema, &wanted, live, &[]) {
        overlay(schema, &mut inputs, live, &diff.path, diff.after);
        differs.push(diff.path);
    }
    let mut lost = Vec::new();
    if let Value::Map(fields) = &mut inputs {
        forget_unknown(fields, &mut Path::ROOT.clone(), &mut lost);
    }
    // Something has to stand where something must.
    for field in schema.fields.iter().filter(|field| field.required) {
        put_back(&mut inputs, live, field.name, |value| value.is_none());
    }
    for wrong in node.driver.type_check(&inputs) {
        if let Some(field) = wrong.path.first() {
            put_back(&mut inputs, live, field, |_| true);
        }
    }
    differs.extend(lost);
    differs.sort();
    differs.dedup();
    Ok((inputs, differs))
}

fn put_back(inputs: &mut Value, live: &Value, field: &str, when: impl Fn(Option<&Value>) -> bool) {
    let Value::Map(fields) = inputs else { return };
    if !when(fields.get(field)) {
        return;
    }
    match live.get(field).filter(|value| !matches!(value.revealed(), Value::Null)) {
        Some(found) => drop(fields.insert(field.to_owned(), found.clone())),
        None => drop(fields.remove(field)),
    }
}

/// Puts what was found in the place of what was declared. A list is put as a whole: its places mean nothing.
fn overlay(schema: &Schema, inputs: &mut Value, live: &Value, path: &Path, found: Option<Value>) {
    let keys = path.0.iter().take_while(|segment| matches!(segment, Segment::Key(_))).count();
    let found = if keys == path.0.len() {
        found
    } else {
        Path(path.0[..keys].to_vec()).get(live).cloned().map(|found| {
            let field = schema.field(path).filter(|_| keys == 1);
            match field.and_then(|field| field.normalize) {
                Some(normalize) => normalize(&found.plain()),
                None => found,
            }
        })
    };
    let secret = schema.field(path).is_some_and(|field| field.secret);
    put(inputs, &path.0[..keys], found.map(|v| if secret { v.secret() } else { v }));
}

fn put(value: &mut Value, path: &[Segment], found: Option<Value>) {
    match (value, path) {
        (Value::Secret(inner), path) => put(inner, path, found),
        (Value::Map(map), [Segment::Key(key)]) => match found {
            Some(found) => {
                let secret = map.get(key).is_some_and(Value::has_secret);
                map.insert(key.clone(), if secret { found.secret() } else { found });
            }
            None => drop(map.remove(key)),
        },
        (Value::Map(map), [Segment::Key(key), rest @ ..]) => {
            if let Some(value) = map.get_mut(key) {
                put(value, rest, found);
            }
        }
        _ => {}
    }
}

/// Leaves out what is not known; a list of which a part is not known is left out as a whole.
fn forget_unknown(map: &mut BTreeMap<String, Value>, at: &mut Path, lost: &mut Vec<Path>) {
    map.retain(|key, value| {
        if !value.has_unknown() {
            return true;
        }
        at.0.push(Segment::Key(key.clone()));
        let inner = match value {
            Value::Secret(inner) => &mut **inner,
            value => value,
        };
        let kept = if let Value::Map(inner) = inner {
            forget_unknown(inner, at, lost);
            true
        } else {
            lost.push(at.clone());
            false
        };
        at.0.pop();
        kept
    });
}
