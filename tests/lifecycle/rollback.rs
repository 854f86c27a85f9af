//! An earlier deployment as the plan of a new one.

use std::sync::atomic::{AtomicU64, Ordering};

use infra_core::{
    ErrorKind, Stack, command, interpolate,
    prelude::*,
    state::{Outcome, Value},
};

use crate::{
    base,
    harness::{Db, FakeProvider, Host, Lab, Net, Note, steps},
    nothing, sized, urn,
};

fn big(stack: &mut Stack) -> Result<()> {
    sized(stack, "big");
    stack.add("more", Note::new("more"));
    Ok(())
}

/// What going back to a deployment would do.
async fn would(lab: &Lab, number: u64) -> Vec<String> {
    let options = command::PreviewOptions { plan: lab.options.plan.clone() };
    let engine = lab.engine(nothing);
    let preview = command::preview_rollback(&engine, number, &options).await;
    steps(&preview.unwrap_or_else(|e| panic!("{e:?}")).plan)
}

#[tokio::test]
async fn what_changed_came_and_went_goes_back() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    lab.up(big).await.ok();
    assert_eq!(would(&lab, 1).await, ["Delete more", "Update a", "Update b"]);
    assert_eq!(would(&lab, 2).await, Vec::<String>::new());
    lab.world.clear_calls();
    let ran = lab.rollback(1, big).await;
    let notices = ran.notices();
    assert!(
        notices[0].starts_with("this goes back to deployment 1 (`up` by tester@lab"),
        "{notices:?}"
    );
    assert!(notices[0].ends_with("revision test)"), "{notices:?}");
    ran.ok();
    assert!(lab.plan(base).await.is_empty());
    let history = lab.engine(base).state.history(9).await.unwrap();
    let newest = history.last().unwrap();
    assert_eq!((newest.deployment.number, &*newest.deployment.command), (3, "rollback 1"));
    assert_eq!(newest.outcome, Outcome::Succeeded);
    // It can be gone back from, and to.
    lab.rollback(2, nothing).await.ok();
    assert!(lab.plan(big).await.is_empty());
    lab.rollback(3, nothing).await.ok();
    assert!(lab.plan(base).await.is_empty());
    // What was removed is made again; what it was called is forgotten.
    let without = |s: &mut Stack| {
        s.add("net", Net::new("10.0.0.0/16"));
        Ok(())
    };
    let lost = lab.planning(|plan| plan.allow_data_loss = [urn("Db", "db")].into());
    lost.up(without).await.ok();
    assert_eq!(would(&lab, 1).await, ["Create a", "Create b", "Create db"]);
    lab.rollback(1, without).await.ok();
    assert!(lab.plan(base).await.is_empty());
    assert!(lab.snapshot().await.unwrap().exports.contains_key("net"));
}

#[tokio::test]
async fn a_rollback_is_refused_what_an_up_would_be_refused() {
    let lab = Lab::new();
    lab.up(nothing).await.ok();
    lab.up(base).await.ok();
    let error = lab.rollback(1, base).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("allow-data-loss"), "{error}");
    lab.up(|s| {
        s.add("net", Net::new("10.0.0.0/16").protect());
        s.add("db", Db::new());
        Ok(())
    })
    .await
    .ok();
    let error = lab.rollback(1, base).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("protect"), "{error}");
}

#[tokio::test]
async fn a_deployment_without_a_graph_is_nothing_to_go_back_to() {
    let lab = Lab::new();
    let error = lab.rollback(1, base).await.error();
    insta::assert_snapshot!(error, @"there is no state of program/dev in memory: yet; `up` makes the stack");
    lab.up(base).await.ok();
    let error = lab.rollback(7, base).await.error();
    insta::assert_snapshot!(error, @"there is no deployment 7; `history` lists those there are");
    let lost = lab.planning(|plan| plan.allow_data_loss = [urn("Db", "db")].into());
    lost.destroy(base).await.ok();
    let error = lab.rollback(2, base).await.error();
    insta::assert_snapshot!(error, @"deployment 2 is a `destroy` without a graph to go back to. To remove everything say `destroy`; `history` lists them");
    lab.rollback(1, base).await.ok();
    assert_eq!(lab.world.count(), 4);
}

#[tokio::test]
async fn secrets_stay_what_they_are() {
    let with = |rotation: &'static str| {
        move |s: &mut Stack| {
            let password = s.secret_with("password", Secret::new().rotation(rotation));
            s.add("db", Db::new().password(&password));
            s.add("note", Note::new(rotation));
            s.export("dsn", interpolate!("db://{}", &password));
            Ok(())
        }
    };
    let lab = Lab::new();
    lab.up(with("one")).await.ok();
    lab.up(with("two")).await.ok();
    let now = lab.snapshot().await.unwrap().exports["dsn"].clone();
    let ran = lab.rollback(1, with("two")).await;
    let notices = ran.notices();
    ran.ok();
    assert!(
        notices.contains(
            &"the secret `password` was made anew since: it stays what it is now".to_owned()
        ),
        "{notices:?}"
    );
    assert_eq!(lab.snapshot().await.unwrap().exports["dsn"], now);
    let (_, note) = lab.world.of("fake:Note").pop_first().unwrap();
    assert_eq!(note.inputs.get("text"), Some(&"one".into()));
}

#[tokio::test]
async fn secrets_of_the_program_text_go_back_with_it_and_are_nowhere_in_clear() {
    let with = |password: &'static str| {
        move |s: &mut Stack| {
            s.add("db", Db::new().password(Sensitive::new(password.to_owned())));
            Ok(())
        }
    };
    let memory = infra_core::state::Memory::new();
    let lab = Lab { backend: std::sync::Arc::new(memory.clone()), ..Lab::new() };
    lab.up(with("geheim-eins")).await.ok();
    lab.up(with("geheim-zwei")).await.ok();
    lab.rollback(1, nothing).await.ok();
    let (_, db) = lab.world.of("fake:Db").pop_first().unwrap();
    assert_eq!(db.inputs.get("password"), Some(&"geheim-eins".into()));
    for folder in ["history", "journal", "snapshots"] {
        let folder = format!("program/dev/{folder}");
        for name in infra_core::state::Backend::list(&memory, &folder, "").await.unwrap() {
            let key = format!("{folder}/{name}");
            let object = infra_core::state::Backend::get(&memory, &key).await.unwrap().unwrap();
            assert!(!String::from_utf8_lossy(&object.body).contains("geheim"), "{key}");
        }
    }
}

#[tokio::test]
async fn what_a_closure_came_to_is_remembered_as_long_as_it_is_given_the_same() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let program = |note: &'static str| {
        move |s: &mut Stack| {
            let net = s.add("net", Net::new("10.0.0.0/16"));
            let mapped = net.id.map(move |id| {
                CALLS.fetch_add(1, Ordering::Relaxed);
                format!("{note} {id}")
            });
            s.add("note", Note::new(mapped));
            Ok(())
        }
    };
    let lab = Lab::new();
    lab.up(program("one")).await.ok();
    lab.up(program("two")).await.ok();
    let calls = CALLS.load(Ordering::Relaxed);
    assert_eq!(would(&lab, 1).await, ["Update note"]);
    lab.rollback(1, nothing).await.ok();
    assert_eq!(CALLS.load(Ordering::Relaxed), calls);
    assert!(lab.plan(program("one")).await.is_empty());
    // The graph that this filed has it again.
    lab.up(program("two")).await.ok();
    lab.rollback(3, nothing).await.ok();
    assert!(lab.plan(program("one")).await.is_empty());

    // Another net is not what it was given, and nobody knows what it would make of that.
    lab.destroy(nothing).await.ok();
    let error = lab.rollback(1, nothing).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused);
    insta::assert_snapshot!(error, @"deployment 1 cannot be gone back to from what was filed of it. Nothing was changed. Check out revision test of the program and run `up` there");
    assert!(error.mistakes()[0].message.contains("known only once it is made"), "{error:?}");
    lab.up(|s| {
        s.add("net", Net::new("10.0.0.0/16"));
        Ok(())
    })
    .await
    .ok();
    let error = lab.rollback(1, nothing).await.error();
    assert!(error.mistakes()[0].message.contains("applied to something else now"), "{error:?}");
    assert_eq!(lab.world.of("fake:Note").len(), 0);
}

#[tokio::test]
async fn providers_of_the_program_and_options_go_back() {
    let program = |region: &'static str| {
        move |s: &mut Stack| {
            let there = s.provider("there", FakeProvider::new().region(region));
            let net =
                s.add("net", Net::new("10.0.0.0/16").provider(&there).ignore_changes(["note"]));
            s.scope("inner", |s| {
                s.add(
                    "host",
                    Host::new(&net.id)
                        .depends_on(&net)
                        .create_timeout(std::time::Duration::from_mins(7)),
                );
            });
            Ok(())
        }
    };
    let lab = Lab::new();
    lab.up(program("one")).await.ok();
    lab.up(program("two")).await.ok();
    lab.rollback(1, nothing).await.ok();
    assert!(lab.plan(program("one")).await.is_empty());
    let snapshot = lab.snapshot().await.unwrap();
    let net = urn("Net", "net");
    let record = snapshot.current(&net).unwrap();
    assert_eq!(record.provider.as_ref().unwrap().identity["region"], "one");
    // What is filed declares the same.
    let deployments = [1, 3].map(|number| {
        let state = lab.engine(nothing).state;
        async move { state.deployment(number).await.unwrap().unwrap().graph.unwrap() }
    });
    let [one, three] = deployments;
    assert_eq!(one.await, three.await);
}

#[tokio::test]
async fn a_reference_of_an_earlier_deployment_is_read_anew() {
    #[derive(infra_core::Outputs, Clone, Debug)]
    struct Exports {
        /// What it is about.
        subject: String,
    }
    let other = |subject: &'static str| {
        move |s: &mut Stack| {
            s.export("subject", subject.to_owned());
            Ok(())
        }
    };
    let program = |text: &'static str| {
        move |s: &mut Stack| {
            let other = s.reference::<Exports>("other");
            s.add("note", Note::new(interpolate!("{} of {}", text, &other.subject)));
            Ok(())
        }
    };
    let lab = Lab::new();
    let others = lab.stack("program", "other");
    others.up(other("cats")).await.ok();
    lab.up(program("one")).await.ok();
    lab.up(program("two")).await.ok();
    others.up(other("dogs")).await.ok();
    lab.rollback(1, nothing).await.ok();
    let (_, note) = lab.world.of("fake:Note").pop_first().unwrap();
    assert_eq!(note.inputs.get("text"), Some(&Value::from("one of dogs")));
}

#[tokio::test]
async fn a_kind_that_is_gone_from_the_program_names_the_revision() {
    let lab = Lab { revision: "abc123".to_owned(), ..Lab::new() };
    lab.up(base).await.ok();
    let mut engine = lab.engine(nothing);
    engine.registry = infra_core::provider::Registry::default();
    let options = command::UpOptions::default();
    let error = command::rollback(&engine, 1, &options, &command::Confirmed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("Check out revision abc123"), "{error}");
}
