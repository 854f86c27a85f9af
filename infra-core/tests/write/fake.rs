//! The cloud that the golden program plugs in.

use std::sync::Arc;

use async_trait::async_trait;
use infra_core::{
    Resource as _,
    provider::{Connection, Connector, Context, Driver, Error, Result},
    state::Value,
};

use crate::kinds::Provider;

/// A cloud that nobody connects to.
pub struct Nowhere;

/// A cloud that nobody connects to.
pub fn cloud() -> Nowhere {
    Nowhere
}

#[async_trait]
impl Connector for Nowhere {
    fn provider_kind(&self) -> &'static str {
        Provider::KIND
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        Vec::new()
    }

    fn default_provider(&self, _: &Context) -> Result<Value> {
        Ok(Value::map())
    }

    async fn connect(&self, _: &Value, _: &Context) -> Result<Connection> {
        Err(Error::invalid("there is no such cloud"))
    }
}
