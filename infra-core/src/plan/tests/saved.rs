//! Plans in files.

use std::sync::Arc;

use infra_state::{LocalKey, Memory, Position, StackName, State, Value};

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
    let name = |stack: &str| StackName::new("p", stack).unwrap();
    let saved = SavedPlan {
        stack: name("dev"),
        program: "p".into(),
        graph: graph.hash(),
        position: Position::default(),
        destroy: false,
        plan: plan.clone(),
    };
    let state = |stack: &str| {
        let sealer = Arc::new(LocalKey::from_bytes([7; 32]));
        State::new(Arc::new(Memory::new()), sealer, name(stack))
    };
    let bytes = saved.to_bytes(&state("dev")).await.unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("geheim"));
    let read_as = async |stack: &str, program: &str, graph: Graph| {
        let at = Position::default();
        SavedPlan::from_bytes(&bytes, &state(stack), program, &graph, at).await
    };
    let read = async |program: &str, graph: Graph| read_as("dev", program, graph).await;
    let back = read("p", graph.clone()).await.unwrap();
    assert_eq!(back.plan.steps, plan.steps);
    assert_eq!(back.plan.hints, plan.hints);
    assert_eq!(read("q", graph.clone()).await.unwrap_err().kind(), ErrorKind::PlanStale);
    assert_eq!(read("p", program("z")).await.unwrap_err().kind(), ErrorKind::PlanStale);
    let other = read_as("zzz", "p", graph.clone()).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::PlanStale);
    assert_eq!(other.to_string(), "the saved plan is one of p/dev, and this is p/zzz");
    world.apply(&graph, &back.plan, |_| true);
    world.settled(&graph);
}
