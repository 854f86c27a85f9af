//! What is settled by what was listed.

use infra_state::Urn;

use super::{
    choose::Choice,
    walk::{Settled, Walk},
};
use crate::{
    Resource, Result,
    command::owned::is_going,
    graph::{Node, Role},
    provider::Readiness,
    secret::Secret,
};

impl Walk<'_> {
    /// Settles the resources whose objects say so themselves, and those that have nowhere to be.
    pub(super) fn settle(&mut self) -> Result<bool> {
        let mut moved = false;
        let open: Vec<&Node> = self.unsettled().filter(|node| is_object(node)).collect();
        for node in open {
            let Some(provider) = node.provider.as_ref() else { continue };
            let Some(place) = self.settled.get(provider) else { continue };
            let nowhere = matches!(place, Settled::Missing(_));
            let candidates = self.candidates(node);
            let settled = match &candidates[..] {
                [] if nowhere => {
                    Settled::Missing(format!("its provider `{provider}` cannot be connected"))
                }
                [] if self.is_declared_only(node) => continue,
                [] => Settled::Missing("nothing carries its tags or its name".to_owned()),
                [one] => Settled::Objects { current: *one, others: Vec::new() },
                // Which of several is meant shows in what they are made from.
                _ if !self.is_ready(node) => continue,
                several => match self.choose(node, several)? {
                    Choice::Sure { current, others } => Settled::Objects { current, others },
                    Choice::Open(why) => {
                        self.problem(&node.urn, why);
                        Settled::Missing("it is not clear which object it is".to_owned())
                    }
                },
            };
            self.put(&node.urn, settled);
            moved = true;
        }
        Ok(moved)
    }

    /// From now on this is known of the resource, and the outputs of its object.
    pub(super) fn put(&mut self, urn: &Urn, settled: Settled) {
        if let Settled::Objects { current, .. } = &settled
            && let Some(outputs) = &self.objects[*current].seen.outputs
        {
            self.outputs.insert(urn.clone(), outputs.clone());
        }
        self.settled.insert(urn.clone(), settled);
    }

    /// The objects that say they are of this resource, under this name or a former one. One that is on its way out
    /// counts only if there is no other and it can be brought back.
    pub(super) fn candidates(&self, node: &Node) -> Vec<usize> {
        let former = node.options.aliases.iter().filter_map(|old| node.alias(old).ok());
        let mut urns = std::iter::once(node.urn.clone()).chain(former);
        let all = urns.find_map(|urn| self.claimed.get(&urn)).cloned().unwrap_or_default();
        let (going, living): (Vec<usize>, Vec<usize>) =
            all.into_iter().partition(|at| is_going(&self.objects[*at].seen));
        if !living.is_empty() {
            return living;
        }
        let kept =
            |at: &usize| matches!(self.objects[*at].seen.readiness, Readiness::Restorable(_));
        going.into_iter().filter(kept).collect()
    }

    /// Whether the object is found by what the resource is declared with, and only so.
    pub(super) fn is_declared_only(&self, node: &Node) -> bool {
        let schema = node.driver.schema();
        let mut named = schema.fields.iter().filter(|field| field.name_rule.is_some());
        let generated = named.clone().next().is_some()
            && named.all(|field| !node.inputs.contains_key(field.name));
        let takes_over = node.options.import.is_some() || node.options.adopt;
        takes_over || (!generated && !self.tagged.contains(schema.kind))
    }
}

/// Whether the resource has objects in a cloud.
pub(super) fn is_object(node: &Node) -> bool {
    node.role == Role::Managed && !is_secret(&node.urn)
}

pub(super) fn is_secret(urn: &Urn) -> bool {
    urn.kind() == <Secret as Resource>::KIND
}
