//! The driver of references.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

use async_trait::async_trait;
use infra_state::{Path, Value};

use super::{Neighbour, Neighbours, StackReference};
use crate::{
    Data, Outputs, Resource,
    config::nearest,
    graph::Role,
    provider::{
        Class, Connection, Driver, ErasedFind, ErasedObserved, Error, Memo, OutputSchema, Result,
        Schema, Violation, violations,
    },
};

/// The driver of references whose exports are `O`.
pub fn driver<O: Outputs>() -> Arc<dyn Driver> {
    let schema = Schema { outputs: O::schema(), ..StackReference::schema().clone() };
    Arc::new(ReferenceDriver::<O> { schema, of: PhantomData })
}

/// The driver of a reference of which only the names of the exports are known.
pub(crate) fn untyped(outputs: Vec<OutputSchema>) -> Arc<dyn Driver> {
    let schema = Schema { outputs, ..StackReference::schema().clone() };
    Arc::new(ReferenceDriver::<()> { schema, of: PhantomData })
}

struct ReferenceDriver<O> {
    schema: Schema,
    of: PhantomData<fn() -> O>,
}

#[async_trait]
impl<O: Outputs> Driver for ReferenceDriver<O> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn role(&self) -> Role {
        Role::Lookup
    }

    fn is_pinned(&self) -> bool {
        false
    }

    fn type_check(&self, inputs: &Value) -> Vec<Violation> {
        violations::<StackReference>(inputs)
    }

    async fn read(
        &self,
        connection: &Connection,
        _: &Memo,
        find: Vec<ErasedFind>,
    ) -> Vec<Result<Option<ErasedObserved>>> {
        let mut answers = Vec::new();
        for find in &find {
            answers.push(match find.looked_up() {
                Ok(want) => self
                    .exports(connection, want)
                    .await
                    .map(|outputs| Some(ErasedObserved::looked_up(want, outputs))),
                Err(error) => Err(error),
            });
        }
        answers
    }
}

impl<O: Outputs> ReferenceDriver<O> {
    /// The exports that `O` names, with their secret marks.
    async fn exports(&self, connection: &Connection, want: &Value) -> Result<Value> {
        let neighbours: Arc<Neighbours> = Arc::clone(&connection.client)
            .downcast()
            .map_err(|_| Error::invalid("a reference is not made through a provider"))?;
        let reference = StackReference::from_value(want)?;
        let invalid = |e: infra_state::Error| Error::invalid(e.to_string());
        let name = reference.target(&neighbours.own.stack.program).map_err(invalid)?;
        let neighbour =
            Neighbour { name: name.clone(), at: reference.at.clone(), key: reference.key };
        let view = neighbours.visit(&neighbour).await.map_err(|e| classified(&e))?;
        let exports = view.snapshot.exports;
        let found = named(&self.schema.outputs, |name| exports.get(name));
        if found.has_unknown() {
            // Without the key its type cannot be told; who uses it is told what is missing.
            return Ok(found);
        }
        match O::from_value(&found) {
            Ok(_) => Ok(found),
            Err(e) => Err(Error::invalid(mismatch(&e, &name.to_string(), &exports))),
        }
    }
}

/// What was given under the names of these outputs, secret where it was given or is typed so.
pub(super) fn named<'v>(
    outputs: &[OutputSchema],
    given: impl Fn(&str) -> Option<&'v Value>,
) -> Value {
    let wanted = outputs.iter().filter_map(|output| {
        let value = given(output.name)?.clone();
        // What its own type says is secret is so, however it was given.
        let value = if output.secret && !value.has_secret() { value.secret() } else { value };
        Some((output.name.to_owned(), value))
    });
    Value::Map(wanted.collect())
}

/// What is wrong with the exports of `stack`.
fn mismatch(error: &crate::DataError, stack: &str, exports: &BTreeMap<String, Value>) -> String {
    let name = error.path.first().unwrap_or_default();
    if exports.contains_key(name) {
        let Path(segments) = &error.path;
        let inner = Path(segments[1..].to_vec());
        let inner = if inner.0.is_empty() {
            String::new()
        } else {
            format!(" has something else at {inner}:")
        };
        return format!(
            "the export `{name}` of {stack}{inner} should be {} and is {}. The struct of this reference and what that \
             stack exports have to agree",
            error.expected, error.found
        );
    }
    let known = exports.keys().map(String::as_str);
    let hint = match nearest(name, known.clone()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if exports.is_empty() => "it exports nothing".to_owned(),
        None => format!("it exports {}", known.collect::<Vec<_>>().join(", ")),
    };
    format!("{stack} does not export `{name}`; {hint}")
}

/// What the engine makes of an error of the other state.
fn classified(error: &crate::Error) -> Error {
    let source = std::error::Error::source(error);
    let state = source.and_then(|source| source.downcast_ref::<infra_state::Error>());
    let class = match state.map(infra_state::Error::kind) {
        Some(infra_state::ErrorKind::Unavailable) => Class::Transient,
        _ => Class::Invalid,
    };
    Error::new(class, error.to_string())
}
