//! Plans in files.

use infra_state::{LocalKey, Position, Value};

use super::{
    change::links,
    fake::{Program, lit},
    world::World,
};
use crate::{ErrorKind, graph::Graph, plan::saved::SavedPlan};

fn program(fixed: &str) -> Graph {
    Program::new()
        .add("fake:Solo::a", [("fixed", lit(fixed))])
        .add(
            "b",
            [
                ("password", lit(Value::from("geheim").secret())),
                ("roots", links(&[("fake:Solo::a", "id")])),
            ],
        )
        .build()
}

#[tokio::test]
async fn a_plan_comes_back_as_it_was_and_only_where_it_belongs() {
    let mut world = World::new();
    world.up(&program("x"));
    let graph = program("y");
    let plan = world.plan(&graph).unwrap();
    let saved = SavedPlan {
        program: "p".into(),
        graph: graph.hash(),
        position: Position::default(),
        destroy: false,
        plan: plan.clone(),
    };
    let sealer = LocalKey::from_bytes([7; 32]);
    let bytes = saved.to_bytes(&sealer).await.unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("geheim"));
    let read = async |program: &str, graph: Graph| {
        SavedPlan::from_bytes(&bytes, &sealer, program, &graph, Position::default()).await
    };
    let back = read("p", graph.clone()).await.unwrap();
    assert_eq!(back.plan.steps, plan.steps);
    assert_eq!(back.plan.hints, plan.hints);
    assert_eq!(read("q", graph.clone()).await.unwrap_err().kind(), ErrorKind::PlanStale);
    assert_eq!(read("p", program("z")).await.unwrap_err().kind(), ErrorKind::PlanStale);
    world.apply(&graph, &back.plan, |_| true);
    world.settled(&graph);
}
