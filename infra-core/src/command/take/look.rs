//! Reading the candidates, in bulk.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use futures_util::future::join_all;
use infra_state::{Lineage, Urn};

use super::places::Places;
use crate::{
    Engine, Error, ErrorKind, Result,
    command::observe::{For, Groups, read},
    event::Event,
    provider::{Class, Driver, ErasedFind, ErasedObserved, Operation, Readiness},
    transfer::take::{Candidate, Left, Reason},
};

/// A candidate that is there.
pub(super) struct Found {
    pub(super) candidate: Candidate,
    pub(super) driver: Arc<dyn Driver>,
    pub(super) provider: Urn,
    pub(super) seen: ErasedObserved,
}

/// Reads all candidates. What is not there, or not ours to take, is left.
pub(super) async fn look(
    engine: &Engine,
    places: &mut Places<'_>,
    candidates: Vec<Candidate>,
    lineage: Option<Lineage>,
    left: &mut Vec<Left>,
) -> Result<Vec<Found>> {
    let mut groups = Groups::default();
    let mut asked = BTreeMap::new();
    let mut met: HashSet<(String, String, Urn)> = HashSet::new();
    for (at, candidate) in candidates.into_iter().enumerate() {
        let leave = |reason, why: String| Left { origin: candidate.origin.clone(), reason, why };
        let Some(driver) = engine.registry.get(&candidate.kind) else {
            let why = format!("this program has no kind `{}`", candidate.kind);
            left.push(leave(Reason::Unmapped, why));
            continue;
        };
        let Some(provider) = driver.provider_kind() else {
            let why = format!("`{}` is no object of a cloud", candidate.kind);
            left.push(leave(Reason::Unmapped, why));
            continue;
        };
        // Two of the other tool's may be one of ours: a group's rule inside of it, and on its own.
        let (urn, connection) = places.of(provider, candidate.place.as_ref()).await?;
        if !met.insert((candidate.kind.clone(), candidate.id.clone(), urn.clone())) {
            let why = format!("it is {} {}, which is taken already", candidate.kind, candidate.id);
            left.push(leave(Reason::Part, why));
            continue;
        }
        // What a read is for is told apart by a urn; names come later.
        let read_as = Urn::new(&candidate.kind, &at.to_string())?;
        let find = ErasedFind::Id { id: candidate.id.clone(), recorded: None };
        groups.add(driver, connection, For::Import(read_as.clone()), find);
        asked.insert(read_as, (candidate, Arc::clone(driver), urn));
    }
    engine.events.send(Event::Reading { objects: asked.len() });
    let mut found = BTreeMap::new();
    let reads = groups.all.into_iter().map(|group| read(engine, group));
    for (what, answer) in join_all(reads).await.into_iter().flatten() {
        let Some((candidate, driver, provider)) = asked.remove(what.urn()) else { continue };
        let (kind, id) = (&candidate.kind, &candidate.id);
        let leave = |reason, why| Left { origin: candidate.origin.clone(), reason, why };
        let seen = match answer {
            Ok(Some(seen)) => seen,
            Ok(None) => {
                let why = format!("there is no {kind} with the id `{id}`");
                left.push(leave(Reason::Missing, why));
                continue;
            }
            Err(e) if e.class() == Class::NotFound => {
                let why = format!("there is no {kind} with the id `{id}`");
                left.push(leave(Reason::Missing, why));
                continue;
            }
            Err(e) if e.class() == Class::Invalid => {
                left.push(leave(Reason::Unmapped, format!("{kind} {id} cannot be read: {e}")));
                continue;
            }
            Err(e) => {
                let message = format!("{}: {kind} {id} cannot be read: {e}", candidate.origin);
                return Err(Error::new(ErrorKind::Failed, message).because(e));
            }
        };
        if let Some(why) = not_ours(&seen, lineage) {
            left.push(leave(Reason::Elsewhere, why));
            continue;
        }
        if let Readiness::Deleting(why) = &seen.readiness {
            left.push(leave(Reason::Missing, format!("{id} is being deleted ({why})")));
            continue;
        }
        if let Some(why) = seen.unsayable(kind) {
            left.push(leave(Reason::Unmapped, why));
            continue;
        }
        let at: usize = what.urn().name().parse().unwrap_or(usize::MAX);
        found.insert(at, Found { candidate, driver, provider, seen });
    }
    Ok(found.into_values().collect())
}

/// Why an object is another stack's.
fn not_ours(seen: &ErasedObserved, lineage: Option<Lineage>) -> Option<String> {
    let owner = seen.owner.as_ref()?;
    let tag = |name: &str| owner.get(&format!("{}{name}", Operation::TAG_PREFIX));
    let theirs = tag("lineage")?;
    if lineage.is_some_and(|ours| ours.to_string() == *theirs) {
        return None;
    }
    let whose = tag("stack").map_or("another stack", String::as_str);
    Some(format!("{} belongs to {whose}: it is not taken over", seen.id))
}
