//! The connection to the fake cloud.

use std::{collections::BTreeMap, sync::Arc};

use infra_core::{
    Data, Resource,
    drift::{Actor, Changed, Rule, Severity},
    provider::{
        self, Connection, Connector, Contained, Context, Driver, Touched, driver, lookup_driver,
        provider_driver,
    },
    state::Value,
};
use jiff::Timestamp;

use super::{Db, Host, Image, Label, Link, Net, Note, Safe, Slot, World};

/// A connection.
pub struct Fake {
    /// The cloud behind it.
    pub world: Arc<World>,
    /// The region it was made for.
    pub region: String,
}

/// How a connection is configured.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Provider", cloud = Fake)]
pub struct FakeProvider {
    /// Where its calls go.
    pub region: Option<String>,
    /// Tags on everything it makes.
    pub default_tags: BTreeMap<String, String>,
    /// Changes the credentials, not where calls go.
    pub token: Option<String>,
}

/// Connects to a world.
pub struct FakeConnector {
    /// The world.
    pub world: Arc<World>,
    /// Whose credentials they are.
    pub account: String,
    /// The region that the environment says.
    pub region: String,
}

#[async_trait::async_trait]
impl Connector for FakeConnector {
    fn provider_kind(&self) -> &'static str {
        FakeProvider::KIND
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        vec![
            driver::<Net>(),
            driver::<Host>(),
            driver::<Db>(),
            driver::<Slot>(),
            driver::<Note>(),
            driver::<Safe>(),
            driver::<Label>(),
            driver::<Link>(),
            lookup_driver::<Image>(),
            provider_driver::<FakeProvider>(),
        ]
    }

    fn default_provider(&self, context: &Context) -> provider::Result<Value> {
        let said = context.settings.get("region").cloned();
        Ok([("region", said.unwrap_or_else(|| self.region.as_str().into()))].into())
    }

    fn rules(&self) -> Vec<Rule> {
        let moved = |it: &Changed<'_, Db>| it.touches(Db::NET).then_some(Severity::High);
        let mild = |it: &Changed<'_, Db>| it.touches(Db::NET).then_some(Severity::Low);
        vec![Rule::of::<Db>("fake:mild", mild), Rule::of::<Db>("fake:moved", moved)]
    }

    async fn actors(
        &self,
        _: &Connection,
        asked: &[Touched<'_>],
        _: Timestamp,
    ) -> Vec<Option<Actor>> {
        asked.iter().map(|it| self.world.actor(it.id)).collect()
    }

    /// A net contains what is in it.
    async fn contained(
        &self,
        _: &Connection,
        within: &str,
    ) -> provider::Result<Option<Vec<Contained>>> {
        Ok(within.starts_with("net-").then(|| self.world.contained(within)))
    }

    async fn connect(&self, config: &Value, _: &Context) -> provider::Result<Connection> {
        let region = FakeProvider::from_value(config)?.region.unwrap_or_else(|| "here".to_owned());
        let identity = [("account", self.account.clone()), ("region", region.clone())];
        let identity = identity.map(|(key, value)| (key.to_owned(), value)).into();
        Ok(Connection::new(identity, Fake { world: Arc::clone(&self.world), region }))
    }
}
