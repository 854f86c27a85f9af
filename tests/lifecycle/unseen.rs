//! What a cloud does not show at once, and what a run that was cut off did not show to anybody.

use std::{sync::Arc, time::Duration};

use infra_core::{
    Resource as _, Stack, interpolate,
    prelude::*,
    secret::Secret,
    state::{
        Memory,
        backend::{Effect, Fault},
    },
};

use crate::{
    base, crash, cut_off,
    harness::{Db, Host, Hurried, Lab, Wrong},
    sized,
};

fn big(s: &mut Stack) -> Result<()> {
    sized(s, "big");
    Ok(())
}

fn host(s: &mut Stack) -> Result<()> {
    s.add("host", Host::new("net-0").size("small"));
    Ok(())
}

fn sizeless(s: &mut Stack) -> Result<()> {
    s.add("host", Host::new("net-0"));
    Ok(())
}

#[tokio::test]
async fn an_object_that_a_read_misses_is_not_made_again() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let made: Vec<_> = lab.world.of("fake:Host").into_keys().collect();
    // Made a moment ago, and ready: one read found it, the next does not.
    lab.world.fault("read", "small", Wrong::Unseen, 2);
    lab.up(big).await.ok();
    assert_eq!(lab.world.of("fake:Host").into_keys().collect::<Vec<_>>(), made);
    assert!(lab.plan(big).await.is_empty());
}

#[tokio::test]
async fn an_object_that_a_read_misses_is_deleted_all_the_same() {
    let lab = Lab::new();
    lab.up(host).await.ok();
    // While planning, and again before the call.
    lab.world.fault("read", "small", Wrong::Unseen, 2);
    lab.destroy(host).await.ok();
    assert_eq!(lab.world.count(), 0);
}

#[tokio::test]
async fn a_delete_that_was_cut_off_is_not_over_because_a_read_misses_the_object() {
    let lab = Lab::new();
    lab.up(host).await.ok();
    cut_off(&lab, "delete", "small", Wrong::HangBefore, crate::nothing).await;
    lab.world.fault("read", "small", Wrong::Unseen, 1);
    lab.up(crate::nothing).await.ok();
    assert_eq!(lab.world.count(), 0);
}

#[tokio::test]
async fn a_name_that_is_taken_by_an_attempt_whose_reply_was_lost_is_looked_for_until_it_shows() {
    let lab = Lab::new();
    lab.world.fault("create", "db", Wrong::LoseReply, 1);
    lab.world.fault("read", "db", Wrong::Unseen, 1);
    lab.up(base).await.ok();
    assert_eq!(lab.world.count(), 4);
}

#[tokio::test]
async fn what_an_update_that_was_cut_off_should_have_taken_away_is_taken_away() {
    for what in [Wrong::HangBefore, Wrong::HangAfter] {
        let lab = Lab::new();
        lab.up(host).await.ok();
        crash(&lab, "update", "net-0", what, sizeless).await;
        let (_, host) = lab.world.of("fake:Host").pop_first().unwrap();
        assert_eq!(host.inputs.get("size"), None);
        assert!(lab.plan(sizeless).await.is_empty());
    }
}

#[tokio::test]
async fn a_secret_that_a_cut_off_update_wrote_is_not_shown() {
    let lab = Lab::new();
    let told = |s: &mut Stack| {
        let secret = s.secret("secret");
        s.add("db", Db::new().password("hunter22").net(interpolate!("for {}", &secret)));
        Ok(())
    };
    let untold = |s: &mut Stack| {
        s.secret("secret");
        s.add("db", Db::new().password("hunter22").net("nobody"));
        Ok(())
    };
    lab.up(untold).await.ok();
    cut_off(&lab, "update", "for", Wrong::HangAfter, told).await;
    let ran = lab.up(untold).await;
    let snapshot = lab.snapshot().await.unwrap();
    let secret = snapshot.records.values().find(|r| r.urn.kind() == Secret::KIND).unwrap();
    let plain = secret.outputs.get("value").unwrap().as_str().unwrap();
    assert!(!format!("{ran:?}").contains(plain));
    ran.ok();
}

#[tokio::test]
async fn a_deployment_is_in_the_history_though_two_runs_died_before_they_filed_it() {
    let memory = Memory::new();
    let lab = |hangs: &'static str| {
        let env = Arc::new(Hurried::default());
        let fault = Fault::new(Arc::new(memory.clone()), env, move |call| {
            let filing = !hangs.is_empty() && call.key.contains(hangs) && call.operation.mutates();
            if filing { Effect::HangBefore } else { Effect::Pass }
        });
        Lab { backend: Arc::new(fault), ..Lab::new() }
    };
    let first = lab("history");
    for program in [host, sizeless] {
        let run = tokio::time::timeout(Duration::from_millis(300), first.up(program)).await;
        assert!(run.is_err(), "it was filed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let last = Lab { world: Arc::clone(&first.world), ..lab("") };
    last.up(host).await.ok();
    last.up(sizeless).await.ok();
    let history = infra_core::command::history(&last.engine(host), 10).await.unwrap();
    let numbers: Vec<_> = history.iter().map(|entry| entry.deployment.number).collect();
    assert_eq!(numbers, (1..=u64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    assert!(numbers.len() >= 2, "{numbers:?}");
}
