//! Looking after a state: everything that is stored of it, read and checked (`state doctor`).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    load::{self, Loaded, Whose},
    log::{self, JOURNAL, segment_seq},
    state::State,
};
use crate::{
    ErrorKind, Finding, Result, Status,
    format::v1::{self, Filed},
};

impl State {
    /// Looks at everything that is stored of the stack, and changes nothing. What cannot be read is a finding, not an
    /// error; an error is a place that cannot be reached.
    pub async fn examine(&self) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let loaded = match load::load(&self.store, Whose::Ours).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) => {
                findings.push(Finding::good(format!("{} was never made here", self.store.name)));
                return Ok(findings);
            }
            Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
            Err(error) => {
                let advice = "mend that first; the rest cannot be looked at without it";
                findings.push(Finding::wrong(error.to_string(), advice));
                return Ok(findings);
            }
        };
        findings.push(Finding::good(format!(
            "the state can be read: {} objects, {} journal segments after the last snapshot, position {}",
            loaded.snapshot.records.len(),
            loaded.tail.segments,
            loaded.tail.position
        )));
        findings.push(Finding::good(format!("its key is here: {}", self.sealer().key_id())));
        self.examine_lock(&loaded, &mut findings).await?;
        examine_records(&loaded, &mut findings);
        self.examine_history(&loaded, &mut findings).await?;
        self.examine_leftovers(&loaded, &mut findings).await?;
        findings.extend(self.store.examine_kept(&loaded.snapshot.identity).await);
        Ok(findings)
    }

    async fn examine_lock(&self, loaded: &Loaded, findings: &mut Vec<Finding>) -> Result<()> {
        let snapshot = &loaded.snapshot;
        let unfinished = snapshot.deployment.is_some() && snapshot.outcome.is_none();
        findings.push(match self.holder().await? {
            Some(holder) => Finding::notice(
                format!("the lock is held by {holder}"),
                "if that is nobody who works, `state unlock NONCE` frees it",
            ),
            None if unfinished => Finding::notice(
                "the last deployment was cut off",
                "the next `up` finishes what it left open",
            ),
            None => Finding::good("the lock is free"),
        });
        Ok(())
    }

    async fn examine_history(&self, loaded: &Loaded, findings: &mut Vec<Finding>) -> Result<()> {
        match self.filed(usize::MAX).await {
            Ok(entries) => {
                let count = entries.len();
                findings.push(Finding::good(format!("{count} deployments can be read")));
                examine_entries(&entries, findings);
            }
            Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
            Err(error) => findings.push(Finding::wrong(
                error.to_string(),
                format!(
                    "put it back from an earlier version of the object, or delete it: only `history` and `rollback` \
                     need it (and what goes back to it), not the state at {}",
                    loaded.tail.position
                ),
            )),
        }
        Ok(())
    }

    /// What is stored and read by nobody any more may show that the storage loses bits.
    async fn examine_unread(
        &self,
        snapshots: &[&String],
        segments: &[u64],
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        let is_segment = |object: &str, body: &[u8], seq: u64| {
            let header = v1::read_segment_header(object, body)?;
            Ok(header.seq == seq)
        };
        let snapshots = snapshots.iter().map(|name| (format!("snapshots/{name}"), None));
        let segments = segments.iter().map(|seq| (log::segment_name(*seq), Some(*seq)));
        for (name, seq) in snapshots.chain(segments) {
            let Some(stored) = self.store.get(&name).await? else { continue };
            let object = self.store.object(&name);
            let whole = match seq {
                Some(seq) => is_segment(&object, &stored.body, seq),
                None => v1::verify_snapshot(&object, &stored.body)
                    .map(|seq| name.contains(&format!("-{seq:010}."))),
            };
            let what = match whole {
                Ok(true) => continue,
                Ok(false) => format!("{object} is another object than its name says"),
                Err(error) => error.to_string(),
            };
            let advice =
                "the state does not need it any more; look what else of the storage is damaged";
            findings.push(Finding::wrong(what, advice));
        }
        Ok(())
    }

    async fn examine_leftovers(&self, loaded: &Loaded, findings: &mut Vec<Finding>) -> Result<()> {
        let head = &loaded.head;
        let used: BTreeSet<&str> = head.snapshot.iter().map(|it| it.name.as_str()).collect();
        let snapshots = self.store.list("snapshots", "").await?;
        let spare: Vec<_> = snapshots.iter().filter(|name| !used.contains(name.as_str())).collect();
        let segments = self.store.list(JOURNAL, "").await?;
        let kept: Vec<_> = segments
            .iter()
            .filter_map(|name| segment_seq(name))
            .filter(|seq| *seq <= head.tip.seq)
            .collect();
        self.examine_unread(&spare, &kept, findings).await?;
        let folded = kept.iter().filter(|seq| !head.fences.contains(seq)).count();
        let spare = spare.len();
        // One snapshot is kept for readers that are still at it.
        if spare > 1 || folded > 0 {
            let what =
                format!("{spare} earlier snapshots and {folded} journal segments are not needed");
            findings.push(Finding::notice(what, "the next compaction removes them"));
        }
        Ok(())
    }
}

/// Whether everything that an entry goes back to is there.
fn examine_entries(entries: &[Filed], findings: &mut Vec<Finding>) {
    let there: BTreeSet<u64> = entries.iter().map(|filed| filed.number).collect();
    let mut lost: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for Filed { number, since, .. } in entries {
        let needed = since.iter().flat_map(|since| &since.of);
        for missing in needed.filter(|needed| !there.contains(needed)) {
            lost.entry(*missing).or_default().push(*number);
        }
    }
    for (missing, users) in &lost {
        let users: Vec<_> = users.iter().map(ToString::to_string).collect();
        findings.push(Finding::wrong(
            format!(
                "the history's entry {missing} is missing, and the graphs of {} go back to it",
                users.join(", ")
            ),
            "put it back from an earlier version of the object, if `rollback` to one of them is wanted",
        ));
    }
    for pair in entries.windows(2) {
        let (before, after) = (pair[0].number, pair[1].number);
        if after > before + 1 && (before + 1..after).any(|number| !lost.contains_key(&number)) {
            findings.push(Finding::notice(
                format!(
                    "between the deployments {before} and {after} some are missing in the history"
                ),
                "put them back from earlier versions of the objects, if they are wanted",
            ));
        }
    }
}

fn examine_records(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let open = loaded.snapshot.open.len();
    if open > 0 {
        let what = format!("{open} operations were begun and are not known to be over");
        findings.push(Finding::notice(what, "the next `up` settles them"));
    }
    for record in loaded.snapshot.records.values() {
        let urn = &record.urn;
        if record.status == Status::Unresolved {
            let what = format!("nobody can tell whether {urn} exists");
            let advice = format!("`import {urn} ID` if it does, `state rm {urn}` if it does not");
            findings.push(Finding::wrong(what, advice));
        }
    }
}
