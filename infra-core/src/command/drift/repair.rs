//! The plan of a repair.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use infra_state::{EnvExt, Key, Options, Record, Snapshot, Status, Urn, Value};

use super::{
    compare::Drifted,
    fix::FixOptions,
    frozen::{as_recorded, frozen, lookups, order, settled},
    read::Known,
    wanted::Wanted,
};
use crate::{
    Engine, Error, ErrorKind, Result,
    drift::{Repair, What},
    execute::Connections,
    graph::Graph,
    plan::{Action, Cause, Observation, Plan, PlanOptions, Refresh, Seen, plan},
    policy::{self, Violation},
};

/// A repair in the making.
pub(super) struct Repairing<'a> {
    engine: &'a Engine,
    options: &'a FixOptions,
    wanted: &'a Wanted,
    /// The state without what waits to be deleted or finished.
    snapshot: Snapshot,
    pub(super) graph: Graph,
    seen: Observation,
    /// The objects that are put right.
    chosen: BTreeSet<Key>,
    /// What stays as it is recorded, whatever becomes of what it uses.
    kept: BTreeSet<Urn>,
    /// The orphans that are deleted, as what waits to be deleted.
    orphans: Vec<Record>,
}

impl<'a> Repairing<'a> {
    pub(super) async fn new(
        engine: &'a Engine,
        options: &'a FixOptions,
        wanted: &'a Wanted,
        snapshot: &Snapshot,
        connections: &Connections,
    ) -> Result<Self> {
        let snapshot = settled(snapshot);
        let graph = frozen(engine, wanted, &snapshot)?;
        connections.remember(&engine.registry, &snapshot);
        let lookups = lookups(&graph, &snapshot);
        let mut seen = Observation { lookups, ..Observation::default() };
        let used: BTreeSet<Urn> =
            snapshot.records.values().filter_map(|it| Some(it.provider.clone()?.urn)).collect();
        for urn in used {
            // What cannot be reached now is not touched: its objects could not be read.
            if let Ok(connection) = connections.get(&urn).await {
                seen.providers.insert(urn, connection.identity.clone());
            }
        }
        let (chosen, kept, orphans) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        Ok(Self { engine, options, wanted, snapshot, graph, seen, chosen, kept, orphans })
    }

    /// Whether something is done about a finding.
    pub(super) fn is_repaired(&self, it: &Drifted) -> bool {
        match &it.known {
            Some(known) => self.is_chosen(known),
            None => self.orphans.iter().any(|orphan| orphan.id == it.finding.id),
        }
    }

    /// Whether an object is put right.
    pub(super) fn is_chosen(&self, known: &Known) -> bool {
        self.chosen.contains(&known.record.key())
    }

    /// The plan; `None` if nothing is to be done. What turns out not to be possible without replacing something is left
    /// alone, and its finding says why.
    pub(super) fn plan(&mut self, found: &mut [Drifted]) -> Result<Option<Plan>> {
        for it in found.iter() {
            match &it.known {
                Some(known) if !matches!(it.finding.repair, Repair::Nothing(_)) => {
                    let seen = match &it.seen {
                        Some(object) => Seen::Present(object.clone()),
                        None => Seen::Absent,
                    };
                    self.seen.objects.insert(known.record.key(), seen);
                    self.chosen.insert(known.record.key());
                }
                None if it.finding.what == What::Orphan && self.options.delete_orphans => {
                    self.orphans.extend(self.orphan(it));
                }
                _ => {}
            }
        }
        loop {
            if self.chosen.is_empty() && self.orphans.is_empty() {
                return Ok(None);
            }
            let plan = self.made()?;
            let (refused, bystanders) = self.replaced_unasked(&plan)?;
            if refused.is_empty() && bystanders.is_empty() {
                return Ok(Some(plan));
            }
            self.keep(bystanders)?;
            for it in found.iter_mut() {
                let Some(known) = &it.known else { continue };
                let key = known.record.key();
                let Some(why) = refused.get(&key) else { continue };
                it.finding.repair = Repair::Nothing(why.clone());
                self.chosen.remove(&key);
                self.seen.objects.remove(&key);
            }
        }
    }

    fn made(&self) -> Result<Plan> {
        let engine = self.engine;
        let mut snapshot = self.snapshot.clone();
        for orphan in &self.orphans {
            snapshot.records.insert(orphan.key(), Arc::new(orphan.clone()));
        }
        let options = PlanOptions {
            refresh: Refresh::Nothing,
            // It was asked about before.
            allow_mass_absence: true,
            allow_data_loss: self.options.allow_data_loss.clone(),
            simulated: engine.is_simulated(),
            ..PlanOptions::default()
        };
        let mint = || engine.env.instance();
        let made = plan(&self.graph, &snapshot, &engine.registry, &self.seen, &options, &mint)?;
        if cfg!(debug_assertions) {
            let broken = crate::plan::check::invariants(&made, &self.graph, &snapshot);
            if let Some(first) = broken.first() {
                let message = format!("the plan is wrong, please report it: {first}");
                return Err(Error::new(ErrorKind::Failed, message));
            }
        }
        let mut made = Plan { records: self.orphans.clone(), forgotten: Vec::new(), ..made };
        // What only would be remembered differently is left to `up`.
        for step in made.steps.iter_mut().filter(|step| step.action == Action::Keep) {
            step.record_only = false;
        }
        made.violations = self.violations(&made)?;
        Ok(made)
    }

    /// What the repair violates. What is recorded with a violation and is not touched keeps nothing from being repaired.
    fn violations(&self, made: &Plan) -> Result<Vec<Violation>> {
        let (policies, graph) = (&self.engine.policies, &self.graph);
        let mut found = policy::of_plan(policies, made, graph)?;
        if found.is_empty() {
            return Ok(found);
        }
        let recorded = policy::of_recorded(policies, graph, self.snapshot.records.values())?;
        let changing = made.steps.iter().filter(|step| step.action != Action::Keep);
        let changed: BTreeSet<&Urn> = changing.map(|step| &step.urn).collect();
        found.retain(|it| {
            it.urn.as_ref().is_some_and(|urn| changed.contains(urn))
                || !recorded.iter().any(|old| it.repeats(old))
        });
        Ok(found)
    }

    /// What must not be done because something would be replaced that nobody allowed to be.
    ///
    /// What nobody touched and what only uses something that is put right may be planned to be made anew because an
    /// output is not known before the repair: those bystanders stay as they are recorded, and `up` passes on what is
    /// really another.
    fn replaced_unasked(&self, plan: &Plan) -> Result<(BTreeMap<Key, String>, BTreeSet<Urn>)> {
        let gone: BTreeSet<Key> = plan
            .steps
            .iter()
            .filter(|step| step.action == Action::Forget)
            .map(|step| Key { urn: step.urn.clone(), instance: step.instance.clone() })
            .collect();
        let updated = plan.steps.iter().filter(|step| step.action == Action::Update);
        let updated: BTreeSet<&Urn> = updated.map(|step| &step.urn).collect();
        let (mut refused, mut bystanders) = (BTreeMap::new(), BTreeSet::new());
        for step in &plan.steps {
            let Some(replaces) = step.replaces.as_ref().filter(|it| !gone.contains(&it.old)) else {
                continue;
            };
            let urn = &step.urn;
            if self.options.drift.allow_replace.contains(urn) {
                continue;
            }
            if self.chosen.contains(&replaces.old) {
                let why = format!("it would be made anew: `--allow-replace {urn}`");
                refused.insert(replaces.old.clone(), why);
                continue;
            }
            let causes: BTreeSet<&Urn> = step.why.iter().map(|why| &why.urn).collect();
            let follows = |why: &crate::plan::Why| match &why.cause {
                Cause::Follows { urn, .. } | Cause::MakesRoom { urn } => Some(urn.clone()),
                _ => None,
            };
            let followed: BTreeSet<Urn> = step.why.iter().filter_map(follows).collect();
            // What is changed back in place gives what it gave before.
            let led = |key: &&Key| {
                let cause = causes.contains(&key.urn) || followed.contains(&key.urn);
                cause && !updated.contains(&key.urn)
            };
            let before = refused.len();
            for key in self.chosen.iter().filter(led) {
                let why = format!("`{urn}` would be made anew with it: `--allow-replace {urn}`");
                refused.insert(key.clone(), why);
            }
            if refused.len() == before && !self.chosen.iter().any(|key| refused.contains_key(key)) {
                if self.kept.contains(urn) {
                    let message =
                        format!("`{urn}` would be made anew: say `--allow-replace {urn}`");
                    return Err(Error::new(ErrorKind::Refused, message));
                }
                bystanders.insert(urn.clone());
            }
        }
        Ok((refused, bystanders))
    }

    /// Declares these as they are recorded.
    fn keep(&mut self, urns: BTreeSet<Urn>) -> Result<()> {
        let known: BTreeSet<&Urn> = self.snapshot.records.keys().map(|key| &key.urn).collect();
        for record in self.snapshot.records.values().filter(|it| urns.contains(&it.urn)) {
            let node = as_recorded(self.engine, self.wanted, record, &known)?;
            self.graph.nodes.insert(record.urn.clone(), node);
        }
        self.graph.order = order(&self.graph.nodes);
        self.kept.extend(urns);
        Ok(())
    }

    /// An orphan, as what waits to be deleted.
    fn orphan(&self, it: &Drifted) -> Option<Record> {
        let (object, driver) = (it.seen.as_deref()?, it.driver.as_ref()?);
        let (provider, _) = it.through.as_ref()?;
        let owner = object.owner.as_ref()?;
        let word = owner.get("infra:instance").filter(|word| !word.is_empty());
        let mut instance = word.map_or_else(|| self.engine.env.instance(), |it| it.as_str().into());
        let kind = driver.schema().kind;
        let said = owner.get("infra:urn").and_then(|urn| urn.parse().ok());
        let urn: Urn = match said.filter(|urn: &Urn| urn.kind() == kind) {
            Some(urn) => urn,
            // What somebody put into an object of the stack's has no name.
            None => orphan_urn(kind, &object.id)?,
        };
        let taken = |instance: &infra_state::Instance| {
            let key = Key { urn: urn.clone(), instance: instance.clone() };
            self.snapshot.records.contains_key(&key)
                || self.orphans.iter().any(|orphan| orphan.key() == key)
        };
        if taken(&instance) {
            instance = self.engine.env.instance();
        }
        let now = self.engine.env.now();
        Some(Record {
            urn,
            instance,
            version: driver.version(),
            status: Status::Deposed,
            id: Some(object.id.clone()),
            inputs: sparse(&object.live),
            outputs: object.outputs.clone().unwrap_or_else(Value::map),
            provider: Some(provider.clone()),
            dependencies: [provider.urn.clone()].into(),
            options: Options::default(),
            holds_data: driver.schema().holds_data,
            created: now,
            updated: now,
        })
    }
}

/// The name of an orphan that has none: the same in every run, so that a person can say it.
fn orphan_urn(kind: &str, id: &str) -> Option<Urn> {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let word: String = id.chars().map(fits).collect();
    Urn::new(kind, &format!("orphans/{word}")).ok()
}

/// What is set.
fn sparse(live: &Value) -> Value {
    let set = live.as_map().into_iter().flatten();
    let set = set.filter(|(_, value)| !matches!(value.revealed(), Value::Null));
    Value::Map(set.map(|(key, value)| (key.clone(), value.clone())).collect())
}
