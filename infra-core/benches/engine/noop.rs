//! A provider that does nothing, and the layered graph of resources on it.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use infra_core::{
    Outputs, Resource,
    prelude::*,
    provider::{
        self, Change, Connection, Connector, Context, Cx, Driver, Find, Managed, Observed,
        Operation,
    },
    state,
};

/// How many resources a layer has.
const LAYER: usize = 100;

/// A connection to nothing: all it knows is what it was told to delete.
#[derive(Default)]
pub(crate) struct Nothing {
    deleted: Mutex<HashSet<String>>,
}

/// Its configuration: none.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "noop:Provider", cloud = Nothing)]
pub(crate) struct NothingProvider {}

impl Nothing {
    fn deleted(&self) -> MutexGuard<'_, HashSet<String>> {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A resource that is made by saying so, after as many milliseconds as it is told.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "noop:Thing", outputs = ThingOutputs)]
pub(crate) struct Thing {
    /// What it is made of: the id of one of the layer before, like `triggers` of a `null_resource`.
    pub(crate) input: String,
    /// How long making it takes, in milliseconds.
    pub(crate) takes: Option<u32>,
}

/// What a thing gives.
#[derive(Outputs, Clone, Debug)]
pub(crate) struct ThingOutputs {
    /// Its id.
    #[output(stable)]
    pub(crate) id: String,
}

impl Managed for Thing {
    type Cloud = Nothing;

    async fn read(
        cx: &Cx<Nothing>,
        find: &[Find<'_, Self>],
    ) -> Vec<provider::Result<Option<Observed<Self>>>> {
        let deleted = cx.deleted();
        let answer = |find: &Find<'_, Self>| match (find.id(), find.inputs()) {
            (Some(id), Some(inputs)) if !deleted.contains(id) => {
                Ok(Some(Observed::ready(id, inputs.clone(), ThingOutputs { id: id.to_owned() })))
            }
            _ => Ok(None),
        };
        find.iter().map(answer).collect()
    }

    async fn create(_: &Cx<Nothing>, want: &Self, op: &Operation) -> provider::Result<String> {
        if let Some(takes) = want.takes {
            tokio::time::sleep(Duration::from_millis(takes.into())).await;
        }
        Ok(op.token())
    }

    async fn update(_: &Cx<Nothing>, _: &Change<'_, Self>, _: &Operation) -> provider::Result<()> {
        Ok(())
    }

    async fn delete(
        cx: &Cx<Nothing>,
        thing: &Observed<Self>,
        _: &Self,
        _: &Operation,
    ) -> provider::Result<()> {
        cx.deleted().insert(thing.id.clone());
        Ok(())
    }
}

/// Connects to nothing.
pub(crate) struct Connect;

#[async_trait::async_trait]
impl Connector for Connect {
    fn provider_kind(&self) -> &'static str {
        NothingProvider::KIND
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        vec![provider::driver::<Thing>(), provider::provider_driver::<NothingProvider>()]
    }

    fn default_provider(&self, _: &Context) -> provider::Result<state::Value> {
        Ok(state::Value::map())
    }

    async fn connect(&self, _: &state::Value, _: &Context) -> provider::Result<Connection> {
        let identity = [("cloud".to_owned(), "noop".to_owned())].into();
        Ok(Connection::new(identity, Nothing::default()))
    }
}

/// `count` resources in layers of 100; each but the first layer's depends on one of the layer before.
pub(crate) fn layered(stack: &mut Stack, count: usize) {
    let mut before: Vec<Handle<Thing>> = Vec::new();
    let mut layer: Vec<Handle<Thing>> = Vec::new();
    for at in 0..count {
        let name = format!("thing-{at}");
        let thing = match before.get(parent(at)) {
            Some(parent) => stack.add(name, Thing::new(&parent.id)),
            None => stack.add(name, Thing::new("root")),
        };
        layer.push(thing);
        if layer.len() == LAYER {
            before = std::mem::take(&mut layer);
        }
    }
}

/// Which of the layer before: spread out, and the same in every run and for Terraform.
pub(crate) fn parent(at: usize) -> usize {
    (at * 37 + 11) % LAYER
}
