//! A declaration of which some parts are not known yet.

use std::marker::PhantomData;

use infra_state::Value;

use super::Field;
use crate::{Data, DataError};

/// What is known of a declared `R` before execution.
pub struct Partial<R> {
    value: Value,
    of: PhantomData<fn() -> R>,
}

/// One field of a [`Partial`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<T> {
    /// The program left it out.
    Unset,
    /// It, or a part of it, is not known yet.
    Unknown,
    /// It is known.
    Known(T),
}

impl<T> Part<T> {
    /// The value, if it is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }
}

impl<R: Data> Partial<R> {
    /// What is known, as a value.
    pub fn new(value: Value) -> Self {
        Self { value, of: PhantomData }
    }

    /// One field. What has the wrong type counts as unknown: the engine reports that itself.
    pub fn get<T: Data>(&self, field: Field<R, T>) -> Part<T> {
        match self.value.get(field.name()) {
            None => Part::Unset,
            Some(value) if value.has_unknown() => Part::Unknown,
            Some(value) => T::from_value(value).map_or(Part::Unknown, Part::Known),
        }
    }

    /// Everything, if all of it is known.
    pub fn complete(&self) -> Option<Result<R, DataError>> {
        (!self.value.has_unknown()).then(|| R::from_value(&self.value))
    }

    /// What is known, as a value.
    pub fn value(&self) -> &Value {
        &self.value
    }
}
