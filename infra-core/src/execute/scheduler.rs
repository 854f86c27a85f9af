//! Which step may start when: a state machine without clock, IO or randomness.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
};

use crate::{
    plan::{Action, Step, StepId},
    provider::Lock,
};

/// Decides what starts next. The caller starts it, and says how it ended.
///
/// **Invariant:** a step starts only after every step it waits for ended well; no more run at once than allowed; of
/// the steps with one lock, one runs at a time. The same answers in the same order give the same run.
///
/// What a failed step holds up is skipped, nothing else: the rest is finished. With `go_on`, a *delete* that failed
/// holds up nothing: the deletes that wait for it are tried, and the cloud decides.
#[derive(Debug)]
pub struct Scheduler {
    states: Vec<State>,
    /// How many of the steps it waits for have not ended.
    missing: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    deletes: Vec<bool>,
    /// Ready steps: those with the longest chain behind them first, then in the order of the plan.
    ready: BinaryHeap<(usize, Reverse<usize>)>,
    /// The longest chain of steps behind each step.
    chain: Vec<usize>,
    locks: HashMap<Lock, VecDeque<usize>>,
    holds: HashMap<usize, Lock>,
    limit: usize,
    running: usize,
    /// Steps that are neither done, failed nor skipped.
    left: usize,
    stopped: bool,
    go_on: bool,
}

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    /// It may run but another step has its lock.
    Locked,
    Running,
    Ended,
}

impl Scheduler {
    /// A run of these steps, at most `limit` (at least one) at once.
    pub fn new(steps: &[Step], limit: usize, go_on: bool) -> Self {
        let mut dependents = vec![Vec::new(); steps.len()];
        for (at, step) in steps.iter().enumerate() {
            for before in &step.after {
                dependents[before.0].push(at);
            }
        }
        let mut chain = vec![0; steps.len()];
        // Steps come after those they wait for, so the chains are known from the end.
        for at in (0..steps.len()).rev() {
            let behind = dependents[at].iter().map(|&next| chain[next]).max();
            let own = usize::from(steps[at].action != Action::Keep);
            chain[at] = behind.unwrap_or(0) + own;
        }
        let missing: Vec<_> = steps.iter().map(|step| step.after.len()).collect();
        let free = missing.iter().enumerate().filter(|(_, missing)| **missing == 0);
        Self {
            states: vec![State::Waiting; steps.len()],
            ready: free.map(|(at, _)| (chain[at], Reverse(at))).collect(),
            deletes: steps
                .iter()
                .map(|step| {
                    matches!(step.action, Action::Delete | Action::DeleteOld | Action::Forget)
                })
                .collect(),
            missing,
            dependents,
            chain,
            locks: HashMap::new(),
            holds: HashMap::new(),
            limit: limit.max(1),
            running: 0,
            left: steps.len(),
            stopped: false,
            go_on,
        }
    }

    /// The next step to start now, if there is one. `lock` is asked once for each step, when all it waits for has
    /// ended.
    pub fn next(&mut self, lock: &mut dyn FnMut(StepId) -> Option<Lock>) -> Option<StepId> {
        while self.running < self.limit && !self.stopped {
            let (_, Reverse(at)) = self.ready.pop()?;
            // Who was given the lock already is not asked again.
            if !self.holds.contains_key(&at)
                && let Some(lock) = lock(StepId(at))
            {
                if let Some(queue) = self.locks.get_mut(&lock) {
                    queue.push_back(at);
                    self.states[at] = State::Locked;
                    continue;
                }
                self.locks.insert(lock.clone(), VecDeque::new());
                self.holds.insert(at, lock);
            }
            self.states[at] = State::Running;
            self.running += 1;
            return Some(StepId(at));
        }
        None
    }

    /// A step that was started ended well.
    pub fn done(&mut self, step: StepId) {
        self.end(step.0);
        self.release(step.0);
    }

    /// A step that was started failed. Gives what is skipped because of it, in the order of the plan.
    pub fn failed(&mut self, step: StepId) -> Vec<StepId> {
        self.end(step.0);
        let mut skipped = Vec::new();
        if self.go_on && self.deletes[step.0] {
            let (goes, stays): (Vec<_>, Vec<_>) =
                self.dependents[step.0].iter().partition(|&&next| self.deletes[next]);
            for next in goes {
                self.freed(next);
            }
            self.skip(stays, &mut skipped);
        } else {
            self.skip(self.dependents[step.0].clone(), &mut skipped);
        }
        skipped.sort_unstable();
        skipped
    }

    /// From now on nothing starts. Gives what never will.
    pub fn stop(&mut self) -> Vec<StepId> {
        self.stopped = true;
        let open = |at: &usize| matches!(self.states[*at], State::Waiting | State::Locked);
        let skipped: Vec<_> = (0..self.states.len()).filter(open).collect();
        for &at in &skipped {
            self.states[at] = State::Ended;
            self.left -= 1;
        }
        skipped.into_iter().map(StepId).collect()
    }

    /// Whether every step ended or was skipped.
    pub fn is_over(&self) -> bool {
        self.left == 0
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.running
    }

    fn end(&mut self, at: usize) {
        debug_assert_eq!(self.states[at], State::Running, "step {at} ended without running");
        self.states[at] = State::Ended;
        self.running -= 1;
        self.left -= 1;
        if let Some(lock) = self.holds.remove(&at) {
            self.pass_on(lock);
        }
    }

    /// Gives the lock to the next one that waits for it.
    fn pass_on(&mut self, lock: Lock) {
        let Some(queue) = self.locks.get_mut(&lock) else { return };
        while let Some(next) = queue.pop_front() {
            if self.states[next] == State::Locked {
                self.states[next] = State::Waiting;
                self.holds.insert(next, lock);
                self.ready.push((self.chain[next], Reverse(next)));
                return;
            }
        }
        self.locks.remove(&lock);
    }

    fn release(&mut self, at: usize) {
        for next in std::mem::take(&mut self.dependents[at]) {
            self.freed(next);
        }
    }

    /// One of the steps that `at` waits for has ended.
    fn freed(&mut self, at: usize) {
        self.missing[at] -= 1;
        if self.missing[at] == 0 && self.states[at] == State::Waiting {
            self.ready.push((self.chain[at], Reverse(at)));
        }
    }

    fn skip(&mut self, first: Vec<usize>, skipped: &mut Vec<StepId>) {
        let mut todo = first;
        while let Some(at) = todo.pop() {
            if self.states[at] == State::Waiting {
                self.states[at] = State::Ended;
                self.left -= 1;
                skipped.push(StepId(at));
                todo.extend_from_slice(&self.dependents[at]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
