//! Taking what is there into the state.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use infra_state::{Change, Key, Path, Record, Segment, Snapshot, Urn, Value};

use super::{
    compare::Drifted, fix::locked, look::Look, options::DriftOptions, read::Known,
    violations::Judged, wanted::named,
};
use crate::{
    Engine, Error, ErrorKind, Result,
    command::{
        Confirmed, outputs::never_made, planning::same_cloud, preview::tell_in_progress,
        state::commit, up::acquire,
    },
    drift::{Report, What},
    event::Event,
    execute::Connections,
    plan::{PropertyDiff, ignore},
    scrub::taint,
};

/// What it is called in the history.
const COMMAND: &str = "drift --accept";

/// How to accept what was found.
#[derive(Clone, Debug, Default)]
pub struct AcceptOptions {
    /// What is looked for.
    pub drift: DriftOptions,
    /// Go on though many objects are gone at once.
    pub allow_mass_absence: bool,
    /// How long to wait for a lock that somebody else holds.
    pub lock_timeout: Duration,
}

/// Asks the person.
#[async_trait]
pub trait ConfirmAccept: Send + Sync {
    /// Whether to take what was found into the state.
    async fn confirm_accept(&self, report: &Report) -> Result<bool>;
}

#[async_trait]
impl ConfirmAccept for Confirmed {
    async fn confirm_accept(&self, _: &Report) -> Result<bool> {
        Ok(true)
    }
}

/// What was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What was found.
    pub report: Report,
    /// The resources whose records have what is there now.
    pub taken: BTreeSet<Urn>,
    /// Those whose records were forgotten, because their objects are gone.
    pub forgotten: BTreeSet<Urn>,
    /// How many findings were left alone, or have a part that was: nothing that a state could say.
    pub left: usize,
}

/// Looks under the lock, asks, and records what is there: changed fields as they are, and of what is gone nothing. No
/// cloud is touched; what the program wants differently the next plan shows.
pub async fn accept(
    engine: &Engine,
    options: &AcceptOptions,
    confirm: &dyn ConfirmAccept,
) -> Result<Accepted> {
    let view = engine.state.read().await?.ok_or_else(|| never_made(engine))?;
    same_cloud(engine, &view.snapshot)?;
    tell_in_progress(engine, &view);
    let connections = Arc::new(Connections::new(engine));
    let session = acquire(engine, COMMAND, &connections, options.lock_timeout).await?;
    let found = async {
        let view = locked(&session);
        let look = Look::at(engine, &options.drift, &view, &connections, Some(COMMAND)).await?;
        look.refuse_massacre(options.allow_mass_absence)?;
        engine.events.send(Event::Drift(Box::new(look.report.clone())));
        let (accepted, changes) = taken(engine, &options.drift, &view.snapshot, &look)?;
        if !changes.is_empty() && !confirm.confirm_accept(&look.report).await? {
            return Err(Error::new(ErrorKind::Refused, "declined: nothing was changed"));
        }
        Ok((accepted, changes))
    };
    let found = found.await;
    engine.context.gate.guard(|| Ok(()));
    match found {
        Ok((accepted, changes)) if !changes.is_empty() => {
            commit(engine, &session, COMMAND, changes).await?;
            Ok(accepted)
        }
        found => {
            let released = session.release().await;
            let (accepted, _) = found?;
            released?;
            Ok(accepted)
        }
    }
}

fn taken(
    engine: &Engine,
    options: &DriftOptions,
    snapshot: &Snapshot,
    look: &Look,
) -> Result<(Accepted, Vec<Change>)> {
    let mut accepted = Accepted {
        report: look.report.clone(),
        taken: BTreeSet::new(),
        forgotten: BTreeSet::new(),
        left: 0,
    };
    let mut put = BTreeMap::<Key, Record>::new();
    let mut gone = BTreeSet::<Key>::new();
    // What is violated goes with what led to it.
    for it in look.drifted.iter().filter(|it| it.finding.what != What::Violation) {
        let Some(known) = &it.known else {
            accepted.left += 1;
            continue;
        };
        let record = &known.record;
        match (it.finding.what, as_it_is(engine, it)) {
            // Nothing but what the kind cannot say: a record cannot either.
            (What::Changed, Some(_)) if it.diffs.is_empty() => accepted.left += 1,
            (What::Changed, Some(record)) => {
                // What its kind cannot say is not taken with the rest.
                accepted.left += usize::from(it.has_beyond());
                accepted.taken.insert(record.urn.clone());
                put.insert(record.key(), record);
            }
            (What::Deleted, _) => {
                accepted.forgotten.insert(record.urn.clone());
                gone.insert(record.key());
            }
            _ => accepted.left += 1,
        }
    }
    if let Some(wanted) = &look.wanted {
        let judged = Judged { engine, options, wanted, snapshot };
        let record = |known: &Known| {
            let key = known.record.key();
            let taken = || put.get(&key).map(|taken| Arc::new(taken.clone()));
            (!gone.contains(&key)).then(|| taken().unwrap_or_else(|| Arc::clone(&known.record)))
        };
        let left = judged.violations(look.seen.iter(), &record)?;
        accepted.left += left.iter().filter(|it| it.severity >= options.severity).count();
    }
    // What was made from something that is forgotten was made from nothing that is remembered.
    let stays = |urn: &Urn| snapshot.of(urn).any(|record| !gone.contains(&record.key()));
    let urns: BTreeSet<&Urn> = gone.iter().map(|key| &key.urn).collect();
    let lost: BTreeSet<Urn> = urns.into_iter().filter(|urn| !stays(urn)).cloned().collect();
    for (key, record) in &snapshot.records {
        if !gone.contains(key) && record.dependencies.iter().any(|on| lost.contains(on)) {
            let record = put.entry(key.clone()).or_insert_with(|| Record::clone(record));
            record.dependencies.retain(|on| !lost.contains(on));
        }
    }
    let mut changes: Vec<Change> = put.into_values().map(Change::Put).collect();
    changes.extend(gone.into_iter().map(Change::Forgotten));
    Ok((accepted, changes))
}

/// The record with what is there where it differs.
fn as_it_is(engine: &Engine, it: &Drifted) -> Option<Record> {
    let (known, object) = (it.known.as_ref()?, it.seen.as_deref()?);
    let recorded = &known.record;
    let schema = known.driver.schema();
    let mut inputs = ignore::overlay(schema, &paths(it), &object.live, &recorded.inputs);
    taint(&mut inputs, &recorded.inputs);
    keep_secret(&mut inputs, &it.diffs, &recorded.inputs);
    if let Value::Map(map) = &mut inputs {
        map.retain(|_, value| !matches!(value.revealed(), Value::Null));
    }
    let mut outputs = object.outputs.clone().unwrap_or_else(|| recorded.outputs.clone());
    taint(&mut outputs, &inputs);
    let updated = engine.env.now();
    Some(Record { inputs, outputs, updated, ..Record::clone(recorded) })
}

/// Marks what stands where a secret stood, or beside one: the cloud does not say of a text that it is secret.
fn keep_secret(inputs: &mut Value, diffs: &[PropertyDiff], recorded: &Value) {
    let secret = |value: &Option<Value>| value.as_ref().is_some_and(Value::has_secret);
    for diff in diffs {
        let beside = || {
            let (_, parents) = diff.path.0.split_last()?;
            let parent = (!parents.is_empty()).then(|| Path(parents.to_vec()))?;
            Some(named(&parent).get(recorded)?.has_secret())
        };
        let is_secret = secret(&diff.before)
            || secret(&diff.after)
            || (diff.before.is_none() && beside().unwrap_or_default());
        if is_secret {
            // The index in a list may be another one here: all of the list is secret then.
            mark(inputs, &named(&diff.path).0);
        }
    }
}

/// Makes the value at a path of names secret.
fn mark(value: &mut Value, path: &[Segment]) {
    match (value, path.split_first()) {
        (Value::Secret(_) | Value::Null, _) => {}
        (Value::Map(map), Some((Segment::Key(key), rest))) => {
            map.get_mut(key).into_iter().for_each(|inner| mark(inner, rest));
        }
        (value, _) => *value = std::mem::replace(value, Value::Null).secret(),
    }
}

/// The paths of a finding, as far as they can be taken as they are.
fn paths(it: &Drifted) -> Vec<Path> {
    let mut paths: Vec<Path> = it.diffs.iter().map(|diff| named(&diff.path)).collect();
    paths.sort();
    paths.dedup();
    paths
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::DiffKind;

    #[test]
    fn what_stands_where_a_secret_stood_is_one() {
        let value = |json: serde_json::Value| Value::from(json);
        let diff = |path: Path, before: Option<Value>, after: &str| PropertyDiff {
            path,
            before,
            after: Some(after.into()),
            kind: DiffKind::Update,
        };
        let data = Path::field("manifest").key("data");
        let env = Path::field("env");
        let mut recorded = value(json!({"manifest": {"data": {}}, "env": ["a"], "size": "small"}));
        mark_at(&mut recorded, Value::from("old").secret());
        let live = json!({
            "manifest": {"data": {"token": "new", "more": "other"}, "kind": "Secret"}, "env": ["b", "c"], "size": "huge"
        });
        let mut inputs = value(live);
        let diffs = [
            diff(data.key("token"), Some(Value::from("old").secret()), "new"),
            diff(data.key("more"), None, "other"),
            diff(env.index(0), Some(Value::from("a").secret()), "b"),
            diff(Path::field("size"), Some("small".into()), "huge"),
        ];
        keep_secret(&mut inputs, &diffs, &recorded);
        let is = |path: &Path| matches!(path.get(&inputs), Some(Value::Secret(_)));
        assert!(is(&data.key("token")) && is(&data.key("more")) && is(&env), "{inputs:?}");
        assert!(!is(&Path::field("size")) && !is(&Path::field("manifest").key("kind")));
    }

    fn mark_at(recorded: &mut Value, secret: Value) {
        let Value::Map(map) = recorded else { panic!("a map") };
        let Some(Value::Map(manifest)) = map.get_mut("manifest") else { panic!("a map") };
        let Some(Value::Map(data)) = manifest.get_mut("data") else { panic!("a map") };
        data.insert("token".to_owned(), secret);
    }
}
