//! The stack `shop`, written from the Terraform state `shop.tfstate`.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use infra_core::{App, prelude::*, state::Value};
use write::kinds;

#[tokio::main]
async fn main() -> ExitCode {
    App::new("shop")
        .config_beside(env!("CARGO_MANIFEST_DIR"))
        .cloud("fake", write::fake::cloud())
        .run(program)
        .await
}

/// What the stack consists of.
pub fn program(stack: &mut Stack) -> Result<()> {
    // fake.far
    let far = stack.provider("far", kinds::Provider::new().region("far-1"));

    // fake.zones
    let zones = stack.lookup("zones", kinds::Zones::new());

    let net = stack.scope("net", |stack| net(stack, &zones))?;

    // fake.fn
    stack.add(
        "fn",
        kinds::Net::new(interpolate!("{}", &net.net.id))
            .tags([
                ("hosts", net.net.hosts.index(1).into_input()),
                ("key", "x".into_input()),
            ]),
    );

    let data = stack.scope("data", |stack| data(stack, &far, &zones, &net))?;

    stack.export("inner", Output::all(net.inner.iter().map(|net| &net.id)));
    stack.export("net", &net.net.id);
    stack.export("password", &data.db);
    stack.export("two", [&net.net.arn, &net.over[1].arn]);
    stack.export("word", r#""quoted""#);
    Ok(())
}

/// What the rest of the stack uses of the scope `net`.
struct Net {
    named: BTreeMap<&'static str, Handle<kinds::Net>>,
    inner: Vec<Handle<kinds::Net>>,
    over: Vec<Handle<kinds::Net>>,
    net: Handle<kinds::Net>,
}

/// Declares the scope `net`.
fn net(stack: &mut Stack, zones: &Handle<kinds::Zones>) -> Result<Net> {
    // fake.this
    let net = stack.add(
        "this",
        kinds::Net::new("10.0.0.0/16").tags([("Name", "main"), ("team", "a")]).protect(),
    );

    // module.net.named
    let mut named = BTreeMap::new();
    for (key, name, zone) in [
        ("a", "a", kinds::Zone::trusted("z-1")),
        ("b c", "b-c", kinds::Zone::trusted("z-2")),
    ] {
        let net_one = kinds::Net::new("::/64").zone(zone).outer(&net.id).public(true);
        named.insert(key, stack.add(name, net_one));
    }

    // module.net.inner
    let mut inner = Vec::new();
    for (index, zone) in [
        zones.names.index(0),
        zones.names.index(1),
        zones.names.index(2),
    ]
        .into_iter()
        .enumerate()
    {
        let net_one = kinds::Net::new(format!("10.0.{index}.0/24"))
            .zone(zone)
            .outer(&net.id)
            .tags([("Name", format!("inner-{index}")), ("team", "a".to_owned())]);
        inner.push(stack.add(format!("inner-{index}"), net_one));
    }

    // module.net.over
    let mut over = Vec::new();
    for index in 0..3 {
        let net_one = kinds::Net::new(interpolate!("{}/over", &inner[index].arn))
            .outer(&inner[index].id);
        over.push(stack.add(format!("over-{index}"), net_one));
    }
    Ok(Net { named, inner, over, net })
}

/// What the rest of the stack uses of the scope `data`.
struct DataOutputs {
    db: Output<Sensitive<String>>,
}

/// Declares the scope `data`.
fn data(
    stack: &mut Stack,
    far: &ProviderHandle<kinds::Cloud>,
    zones: &Handle<kinds::Zones>,
    net: &Net,
) -> Result<DataOutputs> {
    // fake.db
    let db = stack.secret("db");

    // fake.db
    // The password cannot be read back.
    stack.add(
        "db",
        kinds::Db::new(kinds::Gib(100))
            .nets(net.inner.iter().map(|net| &net.id))
            .password(&db)
            .rules([
                kinds::Rule::new(kinds::Ports::All),
                kinds::Rule::new(kinds::Ports::one(443))
                    .peers([
                        kinds::Peer::Anybody.into_input(),
                        kinds::Peer::net(&net.net.id),
                    ]),
                kinds::Rule::new(kinds::Ports::range(30_000, 32_767))
                    .peers([kinds::Peer::block("::/0")])
                    .note("nodes"),
            ])
            .policy(
                interpolate!(
                    "{}{}{}",
                    r#"{"a":{},"b":""#,
                    &net.net.arn,
                    r#"/*"}
"#,
                ),
            )
            .share(0.5)
            .r#type("ssd")
            .settings(
                Value::from([
                    ("deep", Value::List(vec![Value::from(1_i64), Value::from(true)])),
                ]),
            )
            .provider(far)
            .depends_on([net.net.urn(), zones.urn()])
            .ignore_changes([kinds::Db::PASSWORD])
            .create_timeout(Duration::from_secs(90)),
    );

    stack.scope("copies", |stack| copies(stack, net))?;
    Ok(DataOutputs { db })
}

/// Declares the scope `copies`.
fn copies(stack: &mut Stack, net: &Net) -> Result<()> {
    // fake.type
    stack.add(
        "type",
        kinds::Db::new(kinds::Gib(1))
            .nets([
                (&net.named["b c"].id).into_input(),
                kinds::NetId::trusted("net-9").into_input(),
            ])
            .share(2.0),
    );
    Ok(())
}

// Not in this program:
//
// - fake_thing.x: there is no kind for it
