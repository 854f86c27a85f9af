//! Plans that must not be made.

use infra_state::Status;

use super::{
    Action, Observation, PlanOptions, Seen,
    draft::Removal,
    forward::Forward,
    remembered::{Remembered, list},
};
use crate::{Error, ErrorKind, Result};

/// Fewer objects than this may all be gone: somebody deleted them.
const FEW: usize = 3;
/// More objects than this are not gone by accident, however many there are.
const MANY: usize = 10;

/// Refuses when many objects are absent at once: the wrong account or region is likelier than a massacre.
pub(super) fn mass_absence(
    remembered: &Remembered<'_>,
    seen: &Observation,
    options: &PlanOptions,
) -> Result<()> {
    if options.allow_mass_absence || seen.objects.is_empty() {
        return Ok(());
    }
    let (mut looked_at, mut absent) = (0_usize, Vec::new());
    // An object that never became ready may never have been seen either: its absence says nothing of the place.
    for record in remembered.iter().filter(|record| record.status == Status::Ready) {
        match remembered.seen(seen, record) {
            Some(Seen::Absent) => absent.push(record.urn.as_str()),
            Some(Seen::Present(_)) => {}
            None => continue,
        }
        looked_at += 1;
    }
    let count = absent.len();
    if count <= MANY && (count < FEW || count * 5 <= looked_at) {
        return Ok(());
    }
    let message = format!(
        "{count} of {looked_at} objects that were looked for are gone at once: {}. The wrong account, region or endpoint \
         is likelier than that somebody deleted them. If they are really gone: `--allow-mass-absence`",
        list(&absent)
    );
    Err(Error::new(ErrorKind::Refused, message))
}

/// Refuses to delete or replace what is protected, in the program or in state; all of it in one error.
pub(super) fn protected(forward: &Forward<'_>, removals: &[Removal]) -> Result<()> {
    let mut violations = Vec::new();
    for removal in removals.iter().filter(|removal| removal.deletes()) {
        // A deposed object was replaced while nothing protected it.
        if removal.record.status == Status::Deposed {
            continue;
        }
        let urn = &removal.record.urn;
        let declared = forward.graph.nodes.get(urn).is_some_and(|node| node.options.protect);
        if declared || removal.record.options.protect {
            let verb = if removal.action == Action::Delete { "deleted" } else { "replaced" };
            violations.push(format!("`{urn}` would be {verb}"));
        }
    }
    if violations.is_empty() {
        return Ok(());
    }
    let message = format!(
        "protected: {}. Take the protection away first, in a deployment of its own or with `state unprotect URN`",
        violations.join(", ")
    );
    Err(Error::new(ErrorKind::Refused, message))
}
