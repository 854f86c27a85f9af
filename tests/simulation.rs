//! One seed, one whole run of the real engine and the real state protocol in a fake world.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "simulation/cloud.rs"]
mod cloud;
#[path = "simulation/kinds.rs"]
mod kinds;
#[path = "simulation/ledger.rs"]
mod ledger;
#[path = "simulation/process.rs"]
mod process;
#[path = "simulation/program.rs"]
mod program;
#[path = "simulation/run.rs"]
mod run;
#[path = "simulation/wire.rs"]
mod wire;
#[path = "simulation/world.rs"]
mod world;

use run::{Case, run as simulate};

#[test]
fn seeds() {
    let start = std::time::Instant::now();
    let from: u64 = std::env::var("INFRA_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    let count: u64 = std::env::var("INFRA_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(20);
    let mut bad = 0;
    for seed in from..from + count {
        let ran = simulate(Case { seed, cut: None, tell: count == 1 });
        if count == 1 {
            std::fs::write("/tmp/sim-trace.txt", &ran.trace).unwrap();
        }
        if !ran.wrong.is_empty() {
            bad += 1;
            eprintln!(
                "seed {seed}: {:?}",
                ran.wrong
                    .iter()
                    .take(3)
                    .map(|w| w.chars().take(600).collect::<String>())
                    .collect::<Vec<_>>()
            );
        }
    }
    eprintln!("{count} seeds, {bad} bad, {:?}", start.elapsed());
    assert_eq!(bad, 0);
}
