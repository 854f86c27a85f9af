//! The plan: a pure function of what is declared, what is remembered, and what was seen.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use infra_state::{Instance, Snapshot, Urn, Value};

use super::{
    DataLoss, Held, Observation, Plan, PlanOptions, ReplaceOrder, Replacement, Step, StepId,
    draft::{Make, Removal, Replacing},
    forward::Forward,
    hints, identity, refuse,
    remembered::Remembered,
    removal, replace, resolve,
    scope::Scope,
    wire::Wires,
};
use crate::{
    Error, Result,
    graph::{Graph, Mistake},
    provider::Registry,
};

/// What would be done to bring the stack from `snapshot`, with its objects as `seen`, to what `graph` declares.
///
/// Pure: no IO, no clock; `mint` gives the words of new objects. The error is of kind
/// [`Refused`](crate::ErrorKind::Refused) where the plan could be made but must not be: protected resources, foreign
/// credentials, many absent objects at once. Loss of data is shown in the plan and refused by [`Plan::refusal`].
pub fn plan(
    graph: &Graph,
    snapshot: &Snapshot,
    registry: &Registry,
    seen: &Observation,
    options: &PlanOptions,
    mint: &dyn Fn() -> Instance,
) -> Result<Plan> {
    let graph = declared(graph, options);
    let remembered = Remembered::new(&graph, snapshot, registry)?;
    let scope = Scope::new(&graph, &remembered, options)?;
    identity::check(&graph, &remembered, seen, options, &|urn| {
        configured(&graph, &remembered, urn)
    })?;
    refuse::mass_absence(&remembered, seen, options)?;
    let mut forward = Forward::new(&graph, &remembered, seen, options, &scope, mint);
    forward.run()?;
    let mut notes = Vec::new();
    let mut removals = removal::removals(&forward, &mut notes)?;
    refuse::protected(&forward, &removals)?;
    replace::order(&mut forward, &mut removals)?;
    let hints = hints::hints(&forward, &removals, notes);
    let exported = exported(&forward)?;
    let mut wires = Wires::new(&forward, &removals);
    let losses = removals.iter().filter(|removal| removal.data_loss).map(|removal| {
        let urn = removal.record.urn.clone();
        let named = options.allow_data_loss.contains(&urn);
        DataLoss { urn, allowed: options.simulated || named, named }
    });
    let mut plan = Plan {
        exports: graph.exports.clone(),
        exported,
        hints,
        losses: losses.collect(),
        ..Plan::default()
    };
    plan.losses.sort_by(|a, b| a.urn.cmp(&b.urn));
    plan.losses.dedup_by(|a, b| a.urn == b.urn);
    let with_data: HashSet<_> =
        removals.iter().filter(|r| r.data_loss).filter_map(|removal| removal.replaced_by).collect();
    let makes = std::mem::take(&mut forward.makes);
    let urns: Vec<Urn> = makes.iter().map(|make| make.urn().clone()).collect();
    drop(forward);
    let order = wires.order();
    let mut drafts: Vec<Option<Step>> = Vec::with_capacity(order.len());
    for (at, make) in makes.into_iter().enumerate() {
        let data_loss = with_data.contains(&at);
        drafts.push(Some(Step { data_loss, ..made(make, &remembered) }));
    }
    drafts.extend(removals.into_iter().map(|removal| Some(removed(removal, &urns))));
    let mut ids = vec![StepId(0); order.len()];
    for (id, at) in order.iter().enumerate() {
        ids[*at] = StepId(id);
    }
    plan.steps.reserve_exact(order.len());
    for at in order {
        if let Some(mut step) = drafts[at].take() {
            step.after = wires.needs(at).iter().map(|need| ids[*need]).collect();
            plan.steps.push(step);
        }
    }
    plan.records = remembered.put;
    plan.forgotten = remembered.forgotten;
    Ok(plan)
}

/// A destroy is the plan for a program that declares nothing.
pub(super) fn declared<'g>(graph: &'g Graph, options: &PlanOptions) -> Cow<'g, Graph> {
    if options.destroy { Cow::Owned(Graph::empty()) } else { Cow::Borrowed(graph) }
}

/// What a provider is declared with, as far as it is known from what is recorded.
pub(super) fn configured(
    graph: &Graph,
    remembered: &Remembered<'_>,
    provider: &Urn,
) -> Option<Value> {
    let node = graph.nodes.get(provider)?;
    let recorded = remembered.current(provider);
    let outputs = |urn: &Urn| remembered.current(urn).map(|record| &record.outputs);
    let instance = recorded.map_or_else(|| "".into(), |record| record.instance.clone());
    let recorded = recorded.map(|record| &record.inputs);
    resolve(graph, node, &outputs, &instance, recorded).ok()
}

fn exported(forward: &Forward<'_>) -> Result<BTreeMap<String, Value>> {
    let mut exported = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (name, expr) in &forward.graph.exports {
        match expr.eval(&|urn| forward.outputs(urn)) {
            Ok(value) => drop(exported.insert(name.clone(), value)),
            Err(e) => {
                let message = format!("the export `{name}`: {e}");
                let at = forward.graph.export_places.get(name).copied();
                mistakes.push(Mistake { message, urn: None, at });
            }
        }
    }
    if mistakes.is_empty() { Ok(exported) } else { Err(Error::program(mistakes)) }
}

fn made(make: Make<'_>, remembered: &Remembered<'_>) -> Step {
    Step {
        urn: make.node.urn.clone(),
        instance: make.instance,
        action: make.action,
        inputs: make.inputs,
        outputs: make.outputs,
        recorded: make.recorded,
        diff: make.diff,
        drift: make.drift,
        paths: make.paths,
        replaces: make.replaces.as_ref().map(replacement),
        why: make.why,
        after: BTreeSet::new(),
        data_loss: false,
        record_only: make.record_only,
        only_if: None,
        renamed_from: remembered.renamed_from(&make.node.urn).cloned(),
    }
}

fn replacement(replacing: &Replacing) -> Replacement {
    let order = replacing.first.clone();
    Replacement {
        old: replacing.old.key(),
        if_changed: replacing.if_changed,
        order: order.map_or(ReplaceOrder::CreateFirst, ReplaceOrder::DeleteFirst),
    }
}

fn removed(removal: Removal, makes: &[Urn]) -> Step {
    let record = removal.record;
    Step {
        urn: record.urn.clone(),
        instance: record.instance.clone(),
        action: removal.action,
        inputs: Held::Inputs(Arc::clone(&record)),
        outputs: Held::Outputs(Arc::clone(&record)),
        recorded: Some(record),
        diff: Vec::new(),
        drift: Vec::new(),
        paths: Vec::new(),
        replaces: None,
        why: removal.why,
        after: BTreeSet::new(),
        data_loss: removal.data_loss,
        record_only: removal.record_only,
        only_if: removal.only_if.map(|at| makes[at].clone()),
        renamed_from: None,
    }
}
