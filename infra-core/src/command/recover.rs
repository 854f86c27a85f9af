//! What an earlier run left open is settled before anything new is done (design §6.5).

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use infra_state::{Change, OpenIntent, Record, Session, Status, Value, Verb};

use crate::{
    Engine, Error, ErrorKind, Result,
    event::Event,
    execute::{Connections, Object, Scope, Unmade},
    panics::caught_in,
    plan::{DiffKind, converge, left_behind},
    provider::{Class, ErasedObserved, Error as CallError, Readiness, Schema},
    scrub::taint,
};

/// How long the calls of one recovery are tried again.
const PATIENCE: Duration = Duration::from_mins(2);

/// Settles every operation that was begun and is not known to be over.
///
/// **Invariant:** nothing is made twice. An object is looked for by what the create gave it; a create is called again
/// only with the same operation, where the cloud tells the second call from a new one.
pub(super) async fn recover(
    engine: &Engine,
    session: &Arc<Session>,
    connections: &Arc<Connections>,
) -> Result<()> {
    let open: Vec<OpenIntent> = session.with(|snapshot| {
        connections.remember(&engine.registry, snapshot);
        snapshot.open.values().cloned().collect()
    });
    if open.is_empty() {
        return Ok(());
    }
    let scope = Scope::new(engine, Arc::clone(session), Arc::clone(connections));
    outwait(engine, &scope, &open).await;
    // What a connection is refused with may have its configuration in it.
    session.with(|snapshot| scope.scrub.learn_snapshot(snapshot));
    let settle = async |open| match caught_in(settle(&scope, open)).await {
        Ok(settled) => settled,
        Err(panic) => {
            let message = format!("the driver panicked: {}", scope.scrub.panicked(&panic));
            Err(Error::new(ErrorKind::Failed, message))
        }
    };
    let settled = join_all(open.iter().map(settle)).await;
    let mut failed = Vec::new();
    for (open, settled) in open.iter().zip(settled) {
        let urn = open.intent.record.urn.clone();
        match settled {
            Ok(how) => engine.events.send(Event::Recovered { urn, how }),
            Err(error) => failed.push(format!("{urn}: {error}")),
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let message =
        format!("what an earlier run left open cannot be settled now: {}", failed.join("; "));
    Err(Error::new(ErrorKind::Failed, message))
}

/// Waits until what the last calls of an earlier run did shows, and none of them is on its way any more.
///
/// It counts from now: the last attempt of a holder that lost the lock may have been given up a moment ago. From then on
/// every read tells the truth, and nothing that is settled can be undone by a call that nobody waits for: a create that arrives when its object is made and deleted again, a delete that arrives when the name has been given
/// anew.
async fn outwait(engine: &Engine, scope: &Scope, open: &[OpenIntent]) {
    // The calls of a cloud that lives in the process die with it.
    if engine.is_simulated() {
        return;
    }
    let windows = open.iter().filter_map(|open| scope.driver(&open.intent.record.urn).ok());
    let window = windows.map(|driver| driver.once().window).max().unwrap_or_default();
    if window.is_zero() {
        return;
    }
    engine.events.send(Event::Notice(format!(
        "an earlier run was cut off: in {} s everything that it had begun shows",
        window.as_secs_f32().ceil()
    )));
    tokio::select! {
        () = engine.env.sleep(window) => {}
        () = engine.cancel.aborted() => {}
    }
}

async fn settle(scope: &Scope, open: &OpenIntent) -> Result<String> {
    let record = &open.intent.record;
    scope.learn(record);
    let driver = scope.driver(&record.urn)?;
    let Some(provider) = &record.provider else {
        let message = format!("{} was made without a provider", record.urn);
        return Err(Error::new(ErrorKind::Failed, message));
    };
    let connection = scope.connections.holding(&provider.urn, &provider.identity).await;
    let object = Object {
        scope,
        driver,
        connection: connection.map_err(|e| scope.failure(&e))?,
        op: scope.operation(open.intent.op, &record.urn, &record.instance),
        step: None,
        deadline: scope.env.monotonic() + PATIENCE,
        visible: scope.visible(&record.urn, &record.dependencies),
    };
    let found = match open.intent.verb {
        Verb::Create => created(&object, open).await,
        Verb::Update | Verb::Read => updated(&object, open).await,
        Verb::Delete => deleted(&object, open).await,
    };
    let (how, change) = match found {
        Ok(found) => found,
        // It can be tried again, by somebody who may or when the cloud can be reached.
        Err(error) if error.class().is_retryable() => return Err(scope.failure(&error)),
        Err(error) if matches!(error.class(), Class::Denied | Class::Fenced) => {
            return Err(scope.failure(&error));
        }
        Err(error) => unresolved(scope, open, &error),
    };
    let mut changes: Vec<_> = displaced(scope, &change).into_iter().collect();
    changes.push(change);
    scope.commit(changes).await?;
    Ok(how)
}

type Settled = Result<(String, Change), CallError>;

async fn created(object: &Object<'_>, open: &OpenIntent) -> Settled {
    let record = &open.intent.record;
    let once = object.driver.once();
    let age = object.scope.env.now().duration_since(open.intent.at);
    let age = Duration::try_from(age).unwrap_or_default();
    if let Some(id) = &open.created {
        let found = object.read(id, &record.inputs, Duration::ZERO).await?;
        return Ok(made(object, open, found));
    }
    // The name settles it: an object of that name, with our instance in it, can only be ours.
    let repeatable = once.by_name || once.token.is_some_and(|lifetime| age < lifetime);
    let found = object.search(&record.inputs, Duration::ZERO).await?;
    if found.as_ref().is_some_and(|found| !is_half_made(object, found, age)) {
        return Ok(made(object, open, found));
    }
    if !repeatable {
        return Ok(nothing(open, "it was never made"));
    }
    match object.make(&record.inputs, false, true).await {
        Ok(id) => {
            let created = Change::Created { op: open.intent.op, id: id.clone() };
            let committed = object.scope.commit(vec![created]).await;
            committed.map_err(|e| CallError::new(Class::Fenced, e.to_string()))?;
            let until = object.scope.env.monotonic() + once.window;
            let found = object.shown(&id, &record.inputs, until).await?;
            Ok(made(object, open, found))
        }
        Err(Unmade::Nothing(error)) if error.class().is_retryable() => Err(error),
        // It cannot be called again, and there it is.
        Err(Unmade::Nothing(_)) if found.is_some() => Ok(made(object, open, found)),
        Err(Unmade::Nothing(error)) => {
            Ok(nothing(open, &object.scope.scrub.clean(format!("it was never made: {error}"))))
        }
        Err(Unmade::Unknown(error)) => Err(error),
    }
}

/// Whether the create may have been cut off between two calls: what it made does not say yet whose it is. Called again
/// with the same token it goes on where it was.
fn is_half_made(object: &Object<'_>, found: &ErasedObserved, age: Duration) -> bool {
    let repeatable = object.driver.once().token.is_some_and(|lifetime| age < lifetime);
    repeatable && found.owner.is_none()
}

/// The record of what a create made: as it should be if it is, incomplete if something is left to do.
fn made(object: &Object<'_>, open: &OpenIntent, found: Option<ErasedObserved>) -> (String, Change) {
    let Some(found) = found else { return nothing(open, "what it made is gone") };
    let op = open.intent.op;
    let mut record = open.intent.record.clone();
    record.id = Some(found.id.clone());
    record.updated = object.scope.env.now();
    if is_finished(object.driver.schema(), &found, &record.inputs) {
        record.outputs = found.outputs.unwrap_or(record.outputs);
        taint(&mut record.outputs, &record.inputs);
        (format!("the create had made {}", found.id), Change::Done { op, record: Some(record) })
    } else {
        record.status = Status::Incomplete;
        let message = "cut off before it was finished".to_owned();
        let change = Change::Failed { op, message, record: Some(record) };
        (format!("the create had made {}, which is not finished", found.id), change)
    }
}

fn nothing(open: &OpenIntent, how: &str) -> (String, Change) {
    let op = open.intent.op;
    let change = Change::Failed { op, message: "cut off".to_owned(), record: None };
    (how.to_owned(), change)
}

async fn updated(object: &Object<'_>, open: &OpenIntent) -> Settled {
    let op = open.intent.op;
    let mut wanted = open.intent.record.clone();
    let found = object.there(&wanted).await?;
    let schema = object.driver.schema();
    // What cannot be read back may not have been written.
    let blind = |inputs: &Value| {
        schema.fields.iter().any(|field| field.write_only && inputs.get(field.name).is_some())
    };
    let recorded = object.scope.session.record(&wanted.key());
    if let Some(found) = found
        && is_finished(schema, &found, &wanted.inputs)
        && !blind(&wanted.inputs)
        && recorded.is_none_or(|recorded| {
            left_behind(schema, &recorded.inputs, &wanted.inputs, &found.live).is_empty()
        })
    {
        wanted.status = Status::Ready;
        wanted.updated = object.scope.env.now();
        wanted.outputs = found.outputs.unwrap_or(wanted.outputs);
        taint(&mut wanted.outputs, &wanted.inputs);
        let change = Change::Done { op, record: Some(wanted) };
        return Ok(("the update was done".to_owned(), change));
    }
    let record = interrupted(object.scope, open);
    let message = "cut off before it was finished".to_owned();
    Ok(("the update is planned again".to_owned(), Change::Failed { op, message, record }))
}

async fn deleted(object: &Object<'_>, open: &OpenIntent) -> Settled {
    let op = open.intent.op;
    let record = &open.intent.record;
    let found = object.there(record).await?;
    let left = found.filter(|found| !matches!(found.readiness, Readiness::Restorable(_)));
    if left.is_none() {
        return Ok(("it was deleted".to_owned(), Change::Done { op, record: None }));
    }
    let record = interrupted(object.scope, open);
    let message = "cut off before it was finished".to_owned();
    Ok(("the delete is planned again".to_owned(), Change::Failed { op, message, record }))
}

/// The record as it was before the operation, to be looked at by the next plan.
fn interrupted(scope: &Scope, open: &OpenIntent) -> Option<Record> {
    let recorded = scope.session.record(&open.intent.record.key())?;
    let mut record = Record::clone(&recorded);
    if record.status == Status::Ready {
        record.status = Status::Incomplete;
    }
    Some(record)
}

/// Nobody can tell what became of it: the record says so, and two commands settle it.
fn unresolved(scope: &Scope, open: &OpenIntent, error: &CallError) -> (String, Change) {
    let record = &open.intent.record;
    let how = scope.scrub.clean(format!(
        "nobody can tell what became of the {:?}: {error}. If the object exists, `import {} ID`; if it does not, \
         `state rm {}`",
        open.intent.verb, record.urn, record.urn
    ));
    let record = Record { status: Status::Unresolved, ..record.clone() };
    let message = how.clone();
    (how, Change::Failed { op: open.intent.op, message, record: Some(record) })
}

/// The object that a recovered one takes the place of.
fn displaced(scope: &Scope, change: &Change) -> Option<Change> {
    let (Change::Done { record: Some(new), .. } | Change::Failed { record: Some(new), .. }) =
        change
    else {
        return None;
    };
    if new.status == Status::Deposed {
        return None;
    }
    scope.session.with(|snapshot| {
        let old = snapshot.current(&new.urn).filter(|old| old.instance != new.instance)?;
        Some(Change::Put(Record { status: Status::Deposed, ..Record::clone(old) }))
    })
}

/// Whether the object is ready and as wanted.
fn is_finished(schema: &Schema, found: &ErasedObserved, wanted: &Value) -> bool {
    let missing = converge(schema, &found.live, wanted);
    found.readiness == Readiness::Ready
        && missing.iter().all(|diff| {
            diff.kind == DiffKind::Update
                && schema.field(&diff.path).is_some_and(|field| field.write_only)
        })
}
