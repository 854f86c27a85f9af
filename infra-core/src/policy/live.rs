//! Policies over what is there, instead of over what is wanted.

use std::sync::Arc;

use infra_state::{Record, Value};

use super::{Enforcement, Pack, Violation, find::of_plan};
use crate::{
    Result,
    drift::{Finding, Repair, Severity, What},
    graph::Graph,
    plan::{Action, Plan, Step, drift},
    provider::Registry,
    scrub::taint,
};

/// A recorded object that was looked at.
#[derive(Clone, Debug)]
pub struct Looked {
    /// What is recorded.
    pub record: Arc<Record>,
    /// What was found.
    pub live: Live,
}

/// What was found of a recorded object.
#[derive(Clone, Debug)]
pub enum Live {
    /// The inputs that it has.
    There(Value),
    /// It could not be read, or nobody looked: it counts as it is recorded.
    Unread,
    /// It is gone: what is violated without it is new.
    Gone,
}

/// What the objects violate as they are. What they are recorded with violates already is left out, because the program
/// wants it so and `preview` shows it; with `all` it is here too.
///
/// `graph` is what the program declares: it has the lines, and what is allowed with a reason.
pub fn live(
    pack: &Pack,
    graph: &Graph,
    registry: &Registry,
    objects: &[Looked],
    all: bool,
) -> Result<Vec<Finding>> {
    let step = |looked: &Looked, inputs: Value| keep(&looked.record, inputs);
    let there = objects.iter().filter_map(|looked| {
        let schema = registry.get(looked.record.urn.kind()).map(|driver| driver.schema());
        let inputs = match (&looked.live, schema) {
            (Live::Gone, _) => return None,
            (Live::There(live), Some(schema)) => found(schema, &looked.record.inputs, live),
            _ => looked.record.inputs.clone(),
        };
        Some(step(looked, inputs))
    });
    let there = of_plan(pack, &Plan { steps: there.collect(), ..Plan::default() }, graph)?;
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let recorded = objects.iter().map(|looked| step(looked, looked.record.inputs.clone()));
    let recorded = Plan { steps: recorded.collect(), ..Plan::default() };
    let recorded = if all { Vec::new() } else { of_plan(pack, &recorded, graph)? };
    let new = |it: &Violation| it.allowed.is_none() && !recorded.iter().any(|old| it.repeats(old));
    let objects = |violation: &Violation| {
        let urn = violation.urn.as_ref()?;
        objects.iter().find(|looked| looked.record.urn == *urn).map(|looked| &*looked.record)
    };
    Ok(there.into_iter().filter(new).map(|it| finding(objects(&it), it)).collect())
}

/// What is violated by what is recorded.
pub(crate) fn of_recorded<'r>(
    pack: &Pack,
    graph: &Graph,
    records: impl Iterator<Item = &'r Arc<Record>>,
) -> Result<Vec<Violation>> {
    let steps = records.map(|record| keep(record, record.inputs.clone())).collect();
    of_plan(pack, &Plan { steps, ..Plan::default() }, graph)
}

/// The inputs of an object as far as they can be read: what cannot be, and what only differs in its spelling, is as it is
/// recorded.
fn found(schema: &crate::provider::Schema, recorded: &Value, live: &Value) -> Value {
    let mut live = live.clone();
    taint(&mut live, recorded);
    let changed = drift(schema, recorded, &live, &[]);
    let mut inputs = recorded.as_map().cloned().unwrap_or_default();
    for field in &schema.fields {
        let differs = changed.iter().any(|diff| diff.path.first() == Some(field.name));
        let unsaid = !inputs.contains_key(field.name) && !field.write_only;
        if !differs && !unsaid {
            continue;
        }
        match live.get(field.name).filter(|value| !matches!(value.revealed(), Value::Null)) {
            Some(value) => drop(inputs.insert(field.name.to_owned(), value.clone())),
            None => drop(inputs.remove(field.name)),
        }
    }
    Value::Map(inputs)
}

fn keep(record: &Arc<Record>, inputs: Value) -> Step {
    Step {
        urn: record.urn.clone(),
        instance: record.instance.clone(),
        action: Action::Keep,
        inputs: inputs.into(),
        outputs: record.outputs.clone().into(),
        recorded: Some(Arc::clone(record)),
        diff: Vec::new(),
        drift: Vec::new(),
        paths: Vec::new(),
        replaces: None,
        why: Vec::new(),
        after: std::collections::BTreeSet::new(),
        data_loss: false,
        record_only: false,
        only_if: None,
        renamed_from: None,
    }
}

fn finding(record: Option<&Record>, violation: Violation) -> Finding {
    let path = violation.path.map(|path| format!("`{path}`: ")).unwrap_or_default();
    Finding {
        kind: violation.urn.as_ref().map(|urn| urn.kind().to_owned()).unwrap_or_default(),
        urn: violation.urn,
        id: record.and_then(|record| record.id.clone()),
        what: What::Violation,
        severity: match violation.enforcement {
            Enforcement::Mandatory => Severity::High,
            Enforcement::Advisory => Severity::Low,
        },
        rule: violation.policy,
        message: format!("{path}{}", violation.message),
        fields: Vec::new(),
        at: violation.at,
        by: None,
        repair: Repair::Nothing("it goes with the change that led to it".to_owned()),
    }
}
