//! Kinds with a field of every sort.

use std::collections::BTreeMap;

use infra_core::{
    Outputs, Resource, Sensitive, Value,
    provider::{Change, Cx, Find, Lookup, Managed, Observed, Operation, Result},
};

/// A cloud that is never called.
pub struct Cloud;

/// A connection to it.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Provider", cloud = Cloud)]
pub struct Provider {
    /// The region.
    pub region: Option<String>,
}

infra_core::text_type! {
    /// The id of a net.
    NetId, "a net id like `net-1`", |text| text.starts_with("net-")
}
infra_core::text_type! {
    /// A zone.
    Zone, "a zone like `a-1`", |text| text.contains('-')
}

/// A net.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Net", outputs = NetOutputs)]
pub struct Net {
    /// Its addresses.
    pub block: String,
    /// Where it is.
    pub zone: Option<Zone>,
    /// The net around it.
    pub outer: Option<NetId>,
    /// Whether the outside sees it.
    #[field(default = false)]
    pub public: bool,
    /// Labels.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a net gives.
#[derive(Outputs, Clone, Debug)]
pub struct NetOutputs {
    /// Its id.
    #[output(stable)]
    pub id: NetId,
    /// Its long name.
    #[output(stable)]
    pub arn: String,
    /// The names of its hosts.
    pub hosts: Vec<String>,
}

/// What lets something through.
#[derive(Value, Clone, Debug, PartialEq)]
pub struct Rule {
    /// The ports.
    pub ports: Ports,
    /// What is on the other side.
    pub peers: Vec<Peer>,
    /// What it is for.
    pub note: Option<String>,
}

/// Ports.
#[derive(Value, Clone, Debug, PartialEq)]
pub enum Ports {
    /// All of them.
    All,
    /// One.
    One(u16),
    /// Several.
    Range {
        /// The first.
        from: u16,
        /// The last.
        to: u16,
    },
}

/// The other side.
#[derive(Value, Clone, Debug, PartialEq)]
pub enum Peer {
    /// Anybody.
    Anybody,
    /// A net.
    Net(NetId),
    /// Addresses.
    Block(String),
}

/// An amount.
#[derive(Value, Clone, Copy, Debug, PartialEq)]
pub struct Gib(pub i32);

/// A database.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Db", holds_data)]
pub struct Db {
    /// How large.
    pub size: Gib,
    /// Its nets.
    pub nets: Vec<NetId>,
    /// Its password.
    pub password: Option<Sensitive<String>>,
    /// Who may reach it.
    pub rules: Vec<Rule>,
    /// A document.
    pub policy: Option<String>,
    /// How much of it.
    pub share: Option<f64>,
    /// How it is kept.
    pub r#type: Option<String>,
    /// Anything.
    pub settings: Option<infra_core::state::Value>,
}

/// The zones there are.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Zones", outputs = ZonesOutputs)]
pub struct Zones {
    /// Only those that are like this.
    pub like: Option<String>,
}

/// What was found.
#[derive(Outputs, Clone, Debug)]
pub struct ZonesOutputs {
    /// Their names.
    pub names: Vec<Zone>,
}

macro_rules! managed {
    ($($kind:ty)*) => { $(
        impl Managed for $kind {
            type Cloud = Cloud;

            async fn read(_: &Cx<Cloud>, _: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
                Vec::new()
            }

            async fn create(_: &Cx<Cloud>, _: &Self, _: &Operation) -> Result<String> {
                Ok(String::new())
            }

            async fn update(_: &Cx<Cloud>, _: &Change<'_, Self>, _: &Operation) -> Result<()> {
                Ok(())
            }

            async fn delete(_: &Cx<Cloud>, _: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
                Ok(())
            }
        }
    )* };
}
managed!(Net Db);

impl Lookup for Zones {
    type Cloud = Cloud;

    async fn look_up(_: &Cx<Cloud>, _: &Self) -> Result<ZonesOutputs> {
        Ok(ZonesOutputs { names: Vec::new() })
    }
}
