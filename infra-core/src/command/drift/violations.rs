//! What violates the program's policies as it is.

use std::{collections::BTreeMap, sync::Arc};

use infra_state::{Key, Record, Snapshot, Status, Urn};

use super::{compare::Drifted, look::Looking, options::DriftOptions, read::Known, wanted::Wanted};
use crate::{
    Engine, Result,
    drift::Finding,
    plan::Seen,
    policy::{Live, Looked, live},
};

/// What the policies are asked about.
pub(super) struct Judged<'a> {
    pub(super) engine: &'a Engine,
    pub(super) options: &'a DriftOptions,
    pub(super) wanted: &'a Wanted,
    pub(super) snapshot: &'a Snapshot,
}

impl Judged<'_> {
    /// What is violated by what was read. What was not read counts as it is recorded, so that a policy about all of it
    /// sees all of it. `record`: what is recorded of an object that was read; `None`: nothing any more.
    pub(super) fn violations<'s>(
        &self,
        seen: impl Iterator<Item = &'s (Known, Seen)>,
        record: &dyn Fn(&Known) -> Option<Arc<Record>>,
    ) -> Result<Vec<Finding>> {
        let read: BTreeMap<Key, &(Known, Seen)> = seen.map(|it| (it.0.record.key(), it)).collect();
        let recorded = self.snapshot.records.iter();
        let recorded = recorded.filter(|(_, record)| record.status != Status::Deposed);
        let looked = recorded.filter_map(|(key, recorded)| match read.get(key) {
            Some((known, Seen::Present(object))) => {
                Some(Looked { record: record(known)?, live: Live::There(object.live.clone()) })
            }
            Some((known, Seen::Absent)) => {
                Some(Looked { record: record(known)?, live: Live::Gone })
            }
            None => Some(Looked { record: Arc::clone(recorded), live: Live::Unread }),
        });
        let looked: Vec<Looked> = looked.collect();
        let find = |all| {
            let engine = self.engine;
            live(&engine.policies, &self.wanted.graph, &engine.registry, &looked, all)
        };
        let options = self.options;
        if options.only.is_empty() {
            return find(options.policies);
        }
        let asked = |urn: &Urn| options.only.contains(urn);
        let mut found = find(options.policies)?;
        found.retain(|it| it.urn.as_ref().is_some_and(asked));
        // What is wrong with all of it is told only if it came with what was looked at.
        found.extend(find(false)?.into_iter().filter(|it| it.urn.is_none()));
        Ok(found)
    }
}

impl Looking<'_> {
    /// What the program's policies do not allow to be as it is. They are of this program, and say nothing of another
    /// one's stack.
    pub(super) fn violations(&self, seen: &[(Known, Seen)]) -> Result<Vec<Drifted>> {
        let Some(wanted) = self.wanted else { return Ok(Vec::new()) };
        let Self { engine, options, snapshot, .. } = *self;
        let judged = Judged { engine, options, wanted, snapshot };
        let found = judged.violations(seen.iter(), &|known| Some(Arc::clone(&known.record)))?;
        let known = |urn: &Urn| {
            let known = seen.iter().map(|(known, _)| known);
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
