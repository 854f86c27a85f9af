//! What is true of every plan. Checked in debug builds and in every test.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use infra_state::{Key, Snapshot, Status, Urn};

use super::{Action, DiffKind, Plan, ReplaceOrder, Step, StepId};
use crate::graph::Graph;

/// What is wrong with a plan; empty if nothing is.
pub fn invariants(plan: &Plan, graph: &Graph, snapshot: &Snapshot) -> Vec<String> {
    let mut check = Check::new(plan, graph, snapshot);
    check.order();
    check.unique();
    for (id, step) in plan.iter() {
        check.values(step);
        match step.action {
            Action::Delete | Action::DeleteOld | Action::Forget => check.removal(id, step),
            _ => check.make(id, step),
        }
    }
    check.complete();
    check.found
}

struct Check<'a> {
    plan: &'a Plan,
    graph: &'a Graph,
    snapshot: &'a Snapshot,
    makes: HashMap<&'a Urn, StepId>,
    removals: HashMap<Key, StepId>,
    dependents: HashMap<&'a Urn, Vec<Key>>,
    found: Vec<String>,
}

impl<'a> Check<'a> {
    fn new(plan: &'a Plan, graph: &'a Graph, snapshot: &'a Snapshot) -> Self {
        let mut check = Self {
            plan,
            graph,
            snapshot,
            makes: HashMap::new(),
            removals: HashMap::new(),
            dependents: HashMap::new(),
            found: Vec::new(),
        };
        for (id, step) in plan.iter() {
            if is_removal(step) {
                check.removals.insert(key(step), id);
            } else {
                check.makes.insert(&step.urn, id);
            }
        }
        for record in snapshot.records.values() {
            for on in &record.dependencies {
                check.dependents.entry(on).or_default().push(record.key());
            }
        }
        check
    }

    fn wrong(&mut self, step: &Step, what: impl AsRef<str>) {
        self.found.push(format!("{} ({:?}) {}", step.urn, step.action, what.as_ref()));
    }

    /// Every step comes after those it waits for: so there is no cycle.
    fn order(&mut self) {
        for (id, step) in self.plan.iter() {
            if step.after.iter().any(|before| *before >= id) {
                self.wrong(step, "waits for a step that does not come before it");
            }
        }
    }

    fn unique(&mut self) {
        let mut makes = BTreeSet::new();
        let mut objects = BTreeSet::new();
        for step in &self.plan.steps {
            if !is_removal(step) && !makes.insert(&step.urn) {
                self.wrong(step, "is made twice");
            }
            if !objects.insert(key(step)) {
                self.wrong(step, "has two steps for one object");
            }
        }
    }

    fn values(&mut self, step: &Step) {
        let unsure = step.inputs.has_unknown();
        if unsure && (step.action == Action::Keep || is_removal(step)) {
            self.wrong(step, "is kept or removed with unknown inputs");
        }
        let covered = |path| step.paths.contains(path);
        let changes = step.diff.iter().chain(&step.drift);
        if step.action == Action::Update && !changes.clone().all(|diff| covered(&diff.path)) {
            self.wrong(step, "changes a path that it may not write");
        }
        if step.action == Action::Update && changes.clone().any(|d| d.kind != DiffKind::Update) {
            self.wrong(step, "changes in place what cannot be changed in place");
        }
        if step.action == Action::Keep && changes.count() > 0 {
            self.wrong(step, "is kept though something changes");
        }
        if step.why.is_empty() && acts(step) && !step.record_only {
            self.wrong(step, "has no reason");
        }
    }

    fn make(&mut self, id: StepId, step: &Step) {
        let fresh = matches!(step.action, Action::Create)
            || (step.action == Action::Import && step.recorded.is_none());
        if fresh && self.snapshot.records.contains_key(&key(step)) {
            self.wrong(step, "makes an object that is recorded");
        }
        if acts(step) {
            for on in self.graph.dependencies(&step.urn) {
                let Some(&before) = self.makes.get(&on) else { continue };
                if acts(self.plan.step(before)) && !step.after.contains(&before) {
                    self.wrong(step, format!("does not wait for {on}"));
                }
            }
        }
        let Some(replaced) = &step.replaces else { return };
        match (self.removals.get(&replaced.old).copied(), &replaced.order) {
            (Some(old), ReplaceOrder::CreateFirst) => {
                if !self.plan.step(old).after.contains(&id) {
                    self.wrong(step, "is to be made first, but the old object does not wait");
                }
            }
            (Some(old), ReplaceOrder::DeleteFirst(_)) => {
                if !step.after.contains(&old) {
                    self.wrong(step, "is to be made last, but does not wait for the old object");
                }
            }
            (None, ReplaceOrder::CreateFirst) => {}
            (None, ReplaceOrder::DeleteFirst(_)) => {
                self.wrong(step, "is to be made last, but the old object stays");
            }
        }
        let old = self.removals.get(&replaced.old).map(|old| self.plan.step(*old));
        if old.is_some_and(|old| replaced.if_changed != old.only_if.is_some()) {
            self.wrong(step, "and its old object do not agree on whether it is sure");
        }
    }

    fn removal(&mut self, id: StepId, step: &Step) {
        let Some(record) = step.recorded.clone() else {
            return self.wrong(step, "removes what is not recorded");
        };
        let declared = self.graph.nodes.get(&step.urn).is_some_and(|node| node.options.protect);
        let protected = (declared || record.options.protect) && record.status != Status::Deposed;
        if protected && step.action != Action::Forget {
            self.wrong(step, "removes what is protected");
        }
        let lost = self.plan.losses.iter().any(|loss| loss.urn == step.urn);
        if record.holds_data && step.action != Action::Forget && !(step.data_loss && lost) {
            self.wrong(step, "loses data and does not say so");
        }
        if self.first(step) {
            return;
        }
        for user in self.dependents.get(&step.urn).cloned().unwrap_or_default() {
            if user.urn == step.urn {
                continue;
            }
            let moves = self.makes.get(&user.urn).filter(|make| acts(self.plan.step(**make)));
            let before = self.removals.get(&user).or(moves);
            if let Some(before) = before
                && !self.plan.step(id).after.contains(before)
                && !self.cyclic(&user, &key(step))
            {
                self.wrong(step, format!("does not wait for {}, which was made from it", user.urn));
            }
        }
    }

    /// Whether it is an old object that goes first.
    fn first(&self, step: &Step) -> bool {
        let make = self.makes.get(&step.urn).map(|make| self.plan.step(*make));
        make.and_then(|make| make.replaces.as_ref()).is_some_and(|replaced| {
            replaced.old == key(step) && matches!(replaced.order, ReplaceOrder::DeleteFirst(_))
        })
    }

    /// Whether each was made from the other, so that one of the orders had to go.
    fn cyclic(&self, user: &Key, of: &Key) -> bool {
        let mut seen = BTreeSet::from([of.urn.clone()]);
        let mut open = vec![of.urn.clone()];
        while let Some(urn) = open.pop() {
            for record in self.snapshot.of(&urn) {
                for on in &record.dependencies {
                    if *on == user.urn {
                        return true;
                    }
                    if seen.insert(on.clone()) {
                        open.push(on.clone());
                    }
                }
            }
        }
        false
    }

    /// Every declared resource is either planned as a whole or left alone; no record has a step that is not its own.
    fn complete(&mut self) {
        let mut current = BTreeMap::<&Urn, usize>::new();
        for record in self.snapshot.records.values() {
            if record.status != Status::Deposed {
                *current.entry(&record.urn).or_default() += 1;
            }
        }
        for (urn, count) in current {
            let make = self.makes.get(urn).map(|make| self.plan.step(*make));
            let renamed = make.is_some_and(|make| make.renamed_from.is_some());
            let new = make.is_some_and(|make| {
                make.action == Action::Create && make.replaces.is_none() && !renamed
            });
            if new && count > 0 {
                self.found.push(format!("{urn} is made though it exists"));
            }
        }
    }
}

fn key(step: &Step) -> Key {
    Key { urn: step.urn.clone(), instance: step.instance.clone() }
}

fn is_removal(step: &Step) -> bool {
    matches!(step.action, Action::Delete | Action::DeleteOld | Action::Forget)
}

fn acts(step: &Step) -> bool {
    step.action != Action::Keep || step.record_only
}
