//! The order of a graph: what is used comes before what uses it.

use std::{cmp::Reverse, collections::BinaryHeap};

use petgraph::{
    algo::tarjan_scc,
    graph::{DiGraph, NodeIndex},
};

/// An order of `0..count` in which each comes after all it needs, the smallest first among those that are ready; or
/// the cycles that make it impossible, each in the order in which its members need each other.
pub(crate) fn order(
    count: usize,
    needs: impl Fn(usize) -> Vec<usize>,
) -> Result<Vec<usize>, Vec<Vec<usize>>> {
    let mut graph = DiGraph::<(), (), usize>::with_capacity(count, count);
    for _ in 0..count {
        graph.add_node(());
    }
    let mut missing = vec![0_usize; count];
    for (at, missing) in missing.iter_mut().enumerate() {
        for need in needs(at) {
            graph.add_edge(NodeIndex::new(need), NodeIndex::new(at), ());
            *missing += 1;
        }
    }
    let mut ready: BinaryHeap<_> = (0..count).filter(|&at| missing[at] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(Reverse(at)) = ready.pop() {
        order.push(at);
        for next in graph.neighbors(NodeIndex::new(at)) {
            missing[next.index()] -= 1;
            if missing[next.index()] == 0 {
                ready.push(Reverse(next.index()));
            }
        }
    }
    if order.len() == count {
        return Ok(order);
    }
    let is_cycle = |of: &Vec<NodeIndex<usize>>| of.len() > 1 || graph.contains_edge(of[0], of[0]);
    let mut cycles: Vec<_> =
        tarjan_scc(&graph).iter().filter(|of| is_cycle(of)).map(|of| cycle(&graph, of)).collect();
    cycles.sort();
    Err(cycles)
}

/// One cycle within a strongly connected component, from its smallest member on.
fn cycle(graph: &DiGraph<(), (), usize>, component: &[NodeIndex<usize>]) -> Vec<usize> {
    let mut path = Vec::new();
    let mut at = component.iter().min().copied().unwrap_or_default();
    // Inside a component every member needs another member, so following needs must come back to where it was.
    while !path.contains(&at) {
        path.push(at);
        let needs = graph.neighbors_directed(at, petgraph::Direction::Incoming);
        at = needs.filter(|next| component.contains(next)).min().unwrap_or(at);
    }
    let start = path.iter().position(|member| *member == at).unwrap_or_default();
    path[start..].iter().map(|member| member.index()).collect()
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn the_smallest_of_those_that_are_ready_comes_first() {
        let needs = |at: usize| [vec![3], vec![], vec![1, 0], vec![]][at].clone();
        assert_eq!(order(4, needs).unwrap(), [1, 3, 0, 2]);
    }

    #[test]
    fn every_cycle_is_named() {
        let needs = |at: usize| [vec![1], vec![2], vec![0], vec![3], vec![0]][at].clone();
        assert_eq!(order(5, needs).unwrap_err(), [vec![0, 1, 2], vec![3]]);
    }
}
