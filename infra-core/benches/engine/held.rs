//! A cloud that holds what a Terraform state says, and answers reads from memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use infra_core::{
    Data, Outputs, Resource,
    prelude::*,
    provider::{
        self, Change, Connection, Connector, Context, Cx, Driver, Find, Managed, Observed,
        Operation,
    },
    state::Value,
    transfer::terraform::{Import, Instance, Piece, Tables},
};

/// The objects by id.
#[derive(Clone, Default)]
pub(crate) struct Held(pub(crate) Arc<HashMap<String, Value>>);

/// Its configuration: none.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "held:Provider", cloud = Held)]
pub(crate) struct HeldProvider {}

/// What every kind gives.
#[derive(Outputs, Clone, Debug)]
pub(crate) struct Made {
    /// Its id.
    #[output(stable)]
    pub(crate) id: String,
    /// Its ARN.
    #[output(stable)]
    pub(crate) arn: String,
    /// Its name, for whoever asks by it.
    #[output(stable)]
    pub(crate) name: String,
}

/// A network.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "held:net:Net", outputs = Made)]
pub(crate) struct Net {
    #[field(replace)]
    pub(crate) block: String,
    #[field(tags)]
    pub(crate) tags: BTreeMap<String, String>,
}

/// A part of one.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "held:net:Subnet", outputs = Made)]
pub(crate) struct Subnet {
    #[field(replace)]
    pub(crate) net: String,
    pub(crate) block: String,
    pub(crate) zone: Option<String>,
    #[field(tags)]
    pub(crate) tags: BTreeMap<String, String>,
}

/// A role, with a policy in which ARNs of others stand.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "held:iam:Role", outputs = Made)]
pub(crate) struct Role {
    #[field(replace, name(max = 64, extra = "-_"))]
    pub(crate) name: Option<String>,
    pub(crate) policy: String,
}

/// A machine, with a script that starts it.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "held:ec2:Host", outputs = Made)]
pub(crate) struct Host {
    #[field(replace)]
    pub(crate) subnet: String,
    pub(crate) role: Option<String>,
    #[field(set)]
    pub(crate) peers: Vec<String>,
    pub(crate) size: Option<String>,
    pub(crate) user_data: Option<String>,
    #[field(tags)]
    pub(crate) tags: BTreeMap<String, String>,
}

/// A database.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "held:rds:Db", outputs = Made, holds_data)]
pub(crate) struct Db {
    #[field(replace)]
    pub(crate) subnets: Vec<String>,
    #[field(write_only)]
    pub(crate) password: Option<Sensitive<String>>,
}

/// A parameter.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "held:ssm:Parameter", outputs = Made)]
pub(crate) struct Parameter {
    #[field(replace)]
    pub(crate) path: String,
    pub(crate) value: String,
}

macro_rules! held {
    ($($kind:ident $terraform:literal)*) => {
        $(impl Managed for $kind {
            type Cloud = Held;

            async fn read(
                cx: &Cx<Held>,
                find: &[Find<'_, Self>],
            ) -> Vec<provider::Result<Option<Observed<Self>>>> {
                let answer = |find: &Find<'_, Self>| {
                    let Some(id) = find.id() else { return Ok(None) };
                    let Some(object) = cx.0.get(id) else { return Ok(None) };
                    let live = Self::from_value(object)?;
                    let arn = format!("arn:held:{}:eu-1:123456789012:{id}", Self::KIND);
                    let made = Made { id: id.to_owned(), arn, name: format!("the-{id}") };
                    Ok(Some(Observed::ready(id, live, made)))
                };
                find.iter().map(answer).collect()
            }

            async fn create(_: &Cx<Held>, _: &Self, _: &Operation) -> provider::Result<String> {
                Err(provider::Error::invalid("nothing is made here"))
            }

            async fn update(
                _: &Cx<Held>,
                _: &Change<'_, Self>,
                _: &Operation,
            ) -> provider::Result<()> {
                Err(provider::Error::invalid("nothing is changed here"))
            }

            async fn delete(
                _: &Cx<Held>,
                _: &Observed<Self>,
                _: &Self,
                _: &Operation,
            ) -> provider::Result<()> {
                Err(provider::Error::invalid("nothing is deleted here"))
            }
        })*

        #[async_trait::async_trait]
        impl Connector for Held {
            fn provider_kind(&self) -> &'static str {
                HeldProvider::KIND
            }

            fn drivers(&self) -> Vec<Arc<dyn Driver>> {
                vec![$(provider::driver::<$kind>(),)* provider::provider_driver::<HeldProvider>()]
            }

            fn default_provider(&self, _: &Context) -> provider::Result<Value> {
                Ok(Value::map())
            }

            async fn connect(&self, _: &Value, _: &Context) -> provider::Result<Connection> {
                let identity = [("cloud".to_owned(), "held".to_owned())].into();
                Ok(Connection::new(identity, self.clone()))
            }

            fn terraform(&self) -> Tables {
                fn piece(kind: &str, it: &Instance) -> std::result::Result<Vec<Piece>, String> {
                    let piece = Piece::new(kind, it.id().ok_or("it has no id")?);
                    Ok(vec![piece.known("password", it.attribute("password"))])
                }
                let imports =
                    [$(($terraform, Import::Objects(|it| piece($kind::KIND, it)))),*].into();
                Tables { imports, ..Tables::default() }
            }
        }
    };
}

held! {
    Net "held_net"
    Subnet "held_subnet"
    Role "held_role"
    Host "held_host"
    Db "held_db"
    Parameter "held_parameter"
}
