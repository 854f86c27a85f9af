//! What is drawn: boxes and arrows, whatever draws them.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::{Snapshot, Status, Urn};

use crate::graph::{Graph, Role};

/// One resource in a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Box {
    /// Which.
    pub urn: Urn,
    /// What it is for the engine.
    pub role: Role,
    /// May not be deleted.
    pub protected: bool,
    /// Holds data that a delete would lose.
    pub holds_data: bool,
}

/// Boxes, and arrows from what is needed to what needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// What heads it.
    pub title: String,
    /// The resources, by urn.
    pub boxes: Vec<Box>,
    /// From (needed) and to (needs it), as indices of `boxes`.
    pub arrows: BTreeSet<(usize, usize)>,
}

impl Picture {
    /// What a program declares. Providers are left out: everything hangs on them.
    pub fn of_graph(title: impl Into<String>, graph: &Graph) -> Self {
        let nodes = graph.nodes.values().filter(|node| node.role != Role::Provider);
        let boxes = nodes.map(|node| Box {
            urn: node.urn.clone(),
            role: node.role,
            protected: node.options.protect,
            holds_data: node.driver.schema().holds_data,
        });
        Self::new(title.into(), boxes.collect(), |urn| graph.dependencies(urn))
    }

    /// What is remembered of a stack.
    pub fn of_snapshot(title: impl Into<String>, snapshot: &Snapshot) -> Self {
        let records = snapshot.records.values().filter(|record| record.status != Status::Deposed);
        let records: BTreeMap<_, _> = records.map(|record| (record.urn.clone(), record)).collect();
        let boxes = records.values().map(|record| Box {
            urn: record.urn.clone(),
            role: if record.urn.kind().ends_with(":Provider") {
                Role::Provider
            } else {
                Role::Managed
            },
            protected: record.options.protect,
            holds_data: record.holds_data,
        });
        let boxes = boxes.filter(|one| one.role != Role::Provider).collect();
        Self::new(title.into(), boxes, |urn| {
            records.get(urn).map(|record| record.dependencies.clone()).unwrap_or_default()
        })
    }

    fn new(title: String, boxes: Vec<Box>, needs: impl Fn(&Urn) -> BTreeSet<Urn>) -> Self {
        let index: BTreeMap<&Urn, usize> =
            boxes.iter().enumerate().map(|(at, one)| (&one.urn, at)).collect();
        let mut arrows = BTreeSet::new();
        for (to, one) in boxes.iter().enumerate() {
            arrows.extend(
                needs(&one.urn).iter().filter_map(|urn| index.get(urn)).map(|from| (*from, to)),
            );
        }
        arrows.retain(|(from, to)| from != to);
        Self { title, boxes, arrows }
    }

    /// The arrows that say something no path of others says.
    pub(super) fn essential(&self) -> Vec<(usize, usize)> {
        let mut next = vec![Vec::new(); self.boxes.len()];
        for (from, to) in &self.arrows {
            next[*from].push(*to);
        }
        let longer = |from: usize, to: usize| {
            let mut stack: Vec<usize> = next[from].iter().copied().filter(|n| *n != to).collect();
            let mut seen = BTreeSet::new();
            while let Some(at) = stack.pop() {
                if at == to {
                    return true;
                }
                if seen.insert(at) {
                    stack.extend(&next[at]);
                }
            }
            false
        };
        self.arrows.iter().copied().filter(|(from, to)| !longer(*from, *to)).collect()
    }
}

/// `net` of `net/app/subnet-a`; what is in no scope has none.
pub(super) fn scope(urn: &Urn) -> Option<&str> {
    urn.name().split_once('/').map(|(scope, _)| scope)
}

/// The name without its first scope.
pub(super) fn label(urn: &Urn) -> &str {
    urn.name().split_once('/').map_or(urn.name(), |(_, rest)| rest)
}

/// `Subnet` of `aws:ec2:Subnet`, with the service before it where there is one: `ec2 Subnet`.
pub(super) fn kind(urn: &Urn) -> String {
    let mut parts = urn.kind().rsplit(':');
    let kind = parts.next().unwrap_or_default();
    match parts.next() {
        Some(service) if urn.kind().matches(':').count() > 1 => format!("{service} {kind}"),
        _ => kind.to_owned(),
    }
}
