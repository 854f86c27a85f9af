//! What a look does not know, and what must not be known of it.

use std::collections::BTreeMap;

use infra_core::{
    ErrorKind, Result, Stack,
    command::{
        Confirmed,
        drift::{AcceptOptions, FixOptions, accept, fix},
    },
    drift::What,
    interpolate,
    provider::Class,
    state::{Backend, Value},
};

use crate::{
    base,
    drift::{fixed, found, one, tamper},
    harness::{Db, Lab, Net, Note, Wrong},
    urn,
};

/// Every byte that is kept of a stack, as text.
async fn kept(backend: &dyn Backend, folder: &str) -> String {
    let mut text = String::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for name in backend.list(&folder, "").await.unwrap() {
            if let Some(inner) = name.strip_suffix('/') {
                folders.push(format!("{folder}/{inner}"));
                continue;
            }
            let object = backend.get(&format!("{folder}/{name}")).await.unwrap().unwrap();
            let plain = zstd::decode_all(&*object.body).unwrap_or_else(|_| object.body.clone());
            text.push_str(&String::from_utf8_lossy(&plain));
        }
    }
    text
}

#[tokio::test]
async fn what_stands_where_a_secret_stood_is_accepted_as_one() {
    // The field is text like any other: what makes it secret is what was put into it.
    fn program(stack: &mut Stack) -> Result<()> {
        let word = stack.secret("word");
        stack.add("note", Note::new(interpolate!("for {}", &word)));
        stack.add("open", Note::new("for everybody"));
        Ok(())
    }
    let lab = Lab::new();
    lab.up(program).await.ok();
    for (name, text) in [("note", "for a-stolen-password"), ("open", "for the-neighbours")] {
        tamper(&lab, &urn("Note", name), |it| drop(it.insert("text".into(), text.into()))).await;
    }
    let accepted = accept(&lab.engine(program), &AcceptOptions::default(), &Confirmed).await;
    assert_eq!(accepted.unwrap().taken.len(), 2);
    let snapshot = lab.snapshot().await.unwrap();
    let note = urn("Note", "note");
    let text = snapshot.current(&note).unwrap().inputs.get("text").unwrap();
    assert!(matches!(text, Value::Secret(_)), "{text:?}");
    assert_eq!(text.revealed(), &"for a-stolen-password".into());
    let all = kept(&*lab.backend, "program/dev").await;
    assert!(all.contains("the-neighbours"), "it is read as it is kept");
    assert!(!all.contains("a-stolen-password"), "not in the outputs either");
    assert_eq!(found(&lab, program).await.findings, []);
}

#[tokio::test]
async fn what_cannot_be_listed_is_unchecked() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let denied = || Wrong::Refuse(Class::Denied, "not authorised to list".into());
    lab.world.fault("owned", "fake:Net", denied(), 1);
    let report = found(&lab, base).await;
    assert_eq!(report.findings, []);
    let [unlisted] = &report.unchecked[..] else { panic!("{report:#?}") };
    assert_eq!(unlisted.urn, urn("Net", "orphans"));
    assert!(unlisted.why.contains("not authorised to list"), "{report:#?}");
    assert!(!report.is_whole());
    let text = infra_core::report::drift(&report);
    assert!(!text.contains("No drift.") && text.contains("not authorised to list"), "{text}");
    // What else there is is told.
    tamper(&lab, &urn("Host", "a"), |it| drop(it.insert("size".into(), "huge".into()))).await;
    lab.world.fault("owned", "fake:Net", denied(), 1);
    let report = found(&lab, base).await;
    assert_eq!((one(&report).what, report.unchecked.len()), (What::Changed, 1));
    assert!(found(&lab, base).await.is_whole(), "it is over");
}

#[tokio::test]
async fn an_error_of_a_listing_has_no_secret_in_clear() {
    fn program(stack: &mut Stack) -> Result<()> {
        stack.add("net", Net::new("10.0.0.0/16"));
        stack.add("db", Db::new().password("hunter2hunter2"));
        Ok(())
    }
    let lab = Lab::new();
    lab.up(program).await.ok();
    let said = "no such user admin:hunter2hunter2".to_owned();
    lab.world.fault("owned", "fake:Net", Wrong::Refuse(Class::Denied, said), 1);
    let report = found(&lab, program).await;
    let why = &report.unchecked[0].why;
    assert!(why.contains("no such user") && !why.contains("hunter2"), "{why}");
}

#[tokio::test]
async fn an_orphan_with_data_goes_when_its_name_is_said() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let mut owner = lab.world.of("fake:Db").pop_first().unwrap().1.owner;
    // It says whose it is, and of no resource that it is its object.
    owner.retain(|key, _| key == "infra:stack" || key == "infra:lineage");
    let inputs =
        BTreeMap::from([("name".to_owned(), Value::from("old")), ("version".to_owned(), 1.into())]);
    lab.world.plant_for("db/old", "fake:Db", Value::Map(inputs), owner);
    assert_eq!(one(&found(&lab, base).await).what, What::Orphan);
    let options = FixOptions { delete_orphans: true, ..FixOptions::default() };
    // The same name whenever it is asked.
    for _ in 0..2 {
        let refused = fix(&lab.engine(base), &options, &Confirmed).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused, "{refused}");
        assert!(refused.to_string().contains("fake:Db::orphans/db-old"), "{refused}");
    }
    assert_eq!(lab.world.of("fake:Db").len(), 2);
    let done = fixed(&lab, base, |it| {
        it.delete_orphans = true;
        it.allow_data_loss = ["fake:Db::orphans/db-old".parse().unwrap()].into();
    });
    assert_eq!(done.await.left, 0);
    let left: Vec<_> = lab.world.of("fake:Db").into_keys().collect();
    assert!(left.len() == 1 && left[0] != "db/old", "{left:?}");
}

#[tokio::test]
async fn what_was_written_a_moment_ago_is_read_again_before_it_is_told() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    lab.world.fault("read", "small", Wrong::Unseen, 2);
    let report = found(&lab, base).await;
    assert_eq!((report.findings.len(), report.checked, report.is_whole()), (0, 4, true));

    // Whoever stops meanwhile is not told what nobody confirmed.
    lab.world.fault("read", "small", Wrong::Unseen, 2);
    let engine = lab.engine(base);
    engine.cancel.stop();
    let options = infra_core::command::drift::DriftOptions::default();
    let report = infra_core::command::drift::look(&engine, &options).await.unwrap();
    assert_eq!(report.findings, []);
    let unchecked: Vec<_> = report.unchecked.iter().map(|it| it.urn.name()).collect();
    assert_eq!(unchecked, ["a", "b"]);
    assert!(report.unchecked[0].why.contains("stopped before it was read again"), "{report:#?}");
    assert_eq!(report.checked, 2, "what was not confirmed is not counted");
}
