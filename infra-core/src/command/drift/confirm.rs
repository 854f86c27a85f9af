//! What was written a moment ago may show late.

use std::{collections::BTreeSet, time::Duration};

use infra_state::Key;

use super::{
    compare::{Compared, Drifted},
    look::Looking,
    read::{Known, Pass, Reading},
};
use crate::drift::Unchecked;

/// The clock that a record has its time of and the one here differ by less.
const CLOCKS: Duration = Duration::from_secs(30);

impl Looking<'_> {
    /// Reads those that were written a moment ago again, when everything that was written shows: some clouds answer
    /// with what was there before for a while.
    pub(super) async fn confirm(
        &mut self,
        reading: &Reading<'_>,
        pass: &mut Pass,
        found: &mut Vec<Drifted>,
    ) {
        // The writes of a cloud that lives in the process show at once.
        if self.engine.is_simulated() {
            return;
        }
        let young = |it: &Drifted| it.known.clone().filter(|known| self.left(known).is_some());
        let again: Vec<Known> = found.iter().filter_map(young).collect();
        let Some(wait) = again.iter().filter_map(|known| self.left(known)).max() else { return };
        let keys: BTreeSet<Key> = again.iter().map(|known| known.record.key()).collect();
        let asked =
            |it: &Drifted| it.known.as_ref().is_some_and(|k| keys.contains(&k.record.key()));
        // What is not confirmed is not told, and what was read first does not count.
        found.retain(|it| !asked(it));
        pass.seen.retain(|(known, _)| !keys.contains(&known.record.key()));
        tokio::select! {
            () = self.engine.env.sleep(wait) => {}
            () = self.engine.cancel.stopped() => {
                let why = "it was written a moment ago, and the look was stopped before it was read again";
                let urns = keys.into_iter().map(|key| key.urn);
                pass.unchecked.extend(urns.map(|urn| Unchecked { urn, why: why.to_owned() }));
                return;
            }
        }
        let second = reading.again(again).await;
        for (known, seen) in &second.seen {
            match self.comparing().compare(known, seen) {
                Compared::Drifted(drifted) => found.push(*drifted),
                Compared::Moving(why) => {
                    let urn = &known.record.urn;
                    self.notices.push(format!("{urn} is on its way and was not compared: {why}"));
                }
                Compared::Same => {}
            }
        }
        pass.seen.extend(second.seen);
        pass.unchecked.extend(second.unchecked);
    }

    /// How long what was written to an object last may still not show; `None`: it shows.
    fn left(&self, known: &Known) -> Option<Duration> {
        let window = known.driver.once().window;
        let age = self.engine.env.now().duration_since(known.record.updated);
        let age = Duration::try_from(age).unwrap_or_default();
        (!window.is_zero() && age < window + CLOCKS).then_some(window)
    }
}
