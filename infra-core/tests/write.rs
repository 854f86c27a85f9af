//! The text of a program: what was written is what is compiled here, and declares the same.

#![expect(clippy::unwrap_used, reason = "tests")]

// The written program names the kinds by their crate.
extern crate self as write;

#[path = "write/declared.rs"]
pub mod declared;
#[path = "write/kinds.rs"]
pub mod kinds;

/// What the golden program plugs in.
#[path = "write/fake.rs"]
pub mod fake;

#[rustfmt::skip]
#[path = "write/golden.rs"]
#[expect(
    dead_code,
    clippy::needless_range_loop,
    clippy::struct_field_names,
    reason = "its main is not called; it is written from names and indexes that are not its own"
)]
pub mod golden;

use std::collections::BTreeMap;

use infra_core::{
    graph::{Expr, Graph, encode},
    state::Value,
    transfer::write::program,
};

/// An expression as it is stored; text that consists of one piece is that piece.
fn shape(expr: &Expr) -> Value {
    encode(&plain(expr))
}

fn plain(expr: &Expr) -> Expr {
    match expr {
        Expr::Concat(parts) => {
            let mut out: Vec<Expr> = Vec::new();
            for part in parts.iter().map(plain) {
                match (out.last_mut(), &part) {
                    (
                        Some(Expr::Literal(Value::String(before))),
                        Expr::Literal(Value::String(text)),
                    ) => {
                        before.push_str(text);
                    }
                    _ => out.push(part),
                }
            }
            match <[Expr; 1]>::try_from(out) {
                Ok([one]) => one,
                Err(parts) => Expr::Concat(parts),
            }
        }
        Expr::List(list) => Expr::List(list.iter().map(plain).collect()),
        Expr::Map(map) => Expr::Map(map.iter().map(|(k, v)| (k.clone(), plain(v))).collect()),
        Expr::Literal(Value::List(list)) => {
            Expr::List(list.iter().map(|v| plain(&Expr::Literal(v.clone()))).collect())
        }
        Expr::Literal(Value::Map(map)) => {
            let entry = |(k, v): (&String, &Value)| (k.clone(), plain(&Expr::Literal(v.clone())));
            Expr::Map(map.iter().map(entry).collect())
        }
        other => other.clone(),
    }
}

fn shapes(graph: &Graph) -> BTreeMap<String, String> {
    let node = |node: &infra_core::graph::Node| {
        let inputs: BTreeMap<_, _> = node.inputs.iter().map(|(k, v)| (k, shape(v))).collect();
        let text = format!("{inputs:#?} {:?} {:?}", node.provider, node.options);
        (node.urn.to_string(), text)
    };
    let exports =
        graph.exports.iter().map(|(name, expr)| (name.clone(), format!("{:?}", shape(expr))));
    graph.nodes.values().map(node).chain(exports).collect()
}

#[test]
fn what_is_written_is_the_golden_program() {
    let text = program(&declared::program()).unwrap();
    let golden = include_str!("write/golden.rs");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/write/golden.rs");
        std::fs::write(path, &text).unwrap();
    }
    assert!(text == golden, "written (UPDATE_GOLDEN=1 writes it to the file):\n{text}");
}

#[test]
fn the_written_program_declares_what_it_was_written_from() {
    let (from, to) = (declared::graph(declared::declared), declared::graph(golden::program));
    for (name, declared) in shapes(&from) {
        assert_eq!(shapes(&to).get(&name), Some(&declared), "{name}");
    }
    assert_eq!(shapes(&to).len(), shapes(&from).len());
}
