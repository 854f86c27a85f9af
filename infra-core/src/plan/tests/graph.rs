//! Mistakes of programs, all at once; what a checked graph has.

use infra_state::{Path, Value};

use super::fake::{Program, lit, out, urn};
use crate::graph::Graph;

fn mistakes(program: &Program) -> Vec<String> {
    let error = program.try_build().err().expect("the program has mistakes");
    let said = |mistake: &crate::graph::Mistake| {
        assert!(mistake.at.is_some_and(|at| at.file().ends_with("graph.rs")), "{mistake:?}");
        format!("{}: {}", mistake.urn.as_ref().map_or("", |urn| urn.name()), mistake.message)
    };
    error.mistakes().iter().map(said).collect()
}

#[test]
fn all_mistakes_are_reported_together() {
    let program = Program::new()
        .add("net", [("size", lit("big")), ("links", lit(vec![Value::from("x")]))])
        .add("net", [])
        .add("a", [("links", out("nett", "id")), ("name", lit("UPPER"))])
        .add("b", [("links", out("net", "ip")), ("tags", lit([("infra:x", Value::from("1"))]))])
        .add_with("c", [("size", lit(-1))], |o| o.depends_on = [urn("gone")].into())
        .add("e", [("links", lit("no list")), ("oops", lit(1)), ("size", out("net", "rev"))]);
    let found = mistakes(&program);
    let expected = [
        "net: `size`: expected a number, found text",
        "net: declared twice; the first is at ",
        "a: `links`: `fake:Thing::nett` is not declared in this program; did you mean `fake:Thing::net`?",
        "a: `name`: expected a name of lower-case letters, digits and `-`, found 'U' in \"UPPER\"",
        "b: `links`: `fake:Thing::net` has no output `ip`; did you mean `id`?",
        "b: `tags`: the tag `infra:x` is reserved",
        "c: `fake:Thing::gone` is not declared in this program",
        "c: `size`: is negative",
        "e: `links`: expected a list, found text",
        "e: `oops`: there is no such field",
    ];
    for expected in expected {
        assert!(found.iter().any(|f| f.contains(expected)), "{expected:?} is not in {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    // In the order of the program's lines.
    assert!(found[0].starts_with("net") && found.last().unwrap().starts_with('e'));
}

#[test]
fn a_name_that_a_loop_gives_twice_is_explained() {
    let mut program = Program::new();
    for _ in 0..2 {
        program = program.add("net/web", []);
    }
    let expected = "declared twice by the same line: each turn of a loop needs a name of its own, like `format!(\"web-{i}\")`";
    assert_eq!(mistakes(&program), [format!("net/web: {expected}")]);
}

#[test]
fn the_paths_of_options_lead_somewhere() {
    let with = |paths: &[&str]| {
        let paths: Vec<Path> = paths.iter().map(|path| path.parse().unwrap()).collect();
        Program::new().add_with("a", [], move |o| {
            o.ignore_changes.clone_from(&paths);
            o.replace_on_changes = paths;
        })
    };
    with(&["tags", "tags.any", "tags[*]", "links[0]", "links[*]", "size"]).build();
    let wrong = [
        ("tag", "`tag`: there is no such field; did you mean `tags`?"),
        ("nosuch.deeper", "`nosuch.deeper`: there is no such field"),
        ("size.x", "`size.x`: `size` has no parts"),
        ("links.x", "`links.x`: `links` is a list: write `links[*]` for its elements"),
        ("tags[0]", "`tags[0]`: `tags` is not a list"),
    ];
    for (path, expected) in wrong {
        let found = mistakes(&with(&[path]));
        let options = ["ignore_changes", "replace_on_changes"];
        assert_eq!(found, options.map(|option| format!("a: {option}: {expected}")));
    }
}

#[test]
fn cycles_are_named() {
    let program = Program::new()
        .add_with("a", [], |o| o.depends_on = [urn("b")].into())
        .add("b", [("fixed", out("c", "id"))])
        .add_with("c", [], |o| o.depends_on = [urn("a")].into());
    assert_eq!(
        mistakes(&program),
        [
            "a: needs itself: `fake:Thing::a` needs `fake:Thing::b` needs `fake:Thing::c` needs `fake:Thing::a`"
        ]
    );
}

#[test]
fn providers_are_added_and_checked() {
    let graph = Program::new().add("a", []).add("fake:Provider::us", []).build();
    let default = urn("fake:Provider::default");
    assert_eq!(graph.nodes[&urn("a")].provider.as_ref(), Some(&default));
    assert_eq!(graph.order[0], default);
    assert_eq!(graph.dependencies(&urn("a")), [default].into());
    let wrong =
        Program::new().add("a", []).but(|node| node.provider = Some(urn("other:Provider::x")));
    assert_eq!(
        mistakes(&wrong),
        ["a: needs a provider of kind `fake:Provider`, found `other:Provider::x`"]
    );
}

#[test]
fn aliases_do_not_clash() {
    let alias = |old: &str| {
        let old = old.to_owned();
        move |o: &mut crate::graph::NodeOptions| o.aliases.push(old)
    };
    let program = Program::new()
        .add_with("a", [], alias("x"))
        .add_with("b", [], alias("fake:Thing::x"))
        .add_with("c", [], alias("a"))
        .add_with("d", [], alias("no/ /name"));
    let found = mistakes(&program);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found[0].contains("claimed by") && found[1].contains("is the name of another resource")
    );
}

#[test]
fn the_hash_tells_programs_apart_and_hides_secrets() {
    let hash = |value: Value| Program::new().add("a", [("password", lit(value))]).build().hash();
    assert_eq!(hash("x".into()), hash("x".into()));
    assert_ne!(hash("x".into()), hash("y".into()));
    assert_eq!(hash(Value::from("x").secret()), hash(Value::from("y").secret()));
    assert_eq!(Graph::empty().hash().len(), 64);
}
