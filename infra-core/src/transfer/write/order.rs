//! In which order things are declared: what is needed first, and what is in one scope together.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

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
    let mut by_name: BTreeMap<Called, BTreeSet<usize>> = BTreeMap::new();
    for at in of {
        match part(*at) {
            Some(called) => drop(by_name.entry(called).or_default().insert(*at)),
            None => drop(own.insert(*at)),
        }
    }
    let mut open = Open::new(needs, of);
    let mut parts = Parts::new(by_name);
    let mut items = Vec::new();
    loop {
        let run = open.run(&own);
        if !run.is_empty() {
            for at in &run {
                own.remove(at);
            }
            parts.change(&open.close(&run));
            items.extend(run.into_iter().map(Item::Unit));
            continue;
        }
        let Some((called, run)) = parts.next(&open) else { return items };
        let called = called.clone();
        let in_order: Vec<usize> = run.iter().copied().collect();
        parts.change(&open.close(&in_order));
        let items_inside = match called {
            Called::Scope(_) => arrange(units, needs, &run, depth + 1, false),
            Called::Service(_) => arrange(units, needs, &run, depth, true),
        };
        items.push(Item::Part(Part { called, items: items_inside }));
    }
}

/// The parts of a function, and which comes next. They have numbers in the order of their names.
struct Parts {
    all: Vec<OnePart>,
    /// The part of each unit.
    of: BTreeMap<usize, usize>,
    /// Those of which something was declared, or something that they need.
    changed: BTreeSet<usize>,
    /// Those that something can be declared of, by rank.
    ready: BTreeSet<Rank>,
}

struct OnePart {
    called: Called,
    /// What is still to be declared.
    left: BTreeSet<usize>,
    /// What of it can be declared now.
    run: Vec<usize>,
}

/// What can be done as a whole comes first, else as much as can be: the greatest, and of equals the first by name.
type Rank = (bool, usize, Reverse<usize>);

impl OnePart {
    fn rank(&self, number: usize) -> Rank {
        (self.run.len() == self.left.len(), self.run.len(), Reverse(number))
    }
}

impl Parts {
    fn new(by_name: BTreeMap<Called, BTreeSet<usize>>) -> Self {
        let one = |(called, left)| OnePart { called, left, run: Vec::new() };
        let all: Vec<OnePart> = by_name.into_iter().map(one).collect();
        let numbered = all.iter().enumerate();
        let of = numbered.flat_map(|(number, part)| part.left.iter().map(move |at| (*at, number)));
        Self { of: of.collect(), changed: (0..all.len()).collect(), ready: BTreeSet::new(), all }
    }

    /// Something was declared that these units need.
    fn change(&mut self, units: &[usize]) {
        self.changed.extend(units.iter().filter_map(|at| self.of.get(at)));
    }

    /// The part that comes next, and what of it can be declared: that is not left any more.
    fn next(&mut self, open: &Open) -> Option<(&Called, BTreeSet<usize>)> {
        for number in std::mem::take(&mut self.changed) {
            let part = &mut self.all[number];
            self.ready.remove(&part.rank(number));
            part.run = open.run(&part.left);
            if !part.run.is_empty() {
                self.ready.insert(part.rank(number));
            }
        }
        let (.., Reverse(number)) = self.ready.pop_last()?;
        self.changed.insert(number);
        let part = &mut self.all[number];
        let run: BTreeSet<usize> = std::mem::take(&mut part.run).into_iter().collect();
        part.left.retain(|at| !run.contains(at));
        Some((&part.called, run))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_as_a_whole_comes_first_and_then_the_most() {
        let of = |all: &[usize]| all.iter().copied().collect::<BTreeSet<_>>();
        // 1 needs 5, and 4 needs 1: the part `a` is only whole after `c`, and `b` after `a`.
        let mut needs = vec![BTreeSet::new(); 7];
        needs[1] = of(&[5]);
        needs[4] = of(&[1]);
        let mut open = Open::new(&needs, &of(&[0, 1, 2, 3, 4, 5, 6]));
        let parts = [("a", of(&[0, 1])), ("b", of(&[2, 3, 4])), ("c", of(&[5])), ("d", of(&[6]))];
        let parts = parts.map(|(name, all)| (Called::Scope(name.to_owned()), all));
        let mut parts = Parts::new(parts.into());
        let mut order = Vec::new();
        while let Some((called, run)) = parts.next(&open) {
            let Called::Scope(name) = called else { panic!("{called:?}") };
            let run: Vec<usize> = run.into_iter().collect();
            order.push((name.clone(), run.clone()));
            parts.change(&open.close(&run));
        }
        let order: Vec<_> = order.iter().map(|(name, run)| (name.as_str(), &run[..])).collect();
        let wanted: [(&str, &[usize]); 4] =
            [("c", &[5]), ("a", &[0, 1]), ("b", &[2, 3, 4]), ("d", &[6])];
        assert_eq!(order, wanted);
    }
}
