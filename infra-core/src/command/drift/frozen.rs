//! The program as it was when the state was written: what a repair plans for.
//!
//! Where the program still wants what is recorded its own declaration stands, so that what is made anew is passed on to
//! what uses it. Everything else is declared as it is recorded: what the program changed since is left to `up`.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::Location,
    sync::Arc,
};

use infra_state::{Record, Snapshot, Status, Urn, Value};

use super::wanted::{Wanted, recorded_outputs};
use crate::{
    Engine, Error, ErrorKind, Result,
    graph::{Expr, Graph, Node, NodeOptions, Role},
};

/// The state as a repair takes it: what waits to be deleted or finished is left as it is.
pub(super) fn settled(snapshot: &Snapshot) -> Snapshot {
    let mut settled = snapshot.clone();
    settled.open.clear();
    settled.records.retain(|_, record| record.status != Status::Deposed);
    for record in settled.records.values_mut().filter(|it| it.status == Status::Incomplete) {
        *record = Arc::new(Record { status: Status::Ready, ..Record::clone(record) });
    }
    settled
}

/// The graph of what is recorded.
pub(super) fn frozen(engine: &Engine, wanted: &Wanted, snapshot: &Snapshot) -> Result<Graph> {
    let known: BTreeSet<&Urn> = snapshot.records.keys().map(|key| &key.urn).collect();
    let mut nodes = BTreeMap::new();
    for record in snapshot.records.values() {
        let node = match still_wanted(wanted, snapshot, record, &known) {
            Some(node) => node,
            None => as_recorded(engine, wanted, record, &known)?,
        };
        nodes.insert(record.urn.clone(), node);
    }
    let mut graph = Graph {
        nodes,
        stack: Some(snapshot.identity.stack.clone()),
        // Its lines are those that are recorded.
        is_restored: true,
        ..Graph::default()
    };
    for (name, recorded) in &snapshot.exports {
        let expr = wanted.graph.exports.get(name).filter(|expr| {
            let mut all_known = true;
            expr.references(&mut |urn, _| all_known &= known.contains(urn));
            let now = expr.eval(&|urn| recorded_outputs(snapshot, urn));
            all_known && now.is_ok_and(|now| now == *recorded)
        });
        let expr = expr.cloned().unwrap_or_else(|| Expr::Literal(recorded.clone()));
        graph.exports.insert(name.clone(), expr);
    }
    graph.order = order(&graph.nodes);
    Ok(graph)
}

/// The program's declaration, if it is what is recorded in every respect.
fn still_wanted(
    wanted: &Wanted,
    snapshot: &Snapshot,
    record: &Record,
    known: &BTreeSet<&Urn>,
) -> Option<Node> {
    let intent = wanted.intent(snapshot, record)?;
    let node = intent.node;
    let same = node.urn == record.urn
        && intent.pending.is_empty()
        && intent.desired.as_ref().is_some_and(|desired| !desired.has_unknown())
        && !node.treats_otherwise(&record.options)
        && record.provider.as_ref().map(|provider| &provider.urn) == node.provider.as_ref()
        && record.dependencies == node.dependencies()
        && record.dependencies.iter().all(|on| known.contains(on));
    if !same {
        return None;
    }
    let mut node = node.clone();
    // It is there.
    node.options.aliases.clear();
    node.options.import = None;
    Some(node)
}

/// The declaration of exactly what is recorded.
#[track_caller]
pub(super) fn as_recorded(
    engine: &Engine,
    wanted: &Wanted,
    record: &Record,
    known: &BTreeSet<&Urn>,
) -> Result<Node> {
    let declared = wanted.node(&record.urn);
    let driver = engine.registry.get(record.urn.kind());
    let driver = driver.or(declared.map(|node| &node.driver)).ok_or_else(|| {
        let message = format!(
            "no driver of this program knows the kind of {}: nothing is repaired where not everything is known. Add the \
             cloud to the program again, or forget the object with `state rm`",
            record.urn
        );
        Error::new(ErrorKind::Refused, message)
    })?;
    let inputs = record.inputs.as_map().into_iter().flatten();
    let inputs = inputs.map(|(field, value)| (field.clone(), literal(value))).collect();
    let depends_on = record.dependencies.iter().filter(|on| known.contains(on)).cloned();
    let options = NodeOptions {
        protect: record.options.protect || declared.is_some_and(|node| node.options.protect),
        retain_on_delete: record.options.retain_on_delete,
        delete_timeout: record.options.delete_timeout.map(std::time::Duration::from_secs),
        depends_on: depends_on.collect(),
        ignore_changes: declared.map(|it| it.options.ignore_changes.clone()).unwrap_or_default(),
        allow: declared.map(|it| it.options.allow.clone()).unwrap_or_default(),
        ..NodeOptions::default()
    };
    Ok(Node {
        urn: record.urn.clone(),
        role: driver.role(),
        driver: Arc::clone(driver),
        inputs,
        provider: record.provider.as_ref().map(|provider| provider.urn.clone()),
        options,
        at: declared.map_or_else(Location::caller, |node| node.at),
    })
}

fn literal(value: &Value) -> Expr {
    Expr::Literal(value.clone())
}

/// What is used before what uses it. The state has no circles.
pub(super) fn order(nodes: &BTreeMap<Urn, Node>) -> Vec<Urn> {
    let urns: Vec<&Urn> = nodes.keys().collect();
    let places: BTreeMap<&Urn, usize> =
        urns.iter().enumerate().map(|(at, urn)| (*urn, at)).collect();
    let needs = |at: usize| {
        let needs = nodes[urns[at]].dependencies();
        needs.iter().filter_map(|on| places.get(on).copied()).filter(|on| *on != at).collect()
    };
    let order = crate::graph::order(urns.len(), needs);
    let order = order.unwrap_or_else(|_| (0..urns.len()).collect());
    order.into_iter().map(|at| urns[at].clone()).collect()
}

/// The recorded outputs of everything that is only looked up: it is not looked up again.
pub(super) fn lookups(graph: &Graph, snapshot: &Snapshot) -> BTreeMap<Urn, Value> {
    let lookups = graph.nodes.values().filter(|node| node.role == Role::Lookup);
    lookups
        .filter_map(|node| Some((node.urn.clone(), recorded_outputs(snapshot, &node.urn)?.clone())))
        .collect()
}
