//! What has to wait for what.
//!
//! With `M(x)` the step that makes, changes or re-records x, and `D(x)` the removal of an object of x:
//!
//! 1. `M(a)` before `M(b)` if b is declared with something of a.
//! 2. `D(b)` before `D(a)` if b was made from a.
//! 3. `M(b)` before `D(a)` if b was made from a and stays: it moves away first.
//! 4. `M(x)`, and all that is declared with something of x, before `D(x)` of the object it replaces.
//! 5. Or, where the old object goes first, `D(x)` before `M(x)`; then of rule 3 nothing, and of rule 2 only what waits
//!    for no `M` itself. While it is not known whether x is replaced, `D(x)` waits for what its root is made from.
//!
//! **Invariant:** there is no cycle. Give `M(x)` the place of x in the order of the graph, `D(x)` of rule 5 a place just
//! before its root (or before everything, where it is sure), and every other `D` a place after all `M`: every edge goes
//! forward. What remains is a cycle among recorded dependencies; one of its edges is dropped.

use std::collections::{HashMap, HashSet};

use infra_state::{Key, Status};

use super::{draft::Removal, forward::Forward};
use crate::graph::order;

/// For each make and, after all makes, each removal: what it waits for.
pub(super) struct Wires {
    needs: Vec<Vec<usize>>,
    makes: usize,
    /// Which removals are of objects that were replaced in an earlier run.
    deposed: Vec<bool>,
}

impl Wires {
    pub(super) fn new(forward: &Forward<'_>, removals: &[Removal]) -> Self {
        let makes = forward.makes.len();
        let deposed = removals.iter().map(|r| r.record.status == Status::Deposed).collect();
        let needs = vec![Vec::new(); makes + removals.len()];
        let mut wires = Self { needs, makes, deposed };
        let users = wires.declared(forward);
        wires.removed(forward, removals, &users);
        for needs in &mut wires.needs {
            needs.sort_unstable();
            needs.dedup();
        }
        wires
    }

    /// An order in which everything comes after what it waits for.
    pub(super) fn order(&mut self) -> Vec<usize> {
        loop {
            match order(self.needs.len(), |at| self.needs[at].clone()) {
                Ok(order) => return order,
                Err(cycles) => cycles.iter().for_each(|cycle| self.cut(cycle)),
            }
        }
    }

    pub(super) fn needs(&self, at: usize) -> &[usize] {
        &self.needs[at]
    }

    /// Drops one edge of a cycle, in which each member waits for the next. Records name the resources they were made
    /// from, not the objects: a user of something deposed may be one of the object that took its place.
    fn cut(&mut self, cycle: &[usize]) {
        let next = |at: usize| cycle[(at + 1) % cycle.len()];
        let removal = |at: usize| at >= self.makes;
        let among = |at: &usize| removal(cycle[*at]) && removal(next(*at));
        let deposed = |at: usize| self.deposed[cycle[at % cycle.len()] - self.makes];
        let strength = |at: &usize| match (deposed(*at), deposed(*at + 1)) {
            (true, false) => 0,
            (true, true) => 1,
            (false, _) => 2,
        };
        let at = (0..cycle.len()).filter(among).min_by_key(strength).unwrap_or_default();
        let (from, to) = (cycle[at], next(at));
        self.needs[from].retain(|need| *need != to);
    }

    /// Rule 1. Gives who is declared with something of whom.
    fn declared(&mut self, forward: &Forward<'_>) -> HashMap<usize, Vec<usize>> {
        let mut users = HashMap::<usize, Vec<usize>>::new();
        for (at, make) in forward.makes.iter().enumerate().filter(|(_, make)| make.acts()) {
            for on in make.node.dependencies() {
                let Some(&on) = forward.places.get(&on) else { continue };
                if forward.makes[on].acts() {
                    self.needs[at].push(on);
                    users.entry(on).or_default().push(at);
                }
            }
        }
        users
    }

    fn removed(
        &mut self,
        forward: &Forward<'_>,
        removals: &[Removal],
        users: &HashMap<usize, Vec<usize>>,
    ) {
        let makes = self.makes;
        let places: HashMap<Key, usize> =
            removals.iter().enumerate().map(|(at, removal)| (removal.key(), makes + at)).collect();
        // Old objects that may have to go first, with the removals that would have to go before them.
        let mut early = Vec::new();
        for (at, removal) in removals.iter().enumerate() {
            let at = makes + at;
            let by = removal.replaced_by;
            let first = by.filter(|by| goes_first(forward, *by));
            for record in forward.remembered.dependents(&removal.record.urn) {
                if record.urn == removal.record.urn {
                    continue;
                }
                let user = forward.places.get(&record.urn).copied();
                match places.get(&record.key()) {
                    Some(&gone) if first.is_none() => self.needs[at].push(gone),
                    Some(&gone) => {
                        let replaced = removals[gone - makes].replaced_by;
                        if replaced.is_some_and(|by| goes_first(forward, by)) {
                            self.needs[at].push(gone);
                        } else {
                            early.push((at, gone));
                        }
                    }
                    None => {
                        let user = user.filter(|user| forward.makes[*user].acts());
                        if first.is_none() {
                            self.needs[at].extend(user);
                        }
                    }
                }
            }
            match (by, first) {
                (_, Some(by)) => {
                    self.needs[by].push(at);
                    if let Some(root) = removal.only_if {
                        let of_root = forward.makes[root].node.dependencies();
                        let of_root =
                            of_root.iter().filter_map(|on| forward.places.get(on).copied());
                        self.needs[at].extend(of_root.filter(|on| forward.makes[*on].acts()));
                    }
                }
                (Some(by), None) => {
                    self.needs[at].push(by);
                    self.needs[at].extend(users.get(&by).into_iter().flatten());
                }
                (None, None) => {}
            }
        }
        let free = self.free();
        for (at, gone) in early {
            if free.contains(&gone) {
                self.needs[at].push(gone);
            }
        }
    }

    /// The removals that wait, directly and indirectly, for removals only.
    fn free(&self) -> HashSet<usize> {
        let mut missing: Vec<_> = self.needs.iter().map(Vec::len).collect();
        let mut waiting = HashMap::<usize, Vec<usize>>::new();
        for at in self.makes..self.needs.len() {
            for need in &self.needs[at] {
                waiting.entry(*need).or_default().push(at);
            }
        }
        let mut open: Vec<_> =
            (self.makes..self.needs.len()).filter(|at| missing[*at] == 0).collect();
        let mut free = HashSet::new();
        while let Some(at) = open.pop() {
            free.insert(at);
            for next in waiting.get(&at).into_iter().flatten() {
                missing[*next] -= 1;
                if missing[*next] == 0 {
                    open.push(*next);
                }
            }
        }
        free
    }
}

fn goes_first(forward: &Forward<'_>, make: usize) -> bool {
    forward.makes[make].replaces.as_ref().is_some_and(|replacing| replacing.first.is_some())
}
