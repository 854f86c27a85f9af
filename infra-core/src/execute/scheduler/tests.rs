//! The scheduler alone, step by step and at random.

use std::collections::BTreeSet;

use infra_state::Value;
use proptest::prelude::*;

use super::*;

/// Steps that wait for the given others.
fn steps(after: &[&[usize]]) -> Vec<Step> {
    let step = |(at, after): (usize, &&[usize])| Step {
        urn: format!("k::s{at}").parse().unwrap(),
        instance: "i".into(),
        action: Action::Create,
        inputs: Value::map().into(),
        outputs: Value::map().into(),
        recorded: None,
        diff: Vec::new(),
        drift: Vec::new(),
        paths: Vec::new(),
        replaces: None,
        why: Vec::new(),
        after: after.iter().copied().map(StepId).collect(),
        data_loss: false,
        record_only: false,
        only_if: None,
        renamed_from: None,
    };
    after.iter().enumerate().map(step).collect()
}

fn start(scheduler: &mut Scheduler) -> Vec<usize> {
    std::iter::from_fn(|| scheduler.next(&mut |_| None)).map(|step| step.0).collect()
}

#[test]
fn a_step_starts_when_all_it_waits_for_is_done() {
    let mut scheduler = Scheduler::new(&steps(&[&[], &[], &[0, 1], &[2]]), 9, false);
    assert_eq!(start(&mut scheduler), [0, 1]);
    scheduler.done(StepId(0));
    assert!(start(&mut scheduler).is_empty());
    scheduler.done(StepId(1));
    assert_eq!(start(&mut scheduler), [2]);
    scheduler.done(StepId(2));
    assert_eq!(start(&mut scheduler), [3]);
    assert!(!scheduler.is_over());
    scheduler.done(StepId(3));
    assert!(scheduler.is_over());
}

#[test]
fn the_longest_chain_goes_first_when_few_may_run() {
    let mut scheduler = Scheduler::new(&steps(&[&[], &[], &[1], &[2]]), 1, false);
    assert_eq!(start(&mut scheduler), [1]);
    scheduler.done(StepId(1));
    assert_eq!(start(&mut scheduler), [2]);
}

#[test]
fn a_failure_skips_what_hangs_on_it_and_nothing_else() {
    let mut scheduler = Scheduler::new(&steps(&[&[], &[], &[0], &[2, 1], &[1]]), 9, false);
    assert_eq!(start(&mut scheduler), [0, 1]);
    assert_eq!(scheduler.failed(StepId(0)), [StepId(2), StepId(3)]);
    scheduler.done(StepId(1));
    assert_eq!(start(&mut scheduler), [4]);
    scheduler.done(StepId(4));
    assert!(scheduler.is_over());
}

#[test]
fn a_failed_delete_can_be_made_to_hold_up_nothing() {
    let mut all = steps(&[&[], &[0], &[0]]);
    all[0].action = Action::Delete;
    all[1].action = Action::Delete;
    let mut strict = Scheduler::new(&all, 9, false);
    assert_eq!(start(&mut strict), [0]);
    assert_eq!(strict.failed(StepId(0)), [StepId(1), StepId(2)]);
    let mut lenient = Scheduler::new(&all, 9, true);
    assert_eq!(start(&mut lenient), [0]);
    assert_eq!(lenient.failed(StepId(0)), [StepId(2)]);
    assert_eq!(start(&mut lenient), [1]);
}

#[test]
fn one_lock_one_step() {
    let mut scheduler = Scheduler::new(&steps(&[&[], &[], &[], &[]]), 9, false);
    let mut lock = |step: StepId| (step.0 < 3).then(|| Lock("zone".to_owned()));
    let mut next = |scheduler: &mut Scheduler| -> Vec<usize> {
        std::iter::from_fn(|| scheduler.next(&mut lock)).map(|step| step.0).collect()
    };
    assert_eq!(next(&mut scheduler), [0, 3]);
    scheduler.failed(StepId(0));
    assert_eq!(next(&mut scheduler), [1]);
    scheduler.done(StepId(1));
    assert_eq!(next(&mut scheduler), [2]);
    scheduler.done(StepId(2));
    scheduler.done(StepId(3));
    assert!(scheduler.is_over());
}

#[test]
fn after_a_stop_nothing_starts() {
    let mut scheduler = Scheduler::new(&steps(&[&[], &[], &[0]]), 1, false);
    assert_eq!(start(&mut scheduler), [0]);
    assert_eq!(scheduler.stop(), [StepId(1), StepId(2)]);
    scheduler.done(StepId(0));
    assert!(start(&mut scheduler).is_empty());
    assert!(scheduler.is_over());
}

/// A random graph: for each step, a duration and what it waits for.
fn graphs() -> impl Strategy<Value = Vec<(u64, Vec<usize>)>> {
    let step = |at: usize| {
        let after = proptest::collection::vec(0..at.max(1), 0..4);
        (1_u64..100, after)
            .prop_map(move |(time, after)| (time, if at == 0 { Vec::new() } else { after }))
    };
    (1_usize..60).prop_flat_map(move |n| (0..n).map(step).collect::<Vec<_>>())
}

/// Runs the graph on simulated time; gives the wall time and the critical path.
fn simulate(graph: &[(u64, Vec<usize>)], limit: usize, fails: &BTreeSet<usize>) -> (u64, u64) {
    let after: Vec<&[usize]> = graph.iter().map(|(_, after)| after.as_slice()).collect();
    let all = steps(&after);
    let mut scheduler = Scheduler::new(&all, limit, false);
    let (mut now, mut ends, mut done) = (0, BTreeSet::new(), BTreeSet::new());
    let mut skipped = BTreeSet::new();
    loop {
        while let Some(step) = scheduler.next(&mut |_| None) {
            for before in &all[step.0].after {
                assert!(done.contains(&before.0), "{step:?} started before {before:?}");
            }
            ends.insert((now + graph[step.0].0, step.0));
            assert!(ends.len() <= limit);
        }
        let Some((end, step)) = ends.pop_first() else { break };
        now = end;
        if fails.contains(&step) {
            skipped.extend(scheduler.failed(StepId(step)));
        } else {
            scheduler.done(StepId(step));
            done.insert(step);
        }
    }
    assert!(scheduler.is_over());
    // What is skipped hangs on a failure; what does not, ran.
    let mut doomed = BTreeSet::new();
    for (at, (_, after)) in graph.iter().enumerate() {
        if after.iter().any(|before| fails.contains(before) || doomed.contains(before)) {
            doomed.insert(at);
        }
    }
    assert_eq!(skipped, doomed.into_iter().map(StepId).collect());
    let mut path = vec![0; graph.len()];
    for (at, (time, after)) in graph.iter().enumerate() {
        path[at] = time + after.iter().map(|before| path[*before]).max().unwrap_or(0);
    }
    (now, path.into_iter().max().unwrap_or(0))
}

proptest! {
    #[test]
    fn without_a_limit_the_critical_path_is_all_it_takes(graph in graphs()) {
        let (wall, path) = simulate(&graph, usize::MAX, &BTreeSet::new());
        prop_assert_eq!(wall, path);
    }

    #[test]
    fn nothing_starts_too_early_whatever_fails(
        graph in graphs(),
        limit in 1_usize..8,
        fails in proptest::collection::btree_set(0_usize..60, 0..5),
    ) {
        let fails = fails.into_iter().filter(|at| *at < graph.len()).collect();
        let (wall, path) = simulate(&graph, limit, &fails);
        let work: u64 = graph.iter().map(|(time, _)| time).sum();
        // Any greedy order: no worse than the work spread out, and the longest chain.
        prop_assert!(wall <= path + work / limit as u64);
    }
}
