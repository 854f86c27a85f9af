//! What the platform of the examples declares, and what it comes to.

use std::{collections::BTreeMap, path::Path as File, sync::Arc};

use infra_core::{
    App, Result, Stack,
    config::Located,
    graph::{Expr, Graph},
    state::{Path, Urn, Value},
    testing::TestStack,
    transfer::{Declaration, Key, Member, write, write::Program},
};

/// What stands around an output in text.
const MARKS: [char; 2] = ['\u{2039}', '\u{203a}'];

/// What a program declares on embedded clouds, with the settings of the example.
pub(crate) async fn graph(
    program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
) -> Graph {
    let app = App::new("qledger-platform")
        .cloud("simulated", infra_aws::simulated())
        .cloud("simulated", infra_kubernetes::simulated());
    let file = include_str!("../../examples/qledger-platform.toml");
    let settings = Located::parse(file, File::new("qledger-platform.toml")).unwrap();
    let of = |table: &Located, keys: &[&str]| {
        keys.iter().fold(table.clone(), |table, key| table.get(key).unwrap().clone())
    };
    let mut config = of(&settings, &["config"]);
    config.merge(of(&settings, &["stack", "dev", "config"]));
    let stack = TestStack::of(app).config(config).setting("region", "eu-west-1");
    stack.engine(program).await.unwrap().graph().unwrap()
}

/// Outputs that say which they are.
fn outputs(graph: &Graph) -> BTreeMap<Urn, Value> {
    let outputs = |urn: &Urn| {
        let schema = graph.nodes[urn].driver.schema();
        let output = |name: &str, is_list: bool| {
            let one = |at: &str| Value::from(format!("{}{urn}|{name}{at}{}", MARKS[0], MARKS[1]));
            let value = if is_list {
                Value::List((0..4).map(|at| one(&format!("[{at}]"))).collect())
            } else {
                one("")
            };
            (name.to_owned(), value)
        };
        let list = |name: &str| {
            let spelling = schema.output_spelling(&Path::field(name)).unwrap();
            spelling.name().starts_with("Vec<")
        };
        Value::Map(schema.outputs.iter().map(|of| output(of.name, list(of.name))).collect())
    };
    graph.nodes.keys().map(|urn| (urn.clone(), outputs(urn))).collect()
}

/// What each resource is declared with, as text: with outputs by their names, provider and options.
pub(crate) fn values(graph: &Graph) -> BTreeMap<String, String> {
    let outputs = outputs(graph);
    let node = |node: &infra_core::graph::Node| {
        let schema = node.driver.schema();
        let field = |(name, expr): (&String, &Expr)| {
            let value = expr.eval(&|urn| outputs.get(urn)).ok()?;
            let default = schema.fields.iter().find(|field| field.name == name)?.default.clone();
            (Some(&value) != default.as_ref()).then(|| (name.clone(), value))
        };
        let fields: BTreeMap<_, _> = node.inputs.iter().filter_map(field).collect();
        (node.urn.to_string(), format!("{fields:#?} {:?} {:?}", node.provider, node.options))
    };
    graph.nodes.values().map(node).collect()
}

/// What would have been said of the platform by whoever found it: JSON is text there.
pub(crate) async fn program() -> Program {
    let graph = graph(infra_examples::qledger::platform).await;
    let outputs = outputs(&graph);
    let mut program = Program {
        name: "qledger-platform".into(),
        source: "the platform of the examples".into(),
        plugs: vec!["cloud(\"simulated\", infra_aws::simulated())".into()],
        ..Program::default()
    };
    for node in graph.nodes.values().filter(|node| !graph.defaults.contains(&node.urn)) {
        let told = |(name, expr): (&String, &Expr)| (name.clone(), told(expr, &outputs));
        program.declarations.push(Declaration {
            urn: node.urn.clone(),
            driver: Arc::clone(&node.driver),
            inputs: node.inputs.iter().map(told).collect(),
            provider: node.provider.clone().filter(|urn| !graph.defaults.contains(urn)),
            options: node.options.clone(),
            id: None,
            origin: None,
            member: member(&node.urn),
        });
    }
    // What nobody can write down (a closure, a manifest with outputs in it) is left out, and what needs it.
    while let Err(unwritable) = write::program(&program) {
        let place = program.declarations.iter().position(|of| of.urn.as_str() == unwritable.of);
        let left = program.declarations.remove(place.unwrap_or_else(|| panic!("{unwritable}")));
        program.missing.push((left.urn.to_string(), unwritable.to_string()));
    }
    program
}

/// JSON with outputs in it is text with outputs in it.
fn told(expr: &Expr, outputs: &BTreeMap<Urn, Value>) -> Expr {
    match expr {
        Expr::Json(_) => {
            let Ok(Value::String(text)) = expr.eval(&|urn| outputs.get(urn)) else {
                return expr.clone();
            };
            let pieces = text.split(MARKS).enumerate().map(|(at, piece)| {
                match piece.split_once('|').filter(|_| at % 2 == 1) {
                    Some((urn, path)) => {
                        Expr::Reference { urn: urn.parse().unwrap(), path: path.parse().unwrap() }
                    }
                    None => Expr::Literal(piece.into()),
                }
            });
            Expr::Concat(pieces.collect())
        }
        Expr::List(list) => Expr::List(list.iter().map(|of| told(of, outputs)).collect()),
        Expr::Map(map) => {
            Expr::Map(map.iter().map(|(key, of)| (key.clone(), told(of, outputs))).collect())
        }
        other => other.clone(),
    }
}

/// Names that end in a zone's letter or number are those of a group.
fn member(urn: &Urn) -> Option<Member> {
    let (group, key) = urn.name().rsplit_once('-')?;
    let group = format!("{}.{}", urn.kind().replace(':', "_"), group.replace('/', "."));
    let letter = matches!(key, "a" | "b" | "c").then(|| Key::Name(key.to_owned()));
    let key = letter.or_else(|| Some(Key::Index(key.parse().ok()?)))?;
    Some(Member { group, key })
}
