//! What violates the program's policies as it is.

use std::sync::Arc;

use super::{compare::Drifted, look::Looking, read::Pass};
use crate::{
    Result,
    plan::Seen,
    policy::{Looked, live},
};

impl Looking<'_> {
    /// What the program's policies do not allow to be as it is. They are of this program, and say nothing of another
    /// one's stack.
    pub(super) fn violations(&self, pass: &Pass) -> Result<Vec<Drifted>> {
        let Some(wanted) = self.wanted else { return Ok(Vec::new()) };
        let looked = pass.seen.iter().filter_map(|(known, seen)| match seen {
            Seen::Present(object) => {
                let record = Arc::clone(&known.record);
                Some(Looked { record, live: Some(object.live.clone()) })
            }
            Seen::Absent => None,
        });
        let looked: Vec<Looked> = looked.collect();
        let (engine, all) = (self.engine, self.options.policies);
        let found = live(&engine.policies, &wanted.graph, &engine.registry, &looked, all)?;
        let known = |urn: &infra_state::Urn| {
            let known = pass.seen.iter().map(|(known, _)| known);
            known.into_iter().find(|known| known.record.urn == *urn).cloned()
        };
        let drifted = found.into_iter().map(|finding| {
            let known = finding.urn.as_ref().and_then(known);
            let through =
                known.as_ref().map(|known| (known.provider.clone(), Arc::clone(&known.connection)));
            Drifted { finding, known, diffs: Vec::new(), seen: None, through, driver: None }
        });
        Ok(drifted.collect())
    }
}
