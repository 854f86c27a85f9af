//! Taking over where something cannot be done: it is left, and the rest is taken.

use std::{sync::Arc, time::Duration};

use infra_core::{
    command::take::{TakeOptions, Taking, from_terraform, record},
    state::{
        Value,
        backend::{Effect, Fault, Operation},
    },
    transfer::write::{self, Program},
};
use serde_json::json;

use crate::{
    harness::{Hurried, Lab},
    outside::{engine, state},
};

fn host(lab: &Lab, id: &str) {
    lab.world.plant(id, "fake:Host", [("net", Value::from("net-far"))].into());
}

/// What of it is written.
fn written(taking: &Taking) -> String {
    let declarations = taking.declarations.clone();
    let exports = taking.exports.clone();
    let program = Program { declarations, exports, ..Program::default() };
    write::program(&program).unwrap()
}

#[tokio::test]
async fn what_has_no_form_in_a_program_is_left_and_nothing_else() {
    let lab = Lab::new();
    for id in ["host-1", "host-2", "host-3", "host-4"] {
        host(&lab, id);
    }
    // A number that is sensitive there is given to a field that is not sealed: no program can say that.
    let sealed = json!([[{"type": "get_attr", "value": "wait"}]]);
    let state = state(&[
        (
            "module.m",
            "fake_box",
            "x",
            "",
            json!([{"attributes": {"id": "host-1", "wait": 4321}, "sensitive_attributes": sealed}]),
        ),
        ("module.m", "fake_host", "x", "", json!([{"attributes": {"id": "host-2"}}])),
        (
            "",
            "fake_box",
            "all",
            "",
            json!([
                {"index_key": 0, "attributes": {"id": "host-3", "wait": 3}},
                {"index_key": 1, "attributes": {"id": "host-4", "wait": 4321}, "sensitive_attributes": sealed},
            ]),
        ),
    ]);
    let empty = engine(&lab, |_| Ok(()));
    let taking = from_terraform(&empty, &state, &TakeOptions::default()).await.unwrap();
    let left: Vec<_> =
        taking.left.iter().map(|it| (it.reason.word(), it.origin.as_str())).collect();
    assert_eq!(left, [("unmapped", "fake_box.all[1]"), ("unmapped", "module.m.fake_box.x")]);
    let why = &taking.left[0].why;
    assert!(why.contains("`wait` of fake:Host::all-1 cannot be written in Rust"), "{why}");
    // Whoever has a number keeps it, although the one that it was told apart from is left.
    let taken: Vec<_> = taking.taken.iter().map(|it| it.urn.name()).collect();
    assert_eq!(taken, ["all-0", "m/x-2"]);
    let text = written(&taking);
    assert!(text.contains(".wait(3)") && !text.contains("4321"), "{text}");
}

#[tokio::test]
async fn what_is_written_is_said_to_be_whatever_fails_afterwards() {
    let mut lab = Lab::new();
    host(&lab, "host-1");
    let unfiled = |call: &infra_core::state::backend::Call<'_>| {
        let is_entry = call.operation == Operation::PutIfAbsent && call.key.contains("history/");
        if is_entry { Effect::Fail } else { Effect::Pass }
    };
    let inner = Arc::clone(&lab.backend);
    lab.backend = Arc::new(Fault::new(inner, Arc::new(Hurried::default()), unfiled));
    let state = state(&[("", "fake_host", "h", "", json!([{"attributes": {"id": "host-1"}}]))]);
    let empty = engine(&lab, |_| Ok(()));
    let taking = from_terraform(&empty, &state, &TakeOptions::default()).await.unwrap();
    let recorded = record(&empty, &taking, Duration::ZERO).await.unwrap();
    assert!(recorded.unfinished.is_some(), "the deployment was not filed");
    assert_eq!(lab.snapshot().await.unwrap().records.len(), 2, "the provider and the host");
}
