//! Who did it.

use std::collections::BTreeMap;

use infra_state::ProviderIdentity;
use jiff::{SignedDuration, Timestamp};

use super::{compare::Drifted, look::Looking};
use crate::{drift::What, panics::caught_in, provider::Touched};

/// So far back trails are kept where nobody keeps them longer.
const TRAIL: SignedDuration = SignedDuration::from_hours(90 * 24);

impl Looking<'_> {
    /// Asks each cloud once who did all that was found in it.
    pub(super) async fn actors(&mut self, found: &mut [Drifted]) {
        if !self.options.actors {
            return;
        }
        let oldest = self.engine.env.now() - TRAIL;
        let mut places = BTreeMap::<(String, ProviderIdentity), Vec<usize>>::new();
        for (at, drifted) in found.iter().enumerate() {
            let asked =
                !matches!(drifted.finding.what, What::Violation) && drifted.finding.id.is_some();
            if let (true, Some((provider, _))) = (asked, &drifted.through) {
                let place = (provider.urn.kind().to_owned(), provider.identity.clone());
                places.entry(place).or_default().push(at);
            }
        }
        for ((kind, _), of) in places {
            let Ok(connector) = self.engine.connector(&kind) else { continue };
            let Some((_, connection)) = &found[of[0]].through else { continue };
            let asked: Vec<Touched<'_>> = of
                .iter()
                .map(|at| {
                    let finding = &found[*at].finding;
                    Touched {
                        kind: &finding.kind,
                        id: finding.id.as_deref().unwrap_or_default(),
                        gone: finding.what == What::Deleted,
                    }
                })
                .collect();
            let since = of.iter().map(|at| recorded(&found[*at], oldest)).min().unwrap_or(oldest);
            let answers = caught_in(connector.actors(connection, &asked, since)).await;
            match answers {
                Ok(answers) => {
                    for (at, actor) in of.iter().zip(answers) {
                        found[*at].finding.by = actor;
                    }
                }
                Err(panic) => self.notices.push(format!(
                    "who did it cannot be told: the connector panicked: {}",
                    self.scrub.panicked(&panic)
                )),
            }
        }
    }
}

/// When the object was last as it is recorded.
fn recorded(drifted: &Drifted, oldest: Timestamp) -> Timestamp {
    drifted.known.as_ref().map_or(oldest, |known| known.record.updated.max(oldest))
}
