//! How bad something is: typed rules.

use std::{marker::PhantomData, sync::Arc};

use infra_state::{Path, Record, Urn, Value};

use super::{Severity, What};
use crate::{
    Data,
    provider::{Field, FieldSchema, Managed, Schema},
};

/// What is graded: one field of a changed object, or an object to which something else happened.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The resource; `None` for an object that no state knows.
    pub urn: Option<&'a Urn>,
    /// Its kind; the cloud's own word where this program has none for it.
    pub kind: &'a str,
    /// What happened.
    pub what: What,
    /// The field that changed; `None` where it is not about one.
    pub path: Option<&'a Path>,
    /// What is recorded at `path`.
    pub was: Option<&'a Value>,
    /// What is there at `path`.
    pub is: Option<&'a Value>,
    /// The recorded inputs.
    pub recorded: Option<&'a Value>,
    /// The inputs as they are.
    pub live: Option<&'a Value>,
    /// The inputs that the program wants, if there is a program to ask.
    pub desired: Option<&'a Value>,
    /// What is recorded of the object.
    pub record: Option<&'a Record>,
    /// What the engine knows of the kind, if this program has it.
    pub schema: Option<&'a Schema>,
    /// It is protected, in the program or in state.
    pub protected: bool,
}

impl Subject<'_> {
    /// The schema of the field that `path` lies in.
    pub fn field(&self) -> Option<&FieldSchema> {
        self.schema?.field(self.path?)
    }

    /// Whether the object holds data.
    pub fn holds_data(&self) -> bool {
        self.record.is_some_and(|record| record.holds_data)
            || self.schema.is_some_and(|schema| schema.holds_data)
    }
}

type Grade = dyn Fn(&Subject<'_>) -> Option<Severity> + Send + Sync;

/// A rule with its name. A program's own rules go before all others, and the first that matches decides, even
/// downwards; of all others the worst wins.
#[derive(Clone)]
pub struct Rule {
    name: Arc<str>,
    grade: Arc<Grade>,
}

impl Rule {
    /// A rule over anything. `None`: it says nothing about that.
    pub fn new(
        name: &str,
        grade: impl Fn(&Subject<'_>) -> Option<Severity> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), grade: Arc::new(grade) }
    }

    /// A rule over one kind.
    ///
    /// ```
    /// use infra_core::drift::{Rule, Severity};
    /// # use infra_core::{Outputs, Resource, provider::*};
    /// # fn example<R: Managed>(size: Field<R, u32>) -> Rule {
    /// Rule::of::<R>("shrunk", move |it| {
    ///     let shrunk = it.touches(size) && it.live(size) < it.recorded(size);
    ///     shrunk.then_some(Severity::High)
    /// })
    /// # }
    /// ```
    pub fn of<R: Managed>(
        name: &str,
        grade: impl Fn(&Changed<'_, R>) -> Option<Severity> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, move |subject| {
            (subject.kind == R::KIND)
                .then(|| grade(&Changed { subject: *subject, of: PhantomData }))
                .flatten()
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says.
    pub fn grade(&self, subject: &Subject<'_>) -> Option<Severity> {
        (self.grade)(subject)
    }
}

/// A [`Subject`] of one kind, with typed access to its fields.
pub struct Changed<'a, R> {
    subject: Subject<'a>,
    of: PhantomData<fn() -> R>,
}

impl<'a, R: Managed> Changed<'a, R> {
    /// What happened.
    pub fn what(&self) -> What {
        self.subject.what
    }

    /// All that is known.
    pub fn subject(&self) -> &Subject<'a> {
        &self.subject
    }

    /// Whether it is this field that changed.
    pub fn touches<T>(&self, field: Field<R, T>) -> bool {
        self.subject.path.and_then(Path::first) == Some(field.name())
    }

    /// What is recorded in a field.
    pub fn recorded<T: Data>(&self, field: Field<R, T>) -> Option<T> {
        get(self.subject.recorded, field)
    }

    /// What is there in a field.
    pub fn live<T: Data>(&self, field: Field<R, T>) -> Option<T> {
        get(self.subject.live, field)
    }

    /// What the program wants in a field.
    pub fn desired<T: Data>(&self, field: Field<R, T>) -> Option<T> {
        get(self.subject.desired, field)
    }
}

fn get<R, T: Data>(value: Option<&Value>, field: Field<R, T>) -> Option<T> {
    let value = value?.get(field.name())?;
    (!value.has_unknown()).then(|| T::from_value(value).ok()).flatten()
}
