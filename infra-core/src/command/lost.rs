//! A stack without a state, of which the cloud has objects all the same (design §6.8).

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::join_all;
use infra_state::Lineage;

use super::{
    owned::{Owner, is_going, owned},
    planning::{Known, Planning},
};
use crate::{
    Error, ErrorKind, Result,
    event::Event,
    graph::{Node, Role},
    provider::{Class, Connection, Memo},
};

/// What is in the cloud of a stack of which nothing is remembered, as a sentence. A stack that was ever made costs
/// nothing here; another one a listing for each kind that it declares.
pub(super) async fn lost(planning: &Planning<'_>, known: &Known) -> Result<Option<String>> {
    let engine = planning.engine;
    if known.snapshot.deployment.is_some() || planning.options.destroy {
        return Ok(None);
    }
    let mut asked: BTreeMap<_, (&Node, Arc<Connection>)> = BTreeMap::new();
    for node in planning.graph.nodes.values().filter(|node| node.role == Role::Managed) {
        let Some(provider) = &node.provider else { continue };
        // What cannot be connected yet hangs on something that is not made, so nothing was made through it either.
        let Ok(connection) = planning.connections.get(provider).await else { continue };
        let place = (connection.identity.clone(), node.urn.kind());
        asked.entry(place).or_insert((node, connection));
    }
    let mut memos: BTreeMap<_, Memo> = BTreeMap::new();
    let ask =
        asked.iter().map(|((identity, kind), (node, connection))| {
            let memo = memos.entry(identity).or_default().clone();
            async move {
                (*kind, owned(engine, &node.driver, connection, &memo, engine.state.name()).await)
            }
        });
    let ask: Vec<_> = ask.collect();
    let mut lineages = BTreeMap::<Lineage, usize>::new();
    let mut denied = Vec::new();
    for (kind, answer) in join_all(ask).await {
        let objects = match answer {
            Ok(objects) => objects.unwrap_or_default(),
            Err(error) if error.class() == Class::Denied => {
                denied.push(kind);
                continue;
            }
            Err(error) => {
                let message =
                    format!("whether there are objects of {kind} already is not known: {error}");
                return Err(Error::new(ErrorKind::Failed, message).because(error));
            }
        };
        for object in objects.iter().filter(|object| !is_going(object)) {
            if let Some(owner) = Owner::of(object, std::slice::from_ref(engine.state.name())) {
                *lineages.entry(owner.lineage).or_default() += 1;
            }
        }
    }
    if !denied.is_empty() {
        engine.events.send(Event::Notice(format!(
            "whether the cloud has objects of the stack already is not known for {}: it may not be asked",
            denied.join(", ")
        )));
    }
    if lineages.is_empty() {
        return Ok(None);
    }
    let each = lineages.iter().map(|(lineage, n)| match n {
        1 => format!("1 object of the lineage {lineage}"),
        n => format!("{n} objects of the lineage {lineage}"),
    });
    Ok(Some(format!(
        "there is no state of {} in {}, but the cloud has {} with its tags",
        engine.state.name(),
        engine.state.url(),
        each.collect::<Vec<_>>().join(", and ")
    )))
}

/// Refuses to make a stack a second time.
pub(super) async fn refuse_lost(planning: &Planning<'_>, known: &Known) -> Result<()> {
    let Some(found) = lost(planning, known).await? else { return Ok(()) };
    // Somebody else may be making it for the first time right now.
    let now = planning.engine.state.read().await?;
    if now.is_some_and(|view| view.holder.is_some() || view.snapshot.deployment.is_some()) {
        return Ok(());
    }
    let message = format!(
        "{found}: the state was lost, or is kept in another place. Nothing was changed. To write it again: `state \
         rebuild`. To make the stack anew beside them, as another lineage: `--new-lineage`"
    );
    Err(Error::new(ErrorKind::Refused, message))
}

/// Says so where nothing is changed.
pub(super) async fn tell_lost(planning: &Planning<'_>, known: &Known) -> Result<()> {
    if let Some(found) = lost(planning, known).await? {
        planning.engine.events.send(Event::Notice(format!(
            "{found}: the state was lost, or is kept in another place. `up` refuses this plan; `state rebuild` writes \
             the state again"
        )));
    }
    Ok(())
}
