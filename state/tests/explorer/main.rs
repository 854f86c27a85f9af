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
//! `cargo test` looks at as much as takes some seconds. `INFRA_EXPLORE=full cargo test --release -p infra-state --test
//! explorer -- --nocapture` looks at all of it.

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
use script::{Scenario, Script};
use run::Step;
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

fn is_full() -> bool {
    std::env::var("INFRA_EXPLORE").is_ok_and(|how| how == "full")
}

fn tell(text: &str) {
    // Past the capture of the test harness: how much was looked at is part of the result.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Every path, or the first so many of them.
fn every(scenario: &Scenario, quick: u64) {
    let limit = if is_full() { u64::MAX } else { quick };
    match exhaust(scenario, None, limit) {
        Err(found) => panic!("{found}"),
        Ok(tally) => {
            let all = if tally.complete { "all there are" } else { "the budget" };
            let (paths, states) = (tally.interleavings, tally.states);
            tell(&format!("{}: explored {paths} interleavings, {states} states ({all})", scenario.name));
        }
    }
}

/// So many random paths; a hundred times as many in full.
fn some(scenario: &Scenario, quick: u64) {
    let paths = if is_full() { quick * 100 } else { quick };
    match sample(scenario, None, paths) {
        Err(found) => panic!("{found}"),
        Ok(tally) => {
            let (paths, states) = (tally.interleavings, tally.states);
            tell(&format!("{}: sampled {paths} interleavings, {states} states", scenario.name));
        }
    }
}

#[test]
fn a_holder_may_sleep_anywhere() {
    every(&takeover(), 300);
    some(&takeover(), 200);
}

#[test]
fn a_holder_may_sleep_longer_than_its_fence_is_kept() {
    some(&forgetful(), 200);
}

#[test]
fn readers_see_all_and_whole() {
    every(&reading(), 300);
    some(&reading(), 150);
}

#[test]
fn two_may_make_a_stack_at_once() {
    every(&making(), 200);
    some(&making(), 150);
}

#[test]
fn a_stack_may_be_removed_while_it_is_used() {
    every(&removing(), 200);
    some(&removing(), 150);
}

#[test]
fn anything_may_fail() {
    some(&failing(), 300);
}

#[test]
fn people_may_meddle() {
    some(&meddling(), 300);
}

/// Random paths find it.
fn caught(mutant: Mutant, scenario: &Scenario) {
    match sample(scenario, Some(mutant), 2000) {
        Err(found) => {
            let (path, name) = (found.after + 1, scenario.name);
            tell(&format!("{mutant:?}: caught by path {path} of {name}"));
        }
        Ok(_) => panic!("{mutant:?} is not noticed in {}", scenario.name),
    }
}

/// The path that it takes is too long to be met by chance.
fn caught_on(mutant: Option<Mutant>, scenario: &Scenario, whole: &Scenario, way: &[Lead]) {
    led(whole, None, way).expect("the protocol as it is");
    let message = led(scenario, mutant, way).expect_err("what is missing is not noticed");
    tell(&format!("{mutant:?} in {}: {message}", scenario.name));
}

#[test]
fn without_fences_it_would_be_noticed() {
    caught(Mutant::NoFence, &takeover());
    // The lock is taken from a holder that is about to write, and all of the next one's run goes by.
    let way = [Lead::Segment(0, 2), Lead::Other(Step::Unlock), Lead::On(1), Lead::On(0)];
    let unkept = Limits { fences: 0, ..FOLDING };
    caught_on(None, &Scenario { limits: unkept, ..meddling() }, &meddling(), &way);
}

#[test]
fn without_conditions_it_would_be_noticed() {
    caught(Mutant::NoIfNoneMatch, &takeover());
    caught(Mutant::NoIfMatch, &takeover());
    caught(Mutant::NoNonce, &takeover());
}

#[test]
fn without_a_clock_it_would_be_noticed() {
    caught(Mutant::ClockStopsInSuspend, &takeover());
    // A holder sleeps while it writes, until its fence was forgotten.
    let tick = Lead::Other(Step::Tick);
    let way = [Lead::Segment(0, 2), Lead::On(1), tick, Lead::On(1), tick, Lead::On(1), Lead::On(0)];
    caught_on(Some(Mutant::NoCheckAfterAppend), &forgetful(), &forgetful(), &way);
}

#[test]
fn without_the_rules_of_the_lease_it_would_be_noticed() {
    caught(Mutant::NoWatching, &takeover());
    caught(Mutant::NoNonceInRenew, &takeover());
    caught(Mutant::NoNonceInFree, &takeover());
}

#[test]
fn without_looking_again_it_would_be_noticed() {
    caught(Mutant::NoSecondLook, &reading());
    // One is unlocked with two commits to make, the next when it is about to seal.
    let unlock = Lead::Other(Step::Unlock);
    let way =
        [Lead::Segment(0, 2), unlock, Lead::Segment(1, 1), Lead::On(0), unlock, Lead::On(2), Lead::On(1)];
    caught_on(Some(Mutant::NoHeadAfterSeal), &meddling(), &meddling(), &way);
}

/// A holder folds the journal and sleeps before it removes what it replaced; another takes over and does the same.
#[test]
fn who_sleeps_while_it_tidies_up_removes_nothing_of_the_next() {
    replays(
        &takeover(),
        "tick a a a a a a a a a a a a a a b b a tick tick b b b b b b b b b b b b b b b b b b b b b b a~ a a~ a a a",
    );
}

fn replays(scenario: &Scenario, steps: &str) {
    if let Err(message) = replay(scenario, steps) {
        panic!("{message}");
    }
}
