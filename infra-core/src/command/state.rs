//! Operating on what is remembered, without touching a cloud. Every change takes the lock and goes into the history.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use infra_state::{
    Change, Deployment, ExportSecrets, HistoryEntry, Identity, Migrated, Outcome, Position, Push,
    Rebind, Record, Sealer, Session, Snapshot, State, Status, Urn,
};

use super::{
    deploy::file_earlier,
    names::resolve,
    outputs::{never_made, remembered},
};
use crate::{Engine, Error, ErrorKind, Result};

/// Every object that is remembered, in the order of the urns.
pub async fn list(engine: &Engine) -> Result<Vec<Arc<Record>>> {
    Ok(remembered(engine).await?.snapshot.records.values().cloned().collect())
}

/// The objects of one resource: its own, and those that only wait to be deleted.
pub async fn show(engine: &Engine, name: &str) -> Result<Vec<Arc<Record>>> {
    let snapshot = remembered(engine).await?.snapshot;
    let urn = find(&snapshot, name)?;
    Ok(snapshot.of(&urn).cloned().collect())
}

/// Gives a resource another name (a whole urn of the same kind, or only the name), in everything that depends on it
/// too.
pub async fn mv(engine: &Engine, from: &str, to: &str, wait: Duration) -> Result<Urn> {
    change(engine, "state mv", wait, |snapshot| {
        let from = find(snapshot, from)?;
        let to: Urn = if to.contains("::") { to.parse()? } else { Urn::new(from.kind(), to)? };
        if to.kind() != from.kind() {
            let message = format!("{from} cannot become {to}: the kind must stay the same");
            return Err(Error::new(ErrorKind::Usage, message));
        }
        if snapshot.of(&to).next().is_some() {
            return Err(Error::new(
                ErrorKind::Refused,
                format!("there is a resource {to} already"),
            ));
        }
        settled(snapshot, &from)?;
        let mut changes = Vec::new();
        for record in snapshot.of(&from) {
            changes.push(Change::Put(Record { urn: to.clone(), ..renamed(record, &from, &to) }));
        }
        for record in
            snapshot.records.values().filter(|record| record.urn != from && uses(record, &from))
        {
            changes.push(Change::Put(renamed(record, &from, &to)));
        }
        changes.extend(snapshot.of(&from).map(|record| Change::Forgotten(record.key())));
        Ok((changes, to))
    })
    .await
}

/// Forgets a resource; its object stays in the cloud. Refused while others depend on it, and while nobody knows what an
/// operation on it that was cut off has made, unless `force`.
pub async fn rm(engine: &Engine, name: &str, force: bool, wait: Duration) -> Result<Urn> {
    change(engine, "state rm", wait, |snapshot| {
        let urn = find(snapshot, name)?;
        unused(snapshot, &urn)?;
        let begun = snapshot.open.values().any(|open| open.intent.record.urn == urn);
        if begun && !force {
            let message = format!(
                "{urn} has an operation that was cut off, and what that did is not recorded. `up` settles it; or say \
                 --force, and what it made stays in the cloud, known to nobody"
            );
            return Err(Error::new(ErrorKind::Refused, message));
        }
        let users: Vec<&Arc<Record>> = snapshot
            .records
            .values()
            .filter(|record| record.urn != urn && uses(record, &urn))
            .collect();
        let through = users.iter().any(|user| user.provider.as_ref().is_some_and(|p| p.urn == urn));
        if !users.is_empty() && (!force || through) {
            let names: Vec<_> = users.iter().map(|user| user.urn.as_str()).collect();
            let way =
                if through { "forget those first" } else { "forget those first, or say --force" };
            let message = format!("{urn} is needed by {}: {way}", names.join(", "));
            return Err(Error::new(ErrorKind::Refused, message));
        }
        let mut changes = Vec::new();
        for user in users {
            let mut user = (**user).clone();
            user.dependencies.remove(&urn);
            changes.push(Change::Put(user));
        }
        // What was begun for it and never settled is forgotten with it.
        for open in snapshot.open.values().filter(|open| open.intent.record.urn == urn) {
            let message = "forgotten by `state rm`".to_owned();
            changes.push(Change::Failed { op: open.intent.op, message, record: None });
        }
        changes.extend(snapshot.of(&urn).map(|record| Change::Forgotten(record.key())));
        Ok((changes, urn))
    })
    .await
}

/// Protects resources, or ends their protection, whatever the program says until its next `up`.
pub async fn protect(
    engine: &Engine,
    names: &[String],
    protect: bool,
    wait: Duration,
) -> Result<BTreeSet<Urn>> {
    let command = if protect { "state protect" } else { "state unprotect" };
    change(engine, command, wait, |snapshot| {
        let urns: BTreeSet<Urn> =
            names.iter().map(|name| find(snapshot, name)).collect::<Result<_>>()?;
        let mut changes = Vec::new();
        for record in urns.iter().flat_map(|urn| snapshot.of(urn)) {
            if record.options.protect != protect {
                let mut record = (**record).clone();
                record.options.protect = protect;
                changes.push(Change::Put(record));
            }
        }
        Ok((changes, urns))
    })
    .await
}

/// Takes the lock from the holder that `nonce` names.
pub async fn unlock(engine: &Engine, nonce: &str) -> Result<()> {
    Ok(engine.state.unlock(nonce).await?)
}

/// The whole state as a text that [`push`] reads.
pub async fn pull(engine: &Engine, secrets: ExportSecrets) -> Result<String> {
    Ok(engine.state.export(secrets).await?)
}

/// Makes the state what such a text says.
pub async fn push(engine: &Engine, text: &str, how: Push, wait: Duration) -> Result<Position> {
    Ok(engine.state.import(text, engine.holder("state push"), wait, how).await?)
}

/// Moves the state to another place, with its history.
pub async fn migrate(engine: &Engine, to: &State, wait: Duration) -> Result<Migrated> {
    let moved = engine.state.migrate_to(to, engine.holder("state migrate"), wait).await?;
    if !moved.already {
        noted(engine, to, &format!("state migrate --to {}", to.url())).await;
    }
    Ok(moved)
}

/// Files a move at the new place, as the last thing that happened. The move itself is done: what goes wrong here is no
/// reason to say otherwise.
pub(super) async fn noted(engine: &Engine, to: &State, command: &str) {
    let note = async {
        let session = to.acquire(engine.holder(command), Duration::ZERO).await?;
        commit(engine, &session, command, Vec::new()).await
    };
    if let Err(error) = note.await {
        tracing::warn!(%error, "the move is missing from the history");
    }
}

/// Seals everything that is stored anew, with a fresh key that `to` keeps. Gives how many objects that were.
pub async fn rekey(engine: &Engine, to: Arc<dyn Sealer>, wait: Duration) -> Result<u64> {
    let command = "state rekey";
    let acquired = async |state: &State| match state.read().await? {
        // Taking the lock would make the stack.
        None => Ok(None),
        Some(_) => state.acquire(engine.holder(command), wait).await.map(Some),
    };
    let session = match acquired(&engine.state).await {
        // One that was cut off after the new key had come to count: it is done again, which ends it.
        Err(error) if error.kind() == infra_state::ErrorKind::Key => {
            let again = acquired(&engine.state.with_sealer(Arc::clone(&to))).await;
            again.map_err(|_| error)?
        }
        session => session?,
    };
    let session = session.ok_or_else(|| never_made(engine))?;
    let (before, ended) = session.with(|snapshot| (snapshot.deployment.clone(), snapshot.outcome));
    let cloud = before.as_ref().and_then(|before| before.cloud.clone());
    let deployment = Deployment { cloud, ..engine.deployment(command, before.as_ref()) };
    if let Some(before) = before {
        file_earlier(engine, &session, before, ended).await;
    }
    let sealed = async {
        session.commit(vec![Change::Begun(deployment.clone())]).await?;
        session.rekey(to).await
    };
    let sealed = sealed.await;
    let outcome = if sealed.is_ok() { Outcome::Succeeded } else { Outcome::Failed };
    let ended_now = session.commit(vec![Change::Ended(outcome)]).await;
    let count = match (sealed, ended_now) {
        (Ok(count), Ok(())) => count,
        (Err(error), _) | (_, Err(error)) => {
            session.release().await?;
            return Err(error.into());
        }
    };
    let entry = HistoryEntry {
        deployment,
        ended: engine.env.now(),
        outcome,
        summary: std::iter::once(("sealed".to_owned(), count)).collect(),
        position: session.position(),
        graph: None,
    };
    session.close(entry).await?;
    Ok(count)
}

/// Makes state that was copied or moved here this stack's own.
pub async fn rebind(engine: &Engine, how: Rebind, wait: Duration) -> Result<Identity> {
    Ok(engine.state.rebind(engine.holder("state rebind"), wait, how).await?)
}

fn find(snapshot: &Snapshot, name: &str) -> Result<Urn> {
    let open = snapshot.open.values().map(|open| &open.intent.record.urn);
    let mut urns: Vec<&Urn> = snapshot.records.keys().map(|key| &key.urn).chain(open).collect();
    urns.sort_unstable();
    urns.dedup();
    resolve(name, urns)
}

fn uses(record: &Record, urn: &Urn) -> bool {
    record.dependencies.contains(urn) || record.provider.as_ref().is_some_and(|p| p.urn == *urn)
}

fn renamed(record: &Record, from: &Urn, to: &Urn) -> Record {
    let mut record = record.clone();
    if record.dependencies.remove(from) {
        record.dependencies.insert(to.clone());
    }
    if let Some(provider) = record.provider.as_mut().filter(|provider| provider.urn == *from) {
        provider.urn = to.clone();
    }
    record
}

/// An operation that is not settled knows the resource by its old name.
fn settled(snapshot: &Snapshot, urn: &Urn) -> Result<()> {
    let open = snapshot.open.values().any(|open| open.intent.record.urn == *urn);
    let unresolved = snapshot.of(urn).any(|record| record.status == Status::Unresolved);
    if open || unresolved {
        let message = format!("{urn} has an operation that is not settled; run `up` first");
        return Err(Error::new(ErrorKind::Refused, message));
    }
    unused(snapshot, urn)
}

/// Refuses if something is being made or changed that uses the resource: it would be recorded as made from nothing.
fn unused(snapshot: &Snapshot, urn: &Urn) -> Result<()> {
    let mut open = snapshot.open.values().map(|open| &open.intent.record);
    let Some(user) = open.find(|record| record.urn != *urn && uses(record, urn)) else {
        return Ok(());
    };
    let message =
        format!("{} uses {urn} and has an operation that is not settled; run `up` first", user.urn);
    Err(Error::new(ErrorKind::Refused, message))
}

/// One change of state as a deployment of its own.
async fn change<T>(
    engine: &Engine,
    command: &str,
    wait: Duration,
    edit: impl FnOnce(&Snapshot) -> Result<(Vec<Change>, T)>,
) -> Result<T> {
    // Taking the lock would make the stack.
    if engine.state.read().await?.is_none() {
        return Err(never_made(engine));
    }
    let session = engine.state.acquire(engine.holder(command), wait).await?;
    let edited = edit(&session.snapshot());
    let (changes, result) = match edited {
        Ok((changes, result)) if changes.is_empty() => {
            session.release().await?;
            return Ok(result);
        }
        Ok(edited) => edited,
        Err(error) => {
            session.release().await?;
            return Err(error);
        }
    };
    commit(engine, &session, command, changes).await?;
    Ok(result)
}

/// These changes as a deployment of its own; closes the session.
pub(super) async fn commit(
    engine: &Engine,
    session: &Session,
    command: &str,
    changes: Vec<Change>,
) -> Result<()> {
    let (before, ended) = session.with(|snapshot| (snapshot.deployment.clone(), snapshot.outcome));
    // No cloud was touched: where the objects are stays what it was.
    let cloud = before.as_ref().and_then(|before| before.cloud.clone());
    let deployment = Deployment { cloud, ..engine.deployment(command, before.as_ref()) };
    let records = changes.len() as u64;
    let mut all = vec![Change::Begun(deployment.clone())];
    all.extend(changes);
    all.push(Change::Ended(Outcome::Succeeded));
    if let Some(before) = before {
        file_earlier(engine, session, before, ended).await;
    }
    if let Err(error) = session.commit(all).await {
        session.release().await?;
        return Err(error.into());
    }
    let entry = HistoryEntry {
        deployment,
        ended: engine.env.now(),
        outcome: Outcome::Succeeded,
        summary: std::iter::once(("records".to_owned(), records)).collect(),
        position: session.position(),
        graph: None,
    };
    Ok(session.close(entry).await?)
}
