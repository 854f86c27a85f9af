//! The typed program API: what the derives make, and what a program declares with it.

use std::collections::BTreeMap;

use infra_core::{
    Data, Outputs, Resource, Sensitive, Value, interpolate,
    prelude::*,
    provider::{Change, Cloud, Cx, Find, Managed, Observed, Operation, Result},
    state::StackName,
};

struct Fake;

#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Provider")]
struct Provider {
    region: Option<String>,
}

impl Cloud for Fake {
    type Provider = Provider;
}

infra_core::text_type! {
    /// The id of a net.
    NetId, "a net id like `net-1`", |text| text.starts_with("net-")
}

#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Net", outputs = NetOutputs)]
struct Net {
    #[field(replace)]
    block: String,
    tags: BTreeMap<String, String>,
}

#[derive(Outputs, Clone, Debug)]
struct NetOutputs {
    /// Its id.
    #[output(stable)]
    id: NetId,
}

#[derive(Value, Clone, Debug, PartialEq)]
struct Rule {
    port: u16,
    net: NetId,
    note: Option<String>,
}

#[derive(Value, Clone, Debug, PartialEq)]
enum Target {
    Nothing,
    Net(NetId),
    Pair { net: NetId, port: u16 },
}

#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Db", holds_data)]
struct Db {
    #[field(replace)]
    net: NetId,
    password: Option<Sensitive<String>>,
    #[field(key = "port")]
    rules: Vec<Rule>,
    #[field(default = true)]
    backups: bool,
    target: Option<Target>,
    targets: Option<Vec<Target>>,
}

macro_rules! no_verbs {
    ($ty:ty) => {
        impl Managed for $ty {
            type Cloud = Fake;

            async fn read(
                _: &Cx<Fake>,
                find: &[Find<'_, Self>],
            ) -> Vec<Result<Option<Observed<Self>>>> {
                find.iter().map(|_| Ok(None)).collect()
            }

            async fn create(_: &Cx<Fake>, _: &Self, op: &Operation) -> Result<String> {
                Ok(op.token())
            }

            async fn update(_: &Cx<Fake>, _: &Change<'_, Self>, _: &Operation) -> Result<()> {
                Ok(())
            }

            async fn delete(
                _: &Cx<Fake>,
                _: &Observed<Self>,
                _: &Self,
                _: &Operation,
            ) -> Result<()> {
                Ok(())
            }
        }
    };
}

no_verbs!(Net);
no_verbs!(Db);

#[test]
fn outputs_fit_at_any_depth() {
    let mut stack =
        Stack::new(StackName::new("p", "dev").unwrap(), infra_core::state::Value::map());
    let net = stack.add("net", Net::new("10.0.0.0/16").tags([("Name", "x")]).protect());
    let password = stack.secret("pw");
    let db = Db::new(&net.id)
        .password(&password)
        .rules([Rule::new(5432, &net.id).note("sql"), Rule::new(22, &net.id)])
        .target(Target::net(&net.id))
        .targets([Target::pair(&net.id, 7)])
        .maybe_backups(None::<bool>)
        .when(true, |db| db.backups(false));
    stack.add("db", db.depends_on([&net]).ignore_changes([Db::RULES]));
    stack.export("url", interpolate!("db://{}@{}", &password, &net.id));
    let text = format!("{:?}", stack.exported("url").unwrap());
    assert_eq!(text, r#"interpolate(["db://", <pw.value>, "@", <net.id>])"#);
}

#[test]
fn data_round_trips_and_is_sparse() {
    let db = Db {
        net: NetId::new("net-1").unwrap(),
        password: Some("geheim".to_owned().into()),
        rules: vec![Rule { port: 1, net: NetId::trusted("net-2"), note: None }],
        backups: false,
        target: Some(Target::Nothing),
        targets: Some(vec![Target::Pair { net: NetId::trusted("net-3"), port: 9 }]),
    };
    let value = db.to_value();
    assert_eq!(Db::from_value(&value).unwrap().to_value(), value);
    assert_eq!(value.get("rules").unwrap().as_list().unwrap()[0].get("note"), None);
    assert!(!format!("{value:?}").contains("geheim"));
    assert!(!format!("{db:?}").contains("geheim"));
    let schema = Db::schema();
    assert!(schema.holds_data && schema.fields[0].required && schema.fields[1].secret);
    assert_eq!(schema.fields[3].default, Some(infra_core::state::Value::Bool(true)));
}
