//! Connections of the providers of one run.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use infra_state::{ProviderIdentity, Record, Snapshot, Status, Urn, Value};
use tokio::sync::OnceCell;

use crate::{
    Engine,
    graph::Role,
    provider::{Class, Connection, Connector, Context, Error, Registry, Result},
    reference::Neighbours,
};

/// The connections of one run. Each is made when it is first needed, once, after its configuration became known.
///
/// A provider whose configuration changes has two: what was made through the old one is read and removed through it.
pub(crate) struct Connections {
    connectors: BTreeMap<String, Arc<dyn Connector>>,
    context: Context,
    /// For kinds that are read without a provider: the stacks around this one.
    own: Arc<Connection>,
    /// By provider; the newest configuration last.
    slots: RwLock<HashMap<Urn, Vec<Arc<Slot>>>>,
}

struct Slot {
    config: Value,
    connected: OnceCell<Result<Arc<Connection>>>,
}

impl Connections {
    pub(crate) fn new(engine: &Engine) -> Self {
        let neighbours = Neighbours::new(
            Arc::clone(&engine.stacks),
            engine.state.place(),
            engine.events.clone(),
        );
        let own = Connection::new([].into(), neighbours);
        Self {
            own: Arc::new(own),
            connectors: engine.connectors.clone(),
            context: engine.context.clone(),
            slots: RwLock::default(),
        }
    }

    /// From now on this is the configuration of the provider. What is not known all through is no configuration.
    pub(crate) fn configure(&self, provider: &Urn, config: &Value) {
        if config.has_unknown() {
            return;
        }
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let slots = slots.entry(provider.clone()).or_default();
        if let Some(at) = slots.iter().position(|slot| slot.config.same(config)) {
            let slot = slots.remove(at);
            slots.push(slot);
        } else {
            let slot = Slot { config: config.clone(), connected: OnceCell::new() };
            slots.push(Arc::new(slot));
        }
    }

    /// The configurations of recorded providers, older ones first.
    pub(crate) fn remember(&self, registry: &Registry, snapshot: &Snapshot) {
        let is_provider = |record: &&Arc<Record>| {
            let driver = registry.get(record.urn.kind());
            driver.is_some_and(|driver| driver.role() == Role::Provider)
        };
        for deposed in [true, false] {
            let records = snapshot.records.values().filter(is_provider);
            for record in records.filter(|r| (r.status == Status::Deposed) == deposed) {
                self.configure(&record.urn, &record.inputs);
            }
        }
    }

    /// What kinds are read through that have no provider.
    pub(crate) fn own(&self) -> Arc<Connection> {
        Arc::clone(&self.own)
    }

    /// The connection of the provider as it is configured now.
    pub(crate) async fn get(&self, provider: &Urn) -> Result<Arc<Connection>> {
        let Some(slot) = self.slots(provider).pop() else {
            let message = format!("the configuration of the provider {provider} is not known yet");
            return Err(Error::new(Class::Dependency, message));
        };
        self.connect(provider, &slot).await
    }

    /// The connection to where an object was made.
    pub(crate) async fn holding(
        &self,
        provider: &Urn,
        identity: &ProviderIdentity,
    ) -> Result<Arc<Connection>> {
        let mut slots = self.slots(provider);
        if slots.is_empty() {
            return self.get(provider).await;
        }
        let mut elsewhere = String::new();
        while let Some(slot) = slots.pop() {
            let connection = self.connect(provider, &slot).await?;
            if connection.identity == *identity {
                return Ok(connection);
            }
            elsewhere = describe(&connection.identity);
        }
        let message = format!(
            "it was made at {}, but its provider {provider} points at {elsewhere}",
            describe(identity)
        );
        Err(Error::new(Class::Denied, message))
    }

    async fn connect(&self, provider: &Urn, slot: &Slot) -> Result<Arc<Connection>> {
        let connect = || async {
            let connector = self.connectors.get(provider.kind()).ok_or_else(|| {
                Error::invalid(format!("no cloud of this program connects `{}`", provider.kind()))
            });
            let connected = match connector {
                Ok(connector) => connector.connect(&slot.config, &self.context).await,
                Err(error) => Err(error),
            };
            match connected {
                // Not remembered: the next one who asks tries again.
                Err(error) if error.class().is_retryable() => Err(error),
                connected => Ok(connected.map(Arc::new)),
            }
        };
        match slot.connected.get_or_try_init(connect).await? {
            Ok(connection) => Ok(Arc::clone(connection)),
            Err(error) => Err(error.again()),
        }
    }

    fn slots(&self, provider: &Urn) -> Vec<Arc<Slot>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.get(provider).cloned().unwrap_or_default()
    }
}

/// An identity in one line.
pub(crate) fn describe(identity: &ProviderIdentity) -> String {
    let parts: Vec<_> = identity.iter().map(|(key, value)| format!("{key} {value}")).collect();
    if parts.is_empty() { "nowhere in particular".to_owned() } else { parts.join(", ") }
}
