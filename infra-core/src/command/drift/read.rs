//! One bulk pass over the objects of the state.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::future::join_all;
use infra_state::{Key, Provider, ProviderIdentity, Record, Snapshot, Status, Urn, Value};

use crate::{
    Engine,
    command::observe::{For, Groups, read},
    drift::Unchecked,
    event::Event,
    execute::{Connections, by_id, doubted},
    graph::Role,
    plan::Seen,
    provider::{Class, Connection, Driver, ErasedFind, Memo},
    scrub::{Scrub, Secrets},
};

/// A recorded object that can be read.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) record: Arc<Record>,
    pub(super) driver: Arc<dyn Driver>,
    pub(super) provider: Provider,
    pub(super) connection: Arc<Connection>,
}

/// What the pass came to.
#[derive(Default)]
pub(super) struct Pass {
    pub(super) seen: Vec<(Known, Seen)>,
    pub(super) unchecked: Vec<Unchecked>,
    pub(super) notices: Vec<String>,
    /// Answers that reads of one connection share.
    pub(super) memos: BTreeMap<usize, Memo>,
    /// The connections that were used.
    pub(super) connections: BTreeMap<usize, (Urn, Arc<Connection>)>,
}

/// The places that could not be connected, and why.
type Refused = BTreeMap<(Urn, ProviderIdentity), String>;

/// What a pass reads.
pub(super) struct Reading<'a> {
    pub(super) engine: &'a Engine,
    /// What is told to be done.
    pub(super) command: &'a str,
    pub(super) connections: &'a Connections,
    pub(super) snapshot: &'a Snapshot,
    pub(super) scrub: &'a Scrub,
    /// Whether a resource is asked about and nobody is at work on it.
    pub(super) asked: &'a (dyn Fn(&Record) -> bool + Sync),
}

impl Reading<'_> {
    /// Reads everything that is recorded. What cannot be read is in [`Pass::unchecked`].
    pub(super) async fn all(&self) -> Pass {
        let mut pass = Pass::default();
        let mut known = BTreeMap::new();
        let mut refused = Refused::new();
        for (key, record) in &self.snapshot.records {
            if !(self.asked)(record) {
                continue;
            }
            match self.known(record, &mut refused).await {
                Ok(Some(found)) => drop(known.insert(key.clone(), found)),
                Ok(None) => {}
                Err(why) => pass.unchecked.push(self.unchecked(&record.urn, why)),
            }
        }
        let place = |it: &Known| (it.provider.urn.to_string(), it.connection.identity.clone());
        self.engine.announce(self.command, known.values().map(place).collect());
        self.engine.events.send(Event::Reading { objects: known.len() });
        self.read(known, &mut pass).await;
        pass
    }

    /// Reads these again.
    pub(super) async fn again(&self, again: Vec<Known>) -> Pass {
        let mut pass = Pass::default();
        let known = again.into_iter().map(|known| (known.record.key(), known)).collect();
        self.read(known, &mut pass).await;
        pass
    }

    async fn read(&self, known: BTreeMap<Key, Known>, pass: &mut Pass) {
        let mut groups = Groups::default();
        for (key, known) in &known {
            let Some(find) = find(&known.record) else {
                let why = "the state has no id of it".to_owned();
                pass.unchecked.push(self.unchecked(&key.urn, why));
                continue;
            };
            let window = known.driver.once().window;
            let visible = doubted(&*self.engine.env, &known.record, window);
            let what = For::Object { key: key.clone(), visible };
            groups.add(&known.driver, Arc::clone(&known.connection), what, find);
            let at = Arc::as_ptr(&known.connection).addr();
            let used = (known.provider.urn.clone(), Arc::clone(&known.connection));
            pass.connections.insert(at, used);
        }
        pass.memos.extend(groups.memos.clone());
        let reads = groups.all.into_iter().map(|group| read(self.engine, group));
        let answers = join_all(reads).await;
        let secrets = Secrets::of(self.snapshot);
        let mut known = known;
        for (what, answer) in answers.into_iter().flatten() {
            let For::Object { key, .. } = what else { continue };
            let Some(known) = known.remove(&key) else { continue };
            let seen = match answer {
                Ok(Some(mut found)) => {
                    secrets.mark(&mut found.live);
                    found.outputs.iter_mut().for_each(|outputs| secrets.mark(outputs));
                    if let Some(why) = found.readiness.why_mut() {
                        *why = self.scrub.clean(&**why);
                    }
                    Seen::Present(Box::new(found))
                }
                Ok(None) => Seen::Absent,
                Err(error) if error.class() == Class::NotFound => Seen::Absent,
                Err(error) => {
                    pass.unchecked.push(self.unchecked(&key.urn, error.to_string()));
                    continue;
                }
            };
            pass.seen.push((known, seen));
        }
    }

    /// The object as it can be read; `None` for what is no object, or is not to be compared.
    async fn known(
        &self,
        record: &Arc<Record>,
        refused: &mut Refused,
    ) -> Result<Option<Known>, String> {
        let Some(provider) = &record.provider else { return Ok(None) };
        match record.status {
            Status::Ready => {}
            // What waits to be deleted is as it is.
            Status::Deposed => return Ok(None),
            Status::Incomplete => {
                return Err("its last operation did not finish; `up` finishes it".to_owned());
            }
            Status::Unresolved => {
                return Err("nobody knows whether an operation on it that was cut off had its effect; `import` it, or \
                            `state rm` it"
                    .to_owned());
            }
        }
        let Some(driver) = self.engine.registry.get(record.urn.kind()) else {
            return Err(format!("this program does not know the kind {}", record.urn.kind()));
        };
        if driver.role() != Role::Managed {
            return Ok(None);
        }
        let record = upgraded(record, &**driver)?;
        // What cannot be connected is tried once.
        let place = (provider.urn.clone(), provider.identity.clone());
        if let Some(why) = refused.get(&place) {
            return Err(why.clone());
        }
        let connection = self.connections.holding(&provider.urn, &provider.identity).await;
        let connection = connection.map_err(|error| {
            refused.insert(place, error.to_string());
            error.to_string()
        })?;
        let (driver, provider) = (Arc::clone(driver), provider.clone());
        Ok(Some(Known { record, driver, provider, connection }))
    }

    fn unchecked(&self, urn: &Urn, why: String) -> Unchecked {
        Unchecked { urn: urn.clone(), why: self.scrub.clean(why) }
    }
}

/// How the object is found. What is sealed with a key that is not at hand has no type.
fn find(record: &Record) -> Option<ErasedFind> {
    let find = by_id(record)?;
    Some(match find {
        ErasedFind::Id { id, recorded: Some(recorded) } if recorded.has_unknown() => {
            ErasedFind::Id { id, recorded: None }
        }
        find => find,
    })
}

/// The record as this program's version of its kind has it.
fn upgraded(record: &Arc<Record>, driver: &dyn Driver) -> Result<Arc<Record>, String> {
    let version = driver.version();
    match record.version {
        same if same == version => Ok(Arc::clone(record)),
        newer if newer > version => Err(format!(
            "it was recorded by a newer version of its kind ({newer}) than this program has ({version})"
        )),
        older => {
            let inputs = driver.upgrade(older, record.inputs.clone()).map_err(|e| {
                format!("its record cannot be brought from version {older} to {version}: {e}")
            })?;
            Ok(Arc::new(Record { inputs, version, ..Record::clone(record) }))
        }
    }
}

/// The ids that are recorded, and those that operations which are not settled have been given.
pub(super) fn recorded_ids(snapshot: &Snapshot) -> BTreeSet<String> {
    let recorded = snapshot.records.values().filter_map(|record| record.id.clone());
    recorded.chain(snapshot.open.values().filter_map(|open| open.created.clone())).collect()
}

/// Every text in what is recorded.
pub(super) fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::List(list) => list.iter().for_each(|value| texts(value, found)),
        Value::Map(map) => map.values().for_each(|value| texts(value, found)),
        // A secret is no id.
        _ => {}
    }
}
