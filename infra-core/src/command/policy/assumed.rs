//! Inputs with nothing unknown in them: `*` where a text is not known, else whatever the type takes.

use std::collections::BTreeMap;

use infra_state::{Path, Value};

use crate::provider::{Driver, Violation};

/// How many things can stand for something unknown; the last is to leave it out.
const CANDIDATES: usize = 8;

/// They, in the order in which they are tried.
fn candidate(at: usize) -> Option<Value> {
    let any = || Value::from("*");
    Some(match at {
        0 => any(),
        1 => Value::List(vec![any()]),
        2 => Value::from(0_u64),
        3 => Value::Bool(true),
        4 => Value::from("0.0.0.0/0"),
        5 => Value::map(),
        6 => Value::List(Vec::new()),
        _ => return None,
    })
}

/// The inputs with everything unknown filled in; the violation that could not be mended otherwise.
pub(super) fn assumed(driver: &dyn Driver, inputs: &Value) -> Result<Value, Violation> {
    let mut unknown = BTreeMap::new();
    find(inputs, &Path::ROOT, &mut unknown);
    loop {
        let filled = fill(inputs, &Path::ROOT, &unknown).unwrap_or_else(Value::map);
        let Some(wrong) = driver.type_check(&filled).into_iter().next() else { return Ok(filled) };
        let meant = unknown.iter_mut().find(|(path, at)| {
            let concerns = path.covers(&wrong.path) || wrong.path.covers(path);
            concerns && **at + 1 < CANDIDATES
        });
        let Some((_, at)) = meant else { return Err(wrong) };
        *at += 1;
    }
}

/// Where something is unknown.
fn find(value: &Value, at: &Path, found: &mut BTreeMap<Path, usize>) {
    match value {
        Value::Unknown => drop(found.insert(at.clone(), 0)),
        Value::Secret(inner) => find(inner, at, found),
        Value::List(list) => {
            for (index, value) in list.iter().enumerate() {
                find(value, &at.index(index), found);
            }
        }
        Value::Map(map) => {
            for (key, value) in map {
                find(value, &at.key(key), found);
            }
        }
        _ => {}
    }
}

fn fill(value: &Value, at: &Path, chosen: &BTreeMap<Path, usize>) -> Option<Value> {
    Some(match value {
        Value::Unknown => return candidate(chosen.get(at).copied().unwrap_or_default()),
        Value::Secret(inner) => fill(inner, at, chosen)?.secret(),
        Value::List(list) => {
            let element = |(index, value)| fill(value, &at.index(index), chosen);
            Value::List(list.iter().enumerate().filter_map(element).collect())
        }
        Value::Map(map) => {
            let entry = |(key, value): (&String, &Value)| {
                Some((key.clone(), fill(value, &at.key(key), chosen)?))
            };
            Value::Map(map.iter().filter_map(entry).collect())
        }
        known => known.clone(),
    })
}

#[cfg(test)]
mod tests {
    use infra_state::Value;

    use super::*;
    use crate::{
        Resource,
        provider::{Cx, provider_driver},
    };

    /// Of every type that an input can have.
    #[derive(Resource, Clone, Debug)]
    #[resource(kind = "test:Everything", cloud = Nowhere)]
    struct Everything {
        text: Option<String>,
        number: Option<i64>,
        flag: Option<bool>,
        list: Vec<String>,
        numbers: Vec<i64>,
        map: BTreeMap<String, String>,
    }

    struct Nowhere;

    #[test]
    fn what_is_unknown_becomes_what_its_type_takes() {
        let _ = Cx::<Nowhere>::new;
        let driver = provider_driver::<Everything>();
        let fields = ["text", "number", "flag", "list", "numbers", "map"];
        let inputs = Value::from(fields.map(|field| (field, Value::Unknown)));
        let filled = assumed(&*driver, &inputs).unwrap();
        assert_eq!(filled.get("text"), Some(&Value::from("*")));
        assert_eq!(filled.get("number"), Some(&Value::from(0_u64)));
        assert_eq!(filled.get("flag"), Some(&Value::Bool(true)));
        assert_eq!(filled.get("list"), Some(&Value::List(vec!["*".into()])));
        assert_eq!(filled.get("map"), Some(&Value::map()));
        assert_eq!(filled.get("numbers"), Some(&Value::List(Vec::new())));
        let within = Value::from([("list", Value::List(vec!["a".into(), Value::Unknown]))]);
        let filled = assumed(&*driver, &within).unwrap();
        assert_eq!(filled.get("list"), Some(&Value::List(vec!["a".into(), "*".into()])));
        let wrong = Value::from([("list", Value::from("a")), ("text", Value::Unknown)]);
        assert_eq!(assumed(&*driver, &wrong).unwrap_err().path, Path::field("list"));
    }
}
