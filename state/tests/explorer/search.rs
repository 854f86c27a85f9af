//! All paths, or some of them.

use std::{collections::HashSet, fmt};

use super::{
    mutant::Mutant,
    run::{Run, Step},
    script::Scenario,
};

/// How much was looked at.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Tally {
    /// Paths: each ends where nobody goes on, or where another path was already.
    pub(crate) interleavings: u64,
    /// Moments that differ in something.
    pub(crate) states: u64,
    /// Whether there are no others.
    pub(crate) complete: bool,
}

/// A path that breaks a promise.
#[derive(Debug)]
pub(crate) struct Found {
    scenario: &'static str,
    steps: Vec<Step>,
    message: String,
    pub(crate) after: u64,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, steps, message, .. } = self;
        let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
        writeln!(f, "{message}\n\nThe path, as a test:\n")?;
        writeln!(f, "    #[test]\n    fn found() {{\n        replays(&{scenario}(),")?;
        for line in steps.chunks(20) {
            writeln!(f, "            \"{} \\", line.join(" "))?;
        }
        writeln!(f, "            \");\n    }}")
    }
}

fn found(scenario: &Scenario, run: &Run, message: String, after: u64) -> Found {
    Found { scenario: scenario.name, steps: run.steps.clone(), message, after }
}

/// Every path, depth first, up to `limit`. The code cannot be copied in the middle of what it does, so each path
/// begins at the beginning, with the choices of the one before up to where it turns off.
pub(crate) fn exhaust(
    scenario: &Scenario,
    mutant: Option<Mutant>,
    limit: u64,
) -> Result<Tally, Box<Found>> {
    let (mut visited, mut left) = (HashSet::new(), HashSet::new());
    let mut tally = Tally::default();
    let mut path: Vec<(Vec<Step>, usize)> = Vec::new();
    loop {
        if tally.interleavings >= limit {
            tally.states = visited.len() as u64;
            return Ok(tally);
        }
        tally.interleavings += 1;
        let mut run = Run::new(scenario, mutant);
        for (options, at) in &path {
            run.apply(options[*at]);
        }
        loop {
            let told =
                |run: &Run, message| Box::new(found(scenario, run, message, tally.interleavings));
            if !visited.insert(run.fingerprint()) {
                break;
            }
            run.check().map_err(|message| told(&run, message))?;
            let options = run.options();
            let Some(first) = options.first().copied() else {
                if !left.insert(run.remains()) {
                    break;
                }
                let steps = run.steps.clone();
                run.finish().map_err(|message| {
                    Box::new(Found {
                        scenario: scenario.name,
                        steps,
                        message,
                        after: tally.interleavings,
                    })
                })?;
                break;
            };
            path.push((options, 0));
            run.apply(first);
        }
        while let Some((options, at)) = path.last_mut() {
            *at += 1;
            if *at < options.len() {
                break;
            }
            path.pop();
        }
        if path.is_empty() {
            tally.states = visited.len() as u64;
            tally.complete = true;
            return Ok(tally);
        }
    }
}

/// Random numbers that are the same every time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }
}

/// Random paths. One actor goes on as long as it likes before another has a turn: most of what goes wrong needs few
/// turns, but long ones.
pub(crate) fn sample(
    scenario: &Scenario,
    mutant: Option<Mutant>,
    paths: u64,
) -> Result<Tally, Box<Found>> {
    let mut visited = HashSet::new();
    for number in 0..paths {
        let mut dice = Dice(number);
        let mut run = Run::new(scenario, mutant);
        let mut order: Vec<usize> = (0..scenario.actors.len()).collect();
        loop {
            if visited.insert(run.fingerprint()) {
                run.check().map_err(|message| Box::new(found(scenario, &run, message, number)))?;
            }
            let options = run.options();
            if options.is_empty() {
                break;
            }
            if dice.below(12) == 0 {
                let turn = dice.below(order.len());
                order.swap(0, turn);
            }
            let granted = order.iter().find_map(|actor| {
                let beat = dice.below(4) == 0;
                let wanted = [Step::Grant(*actor, beat), Step::Grant(*actor, !beat)];
                wanted.into_iter().find(|step| options.contains(step))
            });
            let others: Vec<Step> =
                options.iter().copied().filter(|step| !matches!(step, Step::Grant(..))).collect();
            let ticks = others.contains(&Step::Tick) && (granted.is_none() || dice.below(14) == 0);
            let step = match granted {
                _ if ticks => Step::Tick,
                Some(step) if others.is_empty() || dice.below(20) != 0 => step,
                _ if others.is_empty() => break,
                _ => others[dice.below(others.len())],
            };
            run.apply(step);
        }
        let steps = run.steps.clone();
        run.finish().map_err(|message| {
            Box::new(Found { scenario: scenario.name, steps, message, after: number })
        })?;
    }
    Ok(Tally { interleavings: paths, states: visited.len() as u64, complete: false })
}

/// One path, as it was printed.
pub(crate) fn replay(scenario: &Scenario, steps: &str) -> Result<(), String> {
    let mut run = Run::new(scenario, None);
    for step in steps.split_whitespace() {
        let step: Step = step.parse()?;
        if !run.options().contains(&step) {
            return Err(format!("{step} is not possible there: {:?}", run.options()));
        }
        run.apply(step);
        run.check()?;
    }
    run.finish()
}
