//! Whether a change took something away.
// Which of it is used depends on the services that are on.
#![cfg_attr(not(feature = "full"), allow(dead_code))]

use infra_core::{
    Data,
    drift::{Changed, Rule, Severity},
    provider::{Field, Managed},
};

/// A rule about any change of a field.
pub(super) fn changed<R: Managed, T: 'static>(
    name: &str,
    field: Field<R, T>,
    severity: Severity,
) -> Rule {
    Rule::of::<R>(name, move |it| it.touches(field).then_some(severity))
}

/// A rule about a protection that was switched off.
pub(super) fn off<R: Managed>(name: &str, field: Field<R, bool>, severity: Severity) -> Rule {
    Rule::of::<R>(name, move |it| switched(it, field, false).then_some(severity))
}

/// A rule about a door that was opened.
pub(super) fn on<R: Managed>(name: &str, field: Field<R, bool>, severity: Severity) -> Rule {
    Rule::of::<R>(name, move |it| switched(it, field, true).then_some(severity))
}

/// A rule about an optional setting that is no longer there, or is another.
pub(super) fn lost<R: Managed, T: Data + PartialEq>(
    name: &str,
    field: Field<R, T>,
    severity: Severity,
) -> Rule {
    Rule::of::<R>(name, move |it| {
        let was = it.recorded(field);
        (it.touches(field) && was.is_some() && it.live(field) != was).then_some(severity)
    })
}

/// A rule about a number that became smaller.
pub(super) fn less<R: Managed, T: Data + PartialOrd>(
    name: &str,
    field: Field<R, T>,
    severity: Severity,
) -> Rule {
    Rule::of::<R>(name, move |it| {
        let (was, is) = (it.recorded(field)?, it.live(field)?);
        (it.touches(field) && is < was).then_some(severity)
    })
}

/// A rule about a list from which something was taken.
pub(super) fn fewer<R: Managed, T: Data + PartialEq>(
    name: &str,
    field: Field<R, Vec<T>>,
    severity: Severity,
) -> Rule {
    Rule::of::<R>(name, move |it| {
        let (was, is) = (it.recorded(field)?, it.live(field)?);
        (it.touches(field) && was.iter().any(|one| !is.contains(one))).then_some(severity)
    })
}

fn switched<R: Managed>(it: &Changed<'_, R>, field: Field<R, bool>, to: bool) -> bool {
    it.touches(field) && it.live(field) == Some(to) && it.recorded(field) != Some(to)
}
