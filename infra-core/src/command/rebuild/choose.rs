//! Which of several objects is the resource.

use std::{collections::BTreeSet, sync::Arc};

use infra_state::{Record, Status};

use super::{
    record::inputs,
    walk::{Object, Walk},
};
use crate::{
    Result,
    graph::Node,
    plan::{Moved, Seen, Subject, Verdict, assess},
};

/// What is known of several objects of one resource.
pub(super) enum Choice {
    /// One is the resource; the others only wait to be deleted.
    Sure { current: usize, others: Vec<usize> },
    /// The person has to decide.
    Open(String),
}

impl Walk<'_> {
    /// Which of several objects is the resource: a replacement was cut off, and the one stays that the program would
    /// not replace. (Which of them is newer no cloud tells for every kind; the program tells which one it wants.)
    ///
    /// **Invariant:** nothing is lost by the choice alone. The others are remembered as what waits to be deleted: a
    /// plan shows them, and data in them is lost only where `--allow-data-loss` names the resource. If the program
    /// fits several, or none, nothing is chosen.
    pub(super) fn choose(&self, node: &Node, candidates: &[usize]) -> Result<Choice> {
        let ids = |list: &[usize]| {
            let ids = list.iter().map(|at| self.objects[*at].seen.id.clone());
            ids.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
        };
        let others = |current: usize| {
            candidates.iter().copied().filter(|at| *at != current).collect::<Vec<_>>()
        };
        if let Some(id) = self.options.current.get(&node.urn) {
            let meant = candidates.iter().copied().find(|at| self.objects[*at].seen.id == *id);
            return Ok(match meant {
                Some(current) => Choice::Sure { current, others: others(current) },
                None => Choice::Open(format!(
                    "`--current` says {id:?}, and its objects are {}",
                    ids(candidates)
                )),
            });
        }
        let mut fitting = Vec::new();
        for at in candidates {
            if self.fits(node, &self.objects[*at])? {
                fitting.push(*at);
            }
        }
        Ok(match &fitting[..] {
            [current] => Choice::Sure { current: *current, others: others(*current) },
            some => {
                let how = match some {
                    [] => "none of which is as the program declares it".to_owned(),
                    some => format!("of which {} are as the program declares it", some.len()),
                };
                Choice::Open(format!(
                    "it has {} objects ({}), {how}. Say which one it is with `--current {}=ID`; the others are \
                     remembered as waiting to be deleted",
                    candidates.len(),
                    ids(candidates),
                    node.urn
                ))
            }
        })
    }

    /// Whether the program would go on with this object instead of replacing it.
    fn fits(&self, node: &Node, object: &Object) -> Result<bool> {
        let outputs = |urn: &infra_state::Urn| self.outputs.get(urn);
        let live = &object.seen.live;
        let (recorded, _) = inputs(self.graph, node, &outputs, &object.instance, live)?;
        let desired =
            crate::plan::resolve(self.graph, node, &outputs, &object.instance, Some(&recorded))?;
        let here = node.provider.as_ref().and_then(|provider| self.places.get(provider));
        let moved = here.is_none_or(|here| here.identity != object.provider.identity);
        let record = Record { inputs: recorded, ..self.record(node, object, Status::Ready) };
        let seen = Seen::Present(Box::new(object.seen.clone()));
        let subject = Subject {
            node,
            recorded: &Arc::new(record),
            desired: &desired,
            seen: Some(&seen),
            moved: if moved { Moved::Yes } else { Moved::No },
            asked: false,
        };
        Ok(assess(&subject, &|_| None).verdict < Verdict::ReplaceIfChanged)
    }
}
