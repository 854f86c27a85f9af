//! What the golden program declares, as it would come out of a Terraform state.

use std::{sync::Arc, time::Duration};

use infra_core::{
    graph::{Graph, Node},
    prelude::*,
    state::{StackName, Urn},
    transfer::{Declaration as Declared, Key, Member, write::Program},
};

use crate::kinds::{Db, Gib, Net, NetId, Peer, Ports, Provider, Rule, Zone, Zones};

/// The graph of a program, without anything that has to be known of a cloud.
pub fn graph(program: impl Fn(&mut Stack) -> Result<()>) -> Graph {
    let name = StackName::new("shop", "dev").unwrap();
    let mut stack = Stack::new(name, infra_core::state::Value::map());
    program(&mut stack).unwrap();
    let none = |_: &str| Ok(infra_core::state::Value::map());
    let mut registry = infra_core::provider::Registry::default();
    registry.add(infra_core::provider::provider_driver::<Provider>());
    Graph::build(stack, &registry, &none).unwrap()
}

/// What stands for the golden program: names, keys and words of all sorts.
pub fn declared(stack: &mut Stack) -> Result<()> {
    let far = stack.provider("far", Provider::new().region("far-1"));
    let zones = stack.lookup("zones", Zones::new());
    let password = stack.scope("data", |stack| stack.secret("db"));
    let (net, inner, named, odd) = stack.scope("net", |stack| {
        let net = Net::new("10.0.0.0/16").tags([("Name", "main"), ("team", "a")]);
        let net = stack.add("this", net.protect());
        let blocks = ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"];
        let inner: Vec<_> = (0..)
            .zip(blocks)
            .map(|(at, block)| {
                let inner = Net::new(block).outer(&net.id).zone(zones.names.index(at));
                let inner = inner.tags([("Name", format!("inner-{at}")), ("team", "a".to_owned())]);
                stack.add(format!("inner-{at}"), inner)
            })
            .collect();
        let named: Vec<_> = [("a", "z-1"), ("b c", "z-2")]
            .into_iter()
            .map(|(key, zone)| {
                let name = if key == "a" { "a" } else { "b-c" };
                let net = Net::new("::/64").zone(Zone::trusted(zone)).outer(&net.id).public(true);
                stack.add(name, net)
            })
            .collect();
        // Each over one of the others, with its key.
        let odd: Vec<_> = (0..3)
            .map(|at| {
                stack.add(
                    format!("over-{at}"),
                    Net::new(interpolate!("{}/over", &inner[at].arn)).outer(&inner[at].id),
                )
            })
            .collect();
        (net, inner, named, odd)
    });
    let rules = [
        Rule::new(Ports::All).into_input(),
        Rule::new(Ports::one(443))
            .peers([Peer::Anybody.into_input(), Peer::net(&net.id)])
            .into_input(),
        Rule::new(Ports::range(30_000, 32_767))
            .note("nodes")
            .peers([Peer::block("::/0")])
            .into_input(),
    ];
    let policy = interpolate!("{}{}{}", "{\"a\":{},\"b\":\"", &net.arn, "/*\"}\n");
    stack.scope("data", |stack| {
        let db =
            Db::new(Gib(100)).nets(inner.iter().map(|inner| &inner.id)).rules(rules).policy(policy);
        let db = db.password(&password).share(0.5).r#type("ssd").settings(
            infra_core::state::Value::from([(
                "deep",
                infra_core::state::Value::List(vec![1.into(), true.into()]),
            )]),
        );
        let db = db
            .depends_on((&net, &zones))
            .ignore_changes([Db::PASSWORD])
            .create_timeout(Duration::from_secs(90));
        stack.add("db", db.provider(&far));
        stack.scope("copies", |stack| {
            stack.add(
                "type",
                Db::new(Gib(1))
                    .nets([named[1].id.clone(), Output::known(&NetId::trusted("net-9"))])
                    .share(2.0),
            );
        });
    });
    stack.add(
        "fn",
        Net::new(interpolate!("{}", &net.id))
            .tags([("hosts", net.hosts.index(1)), ("key", interpolate!("x"))]),
    );
    stack.export("net", &net.id);
    stack.export("inner", Output::all(inner.iter().map(|inner| &inner.id)));
    stack.export("two", [&net.arn, &odd[1].arn]);
    stack.export("password", &password);
    stack.export("word", "\"quoted\"");
    Ok(())
}

/// The declarations of a graph. Members of `count` and `for_each` are told by their names.
pub fn program() -> Program {
    let graph = graph(declared);
    let declaration = |node: &Node| {
        let name = node.urn.last();
        let member = |group: &str, key: Key| Member { group: format!("module.net.{group}"), key };
        let index = |group: &str| {
            let at = name.strip_prefix(group)?.strip_prefix('-')?.parse().ok()?;
            Some(member(group, Key::Index(at)))
        };
        let member = match name {
            "a" => Some(member("named", Key::Name("a".into()))),
            "b-c" => Some(member("named", Key::Name("b c".into()))),
            _ => index("inner").or_else(|| index("over")),
        };
        Declared {
            urn: node.urn.clone(),
            driver: Arc::clone(&node.driver),
            inputs: node.inputs.clone(),
            provider: node.provider.clone().filter(|urn| urn.name() != "default"),
            options: node.options.clone(),
            id: None,
            origin: Some(format!("fake.{name}")),
            member,
        }
    };
    let nodes = graph.nodes.values().filter(|node| !graph.defaults.contains(&node.urn));
    let db = Urn::new("fake:Db", "data/db").unwrap();
    Program {
        name: "shop".into(),
        source: "the Terraform state `shop.tfstate`".into(),
        plugs: vec!["cloud(\"fake\", write::fake::cloud())".into()],
        declarations: nodes.map(declaration).collect(),
        exports: graph.exports.clone(),
        notes: [(db, vec!["The password cannot be read back.".into()])].into(),
        missing: vec![("fake_thing.x".into(), "there is no kind for it".into())],
    }
}
