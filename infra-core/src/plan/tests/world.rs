//! A cloud, a state, and the execution of plans over them, as a fold: what the worker does with real ones.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use infra_state::{
    Identity, Instance, Key, Lineage, Provider, ProviderIdentity, Record, Snapshot, StackName,
    Status, Urn, Value,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::fake::registry;
use crate::{
    Result,
    graph::{Graph, Role},
    plan::{
        Action, Moved, Observation, Plan, PlanOptions, Refresh, ReplaceOrder, Seen, Step, StepId,
        Subject, Verdict, assess, check, plan, resolve, to_observe,
    },
    provider::{ErasedObserved, Readiness, Registry},
};

pub(super) struct World {
    pub(super) registry: Registry,
    pub(super) snapshot: Snapshot,
    /// The objects by id.
    pub(super) objects: BTreeMap<String, ErasedObserved>,
    pub(super) account: &'static str,
    pub(super) options: PlanOptions,
    minted: Cell<u32>,
    /// Which replacements that hung on an unknown turned out to be none.
    weakened: BTreeSet<Urn>,
    /// What was made by the plan that is being executed.
    made: BTreeSet<Urn>,
}

impl World {
    pub(super) fn new() -> Self {
        let stack = StackName::new("p", "dev").unwrap();
        let lineage = Lineage(Uuid::nil());
        Self {
            registry: registry(),
            snapshot: Snapshot::empty(Identity { stack, lineage, home: "memory:".into() }),
            objects: BTreeMap::new(),
            account: "1",
            options: PlanOptions { refresh: Refresh::All, ..PlanOptions::default() },
            minted: Cell::new(0),
            weakened: BTreeSet::new(),
            made: BTreeSet::new(),
        }
    }

    fn identity(&self, config: &Value) -> ProviderIdentity {
        let region = config.get("region").and_then(Value::as_str).unwrap_or_default();
        [("account".to_owned(), self.account.to_owned()), ("region".to_owned(), region.to_owned())]
            .into()
    }

    /// Looks at what a plan needs.
    pub(super) fn observe(&self, graph: &Graph) -> Result<Observation> {
        let mut seen = Observation::default();
        for round in 0.. {
            let wanted = to_observe(graph, &self.snapshot, &self.registry, &seen, &self.options)?;
            if wanted.is_empty() {
                break;
            }
            assert!(round < 20, "never has enough: {wanted:?}");
            for (urn, config) in wanted.providers {
                seen.providers.insert(urn, self.identity(&config));
            }
            for key in wanted.objects {
                let id = self.snapshot.records[&key].id.clone().unwrap();
                seen.objects.insert(key, self.look(&id));
            }
            for (urn, import) in wanted.imports {
                let name = import.want.get("name").cloned();
                let named = || {
                    let of = |object: &&ErasedObserved| object.live.get("name") == name.as_ref();
                    self.objects.values().find(of).map(|object| object.id.clone())
                };
                let id = import.id.or_else(named).unwrap_or_default();
                seen.imports.insert(urn, self.look(&id));
            }
            for (urn, inputs) in wanted.lookups {
                let found = inputs.get("fixed").cloned().unwrap_or_default();
                seen.lookups.insert(urn, Value::from([("id", found)]));
            }
        }
        Ok(seen)
    }

    fn look(&self, id: &str) -> Seen {
        match self.objects.get(id) {
            Some(object) => Seen::Present(Box::new(object.clone())),
            None => Seen::Absent,
        }
    }

    fn mint(&self) -> Instance {
        self.minted.set(self.minted.get() + 1);
        format!("i{:07}", self.minted.get()).as_str().into()
    }

    pub(super) fn plan(&self, graph: &Graph) -> Result<Plan> {
        let seen = self.observe(graph)?;
        let mint = || self.mint();
        let plan = plan(graph, &self.snapshot, &self.registry, &seen, &self.options, &mint)?;
        let declared = if self.options.destroy { &Graph::empty() } else { graph };
        let wrong = check::invariants(&plan, declared, &self.snapshot);
        assert!(wrong.is_empty(), "{wrong:#?}\n{:#?}", lines(&plan));
        Ok(plan)
    }

    /// Plans and executes all of it.
    pub(super) fn up(&mut self, graph: &Graph) -> Plan {
        let plan = self.plan(graph).unwrap_or_else(|e| panic!("{e:?}"));
        self.apply(graph, &plan, |_| true);
        plan
    }

    /// The plan has nothing left to do.
    pub(super) fn settled(&self, graph: &Graph) {
        let plan = self.plan(graph).unwrap_or_else(|e| panic!("{e:?}"));
        let left = lines(&plan);
        assert!(left.is_empty(), "left to do: {left:#?}\n{:?}", plan.steps);
    }

    /// Executes the steps that `works` lets work; those that wait for one that did not are skipped.
    pub(super) fn apply(&mut self, graph: &Graph, plan: &Plan, works: impl Fn(StepId) -> bool) {
        self.weakened.clear();
        self.made.clear();
        for record in &plan.records {
            self.put(record.clone());
        }
        for key in &plan.forgotten {
            self.snapshot.records.remove(key);
        }
        let mut failed = BTreeSet::new();
        for (id, step) in plan.iter() {
            if step.after.iter().any(|before| failed.contains(before)) || !works(id) {
                failed.insert(id);
                continue;
            }
            match step.action {
                Action::Keep if !step.record_only => {}
                Action::Delete | Action::DeleteOld | Action::Forget => {
                    self.remove(graph, plan, step);
                }
                _ => self.make(graph, step),
            }
        }
    }

    fn put(&mut self, record: Record) {
        self.snapshot.records.insert(record.key(), Arc::new(record));
    }

    fn wanted(
        &self,
        graph: &Graph,
        urn: &Urn,
        instance: &Instance,
        recorded: Option<&Value>,
    ) -> Value {
        let node = &graph.nodes[urn];
        let outputs = |urn: &Urn| outputs(&self.snapshot, urn);
        resolve(graph, node, &outputs, instance, recorded).unwrap()
    }

    /// Whether a planned replacement is really one, now that everything it hangs on is known.
    fn really(&self, graph: &Graph, plan_urn: &Urn) -> bool {
        let node = &graph.nodes[plan_urn];
        let Some(record) = self.snapshot.current(plan_urn) else { return true };
        let wanted = self.wanted(graph, plan_urn, &record.instance, Some(&record.inputs));
        assert!(!wanted.has_unknown(), "{plan_urn} is decided before it can be: {wanted:?}");
        let moved = match (node.provider.as_ref(), &record.provider) {
            (Some(provider), Some(made)) if self.provider_identity(provider) != made.identity => {
                Moved::Yes
            }
            _ => Moved::No,
        };
        let seen = record.id.as_ref().map(|id| self.look(id));
        let subject = Subject {
            node,
            recorded: record,
            desired: &wanted,
            seen: seen.as_ref(),
            moved,
            asked: self.options.replaces.contains(plan_urn),
        };
        assess(&subject, &|_| None).verdict >= Verdict::ReplaceIfChanged
    }

    fn provider_identity(&self, provider: &Urn) -> ProviderIdentity {
        self.identity(&self.snapshot.current(provider).unwrap().inputs)
    }

    fn remove(&mut self, graph: &Graph, plan: &Plan, step: &Step) {
        if let Some(only_if) = &step.only_if {
            let weak = self.weakened.contains(only_if)
                || (!self.made.contains(only_if) && !self.really(graph, only_if));
            if weak {
                self.weakened.insert(step.urn.clone());
                return;
            }
        }
        let key = Key { urn: step.urn.clone(), instance: step.instance.clone() };
        let record = self.snapshot.records.remove(&key).expect("removes what is recorded");
        let Some(id) = record.id.as_ref().filter(|_| step.action != Action::Forget) else { return };
        assert!(self.objects.remove(id).is_some(), "{} deletes what is not there", step.urn);
        let key = record.key();
        let goes_first = plan
            .steps
            .iter()
            .filter_map(|step| step.replaces.as_ref())
            .any(|replaced| replaced.old == key && replaced.order != ReplaceOrder::CreateFirst);
        // Nobody has moved away yet from what goes first.
        if !goes_first {
            let users: Vec<_> = self
                .objects
                .values()
                .filter(|other| mentions(&other.live, id))
                .map(|o| &o.id)
                .collect();
            assert!(users.is_empty(), "{id} is deleted while {users:?} use it");
        }
    }

    fn make(&mut self, graph: &Graph, step: &Step) {
        let node = &graph.nodes[&step.urn];
        self.made.insert(step.urn.clone());
        let mut replaces = step.replaces.clone();
        let mut instance = step.instance.clone();
        if let Some(replaced) = &replaces
            && replaced.if_changed
            && self.snapshot.records.contains_key(&replaced.old)
            && (node.role == Role::Provider || !self.really(graph, &step.urn))
        {
            self.weakened.insert(step.urn.clone());
            instance = replaced.old.instance.clone();
            replaces = None;
        }
        let key = Key { urn: step.urn.clone(), instance: instance.clone() };
        let existing = self.snapshot.records.get(&key).cloned();
        let recorded = existing.as_deref().map(|record| &record.inputs);
        let wanted = self.wanted(graph, &step.urn, &instance, recorded);
        assert!(!wanted.has_unknown(), "{} is made before it can be: {wanted:?}", step.urn);
        if step.inputs.has_unknown() || step.replaces.is_some() {
            assert!(
                fits(&step.inputs, &wanted) || replaces.is_none(),
                "{:?} {wanted:?}",
                step.inputs
            );
        } else {
            assert_eq!(*step.inputs, wanted, "{} is not what was planned", step.urn);
        }
        if let Some(replaced) = replaces
            && let Some(old) = self.snapshot.records.get(&replaced.old).cloned()
        {
            assert_eq!(
                replaced.order,
                ReplaceOrder::CreateFirst,
                "{} finds its old object",
                step.urn
            );
            self.put(Record { status: Status::Deposed, ..Record::clone(&old) });
        }
        let id = existing.as_ref().and_then(|record| record.id.clone());
        let id =
            id.or_else(|| node.options.import.clone().filter(|_| step.action == Action::Import));
        let id = id.unwrap_or_else(|| format!("id-{}-{instance}", node.urn.name()));
        let fixed = node.inputs.contains_key("name").then(|| wanted.get("name").cloned()).flatten();
        // What is stable is decided once.
        let arn = existing.as_ref().and_then(|record| record.outputs.get("arn").cloned());
        let outputs = match node.role {
            Role::Provider => Value::map(),
            Role::Lookup => Value::from([("id", wanted.get("fixed").cloned().unwrap_or_default())]),
            Role::Managed => Value::from([
                ("id", Value::from(id.as_str())),
                ("arn", arn.or(fixed).unwrap_or_else(|| id.as_str().into())),
                ("rev", wanted.get("size").cloned().unwrap_or_default()),
            ]),
        };
        let provider = node.provider.clone().map(|urn| {
            let identity = self.provider_identity(&urn);
            Provider { urn, identity }
        });
        if node.role == Role::Managed {
            let live = ErasedObserved {
                id: id.clone(),
                readiness: Readiness::Ready,
                live: wanted.clone(),
                outputs: Some(outputs.clone()),
                owner: None,
                beyond: Vec::new(),
            };
            self.objects.insert(id.clone(), live);
        }
        let now = Timestamp::UNIX_EPOCH;
        self.put(Record {
            urn: step.urn.clone(),
            instance,
            version: node.driver.version(),
            status: Status::Ready,
            id: (node.role == Role::Managed).then_some(id),
            inputs: wanted,
            outputs,
            provider,
            dependencies: graph.dependencies(&step.urn),
            options: node.recorded_options(),
            holds_data: node.driver.schema().holds_data,
            created: now,
            updated: now,
        });
        let current = self.snapshot.of(&step.urn).filter(|r| r.status != Status::Deposed).count();
        assert_eq!(current, 1, "{} has {current} objects", step.urn);
    }
}

fn outputs<'s>(snapshot: &'s Snapshot, urn: &Urn) -> Option<&'s Value> {
    let from = Key { urn: urn.clone(), instance: "".into() };
    let of = snapshot.records.range(from..).take_while(|(key, _)| key.urn == *urn);
    let mut current = of.map(|(_, record)| record).filter(|r| r.status != Status::Deposed);
    current.next().map(|record| &record.outputs)
}

/// Whether what became known agrees with what was planned.
fn fits(planned: &Value, known: &Value) -> bool {
    match (planned, known) {
        (Value::Unknown, _) => true,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| fits(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.iter().all(|(k, a)| b.get(k).is_some_and(|b| fits(a, b)))
        }
        (a, b) => a.same(b),
    }
}

fn mentions(value: &Value, text: &str) -> bool {
    match value.revealed() {
        Value::String(own) => own == text,
        Value::List(list) => list.iter().any(|value| mentions(value, text)),
        Value::Map(map) => map.values().any(|value| mentions(value, text)),
        _ => false,
    }
}

/// What a plan does, one line a step.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let acting = plan.steps.iter().filter(|step| step.action != Action::Keep || step.record_only);
    let line = |step: &Step| {
        let record = if step.record_only { " (record)" } else { "" };
        let replaces = match &step.replaces {
            None => "",
            Some(replaced) => match (&replaced.order, replaced.if_changed) {
                (ReplaceOrder::CreateFirst, false) => " replacing",
                (ReplaceOrder::CreateFirst, true) => " replacing if changed",
                (ReplaceOrder::DeleteFirst(_), false) => " replaced first",
                (ReplaceOrder::DeleteFirst(_), true) => " replaced first if changed",
            },
        };
        let only =
            step.only_if.as_ref().map(|urn| format!(" if {}", urn.name())).unwrap_or_default();
        format!("{:?} {}{replaces}{only}{record}", step.action, step.urn.name())
    };
    acting.map(line).collect()
}
