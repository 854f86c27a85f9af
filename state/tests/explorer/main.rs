//! Every order in which things can happen between holders of one lock, or a great many of them.

mod exchange;
mod gate;
mod mutant;
mod promise;
mod run;
mod script;
mod search;

use infra_state::Limits;
use script::{Scenario, Script};

fn takeover() -> Scenario {
    Scenario {
        name: "takeover",
        actors: vec![
            Script::Holder { rounds: 1, commits: 2 },
            Script::Holder { rounds: 1, commits: 1 },
        ],
        before: Some(1),
        ticks: 3,
        faults: 0,
        people: 0,
        limits: Limits { segments: 0, bytes: 0, fences: 64 },
    }
}

fn env(name: &str, or: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(or)
}
fn tuned() -> Scenario {
    let s = takeover();
    Scenario {
        ticks: env("T", 3) as usize,
        faults: env("F", 0) as usize,
        people: env("P", 0) as usize,
        limits: Limits { fences: env("FENCES", 64) as usize, ..s.limits },
        ..s
    }
}
#[test]
fn takeovers() {
    let start = std::time::Instant::now();
    match search::exhaust(&tuned(), None, env("N", 500)) {
        Ok(tally) => println!("{tally:?} {:?}", start.elapsed()),
        Err(found) => panic!("{found}"),
    }
}
#[test]
fn sampled() {
    let start = std::time::Instant::now();
    match search::sample(&tuned(), None, env("N", 500)) {
        Ok(tally) => println!("{tally:?} {:?}", start.elapsed()),
        Err(found) => panic!("{found}"),
    }
}
