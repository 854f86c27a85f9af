//! In which order things are declared: what is needed first, and what is in one scope together.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::Urn;
use petgraph::{algo::tarjan_scc, graph::DiGraph};

use super::group::{Unit, scopes};

/// A function with more statements than this is cut into one for each service.
const LONG: usize = 30;

/// One thing that a function does.
#[derive(Debug)]
pub(super) enum Item {
    /// It declares this unit.
    Unit(usize),
    /// It calls another function.
    Part(Part),
}

/// What is a function of its own.
#[derive(Debug)]
pub(super) struct Part {
    /// The scope, or the service that is cut out of a long function.
    pub(super) called: Called,
    /// What it does, in order.
    pub(super) items: Vec<Item>,
}

/// Why something is a function of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Called {
    /// It is a scope.
    Scope(String),
    /// It is one service's share.
    Service(String),
}

/// What each unit needs, as units.
pub(super) fn needs(units: &[Unit<'_>]) -> Vec<BTreeSet<usize>> {
    let mut of: BTreeMap<&Urn, usize> = BTreeMap::new();
    for (at, unit) in units.iter().enumerate() {
        of.extend(unit.members.iter().map(|member| (&member.urn, at)));
    }
    let needs =
        |unit: &Unit<'_>| unit.needs().iter().filter_map(|urn| of.get(*urn).copied()).collect();
    units.iter().map(needs).collect()
}

/// The units that need each other in a circle.
pub(super) fn circles(needs: &[BTreeSet<usize>]) -> Vec<usize> {
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: Vec<_> = needs.iter().map(|_| graph.add_node(())).collect();
    for (at, needs) in needs.iter().enumerate() {
        for need in needs {
            graph.add_edge(nodes[at], nodes[*need], ());
        }
    }
    let circles = tarjan_scc(&graph).into_iter();
    let several = circles.filter(|circle| {
        circle.len() > 1 || circle.iter().any(|node| graph.contains_edge(*node, *node))
    });
    several.flatten().map(petgraph::graph::NodeIndex::index).collect()
}

/// What a function does that declares these units, from `depth` scopes inside.
pub(super) fn arrange(
    units: &[Unit<'_>],
    needs: &[BTreeSet<usize>],
    of: &BTreeSet<usize>,
    depth: usize,
    is_cut: bool,
) -> Vec<Item> {
    let scope =
        |at: usize| scopes(&units[at].first().urn).get(depth).map(|name| (*name).to_owned());
    let direct = of.iter().filter(|at| scope(**at).is_none()).count();
    let is_long = !is_cut && direct > LONG;
    let part = |at: usize| match scope(at) {
        Some(name) => Some(Called::Scope(name)),
        None if is_long => Some(Called::Service(service(&units[at]))),
        None => None,
    };
    let mut own: BTreeSet<usize> = BTreeSet::new();
    let mut parts: BTreeMap<Called, BTreeSet<usize>> = BTreeMap::new();
    let mut part_of = BTreeMap::new();
    for at in of {
        match part(*at) {
            Some(called) => {
                parts.entry(called.clone()).or_default().insert(*at);
                part_of.insert(*at, called);
            }
            None => drop(own.insert(*at)),
        }
    }
    let mut open = Open::new(needs, of);
    let mut changed: BTreeSet<Called> = parts.keys().cloned().collect();
    let mut runs: BTreeMap<Called, Vec<usize>> = BTreeMap::new();
    let mut items = Vec::new();
    loop {
        let run = open.run(&own);
        if !run.is_empty() {
            for at in &run {
                own.remove(at);
            }
            changed.extend(open.close(&run).iter().filter_map(|at| part_of.get(at)).cloned());
            items.extend(run.into_iter().map(Item::Unit));
            continue;
        }
        // A run is another one only where something was declared that the part needs.
        for called in std::mem::take(&mut changed) {
            let run = parts.get(&called).map(|all| open.run(all));
            runs.insert(called, run.unwrap_or_default());
        }
        // What can be done as a whole comes first, else as much as can be.
        let rank = |(called, run): &(&Called, &Vec<usize>)| {
            let whole = parts.get(*called).is_some_and(|all| all.len() == run.len());
            (whole, run.len(), std::cmp::Reverse((*called).clone()))
        };
        let best = runs.iter().filter(|(_, run)| !run.is_empty()).max_by_key(rank);
        let Some(called) = best.map(|(called, _)| called.clone()) else { return items };
        let run: BTreeSet<usize> = runs.remove(&called).unwrap_or_default().into_iter().collect();
        if let Some(all) = parts.get_mut(&called) {
            all.retain(|at| !run.contains(at));
        }
        let in_order: Vec<usize> = run.iter().copied().collect();
        changed.extend(open.close(&in_order).iter().filter_map(|at| part_of.get(at)).cloned());
        changed.insert(called.clone());
        let items_inside = match called {
            Called::Scope(_) => arrange(units, needs, &run, depth + 1, false),
            Called::Service(_) => arrange(units, needs, &run, depth, true),
        };
        items.push(Item::Part(Part { called, items: items_inside }));
    }
}

/// What is still to be declared.
struct Open {
    /// How many of those that each needs are still to be declared.
    blockers: BTreeMap<usize, usize>,
    /// Who needs each.
    users: BTreeMap<usize, Vec<usize>>,
}

impl Open {
    fn new(needs: &[BTreeSet<usize>], of: &BTreeSet<usize>) -> Self {
        let mut users: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut blockers = BTreeMap::new();
        for at in of {
            let blocking: Vec<usize> = needs[*at].intersection(of).copied().collect();
            blockers.insert(*at, blocking.len());
            for need in blocking {
                users.entry(need).or_default().push(*at);
            }
        }
        Self { blockers, users }
    }

    fn users(&self, of: usize) -> impl Iterator<Item = usize> {
        self.users.get(&of).into_iter().flatten().copied()
    }

    /// As many as can be declared one after the other, of those that are `wanted`; the first that can be comes first.
    fn run(&self, wanted: &BTreeSet<usize>) -> Vec<usize> {
        let is_free = |at: &&usize| self.blockers.get(*at) == Some(&0);
        let mut ready: BTreeSet<usize> = wanted.iter().filter(is_free).copied().collect();
        let mut freed: BTreeMap<usize, usize> = BTreeMap::new();
        let mut run = Vec::new();
        while let Some(next) = ready.pop_first() {
            run.push(next);
            for user in self.users(next).filter(|user| wanted.contains(user)) {
                let count = freed.entry(user).or_default();
                *count += 1;
                if self.blockers.get(&user) == Some(count) {
                    ready.insert(user);
                }
            }
        }
        run
    }

    /// These are declared. Gives who needed one of them.
    fn close(&mut self, declared: &[usize]) -> Vec<usize> {
        let mut met = Vec::new();
        for at in declared {
            self.blockers.remove(at);
            for user in self.users.remove(at).unwrap_or_default() {
                if let Some(count) = self.blockers.get_mut(&user) {
                    *count -= 1;
                    met.push(user);
                }
            }
        }
        met
    }
}

/// The module of its kind's type.
fn service(unit: &Unit<'_>) -> String {
    let schema = unit.first().driver.schema();
    let module = schema.path.split("::").nth(1).filter(|_| schema.path.matches("::").count() > 1);
    module.unwrap_or("other").to_owned()
}
