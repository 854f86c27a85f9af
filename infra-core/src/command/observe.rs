//! Looking at the cloud before planning, in bulk.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures_util::future::join_all;
use infra_state::{EnvExt, Identity, Instance, Key, Snapshot, Urn};

use crate::{
    Engine, Error, ErrorKind, Result,
    event::Event,
    execute::{Connections, by_id, doubted},
    graph::{Graph, Mistake},
    panics::caught_in,
    plan::{Observation, PlanOptions, Seen, ToObserve, to_observe},
    provider::{
        Connection, Driver, ErasedFind, ErasedObserved, Error as CallError, Memo, Operation,
    },
    scrub::{Scrub, Secrets},
};

/// How long reads are tried again.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

/// What a read is for.
#[derive(Clone)]
pub(super) enum For {
    Object {
        key: Key,
        /// Until when its absence may only mean that it is not visible yet.
        visible: Duration,
    },
    Import(Urn),
    Lookup(Urn),
}

impl For {
    /// The resource.
    pub(super) fn urn(&self) -> &Urn {
        match self {
            Self::Object { key, .. } => &key.urn,
            Self::Import(urn) | Self::Lookup(urn) => urn,
        }
    }

    fn visible(&self) -> Duration {
        match self {
            Self::Object { visible, .. } => *visible,
            Self::Import(_) | Self::Lookup(_) => Duration::ZERO,
        }
    }
}

/// Reads of one kind through one connection.
pub(super) struct Group {
    driver: Arc<dyn Driver>,
    connection: Arc<Connection>,
    memo: Memo,
    reads: Vec<(For, ErasedFind)>,
}

/// Everything that the plan needs to know of the cloud. `announce` is told where the providers point as soon as that is
/// known and checked, before anything else is read.
pub(super) async fn observe(
    engine: &Engine,
    connections: &Connections,
    graph: &Graph,
    snapshot: &Snapshot,
    options: &PlanOptions,
    announce: &mut (dyn FnMut(&Observation) + Send),
) -> Result<Observation> {
    // Clouds quote what they were given. What may be quoted is gathered where something is said at all.
    let scrub = LazyLock::new(|| {
        let scrub = Scrub::default();
        scrub.learn_snapshot(snapshot);
        scrub.learn_graph(graph);
        scrub
    });
    let mut looked = look(engine, connections, graph, snapshot, options, announce).await;
    for object in looked.iter_mut().flat_map(Observation::present) {
        if let Some(why) = object.readiness.why_mut() {
            *why = scrub.clean(&**why);
        }
    }
    looked.map_err(|error| {
        // Nothing of the cause is kept, it says the same.
        let mistakes = error
            .mistakes()
            .iter()
            .map(|mistake| Mistake { message: scrub.clean(&*mistake.message), ..mistake.clone() });
        let mistakes = mistakes.collect();
        Error::new(error.kind(), scrub.clean(error.to_string())).with_mistakes(mistakes)
    })
}

async fn look(
    engine: &Engine,
    connections: &Connections,
    graph: &Graph,
    snapshot: &Snapshot,
    options: &PlanOptions,
    announce: &mut (dyn FnMut(&Observation) + Send),
) -> Result<Observation> {
    let mut seen = Observation::default();
    let mut announced = false;
    let secrets = LazyLock::new(|| Secrets::of(snapshot));
    loop {
        let wanted = to_observe(graph, snapshot, &engine.registry, &seen, options)?;
        if !wanted.providers.is_empty() {
            connect(connections, &wanted, &mut seen).await?;
            continue;
        }
        if !announced {
            announce(&seen);
            announced = true;
        }
        if wanted.is_empty() {
            return Ok(seen);
        }
        let objects = wanted.objects.len() + wanted.imports.len() + wanted.lookups.len();
        engine.events.send(Event::Reading { objects });
        let groups = groups(engine, connections, graph, snapshot, wanted).await?;
        let answers = join_all(groups.into_iter().map(|group| read(engine, group))).await;
        for (what, answer) in answers.into_iter().flatten() {
            file(&mut seen, graph, &secrets, what, answer)?;
        }
    }
}

async fn connect(
    connections: &Connections,
    wanted: &ToObserve,
    seen: &mut Observation,
) -> Result<()> {
    let connect = wanted.providers.iter().map(|(urn, config)| async move {
        connections.configure(urn, config);
        (urn, connections.get(urn).await)
    });
    for (urn, connected) in join_all(connect).await {
        let connection = connected.map_err(|e| {
            Error::new(ErrorKind::Failed, format!("{urn} cannot be connected: {e}")).because(e)
        })?;
        seen.providers.insert(urn.clone(), connection.identity.clone());
    }
    Ok(())
}

async fn groups(
    engine: &Engine,
    connections: &Connections,
    graph: &Graph,
    snapshot: &Snapshot,
    wanted: ToObserve,
) -> Result<Vec<Group>> {
    let mut groups = Groups::default();
    for key in wanted.objects {
        // What is asked for and not answered would be asked for again for ever.
        let unread = |what: &str| {
            let message = format!("{} cannot be read: {what}", key.urn);
            Error::new(ErrorKind::Failed, message)
        };
        let record = snapshot.records.get(&key).ok_or_else(|| unread("it is not in the state"))?;
        let find = by_id(record).ok_or_else(|| unread("the state has no id of it"))?;
        let provider = record.provider.as_ref();
        let provider = provider.ok_or_else(|| unread("it was made without a provider"))?;
        let driver = engine.registry.get(key.urn.kind());
        let driver = driver.ok_or_else(|| unread("this program has no driver of its kind"))?;
        let connection = connections.holding(&provider.urn, &provider.identity).await;
        let connection = connection.map_err(|e| failed(&key.urn, &e))?;
        let visible = doubted(&*engine.env, record, driver.once().window);
        groups.add(driver, connection, For::Object { key, visible }, find);
    }
    let of_node = async |urn: &Urn| {
        let Some(node) = graph.nodes.get(urn) else {
            return Err(Error::new(ErrorKind::Failed, format!("{urn} is not declared")));
        };
        let connection = match &node.provider {
            Some(provider) => connections.get(provider).await.map_err(|e| failed(urn, &e))?,
            None => connections.own(),
        };
        Ok((Arc::clone(&node.driver), connection))
    };
    for (urn, import) in wanted.imports {
        let (driver, connection) = of_node(&urn).await?;
        let op = operation(engine, &snapshot.identity, &urn);
        let find = match import.id {
            Some(id) => ErasedFind::Id { id, recorded: None },
            None => ErasedFind::Made { want: import.want, op },
        };
        groups.add(&driver, connection, For::Import(urn), find);
    }
    for (urn, want) in wanted.lookups {
        let (driver, connection) = of_node(&urn).await?;
        let op = operation(engine, &snapshot.identity, &urn);
        groups.add(&driver, connection, For::Lookup(urn), ErasedFind::Made { want, op });
    }
    Ok(groups.all)
}

/// Reads, put together by kind and connection.
#[derive(Default)]
pub(super) struct Groups {
    pub(super) all: Vec<Group>,
    places: HashMap<(usize, String), usize>,
    pub(super) memos: HashMap<usize, Memo>,
}

impl Groups {
    pub(super) fn add(
        &mut self,
        driver: &Arc<dyn Driver>,
        connection: Arc<Connection>,
        what: For,
        find: ErasedFind,
    ) {
        let through = Arc::as_ptr(&connection).addr();
        // Each reference has a driver of its own type.
        let alone = match &what {
            For::Lookup(urn) if driver.provider_kind().is_none() => urn.as_str(),
            _ => driver.schema().kind,
        };
        let place = (through, alone.to_owned());
        let at = *self.places.entry(place).or_insert_with(|| {
            // Kinds of one connection share the answers of calls that several of them need.
            let memo = self.memos.entry(through).or_default().clone();
            let driver = Arc::clone(driver);
            self.all.push(Group { driver, connection, memo, reads: Vec::new() });
            self.all.len() - 1
        });
        self.all[at].reads.push((what, find));
    }
}

fn operation(engine: &Engine, identity: &Identity, urn: &Urn) -> Operation {
    Operation {
        id: engine.env.uuid(),
        stack: identity.stack.clone(),
        lineage: identity.lineage,
        urn: urn.clone(),
        instance: Instance::from("none"),
    }
}

/// Reads a group, again where that can help.
pub(super) async fn read(
    engine: &Engine,
    mut group: Group,
) -> Vec<(For, Result<Option<ErasedObserved>, CallError>)> {
    let until = engine.env.monotonic() + PATIENCE;
    let mut pause = Duration::from_millis(100);
    let mut answered = Vec::new();
    loop {
        let finds = group.reads.iter().map(|(_, find)| find.clone()).collect();
        let asked = engine.env.monotonic();
        let answers = caught_in(group.driver.read(&group.connection, &group.memo, finds)).await;
        let answers = match answers {
            Ok(answers) => answers,
            Err(panic) => {
                // What it was given may be secret.
                let message = format!("the driver panicked: {}", panic.without_message());
                let error = CallError::invalid(message);
                group.reads.iter().map(|_| Err(error.again())).collect()
            }
        };
        let now = engine.env.monotonic();
        let last = now >= until || engine.cancel.is_stopped();
        let mut again = Vec::new();
        let mut answers = answers.into_iter();
        for (what, find) in group.reads {
            let missing = || Err(CallError::invalid("the driver answered too few reads"));
            match answers.next().unwrap_or_else(missing) {
                Err(error) if error.class().is_retryable() && !last => again.push((what, find)),
                // What counts is when it was asked for: the answer may have taken longer than the doubt.
                Ok(None) if !last && what.visible() > asked => again.push((what, find)),
                answer => answered.push((what, answer)),
            }
        }
        if again.is_empty() {
            return answered;
        }
        group.reads = again;
        // What failed is not to be found in the memo.
        group.memo = Memo::default();
        engine.env.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// Reads one object by its id, again where that can help.
pub(super) async fn read_by_id(
    engine: &Engine,
    urn: &Urn,
    driver: &Arc<dyn Driver>,
    connection: Arc<Connection>,
    id: &str,
) -> Result<Option<ErasedObserved>> {
    let find = ErasedFind::Id { id: id.to_owned(), recorded: None };
    let reads = vec![(For::Import(urn.clone()), find)];
    let group = Group { driver: Arc::clone(driver), connection, memo: Memo::default(), reads };
    match read(engine, group).await.pop() {
        Some((_, Err(error))) if error.class() == crate::provider::Class::NotFound => Ok(None),
        Some((_, Err(error))) => Err(failed(urn, &error)),
        Some((_, Ok(found))) => Ok(found),
        None => Ok(None),
    }
}

fn file(
    seen: &mut Observation,
    graph: &Graph,
    secrets: &Secrets,
    what: For,
    answer: Result<Option<ErasedObserved>, CallError>,
) -> Result<()> {
    let urn = what.urn();
    let found = match answer {
        Ok(found) => found,
        Err(error) if error.class() == crate::provider::Class::NotFound => match what {
            For::Lookup(_) => return Err(failed(urn, &error)),
            _ => None,
        },
        Err(error) => return Err(failed(urn, &error)),
    };
    let seen_as = |found: Option<ErasedObserved>| match found {
        Some(found) => Seen::Present(Box::new(found)),
        None => Seen::Absent,
    };
    match what {
        For::Object { key, .. } => {
            let mut found = found;
            // Not only its own: a change that was cut off may have written what its record does not say.
            if let Some(found) = &mut found {
                secrets.mark(&mut found.live);
                found.outputs.iter_mut().for_each(|outputs| secrets.mark(outputs));
            }
            seen.objects.insert(key, seen_as(found));
        }
        For::Import(urn) => {
            if let Some(why) = found.as_ref().and_then(|found| found.unsayable(urn.kind())) {
                let message = format!("{urn} cannot be taken over: {why}");
                return Err(Error::new(ErrorKind::Refused, message));
            }
            drop(seen.imports.insert(urn, seen_as(found)));
        }
        For::Lookup(urn) => {
            let outputs = found.and_then(|found| found.outputs).ok_or_else(|| {
                Error::new(ErrorKind::Failed, format!("{urn}: there is nothing like that"))
            })?;
            let outputs = graph.opened(&urn, outputs)?;
            seen.lookups.insert(urn, outputs);
        }
    }
    Ok(())
}

fn failed(urn: &Urn, error: &CallError) -> Error {
    Error::new(ErrorKind::Failed, format!("{urn} cannot be read: {error}")).because(error.again())
}

/// Where the providers point, for the screen.
pub(super) fn places(seen: &Observation) -> BTreeMap<String, BTreeMap<String, String>> {
    seen.providers.iter().map(|(urn, identity)| (urn.to_string(), identity.clone())).collect()
}
