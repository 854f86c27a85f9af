//! Where the cloud is not what is recorded: found, graded, put right.

use std::collections::BTreeMap;

use infra_core::{
    ErrorKind, Result, Stack,
    command::{
        Confirmed,
        drift::{AcceptOptions, DriftOptions, FixOptions, Fixed, Orphans, accept, fix, look},
    },
    drift::{Actor, Finding, Repair, Report, Rule, Severity, What},
    interpolate,
    plan::{Action, Refresh},
    prelude::*,
    provider::Class,
    state::{Snapshot, Status, Urn, Value},
};

use crate::{
    base, cut_off,
    harness::{Db, FakeProvider, Host, Lab, Label, Link, Net, Note, Safe, Slot, Wrong, steps},
    nothing, set, sized, urn,
};

type Inputs = BTreeMap<String, Value>;

pub(crate) async fn found(
    lab: &Lab,
    program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
) -> Report {
    found_with(lab, program, &DriftOptions::default()).await
}

/// A look, which must change nothing.
pub(crate) async fn found_with(
    lab: &Lab,
    program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    options: &DriftOptions,
) -> Report {
    lab.world.clear_calls();
    let report = look(&lab.engine(program), options).await.unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(lab.world.mutations(), Vec::<String>::new());
    report
}

pub(crate) fn id(urn: &Urn, snapshot: &Snapshot) -> String {
    snapshot.current(urn).unwrap().id.clone().unwrap()
}

/// Changes an input of the object of a resource behind the engine's back.
pub(crate) async fn tamper(lab: &Lab, urn: &Urn, change: impl FnOnce(&mut Inputs)) {
    let id = id(urn, &lab.snapshot().await.unwrap());
    lab.world.tamper(&id, |object| {
        let Value::Map(inputs) = &mut object.inputs else { return None };
        change(inputs);
        Some(())
    });
}

pub(crate) async fn remove(lab: &Lab, urn: &Urn) {
    let id = id(urn, &lab.snapshot().await.unwrap());
    lab.world.tamper(&id, |_| None);
}

pub(crate) fn one(report: &Report) -> &Finding {
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    &report.findings[0]
}

#[tokio::test]
async fn an_untouched_stack_reports_nothing() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    for _ in 0..3 {
        let report = found(&lab, base).await;
        assert_eq!(report.findings, []);
        assert!(report.is_whole() && report.in_progress.is_none());
        assert_eq!((report.checked, report.notices), (4, Vec::new()));
    }
    let reads = lab.world.calls();
    let reads: Vec<_> = reads.iter().filter(|call| !call.contains("owned")).collect();
    assert_eq!(reads.len(), 3, "one read a kind: {reads:?}");
}

#[tokio::test]
async fn a_changed_field_is_named_with_all_three_values() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let host = urn("Host", "a");
    tamper(&lab, &host, |inputs| drop(inputs.insert("size".into(), "huge".into()))).await;
    let big = |stack: &mut Stack| {
        sized(stack, "big");
        Ok(())
    };
    let report = found(&lab, big).await;
    let finding = one(&report);
    assert_eq!((finding.urn.as_ref(), finding.what), (Some(&host), What::Changed));
    assert_eq!((finding.severity, &*finding.rule), (Severity::Medium, "changed"));
    let field = &finding.fields[0];
    let values = [&field.recorded, &field.live, &field.desired].map(|v| v.clone().unwrap());
    assert_eq!((&*field.path, values), ("size", ["small", "huge", "big"].map(Into::into)));
    assert!(finding.at.as_ref().unwrap().contains("lifecycle.rs:"), "{finding:?}");
    assert!(matches!(&finding.repair, Repair::Nothing(why) if why.contains("`up` brings it")));
    // Where both agree it is put back.
    let report = found(&lab, base).await;
    assert_eq!(one(&report).repair, Repair::Update);
    assert_eq!(one(&report).fields[0].desired, Some("small".into()));
}

#[tokio::test]
async fn what_happened_is_told_apart_and_graded() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    remove(&lab, &urn("Host", "a")).await;
    remove(&lab, &urn("Db", "db")).await;
    let snapshot = lab.snapshot().await.unwrap();
    lab.world.tamper(&id(&urn("Host", "b"), &snapshot), |object| {
        object.broken = Some("out of capacity".to_owned());
        Some(())
    });
    let report = found(&lab, base).await;
    let told: Vec<_> = report
        .findings
        .iter()
        .map(|it| (it.urn.as_ref().unwrap().name(), it.what, it.severity))
        .collect();
    let expected = [
        ("db", What::Deleted, Severity::Critical),
        ("a", What::Deleted, Severity::High),
        ("b", What::Broken, Severity::High),
    ];
    assert_eq!(told, expected);
    assert_eq!(report.findings[1].repair, Repair::Create);
    assert!(report.findings[2].message.contains("out of capacity"), "{report:#?}");
    // Data is not silently made anew, empty.
    let Repair::Nothing(why) = &report.findings[0].repair else { panic!("{report:#?}") };
    assert!(why.contains("--allow-replace fake:Db::db"), "{why}");
}

#[tokio::test]
async fn an_object_that_somebody_else_made_in_its_place_is_replaced() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let db = urn("Db", "db");
    let id = id(&db, &lab.snapshot().await.unwrap());
    lab.world.tamper(&id, |object| {
        object.owner.insert("infra:lineage".into(), "another".into());
        object.owner.insert("infra:stack".into(), "shop/prod".into());
        object.owner.insert("infra:instance".into(), "xxxxxxxx".into());
        Some(())
    });
    let report = found(&lab, base).await;
    let finding = one(&report);
    assert_eq!((finding.what, finding.severity), (What::Replaced, Severity::High));
    assert!(finding.message.contains("shop/prod"), "{finding:?}");
}

#[tokio::test]
async fn orphans_are_ours_and_nobody_elses() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let net = lab.world.of("fake:Net").pop_first().unwrap().1;
    let mut ours = net.owner.clone();
    ours.insert("infra:instance".into(), "oldword1".into());
    lab.world.plant_for("net-77", "fake:Net", net.inputs.clone(), ours.clone());
    let mut theirs = ours;
    theirs.insert("infra:lineage".into(), uuid(7));
    lab.world.plant_for("net-78", "fake:Net", net.inputs.clone(), theirs);
    lab.world.plant("net-79", "fake:Net", net.inputs.clone());

    let report = found(&lab, base).await;
    let orphan = one(&report);
    assert_eq!((orphan.id.as_deref(), orphan.what), (Some("net-77"), What::Orphan));
    assert_eq!((orphan.severity, orphan.urn.as_ref()), (Severity::Low, None));
    let options = DriftOptions { orphans: Orphans::None, ..DriftOptions::default() };
    assert_eq!(found_with(&lab, base, &options).await.findings, []);

    // It is deleted only if that is asked for.
    let left = fixed(&lab, base, |_| {}).await;
    assert_eq!((left.left, left.summary.is_none()), (1, true));
    let fixed = fixed(&lab, base, |options| options.delete_orphans = true).await;
    assert_eq!(fixed.left, 0);
    let nets: Vec<_> = lab.world.of("fake:Net").into_keys().collect();
    assert_eq!(nets.iter().filter(|id| *id == "net-77").count(), 0, "{nets:?}");
    assert_eq!(nets.len(), 3);
    assert_eq!(found(&lab, base).await.findings, []);
}

pub(crate) fn uuid(of: u128) -> String {
    format!("00000000-0000-4000-8000-{of:012}")
}

#[tokio::test]
async fn what_an_operation_that_is_not_settled_works_on_is_no_drift() {
    let lab = Lab::new();
    lab.up(nothing).await.ok();
    cut_off(&lab, "create", "10.0", Wrong::HangAfter, base).await;
    assert_eq!(lab.world.count(), 1);
    let report = found(&lab, base).await;
    assert_eq!(report.findings, [], "its object is no orphan");
    assert!(report.in_progress.unwrap().contains("cut off"));
    lab.up(base).await.ok();
    assert_eq!(found(&lab, base).await.findings, []);
}

#[tokio::test]
async fn a_deployment_in_progress_is_told_and_not_disturbed() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let big = |stack: &mut Stack| {
        sized(stack, "big");
        Ok(())
    };
    lab.world.fault("update", "big", Wrong::HangAfter, 2);
    let hung = lab.world.hung.notified();
    let other = lab.clone();
    let run = tokio::spawn(async move { other.up(big).await });
    hung.await;
    let report = look(&lab.engine(big), &DriftOptions::default()).await.unwrap();
    assert_eq!(report.findings, []);
    assert!(report.in_progress.as_ref().unwrap().contains("tester@lab"), "{report:?}");
    run.abort();
    drop(run.await);
}

#[tokio::test]
async fn what_is_ignored_is_no_drift_and_what_is_secret_is_never_shown() {
    fn program(stack: &mut Stack) -> Result<()> {
        stack.add("net", Net::new("10.0.0.0/16").note("mine").ignore_changes(["note"]));
        stack.add("safe", Safe::new("a-very-secret-word"));
        Ok(())
    }
    let lab = Lab::new();
    lab.up(program).await.ok();
    tamper(&lab, &urn("Net", "net"), |it| drop(it.insert("note".into(), "theirs".into()))).await;
    let stolen = "another-secret-word";
    tamper(&lab, &urn("Safe", "safe"), |it| drop(it.insert("content".into(), stolen.into()))).await;
    let report = found(&lab, program).await;
    let finding = one(&report);
    assert_eq!(finding.urn, Some(urn("Safe", "safe")));
    assert_eq!((finding.severity, &*finding.rule), (Severity::High, "secret"));
    let text = format!("{report:?} {}", infra_core::report::drift(&report));
    assert!(!text.contains("secret-word"), "{text}");
}

#[tokio::test]
async fn one_that_cannot_be_read_keeps_nothing_else_from_being_looked_at() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    lab.world.fault("read", "small", Wrong::Refuse(Class::Denied, "no".into()), 2);
    remove(&lab, &urn("Db", "db")).await;
    let report = found(&lab, base).await;
    assert_eq!(one(&report).urn, Some(urn("Db", "db")));
    let unchecked: Vec<_> = report.unchecked.iter().map(|it| it.urn.name()).collect();
    assert_eq!(unchecked, ["a", "b"]);
    assert!(!report.is_whole() && report.unchecked[0].why.contains("no"));
}

#[tokio::test]
async fn only_what_is_asked_for_is_looked_at() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    remove(&lab, &urn("Host", "a")).await;
    tamper(&lab, &urn("Host", "b"), |it| drop(it.insert("size".into(), "huge".into()))).await;
    let only = DriftOptions { only: set(&[urn("Host", "b")]), ..DriftOptions::default() };
    let report = found_with(&lab, base, &only).await;
    assert_eq!((report.checked, one(&report).what), (1, What::Changed));
    let bad = DriftOptions { severity: Severity::High, ..DriftOptions::default() };
    assert_eq!(one(&found_with(&lab, base, &bad).await).what, What::Deleted);
}

#[tokio::test]
async fn the_stack_of_another_program_is_compared_with_what_is_recorded() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    tamper(&lab, &urn("Host", "a"), |it| drop(it.insert("size".into(), "huge".into()))).await;
    let options = DriftOptions { recorded_only: true, ..DriftOptions::default() };
    let fails = |_: &mut Stack| -> Result<()> { panic!("it is not asked") };
    let mut engine = lab.engine(fails);
    let report = look(&engine, &options).await.unwrap();
    let field = &one(&report).fields[0];
    assert_eq!((field.live.clone(), field.desired.clone()), (Some("huge".into()), None));

    // A kind that the program does not know.
    engine.registry = infra_core::provider::Registry::default();
    engine.registry.add(infra_core::provider::driver::<Net>());
    engine.registry.add(infra_core::provider::provider_driver::<FakeProvider>());
    let report = look(&engine, &options).await.unwrap();
    assert_eq!((report.checked, report.findings.len()), (1, 0));
    let unchecked: Vec<_> = report.unchecked.iter().map(|it| it.urn.name()).collect();
    assert_eq!(unchecked, ["db", "a", "b"]);
    assert!(report.unchecked[0].why.contains("fake:Db"), "{report:?}");
}

#[tokio::test]
async fn rules_of_the_program_go_first_and_decide_even_downwards() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    for name in ["a", "b"] {
        tamper(&lab, &urn("Host", name), |it| drop(it.insert("size".into(), "huge".into()))).await;
    }
    remove(&lab, &urn("Db", "db")).await;
    let mut engine = lab.engine(base);
    engine.rules = vec![
        Rule::of::<Host>("grown", |it| {
            let grown = it.touches(Host::SIZE) && it.live(Host::SIZE) == Some("huge".into());
            let known = it.recorded(Host::SIZE) == it.desired(Host::SIZE);
            (grown && known).then_some(Severity::Low)
        }),
        Rule::new("nothing matters", |it| (it.what == What::Deleted).then_some(Severity::Info)),
    ];
    let report = look(&engine, &DriftOptions::default()).await.unwrap();
    let told: Vec<_> = report.findings.iter().map(|it| (it.severity, &*it.rule)).collect();
    let expected =
        [(Severity::Low, "grown"), (Severity::Low, "grown"), (Severity::Info, "nothing matters")];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn of_the_rules_of_the_clouds_the_worst_wins() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    tamper(&lab, &urn("Db", "db"), |it| drop(it.insert("net".into(), "net-9".into()))).await;
    let report = found(&lab, base).await;
    let finding = one(&report);
    assert_eq!((finding.severity, &*finding.rule), (Severity::High, "fake:moved"));
}

#[tokio::test]
async fn a_fix_brings_everything_back_and_the_next_look_finds_nothing() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    tamper(&lab, &urn("Host", "a"), |it| drop(it.insert("size".into(), "huge".into()))).await;
    remove(&lab, &urn("Host", "b")).await;
    let fixed = fixed(&lab, base, |_| {}).await;
    assert_eq!((fixed.left, fixed.report.findings.len()), (0, 2));
    let done = fixed.summary.unwrap().done;
    assert_eq!(done.get(&Action::Update).zip(done.get(&Action::Create)), Some((&1, &1)));
    let hosts = lab.world.of("fake:Host");
    assert_eq!(hosts.len(), 2);
    assert!(hosts.values().all(|host| host.inputs.get("size") == Some(&"small".into())));
    assert_eq!(found(&lab, base).await.findings, []);
    assert!(lab.plan(base).await.is_empty());
    let last = infra_core::command::history(&lab.engine(base), 1).await.unwrap().pop().unwrap();
    assert_eq!(last.deployment.command, "drift --fix");
}

#[tokio::test]
async fn a_fix_deploys_nothing_that_the_program_changed() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    tamper(&lab, &urn("Host", "a"), |it| drop(it.insert("labels".into(), list(&["z"])))).await;
    tamper(&lab, &urn("Host", "b"), |it| drop(it.insert("size".into(), "huge".into()))).await;
    // The program wants other sizes, another resource, and one less.
    let changed = |stack: &mut Stack| {
        let net = stack.add("net", Net::new("10.0.0.0/16"));
        for name in ["a", "b"] {
            stack.add(name, Host::new(&net.id).size("big").labels(["x", "y"]).wait(3u32));
        }
        stack.add("new", Host::new(&net.id));
        Ok(())
    };
    let fixed = fixed(&lab, changed, |_| {}).await;
    assert_eq!(fixed.left, 1, "{:#?}", fixed.report);
    assert_eq!(lab.world.mutations(), ["update fake:Host"]);
    let snapshot = lab.snapshot().await.unwrap();
    let host = |name: &str| lab.world.of("fake:Host")[&id(&urn("Host", name), &snapshot)].clone();
    assert_eq!(host("a").inputs.get("size"), Some(&"small".into()), "as recorded");
    assert_eq!(host("a").inputs.get("labels"), Some(&list(&["x", "y"])));
    assert_eq!(host("b").inputs.get("size"), Some(&"huge".into()), "`up` brings it");
    let plan = steps(&*lab.planning(|plan| plan.refresh = Refresh::All).plan(changed).await);
    assert_eq!(plan, ["Create new", "Delete db", "Update a", "Update b"]);
}

#[tokio::test]
async fn a_fix_replaces_nothing_unasked() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let net = urn("Net", "net");
    tamper(&lab, &net, |it| drop(it.insert("block".into(), "10.9.0.0/16".into()))).await;
    let left = fixed(&lab, base, |_| {}).await;
    assert_eq!((left.left, left.summary.is_none()), (1, true));
    let Repair::Nothing(why) = &left.report.findings[0].repair else { panic!("{left:?}") };
    assert!(why.contains("`block`") && why.contains("--allow-replace fake:Net::net"), "{why}");
    // What is made from it would be replaced with it: that has to be allowed, too.
    let half = fixed(&lab, base, |it| it.drift.allow_replace = set(&[urn("Net", "net")])).await;
    assert!(half.summary.is_none(), "{half:?}");
    let Repair::Nothing(why) = &half.report.findings[0].repair else { panic!("{half:?}") };
    assert!(why.contains("--allow-replace fake:Host::"), "{why}");
    assert_eq!(lab.world.mutations(), Vec::<String>::new());
    let all = [net, urn("Host", "a"), urn("Host", "b")];
    let done = fixed(&lab, base, |it| it.drift.allow_replace = set(&all)).await;
    assert_eq!(done.left, 0);
    assert_eq!(found(&lab, base).await.findings, []);
    assert!(lab.plan(base).await.is_empty());
}

#[tokio::test]
async fn a_fix_makes_no_data_anew_and_shrinks_nothing_unasked() {
    fn program(stack: &mut Stack) -> Result<()> {
        stack.add("db", Db::new());
        stack.add("link", Link::new("a", "b").weight(3u32));
        Ok(())
    }
    let lab = Lab::new();
    lab.up(program).await.ok();
    remove(&lab, &urn("Db", "db")).await;
    tamper(&lab, &urn("Link", "link"), |it| drop(it.insert("weight".into(), 5.into()))).await;
    let left = fixed(&lab, program, |_| {}).await;
    assert_eq!((left.left, left.summary.is_none()), (2, true));
    let Repair::Nothing(why) = &left.report.findings[1].repair else { panic!("{left:?}") };
    assert!(why.contains("--allow-shrink"), "{why}");
    let done = fixed(&lab, program, |it| {
        it.drift.allow_replace = set(&[urn("Db", "db")]);
        it.drift.allow_shrink = true;
    });
    assert_eq!(done.await.left, 0);
    assert_eq!(lab.world.count(), 2);
    assert_eq!(found(&lab, program).await.findings, []);
    // Less is put back to more without a question.
    tamper(&lab, &urn("Link", "link"), |it| drop(it.insert("weight".into(), 1.into()))).await;
    assert_eq!(fixed(&lab, program, |_| {}).await.left, 0);
}

#[tokio::test]
async fn many_that_are_gone_at_once_are_not_made_again_unasked() {
    fn program(stack: &mut Stack) -> Result<()> {
        (0..5).for_each(|at| {
            drop(stack.add(format!("n{at}"), Net::new(format!("10.{at}.0.0/16"))));
        });
        Ok(())
    }
    let lab = Lab::new();
    lab.up(program).await.ok();
    for id in lab.world.of("fake:Net").into_keys().take(3) {
        lab.world.tamper(&id, |_| None);
    }
    let report = found(&lab, program).await;
    assert!(report.notices.iter().any(|it| it.contains("wrong account")), "{report:?}");
    let engine = lab.engine(program);
    let error = fix(&engine, &FixOptions::default(), &Confirmed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let error = accept(&engine, &AcceptOptions::default(), &Confirmed).await.unwrap_err();
    assert!(error.to_string().contains("--allow-mass-absence"), "{error}");
    assert!(engine.state.holder().await.unwrap().is_none());
    assert_eq!(fixed(&lab, program, |it| it.allow_mass_absence = true).await.left, 0);
    assert_eq!(lab.world.count(), 5);
}

#[tokio::test]
async fn accepting_records_what_is_there_and_the_program_says_the_rest() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    tamper(&lab, &urn("Host", "a"), |it| drop(it.insert("size".into(), "huge".into()))).await;
    tamper(&lab, &urn("Host", "a"), |it| drop(it.insert("labels".into(), list(&["x"])))).await;
    remove(&lab, &urn("Db", "db")).await;
    lab.world.clear_calls();
    let engine = lab.engine(base);
    let accepted = accept(&engine, &AcceptOptions::default(), &Confirmed).await.unwrap();
    assert_eq!(lab.world.mutations(), Vec::<String>::new());
    assert_eq!(accepted.taken, set(&[urn("Host", "a")]));
    assert_eq!((accepted.forgotten, accepted.left), (set(&[urn("Db", "db")]), 0));
    let snapshot = lab.snapshot().await.unwrap();
    let host = urn("Host", "a");
    let record = snapshot.current(&host).unwrap();
    assert_eq!(record.inputs.get("size"), Some(&"huge".into()));
    assert_eq!(record.inputs.get("labels"), Some(&list(&["x"])));
    assert!(snapshot.current(&urn("Db", "db")).is_none());
    assert_eq!(found(&lab, base).await.findings, []);
    assert_eq!(steps(&*lab.plan(base).await), ["Create db", "Update a"]);
    lab.up(base).await.ok();
    assert_eq!(found(&lab, base).await.findings, []);
}

pub(crate) fn list(words: &[&str]) -> Value {
    Value::List(words.iter().map(|word| (*word).into()).collect())
}

/// A repair that nobody has to be asked about.
pub(crate) async fn fixed(
    lab: &Lab,
    program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    change: impl FnOnce(&mut FixOptions),
) -> Fixed {
    lab.world.clear_calls();
    let mut options = FixOptions { parallel: 8, ..FixOptions::default() };
    change(&mut options);
    let fixed = fix(&lab.engine(program), &options, &Confirmed).await;
    let fixed = fixed.unwrap_or_else(|e| panic!("{e:?}"));
    assert!(fixed.summary.as_ref().is_none_or(|it| it.failed.is_empty()), "{fixed:#?}");
    assert!(lab.engine(nothing).state.holder().await.unwrap().is_none());
    fixed
}

#[tokio::test]
async fn what_nobody_manages_is_found_on_request() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let net = lab.world.of("fake:Net").pop_first().unwrap().0;
    let inside = || Value::from([("net", Value::from(&*net))]);
    lab.world.plant("host-77", "fake:Host", inside());
    lab.world.plant("host-78-part", "fake:Host", inside());
    let theirs = [("infra:lineage".to_owned(), uuid(7))].into();
    lab.world.plant_for("host-79", "fake:Host", inside(), theirs);
    assert_eq!(found(&lab, base).await.findings, []);
    let options = DriftOptions { unmanaged: true, ..DriftOptions::default() };
    let report = found_with(&lab, base, &options).await;
    let finding = one(&report);
    let told = (finding.id.as_deref(), finding.what, finding.severity);
    assert_eq!(told, (Some("host-77"), What::Unmanaged, Severity::Info));
}

#[tokio::test]
async fn who_did_it_is_told_where_the_cloud_tells() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let host = urn("Host", "a");
    tamper(&lab, &host, |it| drop(it.insert("size".into(), "huge".into()))).await;
    remove(&lab, &urn("Host", "b")).await;
    let actor = Actor {
        who: "mallory".to_owned(),
        at: jiff::Timestamp::from_second(1_700_000_000).unwrap(),
        what: "ResizeHost".to_owned(),
        from: Some("192.0.2.1".to_owned()),
    };
    lab.world.blame(&id(&host, &lab.snapshot().await.unwrap()), actor.clone());
    let report = found(&lab, base).await;
    let by: Vec<_> = report.findings.iter().map(|it| it.by.clone()).collect();
    assert_eq!(by, [None, Some(actor)]);
    let text = infra_core::report::drift(&report);
    assert!(
        text.contains("by mallory at 2023-11-14T22:13:20Z: ResizeHost from 192.0.2.1"),
        "{text}"
    );
    let unasked = DriftOptions { actors: false, ..DriftOptions::default() };
    assert!(found_with(&lab, base, &unasked).await.findings.iter().all(|it| it.by.is_none()));
}

#[tokio::test]
async fn what_somebody_put_into_an_object_of_the_stack_goes_as_an_orphan() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let net = lab.world.of("fake:Net").pop_first().unwrap().1;
    // It says whose it is and of no resource that it is its object.
    let mut owner = net.owner.clone();
    owner.retain(|key, _| key == "infra:stack" || key == "infra:lineage");
    lab.world.plant_for("net-77", "fake:Net", net.inputs.clone(), owner);
    let report = found(&lab, base).await;
    assert!(one(&report).message.contains("what is this stack's"), "{report:?}");
    let done = fixed(&lab, base, |it| it.delete_orphans = true).await;
    assert_eq!((done.left, lab.world.of("fake:Net").len()), (0, 1));
    assert_eq!(found(&lab, base).await.findings, []);
    assert!(lab.plan(base).await.is_empty());
}

#[tokio::test]
async fn what_has_no_tags_is_found_in_what_is_the_stacks() {
    let lab = Lab::new();
    let linked = |stack: &mut Stack| {
        let net = stack.add("net", Net::new("10.0.0.0/16"));
        stack.add("link", Link::new(&net.id, "declared"));
        Ok(())
    };
    let alone = |stack: &mut Stack| {
        stack.add("net", Net::new("10.0.0.0/16"));
        Ok(())
    };
    lab.up(linked).await.ok();
    assert_eq!(found(&lab, linked).await.findings, [], "what is recorded nobody added");
    lab.up(alone).await.ok();
    let (net, _) = lab.world.of("fake:Net").pop_first().unwrap();
    let link = |from: &str| Value::from([("from", from.into()), ("to", "anywhere".into())]);
    lab.world.plant("link-77", "fake:Link", link(&net));
    lab.world.plant("link-78", "fake:Link", link("net-of-others"));
    // The stack has no links, and may have been given one all the same.
    let report = found(&lab, alone).await;
    let added = one(&report);
    let (kind, id) = (added.kind.as_str(), added.id.as_deref());
    assert_eq!((kind, id, added.what), ("fake:Link", Some("link-77"), What::Orphan));
    assert!(added.message.contains("in what is this stack's"), "{added:?}");
    // Whoever may list it and not read it is told all the same: what is unchecked nobody takes for an attack.
    lab.world.fault("read", "link-77", Wrong::Refuse(Class::Denied, "no".into()), 1);
    let denied = found(&lab, alone).await;
    assert_eq!((one(&denied).id.as_deref(), denied.is_whole()), (Some("link-77"), true));
    let done = fixed(&lab, alone, |it| it.delete_orphans = true).await;
    assert_eq!(done.left, 0);
    let left: Vec<_> = lab.world.of("fake:Link").into_keys().collect();
    assert_eq!(left, ["link-78"]);
    assert_eq!(found(&lab, alone).await.findings, []);
}

/// What a program has of a number: which resources, with what in them.
fn program_of(number: u64) -> impl Fn(&mut Stack) -> Result<()> + Copy + Send + Sync + 'static {
    move |stack: &mut Stack| {
        let bit = |at: u32| number >> at & 1 == 1;
        let tags: Vec<(&str, &str)> = if bit(0) { vec![("team", "a")] } else { Vec::new() };
        let mut net = Net::new(if bit(1) { "10.0.0.0/16" } else { "10.1.0.0/16" }).tags(tags);
        if bit(2) {
            net = net.note("a note");
        }
        let net = stack.add("net", net);
        for at in 0..(number >> 3 & 3) {
            let mut host = Host::new(&net.id).size(if bit(5) { "small" } else { "big" });
            if bit(6) {
                host = host.labels(["x", "y"]);
            }
            if bit(7) {
                host = host.address("10.0.0.7");
            }
            stack.add(format!("host{at}"), host);
        }
        if bit(8) {
            stack.add("label", Label::new(&net.id));
        }
        if bit(9) {
            stack.add("link", Link::new("a", &net.summary).weight(if bit(10) { 1u32 } else { 2 }));
        }
        if bit(11) {
            stack.add("slot", Slot::new(if bit(12) { "one" } else { "two" }));
        }
        let secret = stack.secret("word");
        stack.add("safe", Safe::new(&secret));
        stack.export("net", &net.id);
        Ok(())
    }
}

/// Whatever is deployed after whatever, and put right after whatever, nobody touched it since.
#[tokio::test]
async fn what_nobody_touched_never_drifts() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let all = DriftOptions { orphans: Orphans::All, unmanaged: true, ..DriftOptions::default() };
    for _ in 0..8 {
        let lab = Lab::new();
        for _ in 0..6 {
            let program = program_of(random());
            lab.up(program).await.ok();
            let report = found_with(&lab, program, &all).await;
            assert_eq!(report.findings, [], "{:#?}", lab.snapshot().await);
            let recorded = DriftOptions { recorded_only: true, ..all.clone() };
            assert_eq!(found_with(&lab, program, &recorded).await.findings, []);
            // Somebody touches one object.
            let snapshot = lab.snapshot().await.unwrap();
            let hosts = lab.world.of("fake:Host");
            let Some((touched, _)) = hosts.iter().nth((random() % 4) as usize) else { continue };
            let gone = random() % 2 == 0;
            lab.world.tamper(touched, |object| {
                let Value::Map(inputs) = &mut object.inputs else { return None };
                inputs.insert("size".into(), "huge".into());
                (!gone).then_some(())
            });
            assert_eq!(found_with(&lab, program, &all).await.findings.len(), 1, "{snapshot:#?}");
            if random() % 2 == 0 {
                assert_eq!(fixed(&lab, program, |_| {}).await.left, 0);
            } else {
                let engine = lab.engine(program);
                let accepted = accept(&engine, &AcceptOptions::default(), &Confirmed).await;
                assert_eq!(accepted.unwrap().left, 0);
            }
            assert_eq!(found_with(&lab, program, &all).await.findings, []);
        }
    }
}

#[tokio::test]
async fn what_was_taken_over_never_drifts() {
    fn program(stack: &mut Stack) -> Result<()> {
        stack.add("net", Net::new("10.0.0.0/16").import("net-77"));
        stack.add("label", Label::new("x").name("a-label").adopt());
        Ok(())
    }
    let lab = Lab::new();
    let block = || Value::from([("block", Value::from("10.0.0.0/16"))]);
    // It has the tags of an earlier life.
    lab.up(|stack| {
        stack.add("net", Net::new("10.0.0.0/16"));
        Ok(())
    })
    .await
    .ok();
    let (id, net) = lab.world.of("fake:Net").pop_first().unwrap();
    lab.world.tamper(&id, |_| None);
    let engine = lab.engine(nothing);
    let rm = infra_core::command::state::rm(&engine, "net", false, std::time::Duration::ZERO);
    rm.await.unwrap();
    lab.world.plant_for("net-77", "fake:Net", block(), net.owner);
    let label = [("name", Value::from("a-label")), ("of", "y".into())];
    lab.world.plant("label-1", "fake:Label", label.into());
    lab.up(program).await.ok();
    assert_eq!(found(&lab, program).await.findings, []);
    let recorded = DriftOptions { recorded_only: true, ..DriftOptions::default() };
    assert_eq!(found_with(&lab, program, &recorded).await.findings, []);
}

#[tokio::test]
async fn a_fix_leaves_to_up_what_up_did_not_finish() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let big = |stack: &mut Stack| {
        sized(stack, "big");
        Ok(())
    };
    lab.world.fault("update", "big", Wrong::Refuse(Class::Invalid, "no".into()), 1);
    assert_eq!(lab.up(big).await.summary().failed.len(), 1);
    let unfinished = |snapshot: Snapshot| {
        let records = snapshot.records.into_values();
        records.filter(|it| it.status == Status::Incomplete).collect::<Vec<_>>()
    };
    let before = unfinished(lab.snapshot().await.unwrap());
    assert_eq!(before.len(), 1);
    let report = found(&lab, big).await;
    assert_eq!(report.findings, []);
    let [left] = &report.unchecked[..] else { panic!("{report:?}") };
    assert!(left.why.contains("`up` finishes it"), "{report:?}");
    let name = if before[0].urn.name() == "a" { "b" } else { "a" };
    tamper(&lab, &urn("Host", name), |it| drop(it.insert("size".into(), "huge".into()))).await;
    assert_eq!(fixed(&lab, big, |_| {}).await.left, 0);
    assert_eq!(lab.world.mutations(), ["update fake:Host"]);
    assert_eq!(unfinished(lab.snapshot().await.unwrap()), before);
    lab.up(big).await.ok();
    assert_eq!(found(&lab, big).await.findings, []);
}

#[tokio::test]
async fn what_has_another_name_by_now_is_compared_under_the_one_that_is_recorded() {
    let lab = Lab::new();
    let named = |name: &'static str| {
        move |stack: &mut Stack| {
            let net = Net::new("10.0.0.0/16").note("one").alias("net");
            let net = stack.add(name, net);
            stack.add("host", Host::new(&net.id));
            Ok(())
        }
    };
    lab.up(named("net")).await.ok();
    assert_eq!(found(&lab, named("wide")).await.findings, []);
    tamper(&lab, &urn("Net", "net"), |it| drop(it.insert("note".into(), "two".into()))).await;
    let report = found(&lab, named("wide")).await;
    assert_eq!(one(&report).fields[0].desired, Some("one".into()));
    assert_eq!(fixed(&lab, named("wide"), |_| {}).await.left, 0);
    assert_eq!(found(&lab, named("wide")).await.findings, []);
    let snapshot = lab.snapshot().await.unwrap();
    assert!(snapshot.current(&urn("Net", "net")).is_some(), "a fix renames nothing");
    lab.up(named("wide")).await.ok();
    assert_eq!(found(&lab, named("wide")).await.findings, []);
    assert_eq!(lab.world.count(), 2);
}

#[tokio::test]
async fn a_fix_is_a_deployment_that_can_be_gone_back_to() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    remove(&lab, &urn("Host", "a")).await;
    fixed(&lab, base, |_| {}).await;
    lab.up(|stack| {
        sized(stack, "big");
        Ok(())
    })
    .await
    .ok();
    lab.rollback(2, base).await.ok();
    let hosts = lab.world.of("fake:Host");
    assert!(hosts.values().all(|host| host.inputs.get("size") == Some(&"small".into())));
    assert_eq!(found(&lab, base).await.findings, []);
    assert!(lab.plan(base).await.is_empty());
}

/// What is made anew is passed on to what uses it.
#[tokio::test]
async fn what_uses_an_object_that_is_made_again_follows_it() {
    fn program(stack: &mut Stack) -> Result<()> {
        let net = stack.add("net", Net::new("10.0.0.0/16"));
        stack.add("note", Note::new(interpolate!("about {}", &net.id)));
        stack.export("net", &net.id);
        Ok(())
    }
    let lab = Lab::new();
    lab.up(program).await.ok();
    remove(&lab, &urn("Net", "net")).await;
    let fixed = fixed(&lab, program, |_| {}).await;
    assert_eq!(fixed.left, 0);
    let (net, _) = lab.world.of("fake:Net").pop_first().unwrap();
    let (_, note) = lab.world.of("fake:Note").pop_first().unwrap();
    assert_eq!(note.inputs.get("text"), Some(&format!("about {net}").into()));
    assert_eq!(fixed.summary.unwrap().exports["net"], net.into());
    assert_eq!(found(&lab, program).await.findings, []);
    assert!(lab.plan(program).await.is_empty());
}

#[tokio::test]
async fn what_only_uses_an_object_that_is_changed_back_stays_as_it_is() {
    fn program(stack: &mut Stack) -> Result<()> {
        let net = stack.add("net", Net::new("10.0.0.0/16").note("one"));
        // Nobody knows before the update that the summary will be what it was.
        let note = stack.add("note", Note::new("text").subject(&net.summary));
        stack.add("next", Note::new("text").subject(&note.summary));
        Ok(())
    }
    let lab = Lab::new();
    lab.up(program).await.ok();
    tamper(&lab, &urn("Net", "net"), |it| drop(it.insert("note".into(), "two".into()))).await;
    assert_eq!(fixed(&lab, program, |_| {}).await.left, 0);
    assert_eq!(lab.world.mutations(), ["update fake:Net"]);
    assert_eq!(found(&lab, program).await.findings, []);
    assert!(lab.plan(program).await.is_empty());
}
