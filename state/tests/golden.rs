//! One of every document that was ever written, in every version: they are read for ever, and what is written now is
//! what is there. `INFRA_GOLDEN=write` writes them (only for a version that was not released yet).

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use infra_state::{
    Backend, Change, Deployment, ExportSecrets, HistoryEntry, Holder, Intent, LocalKey, Memory,
    Options, Outcome, Position, Provider, Push, Record, Snapshot, StackName, State, Status, Urn,
    Value, Verb,
    env::{Env, EnvExt, Fake},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

fn name(stack: &str) -> StackName {
    StackName::new("golden", stack).expect("a name")
}

fn state(memory: &Memory, env: &Fake) -> State {
    let key = LocalKey::from_bytes([42; 32]).with_env(Arc::new(env.sibling(3)));
    State::new(Arc::new(memory.clone()), Arc::new(key), name("dev")).with_env(Arc::new(env.clone()))
}

fn urn(name: &str) -> Urn {
    Urn::new("test:none:Thing", name).expect("a name")
}

fn record(env: &Fake, name: &str) -> Record {
    Record {
        urn: urn(name),
        instance: env.instance(),
        version: 3,
        status: Status::Ready,
        id: Some(format!("id-{name}")),
        inputs: Value::from([
            ("null", Value::Null),
            ("flag", true.into()),
            (
                "numbers",
                vec![(-1_i64).into(), u64::MAX.into(), serde_json::json!(0.1).into()].into(),
            ),
            ("text", "ä \"quoted\" \n".into()),
            ("$sealed", "a key that looks like ours".into()),
            ("secret", Value::from([("deep", Value::from("hunter2").secret())]).secret()),
        ]),
        outputs: Value::from([("arn", "arn:x".into())]),
        provider: Some(Provider {
            urn: urn("provider"),
            identity: [("account".to_owned(), "123456789012".to_owned())].into(),
        }),
        dependencies: [urn("provider")].into(),
        options: Options {
            protect: true,
            retain_on_delete: true,
            delete_timeout: Some(60),
            declared: Some("src/main.rs:12".into()),
        },
        holds_data: true,
        created: env.now(),
        updated: env.now(),
    }
}

fn plain(env: &Fake, name: &str) -> Record {
    Record {
        provider: None,
        dependencies: [].into(),
        options: Options::default(),
        holds_data: false,
        id: None,
        inputs: Value::map(),
        outputs: Value::map(),
        ..record(env, name)
    }
}

fn deployment(env: &Fake, number: u64) -> Deployment {
    Deployment {
        number,
        command: "up".into(),
        by: "user@host".into(),
        revision: "abc".into(),
        at: env.now(),
        // The first was written before there was such a field.
        cloud: (number > 1).then(|| "aws".into()),
    }
}

fn entry(env: &Fake, number: u64) -> HistoryEntry {
    HistoryEntry {
        deployment: deployment(env, number),
        ended: env.now(),
        outcome: Outcome::Failed,
        summary: [("created".to_owned(), 2)].into(),
        position: Position::default(),
        graph: Some(Value::from([("password", Value::from("hunter2").secret())])),
    }
}

/// Two deployments: the first leaves a snapshot, the second a journal with every kind of entry. And an export.
async fn written() -> (Memory, Snapshot, String) {
    let (memory, env) = (Memory::new().at("golden"), Fake::new(2026));
    let state = state(&memory, &env);
    let who = || Holder { who: "user@host".into(), command: "up".into(), pid: 7 };
    let acquire = async || state.acquire(who(), Duration::ZERO).await.expect("acquire");

    let session = acquire().await;
    let mut large = plain(&env, "large");
    large.inputs = Value::from([("text", "x".repeat(70_000).into())]);
    large.status = Status::Deposed;
    session
        .commit(vec![
            Change::Begun(deployment(&env, 1)),
            Change::Put(plain(&env, "provider")),
            Change::Put(record(&env, "kept")),
            Change::Put(large),
            Change::Intent(Intent {
                op: env.uuid(),
                verb: Verb::Create,
                record: plain(&env, "open"),
                at: env.now(),
            }),
            Change::Exports([("endpoint".to_owned(), Value::from("x").secret())].into()),
            Change::Ended(Outcome::Interrupted),
        ])
        .await
        .expect("commit");
    session.close(entry(&env, 1)).await.expect("close");
    env.advance(Duration::from_hours(1));

    let session = acquire().await;
    session.commit(vec![Change::Begun(deployment(&env, 2))]).await.expect("commit");
    let ops: [_; 4] = std::array::from_fn(|_| env.uuid());
    let kept = session.snapshot().current(&urn("kept")).expect("it is there").as_ref().clone();
    let made = record(&env, "made");
    let intent = |op, verb, record| Change::Intent(Intent { op, verb, record, at: env.now() });
    session
        .commit(vec![
            intent(ops[0], Verb::Create, made.clone()),
            intent(ops[1], Verb::Update, kept),
            intent(ops[2], Verb::Read, plain(&env, "looked-up")),
        ])
        .await
        .expect("commit");
    session
        .commit(vec![
            Change::Created { op: ops[0], id: "id-made".into() },
            Change::Done { op: ops[0], record: Some(made.clone()) },
            Change::Failed { op: ops[1], message: "throttled".into(), record: None },
            Change::Done { op: ops[2], record: None },
            intent(ops[3], Verb::Delete, made),
            Change::Forgotten(
                session.snapshot().of(&urn("large")).next().expect("it is there").key(),
            ),
            Change::Exports([("$odd".to_owned(), Value::from("y"))].into()),
            Change::Ended(Outcome::Failed),
        ])
        .await
        .expect("commit");
    session.close(entry(&env, 2)).await.expect("close");
    let export = state.export(ExportSecrets::Sealed).await.expect("export");
    let session_dev = session.snapshot();

    // And a stack that moved, with a graph that is worth compressing: a tombstone, and what it points to.
    let (gone, there) = (state.named(name("gone")), state.named(name("there")));
    let session = gone.acquire(who(), Duration::ZERO).await.expect("acquire");
    let filed = HistoryEntry { graph: Some(large_graph()), ..entry(&env, 1) };
    session.close(filed).await.expect("close");
    gone.migrate_to(&there, who(), Duration::ZERO).await.expect("moved");
    (memory, session_dev, export)
}

fn large_graph() -> Value {
    let mut nodes: Vec<Value> = (0..200_u64)
        .map(|n| Value::from([("urn", format!("test:none:Thing::n{n}").into()), ("at", n.into())]))
        .collect();
    nodes.push(Value::from("hunter2").secret());
    Value::from([("nodes", Value::List(nodes))])
}

async fn objects(memory: &Memory) -> BTreeMap<String, Vec<u8>> {
    let mut objects = BTreeMap::new();
    for key in memory.keys() {
        let object = memory.get(&key).await.expect("get").expect("it is there");
        objects.insert(key, object.body);
    }
    objects
}

fn golden() -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, at: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(at).expect("the golden files").flatten() {
            if entry.path().is_dir() {
                walk(root, &entry.path(), into);
            } else {
                let path = entry.path();
                let name = path.strip_prefix(root).expect("inside").to_str().expect("text");
                into.insert(name.to_owned(), fs::read(&path).expect("readable"));
            }
        }
    }
    let mut golden = BTreeMap::new();
    walk(&folder(), &folder(), &mut golden);
    golden
}

/// A document as text, without what depends on the version of the compressor.
fn comparable(key: &str, body: &[u8]) -> String {
    if key.contains("/snapshots/") {
        return String::from_utf8(zstd::decode_all(body).expect("compressed")).expect("text");
    }
    let text = String::from_utf8(body.to_vec()).expect("text");
    if !key.ends_with("head.json") && !key.contains("/history/") {
        return text;
    }
    let mut document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let body = document["body"].as_object_mut().expect("a body");
    if let Some(snapshot) = body.get_mut("snapshot") {
        snapshot["sha256"] = "…".into();
        snapshot["bytes"] = 0.into();
    }
    if let Some(packed) = body.get_mut("packed") {
        let bytes = BASE64.decode(packed.as_str().expect("text")).expect("base64");
        let json = zstd::decode_all(&*bytes).expect("compressed");
        *packed = String::from_utf8(json).expect("text").into();
    }
    document["sha256"] = "…".into();
    document.to_string()
}

#[tokio::test]
async fn what_is_written_is_what_the_golden_files_say() {
    let (memory, _, export) = written().await;
    let mut now = objects(&memory).await;
    now.insert("export.json".to_owned(), export.into_bytes());
    if env::var_os("INFRA_GOLDEN").is_some_and(|value| value == "write") {
        for (key, body) in &now {
            let path = folder().join(key);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, body).expect("written");
        }
    }
    let golden = golden();
    assert_eq!(now.keys().collect::<Vec<_>>(), golden.keys().collect::<Vec<_>>());
    for (key, body) in now {
        assert_eq!(comparable(&key, &body), comparable(&key, &golden[&key]), "{key}");
    }
}

#[tokio::test]
async fn the_golden_files_of_version_1_are_read() {
    let (_, expected, _) = written().await;
    let memory = Memory::new().at("golden");
    for (key, body) in golden() {
        if key != "export.json" {
            memory.overwrite(&key, Some(body));
        }
    }
    let state = state(&memory, &Fake::new(1));
    let view = state.read().await.expect("readable").expect("it is there");
    assert_eq!(view.snapshot, expected);
    assert!(view.interrupted);
    let history = state.history(10).await.expect("readable");
    assert_eq!(history.len(), 2);
    assert_eq!(history[1].position, view.position);
    let last = state.deployment(2).await.expect("readable").expect("filed");
    assert_eq!(last.graph, entry(&Fake::new(1), 2).graph);
    let (gone, there) = (state.named(name("gone")), state.named(name("there")));
    assert_eq!(gone.left_for().await.expect("readable"), Some(there.place()));
    let last = there.deployment(1).await.expect("readable").expect("filed");
    assert_eq!(last.graph, Some(large_graph()));
}

#[tokio::test]
async fn the_golden_export_of_version_1_is_read() {
    let (_, expected, _) = written().await;
    let text = String::from_utf8(golden()["export.json"].clone()).expect("text");
    let state = state(&Memory::new().at("golden"), &Fake::new(9));
    let who = Holder { who: "user@host".into(), command: "state push".into(), pid: 7 };
    state.import(&text, who, Duration::ZERO, Push::Checked).await.expect("imported");
    let view = state.read().await.expect("readable").expect("it is there");
    assert_eq!(view.snapshot.records, expected.records);
    assert_eq!(view.snapshot.open, expected.open);
    assert_eq!(view.snapshot.exports, expected.exports);
}
