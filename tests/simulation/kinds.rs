//! One kind for each way in which clouds keep creates apart, and the connection to them.

use std::{collections::BTreeMap, sync::Arc};

use infra_core::{
    Data, Outputs, Resource, Sensitive,
    provider::{
        Change, Connection, Connector, Context, Cx, Driver, Find, Lock, Lookup, Managed, Observed,
        Once, Operation, Result, driver, lookup_driver, provider_driver,
    },
    state::Value,
};

use super::{
    cloud::{Asked, Client, Cloud, Habits, TOKEN, WINDOW},
    process::Me,
};

/// What every kind gives.
#[derive(Outputs, Clone, Debug)]
pub struct Made {
    /// Its id.
    #[output(stable)]
    pub id: String,
    /// Changes with every update.
    pub summary: String,
}

/// How a connection is configured.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "sim:Provider", cloud = Client)]
pub struct Sim {
    /// Where its calls go.
    pub region: Option<String>,
    /// Tags on everything it makes.
    pub default_tags: BTreeMap<String, String>,
}

/// Connects a process to the cloud.
pub struct Plug {
    /// The cloud.
    pub cloud: Arc<Cloud>,
    /// Whose connection it is.
    pub me: Arc<Me>,
}

#[async_trait::async_trait]
impl Connector for Plug {
    fn provider_kind(&self) -> &'static str {
        Sim::KIND
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        vec![
            driver::<Tagged>(),
            driver::<Token>(),
            driver::<Named>(),
            driver::<Slot>(),
            driver::<Slow>(),
            driver::<Base>(),
            driver::<Vault>(),
            lookup_driver::<Image>(),
            provider_driver::<Sim>(),
        ]
    }

    fn default_provider(&self, _: &Context) -> Result<Value> {
        Ok([("region", "here".into())].into())
    }

    async fn connect(&self, config: &Value, context: &Context) -> Result<Connection> {
        let region = Sim::from_value(config)?.region.unwrap_or_else(|| "here".to_owned());
        let client = Client {
            cloud: Arc::clone(&self.cloud),
            me: Arc::clone(&self.me),
            gate: context.gate.clone(),
            region: region.clone(),
        };
        let who = client.ask("who am I".to_owned(), |_| Ok("1111".to_owned())).await?;
        let identity = [("account", who), ("region", region)];
        let identity = identity.map(|(key, value)| (key.to_owned(), value)).into();
        Ok(Connection::new(identity, client))
    }
}

/// A lookup.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "sim:Image", outputs = Found)]
pub struct Image {
    /// What to look for.
    pub family: String,
}

/// What a lookup gives.
#[derive(Outputs, Clone, Debug)]
pub struct Found {
    /// The newest image.
    pub image: String,
}

impl Lookup for Image {
    type Cloud = Client;

    async fn look_up(cx: &Cx<Client>, _: &Self) -> Result<Found> {
        let image = cx.ask("look up the image".to_owned(), |cloud| Ok(cloud.image())).await?;
        Ok(Found { image })
    }
}

/// What a kind tells of itself, beyond its fields.
pub trait Behaves: Managed<Cloud = Client, Outputs = Made> {
    /// How it behaves.
    const HABITS: Habits;
}

async fn read<R: Behaves>(
    cx: &Cx<Client>,
    find: &[Find<'_, R>],
) -> Vec<Result<Option<Observed<R>>>> {
    let asked: Vec<_> = find
        .iter()
        .map(|find| match find {
            Find::Id { id, .. } => Asked::Id((*id).to_owned()),
            Find::Made { want, op } => match want.to_value().get("name").and_then(Value::as_str) {
                Some(name) if R::HABITS.named => Asked::Name(name.to_owned()),
                _ => Asked::Operation(op.token()),
            },
        })
        .collect();
    let region = cx.region.clone();
    let what = format!("read {} {asked:?}", R::KIND);
    let answers = cx
        .ask(what, move |cloud| {
            Ok(asked.iter().map(|asked| cloud.look(R::KIND, &region, asked)).collect::<Vec<_>>())
        })
        .await;
    let answers = match answers {
        Ok(answers) => answers,
        Err(error) => return find.iter().map(|_| Err(error.again())).collect(),
    };
    let observed = |(id, object, readiness): (String, super::cloud::Object, _)| {
        let mut live = object.inputs;
        if let Value::Map(live) = &mut live {
            live.remove("password");
        }
        let text =
            |field: &str| live.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let summary = format!("{} {}", text("subject"), text("note"));
        let outputs = Made { id: id.clone(), summary };
        let live = R::from_value(&live)?;
        Ok(Observed::ready(id, live, outputs).but(readiness).owned_by(&object.owner))
    };
    answers.into_iter().map(|answer| answer.map(observed).transpose()).collect()
}

async fn update<R: Behaves>(cx: &Cx<Client>, change: &Change<'_, R>, op: &Operation) -> Result<()> {
    let want = change.want()?.to_value().plain();
    let mut fields: Vec<_> = change.paths.iter().filter_map(|path| path.first()).collect();
    fields.dedup();
    let fields = fields
        .into_iter()
        .map(|name| (name.to_owned(), want.get(name).cloned().unwrap_or(Value::Null)));
    cx.update(change.id()?, fields.collect(), op).await
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal [$($resource:tt)*] ($($named:tt)*) $once:expr, $habits:expr, $lock:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Resource, Clone, Debug)]
        #[resource(kind = $name, outputs = Made $($resource)*)]
        pub struct $kind {
            /// Another one replaces it.
            #[field(replace)]
            pub subject: String,
            /// Changes in place.
            pub note: Option<String>,
            /// What it lies in.
            #[field(replace)]
            pub inside: Option<String>,
            /// What it refers to.
            #[field(set)]
            pub uses: Vec<String>,
            /// Its name, where the kind has one.
            #[field(replace $($named)*)]
            pub name: Option<String>,
            /// Never read back.
            #[field(write_only)]
            pub password: Option<Sensitive<String>>,
        }

        impl Behaves for $kind {
            const HABITS: Habits = $habits;
        }

        impl Managed for $kind {
            type Cloud = Client;

            async fn read(cx: &Cx<Client>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
                read(cx, find).await
            }

            async fn create(cx: &Cx<Client>, want: &Self, op: &Operation) -> Result<String> {
                cx.create(Self::KIND, want.to_value().plain(), op, Self::HABITS).await
            }

            async fn update(cx: &Cx<Client>, change: &Change<'_, Self>, op: &Operation) -> Result<()> {
                update(cx, change, op).await
            }

            async fn delete(cx: &Cx<Client>, have: &Observed<Self>, _: &Self, op: &Operation) -> Result<()> {
                cx.delete(&have.id, op).await
            }

            fn once() -> Once {
                Once { window: WINDOW, ..$once }
            }

            fn serialize_on(_: &Self) -> Option<Lock> {
                let lock: Option<&str> = $lock;
                lock.map(|lock| Lock(lock.to_owned()))
            }
        }
    )*};
}

const NO: Habits = Habits {
    token: false,
    named: false,
    alone: false,
    slow: 0,
    later: false,
    restorable: false,
    data: false,
};

kinds! {
    /// Known again by its tags only: a create that is called twice makes two.
    Tagged "sim:Tagged" [] () Once::default(), Habits { later: true, ..NO }, None;
    /// Made with a client token that lives for a while.
    Token "sim:Token" [] ()
        Once { token: Some(TOKEN), ..Once::default() }, Habits { token: true, ..NO }, None;
    /// Known by its unique name.
    Named "sim:Named" [] (, name(max = 40, extra = "-"))
        Once { by_name: true, ..Once::default() }, Habits { named: true, ..NO }, None;
    /// One at a time for each resource, and its calls one at a time for all.
    Slot "sim:Slot" [, delete_before_replace = "there is one slot"] ()
        Once::default(), Habits { alone: true, ..NO }, Some("slots");
    /// Takes a while, and sometimes comes out wrong.
    Slow "sim:Slow" [] () Once::default(), Habits { slow: 120_000, ..NO }, None;
    /// Holds data, under a name, with a password.
    Base "sim:Base" [, holds_data] (, name(max = 40, extra = "-"))
        Once { by_name: true, ..Once::default() },
        Habits { named: true, data: true, slow: 20_000, ..NO }, None;
    /// Holds data; deleting it only schedules that.
    Vault "sim:Vault" [, holds_data] ()
        Once::default(), Habits { data: true, restorable: true, ..NO }, None;
}
