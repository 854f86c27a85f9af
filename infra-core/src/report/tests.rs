//! What people and machines see, on plans and events made by hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use infra_state::{
    Deployment, HistoryEntry, Instance, Key, Options, Outcome, Path, Position, Record, Status, Urn,
    Value,
};

use super::*;
use crate::{
    event::{Event, Failure, Summary, Target},
    plan::{
        Action, Cause, DataLoss, DiffKind, Hint, Plan, PropertyDiff, ReplaceOrder, Replacement,
        Step, StepId, Why,
    },
    testing::Buffer,
};

fn urn(text: &str) -> Urn {
    text.parse().unwrap()
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn step(action: Action, name: &str) -> Step {
    Step {
        urn: urn(name),
        instance: Instance::from("k3f9"),
        action,
        inputs: Value::map().into(),
        outputs: Value::map().into(),
        recorded: None,
        diff: Vec::new(),
        drift: Vec::new(),
        paths: Vec::new(),
        replaces: None,
        why: Vec::new(),
        after: BTreeSet::new(),
        data_loss: false,
        record_only: false,
        only_if: None,
        renamed_from: None,
    }
}

fn differs(at: &str, before: Option<Value>, after: Option<Value>, kind: DiffKind) -> PropertyDiff {
    PropertyDiff { path: path(at), before, after, kind }
}

fn why(of: &str, at: Option<&str>, cause: Cause) -> Why {
    Why { urn: urn(of), path: at.map(path), cause }
}

fn kept(name: &str) -> Step {
    let record = Record {
        urn: urn(name),
        instance: "k3f9".into(),
        version: 1,
        status: Status::Ready,
        id: Some("id-1".into()),
        inputs: Value::map(),
        outputs: Value::map(),
        provider: None,
        dependencies: BTreeSet::new(),
        options: Options::default(),
        holds_data: false,
        created: jiff::Timestamp::UNIX_EPOCH,
        updated: jiff::Timestamp::UNIX_EPOCH,
    };
    Step { recorded: Some(Arc::new(record)), ..step(Action::Keep, name) }
}

const VPC: &str = "aws:ec2:Vpc::net/vpc";
const SUBNET: &str = "aws:ec2:Subnet::net/app-a";
const DB: &str = "aws:rds:Instance::data/db";

fn example() -> Plan {
    let text = |text: &str| Some(Value::from(text));
    let vpc = Step {
        diff: vec![differs(
            "cidr_block",
            text("10.0.0.0/16"),
            text("10.9.0.0/16"),
            DiffKind::Replace,
        )],
        replaces: Some(Replacement {
            old: Key { urn: urn(VPC), instance: "old1".into() },
            if_changed: false,
            order: ReplaceOrder::CreateFirst,
        }),
        why: vec![why(VPC, Some("cidr_block"), Cause::Immutable)],
        ..step(Action::Create, VPC)
    };
    let vpc_old = Step { instance: "old1".into(), ..step(Action::DeleteOld, VPC) };
    let subnet = Step {
        diff: vec![differs("vpc", text("vpc-0a1b"), Some(Value::Unknown), DiffKind::MaybeReplace)],
        replaces: Some(Replacement {
            old: Key { urn: urn(SUBNET), instance: "old2".into() },
            if_changed: true,
            order: ReplaceOrder::DeleteFirst("its name is fixed".into()),
        }),
        why: vec![
            why(VPC, Some("cidr_block"), Cause::Immutable),
            why(SUBNET, Some("vpc"), Cause::Follows { urn: urn(VPC), output: path("id") }),
        ],
        ..step(Action::Create, SUBNET)
    };
    let old = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
    let role = Step {
        diff: vec![
            differs("policy", text(old), text(&old.replace("s3:Get*", "s3:*")), DiffKind::Update),
            differs("tags[\"a.b\"]", None, text("new"), DiffKind::Update),
            differs("tags.gone", text("x"), None, DiffKind::Update),
            differs(
                "secret",
                Some(Value::from("geheim").secret()),
                Some(Value::from("anders").secret()),
                DiffKind::Update,
            ),
        ],
        drift: vec![differs(
            "ttl",
            Some(Value::from(60_u64)),
            Some(Value::from(300_u64)),
            DiffKind::Update,
        )],
        paths: vec![path("policy"), path("ttl")],
        why: vec![why("aws:iam:Role::role", None, Cause::Changed)],
        ..step(Action::Update, "aws:iam:Role::role")
    };
    let db = Step {
        data_loss: true,
        why: vec![why(DB, None, Cause::Removed)],
        ..step(Action::Delete, DB)
    };
    let script = Value::from([
        ("ami", Value::Unknown),
        ("password", Value::from("geheim").secret()),
        ("size", Value::from("m7g.large")),
        ("user_data", Value::from("#!/bin/sh\necho hello\n")),
    ]);
    let node = Step {
        inputs: script.into(),
        why: vec![why("aws:ec2:Instance::node", None, Cause::New)],
        ..step(Action::Create, "aws:ec2:Instance::node")
    };
    let kept = kept("aws:kms:Key::key");
    let lookup = step(Action::Read, "aws:ec2:LatestAmi::ami");
    Plan {
        steps: vec![vpc, vpc_old, subnet, role, db, node, kept, lookup],
        exported: BTreeMap::from([("url".to_owned(), Value::Unknown)]),
        hints: vec![
            Hint::Rename { from: urn(DB), to: urn("aws:rds:Instance::data/main") },
            Hint::Note("the tag policy was ignored".into()),
        ],
        losses: vec![DataLoss { urn: urn(DB), allowed: false, named: false }],
        ..Plan::default()
    }
}

fn stripped(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_plan() {
    let plain = plan(&example(), false);
    assert!(plain.contains("\u{1b}["), "there are colours");
    insta::assert_snapshot!("plan", stripped(&plain));
    insta::assert_snapshot!("plan_details", stripped(&plan(&example(), true)));
    assert!(!plan(&example(), true).contains("geheim"));
}

#[test]
fn a_plan_with_nothing_to_do() {
    let empty = Plan {
        steps: vec![kept(VPC), kept(DB)],
        exported: BTreeMap::from([("endpoint".to_owned(), Value::from("db.example.com:5432"))]),
        ..Plan::default()
    };
    insta::assert_snapshot!("plan_empty", stripped(&plan(&empty, false)));
}

fn events() -> Vec<Event> {
    let (vpc, subnet, db) = (urn(VPC), urn(SUBNET), urn(DB));
    let identity = [("account", "123456789012"), ("cloud", "aws"), ("region", "eu-west-1")];
    let identity = identity.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let target = Target {
        stack: "shop/dev".into(),
        command: "up".into(),
        cloud: "simulated".into(),
        state: "file:/home/me/shop/.infra".into(),
        providers: BTreeMap::from([("aws:Provider::default".to_owned(), identity)]),
        notice: Some("simulated: nothing real is touched".into()),
    };
    let summary = Summary {
        outcome: Outcome::Failed,
        done: BTreeMap::from([(Action::Create, 1), (Action::Keep, 3)]),
        failed: vec![Failure {
            urn: db.clone(),
            message: "InvalidParameterValue: no such class\n(request 1234)".into(),
            at: None,
        }],
        skipped: 1,
        unfinished: 2,
        elapsed: Duration::from_millis(61_250),
        critical_path: vec![
            (vpc.clone(), Action::Create, Duration::from_secs(1)),
            (db.clone(), Action::Create, Duration::from_mins(1)),
        ],
        exports: BTreeMap::from([
            ("password".to_owned(), Value::from("geheim").secret()),
            ("vpc".to_owned(), Value::from("vpc-1")),
        ]),
    };
    let (one, two, three) = (StepId(0), StepId(1), StepId(2));
    vec![
        Event::Target(Box::new(target)),
        Event::InProgress { holder: None },
        Event::Reading { objects: 2 },
        Event::Notice("the state is on this machine only".into()),
        Event::Recovered { urn: subnet.clone(), how: "found by its token".into() },
        Event::Started { steps: 3, deployment: 7 },
        Event::StepStarted { step: one, urn: vpc.clone(), action: Action::Create },
        Event::StepProgress { step: one, urn: vpc.clone(), text: "pending: creating".into() },
        Event::StepDone {
            step: one,
            urn: vpc,
            action: Action::Create,
            elapsed: Duration::from_secs(1),
        },
        Event::StepStarted { step: two, urn: db.clone(), action: Action::Create },
        Event::StepFailed {
            step: two,
            urn: db.clone(),
            action: Action::Create,
            message: "InvalidParameterValue: no such class".into(),
            at: None,
            elapsed: Duration::from_mins(1),
        },
        Event::StepSkipped { step: three, urn: subnet, because: Some(db) },
        Event::Finished(Box::new(summary)),
    ]
}

#[test]
fn a_run_off_a_terminal() {
    let buffer = Buffer::default();
    let mut human = Human::new(Sink::plain(Box::new(buffer.clone())), false);
    for event in &events() {
        human.show(event);
    }
    human.end();
    let text = String::from_utf8(buffer.bytes()).unwrap();
    insta::assert_snapshot!("run", stripped(&text));
    assert!(!text.contains("geheim"));
}

#[test]
fn events_as_json() {
    let mut events = events();
    events.insert(3, Event::Planned(Arc::new(example())));
    let lines: Vec<_> = events.iter().map(|event| json(event).to_string()).collect();
    let text = lines.join("\n");
    insta::assert_snapshot!("json", text);
    assert!(!text.contains("geheim") && !text.contains("anders"));
}

#[test]
fn deployments() {
    let entry = |number: u64, outcome| HistoryEntry {
        deployment: Deployment {
            cloud: None,
            number,
            command: if number == 9 { "up".into() } else { "destroy".into() },
            by: "ann@laptop".into(),
            revision: "0123456789abcdef0123".into(),
            at: "2026-11-22T20:00:00Z".parse().unwrap(),
        },
        ended: "2026-11-22T20:02:03Z".parse().unwrap(),
        outcome,
        summary: BTreeMap::from([("created".to_owned(), 3), ("updated".to_owned(), 0)]),
        position: Position::default(),
        graph: None,
    };
    let entries = [entry(9, Outcome::Succeeded), entry(10, Outcome::Failed)];
    insta::assert_snapshot!("history", stripped(&history(&entries)));
}
