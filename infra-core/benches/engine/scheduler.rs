//! Timed resources in random graphs: how close the wall time of an `up` comes to the critical path.

use infra_core::{App, Stack, prelude::*};

use crate::{
    noop::{Connect, Thing},
    table::say,
};

const COUNT: usize = 200;

/// A graph: how long each resource takes in milliseconds, and which earlier one it waits for.
struct Timed(Vec<(u32, Vec<usize>)>);

impl Timed {
    fn random(seed: u64) -> Self {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap_or(0)
        };
        let resource = |at: usize| {
            let takes = u32::try_from(50 + next(450)).unwrap_or(50);
            let parents = if at == 0 { 0 } else { next(4) };
            // Parents lie among the last 60, so that the graph is deep as well as wide.
            let near = at.min(60);
            (takes, (0..parents).map(|_| at - 1 - next(near)).collect())
        };
        Self((0..COUNT).map(resource).collect())
    }

    /// The longest chain, in milliseconds.
    fn critical(&self) -> u32 {
        let mut ends: Vec<u32> = Vec::new();
        for (takes, parents) in &self.0 {
            let start = parents.iter().map(|&parent| ends[parent]).max().unwrap_or(0);
            ends.push(start + takes);
        }
        ends.into_iter().max().unwrap_or(0)
    }

    fn declare(&self, stack: &mut Stack) {
        let mut made: Vec<Handle<Thing>> = Vec::new();
        for (at, (takes, parents)) in self.0.iter().enumerate() {
            let parents: Vec<_> = parents.iter().map(|&parent| &made[parent]).collect();
            let thing = Thing::new("timed").takes(*takes).depends_on(parents);
            made.push(stack.add(format!("thing-{at}"), thing));
        }
    }
}

/// Runs three graphs and prints wall time over critical path.
pub(crate) fn table() {
    say("| timed graph | critical path | wall | wall over critical path |");
    say("|---|---|---|---|");
    for seed in 1..=3 {
        let graph = std::sync::Arc::new(Timed::random(seed));
        let critical = graph.critical();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = format!("file:{}", folder.path().join("state").display());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let app = App::new("bench").cloud("noop", Connect);
        let key = format!("file:{}", folder.path().join("key").display());
        let mut settings = infra_core::config::Settings::new("dev").cloud("noop").state(state);
        settings.key = Some(key);
        let program = move |stack: &mut Stack| {
            graph.declare(stack);
            Ok(())
        };
        let wall = runtime.block_on(async {
            let engine = app.engine(&settings, program).await.expect("the engine");
            let begin = std::time::Instant::now();
            let options = infra_core::command::UpOptions::default();
            infra_core::command::up(&engine, &options, &infra_core::command::Confirmed)
                .await
                .expect("up");
            begin.elapsed()
        });
        let ratio = wall.as_secs_f64() * 1000.0 / f64::from(critical);
        let wall = wall.as_secs_f64();
        say(format!(
            "| {COUNT} resources, seed {seed} | {:.3} s | {wall:.3} s | {ratio:.3} |",
            f64::from(critical) / 1000.0
        ));
    }
}
