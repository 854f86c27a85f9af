//! From a state and a graph to a plan.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use infra_state::{
    EnvExt, HistoryEntry, Identity, Key, Lineage, Position, Session, Snapshot, Urn, View,
};

use super::{
    observe::{observe, places},
    rollback::{otherwise, refuse_code, restored},
};
use crate::{
    Engine, Error, ErrorKind, Result,
    event::Event,
    execute::Connections,
    graph::Graph,
    plan::{Action, Observation, Plan, PlanOptions, Refresh, Seen, plan, saved::SavedPlan},
    policy,
    provider::Readiness,
};

/// What a command plans with.
pub(super) struct Planning<'e> {
    pub(super) engine: &'e Engine,
    pub(super) command: String,
    pub(super) options: PlanOptions,
    pub(super) graph: Arc<Graph>,
    pub(super) connections: Arc<Connections>,
    announced: bool,
    /// The deployment that is gone back to, instead of running the program.
    back: Option<Arc<HistoryEntry>>,
    /// What was said of that.
    told: Vec<String>,
}

/// The state that is planned against.
pub(super) struct Known {
    pub(super) snapshot: Snapshot,
    pub(super) position: Position,
}

impl<'e> Planning<'e> {
    /// Runs the program.
    pub(super) fn new(
        engine: &'e Engine,
        command: &'static str,
        options: &'e PlanOptions,
    ) -> Result<Self> {
        let (graph, left) =
            if options.destroy { (Graph::empty(), BTreeSet::new()) } else { engine.declared()? };
        let left = left.iter().filter_map(|kind| Urn::new(kind, "default").ok());
        let mut planning = Self {
            engine,
            command: command.to_owned(),
            options: PlanOptions { simulated: engine.is_simulated(), ..options.clone() },
            graph: Arc::new(graph),
            connections: Arc::new(Connections::new(engine)),
            announced: false,
            back: None,
            told: Vec::new(),
        };
        planning.leave(left);
        Ok(planning)
    }

    /// Goes back to a deployment.
    pub(super) fn back(
        engine: &'e Engine,
        entry: Arc<HistoryEntry>,
        options: &'e PlanOptions,
    ) -> Self {
        Self {
            engine,
            command: format!("rollback {}", entry.deployment.number),
            options: PlanOptions { simulated: engine.is_simulated(), ..options.clone() },
            graph: Arc::new(Graph::empty()),
            connections: Arc::new(Connections::new(engine)),
            announced: false,
            back: Some(entry),
            told: Vec::new(),
        }
    }

    /// Notes which providers are left to their connectors.
    fn leave(&mut self, left: impl Iterator<Item = Urn>) {
        let said = self.engine.context.settings.as_map().into_iter().flatten();
        let said: BTreeSet<String> = said.map(|(field, _)| field.clone()).collect();
        self.options.defaults = left.map(|urn| (urn, said.clone())).collect();
    }

    /// The graph of the deployment that is gone back to, over what is remembered now.
    fn restore(&mut self, entry: &HistoryEntry, snapshot: &Snapshot) -> Result<Vec<String>> {
        let (graph, said) = restored(self.engine, entry, snapshot)?;
        self.leave(graph.defaults.iter().cloned());
        self.graph = Arc::new(graph);
        let new: Vec<_> = said.into_iter().filter(|text| !self.told.contains(text)).collect();
        self.told.extend_from_slice(&new);
        Ok(new)
    }

    /// Observes and plans.
    pub(super) async fn plan(&mut self, known: &Known) -> Result<Arc<Plan>> {
        same_cloud(self.engine, &known.snapshot)?;
        let back = self.back.clone();
        let said = match &back {
            Some(entry) => self.restore(entry, &known.snapshot)?,
            None => Vec::new(),
        };
        let Self { engine, command, options, graph, connections, announced, told, .. } = self;
        connections.remember(&engine.registry, &known.snapshot);
        let mut announce = |seen: &_| {
            if !*announced {
                engine.announce(command, places(seen));
                *announced = true;
            }
        };
        let observed =
            observe(engine, connections, graph, &known.snapshot, options, &mut announce).await;
        if observed.is_err() && !*announced {
            engine.announce(command, BTreeMap::new());
            *announced = true;
        }
        for text in said {
            engine.events.send(Event::Notice(text));
        }
        // What the program of today is told with its places is, of an earlier one, that it does not fit.
        let unfit = |e: Error| match &back {
            Some(entry) if !e.mistakes().is_empty() => otherwise(entry, &e),
            _ => e,
        };
        let seen = observed.map_err(unfit)?;
        let mint = || engine.env.instance();
        let made = plan(graph, &known.snapshot, &engine.registry, &seen, options, &mint);
        let made = made.map_err(unfit)?;
        if let Some(entry) = &back {
            refuse_code(entry, graph, &made)?;
        }
        if cfg!(debug_assertions) {
            let broken = crate::plan::check::invariants(&made, graph, &known.snapshot);
            if let Some(first) = broken.first() {
                let message = format!("the plan is wrong, please report it: {first}");
                return Err(Error::new(ErrorKind::Failed, message));
            }
        }
        not_its_own_key(engine, graph, &made)?;
        for text in not_ready(&seen, &made) {
            if !told.contains(&text) {
                told.push(text.clone());
                engine.events.send(Event::Notice(text));
            }
        }
        let violations = policy::of_plan(&engine.policies, &made, graph)?;
        let made = Arc::new(Plan { violations, ..made });
        engine.events.send(Event::Planned(Arc::clone(&made)));
        Ok(made)
    }
}

/// What was found to be as it is declared, and yet does not do what it is for.
fn not_ready(seen: &Observation, plan: &Plan) -> Vec<String> {
    let busy = plan.steps.iter().filter(|step| step.action != Action::Keep);
    let busy: HashSet<&Urn> = busy.map(|step| &step.urn).collect();
    let waiting = |(key, found): (&Key, &Seen)| {
        let Seen::Present(object) = found else { return None };
        match &object.readiness {
            Readiness::Pending(why) | Readiness::Stuck(why) if !busy.contains(&key.urn) => {
                Some(format!("{} is not ready: {why}", key.urn))
            }
            _ => None,
        }
    };
    seen.objects.iter().filter_map(waiting).collect()
}

impl Planning<'_> {
    /// A plan that was made before, if everything it was made from is still the same.
    pub(super) async fn saved(&mut self, saved: &SavedPlan, known: &Known) -> Result<Arc<Plan>> {
        let stale = |what: &str| {
            let message =
                format!("the saved plan was made {what}: make a new one with `preview --save`");
            Err(Error::new(ErrorKind::PlanStale, message))
        };
        if saved.destroy != self.options.destroy {
            return stale("for another command");
        }
        if saved.graph != self.graph.hash() {
            return stale("for other declarations");
        }
        if saved.position != known.position {
            return stale("before the stack changed");
        }
        same_cloud(self.engine, &known.snapshot)?;
        // Nothing has to be looked at, but the providers must point where they pointed. Who moves was agreed to.
        let mut options = PlanOptions { refresh: Refresh::Nothing, ..self.options.clone() };
        let replaced = saved.plan.steps.iter().filter(|step| step.replaces.is_some());
        let replaced = replaced.map(|step| &step.urn);
        let moved = replaced.filter(|urn| options.defaults.contains_key(*urn));
        options.replaces.extend(moved.cloned());
        self.connections.remember(&self.engine.registry, &known.snapshot);
        let engine = self.engine;
        let (command, announced) = (&self.command, &mut self.announced);
        let mut announce = |seen: &_| {
            if !std::mem::replace(announced, true) {
                engine.announce(command, places(seen));
            }
        };
        let (graph, connections) = (&self.graph, &self.connections);
        let seen =
            observe(engine, connections, graph, &known.snapshot, &options, &mut announce).await?;
        let fresh =
            saved.plan.steps.iter().filter(|step| {
                graph.nodes.get(&step.urn).is_some_and(|node| !node.driver.is_pinned())
            });
        for step in fresh {
            if seen.lookups.get(&step.urn).is_some_and(|found| *found != *step.outputs) {
                return stale(&format!("before what `{}` refers to changed", step.urn));
            }
        }
        let violations = policy::of_plan(&engine.policies, &saved.plan, graph)?;
        let plan = Arc::new(Plan { violations, ..saved.plan.clone() });
        engine.events.send(Event::Planned(Arc::clone(&plan)));
        Ok(plan)
    }
}

/// Refuses to have the key that seals the stack in the stack: with it would go the only way to read what the stack is.
fn not_its_own_key(engine: &Engine, graph: &Graph, plan: &Plan) -> Result<()> {
    let names = engine.state.sealer().names();
    let is_key = |id: Option<&str>| id.is_some_and(|id| names.iter().any(|name| name == id));
    let step = plan.steps.iter().filter(|step| step.action != Action::Forget).find(|step| {
        let options = graph.nodes.get(&step.urn).map(|node| &node.options);
        let import = options.and_then(|options| options.import.as_deref());
        // An alias that is not made yet has no id.
        let alias = step.urn.kind().ends_with(":Alias");
        let name = step.inputs.get("name").and_then(|name| name.as_str()).filter(|_| alias);
        let name = name.map(|name| format!("alias/{}", name.trim_start_matches("alias/")));
        is_key(step.recorded.as_ref().and_then(|record| record.id.as_deref()))
            || is_key(import)
            || is_key(name.as_deref())
    });
    let Some(step) = step else { return Ok(()) };
    let (urn, key) = (&step.urn, engine.state.sealer().key_id());
    let message = format!(
        "{urn} is the key that seals the secrets of this stack (`{key}`): a destroy would destroy the way back. Seal the \
         stack with a key of another one (`state rekey --to KEY`), or take {urn} out of the program and say `state rm {urn}`. \
         Nothing was changed"
    );
    Err(Error::new(ErrorKind::Refused, message))
}

/// Refuses to plan for another cloud than the one the stack's objects are in.
pub(super) fn same_cloud(engine: &Engine, snapshot: &Snapshot) -> Result<()> {
    let made = snapshot.deployment.as_ref().and_then(|deployment| deployment.cloud.as_deref());
    let (Some(made), now) = (made, &*engine.cloud) else { return Ok(()) };
    if made == now || (snapshot.records.is_empty() && snapshot.open.is_empty()) {
        return Ok(());
    }
    let name = &engine.state.name().stack;
    let message = format!(
        "the stack `{name}` was made on the cloud `{made}`, and this is `{now}`. Nothing was read or changed. Say \
         `--cloud {made}`, or use another stack for `{now}`; to move this one, `destroy` it first"
    );
    Err(Error::new(ErrorKind::Refused, message))
}

impl Known {
    /// The state as it was read; of a stack that was never made, nothing.
    pub(super) fn of(engine: &Engine, view: Option<&View>) -> Self {
        if let Some(view) = view {
            return Self { snapshot: view.snapshot.clone(), position: view.position };
        }
        let identity = Identity {
            stack: engine.state.name().clone(),
            lineage: Lineage(engine.env.uuid()),
            home: engine.state.url(),
        };
        Self { snapshot: Snapshot::empty(identity), position: Position::default() }
    }

    /// The state as it is under the lock.
    pub(super) fn held(session: &Session) -> Self {
        Self { snapshot: session.snapshot(), position: session.position() }
    }
}
