//! Large graphs stay plannable: linear work and shared values.

use super::{
    fake::{Program, lit, out},
    world::World,
};
use crate::graph::Expr;

/// Layers of 100, each resource depending on one of the layer before.
fn layers(count: usize) -> Program {
    (0..count).fold(Program::new(), |program, at| {
        let links = at.checked_sub(100).map(|before| out(&format!("n{before}"), "id"));
        program.add(
            &format!("n{at}"),
            [("size", lit(1)), ("links", Expr::List(links.into_iter().collect()))],
        )
    })
}

#[test]
fn a_thousand_layers_are_no_deeper_than_one() {
    let graph = layers(3_000).build();
    let mut world = World::new();
    let plan = world.up(&graph);
    assert_eq!(plan.steps.len(), 3_001);
    assert!(plan.steps.iter().all(|step| step.why.len() <= 9 && step.after.len() <= 2));
    world.settled(&graph);
    world.options.destroy = true;
    world.up(&graph);
    assert!(world.objects.is_empty());
}
