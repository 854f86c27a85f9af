//! How high each thing stands, given the order: as near as possible to what it is joined to.

use super::{
    layout::{BETWEEN_LANES, Layout},
    order::{Order, count},
};

/// Sets the heights of lanes and items.
pub(super) fn place(layout: &mut Layout, order: &Order) {
    let cells = cells(layout, order);
    for cell in &cells {
        let height: f64 = cell.iter().map(|item| layout.items[*item].height()).sum();
        let lane = &mut layout.lanes[layout.items[cell[0]].lane];
        lane.height = lane.height.max(height);
    }
    let mut top = 0.0;
    for lane in &mut layout.lanes {
        lane.top = top;
        top += lane.height + BETWEEN_LANES;
    }
    for cell in &cells {
        let lane = &layout.lanes[layout.items[cell[0]].lane];
        let middle = lane.top + lane.height / 2.0;
        settle(layout, cell, &vec![middle; cell.len()]);
    }
    for round in 0..16 {
        let forth = round % 2 == 0;
        let wanted = |layout: &Layout, item: usize| {
            let item = &layout.items[item];
            let (first, second) =
                if forth { (&item.before, &item.next) } else { (&item.next, &item.before) };
            // The last rounds look both ways.
            let both: Vec<usize> = if round < 12 && !first.is_empty() {
                first.clone()
            } else {
                first.iter().chain(second).copied().collect()
            };
            if both.is_empty() {
                return item.y;
            }
            both.iter().map(|n| layout.items[*n].y).sum::<f64>() / count(both.len())
        };
        let mut cells: Vec<&Vec<usize>> = cells.iter().collect();
        if !forth {
            cells.reverse();
        }
        for cell in cells {
            let wanted: Vec<f64> = cell.iter().map(|item| wanted(layout, *item)).collect();
            settle(layout, cell, &wanted);
        }
    }
}

/// What stands together: one lane in one layer.
fn cells(layout: &Layout, order: &Order) -> Vec<Vec<usize>> {
    let mut cells: Vec<Vec<usize>> = Vec::new();
    for layer in order {
        for item in layer {
            let fits = cells.last().is_some_and(|cell: &Vec<usize>| {
                let (a, b) = (&layout.items[cell[0]], &layout.items[*item]);
                (a.layer, a.lane) == (b.layer, b.lane)
            });
            match cells.last_mut().filter(|_| fits) {
                Some(cell) => cell.push(*item),
                None => cells.push(vec![*item]),
            }
        }
    }
    cells
}

/// Places the items of a cell in their order, without overlap, inside their lane, with the least squared distance
/// from where they want to be (pool adjacent violators).
fn settle(layout: &mut Layout, cell: &[usize], wanted: &[f64]) {
    let heights: Vec<f64> = cell.iter().map(|item| layout.items[*item].height()).collect();
    // Take the room of those above away, and what is left to say is: never smaller than the one before.
    let mut above = 0.0;
    let mut offsets = Vec::new();
    let mut blocks: Vec<(f64, f64)> = Vec::new();
    for (wanted, height) in wanted.iter().zip(&heights) {
        let offset = above + height / 2.0;
        above += height;
        offsets.push(offset);
        blocks.push((wanted - offset, 1.0));
        while let [.., (a, n), (b, m)] = blocks[..]
            && a > b
        {
            blocks.truncate(blocks.len() - 2);
            blocks.push(((a * n + b * m) / (n + m), n + m));
        }
    }
    let lane = &layout.lanes[layout.items[cell[0]].lane];
    let (least, most) = (lane.top, lane.top + (lane.height - above).max(0.0));
    let mut at = 0;
    for (value, n) in blocks {
        let mut n = n;
        while n > 0.5 && at < cell.len() {
            layout.items[cell[at]].y = value.clamp(least, most) + offsets[at];
            at += 1;
            n -= 1.0;
        }
    }
}
