//! In which order things stand in a layer, so that few arrows cross.

use std::collections::BTreeMap;

use super::layout::Layout;

/// The items of each layer, by lane and then by place in the lane.
pub(super) type Order = Vec<Vec<usize>>;

/// Lanes by how they hang together, then items by the middle of what they are joined to (barycenter), forth and back.
pub(super) fn order(layout: &mut Layout) -> Order {
    lanes(layout);
    let mut order: Order = vec![Vec::new(); layout.layers];
    for (at, item) in layout.items.iter().enumerate() {
        order[item.layer].push(at);
    }
    let by_lane = |layer: &mut Vec<usize>| layer.sort_by_key(|at| layout.items[*at].lane);
    order.iter_mut().for_each(by_lane);
    let mut best = (crossings(layout, &order), order.clone());
    for round in 0..24 {
        let forth = round % 2 == 0;
        let mut at = positions(&order);
        let layers: Vec<usize> = if forth {
            (1..order.len()).collect()
        } else {
            (0..order.len().saturating_sub(1)).rev().collect()
        };
        for layer in layers {
            let middle = |item: usize| {
                let item_ref = &layout.items[item];
                let neighbours = if forth { &item_ref.before } else { &item_ref.next };
                if neighbours.is_empty() {
                    return at[&item];
                }
                neighbours.iter().map(|n| at[n]).sum::<f64>() / count(neighbours.len())
            };
            let mut keyed: Vec<(usize, f64, usize)> = order[layer]
                .iter()
                .map(|item| (layout.items[*item].lane, middle(*item), *item))
                .collect();
            keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            order[layer] = keyed.into_iter().map(|(_, _, item)| item).collect();
            at.extend(spread(&order[layer]));
        }
        let now = crossings(layout, &order);
        if now < best.0 {
            best = (now, order.clone());
        }
    }
    best.1
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "no picture has 2^52 boxes")]
pub(super) fn count(n: usize) -> f64 {
    n as f64
}

/// Where each item of a layer stands, from 0 to 1, so that layers of different length compare.
fn spread(layer: &[usize]) -> Vec<(usize, f64)> {
    let place = |(at, item): (usize, &usize)| (*item, (count(at) + 0.5) / count(layer.len()));
    layer.iter().enumerate().map(place).collect()
}

fn positions(order: &Order) -> BTreeMap<usize, f64> {
    order.iter().flat_map(|layer| spread(layer)).collect()
}

/// Numbers the lanes anew: by the middle of the layers of what is in them and of what they are joined to.
fn lanes(layout: &mut Layout) {
    let lanes = layout.lanes.len();
    let mut joined = vec![vec![0_usize; lanes]; lanes];
    for item in &layout.items {
        for next in &item.next {
            let other = layout.items[*next].lane;
            joined[item.lane][other] += 1;
            joined[other][item.lane] += 1;
        }
    }
    // Begin with the lane that is joined least (an end), go on with the one that is joined most to those placed.
    let total = |lane: usize| {
        joined[lane].iter().enumerate().filter(|(o, _)| *o != lane).map(|(_, n)| n).sum::<usize>()
    };
    let mut left: Vec<usize> = (0..lanes).collect();
    let mut placed: Vec<usize> = Vec::new();
    while !left.is_empty() {
        let key = |lane: &usize| {
            // Near ones count more: a lane stands beside the one it belongs to.
            let near: usize = placed
                .iter()
                .rev()
                .enumerate()
                .map(|(d, p)| joined[*lane][*p] * 12 / (d + 1))
                .sum();
            (near, usize::MAX - total(*lane), usize::MAX - lane)
        };
        let Some(next) = left.iter().copied().max_by_key(key) else { break };
        left.retain(|lane| *lane != next);
        placed.push(next);
    }
    let number: BTreeMap<usize, usize> =
        placed.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    layout.lanes = placed.iter().map(|old| layout.lanes[*old].clone()).collect();
    for item in &mut layout.items {
        item.lane = number[&item.lane];
    }
}

/// How many pairs of arrows cross between neighbouring layers.
fn crossings(layout: &Layout, order: &Order) -> usize {
    let mut crossings = 0;
    for pair in order.windows(2) {
        let place: BTreeMap<usize, usize> =
            pair[1].iter().enumerate().map(|(at, item)| (*item, at)).collect();
        let mut ends = Vec::new();
        for item in &pair[0] {
            let mut next: Vec<usize> = layout.items[*item].next.iter().map(|n| place[n]).collect();
            next.sort_unstable();
            crossings += next
                .iter()
                .map(|end| ends.iter().filter(|other| *other > end).count())
                .sum::<usize>();
            ends.extend(next);
        }
    }
    crossings
}
