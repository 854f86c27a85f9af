//! Objects of a Terraform state, of a live network, and of a list.

use std::{collections::BTreeMap, time::Duration};

use infra_core::{
    ErrorKind, Stack,
    command::{
        self, PreviewOptions,
        import::{Line, find_all, import_all},
        take::{TakeOptions, Taking, from_live, from_terraform, record},
    },
    interpolate,
    plan::Action,
    prelude::*,
    state::{Urn, Value},
    transfer::terraform::{OutputValue, State},
};
use serde_json::json;

use crate::{
    harness::{Db, FakeProvider, Host, Lab, Net, Note, Safe, steps},
    outside::{engine, state},
};

/// What hands and Terraform have made.
fn outside(lab: &Lab) {
    let map = |entries: &[(&str, Value)]| {
        Value::Map(entries.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect())
    };
    let plant = |id: &str, kind: &'static str, entries: &[(&str, Value)]| {
        lab.world.plant(id, kind, map(entries));
    };
    let tags = map(&[("Name", "main".into())]);
    plant("net-12345678", "fake:Net", &[("block", "10.0.0.0/16".into()), ("tags", tags)]);
    for (id, size) in [("host-1111", "small"), ("host-2222", "small")] {
        let labels = Value::List(vec!["a".into(), "b".into()]);
        plant(
            id,
            "fake:Host",
            &[
                ("net", "net-12345678".into()),
                ("size", size.into()),
                ("labels", labels),
                ("address", "10.0.0.7".into()),
            ],
        );
    }
    plant("host-3333", "fake:Host", &[("net", "net-far".into())]);
    plant(
        "db-main",
        "fake:Db",
        &[("name", "db-main".into()), ("version", 1_u32.into()), ("net", "net-12345678".into())],
    );
    plant("safe-1", "fake:Safe", &[("content", "postgres://shop:geheimnis1@db-main/shop".into())]);
    plant("note-1", "fake:Note", &[("text", "in net-12345678 all is well".into())]);
    plant("pair-1-left", "fake:Note", &[("text", "left".into())]);
    plant("pair-1-right", "fake:Note", &[("text", "right".into())]);
}

fn resources() -> State {
    let uses = ["module.net.fake_net.this"];
    let mut state = state(&[
        (
            "module.net",
            "fake_net",
            "this",
            "",
            json!([{"attributes": {"id": "net-12345678", "account": "1111"}}]),
        ),
        (
            "module.net",
            "fake_host",
            "web_host",
            "",
            json!([
                {"index_key": "eu/a", "attributes": {"id": "host-1111"}, "dependencies": uses},
                {"index_key": "eu b", "attributes": {"id": "host-2222"}, "dependencies": uses, "status": "tainted"},
                {"deposed": "aabb", "attributes": {"id": "host-0000"}},
            ]),
        ),
        (
            "",
            "fake_host",
            "far",
            "us",
            json!([{"attributes": {"id": "host-3333", "region": "there"}}]),
        ),
        (
            "",
            "random_password",
            "db",
            "",
            json!([{"attributes": {"id": "none", "result": "geheimnis1"}}]),
        ),
        (
            "",
            "random_password",
            "spare",
            "",
            json!([{"attributes": {"id": "none", "result": "nobody uses it"}}]),
        ),
        (
            "",
            "fake_db",
            "main",
            "",
            json!([{
                "attributes": {"id": "db-main", "password": "geheimnis1"},
                "sensitive_attributes": [[{"type": "get_attr", "value": "password"}]],
                "dependencies": uses,
            }]),
        ),
        (
            "",
            "fake_safe",
            "dsn",
            "",
            json!([{"attributes": {"id": "safe-1"}, "dependencies": ["fake_db.main"]}]),
        ),
        (
            "",
            "fake_note",
            "status",
            "",
            json!([{"attributes": {"id": "note-1"}, "dependencies": uses}]),
        ),
        ("", "fake_pair", "both", "", json!([{"attributes": {"id": "pair-1"}}])),
        ("", "fake_net_tags", "t", "", json!([{"attributes": {"id": "x"}}])),
        ("", "fake_account", "a", "", json!([{"attributes": {"id": "x"}}])),
        ("", "fake_host", "gone", "", json!([{"attributes": {"id": "host-none"}}])),
        ("", "fake_host", "abroad", "", json!([{"attributes": {"id": "h", "account": "2222"}}])),
        ("", "other_thing", "o", "", json!([{"attributes": {"id": "x"}}])),
        ("", "null_resource", "n", "", json!([{"attributes": {"id": "123"}}])),
    ]);
    let hosts = Value::List(vec!["host-1111".into(), "host-2222".into()]);
    for (name, value) in [
        ("net", "net-12345678".into()),
        ("other", "something else".into()),
        ("hosts", hosts),
        ("password", Value::from("geheimnis1").secret()),
    ] {
        let of_type = "dynamic".to_owned();
        state.outputs.insert(name.to_owned(), OutputValue { value, of_type });
    }
    state
}

/// What a good engineer would have written of it.
fn program(stack: &mut Stack) -> Result<()> {
    let far = stack.provider("us", FakeProvider::new().region("there"));
    let password = stack.secret("db");
    let net = stack.scope("net", |stack| {
        let net = stack.add("net", Net::new("10.0.0.0/16").tags([("Name", "main")]));
        for name in ["web-host-eu-a", "web-host-eu-b"] {
            stack.add(name, Host::new(&net.id).size("small").labels(["a", "b"]));
        }
        net
    });
    stack.add("far", Host::new("net-far").provider(&far));
    let db = stack.add("main", Db::new().name("db-main").net(&net.id).password(&password));
    let dsn = interpolate!("postgres://shop:{}@db-main/shop", &password);
    stack.add("dsn", Safe::new(dsn).depends_on(&db));
    stack.add("status", Note::new(interpolate!("in {} all is well", &net.id)));
    stack.add("both-left", Note::new("left"));
    stack.add("both-right", Note::new("right"));
    stack.export("net", &net.id);
    Ok(())
}

fn shown(taking: &Taking) -> String {
    let mut lines = Vec::new();
    for it in &taking.declarations {
        let inputs: Vec<_> =
            it.inputs.iter().map(|(name, expr)| format!("{name}: {expr:?}")).collect();
        let member = it.member.as_ref().map(|m| format!(" [{} {:?}]", m.group, m.key));
        let waits: Vec<_> = it.options.depends_on.iter().map(Urn::name).collect();
        let inputs = match &waits[..] {
            [] => inputs,
            waits => [inputs, vec![format!("after {}", waits.join(", "))]].concat(),
        };
        let provider = it.provider.as_ref().map(|urn| format!(" through {}", urn.name()));
        lines.push(format!(
            "{}{}{} {}",
            it.urn,
            provider.unwrap_or_default(),
            member.unwrap_or_default(),
            inputs.join(", ")
        ));
    }
    for left in &taking.left {
        lines.push(format!("{}: {}: {}", left.reason.word(), left.origin, left.why));
    }
    for taken in taking.taken.iter().filter(|it| it.tainted || !it.ignored.is_empty()) {
        lines.push(format!("{} tainted {} ignored {:?}", taken.urn, taken.tainted, taken.ignored));
    }
    lines.push(format!("exports {:?}", taking.exports));
    lines.join("\n")
}

async fn plan(lab: &Lab, program: fn(&mut Stack) -> Result<()>) -> Vec<String> {
    let refresh = infra_core::plan::Refresh::All;
    let mut options = PreviewOptions::default();
    options.plan.refresh = refresh;
    let preview = command::preview(&engine(lab, program), &options).await;
    steps(&preview.unwrap_or_else(|e| panic!("{e:?}")).plan)
}

#[tokio::test]
async fn what_terraform_made_is_taken_over_and_nothing_is_left_to_do() {
    let lab = Lab::new();
    outside(&lab);
    let empty = engine(&lab, |_| Ok(()));
    let taking = from_terraform(&empty, &resources(), &TakeOptions::default()).await.unwrap();
    insta::assert_snapshot!(shown(&taking));
    assert!(lab.snapshot().await.is_none(), "a look writes nothing");

    record(&empty, &taking, Duration::ZERO).await.unwrap();
    assert_eq!(lab.world.mutations(), Vec::<String>::new());
    assert_eq!(plan(&lab, program).await, Vec::<String>::new());
    let exports = lab.snapshot().await.unwrap().exports;
    assert_eq!(exports["net"].as_str(), Some("net-12345678"));

    // An edit changes only that.
    let edited = |stack: &mut Stack| {
        program(stack)?;
        stack.add("new", Note::new("new"));
        Ok(())
    };
    assert_eq!(plan(&lab, edited).await, ["Create new"]);
}

#[tokio::test]
async fn only_what_is_chosen_is_taken_over() {
    let lab = Lab::new();
    outside(&lab);
    let empty = engine(&lab, |_| Ok(()));
    let only = |text: &str| TakeOptions { only: vec![text.to_owned()] };
    let taking = from_terraform(&empty, &resources(), &only("module.net")).await.unwrap();
    assert_eq!(taking.taken.len(), 3);
    let one = only("module.net.fake_host.web_host[\"eu b\"]");
    let taking = from_terraform(&empty, &resources(), &one).await.unwrap();
    let urns: Vec<_> = taking.taken.iter().map(|it| it.urn.to_string()).collect();
    assert_eq!(urns, ["fake:Host::net/web-host-eu-b"]);
    let none = from_terraform(&empty, &resources(), &only("module.x")).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Usage, "{none}");
    assert!(none.to_string().contains("no resource `module.x`"), "{none}");
}

#[tokio::test]
async fn what_is_recorded_or_somebody_elses_is_not_taken_twice() {
    let lab = Lab::new();
    outside(&lab);
    let empty = engine(&lab, |_| Ok(()));
    let none = from_terraform(&empty, &state(&[]), &TakeOptions::default()).await.unwrap_err();
    assert!(none.to_string().contains("nothing to import"), "{none}");
    let only = TakeOptions { only: vec!["module.net".to_owned()] };
    let taking = from_terraform(&empty, &resources(), &only).await.unwrap();
    record(&empty, &taking, Duration::ZERO).await.unwrap();
    let twice = record(&empty, &taking, Duration::ZERO).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::Refused, "{twice}");
    let again = from_terraform(&empty, &resources(), &TakeOptions::default()).await.unwrap_err();
    assert!(again.to_string().contains("is recorded already, as `fake:"), "{again}");

    // The rest can follow.
    let only = TakeOptions { only: vec!["fake_pair.both".to_owned()] };
    let taking = from_terraform(&empty, &resources(), &only).await.unwrap();
    record(&empty, &taking, Duration::ZERO).await.unwrap();
    assert_eq!(lab.snapshot().await.unwrap().records.len(), 1 + 3 + 2);

    let theirs = [("infra:lineage", "other"), ("infra:stack", "shop/prod")];
    let theirs: BTreeMap<_, _> =
        theirs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let text = [("text", Value::from("theirs"))].into();
    lab.world.plant_for("note-9", "fake:Note", text, theirs);
    let state = state(&[("", "fake_note", "n", "", json!([{"attributes": {"id": "note-9"}}]))]);
    let error = from_terraform(&empty, &state, &TakeOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("belongs to shop/prod"), "{error}");
}

#[tokio::test]
async fn what_does_not_say_where_it_is_is_where_the_others_of_its_provider_are() {
    let lab = Lab::new();
    outside(&lab);
    let note = |name: &'static str, alias: &'static str, attributes: serde_json::Value| {
        ("", "fake_note", name, alias, json!([{"attributes": attributes}]))
    };
    let state = state(&[
        note("here", "", json!({"id": "note-1", "region": "here"})),
        // The other account has a note of the same id: it is not ours.
        note("silent", "abroad", json!({"id": "pair-1-left"})),
        note("says", "abroad", json!({"id": "x", "account": "2222"})),
    ]);
    let empty = engine(&lab, |_| Ok(()));
    let taking = from_terraform(&empty, &state, &TakeOptions::default()).await.unwrap();
    let left: Vec<_> =
        taking.left.iter().map(|it| (it.reason.word(), it.origin.as_str())).collect();
    assert_eq!(left, [("elsewhere", "fake_note.says"), ("elsewhere", "fake_note.silent")]);
    assert_eq!(taking.taken.len(), 1);
}

#[tokio::test]
async fn no_secret_is_written_in_clear() {
    let lab = Lab::new();
    let map = |entries: &[(&str, &str)]| {
        Value::Map(entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect())
    };
    let plant = |id: &str, kind: &'static str, inputs: Value| lab.world.plant(id, kind, inputs);
    plant("note-1", "fake:Note", map(&[("text", "token=xgeheimnis1x!")]));
    plant("note-2", "fake:Note", map(&[("text", "only Terraform knows")]));
    plant("db-main", "fake:Db", map(&[("name", "db-main")]));
    let tags = map(&[("a", "geheimnis1")]);
    plant("net-1", "fake:Net", [("block", Value::from("10.0.0.0/16")), ("tags", tags)].into());
    let sensitive = json!([[{"type": "get_attr", "value": "text"}]]);
    let db = json!([{"attributes": {"id": "db-main", "password": "geheimnis1"}}]);
    let told =
        json!([{"attributes": {"id": "note-2", "text": "?"}, "sensitive_attributes": sensitive}]);
    let state = state(&[
        // The password is met after the text that holds it.
        ("", "fake_note", "a", "", json!([{"attributes": {"id": "note-1"}}])),
        ("", "fake_note", "b", "", told),
        ("", "fake_net", "n", "", json!([{"attributes": {"id": "net-1"}}])),
        ("", "fake_db", "main", "", db),
    ]);
    let empty = engine(&lab, |_| Ok(()));
    let taking = from_terraform(&empty, &state, &TakeOptions::default()).await.unwrap();
    let text = shown(&taking);
    insta::assert_snapshot!(text);
    assert!(!text.contains("geheimnis1"), "{text}");
    let records = format!("{:?}", taking.records);
    assert!(!records.contains("geheimnis1") && !records.contains("only Terraform"), "{records}");
}

#[tokio::test]
async fn everything_in_a_network_is_taken_over() {
    let lab = Lab::new();
    outside(&lab);
    lab.world.plant("host-1234", "fake:Host", [("net", Value::from("net-12345678"))].into());
    let empty = engine(&lab, |_| Ok(()));
    let taking = from_live(&empty, "net-12345678", &TakeOptions::default()).await.unwrap();
    insta::assert_snapshot!(shown(&taking));
    record(&empty, &taking, Duration::ZERO).await.unwrap();
    let program = |stack: &mut Stack| {
        let net = stack.add("main-net", Net::new("10.0.0.0/16").tags([("Name", "main")]));
        stack.add("web-1", Host::new(&net.id));
        Ok(())
    };
    assert_eq!(plan(&lab, program).await, Vec::<String>::new());
    assert_eq!(lab.world.mutations(), Vec::<String>::new());
    let wrong = from_live(&empty, "subnet-1", &TakeOptions::default()).await.unwrap_err();
    assert!(wrong.to_string().contains("expected the id of a VPC"), "{wrong}");
}

#[tokio::test]
async fn a_list_is_recorded_as_a_whole_or_not_at_all() {
    let lab = Lab::new();
    outside(&lab);
    let program = |stack: &mut Stack| {
        let net = stack.add("net", Net::new("10.0.0.0/16").tags([("Name", "main")]));
        stack.add("a", Host::new(&net.id).size("small").labels(["a", "b"]));
        stack.add("b", Host::new(&net.id).size("big").labels(["a", "b"]));
        Ok(())
    };
    let line = |name: &str, id: &str| Line { name: name.to_owned(), id: id.to_owned() };
    // What is used may come later in the list.
    let mut lines =
        vec![line("b", "host-2222"), line("a", "host-none"), line("net", "net-12345678")];
    let engine = engine(&lab, program);
    let found = find_all(&engine, &lines).await.unwrap();
    assert_eq!(found.wrong(), 1);
    let error = import_all(&engine, &found, Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(lab.snapshot().await.is_none());

    lines[1] = line("a", "host-1111");
    let twice = [lines.clone(), vec![line("fake:Host::a", "host-1111")]].concat();
    assert_eq!(find_all(&engine, &twice).await.unwrap().wrong(), 1);
    let found = find_all(&engine, &lines).await.unwrap();
    let differs: Vec<_> = found
        .lines
        .iter()
        .map(|line| {
            line.as_ref().unwrap().differs.iter().map(|d| d.path.to_string()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(differs, [vec!["size".to_owned()], vec![], vec![]]);
    import_all(&engine, &found, Duration::ZERO).await.unwrap();
    assert_eq!(plan(&lab, program).await, ["Update b"]);
    let summary = lab.up(program).await.ok();
    assert_eq!(summary.done, [(Action::Update, 1)].into());
}
