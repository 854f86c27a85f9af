//! Whether a change took something away.
// Which of it is used depends on the services that are on.
#![cfg_attr(not(feature = "full"), allow(dead_code))]

use infra_core::{
    Data,
    drift::{Changed, Rule, Severity, What},
    provider::{Field, Managed},
};

/// Whether it is this field that changed, or all of it is new: somebody added it, and nobody declared it.
pub(super) fn is_new<R: Managed, T>(it: &Changed<'_, R>, field: Field<R, T>) -> bool {
    it.touches(field) || it.what() == What::Orphan
}

/// A rule about what somebody added.
pub(super) fn added<R: Managed>(name: &str, severity: Severity) -> Rule {
    Rule::of::<R>(name, move |it| (it.what() == What::Orphan).then_some(severity))
}

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
    Rule::of::<R>(name, move |it| {
        (switched(it, field, false) && it.touches(field)).then_some(severity)
    })
}

/// A rule about a door that was opened.
pub(super) fn on<R: Managed>(name: &str, field: Field<R, bool>, severity: Severity) -> Rule {
    Rule::of::<R>(name, move |it| {
        (switched(it, field, true) && is_new(it, field)).then_some(severity)
    })
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
    it.live(field) == Some(to) && it.recorded(field) != Some(to)
}
