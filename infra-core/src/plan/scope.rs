//! What a plan is about: everything, or what `--target`, `--exclude` and `--exclude-protected` leave of it.

use std::collections::HashSet;

use infra_state::Urn;

use super::{PlanOptions, remembered::Remembered};
use crate::{
    Error, ErrorKind, Result,
    graph::{Graph, did_you_mean},
};

/// The resources that a plan may touch; `None` is all.
pub(super) struct Scope(Option<HashSet<Urn>>);

impl Scope {
    pub(super) fn has(&self, urn: &Urn) -> bool {
        self.0.as_ref().is_none_or(|urns| urns.contains(urn))
    }

    pub(super) fn new(
        graph: &Graph,
        remembered: &Remembered<'_>,
        options: &PlanOptions,
    ) -> Result<Self> {
        known(graph, remembered, options)?;
        let protected = remembered.iter().filter(|record| {
            let declared = graph.nodes.get(&record.urn);
            options.destroy
                && options.exclude_protected
                && (record.options.protect || declared.is_some_and(|node| node.options.protect))
        });
        let mut left_out: Vec<_> = options.excludes.iter().cloned().collect();
        left_out.extend(protected.map(|record| record.urn.clone()));
        if options.targets.is_empty() && left_out.is_empty() {
            return Ok(Self(None));
        }
        let every = graph.nodes.keys().chain(remembered.iter().map(|record| &record.urn));
        let mut urns: HashSet<Urn> = if options.targets.is_empty() {
            every.cloned().collect()
        } else {
            let targets = options.targets.iter().cloned().collect();
            closure(targets, |urn| needed(graph, remembered, urn))
        };
        let users = users(graph);
        for urn in closure(left_out, |urn| kept_with(graph, remembered, &users, urn)) {
            urns.remove(&urn);
        }
        Ok(Self(Some(urns)))
    }
}

/// What has to be done too when `urn` is: what it is made from; and if it is deleted, what uses it.
fn needed(graph: &Graph, remembered: &Remembered<'_>, urn: &Urn) -> Vec<Urn> {
    match graph.nodes.get(urn) {
        Some(node) => node.dependencies().into_iter().collect(),
        None => remembered.dependents(urn).iter().map(|record| record.urn.clone()).collect(),
    }
}

/// What has to be left alone too when `urn` is: what will be made from it; and if it is to be deleted some day, what
/// it was made from.
fn kept_with(
    graph: &Graph,
    remembered: &Remembered<'_>,
    users: &std::collections::HashMap<Urn, Vec<Urn>>,
    urn: &Urn,
) -> Vec<Urn> {
    let mut kept = users.get(urn).cloned().unwrap_or_default();
    if let Some(record) = remembered.current(urn) {
        // What stays declared is not deleted anyway.
        let made_from = record.dependencies.iter().chain(record.provider.as_ref().map(|p| &p.urn));
        kept.extend(made_from.filter(|on| !graph.nodes.contains_key(on)).cloned());
    }
    kept
}

fn users(graph: &Graph) -> std::collections::HashMap<Urn, Vec<Urn>> {
    let mut users = std::collections::HashMap::<Urn, Vec<Urn>>::new();
    for node in graph.nodes.values() {
        for on in node.dependencies() {
            users.entry(on).or_default().push(node.urn.clone());
        }
    }
    users
}

fn closure(from: Vec<Urn>, next: impl Fn(&Urn) -> Vec<Urn>) -> HashSet<Urn> {
    let mut found: HashSet<Urn> = from.iter().cloned().collect();
    let mut open = from;
    while let Some(urn) = open.pop() {
        for urn in next(&urn) {
            if found.insert(urn.clone()) {
                open.push(urn);
            }
        }
    }
    found
}

/// Every urn that an option names has to exist, or nothing would happen and nobody would notice. Not so what may be
/// lost: a wrong urn there stops at the loss that it does not allow, and a right one is gone when a `destroy` that was
/// cut off is given again.
fn known(graph: &Graph, remembered: &Remembered<'_>, options: &PlanOptions) -> Result<()> {
    let named = [
        ("--target", &options.targets),
        ("--exclude", &options.excludes),
        ("--replace", &options.replaces),
    ];
    for (flag, urns) in named {
        for urn in urns {
            if graph.nodes.contains_key(urn) || remembered.iter().any(|record| record.urn == *urn) {
                continue;
            }
            let every = graph.nodes.keys().chain(remembered.iter().map(|record| &record.urn));
            let hint = did_you_mean(urn, every);
            let message =
                format!("{flag}: there is no resource `{urn}` in the program or in state{hint}");
            return Err(Error::new(ErrorKind::Usage, message));
        }
    }
    Ok(())
}
