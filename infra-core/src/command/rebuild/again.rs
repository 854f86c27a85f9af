//! Reading what was found once more, in the light of what is declared.

use std::sync::Arc;

use futures_util::future::join_all;

use super::walk::{Settled, Walk};
use crate::{
    Error, ErrorKind, Result,
    command::observe::{For, Groups, read},
    plan::resolve,
    provider::ErasedFind,
};

impl Walk<'_> {
    /// Reads the current objects with what is declared of them at hand. Some of what a cloud says can only be told with
    /// it: a version that was declared as `17` is `17.7` by now, and settings that were never declared are nobody's.
    pub(super) async fn read_again(&mut self) -> Result<()> {
        let mut groups = Groups::default();
        for (urn, node) in &self.graph.nodes {
            let Some(Settled::Objects { current, .. }) = self.settled.get(urn) else { continue };
            let object = &self.objects[*current];
            let Some(place) = self.places.get(&object.provider.urn) else { continue };
            let (outputs, live) = (|urn: &_| self.outputs.get(urn), Some(&object.seen.live));
            let declared = resolve(self.graph, node, &outputs, &object.instance, live)?;
            if declared.has_unknown() {
                continue;
            }
            let find = ErasedFind::Id { id: object.seen.id.clone(), recorded: Some(declared) };
            groups.add(&node.driver, Arc::clone(place), For::Import(urn.clone()), find);
        }
        let reads = groups.all.into_iter().map(|group| read(self.engine, group));
        for (what, answer) in join_all(reads).await.into_iter().flatten() {
            let urn = what.urn().clone();
            let found = answer.map_err(|error| {
                let message = format!("{urn} cannot be read: {error}");
                Error::new(ErrorKind::Failed, message).because(error)
            })?;
            let Some(Settled::Objects { current, .. }) = self.settled.get(&urn) else { continue };
            // What is gone since it was listed is for the next plan to find.
            if let Some(found) = found {
                let seen = &mut self.objects[*current].seen;
                (seen.live, seen.readiness) = (found.live, found.readiness);
                seen.outputs = found.outputs.or(seen.outputs.take());
            }
        }
        Ok(())
    }
}
