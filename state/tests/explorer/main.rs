//! Every order in which things can happen between those who want one lock, or a great many of them.
//!
//! The code that is explored is the crate's own, not a model of it. Each call of the backend waits until the explorer
//! grants it; time passes when the explorer says so; a process sleeps whenever it is not granted anything while time
//! passes. So a path is a list of [`run::Step`]s, and the same list is the same path again.
//!
//! [`search::exhaust`] goes down every path, and turns round where the world is one that was seen before: the stored
//! bytes, the leases, the clock, and all that each actor was ever told are the same. [`search::sample`] takes random
//! paths through what is too large for that. What has to hold is in [`promise`]; that it would be noticed if it did
//! not, the [`mutant`]s show.
//!
//! `cargo test` looks at a fixed part that takes some seconds, and says how much that was. `INFRA_EXPLORE=full cargo test
//! --release -p infra-state --test explorer` looks at all of it, up to a million paths of each scenario (or as many as a
//! number says instead of `full`).

#![expect(clippy::unwrap_used, reason = "a test panics where its own machinery is wrong")]

mod exchange;
mod gate;
mod mutant;
mod promise;
mod run;
mod script;
mod search;

use std::io::{self, Write};

use infra_state::Limits;
use mutant::Mutant;
use run::Step;
use script::{Scenario, Script};
use search::{Lead, exhaust, led, replay, sample};

const FOLDING: Limits = Limits { segments: 0, bytes: 0, fences: 64 };
const ONCE: Script = Script::Holder { rounds: 1, commits: 1 };
const TWICE: Script = Script::Holder { rounds: 1, commits: 2 };

/// A holder sleeps for as long as it likes, wherever it likes, and another takes over. Every close folds the journal.
fn takeover() -> Scenario {
    Scenario {
        name: "takeover",
        actors: vec![TWICE, ONCE],
        before: Some(1),
        ticks: 3,
        faults: 0,
        people: 0,
        limits: FOLDING,
    }
}

/// Nobody sleeps: one after the other, in every order of their calls.
fn handing_over() -> Scenario {
    Scenario { name: "handing_over", actors: vec![ONCE, ONCE], ticks: 0, ..takeover() }
}

/// The same, where only one fence is kept, and the other holder comes twice.
fn forgetful() -> Scenario {
    Scenario {
        name: "forgetful",
        actors: vec![ONCE, Script::Holder { rounds: 2, commits: 1 }],
        limits: Limits { fences: 1, ..FOLDING },
        ..takeover()
    }
}

/// Nobody sleeps, and somebody reads.
fn reading() -> Scenario {
    Scenario {
        name: "reading",
        actors: vec![ONCE, ONCE, Script::Reader(2)],
        ticks: 0,
        ..takeover()
    }
}

/// One holder, and somebody reads.
fn beside() -> Scenario {
    Scenario { name: "beside", actors: vec![ONCE, Script::Reader(1)], ..reading() }
}

/// Two make the stack at once.
fn making() -> Scenario {
    Scenario { name: "making", actors: vec![ONCE, ONCE], before: None, ..takeover() }
}

/// One removes the empty stack, one uses it.
fn removing() -> Scenario {
    Scenario {
        name: "removing",
        actors: vec![Script::Remover, ONCE],
        before: Some(0),
        ..takeover()
    }
}

/// Replies are lost, calls are late, processes die.
fn failing() -> Scenario {
    Scenario { name: "failing", faults: 2, ..takeover() }
}

/// People unlock, delete the table of leases, restore an old one.
fn meddling() -> Scenario {
    Scenario {
        name: "meddling",
        actors: vec![TWICE, TWICE, ONCE],
        faults: 1,
        people: 2,
        ticks: 4,
        ..takeover()
    }
}

/// How many paths of each scenario are gone down, if somebody asks for more than the usual: `full`, or a number.
fn asked() -> Option<u64> {
    match &*std::env::var("INFRA_EXPLORE").ok()? {
        "full" => Some(1_000_000),
        number => Some(number.parse().unwrap()),
    }
}

fn tell(text: &str) {
    // Past the capture of the test harness: how much was looked at is part of the result.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Every path, or the first so many of them.
fn every(scenario: &Scenario, quick: u64) {
    let limit = asked().unwrap_or(quick);
    match exhaust(scenario, None, limit) {
        Err(found) => panic!("{found}"),
        Ok(tally) => {
            let all = if tally.complete { "all there are" } else { "the budget" };
            let (paths, states) = (tally.interleavings, tally.states);
            tell(&format!(
                "{}: explored {paths} interleavings, {states} states ({all})",
                scenario.name
            ));
        }
    }
}

/// So many random paths; a hundred times as many in full.
fn some(scenario: &Scenario, quick: u64) {
    let paths = if asked().is_some() { quick * 100 } else { quick };
    match sample(scenario, None, paths) {
        Err(found) => panic!("{found}"),
        Ok(tally) => {
            let (paths, states) = (tally.interleavings, tally.states);
            tell(&format!("{}: sampled {paths} interleavings, {states} states", scenario.name));
        }
    }
}

#[test]
fn one_comes_after_the_other() {
    every(&handing_over(), 1000);
}

#[test]
fn a_holder_may_sleep_anywhere() {
    every(&takeover(), 80);
    some(&takeover(), 50);
}

#[test]
fn a_holder_may_sleep_longer_than_its_fence_is_kept() {
    some(&forgetful(), 30);
}

#[test]
fn readers_see_all_and_whole() {
    every(&beside(), 600);
    some(&reading(), 40);
}

#[test]
fn two_may_make_a_stack_at_once() {
    every(&making(), 60);
    some(&making(), 40);
}

#[test]
fn a_stack_may_be_removed_while_it_is_used() {
    every(&removing(), 60);
    some(&removing(), 40);
}

#[test]
fn anything_may_fail() {
    some(&failing(), 60);
}

#[test]
fn people_may_meddle() {
    some(&meddling(), 40);
}

/// What is missing is noticed on a path on which the whole protocol holds.
fn caught(mutant: Mutant, scenario: &Scenario, way: &[Lead]) {
    led(scenario, None, way).expect("the protocol as it is");
    match led(scenario, Some(mutant), way) {
        Err(message) => tell(&format!("{mutant:?}: caught, {message}")),
        Ok(()) => panic!("{mutant:?} is not noticed"),
    }
}

const UNLOCK: Lead = Lead::Other(Step::Unlock);
const TICK: Lead = Lead::Other(Step::Tick);

/// The lock is taken from a holder that is about to commit, and all of the next one's run goes by.
const UNLOCKED: [Lead; 4] = [Lead::Segment(0, 2), UNLOCK, Lead::On(1), Lead::On(0)];
/// A holder sleeps when it is about to commit, and all that the next one does goes by.
const ASLEEP: [Lead; 7] =
    [Lead::Segment(0, 2), Lead::On(1), TICK, Lead::On(1), TICK, Lead::On(1), Lead::On(0)];

#[test]
fn that_something_is_missing_is_noticed() {
    caught(Mutant::NoFence, &meddling(), &UNLOCKED);
    caught(Mutant::NoIfNoneMatch, &meddling(), &UNLOCKED);
    caught(Mutant::NoNonce, &meddling(), &UNLOCKED);
    let folds = [Lead::Head(0, 2), UNLOCK, Lead::On(1), Lead::On(0)];
    caught(Mutant::NoIfMatch, &meddling(), &folds);
    caught(Mutant::NoCheckAfterAppend, &forgetful(), &ASLEEP);
    caught(Mutant::ClockStopsInSuspend, &forgetful(), &ASLEEP);
    caught(Mutant::NoWatching, &takeover(), &[Lead::Segment(0, 2), Lead::On(1), Lead::On(0)]);
    let beat = Lead::Other(Step::Grant(0, true));
    let renews = [
        Lead::Segment(0, 2),
        Lead::Calls(1, 2),
        TICK,
        Lead::On(1),
        TICK,
        Lead::Segment(1, 2),
        beat,
        beat,
        Lead::On(0),
    ];
    caught(Mutant::NoNonceInRenew, &takeover(), &renews);
    let frees = [
        Lead::Segment(0, 2),
        Lead::Calls(1, 2),
        TICK,
        Lead::On(1),
        TICK,
        Lead::Segment(1, 2),
        Lead::On(0),
        Lead::On(2),
    ];
    caught(Mutant::NoNonceInFree, &meddling(), &frees);
    let between = [Lead::Calls(2, 1), Lead::On(0), Lead::On(1), Lead::On(2)];
    caught(Mutant::NoSecondLook, &reading(), &between);
    // One is unlocked with two commits to make, the next when it is about to seal.
    let unsealed = [
        Lead::Segment(0, 2),
        UNLOCK,
        Lead::Segment(1, 1),
        Lead::On(0),
        UNLOCK,
        Lead::On(2),
        Lead::On(1),
    ];
    caught(Mutant::NoHeadAfterSeal, &meddling(), &unsealed);
}

#[test]
fn that_fences_are_not_kept_is_noticed() {
    let unkept = Limits { fences: 0, ..FOLDING };
    led(&meddling(), None, &UNLOCKED).expect("the protocol as it is");
    let message = led(&Scenario { limits: unkept, ..meddling() }, None, &UNLOCKED);
    tell(&format!("no fences kept: caught, {}", message.expect_err("it is not noticed")));
}

/// A holder folds the journal and sleeps before it removes what it replaced; another takes over and does the same.
#[test]
fn who_sleeps_while_it_tidies_up_removes_nothing_of_the_next() {
    let way = [
        Lead::Head(0, 2),
        Lead::Calls(0, 1),
        Lead::On(1),
        TICK,
        Lead::On(1),
        TICK,
        Lead::On(1),
        Lead::On(0),
    ];
    led(&takeover(), None, &way).unwrap();
}

/// A holder sleeps before it seals; another takes over, folds the journal, and wakes the first by removing what that
/// is about to read.
#[test]
fn who_sleeps_while_it_seals_hears_of_the_next_and_not_of_damage() {
    let way = [
        Lead::Segment(0, 1),
        UNLOCK,
        Lead::Segment(1, 3),
        Lead::Calls(0, 3),
        Lead::On(1),
        Lead::On(0),
    ];
    led(&meddling(), None, &way).unwrap();
}

fn replays(scenario: &Scenario, steps: &str) {
    if let Err(message) = replay(scenario, None, steps) {
        panic!("{message}");
    }
}

#[test]
fn a_path_that_is_told_can_be_gone_again() {
    let mutant = Some(Mutant::NoWatching);
    let quick = Scenario { ticks: 0, ..takeover() };
    let found = sample(&quick, mutant, 3000).expect_err("two have the lock");
    assert_eq!(replay(&quick, mutant, &found.path()), Err(found.message));
    replays(&takeover(), "a b a a tick b a");
}
