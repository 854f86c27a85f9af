//! Where everything goes: layers from left to right, scopes as lanes from top to bottom.
//!
//! A resource is one layer to the right of the last thing it needs. A scope is a lane that nothing else enters, so
//! scopes never overlap. An arrow over several layers is bent around boxes by a bend in each layer it crosses.

use std::collections::BTreeMap;

use super::{
    order,
    picture::{Picture, scope},
    place,
};

/// What stands in a layer: a box, or a bend of an arrow.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The box; `None` for a bend.
    pub(super) of: Option<usize>,
    pub(super) layer: usize,
    pub(super) lane: usize,
    /// The middle of it.
    pub(super) y: f64,
    /// The items of the next layer that it is joined to.
    pub(super) next: Vec<usize>,
    /// The items of the layer before that it is joined to.
    pub(super) before: Vec<usize>,
}

impl Item {
    /// How much room it takes from top to bottom.
    pub(super) fn height(&self) -> f64 {
        if self.of.is_some() { BOX.1 + GAP } else { BEND }
    }
}

/// A scope's lane.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// The scope; `None` for what is in no scope.
    pub(super) scope: Option<String>,
    pub(super) top: f64,
    pub(super) height: f64,
}

/// The width and height of a box.
pub(super) const BOX: (f64, f64) = (176.0, 36.0);
/// Between two boxes of a layer.
const GAP: f64 = 10.0;
/// The room that a bend takes.
const BEND: f64 = 12.0;
/// Between two layers.
pub(super) const BETWEEN: f64 = 84.0;
/// Between two lanes, the scope's name included.
pub(super) const BETWEEN_LANES: f64 = 44.0;

/// Everything with its place.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Boxes first, in their order in the picture, then bends.
    pub(super) items: Vec<Item>,
    pub(super) lanes: Vec<Lane>,
    /// Each arrow as the items it goes through.
    pub(super) routes: Vec<Vec<usize>>,
    pub(super) layers: usize,
}

/// Lays the picture out. The same picture always gets the same layout.
pub(super) fn layout(picture: &Picture) -> Layout {
    let arrows = picture.essential();
    let layer = layers(picture.boxes.len(), &arrows);
    let mut names: Vec<Option<&str>> = picture.boxes.iter().map(|one| scope(&one.urn)).collect();
    names.sort_unstable();
    names.dedup();
    let number: BTreeMap<_, _> = names.iter().enumerate().map(|(at, name)| (*name, at)).collect();
    let lanes =
        names.iter().map(|name| Lane { scope: name.map(str::to_owned), top: 0.0, height: 0.0 });
    let items = picture.boxes.iter().enumerate().map(|(at, one)| Item {
        of: Some(at),
        layer: layer[at],
        lane: number[&scope(&one.urn)],
        y: 0.0,
        next: Vec::new(),
        before: Vec::new(),
    });
    let mut layout = Layout {
        items: items.collect(),
        lanes: lanes.collect(),
        routes: Vec::new(),
        layers: layer.iter().max().map_or(0, |last| last + 1),
    };
    for (from, to) in arrows {
        layout.route(from, to);
    }
    let order = order::order(&mut layout);
    place::place(&mut layout, &order);
    layout
}

impl Layout {
    /// Joins two boxes, with a bend in each layer between them. The bends run in the lane of the longer stay: an
    /// arrow leaves its lane at once and runs where it is going.
    fn route(&mut self, from: usize, to: usize) {
        let mut route = vec![from];
        let lane = self.items[to].lane;
        for layer in self.items[from].layer + 1..self.items[to].layer {
            let bend = self.items.len();
            self.items.push(Item {
                of: None,
                layer,
                lane,
                y: 0.0,
                next: Vec::new(),
                before: Vec::new(),
            });
            route.push(bend);
        }
        route.push(to);
        for pair in route.windows(2) {
            self.items[pair[0]].next.push(pair[1]);
            self.items[pair[1]].before.push(pair[0]);
        }
        self.routes.push(route);
    }
}

/// The longest way to each box; then everything moves right as far as what needs it allows, if that shortens arrows.
fn layers(boxes: usize, arrows: &[(usize, usize)]) -> Vec<usize> {
    let mut layer = vec![0_usize; boxes];
    let mut needs = vec![Vec::new(); boxes];
    let mut needed = vec![Vec::new(); boxes];
    for (from, to) in arrows {
        needs[*to].push(*from);
        needed[*from].push(*to);
    }
    // Every round settles at least one more layer; a graph has no cycle, and a picture that had one would still end.
    for _ in 0..boxes {
        let mut moved = false;
        for (from, to) in arrows {
            if layer[*to] <= layer[*from] {
                layer[*to] = layer[*from] + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    // What needs nothing (or little) stands next to what needs it.
    let mut order: Vec<usize> = (0..boxes).collect();
    order.sort_by_key(|at| std::cmp::Reverse(layer[*at]));
    for at in order {
        let nearest = needed[at].iter().map(|to| layer[*to]).min();
        if let Some(nearest) = nearest
            && needed[at].len() > needs[at].len()
            && nearest > layer[at] + 1
        {
            layer[at] = nearest - 1;
        }
    }
    layer
}
