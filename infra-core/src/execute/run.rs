//! The execution of one plan: what its steps share.

use std::{
    collections::HashMap,
    ops::Deref,
    panic::Location,
    sync::{Arc, OnceLock},
};

use infra_state::{Change, Instance, Key, Options, Provider, Record, Status, Urn, Value};

use super::scope::{Scope, keeps_to};
use crate::{
    Error, ErrorKind, Result,
    graph::{Graph, Node, Role},
    plan::{self, Action, Moved, Plan, Step, StepId, Subject, Verdict, assess, resolve},
    provider::{Connection, ErasedFind, Lock},
};

/// The execution of one plan.
pub(crate) struct Run {
    pub(super) scope: Scope,
    pub(super) plan: Arc<Plan>,
    pub(super) graph: Arc<Graph>,
    /// Which step gives a resource's outputs.
    makers: HashMap<Urn, StepId>,
    /// Outputs of steps that are done.
    outputs: Vec<OnceLock<Value>>,
    /// What the plan leaves alone and its steps may use.
    left: HashMap<Urn, Arc<Record>>,
    /// For replacements that hang on something unknown: what it came to.
    decisions: Vec<OnceLock<Decision>>,
}

/// What became of a step that was planned as *replace (if changed)*.
#[derive(Clone, Debug)]
pub(super) enum Decision {
    /// It is really replaced.
    Replace,
    /// Less is enough: the existing object is changed in place, or nothing is.
    Less {
        /// The wanted inputs of the existing object.
        want: Value,
        /// The paths to write; none if only the record changes.
        paths: Vec<infra_state::Path>,
    },
}

impl Deref for Run {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.scope
    }
}

impl Run {
    pub(crate) fn new(scope: Scope, plan: Arc<Plan>, graph: Arc<Graph>) -> Self {
        let stays = |(_, step): &(StepId, &Step)| !is_removal(step.action);
        let made = plan.iter().filter(stays).map(|(id, step)| (step.urn.clone(), id));
        let makers: HashMap<_, _> = made.collect();
        let mut left = HashMap::new();
        scope.session.with(|snapshot| {
            if makers.len() < graph.nodes.len() {
                for urn in graph.nodes.keys().filter(|urn| !makers.contains_key(*urn)) {
                    let record = snapshot.current(urn).map(Arc::clone);
                    left.extend(record.map(|record| (urn.clone(), record)));
                }
            }
            scope.connections.remember(&scope.registry, snapshot);
        });
        let steps = plan.steps.len();
        let run = Self {
            makers,
            left,
            outputs: std::iter::repeat_with(OnceLock::new).take(steps).collect(),
            decisions: std::iter::repeat_with(OnceLock::new).take(steps).collect(),
            scope,
            plan,
            graph,
        };
        run.learn_plan();
        run
    }

    /// The secrets that are known from the start, and the providers that stay as they are.
    fn learn_plan(&self) {
        for step in &self.plan.steps {
            self.scrub.learn(&step.inputs);
            self.scrub.learn(&step.outputs);
        }
        self.scrub.learn_graph(&self.graph);
        for (urn, node) in &self.graph.nodes {
            if node.role == Role::Provider
                && let Some(id) = self.makers.get(urn)
            {
                self.connections.configure(urn, &self.plan.step(*id).inputs);
            }
        }
    }

    pub(super) fn step(&self, id: StepId) -> &Step {
        self.plan.step(id)
    }

    /// The declared resource of a step.
    pub(super) fn node(&self, urn: &Urn) -> Result<&Node> {
        self.graph.nodes.get(urn).ok_or_else(|| {
            Error::new(ErrorKind::Failed, format!("the plan makes {urn}, which is not declared"))
        })
    }

    /// Where the program declares a resource; what is to be removed it need not declare.
    pub(super) fn declared_at(&self, urn: &Urn) -> Option<&'static Location<'static>> {
        let node = self.graph.nodes.get(urn)?;
        // The default provider is declared by nobody: it has the line of a resource that uses it.
        Some(node.at)
    }

    /// What is known of a resource's outputs now.
    pub(crate) fn known(&self, urn: &Urn) -> Option<&Value> {
        let Some(id) = self.makers.get(urn) else {
            return self.left.get(urn).map(|record| &record.outputs);
        };
        if let Some(outputs) = self.outputs[id.0].get() {
            return Some(outputs);
        }
        let step = self.step(*id);
        let kept = step.action == Action::Keep || self.outputs_are_recorded(*id);
        kept.then_some(&*step.outputs)
    }

    fn outputs_are_recorded(&self, id: StepId) -> bool {
        matches!(self.decisions[id.0].get(), Some(Decision::Less { paths, .. }) if paths.is_empty())
    }

    /// From now on these are the outputs of the step.
    pub(super) fn give(&self, id: StepId, outputs: Value) {
        self.scrub.learn(&outputs);
        // A step is done once.
        let _ = self.outputs[id.0].set(outputs);
    }

    /// The wanted inputs with everything known, as the object `instance`, whose recorded inputs are given if it exists.
    pub(super) fn wanted(
        &self,
        node: &Node,
        instance: &Instance,
        recorded: Option<&Record>,
    ) -> Result<Value> {
        let recorded = recorded.map(|record| &record.inputs);
        let want = resolve(&self.graph, node, &|urn| self.known(urn), instance, recorded);
        let want = want.map_err(|e| self.reworded(&e))?;
        let ignored = &node.options.ignore_changes;
        let want = match recorded {
            Some(recorded) if !ignored.is_empty() => {
                plan::ignore::overlay(node.driver.schema(), ignored, recorded, &want)
            }
            _ => want,
        };
        if want.has_unknown() {
            let message = "it hangs on an output that is not known: the resource it belongs to did not give it";
            return Err(Error::new(ErrorKind::Failed, message));
        }
        Ok(want)
    }

    /// The wanted inputs of a step, checked against what was confirmed.
    pub(super) fn confirmed(&self, id: StepId, node: &Node) -> Result<Value> {
        let step = self.step(id);
        let ignores = !node.options.ignore_changes.is_empty() && step.recorded.is_some();
        if !step.inputs.has_unknown() && !ignores {
            return Ok(Value::clone(&step.inputs));
        }
        let existing = step.recorded.as_deref().filter(|record| record.instance == step.instance);
        let want = self.wanted(node, &step.instance, existing)?;
        if !ignores && !keeps_to(&step.inputs, &want) {
            return Err(stale(step, "what was known when it was planned has changed"));
        }
        self.scrub.learn(&want);
        let mut violations = node.driver.type_check(&want);
        violations.extend(node.driver.check(&want));
        violations.extend(node.driver.schema().secret_names(&want));
        if violations.is_empty() {
            self.obeys(step, node, &want)?;
            return Ok(want);
        }
        let wrong: Vec<_> =
            violations.iter().map(|v| format!("`{}`: {}", v.path, v.message)).collect();
        Err(Error::new(ErrorKind::Failed, self.scrub.clean(wrong.join("; "))))
    }

    /// The program's own errors, in a message of one step.
    fn reworded(&self, error: &Error) -> Error {
        let mistakes: Vec<_> = error.mistakes().iter().map(|m| m.message.clone()).collect();
        let text = if mistakes.is_empty() { error.to_string() } else { mistakes.join("; ") };
        Error::new(ErrorKind::Failed, self.scrub.clean(text))
    }

    /// The connection that a node's objects are made through.
    pub(super) async fn connection(&self, node: &Node) -> Result<Arc<Connection>> {
        let Some(provider) = &node.provider else { return Ok(self.connections.own()) };
        self.connections.get(provider).await.map_err(|e| self.failure(&e))
    }

    /// The connection through which a recorded object was made.
    pub(super) async fn connection_of(&self, record: &Record) -> Result<Arc<Connection>> {
        let Some(provider) = &record.provider else {
            let message = format!("{} was made without a provider", record.urn);
            return Err(Error::new(ErrorKind::Failed, message));
        };
        let found = self.connections.holding(&provider.urn, &provider.identity).await;
        found.map_err(|e| self.failure(&e))
    }

    /// The record of a node's object.
    pub(super) fn record(&self, node: &Node, instance: &Instance, id: Option<String>) -> Record {
        let now = self.env.now();
        Record {
            urn: node.urn.clone(),
            instance: instance.clone(),
            version: node.driver.version(),
            status: Status::Ready,
            id,
            inputs: Value::map(),
            outputs: Value::map(),
            provider: None,
            dependencies: node.dependencies(),
            options: self.recorded_options(node),
            holds_data: node.driver.schema().holds_data,
            created: now,
            updated: now,
        }
    }

    /// The options to record. What is declared by an earlier deployment has no line in the program of today.
    fn recorded_options(&self, node: &Node) -> Options {
        let options = node.recorded_options();
        if !self.graph.is_restored {
            return options;
        }
        let before = self.session.with(|snapshot| snapshot.current(&node.urn).map(Arc::clone));
        Options { declared: before.and_then(|record| record.options.declared.clone()), ..options }
    }

    /// What else changes when the new object of a resource is recorded: the one it takes the place of is deposed.
    pub(super) fn displaced(&self, urn: &Urn, by: &Instance) -> Option<Change> {
        self.session.with(|snapshot| {
            let old = snapshot.current(urn).filter(|record| record.instance != *by)?;
            let mut old = Record::clone(old);
            old.status = Status::Deposed;
            old.updated = self.env.now();
            Some(Change::Put(old))
        })
    }

    /// What a step that was planned as *replace (if changed)* comes to, now that everything it hangs on is known.
    pub(super) async fn decide(&self, id: StepId) -> Result<&Decision> {
        if let Some(decision) = self.decisions[id.0].get() {
            return Ok(decision);
        }
        let decision = self.decision(self.step(id)).await?;
        Ok(self.decisions[id.0].get_or_init(|| decision))
    }

    /// The same by the resource that is replaced.
    pub(super) async fn is_replaced(&self, urn: &Urn) -> Result<bool> {
        let Some(id) = self.makers.get(urn) else { return Ok(false) };
        Ok(matches!(self.decide(*id).await?, Decision::Replace))
    }

    async fn decision(&self, step: &Step) -> Result<Decision> {
        let hangs = step.replaces.as_ref().filter(|replaces| replaces.if_changed);
        let (Some(replaces), Some(recorded)) = (hangs, &step.recorded) else {
            return Ok(Decision::Replace);
        };
        if self.session.record(&replaces.old).is_none() {
            // It made room for something else that was really replaced.
            return Ok(Decision::Replace);
        }
        let node = self.node(&step.urn)?;
        let want = self.wanted(node, &recorded.instance, Some(recorded))?;
        let moved = match node.role {
            Role::Provider => self.provider_moved(node, &want).await?,
            _ => self.object_moved(node, recorded).await?,
        };
        let moved = if moved { Moved::Yes } else { Moved::No };
        let subject = Subject { node, recorded, desired: &want, seen: None, moved, asked: false };
        let found = assess(&subject, &|_| None);
        // A provider is replaced if it points somewhere else, and only then.
        let replace = match node.role {
            Role::Provider => moved == Moved::Yes,
            _ => found.verdict >= Verdict::ReplaceIfChanged,
        };
        if replace {
            return Ok(Decision::Replace);
        }
        let mut paths = found.paths();
        paths.extend(step.drift.iter().map(|drift| drift.path.clone()));
        if node.role != Role::Managed {
            paths.clear();
        }
        Ok(Decision::Less { want, paths })
    }

    async fn object_moved(&self, node: &Node, recorded: &Record) -> Result<bool> {
        let Some(made) = &recorded.provider else { return Ok(false) };
        Ok(self.connection(node).await?.identity != made.identity)
    }

    async fn provider_moved(&self, node: &Node, config: &Value) -> Result<bool> {
        self.connections.configure(&node.urn, config);
        let now = self.connections.get(&node.urn).await.map_err(|e| self.failure(&e))?;
        Ok(self.session.with(|snapshot| {
            let mut made = snapshot.records.values().filter_map(|record| record.provider.as_ref());
            made.any(|made| made.urn == node.urn && made.identity != now.identity)
        }))
    }

    /// What the step must not run beside.
    pub(super) fn lock(&self, id: StepId) -> Option<Lock> {
        let step = self.step(id);
        if step.record_only || matches!(step.action, Action::Keep | Action::Read | Action::Forget) {
            return None;
        }
        let driver = self.driver(&step.urn).ok()?;
        driver.provider_kind()?;
        if !step.inputs.has_unknown() {
            return driver.serialize_on(&step.inputs);
        }
        let node = self.node(&step.urn).ok()?;
        // What cannot be resolved fails when the step runs.
        let want = resolve(&self.graph, node, &|urn| self.known(urn), &step.instance, None).ok()?;
        driver.serialize_on(&want)
    }

    /// What the program exports, as far as it is known now.
    pub(crate) fn exports(&self) -> Result<std::collections::BTreeMap<String, Value>> {
        let before = self.session.with(|snapshot| snapshot.exports.clone());
        let mut exports = std::collections::BTreeMap::new();
        for (name, expr) in &self.plan.exports {
            let value = expr.eval(&|urn| self.known(urn)).map_err(|e| {
                let at = self.graph.export_places.get(name);
                let at = at.map(|at| format!(" (exported at {at})")).unwrap_or_default();
                let message = self.scrub.clean(format!("the export `{name}`: {e}{at}"));
                Error::new(ErrorKind::Failed, message)
            })?;
            if !value.has_unknown() {
                exports.insert(name.clone(), value);
            } else if let Some(before) = before.get(name) {
                // What it hangs on failed: what was exported is still what there is.
                exports.insert(name.clone(), before.clone());
            }
        }
        Ok(exports)
    }
}

/// What a record says of its provider.
pub(super) fn provided(node: &Node, connection: &Connection) -> Option<Provider> {
    let urn = node.provider.clone()?;
    Some(Provider { urn, identity: connection.identity.clone() })
}

pub(super) fn is_removal(action: Action) -> bool {
    matches!(action, Action::Delete | Action::DeleteOld | Action::Forget)
}

pub(super) fn stale(step: &Step, why: &str) -> Error {
    let message = format!("{}: {why}. Nothing of it was done; plan again", step.urn);
    Error::new(ErrorKind::PlanStale, message)
}

pub(super) fn key_of(step: &Step) -> Key {
    Key { urn: step.urn.clone(), instance: step.instance.clone() }
}

/// How the object of a record is found.
pub(crate) fn by_id(record: &Record) -> Option<ErasedFind> {
    let id = record.id.clone()?;
    Some(ErasedFind::Id { id, recorded: Some(record.inputs.clone()) })
}
