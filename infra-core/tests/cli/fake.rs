//! A cloud in memory, small enough to read.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use infra_core::{
    Data, Outputs, Resource, Sensitive, Value,
    provider::{
        self, Change, Connection, Connector, Context, Cx, Driver, Error, Find, Grant, Implied,
        Managed, Needs, Observed, Operation, Place, Policies, PolicyDocument, driver,
        provider_driver,
    },
    state::StackName,
    transfer::terraform::Tables,
};

pub type Objects = BTreeMap<String, (String, infra_core::state::Value)>;

type Tags = BTreeMap<String, String>;

/// Everything that exists, by id, with the token that made it; and the tags that say whose it is.
#[derive(Clone, Default)]
pub struct World(pub Arc<Mutex<Objects>>, Arc<Mutex<BTreeMap<String, Tags>>>);

#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Provider", cloud = World)]
pub struct FakeProvider {
    pub region: Option<String>,
}

#[derive(Outputs, Clone, Debug)]
pub struct Made {
    /// Its id.
    #[output(stable)]
    pub id: String,
}

/// A network.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Net", outputs = Made)]
pub struct Net {
    /// Its addresses.
    #[field(replace)]
    pub block: String,
    pub tags: BTreeMap<String, String>,
}

#[derive(Value, Clone, Debug)]
pub struct Disk {
    pub size: u32,
}

/// A machine.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Host", outputs = Made, holds_data)]
pub struct Host {
    /// Its network.
    #[field(replace)]
    pub net: String,
    pub size: Option<String>,
    pub password: Option<Sensitive<String>>,
    pub disk: Option<Disk>,
}

macro_rules! verbs {
    ($($ty:ident)*) => { $(
        impl Managed for $ty {
            type Cloud = World;

            async fn read(
                cx: &Cx<World>,
                find: &[Find<'_, Self>],
            ) -> Vec<provider::Result<Option<Observed<Self>>>> {
                let objects = cx.0.lock().unwrap();
                let one = |find: &Find<'_, Self>| {
                    let id = match find {
                        Find::Id { id, .. } => (*id).to_owned(),
                        Find::Made { op, .. } => {
                            let token = op.token();
                            let made = objects.iter().find(|(_, (by, _))| *by == token);
                            let Some((id, _)) = made else { return Ok(None) };
                            id.clone()
                        }
                    };
                    let Some((_, inputs)) = objects.get(&id) else { return Ok(None) };
                    Ok(Some(Observed::ready(id.clone(), Self::from_value(inputs)?, Made { id })))
                };
                find.iter().map(one).collect()
            }

            async fn owned(
                cx: &Cx<World>,
                stack: &StackName,
            ) -> provider::Result<Option<Vec<Observed<Self>>>> {
                let (objects, owners) = (cx.0.lock().unwrap(), cx.1.lock().unwrap());
                let kind = format!("{}::", Self::KIND);
                let ours = owners.iter().filter(|(_, tags)| {
                    tags["infra:stack"] == stack.to_string() && tags["infra:urn"].starts_with(&kind)
                });
                let found = ours.filter_map(|(id, tags)| Some((id, tags, objects.get(id)?)));
                let observed = found.map(|(id, tags, (_, inputs))| {
                    let made = Made { id: id.clone() };
                    Ok(Observed::ready(id, Self::from_value(inputs)?, made).owned_by(tags))
                });
                observed.collect::<provider::Result<_>>().map(Some)
            }

            async fn create(cx: &Cx<World>, want: &Self, op: &Operation) -> provider::Result<String> {
                let inputs = want.to_value();
                if inputs.get("size").and_then(|size| size.as_str()) == Some("impossible") {
                    return Err(Error::invalid("RunHost: there is no size `impossible`"));
                }
                let id = format!("{}-{}", op.urn.name().replace('/', "-"), op.instance);
                cx.0.lock().unwrap().insert(id.clone(), (op.token(), inputs.plain()));
                cx.1.lock().unwrap().insert(id.clone(), op.owner_tags());
                Ok(id)
            }

            async fn update(
                cx: &Cx<World>,
                change: &Change<'_, Self>,
                op: &Operation,
            ) -> provider::Result<()> {
                let inputs = change.want()?.to_value().plain();
                cx.0.lock().unwrap().insert(change.id()?.to_owned(), (op.token(), inputs));
                Ok(())
            }

            async fn delete(
                cx: &Cx<World>,
                have: &Observed<Self>,
                _: &Self,
                _: &Operation,
            ) -> provider::Result<()> {
                cx.0.lock().unwrap().remove(&have.id);
                Ok(())
            }

            fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
                let wanted = change.want.map(Data::to_value);
                let net = wanted.as_ref().and_then(|want| want.get("net")?.as_str());
                let id = change.have.map(|have| have.id.as_str());
                let what = net.or(id).unwrap_or("*");
                vec![Grant::new(format!("{}:{:?}", Self::KIND, change.intent()), what)]
            }
        }
    )* };
}

verbs!(Net Host);

/// Connects to the world; a real one has no notice.
pub struct Connect {
    pub world: World,
    pub notice: Option<&'static str>,
}

#[async_trait]
impl Connector for Connect {
    fn provider_kind(&self) -> &'static str {
        FakeProvider::KIND
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        vec![driver::<Net>(), driver::<Host>(), provider_driver::<FakeProvider>()]
    }

    fn default_provider(&self, context: &Context) -> provider::Result<infra_core::state::Value> {
        let region = context.settings.get("region").cloned();
        Ok([("region", region.unwrap_or_else(|| "here".into()))].into())
    }

    async fn connect(
        &self,
        config: &infra_core::state::Value,
        _: &Context,
    ) -> provider::Result<Connection> {
        let region = FakeProvider::from_value(config)?.region.unwrap_or_default();
        let identity = BTreeMap::from([
            ("account".to_owned(), "123456789012".to_owned()),
            ("region".to_owned(), region),
        ]);
        Ok(Connection::new(identity, self.world.clone()))
    }

    async fn serve(
        &self,
        listener: std::net::TcpListener,
        _: &Context,
        stop: tokio_util::sync::CancellationToken,
    ) -> provider::Result<()> {
        drop(listener);
        stop.cancelled().await;
        Ok(())
    }

    fn environment(&self, address: std::net::SocketAddr) -> Vec<(String, String)> {
        vec![("FAKE_ENDPOINT".to_owned(), format!("http://{address}"))]
    }

    fn policies(&self, needs: &Needs) -> provider::Result<Option<Policies>> {
        let document = |place: &Place| {
            let grants =
                place.grants.iter().map(|grant| format!("{} {}", grant.action, grant.resource));
            let grants: Vec<_> = grants.collect();
            let json = serde_json::json!({"in": place.identity.get("region"), "grants": grants});
            PolicyDocument { name: needs.purpose.name().to_owned(), json }
        };
        let documents = needs.places.iter().map(document).collect();
        let (action, when) = ("fake:Pass".to_owned(), "`fake:Host:Create`: always".to_owned());
        let implied = vec![Implied { action, when, source: "its guide".to_owned() }];
        Ok(Some(Policies { documents, implied }))
    }

    fn plugged(&self, name: &str) -> Vec<String> {
        vec![format!("cloud({name:?}, fake::cloud())")]
    }

    fn terraform(&self) -> Tables {
        crate::taken::tables()
    }

    fn notice(&self, _: &Context) -> Option<String> {
        self.notice.map(str::to_owned)
    }
}
