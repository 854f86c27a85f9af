//! The command.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_trait::async_trait;
use infra_state::{Change, HistoryEntry, Lineage, Outcome, Record, StackName, Status, Urn, Value};

use super::{
    found::{AsFound, Found, FoundObject, SecretFrom},
    records::Written,
    settle::{is_object, is_secret},
    walk::{Settled, Walk},
};
use crate::{
    Engine, Error, ErrorKind, Result,
    command::Confirmed,
    event::Event,
    graph::{Graph, Role},
};

pub(super) const COMMAND: &str = "state rebuild";

/// How to write a lost state again.
#[derive(Clone, Debug, Default)]
pub struct RebuildOptions {
    /// Which life of the stack it is, where the cloud has objects of several.
    pub lineage: Option<Lineage>,
    /// The names of secrets that get a new value.
    pub rotate: BTreeSet<String>,
    /// The id of the object that a resource is, where it has several.
    pub current: BTreeMap<Urn, String>,
    /// The names that the stack had before it was renamed: what was made then carries them.
    pub formerly: BTreeSet<StackName>,
    /// What the program does not declare is not remembered: it stays in the cloud.
    pub forget_unknown: bool,
    /// How long to wait for the lock.
    pub lock_timeout: Duration,
}

/// Asks the person.
#[async_trait]
pub trait ConfirmRebuild: Send + Sync {
    /// Whether to write the state like this.
    async fn confirm(&self, found: &Found) -> Result<bool>;
}

#[async_trait]
impl ConfirmRebuild for Confirmed {
    async fn confirm(&self, _: &Found) -> Result<bool> {
        Ok(true)
    }
}

/// Writes the state of a living stack again, from what the program declares and what the cloud has. Changes nothing in
/// the cloud.
pub async fn rebuild(
    engine: &Engine,
    options: &RebuildOptions,
    confirm: &dyn ConfirmRebuild,
) -> Result<Found> {
    is_lost(engine).await?;
    let graph = engine.graph()?;
    if let Some(urn) = options.current.keys().find(|urn| !graph.nodes.contains_key(*urn)) {
        let message = format!("`--current {urn}=…`: the program does not declare it");
        return Err(Error::new(ErrorKind::Usage, message));
    }
    let mut walk = Walk::new(engine, &graph, options);
    walk.run().await?;
    let lineage = lineage(&walk)?;
    walk.read_again().await?;
    let mut written = walk.records()?;
    if !walk.problems.is_empty() {
        let message =
            "the state cannot be written again as long as this is not decided; nothing was written";
        let problems = std::mem::take(&mut walk.problems);
        return Err(Error::new(ErrorKind::Refused, message).with_mistakes(problems));
    }
    if !options.forget_unknown {
        walk.remember_orphans(&mut written);
    }
    let found = found(&walk, lineage, &written)?;
    engine.events.send(Event::Found(Box::new(found.clone())));
    if !confirm.confirm(&found).await? {
        return Err(Error::new(ErrorKind::Refused, "declined: nothing was written"));
    }
    write(engine, options, &graph, lineage, written).await?;
    Ok(found)
}

/// Refuses where there is a state.
async fn is_lost(engine: &Engine) -> Result<()> {
    let Some(view) = engine.state.read().await? else { return Ok(()) };
    let (name, url) = (engine.state.name(), engine.state.url());
    let objects = view.snapshot.records.len() + view.snapshot.open.len();
    let message = if let Some(holder) = view.holder {
        format!("somebody works on {name}: {holder}")
    } else if objects > 0 {
        format!(
            "there is a state of {name} in {url}, with {objects} resources: it is not lost. To compare it with the \
             cloud: `preview --refresh`; to write it again all the same, keep it with `state pull` and move it away"
        )
    } else if view.snapshot.deployment.is_some() {
        format!(
            "there is a state of {name} in {url}, with nothing in it. If the cloud has objects of the stack all the \
             same, remove it with `stack rm`, then say `state rebuild` again"
        )
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Refused, format!("{message}. Nothing was changed")))
}

/// The lineage to write; every object that carries tags has it.
fn lineage(walk: &Walk<'_>) -> Result<Lineage> {
    let name = walk.engine.state.name();
    let message = match walk.lineage {
        Some(lineage) if walk.options.lineage.is_none() || walk.lineages.contains_key(&lineage) => {
            return Ok(lineage);
        }
        Some(lineage) => {
            let known: Vec<_> = walk.lineages.iter().map(|(l, n)| format!("{l} ({n})")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            format!(
                "no object in the cloud has the lineage {lineage}; those of {name} have: {known}"
            )
        }
        None => {
            let places = walk.places.iter().map(|(urn, place)| {
                format!("`{urn}` ({})", crate::execute::connections::describe(&place.identity))
            });
            let places = places.collect::<Vec<_>>().join(", ");
            let places = if places.is_empty() { "no provider at all".to_owned() } else { places };
            format!(
                "nothing carries the tags of {name} where its providers point: {places}. Look whether account and \
                 region are right; what was made under another name of the stack is found with `--formerly NAME`; if the \
                 stack was never made, `up` makes it"
            )
        }
    };
    Err(Error::new(ErrorKind::Refused, format!("{message}. Nothing was written")))
}

fn found(walk: &Walk<'_>, lineage: Lineage, written: &Written) -> Result<Found> {
    let of_graph = |urn: &Urn| walk.graph.nodes.get(urn);
    let is_here = |record: &&Record| of_graph(&record.urn).is_none_or(is_object);
    let mut objects: Vec<_> = written
        .records
        .iter()
        .filter(is_here)
        .map(|record| FoundObject {
            urn: record.urn.clone(),
            id: record.id.clone().unwrap_or_default(),
            as_found: match record.status {
                _ if of_graph(&record.urn).is_none() => AsFound::Unknown,
                Status::Deposed => AsFound::Deposed,
                Status::Ready => AsFound::Current,
                Status::Incomplete | Status::Unresolved => AsFound::Incomplete,
            },
            differs: match record.status {
                Status::Deposed => Vec::new(),
                _ => written.differs.get(&record.urn).cloned().unwrap_or_default(),
            },
        })
        .collect();
    if walk.options.forget_unknown {
        objects.extend(walk.orphans().into_iter().map(|object| FoundObject {
            urn: object.urn.clone(),
            id: object.seen.id.clone(),
            as_found: AsFound::Forgotten,
            differs: Vec::new(),
        }));
    }
    objects.sort_by(|a, b| (&a.urn, a.as_found, &a.id).cmp(&(&b.urn, b.as_found, &b.id)));
    let missing = walk.settled.iter().filter_map(|(urn, settled)| match settled {
        Settled::Missing(why) => Some((urn.clone(), why.clone())),
        _ => None,
    });
    let missing: BTreeMap<Urn, String> = missing.collect();
    let mut renamed = BTreeMap::new();
    for urn in missing.keys() {
        let unknown = objects
            .iter()
            .filter(|object| of_graph(&object.urn).is_none() && object.urn.kind() == urn.kind());
        let unknown: BTreeSet<_> = unknown.map(|object| object.urn.clone()).collect();
        if !unknown.is_empty() {
            renamed.insert(urn.clone(), unknown.into_iter().collect());
        }
    }
    let mut secrets = BTreeMap::new();
    for urn in walk.graph.order.iter().filter(|urn| is_secret(urn)) {
        let from = if walk.rotated.contains(urn) {
            SecretFrom::Rotated
        } else {
            SecretFrom::Places(walk.sources(urn)?)
        };
        secrets.insert(urn.clone(), from);
    }
    let lookups = walk.graph.nodes.values().filter(|node| node.role == Role::Lookup);
    let lookups = lookups.filter(|node| walk.settled.get(&node.urn) == Some(&Settled::Known));
    let others = walk.lineages.iter().filter(|(other, _)| **other != lineage);
    Ok(Found {
        stack: walk.engine.state.name().clone(),
        lineage,
        objects,
        missing,
        renamed,
        secrets,
        lookups: lookups.count(),
        others: others.map(|(lineage, n)| (*lineage, *n)).collect(),
        strange: walk.strange.clone(),
        unasked: walk.unasked.clone(),
    })
}

/// Writes everything as one deployment.
async fn write(
    engine: &Engine,
    options: &RebuildOptions,
    graph: &Graph,
    lineage: Lineage,
    written: Written,
) -> Result<()> {
    let who = engine.holder(COMMAND);
    let session = engine.state.acquire_lost(who, options.lock_timeout, lineage).await?;
    let deployment = engine.deployment(COMMAND, None);
    let count = written.records.len() as u64;
    let outputs: BTreeMap<Urn, Value> =
        written.records.iter().map(|it| (it.urn.clone(), it.outputs.clone())).collect();
    let mut changes = vec![Change::Begun(deployment.clone())];
    changes.extend(written.records.into_iter().map(Change::Put));
    changes.push(Change::Exports(written.exports));
    changes.push(Change::Ended(Outcome::Succeeded));
    if let Err(error) = session.commit(changes).await {
        let _ = session.release().await;
        return Err(error.into());
    }
    let entry = HistoryEntry {
        deployment,
        ended: engine.env.now(),
        outcome: Outcome::Succeeded,
        summary: std::iter::once(("records".to_owned(), count)).collect(),
        position: session.position(),
        graph: Some(graph.to_value(&|urn| outputs.get(urn))),
    };
    Ok(session.close(entry).await?)
}
