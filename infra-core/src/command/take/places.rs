//! The providers through which objects are reached: the default one of each cloud, and those that point elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use infra_state::{ProviderIdentity, Urn, Value};

use crate::{
    Engine, Error, ErrorKind, Result, execute::Connections, provider::Connection,
    transfer::take::word,
};

/// The providers of one taking.
pub(super) struct Places<'e> {
    engine: &'e Engine,
    connections: Connections,
    connected: BTreeMap<Urn, Arc<Connection>>,
    /// Configurations that are not the default: of which provider.
    other: Vec<(Value, Urn)>,
}

impl<'e> Places<'e> {
    pub(super) fn new(engine: &'e Engine) -> Self {
        let (connected, other) = (BTreeMap::new(), Vec::new());
        Self { engine, connections: Connections::new(engine), connected, other }
    }

    /// The default provider of this kind, connected.
    pub(super) async fn default(&mut self, kind: &str) -> Result<(Urn, Arc<Connection>)> {
        let urn = Urn::new(kind, "default")?;
        if let Some(connection) = self.connected.get(&urn) {
            return Ok((urn, Arc::clone(connection)));
        }
        let connector = self.engine.connector(kind)?;
        let config = connector
            .default_provider(&self.engine.context)
            .map_err(|e| Error::new(ErrorKind::Usage, e.to_string()).because(e))?;
        let connection = self.connect(&urn, &config).await?;
        Ok((urn, connection))
    }

    /// The provider with this configuration, connected; `None` for the default one. `name` is what the source calls it.
    pub(super) async fn of(
        &mut self,
        kind: &str,
        place: Option<&(Value, Option<String>)>,
    ) -> Result<(Urn, Arc<Connection>)> {
        let Some((own, name)) = place else { return self.default(kind).await };
        let (_, default) = self.default(kind).await?;
        let config = &self.based(kind, own);
        let known = self.other.iter().find(|(c, urn)| c.same(config) && urn.kind() == kind);
        if let Some((_, urn)) = known {
            return Ok((urn.clone(), Arc::clone(&self.connected[urn])));
        }
        let first = || {
            let mut texts = own.as_map().into_iter().flat_map(BTreeMap::values);
            texts.find_map(Value::as_str).unwrap_or("other").to_owned()
        };
        let base = word(&name.clone().unwrap_or_else(first));
        let taken: BTreeSet<&Urn> = self.connected.keys().collect();
        let mut urn = Urn::new(kind, &base)?;
        let mut number = 2;
        while taken.contains(&urn) || urn.name() == "default" {
            urn = Urn::new(kind, &format!("{base}-{number}"))?;
            number += 1;
        }
        let connection = self.connect(&urn, config).await?;
        let moved = |key: &str| own.get(key).is_none();
        if let Some((what, here, there)) =
            differing(&default.identity, &connection.identity).find(|(what, ..)| moved(what))
        {
            let message = format!(
                "{urn} would be of the {what} {there}, and the stack's own provider is of {here}: give it its own credentials in a program of its own"
            );
            return Err(Error::new(ErrorKind::Refused, message));
        }
        self.other.push((config.clone(), urn.clone()));
        Ok((urn, connection))
    }

    /// The configuration of the default provider with what is `own` to another: the profile, the role and the endpoint
    /// stay.
    fn based(&self, kind: &str, own: &Value) -> Value {
        let config = self.engine.connectors.get(kind);
        let config = config.and_then(|it| it.default_provider(&self.engine.context).ok());
        let mut all = config.as_ref().and_then(Value::as_map).cloned().unwrap_or_default();
        all.remove(crate::plan::DEFAULT_TAGS);
        all.extend(own.as_map().cloned().unwrap_or_default());
        all.retain(|_, value| match value.revealed() {
            Value::Null => false,
            Value::List(list) => !list.is_empty(),
            Value::Map(map) => !map.is_empty(),
            _ => true,
        });
        Value::Map(all)
    }

    /// What a provider that was connected is.
    pub(super) fn identity(&self, urn: &Urn) -> Option<&ProviderIdentity> {
        self.connected.get(urn).map(|connection| &connection.identity)
    }

    async fn connect(&mut self, urn: &Urn, config: &Value) -> Result<Arc<Connection>> {
        self.connections.configure(urn, config);
        let connection = self.connections.get(urn).await.map_err(|e| {
            Error::new(ErrorKind::Failed, format!("{urn} cannot be connected: {e}")).because(e)
        })?;
        self.connected.insert(urn.clone(), Arc::clone(&connection));
        Ok(connection)
    }

    /// Says where everything points.
    pub(super) fn announce(&self) {
        let places = self.connected.iter();
        let places = places.map(|(urn, at)| (urn.to_string(), at.identity.clone()));
        self.engine.announce("import", places.collect());
    }

    /// The configurations that are not the default.
    pub(super) fn configured(&self) -> &[(Value, Urn)] {
        &self.other
    }

    /// The tags that the default provider of a kind sets.
    pub(super) fn default_tags(&self, kind: &str) -> BTreeMap<String, Value> {
        let config = self.engine.connectors.get(kind);
        let config = config.and_then(|it| it.default_provider(&self.engine.context).ok());
        let tags = config.as_ref().and_then(|config| config.get(crate::plan::DEFAULT_TAGS));
        tags.and_then(Value::as_map).cloned().unwrap_or_default()
    }
}

/// In what two providers say that they are different.
pub(super) fn differing<'i>(
    a: &'i ProviderIdentity,
    b: &'i ProviderIdentity,
) -> impl Iterator<Item = (&'i str, &'i str, &'i str)> {
    a.iter().filter_map(|(key, of_a)| {
        let of_b = b.get(key)?;
        (of_a != of_b).then_some((key.as_str(), of_a.as_str(), of_b.as_str()))
    })
}
