//! What changes, in which order, why, and what is known of it before it happens.

use infra_state::Value;

use super::{
    fake::{Program, lit, out, urn},
    world::{World, lines},
};
use crate::{
    graph::Expr,
    plan::{Action, Cause, Plan, Step},
};

pub(super) fn step<'p>(plan: &'p Plan, name: &str) -> &'p Step {
    let is = |step: &&Step| {
        step.urn == urn(name)
            && !matches!(step.action, Action::Delete | Action::DeleteOld | Action::Forget)
    };
    plan.steps.iter().find(is).unwrap()
}

pub(super) fn links(names: &[(&str, &str)]) -> Expr {
    Expr::List(names.iter().map(|(name, output)| out(name, output)).collect())
}

fn net() -> Program {
    Program::new()
        .add("net", [("fixed", lit("10.0/16")), ("tags", lit([("a", Value::from("1"))]))])
        .add("app", [("roots", links(&[("net", "id")])), ("size", lit(2))])
        .add("lb", [("links", links(&[("app", "rev"), ("net", "arn")]))])
}

#[test]
fn everything_is_new_and_then_nothing_is() {
    let mut world = World::new();
    let plan = world.up(&net().build());
    assert_eq!(lines(&plan), ["Create default (record)", "Create net", "Create app", "Create lb"]);
    let app = step(&plan, "app");
    assert_eq!(app.inputs.get("roots"), Some(&Value::List(vec![Value::Unknown])));
    assert_eq!(
        app.inputs.get("name").unwrap().as_str().unwrap(),
        format!("p-dev-app-{}", app.instance)
    );
    assert_eq!(app.inputs.get("tags"), Some(&Value::from([("team", "core".into())])));
    assert_eq!(app.why[0].cause, Cause::New);
    world.settled(&net().build());
    let plan = world.plan(&net().build()).unwrap();
    assert!(plan.is_empty() && plan.steps.len() == 4);
}

#[test]
fn a_tag_changes_in_place_and_stable_outputs_stay_known() {
    let mut world = World::new();
    world.up(&net().build());
    let changed = Program::new()
        .add("net", [("fixed", lit("10.0/16")), ("tags", lit([("a", Value::from("2"))]))])
        .add("app", [("roots", links(&[("net", "id")])), ("size", lit(3))])
        .add("lb", [("links", links(&[("app", "rev"), ("net", "arn")]))])
        .build();
    let plan = world.up(&changed);
    assert_eq!(lines(&plan), ["Update net", "Update app", "Update lb"]);
    assert_eq!(step(&plan, "net").paths, ["tags.a".parse().unwrap()]);
    let lb = step(&plan, "lb");
    let output = "rev".parse().unwrap();
    assert_eq!(lb.why.last().unwrap().cause, Cause::Follows { urn: urn("app"), output });
    assert_eq!(lb.why[0].urn, urn("app"));
    assert_eq!(lb.paths, ["links[0]".parse().unwrap()]);
    world.settled(&changed);
}

#[test]
fn a_replacement_is_made_first_and_consumers_move_before_the_old_object_goes() {
    let mut world = World::new();
    world.up(&net().build());
    let changed = Program::new()
        .add("net", [("fixed", lit("10.1/16")), ("tags", lit([("a", Value::from("1"))]))])
        .add("app", [("roots", links(&[("net", "id")])), ("size", lit(2))])
        .add("lb", [("links", links(&[("app", "rev"), ("net", "arn")]))])
        .build();
    let plan = world.up(&changed);
    assert_eq!(
        lines(&plan),
        [
            "Create net replacing",
            "Create app replacing if changed",
            "Update lb",
            "DeleteOld app if app",
            "DeleteOld net"
        ]
    );
    let app = step(&plan, "app");
    assert_eq!(
        app.why[0],
        crate::plan::Why {
            urn: urn("net"),
            path: Some("fixed".parse().unwrap()),
            cause: Cause::Immutable
        }
    );
    assert_eq!(app.why[1].path, Some("roots[0]".parse().unwrap()));
    world.settled(&changed);
    assert_eq!(world.objects.len(), 3);
}

#[test]
fn what_hangs_on_an_unknown_may_turn_out_to_be_the_same() {
    let named = |size| {
        Program::new()
            .add("net", [("name", lit("n")), ("size", lit(size))])
            .add("app", [("roots", links(&[("net", "arn")]))])
            .build()
    };
    let mut world = World::new();
    world.up(&named(2));
    let before = world.snapshot.current(&urn("app")).unwrap().instance.clone();
    // It can only grow: a smaller one is another object, here with the same name and so the same `arn`.
    let mut renamed = named(1);
    renamed.nodes.get_mut(&urn("net")).unwrap().inputs.insert("name".into(), lit("n2"));
    renamed
        .nodes
        .get_mut(&urn("app"))
        .unwrap()
        .inputs
        .insert("roots".into(), Expr::List(vec![lit("n")]));
    world.up(&renamed);
    assert_eq!(world.snapshot.current(&urn("app")).unwrap().instance, before);
}

#[test]
fn the_driver_and_the_options_have_a_say() {
    let mut world = World::new();
    let program = |size: i32, tag: &str| {
        Program::new().add_with(
            "a",
            [("size", lit(size)), ("tags", lit([("t", Value::from(tag))]))],
            |o| {
                o.replace_on_changes.push("tags.t".parse().unwrap());
                o.ignore_changes.push("links".parse().unwrap());
            },
        )
    };
    world.up(&program(2, "x").build());
    assert_eq!(lines(&world.plan(&program(3, "x").build()).unwrap()), ["Update a"]);
    let plan = world.plan(&program(1, "x").build()).unwrap();
    assert_eq!(lines(&plan), ["Create a replacing", "DeleteOld a"]);
    assert_eq!(step(&plan, "a").why[0].cause, Cause::Driver("it can only grow".into()));
    let plan = world.plan(&program(2, "y").build()).unwrap();
    assert_eq!(step(&plan, "a").why[0].cause, Cause::Asked("replace_on_changes".into()));
    let ignored = program(2, "x")
        .but(|node| drop(node.inputs.insert("links".into(), lit(vec![Value::Null]))));
    world.settled(&ignored.build());
}

#[test]
fn removed_resources_go_in_reverse_after_their_users_have_moved() {
    let mut world = World::new();
    world.up(&net().build());
    let rest = Program::new().add("lb", [("links", links(&[]))]).build();
    let plan = world.up(&rest);
    assert_eq!(lines(&plan), ["Update lb", "Delete app", "Delete net"]);
    world.settled(&rest);
    world.options.destroy = true;
    let plan = world.up(&rest);
    assert_eq!(lines(&plan), ["Delete lb", "Forget default (record)"]);
    assert!(world.snapshot.records.is_empty() && world.objects.is_empty());
}

#[test]
fn options_and_dependencies_change_the_record_only() {
    let mut world = World::new();
    world.up(&Program::new().add("a", []).add("b", []).build());
    let changed = Program::new()
        .add_with("a", [], |o| o.protect = true)
        .add_with("b", [], |o| o.depends_on = [urn("a")].into())
        .build();
    let plan = world.up(&changed);
    assert_eq!(lines(&plan), ["Keep a (record)", "Keep b (record)"]);
    assert!(plan.is_empty());
    world.settled(&changed);
}

#[test]
fn exports_are_shown_as_far_as_they_are_known() {
    let mut world = World::new();
    let mut graph = net().build();
    graph.exports.insert("net".into(), out("net", "id"));
    assert_eq!(world.plan(&graph).unwrap().exported["net"], Value::Unknown);
    world.up(&graph);
    assert!(world.plan(&graph).unwrap().exported["net"].as_str().unwrap().starts_with("id-net-"));
}
