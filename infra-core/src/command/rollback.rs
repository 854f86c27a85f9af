//! An earlier deployment as the plan of a new one.

use std::{collections::BTreeMap, sync::Arc};

use infra_state::{HistoryEntry, Snapshot, Urn, Value};

use super::{
    Confirm, Preview, PreviewOptions, UpOptions, outputs::never_made, planning::Planning,
    preview::look, up::carry_out,
};
use crate::{
    Engine, Error, ErrorKind, Result,
    event::Summary,
    graph::{Graph, Mistake, Restoring},
    plan::{Action, Plan},
};

/// Brings the stack back to what deployment `number` declared: [`up`](super::up) with the graph that was filed with it
/// instead of the program's. It is a deployment of its own, and can be rolled back.
pub async fn rollback(
    engine: &Engine,
    number: u64,
    options: &UpOptions,
    confirm: &dyn Confirm,
) -> Result<Summary> {
    let entry = find(engine, number).await?;
    let view = engine.state.read().await?;
    let planning = Planning::back(engine, entry, &options.plan);
    carry_out(engine, options, confirm, view, planning).await
}

/// Shows what [`rollback`] would do.
pub async fn preview_rollback(
    engine: &Engine,
    number: u64,
    options: &PreviewOptions,
) -> Result<Preview> {
    let entry = find(engine, number).await?;
    let view = engine.state.read().await?;
    look(engine, view.as_ref(), Planning::back(engine, entry, &options.plan)).await
}

/// The resources that deployment `number` declared, for what a person names.
pub async fn declared_then(engine: &Engine, number: u64) -> Result<Vec<Urn>> {
    let entry = find(engine, number).await?;
    let nodes = entry.graph.as_ref().and_then(|graph| graph.get("nodes")).and_then(Value::as_map);
    let urns = nodes.into_iter().flat_map(|nodes| nodes.keys());
    Ok(urns.filter_map(|urn| urn.parse().ok()).collect())
}

async fn find(engine: &Engine, number: u64) -> Result<Arc<HistoryEntry>> {
    let usage = |message: String| Err(Error::new(ErrorKind::Usage, message));
    let Some(entry) = engine.state.deployment(number).await? else {
        if engine.state.read().await?.is_none() {
            return Err(never_made(engine));
        }
        return usage(format!("there is no deployment {number}; `history` lists those there are"));
    };
    if entry.graph.is_none() {
        let command = &entry.deployment.command;
        let way = match &**command {
            "destroy" => "To remove everything say `destroy`",
            _ => "Name an `up` or a `rollback` that came to its end",
        };
        return usage(format!(
            "deployment {number} is a `{command}` without a graph to go back to. {way}; `history` lists them"
        ));
    }
    Ok(Arc::new(entry))
}

/// The graph of a deployment, as it would be declared today.
pub(super) fn restored(
    engine: &Engine,
    entry: &HistoryEntry,
    snapshot: &Snapshot,
) -> Result<(Graph, Vec<String>)> {
    // Kinds that only lines of the program mention are known by those.
    let mut registry = engine.registry.clone();
    if let Ok(graph) = engine.graph() {
        graph.nodes.into_values().for_each(|node| registry.add(node.driver));
    }
    let defaults = |kind: &str| {
        let config = engine.connector(kind)?.default_provider(&engine.context);
        config.map_err(|e| Error::new(ErrorKind::Usage, e.to_string()).because(e))
    };
    let with = Restoring {
        stack: engine.state.name(),
        registry: &registry,
        defaults: &defaults,
        snapshot,
    };
    let graph = entry.graph.as_ref().unwrap_or(&Value::Null);
    let (graph, notes) = Graph::restore(graph, &with).map_err(|e| otherwise(entry, &e))?;
    let deployment = &entry.deployment;
    let mut said = vec![format!(
        "this goes back to deployment {} (`{}` by {} at {}{})",
        deployment.number,
        deployment.command,
        deployment.by,
        deployment.at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        revision(entry).map_or_else(String::new, |revision| format!(", revision {revision}"))
    )];
    if entry.outcome != infra_state::Outcome::Succeeded {
        said.push(format!(
            "deployment {} did not succeed then: what it declared was perhaps never there as a whole",
            deployment.number
        ));
    }
    said.extend(notes);
    Ok((graph, said))
}

/// Refuses a plan that hangs on what code would make of something that is not known yet: it would only fail half-way.
pub(super) fn refuse_code(entry: &HistoryEntry, graph: &Graph, plan: &Plan) -> Result<()> {
    let stays = |action| !matches!(action, Action::Delete | Action::DeleteOld | Action::Forget);
    let steps = plan.steps.iter().filter(|step| stays(step.action));
    let outputs: BTreeMap<&Urn, &Value> =
        steps.clone().map(|step| (&step.urn, &*step.outputs)).collect();
    let known = |urn: &Urn| outputs.get(urn).copied();
    let mut mistakes = Vec::new();
    let mut check = |user: String, urn: Option<&Urn>, expr: &crate::graph::Expr| {
        expr.remembered(&mut |closure| {
            if closure.input.eval(&known).is_ok_and(|input| input.has_unknown()) {
                let why = closure.cannot("is applied to what is known only once it is made");
                let message = format!("{user}: {why}");
                mistakes.push(Mistake { message, urn: urn.cloned(), at: None });
            }
        });
    };
    for step in steps.filter(|step| step.action != Action::Keep) {
        let node = graph.nodes.get(&step.urn);
        for (field, expr) in node.iter().flat_map(|node| &node.inputs) {
            check(format!("`{field}`"), Some(&step.urn), expr);
        }
    }
    for (name, expr) in &graph.exports {
        check(format!("the export `{name}`"), None, expr);
    }
    if mistakes.is_empty() { Ok(()) } else { Err(otherwise(entry, &Error::program(mistakes))) }
}

/// The same error, with the other way to go back.
pub(super) fn otherwise(entry: &HistoryEntry, error: &Error) -> Error {
    let number = entry.deployment.number;
    let way = match revision(entry) {
        Some(revision) => {
            format!("Check out revision {revision} of the program and run `up` there")
        }
        None => "Run `up` of the program as it was then".to_owned(),
    };
    let mistakes = error.mistakes();
    let what = if mistakes.is_empty() { format!(": {error}") } else { String::new() };
    let message = format!(
        "deployment {number} cannot be gone back to from what was filed of it{what}. Nothing was changed. {way}"
    );
    Error::new(ErrorKind::Refused, message).with_mistakes(mistakes.to_vec())
}

fn revision(entry: &HistoryEntry) -> Option<&str> {
    Some(&*entry.deployment.revision).filter(|revision| !revision.is_empty())
}
