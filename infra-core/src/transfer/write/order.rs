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
    let mut left = of.clone();
    let mut items = Vec::new();
    while !left.is_empty() {
        let own = run(&left, needs, |at| part(at).is_none());
        if !own.is_empty() {
            left.retain(|at| !own.contains(at));
            items.extend(own.into_iter().map(Item::Unit));
            continue;
        }
        let parts: BTreeSet<_> = left.iter().filter_map(|at| part(*at)).collect();
        let runs = parts.into_iter().map(|called| {
            let all = left.iter().filter(|at| part(**at).as_ref() == Some(&called)).count();
            let run = run(&left, needs, |at| part(at).as_ref() == Some(&called));
            (run.len() == all, run.len(), called, run)
        });
        // What can be done as a whole comes first, else as much as can be.
        let best = runs.max_by_key(|(whole, count, called, _)| {
            (*whole, *count, std::cmp::Reverse(called.clone()))
        });
        let Some((_, _, called, run)) = best.filter(|best| best.1 > 0) else { break };
        left.retain(|at| !run.contains(at));
        let run = run.into_iter().collect();
        let items_inside = match called {
            Called::Scope(_) => arrange(units, needs, &run, depth + 1, false),
            Called::Service(_) => arrange(units, needs, &run, depth, true),
        };
        items.push(Item::Part(Part { called, items: items_inside }));
    }
    items
}

/// As many as can be declared one after the other, of those that are `wanted`.
fn run(
    left: &BTreeSet<usize>,
    needs: &[BTreeSet<usize>],
    wanted: impl Fn(usize) -> bool,
) -> Vec<usize> {
    let mut open = left.clone();
    let mut run = Vec::new();
    loop {
        let ready = |at: &&usize| wanted(**at) && needs[**at].is_disjoint(&open);
        let Some(next) = open.iter().find(ready).copied() else { return run };
        open.remove(&next);
        run.push(next);
    }
}

/// The module of its kind's type.
fn service(unit: &Unit<'_>) -> String {
    let schema = unit.first().driver.schema();
    let module = schema.path.split("::").nth(1).filter(|_| schema.path.matches("::").count() > 1);
    module.unwrap_or("other").to_owned()
}
