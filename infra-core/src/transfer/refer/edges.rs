//! Who refers to whom, by number: whether one more reference would close a circle.

use std::collections::HashSet;

/// Who refers to whom.
#[derive(Default)]
pub(super) struct Edges {
    to: Vec<Vec<usize>>,
    from: Vec<Vec<usize>>,
}

impl Edges {
    /// No edges among so many.
    pub(super) fn among(count: usize) -> Self {
        Self { to: vec![Vec::new(); count], from: vec![Vec::new(); count] }
    }

    /// One more.
    pub(super) fn add(&mut self, from: usize, to: usize) {
        if !self.to[from].contains(&to) {
            self.to[from].push(to);
            self.from[to].push(from);
        }
    }

    /// Whether `from` leads to `to`. Both ends are searched from, as far as the side with less in it goes.
    pub(super) fn reach(&self, from: usize, to: usize) -> bool {
        if from == to {
            return true;
        }
        let mut ahead = Search::of(from);
        let mut back = Search::of(to);
        loop {
            match ahead.step(&self.to, to) {
                Some(true) => return true,
                Some(false) => {}
                None => return false,
            }
            match back.step(&self.from, from) {
                Some(true) => return true,
                Some(false) => {}
                None => return false,
            }
        }
    }

    /// Everything that `from` leads to, and itself.
    pub(super) fn reached(&self, from: usize) -> HashSet<usize> {
        let mut search = Search::of(from);
        while let Some(next) = search.open.pop() {
            search.meet(&self.to[next]);
        }
        search.met
    }
}

/// One side of a search.
struct Search {
    open: Vec<usize>,
    met: HashSet<usize>,
}

impl Search {
    fn of(start: usize) -> Self {
        Self { open: vec![start], met: [start].into() }
    }

    /// One step: whether `wanted` is met; nothing where no step is left.
    fn step(&mut self, edges: &[Vec<usize>], wanted: usize) -> Option<bool> {
        let next = self.open.pop()?;
        self.meet(&edges[next]);
        Some(self.met.contains(&wanted))
    }

    fn meet(&mut self, all: &[usize]) {
        self.open.extend(all.iter().copied().filter(|at| self.met.insert(*at)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_ends_find_what_one_finds(
            edges in proptest::collection::vec((0..12_usize, 0..12_usize), 0..30),
        ) {
            let mut all = Edges::among(12);
            for (from, to) in edges {
                all.add(from, to);
            }
            for from in 0..12 {
                let reached = all.reached(from);
                for to in 0..12 {
                    prop_assert_eq!(all.reach(from, to), reached.contains(&to), "{} {}", from, to);
                }
            }
        }
    }
}
