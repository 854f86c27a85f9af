//! The typed program API: what the derives make, and what a program declares with it.

use std::collections::BTreeMap;

use infra_core::{
    Data, Outputs, Resource, Sensitive, Value, interpolate,
    prelude::*,
    provider::{Change, Cx, Find, Lookup, Managed, Observed, Operation, Result},
    state::StackName,
};

struct Fake;

#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Provider", cloud = Fake)]
struct Provider {
    region: Option<String>,
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

#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Image")]
struct Image {
    family: String,
}

impl Lookup for Image {
    type Cloud = Fake;

    async fn look_up(_: &Cx<Fake>, _: &Self) -> Result<()> {
        Ok(())
    }
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

/// A component may derive what it likes.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "read by `Debug`")]
struct Network {
    net: Handle<Net>,
    id: Output<NetId>,
    password: Output<Sensitive<String>>,
    through: ProviderHandle<Fake>,
}

#[test]
fn components_can_be_debugged_without_showing_secrets() {
    let mut stack =
        Stack::new(StackName::new("p", "dev").unwrap(), infra_core::state::Value::map());
    let through = stack.provider("us", Provider::new().region("us"));
    let net = stack.add("net", Net::new("10.0.0.0/16").provider(&through));
    stack.lookup("image", Image::new("linux").provider(&through));
    stack.with_provider(&through, |stack| stack.add("inside", Net::new("10.1.0.0/16")));
    let password = Output::known(&"geheim".to_owned()).secret();
    let network = Network { id: net.id.clone(), net, password, through };
    let text = format!("{network:?}");
    assert!(text.contains("<net.id>") && text.contains("fake:Provider::us"), "{text}");
    assert!(!text.contains("geheim"), "{text}");
}

#[test]
fn dependencies_are_given_one_by_one_in_lists_and_in_tuples() {
    let mut stack =
        Stack::new(StackName::new("p", "dev").unwrap(), infra_core::state::Value::map());
    let a = stack.add("a", Net::new("10.0.0.0/16"));
    let b = stack.add("b", Net::new("10.1.0.0/16").depends_on(&a));
    let db = stack.add("db", Db::new(&a.id).depends_on([&a, &b]).depends_on(vec![a.clone()]));
    let both = vec![a.clone(), b.clone()];
    stack.add("c", Net::new("10.2.0.0/16").depends_on(&both).depends_on((&a, &db, b.urn())));
}

#[test]
fn lists_of_outputs_are_exported() {
    let mut stack =
        Stack::new(StackName::new("p", "dev").unwrap(), infra_core::state::Value::map());
    let ids: Vec<_> =
        ["a", "b"].map(|name| stack.add(name, Net::new("10.0.0.0/16")).id.clone()).into();
    stack.export("owned", ids.clone());
    stack.export("borrowed", &ids);
    stack.export("slice", &ids[..]);
    stack.export("array", [&ids[0], &ids[1]]);
    stack.export("all", Output::all(&ids));
    for name in ["owned", "borrowed", "slice", "array", "all"] {
        assert_eq!(format!("{:?}", stack.exported(name).unwrap()), "[<a.id>, <b.id>]", "{name}");
    }
    stack.export("count", Output::all(&ids).map(|ids| i64::try_from(ids.len()).unwrap_or(0)));
}

#[test]
fn text_may_stand_for_a_secret() {
    let _ = Db::new(NetId::trusted("net-1")).password(format!("{}-{}", "a", "b"));
    let text = "text".to_owned();
    let _ = Db::new(NetId::trusted("net-1"))
        .password(&text)
        .rules([Rule::new(1, NetId::trusted(text))]);
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
