//! What is wanted of a resource, for a check.

use std::marker::PhantomData;

use infra_state::{Urn, Value};

use super::Violation;
use crate::{
    Data, Resource,
    plan::Step,
    provider::{Field, Part},
};

/// What is wanted of a resource of the kind `R`, as far as it is known: with defaults, generated names and merged tags.
pub struct Wanted<'a, R> {
    step: &'a Step,
    of: PhantomData<fn() -> R>,
}

impl<'a, R: Resource> Wanted<'a, R> {
    pub(super) fn new(step: &'a Step) -> Self {
        Self { step, of: PhantomData }
    }

    /// Its name and kind.
    pub fn urn(&self) -> &'a Urn {
        &self.step.urn
    }

    /// The step that makes, changes or keeps it.
    pub fn step(&self) -> &'a Step {
        self.step
    }

    /// All that is known of it, as a value.
    pub fn value(&self) -> &'a Value {
        &self.step.inputs
    }

    /// One field.
    pub fn get<T: Data>(&self, field: Field<R, T>) -> Part<T> {
        match self.value().get(field.name()) {
            None => Part::Unset,
            Some(value) if value.has_unknown() => Part::Unknown,
            Some(value) => T::from_value(value).map_or(Part::Unknown, Part::Known),
        }
    }

    /// One field, if it is known.
    pub fn known<T: Data>(&self, field: Field<R, T>) -> Option<T> {
        self.get(field).known()
    }

    /// Whether a field is known to be this.
    pub fn is<T: Data + PartialEq>(&self, field: Field<R, T>, value: &T) -> bool {
        self.known(field).is_some_and(|known| known == *value)
    }

    /// Whether the program leaves a field out, and nothing is meant by that.
    pub fn lacks<T: Data>(&self, field: Field<R, T>) -> bool {
        matches!(self.get(field), Part::Unset)
    }

    /// Something wrong in one field.
    pub fn wrong<T>(&self, field: Field<R, T>, message: impl Into<String>) -> Violation {
        Violation::of(self.step, message).field(field)
    }

    /// Something wrong in one field, if that is so: what most checks come to.
    pub fn wrong_if<T>(
        &self,
        is_wrong: bool,
        field: Field<R, T>,
        message: impl Into<String>,
    ) -> Vec<Violation> {
        if is_wrong { vec![self.wrong(field, message)] } else { Vec::new() }
    }
}
