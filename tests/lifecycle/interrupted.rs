//! Crashes, stops, and other people.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use infra_core::{
    ErrorKind, Stack,
    command::{self, Confirm, Confirmed},
    event::Event,
    plan::{Action, Plan, saved::SavedPlan},
    provider::Class,
    state::{Outcome, Status},
};

use crate::{
    base, crash, cut_off,
    harness::{Host, Lab, Net, Note, Wrong, steps},
    nothing, urn,
};

fn net(block: &'static str) -> impl Fn(&mut Stack) -> infra_core::Result<()> + Copy {
    move |s| {
        s.add("net", Net::new(block));
        Ok(())
    }
}

fn slow(s: &mut Stack) -> infra_core::Result<()> {
    s.add("host", Host::new("net-0").wait(1_000_000_u32));
    Ok(())
}

/// Drops a run after a while, as a crash would.
async fn dropped_after(
    time: Duration,
    lab: &Lab,
    program: fn(&mut Stack) -> infra_core::Result<()>,
) {
    assert!(tokio::time::timeout(time, lab.up(program)).await.is_err(), "the run ended");
    tokio::time::sleep(Duration::from_millis(5)).await;
}

#[tokio::test]
async fn what_something_unsettled_uses_is_neither_renamed_nor_forgotten() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        let net = s.add("net", Net::new("10.0.0.0/16"));
        s.add("host", Host::new(&net.id).size("enormous"));
        Ok(())
    };
    cut_off(&lab, "create", "enormous", Wrong::HangAfter, program).await;
    let engine = lab.engine(program);
    let renamed = command::state::mv(&engine, "net", "other", Duration::ZERO).await.map(drop);
    let forgotten = command::state::rm(&engine, "fake:Net::net", true, Duration::ZERO).await;
    for refused in [renamed, forgotten.map(drop)] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.to_string().contains("fake:Host::host uses fake:Net::net"), "{error}");
    }
    lab.up(program).await.ok();
    assert_eq!(lab.world.count(), 2);
    command::state::mv(&lab.engine(program), "net", "other", Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn what_a_cut_off_create_may_have_made_is_forgotten_by_force_only() {
    let lab = Lab::new();
    cut_off(&lab, "create", "10.0.0.0/16", Wrong::HangAfter, net("10.0.0.0/16")).await;
    let engine = lab.engine(net("10.0.0.0/16"));
    let rm = async |force| command::state::rm(&engine, "net", force, Duration::ZERO).await;
    let error = rm(false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("say --force"), "{error}");
    rm(true).await.unwrap();
    assert!(lab.snapshot().await.unwrap().open.is_empty());
    assert_eq!(lab.world.count(), 1);
}

#[tokio::test]
async fn a_crash_while_waiting_finds_the_object_again() {
    let lab = Lab::new();
    dropped_after(Duration::from_millis(50), &lab, slow).await;
    let open = lab.snapshot().await.unwrap().open;
    assert!(open.values().all(|open| open.created.is_some()) && open.len() == 1);
    let (id, _) = lab.world.of("fake:Host").pop_first().unwrap();
    lab.world.tamper(&id, |host| {
        host.pending = 0;
        Some(())
    });
    let ran = lab.up(slow).await;
    assert!(ran.events.iter().any(|event| matches!(event, Event::Recovered { .. })));
    ran.ok();
    assert_eq!(lab.world.of("fake:Host").keys().collect::<Vec<_>>(), [&id]);
    assert!(lab.plan(slow).await.is_empty());
}

#[tokio::test]
async fn what_was_cut_off_unfinished_is_finished_by_the_plan() {
    let lab = Lab::new();
    dropped_after(Duration::from_millis(50), &lab, slow).await;
    let lab = lab.with(|options| options.lock_timeout = Duration::ZERO);
    let watch = lab.clone();
    // Ready only after the next run has begun to wait for it.
    let heal = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(40)).await;
        let (id, _) = watch.world.of("fake:Host").pop_first().unwrap();
        watch.world.tamper(&id, |host| {
            host.pending = 0;
            Some(())
        });
    });
    let summary = lab.up(slow).await.ok();
    heal.await.unwrap();
    assert_eq!(summary.done.get(&Action::Update), Some(&1));
    assert_eq!(lab.world.count(), 1);
    assert!(lab.plan(slow).await.is_empty());
}

#[tokio::test]
async fn preview_says_that_a_deployment_was_cut_off() {
    let lab = Lab::new();
    dropped_after(Duration::from_millis(50), &lab, slow).await;
    let mut engine = lab.engine(slow);
    let (events, mut stream) = infra_core::event::Events::channel();
    engine.events = events;
    command::preview(&engine, &command::PreviewOptions::default()).await.unwrap();
    drop(engine);
    assert!(matches!(stream.recv().await.unwrap(), Event::InProgress { holder: None }));
    let Event::Notice(text) = stream.recv().await.unwrap() else { panic!() };
    assert!(text.contains("one operation is not settled"), "{text}");
    // It changed nothing: the operation is still open.
    assert_eq!(lab.snapshot().await.unwrap().open.len(), 1);
}

#[tokio::test]
async fn what_somebody_is_doing_is_not_called_cut_off() {
    let lab = Lab::new();
    lab.world.fault("create", "small", Wrong::HangAfter, 1);
    let engine = lab.engine(base);
    let cancel = engine.cancel.clone();
    let hung = lab.world.hung.notified();
    let look = async {
        hung.await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        let mut engine = lab.engine(base);
        let (events, mut stream) = infra_core::event::Events::channel();
        engine.events = events;
        let looked = command::preview(&engine, &command::PreviewOptions::default()).await;
        drop(engine);
        assert!(looked.unwrap().plan.hints.is_empty());
        assert!(matches!(stream.recv().await, Some(Event::InProgress { holder: Some(_) })));
        while let Some(event) = stream.recv().await {
            assert!(!matches!(event, Event::Notice(_)), "{event:?}");
        }
        cancel.abort();
    };
    tokio::join!(lab.run(engine, &Confirmed), look);
}

#[tokio::test]
async fn a_deployment_that_was_cut_off_is_in_the_history() {
    let lab = Lab::new();
    dropped_after(Duration::from_millis(50), &lab, slow).await;
    lab.world.heal();
    lab.up(base).await.ok();
    let history = command::history(&lab.engine(base), 10).await.unwrap();
    let told: Vec<_> = history.iter().map(|e| (e.deployment.number, e.outcome)).collect();
    assert_eq!(told, [(1, Outcome::Interrupted), (2, Outcome::Succeeded)]);
    assert!(infra_core::report::history(&history).contains("cut off, found after"));
}

#[tokio::test]
async fn a_crash_during_a_replacement_converges() {
    for (verb, about) in [("create", "10.9"), ("delete", "10.0")] {
        for what in [Wrong::HangBefore, Wrong::HangAfter] {
            let lab = Lab::new();
            lab.up(net("10.0.0.0/16")).await.ok();
            crash(&lab, verb, about, what.clone(), net("10.9.0.0/16")).await;
            assert_eq!(lab.world.count(), 1, "{what:?} {verb}");
            assert!(lab.plan(net("10.9.0.0/16")).await.is_empty());
        }
    }
}

#[tokio::test]
async fn the_second_stop_waits_for_nothing_and_nothing_is_lost() {
    let lab = Lab::new();
    lab.world.fault("create", "small", Wrong::HangAfter, 1);
    let engine = lab.engine(base);
    let cancel = engine.cancel.clone();
    let hung = lab.world.hung.notified();
    let abort = async {
        hung.await;
        cancel.stop();
        tokio::time::sleep(Duration::from_millis(5)).await;
        cancel.abort();
    };
    let (ran, ()) = tokio::join!(lab.run(engine, &Confirmed), abort);
    assert!(ran.events.iter().any(|event| matches!(event, Event::Stopping)));
    let summary = ran.summary();
    assert_eq!(summary.outcome, Outcome::Interrupted);
    // At least the one that hangs: on a busy machine others did not end before the second stop either. What was begun is
    // told apart from what was not.
    let open = lab.snapshot().await.unwrap().open.len();
    assert!(open >= 1 && summary.unfinished >= open, "{open} open, {summary:?}");
    lab.up(base).await.ok();
    assert_eq!(lab.world.count(), 4);
    assert!(lab.plan(base).await.is_empty());
}

#[tokio::test]
async fn a_cloud_that_cannot_be_asked_leaves_the_operation_open() {
    let lab = Lab::new();
    lab.up(nothing).await.ok();
    cut_off(&lab, "create", "10.0", Wrong::HangAfter, net("10.0.0.0/16")).await;
    lab.world.fault("read", "", Wrong::Refuse(Class::Denied, "may not read".into()), 100);
    let error = lab.up(net("10.0.0.0/16")).await.error();
    assert!(error.to_string().contains("may not read"), "{error}");
    assert_eq!(lab.snapshot().await.unwrap().open.len(), 1);
    lab.world.heal();
    lab.up(net("10.0.0.0/16")).await.ok();
    assert_eq!(lab.world.count(), 1);
}

#[tokio::test]
async fn what_nobody_can_settle_is_unresolved_and_says_how_to_settle_it() {
    let lab = Lab::new();
    lab.up(nothing).await.ok();
    cut_off(&lab, "create", "10.0", Wrong::HangAfter, net("10.0.0.0/16")).await;
    lab.world.fault(
        "read",
        "",
        Wrong::Refuse(Class::Invalid, "two objects carry these tags".into()),
        1,
    );
    let error = lab.up(net("10.0.0.0/16")).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("state rm fake:Net::net"), "{error}");
    let snapshot = lab.snapshot().await.unwrap();
    assert_eq!(snapshot.current(&urn("Net", "net")).unwrap().status, Status::Unresolved);
}

/// As of a hosted zone, which is made by one call and tagged by another.
#[tokio::test]
async fn a_create_that_was_cut_off_between_two_calls_goes_on() {
    let program = |s: &mut Stack| {
        s.add("host", Host::new("net-0"));
        Ok(())
    };
    let lab = Lab::new();
    cut_off(&lab, "create", "net-0", Wrong::HangAfter, program).await;
    let (id, _) = lab.world.of("fake:Host").pop_first().unwrap();
    lab.world.tamper(&id, |host| {
        host.owner.clear();
        Some(())
    });
    lab.up(program).await.ok();
    let hosts = lab.world.of("fake:Host");
    assert_eq!(hosts.keys().collect::<Vec<_>>(), [&id]);
    assert_eq!(hosts[&id].owner["infra:urn"], "fake:Host::host");
    assert!(lab.plan(program).await.is_empty());
}

#[tokio::test]
async fn a_driver_that_panics_fails_its_step_only() {
    let lab = Lab::new();
    lab.world.fault("create", "small", Wrong::Panic, 1);
    let summary = lab.up(base).await.summary();
    assert_eq!((summary.failed.len(), summary.done[&Action::Create]), (1, 3));
    lab.up(base).await.ok();
    assert_eq!(lab.world.count(), 4);
}

#[tokio::test]
async fn a_lost_reply_to_an_update_or_delete_is_tried_again() {
    let lab = Lab::new();
    let note = |text: &'static str| {
        move |s: &mut Stack| {
            s.add("note", Note::new(text));
            Ok(())
        }
    };
    lab.up(note("one")).await.ok();
    lab.world.fault("update", "two", Wrong::LoseReply, 1);
    lab.up(note("two")).await.ok();
    lab.world.fault("delete", "two", Wrong::LoseReply, 1);
    lab.up(nothing).await.ok();
    assert_eq!(lab.world.count(), 0);
}

#[tokio::test]
async fn a_run_with_nothing_to_do_leaves_the_state_alone_but_ends_what_was_cut_off() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let before = lab.engine(base).state.read().await.unwrap().unwrap().position;
    lab.up(base).await.ok();
    assert_eq!(lab.engine(base).state.read().await.unwrap().unwrap().position, before);
    // A session that dies without a word.
    let engine = lab.engine(base);
    let holder = infra_core::state::Holder { who: "x".into(), command: "up".into(), pid: 1 };
    let session = engine.state.acquire(holder, Duration::ZERO).await.unwrap();
    let mut deployment = session.snapshot().deployment.unwrap();
    deployment.number += 1;
    session.commit(vec![infra_core::state::Change::Begun(deployment)]).await.unwrap();
    drop(session);
    assert!(engine.state.read().await.unwrap().unwrap().interrupted);
    lab.up(base).await.ok();
    assert!(!engine.state.read().await.unwrap().unwrap().interrupted);
}

#[tokio::test]
async fn an_empty_stack_is_made_by_up_and_not_by_destroy() {
    let lab = Lab::new();
    lab.destroy(base).await.ok();
    assert!(lab.snapshot().await.is_none());
    lab.up(nothing).await.ok();
    assert_eq!(lab.snapshot().await.unwrap().outcome, Some(Outcome::Succeeded));
}

/// Asks nobody; counts, answers, and meanwhile somebody else works.
struct Meanwhile<'l> {
    asked: AtomicUsize,
    answer: bool,
    lab: &'l Lab,
    blocks: &'static [&'static str],
}

#[async_trait::async_trait]
impl Confirm for Meanwhile<'_> {
    async fn confirm(&self, _: &Plan) -> infra_core::Result<bool> {
        let at = self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(block) = self.blocks.get(at) {
            self.lab.up(net(block)).await.ok();
        }
        Ok(self.answer)
    }
}

#[tokio::test]
async fn who_declines_changes_nothing() {
    let lab = Lab::new();
    let person = Meanwhile { asked: AtomicUsize::new(0), answer: false, lab: &lab, blocks: &[] };
    let error = lab.run(lab.engine(base), &person).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!((lab.world.count(), lab.snapshot().await.is_none()), (0, true));
}

#[tokio::test]
async fn who_agreed_is_asked_again_if_the_plan_is_another_by_now() {
    let lab = Lab::new();
    let other = ["10.7.0.0/16"];
    let person = Meanwhile {
        asked: AtomicUsize::new(0),
        answer: true,
        lab: &lab,
        blocks: Box::leak(Box::new(other)),
    };
    lab.run(lab.engine(net("10.0.0.0/16")), &person).await.ok();
    assert_eq!(person.asked.load(Ordering::Relaxed), 2);
    assert_eq!(lab.world.count(), 1);
    assert!(lab.plan(net("10.0.0.0/16")).await.is_empty());
}

#[tokio::test]
async fn what_somebody_else_did_meanwhile_is_not_done_again() {
    let lab = Lab::new();
    let person =
        Meanwhile { asked: AtomicUsize::new(0), answer: true, lab: &lab, blocks: &["10.0.0.0/16"] };
    lab.run(lab.engine(net("10.0.0.0/16")), &person).await.ok();
    assert_eq!(person.asked.load(Ordering::Relaxed), 1);
    assert_eq!(lab.world.count(), 1);
}

async fn saved(lab: &Lab, block: &'static str) -> SavedPlan {
    let preview = lab.preview(net(block)).await.unwrap();
    SavedPlan {
        stack: lab.engine(nothing).state.name().clone(),
        program: "x".into(),
        graph: preview.graph.hash(),
        position: preview.position,
        destroy: false,
        plan: Plan::clone(&preview.plan),
    }
}

#[tokio::test]
async fn a_saved_plan_is_executed_as_it_was_saved() {
    let lab = Lab::new();
    lab.up(net("10.0.0.0/16")).await.ok();
    let plan = saved(&lab, "10.1.0.0/16").await;
    let instance =
        plan.plan.steps.iter().find(|s| s.action == Action::Create).unwrap().instance.clone();
    let with = lab.with(|options| options.saved = Some(std::sync::Arc::new(plan)));
    with.up(net("10.1.0.0/16")).await.ok();
    assert_eq!(
        lab.snapshot().await.unwrap().current(&urn("Net", "net")).unwrap().instance,
        instance
    );
    assert!(lab.plan(net("10.1.0.0/16")).await.is_empty());
}

#[tokio::test]
async fn a_saved_plan_is_stale_when_anything_it_was_made_of_changed() {
    let lab = Lab::new();
    lab.up(net("10.0.0.0/16")).await.ok();
    let plan = std::sync::Arc::new(saved(&lab, "10.1.0.0/16").await);
    let with = lab.with(|options| options.saved = Some(plan));
    // Another program.
    assert_eq!(with.up(net("10.2.0.0/16")).await.error().kind(), ErrorKind::PlanStale);
    // Another state.
    lab.up(net("10.3.0.0/16")).await.ok();
    assert_eq!(with.up(net("10.1.0.0/16")).await.error().kind(), ErrorKind::PlanStale);
    assert_eq!(steps(&*lab.plan(net("10.3.0.0/16")).await), Vec::<String>::new());
}
