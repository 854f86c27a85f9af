//! What a state of Terraform's gives, as typed outputs: both tools side by side.

use std::{marker::PhantomData, sync::Arc};

use async_trait::async_trait;
use infra_state::Value;

use super::{Neighbours, driver::named};
use crate::{
    Data, Outputs, Resource,
    config::nearest,
    graph::Role,
    program::IntoInput,
    provider::{
        Class, Connection, Driver, ErasedFind, ErasedObserved, Error, Memo, OutputSchema, Result,
        Schema, Violation, violations,
    },
    transfer::terraform::State,
};

/// A state of Terraform (≥ 0.12) or OpenTofu whose outputs are used.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "core:TerraformState", outputs = ())]
pub struct TerraformState {
    /// Where it is: `file:../infra/terraform.tfstate` (relative to the settings' file), or another scheme of
    /// [`App::documents`](crate::App::documents), `s3://bucket/key`.
    pub url: String,
}

impl TerraformState {
    /// The state at this URL: `file:../infra/terraform.tfstate`, `s3://bucket/key`.
    pub fn at(url: impl IntoInput<String>) -> TerraformStateDecl {
        Self::new(url)
    }
}

/// The driver of Terraform states whose outputs are `O`.
pub fn terraform_driver<O: Outputs>() -> Arc<dyn Driver> {
    let schema = Schema { outputs: O::schema(), ..TerraformState::schema().clone() };
    Arc::new(TerraformDriver::<O> { schema, of: PhantomData })
}

/// The driver of a state of which only the names of the outputs are known.
pub(crate) fn untyped_terraform(outputs: Vec<OutputSchema>) -> Arc<dyn Driver> {
    let schema = Schema { outputs, ..TerraformState::schema().clone() };
    Arc::new(TerraformDriver::<()> { schema, of: PhantomData })
}

struct TerraformDriver<O> {
    schema: Schema,
    of: PhantomData<fn() -> O>,
}

#[async_trait]
impl<O: Outputs> Driver for TerraformDriver<O> {
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
        violations::<TerraformState>(inputs)
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
                    .outputs(connection, want)
                    .await
                    .map(|outputs| Some(ErasedObserved::looked_up(want, outputs))),
                Err(error) => Err(error),
            });
        }
        answers
    }
}

impl<O: Outputs> TerraformDriver<O> {
    /// The outputs that `O` names, with their secret marks.
    async fn outputs(&self, connection: &Connection, want: &Value) -> Result<Value> {
        let neighbours: Arc<Neighbours> = Arc::clone(&connection.client)
            .downcast()
            .map_err(|_| Error::invalid("a Terraform state is not read through a provider"))?;
        let url = TerraformState::from_value(want)?.url;
        let failed = |class: Class, e: &crate::Error| Error::new(class, format!("{url}: {e}"));
        let bytes = neighbours.document(&url).await.map_err(|e| {
            let usage = e.kind() == crate::ErrorKind::Usage;
            failed(if usage { Class::Invalid } else { Class::Transient }, &e)
        })?;
        let state = State::read(&bytes).map_err(|e| failed(Class::Invalid, &e))?;
        let found =
            named(&self.schema.outputs, |name| state.outputs.get(name).map(|output| &output.value));
        match O::from_value(&found) {
            Ok(_) => Ok(found),
            Err(e) => Err(Error::invalid(mismatch(&e, &url, &state))),
        }
    }
}

/// What is wrong with the outputs of the state.
fn mismatch(error: &crate::DataError, url: &str, state: &State) -> String {
    let name = error.path.first().unwrap_or_default();
    if let Some(output) = state.outputs.get(name) {
        return format!(
            "the output `{name}` of {url} should be {} at `{}` and is {}; Terraform calls its type {}. The struct of this \
             reference and what that configuration gives have to agree",
            error.expected, error.path, error.found, output.of_type
        );
    }
    let known = state.outputs.keys().map(String::as_str);
    let hint = match nearest(name, known.clone()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if state.outputs.is_empty() => "it has no outputs".to_owned(),
        None => format!("it has {}", known.collect::<Vec<_>>().join(", ")),
    };
    format!("{url} has no output `{name}` of its root module; {hint}")
}
