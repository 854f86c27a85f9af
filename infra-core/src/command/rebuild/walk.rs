//! What is found, as far as the walk over the graph has come.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use futures_util::future::join_all;
use infra_state::{EnvExt, Instance, Lineage, Provider, ProviderIdentity, StackName, Urn, Value};

use super::run::RebuildOptions;
use crate::{
    Engine, Error, ErrorKind, Result,
    command::owned::{Owner, is_going, owned},
    execute::Connections,
    graph::{Graph, Mistake, Node, Role},
    plan::{name, resolve},
    provider::{Connection, Driver, ErasedObserved, Memo},
};

/// An object that is the stack's.
pub(super) struct Object {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) seen: ErasedObserved,
    /// The resource that its tags, its name or the program say it is.
    pub(super) urn: Urn,
    /// The word that its tags or its name have.
    pub(super) instance: Instance,
    /// Through which provider it was found.
    pub(super) provider: Provider,
}

/// What became of a declared resource.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Settled {
    /// There are objects of it: the one that is current, and others that only wait to be deleted.
    Objects { current: usize, others: Vec<usize> },
    /// A provider that is connected, a lookup that was answered, a secret that is known.
    Known,
    /// There is none, or none can be found, for this reason.
    Missing(String),
}

/// What is found, as far as the walk has come.
pub(super) struct Walk<'e> {
    pub(super) engine: &'e Engine,
    pub(super) graph: &'e Graph,
    pub(super) options: &'e RebuildOptions,
    pub(super) connections: Connections,
    /// The names that the stack has and had.
    pub(super) names: Vec<StackName>,
    /// Kind and id of what living stacks have that got one of the former names since.
    pub(super) taken: HashSet<(String, String)>,
    /// The providers that are connected.
    pub(super) places: BTreeMap<Urn, Arc<Connection>>,
    pub(super) lineage: Option<Lineage>,
    /// How many living objects there are of each lineage.
    pub(super) lineages: BTreeMap<Lineage, usize>,
    pub(super) objects: Vec<Object>,
    /// The objects that tags or generated names say are of a resource.
    pub(super) claimed: BTreeMap<Urn, Vec<usize>>,
    /// Kinds whose objects carry tags: one without them is not ours.
    pub(super) tagged: HashSet<String>,
    pub(super) settled: HashMap<Urn, Settled>,
    /// What is known of outputs.
    pub(super) outputs: HashMap<Urn, Value>,
    /// The secrets that get a new value because somebody said so.
    pub(super) rotated: BTreeSet<Urn>,
    /// What looks like the stack's and does not say of what resource it is.
    pub(super) strange: Vec<(String, String)>,
    /// Kinds that the program does not use and that could not be asked for.
    pub(super) unasked: Vec<(String, String)>,
    /// What nobody can decide but the person.
    pub(super) problems: Vec<Mistake>,
    listed: HashSet<(String, ProviderIdentity)>,
}

impl<'e> Walk<'e> {
    pub(super) fn new(engine: &'e Engine, graph: &'e Graph, options: &'e RebuildOptions) -> Self {
        Self {
            engine,
            graph,
            options,
            connections: Connections::new(engine),
            names: std::iter::once(engine.state.name())
                .chain(options.formerly.iter().filter(|name| *name != engine.state.name()))
                .cloned()
                .collect(),
            taken: HashSet::new(),
            places: BTreeMap::new(),
            lineage: options.lineage,
            lineages: BTreeMap::new(),
            objects: Vec::new(),
            claimed: BTreeMap::new(),
            tagged: HashSet::new(),
            settled: HashMap::new(),
            outputs: HashMap::new(),
            rotated: BTreeSet::new(),
            strange: Vec::new(),
            unasked: Vec::new(),
            problems: Vec::new(),
            listed: HashSet::new(),
        }
    }

    /// Goes on until nothing more can be found.
    pub(super) async fn run(&mut self) -> Result<()> {
        self.rotate()?;
        self.leave_others().await?;
        loop {
            let mut moved = self.connect().await?;
            moved |= self.settle()?;
            moved |= self.look().await?;
            moved |= self.recover()?;
            if !moved && !self.give_up() {
                return self.agree();
            }
        }
    }

    /// Notes what other stacks have that go by a former name today.
    async fn leave_others(&mut self) -> Result<()> {
        for name in &self.names[1..] {
            let other = self.engine.state.named(name.clone());
            if other.left_for().await?.is_some() {
                continue;
            }
            for record in other.read().await?.iter().flat_map(|view| view.snapshot.records.values())
            {
                let kind = record.urn.kind().to_owned();
                self.taken.extend(record.id.clone().map(|id| (kind, id)));
            }
        }
        Ok(())
    }

    /// Whether everything that a resource is made from is settled.
    pub(super) fn is_ready(&self, node: &Node) -> bool {
        node.dependencies().iter().all(|on| self.settled.contains_key(on))
    }

    /// The declared resources that nothing is known of yet.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = &'e Node> + use<'_, 'e> {
        let nodes = self.graph.order.iter().filter_map(|urn| self.graph.nodes.get(urn));
        nodes.filter(|node| !self.settled.contains_key(&node.urn))
    }

    /// What a resource is declared with, as far as it is known, with the name of a new object.
    pub(super) fn wanted(&self, node: &Node) -> Result<Value> {
        let instance = self.engine.env.instance();
        resolve(self.graph, node, &|urn| self.outputs.get(urn), &instance, None)
    }

    /// Why the inputs of a resource are not known.
    pub(super) fn hangs(&self, node: &Node) -> Settled {
        let missing = |on: &&Urn| matches!(self.settled.get(*on), Some(Settled::Missing(_)));
        let dependencies = node.dependencies();
        let on: Vec<_> = dependencies.iter().filter(missing).map(|on| format!("`{on}`")).collect();
        Settled::Missing(match &on[..] {
            [] => "what it is declared with is not known".to_owned(),
            on => format!("it is made from {}, which was not found", on.join(", ")),
        })
    }

    pub(super) fn problem(&mut self, urn: &Urn, message: impl Into<String>) {
        let at = self.graph.nodes.get(urn).map(|node| node.at);
        let mistake = Mistake { message: message.into(), urn: Some(urn.clone()), at };
        if !self.problems.contains(&mistake) {
            self.problems.push(mistake);
        }
    }

    /// Connects the providers whose configuration is known now, and lists what there is in new places.
    async fn connect(&mut self) -> Result<bool> {
        let mut configured = Vec::new();
        let mut hanging = Vec::new();
        for node in self.unsettled().filter(|node| node.role == Role::Provider) {
            if !self.is_ready(node) {
                continue;
            }
            let config = self.wanted(node)?;
            if config.has_unknown() {
                hanging.push((node.urn.clone(), self.hangs(node)));
            } else {
                configured.push((node.urn.clone(), config));
            }
        }
        let moved = !configured.is_empty() || !hanging.is_empty();
        self.settled.extend(hanging);
        let connections = &self.connections;
        let connect = configured.iter().map(|(urn, config)| async move {
            connections.configure(urn, config);
            connections.get(urn).await
        });
        let connected = join_all(connect).await;
        let first = self.places.is_empty();
        let mut new = Vec::new();
        for ((urn, _), connection) in configured.iter().zip(connected) {
            let connection = connection.map_err(|e| {
                let message = format!("{urn} cannot be connected: {e}");
                Error::new(ErrorKind::Failed, message).because(e)
            })?;
            let place = (urn.kind().to_owned(), connection.identity.clone());
            if self.listed.insert(place) {
                new.push((urn.clone(), Arc::clone(&connection)));
            }
            self.places.insert(urn.clone(), connection);
            self.outputs.insert(urn.clone(), Value::map());
            self.settled.insert(urn.clone(), Settled::Known);
        }
        if first && !self.places.is_empty() {
            let places = self.places.iter();
            let places = places.map(|(urn, place)| (urn.to_string(), place.identity.clone()));
            self.engine.announce(super::run::COMMAND, places.collect());
        }
        for (provider, connection) in new {
            self.list(&provider, &connection).await?;
        }
        Ok(moved)
    }

    /// Lists everything in one place that says it is the stack's.
    async fn list(&mut self, provider: &Urn, connection: &Arc<Connection>) -> Result<()> {
        let engine = self.engine;
        let used = self.graph.nodes.values().map(|node| &node.driver);
        let mut drivers: BTreeMap<&str, &Arc<dyn Driver>> = BTreeMap::new();
        for driver in used.chain(engine.registry.iter()) {
            let here = driver.provider_kind() == Some(provider.kind());
            if here && driver.role() == Role::Managed {
                drivers.entry(driver.schema().kind).or_insert(driver);
            }
        }
        // Kinds share the answers of calls that several of them need.
        let memos: Vec<_> = self.names.iter().map(|name| (name, Memo::default())).collect();
        let ask = memos.iter().flat_map(|(name, memo)| {
            drivers.iter().map(move |(kind, driver)| async move {
                (*kind, *driver, owned(engine, driver, connection, memo, name).await)
            })
        });
        for (kind, driver, answer) in join_all(ask).await {
            let is_used = self.graph.nodes.keys().any(|urn| urn.kind() == kind);
            match answer {
                Ok(Some(objects)) => {
                    let named = driver.schema().fields.iter().any(|f| f.name_rule.is_some());
                    let tags = driver.schema().fields.iter().any(|field| field.tags);
                    if tags || !named || objects.iter().any(|object| object.owner.is_some()) {
                        self.tagged.insert(kind.to_owned());
                    }
                    for object in objects {
                        self.claim(provider, connection, driver, object);
                    }
                }
                Ok(None) => {}
                Err(error) if is_used => {
                    let message =
                        format!("what there is of {kind} through {provider} is not known: {error}");
                    return Err(Error::new(ErrorKind::Failed, message).because(error));
                }
                Err(error) => self.unasked.push((kind.to_owned(), error.to_string())),
            }
        }
        self.decide_lineage()
    }

    /// Files an object under the resource that it says it is of.
    fn claim(
        &mut self,
        provider: &Urn,
        connection: &Connection,
        driver: &Arc<dyn Driver>,
        seen: ErasedObserved,
    ) {
        let kind = driver.schema().kind;
        if self.taken.contains(&(kind.to_owned(), seen.id.clone())) {
            return;
        }
        let provider = Provider { urn: provider.clone(), identity: connection.identity.clone() };
        let (urn, instance) = if let Some(owner) = Owner::of(&seen, &self.names) {
            if !is_going(&seen) {
                *self.lineages.entry(owner.lineage).or_default() += 1;
            }
            let Some(urn) = owner.urn.filter(|urn| urn.kind() == kind) else {
                return self.strange.push((kind.to_owned(), seen.id));
            };
            if self.lineage.is_some_and(|ours| ours != owner.lineage) {
                return;
            }
            (urn, owner.instance)
        } else if seen.owner.is_some() {
            return;
        } else {
            match &self.named(driver, &seen)[..] {
                [] => return self.strange.push((kind.to_owned(), seen.id)),
                [(urn, instance)] => (urn.clone(), Some(instance.clone())),
                [(first, _), .., (last, _)] => {
                    let (first, last) = (first.clone(), last.clone());
                    let message = format!(
                        "the name of {} is so short that it could be `{last}`'s too; give both a name in the program",
                        seen.id
                    );
                    return self.problem(&first, message);
                }
            }
        };
        let instance = instance.unwrap_or_else(|| self.engine.env.instance());
        let same = |object: &Object| {
            object.urn == urn && object.instance == instance && object.seen.id == seen.id
        };
        if let Some(at) = self.objects.iter().position(same) {
            // What is nowhere in particular is seen from everywhere: it is its own provider's.
            let own = self.graph.nodes.get(&urn).and_then(|node| node.provider.as_ref());
            if own == Some(&provider.urn) {
                self.objects[at].provider = provider;
            }
            return;
        }
        self.claimed.entry(urn.clone()).or_default().push(self.objects.len());
        let driver = Arc::clone(driver);
        self.objects.push(Object { driver, seen, urn, instance, provider });
    }

    /// The resources whose generated name this object has.
    fn named(&self, driver: &Arc<dyn Driver>, seen: &ErasedObserved) -> Vec<(Urn, Instance)> {
        let schema = driver.schema();
        let mut found = Vec::new();
        for field in &schema.fields {
            let Some(rule) = &field.name_rule else { continue };
            let Some(name) = seen.live.get(field.name).and_then(Value::as_str) else { continue };
            let nodes = self.graph.nodes.values().filter(|node| node.urn.kind() == schema.kind);
            for node in nodes.filter(|node| !node.inputs.contains_key(field.name)) {
                let former = node.options.aliases.iter().filter_map(|old| node.alias(old).ok());
                let urns: Vec<_> = std::iter::once(node.urn.clone()).chain(former).collect();
                let mut both =
                    self.names.iter().flat_map(|stack| urns.iter().map(move |urn| (stack, urn)));
                let word =
                    both.find_map(|(stack, urn)| name::instance(rule, Some(stack), urn, name));
                found.extend(word.map(|word| (node.urn.clone(), word)));
            }
        }
        found
    }

    /// Which lineage is the stack's: the one that its objects have.
    fn decide_lineage(&mut self) -> Result<()> {
        let several = |walk: &Self| {
            let each = walk.lineages.iter().map(|(lineage, n)| format!("{lineage} ({n} objects)"));
            each.collect::<Vec<_>>().join(", ")
        };
        let refuse = |message| Err(Error::new(ErrorKind::Refused, message));
        if self.lineage.is_some() {
            if self.options.lineage.is_none() && self.lineages.len() > 1 {
                return refuse(several_lineages(&several(self)));
            }
            return Ok(());
        }
        match self.lineages.len() {
            0 => {}
            1 => {
                self.lineage = self.lineages.keys().next().copied();
                // What is only kept for a while may be of an earlier life.
                let (ours, names, objects) = (self.lineage, &self.names, &self.objects);
                let of_us = |at: &usize| {
                    let owner = Owner::of(&objects[*at].seen, names);
                    owner.is_none_or(|owner| Some(owner.lineage) == ours)
                };
                self.claimed.values_mut().for_each(|claimed| claimed.retain(of_us));
                self.claimed.retain(|_, claimed| !claimed.is_empty());
            }
            _ => return refuse(several_lineages(&several(self))),
        }
        Ok(())
    }
}

fn several_lineages(each: &str) -> String {
    format!(
        "objects of several lineages carry the stack's tags: {each}. Each is a life of its own of the stack. Nothing was \
         written. Say which one to write again with `--lineage UUID`; the others are left alone"
    )
}
