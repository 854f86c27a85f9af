//! What has to be looked for: objects without tags or generated names, and lookups.

use std::sync::Arc;

use futures_util::future::join_all;
use infra_state::{EnvExt, Lineage, Provider, Urn};
use uuid::Uuid;

use super::{
    settle::is_object,
    walk::{Object, Settled, Walk},
};
use crate::{
    Error, ErrorKind, Result,
    command::{
        observe::{For, Groups, read},
        owned::Owner,
    },
    event::Event,
    graph::{Node, Role},
    provider::{Class, ErasedFind, ErasedObserved, Operation, Readiness},
};

impl Walk<'_> {
    /// Looks for what is declared with inputs that are known now.
    pub(super) async fn look(&mut self) -> Result<bool> {
        let mut groups = Groups::default();
        let mut count = 0;
        let mut hanging = Vec::new();
        let open: Vec<&Node> = self.unsettled().collect();
        for node in open {
            let is_lookup = node.role == Role::Lookup;
            let by_declaration =
                is_object(node) && self.is_declared_only(node) && self.candidates(node).is_empty();
            if !(is_lookup || by_declaration) || !self.is_ready(node) {
                continue;
            }
            let connection = match &node.provider {
                Some(provider) => self.places.get(provider).cloned(),
                // The outputs of another stack are read through nothing.
                None => Some(self.connections.own()),
            };
            let Some(connection) = connection else {
                hanging.push((node.urn.clone(), self.hangs(node)));
                continue;
            };
            let find = if let Some(id) = &node.options.import {
                ErasedFind::Id { id: id.clone(), recorded: None }
            } else {
                let want = self.wanted(node)?;
                if want.has_unknown() {
                    hanging.push((node.urn.clone(), self.hangs(node)));
                    continue;
                }
                ErasedFind::Made { want, op: self.operation(&node.urn) }
            };
            let urn = node.urn.clone();
            let what = if is_lookup { For::Lookup(urn) } else { For::Import(urn) };
            groups.add(&node.driver, connection, what, find);
            count += 1;
        }
        let moved = count > 0 || !hanging.is_empty();
        self.settled.extend(hanging);
        if count > 0 {
            self.engine.events.send(Event::Reading { objects: count });
        }
        let reads = groups.all.into_iter().map(|group| read(self.engine, group));
        for (what, answer) in join_all(reads).await.into_iter().flatten() {
            let found = match answer {
                Ok(found) => found,
                Err(error) if error.class() == Class::NotFound => None,
                Err(error) => {
                    let message = format!("{} cannot be read: {error}", what.urn());
                    return Err(Error::new(ErrorKind::Failed, message).because(error));
                }
            };
            match what {
                For::Lookup(urn) => {
                    let settled = match found.and_then(|found| found.outputs) {
                        Some(outputs) => {
                            let outputs = self.graph.opened(&urn, outputs)?;
                            self.outputs.insert(urn.clone(), outputs);
                            Settled::Known
                        }
                        None => Settled::Missing("there is nothing like that".to_owned()),
                    };
                    self.settled.insert(urn, settled);
                }
                For::Import(urn) => {
                    let settled = self.take(&urn, found);
                    self.put(&urn, settled);
                }
                For::Object { .. } => {}
            }
        }
        Ok(moved)
    }

    /// An object that has what a resource is declared with, unless it says that it is somebody else's.
    fn take(&mut self, urn: &Urn, found: Option<ErasedObserved>) -> Settled {
        let missing = |text: String| Settled::Missing(text);
        let Some(seen) = found else {
            return missing("there is nothing with what it is declared with".to_owned());
        };
        if let Readiness::Deleting(why) = &seen.readiness {
            return missing(format!("{} is being deleted: {why}", seen.id));
        }
        if seen.owner.is_some() {
            let owner = Owner::of(&seen, &self.names);
            let ours = owner.filter(|owner| Some(owner.lineage) == self.lineage);
            if ours.is_none_or(|owner| owner.urn.as_ref() != Some(urn)) {
                let id = &seen.id;
                return missing(format!("{id} is what it is declared with, and not this stack's"));
            }
        }
        let node = self.graph.nodes.get(urn);
        let provider = node.and_then(|node| {
            let provider = node.provider.as_ref()?;
            let identity = self.places.get(provider)?.identity.clone();
            Some(Provider { urn: provider.clone(), identity })
        });
        let (Some(node), Some(provider)) = (node, provider) else {
            return missing("its provider cannot be connected".to_owned());
        };
        let same = |object: &Object| {
            object.seen.id == seen.id
                && object.urn.kind() == urn.kind()
                && object.provider.identity == provider.identity
        };
        if let Some(other) = self.objects.iter().find(|object| same(object)) {
            let message = format!(
                "{} has what it is declared with, and what `{}` is declared with: one of them is wrong",
                seen.id, other.urn
            );
            self.problem(urn, message);
            return missing("it is not clear which object it is".to_owned());
        }
        let current = self.objects.len();
        let instance = self.engine.env.instance();
        let driver = Arc::clone(&node.driver);
        self.objects.push(Object { driver, seen, urn: urn.clone(), instance, provider });
        Settled::Objects { current, others: Vec::new() }
    }

    fn operation(&self, urn: &Urn) -> Operation {
        Operation {
            id: self.engine.env.uuid(),
            stack: self.engine.state.name().clone(),
            lineage: self.lineage.unwrap_or(Lineage(Uuid::nil())),
            urn: urn.clone(),
            instance: self.engine.env.instance(),
        }
    }
}
