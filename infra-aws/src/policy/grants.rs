//! The permissions that a change itself needs.

use infra_core::{
    Resource,
    provider::{Change, Grant},
};

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// It makes the object.
    Create,
    /// It changes it in place.
    Update,
    /// It removes it.
    Delete,
}

impl Verb {
    /// What `change` does.
    pub(crate) fn of<R: Resource>(change: &Change<'_, R>) -> Self {
        match (change.have.is_some() || change.recorded.is_some(), change.want) {
            (_, None) => Self::Delete,
            (false, Some(_)) => Self::Create,
            (true, Some(_)) => Self::Update,
        }
    }
}

/// These actions on one resource.
pub(crate) fn grants(
    resource: impl Into<String>,
    actions: impl IntoIterator<Item = &'static str>,
) -> Vec<Grant> {
    let resource = resource.into();
    actions.into_iter().map(|action| Grant::new(action, resource.clone())).collect()
}

/// What the change is about: what is wanted, else what was recorded, else what there is.
pub(crate) fn subject<'a, R: Resource>(change: &Change<'a, R>) -> Option<&'a R> {
    change.want.or(change.recorded).or_else(|| change.have.map(|have| &have.live))
}
