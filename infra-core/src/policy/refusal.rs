//! Why a plan is refused for what it violates.

use infra_state::Urn;

use super::Violation;
use crate::{Error, ErrorKind};

/// So many violations are named; the plan shows all.
const SHOWN: usize = 5;

/// The refusal, if anything stops the plan. `declared` says of which resources a line of the program could allow it.
pub(crate) fn refusal(violations: &[Violation], declared: &dyn Fn(&Urn) -> bool) -> Option<Error> {
    let stops: Vec<&Violation> = violations.iter().filter(|it| it.stops()).collect();
    if stops.is_empty() {
        return None;
    }
    let mut texts: Vec<String> = stops.iter().map(|it| said(it)).collect();
    texts.dedup();
    let (count, plural) = (texts.len(), if texts.len() == 1 { "" } else { "s" });
    let mut list = texts.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if count > SHOWN {
        list.push_str(", …");
    }
    let allowable = stops.iter().find(|it| it.urn.as_ref().is_none_or(declared));
    let way = allowable.map_or_else(String::new, |Violation { policy, .. }| {
        format!(
            ". Change the program, or say where it is declared why it may be so: `.allow(\"{policy}\", \"…\")`"
        )
    });
    let message = format!(
        "{count} violation{plural} of mandatory policies: {list}. Nothing was changed{way}"
    );
    Some(Error::new(ErrorKind::Refused, message))
}

fn said(violation: &Violation) -> String {
    let at = violation.at.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
    match &violation.urn {
        Some(urn) => format!("`{}` by {}{at}", violation.policy, urn.name()),
        None => format!("`{}`", violation.policy),
    }
}
