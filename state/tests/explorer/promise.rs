//! What has to hold at every moment of every path.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use infra_state::{Backend, Error, ErrorKind, Session};

use super::{
    exchange::{Actor, Exchange},
    gate::LEASE,
    run::{Run, now},
    script::{STACK, clock, deploy, known, state},
};

/// What the actors noted.
#[derive(Default)]
pub(crate) struct Notes {
    /// The commits that were acknowledged, in this order.
    acknowledged: Vec<String>,
    /// What was seen to be durable.
    durable: Vec<String>,
    /// Everybody who has the lock, or thinks so.
    sessions: Vec<(Actor, Arc<Session>)>,
    epoch: u64,
    objects: u64,
    wrong: Option<String>,
}

impl Hash for Notes {
    fn hash<H: Hasher>(&self, to: &mut H) {
        (&self.acknowledged, &self.durable, self.epoch).hash(to);
    }
}

impl Notes {
    pub(crate) fn opened(&mut self, actor: Actor, session: &Arc<Session>) {
        let found = session.with(known);
        let promised = self.acknowledged.clone();
        self.expect(&promised, &found, "a new holder");
        self.sessions.push((actor, Arc::clone(session)));
    }

    pub(crate) fn acknowledged(&mut self, mark: String) {
        self.acknowledged.push(mark);
    }

    pub(crate) fn died(&mut self, actor: Actor) {
        self.sessions.retain(|(whose, _)| *whose != actor);
    }

    pub(crate) fn promised(&self) -> Vec<String> {
        self.acknowledged.clone()
    }

    pub(crate) fn refused(&mut self, error: &Error, expected: bool) {
        let polite = [ErrorKind::Locked, ErrorKind::Fenced, ErrorKind::Unavailable];
        if !expected && !polite.contains(&error.kind()) {
            self.wrong.get_or_insert(format!("{:?}: {error}", error.kind()));
        }
    }

    pub(crate) fn read(
        &mut self,
        promised: Vec<String>,
        found: Result<Option<Vec<String>>, Error>,
    ) {
        match found {
            Ok(found) => self.expect(&promised, &found.unwrap_or_default(), "a reader"),
            Err(error) => self.refused(&error, false),
        }
    }

    /// **Invariant (nothing lost):** what was acknowledged before somebody began to read is read, once, in the order
    /// in which it was acknowledged; and what was read once is read ever after, as the beginning of what is there.
    ///
    /// **Invariant (no zombie):** after the first commit of a holder there is none of an earlier one.
    fn expect(&mut self, promised: &[String], found: &[String], who: &str) {
        let mut rest = found.iter();
        let missing = promised.iter().find(|mark| !rest.any(|there| there == *mark));
        let wrong = if let Some(missing) = missing {
            format!("{missing} was acknowledged, but {who} finds {found:?}")
        } else if (1..found.len()).any(|n| found[n..].contains(&found[n - 1])) {
            format!("{who} finds something twice: {found:?}")
        } else if !epochs(found).is_sorted() {
            format!(
                "{who} finds commits of an earlier holder after those of a later one: {found:?}"
            )
        } else if !found.starts_with(&self.durable) && !self.durable.starts_with(found) {
            format!("{who} finds {found:?}, where {:?} was read before", self.durable)
        } else {
            if found.len() > self.durable.len() {
                self.durable = found.to_vec();
            }
            return;
        };
        self.wrong.get_or_insert(wrong);
    }
}

fn epochs(marks: &[String]) -> Vec<u64> {
    marks.iter().filter_map(|mark| mark.split('.').next()?.parse().ok()).collect()
}

impl Run {
    /// What has to hold now.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        self.check_holders()?;
        let objects = self.objects();
        let changed = {
            let mut notes = self.notes.lock().unwrap();
            std::mem::replace(&mut notes.objects, objects) != objects
        };
        if changed {
            self.check_stored()?;
        }
        self.notes.lock().unwrap().wrong.take().map_or(Ok(()), Err)
    }

    /// **Invariant (one at a time):** of all who think that they have the lock, at most one may start something. If
    /// somebody took the lock away by hand this holds again as soon as the earlier holder has asked, and at the
    /// latest when it has not for as long as a renewal is good for.
    fn check_holders(&self) -> Result<(), String> {
        let notes = self.notes.lock().unwrap();
        let acting: Vec<_> =
            notes.sessions.iter().filter(|(_, session)| session.check().is_ok()).collect();
        if acting.len() > 1 && !self.tampered {
            let who: Vec<_> =
                acting.iter().map(|(actor, session)| (actor, session.epoch())).collect();
            return Err(format!("two at once may act (who, epoch): {who:?}"));
        }
        let (time, taken) = {
            let inner = self.exchange.lock();
            (inner.time, inner.taken.clone())
        };
        for (actor, session) in acting {
            let until = taken.get(actor).and_then(|nonce| self.held_until(*nonce));
            if until.is_none_or(|until| time.saturating_sub(until) >= LEASE * 3 / 4) {
                let epoch = session.epoch();
                return Err(format!(
                    "{actor} (epoch {epoch}) may act long after its lease was over"
                ));
            }
        }
        Ok(())
    }

    /// **Invariant (always whole):** whatever happened, what is stored can be read and verified, by anybody, at any
    /// moment. **Invariant (epochs grow):** the head's never goes back.
    fn check_stored(&self) -> Result<(), String> {
        use futures_util::FutureExt;

        let state = state(self.memory.clone(), clock(&Exchange::default(), 8));
        let view = state.read().now_or_never().expect("memory answers at once");
        let view = view.map_err(|e| format!("what is stored cannot be read: {e}"))?;
        let head = now(self.memory.get(&format!("{STACK}/head.json")));
        let mut notes = self.notes.lock().unwrap();
        let promised = notes.promised();
        let found = view.map(|view| known(&view.snapshot)).unwrap_or_default();
        notes.expect(&promised, &found, "whoever reads now");
        let Some(head) = head else { return Ok(()) };
        let head: serde_json::Value = serde_json::from_slice(&head.body).unwrap();
        let epoch = head["body"]["epoch"].as_u64().unwrap();
        if epoch < notes.epoch {
            return Err(format!("the head's epoch went from {} back to {epoch}", notes.epoch));
        }
        notes.epoch = epoch;
        Ok(())
    }

    /// **Invariant (it goes on):** whatever happened, and without the leases, the next run gets the lock, finds what
    /// was acknowledged, and what it does is kept; even if all that was still on its way arrives afterwards.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        for mark in ["9990.first", "9991.second"] {
            self.memory = self.memory.copied();
            let (found, left) =
                deploy(&self.memory, mark).map_err(|e| format!("the next run fails: {e}"))?;
            let mut notes = self.notes.lock().unwrap();
            let promised = notes.promised();
            notes.expect(&promised, &found, "the next run");
            notes.acknowledged(mark.to_owned());
            let promised = notes.promised();
            notes.expect(&promised, &left, "a reader after the next run");
            drop(notes);
            self.land_all();
            self.check_stored()?;
        }
        self.notes.lock().unwrap().wrong.take().map_or(Ok(()), Err)
    }
}
