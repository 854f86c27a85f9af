//! Old objects that have to go first.

use super::{
    change::{links, step},
    fake::{Program, lit, out, urn},
    world::{World, lines},
};
use crate::plan::{Cause, Hint, ReplaceOrder};

/// Two things follow the first one, which can exist only once; one of them cannot change in place.
fn solo(fixed: &str) -> Program {
    Program::new()
        .add("fake:Solo::a", [("fixed", lit(fixed))])
        .add("b", [("roots", links(&[("fake:Solo::a", "id")]))])
        .add("c", [("links", links(&[("fake:Solo::a", "id"), ("b", "id")]))])
}

#[test]
fn the_schema_says_so_and_those_that_would_go_anyway_go_first() {
    let mut world = World::new();
    world.up(&solo("x").build());
    let plan = world.up(&solo("y").build());
    assert_eq!(
        lines(&plan),
        [
            "DeleteOld b",
            "DeleteOld a",
            "Create a replaced first",
            "Create b replaced first",
            "Update c"
        ]
    );
    let ReplaceOrder::DeleteFirst(why) =
        &step(&plan, "fake:Solo::a").replaces.as_ref().unwrap().order
    else {
        panic!("made first")
    };
    assert_eq!(why, "there can be one only");
    let last = &step(&plan, "b").why.last().unwrap().cause;
    assert_eq!(*last, Cause::MakesRoom { urn: urn("fake:Solo::a") });
    world.settled(&solo("y").build());
}

#[test]
fn a_fixed_name_says_so() {
    let program = |name: &str, fixed: &str| {
        Program::new().add("a", [("name", lit(name)), ("fixed", lit(fixed))]).build()
    };
    let mut world = World::new();
    world.up(&program("n", "x"));
    let plan = world.plan(&program("n", "y")).unwrap();
    assert_eq!(lines(&plan), ["DeleteOld a", "Create a replaced first"]);
    assert_eq!(plan.hints, [Hint::FixedName { urn: urn("a"), field: "name".into() }]);
    assert_eq!(
        lines(&world.plan(&program("m", "y")).unwrap()),
        ["Create a replacing", "DeleteOld a"]
    );
}

#[test]
fn what_cannot_be_there_twice_goes_first_only_where_it_would_be() {
    let program = |zone: &str, fixed: &str| {
        let inputs = [("zone", lit(zone)), ("fixed", lit(fixed))];
        Program::new().add("fake:Rule::a", inputs).build()
    };
    let mut world = World::new();
    world.up(&program("z", "x"));
    world.options.replaces.insert(urn("fake:Rule::a"));
    let plan = world.plan(&program("z", "x")).unwrap();
    assert_eq!(lines(&plan), ["DeleteOld a", "Create a replaced first"]);
    let order = &step(&plan, "fake:Rule::a").replaces.as_ref().unwrap().order;
    assert_eq!(*order, ReplaceOrder::DeleteFirst("a zone has such a rule once".to_owned()));
    let elsewhere = world.plan(&program("y", "x")).unwrap();
    assert_eq!(lines(&elsewhere), ["Create a replacing", "DeleteOld a"]);
}

#[test]
fn an_option_says_so() {
    let program = |fixed: &str| {
        Program::new()
            .add_with("a", [("fixed", lit(fixed))], |o| o.delete_before_replace = true)
            .build()
    };
    let mut world = World::new();
    world.up(&program("x"));
    assert_eq!(lines(&world.up(&program("y"))), ["DeleteOld a", "Create a replaced first"]);
    world.settled(&program("y"));
}

/// The network is replaced; the fixed name in it may be, and takes with it what was made from it.
fn nested(fixed: &str) -> Program {
    Program::new()
        .add("net", [("fixed", lit(fixed))])
        .add("sg", [("name", lit("sg")), ("roots", links(&[("net", "id")]))])
        .add("app", [("roots", links(&[("sg", "id"), ("net", "id")]))])
        .add("other", [("links", links(&[("app", "id")]))])
}

#[test]
fn what_is_unsure_is_decided_before_anything_goes() {
    let mut world = World::new();
    world.up(&nested("x").build());
    let plan = world.up(&nested("y").build());
    assert_eq!(
        lines(&plan),
        [
            "Create net replacing",
            "DeleteOld app if sg",
            "DeleteOld sg if sg",
            "Create sg replaced first if changed",
            "Create app replaced first if changed",
            "Update other",
            "DeleteOld net"
        ]
    );
    world.settled(&nested("y").build());
    assert_eq!(world.objects.len(), 4);
}

#[test]
fn what_turns_out_unchanged_stays() {
    let program = |fixed: &str| {
        Program::new()
            .add("net", [("fixed", lit(fixed)), ("name", lit("net"))])
            .add("sg", [("name", lit("sg")), ("roots", links(&[("net", "arn")]))])
            .add("app", [("roots", links(&[("sg", "id")]))])
            .build()
    };
    let mut world = World::new();
    world.up(&program("x"));
    // `net` is surely replaced, in its place: what was made from it goes with it.
    let plan = world.plan(&program("y")).unwrap();
    assert_eq!(lines(&plan)[..3], ["DeleteOld app", "DeleteOld sg", "DeleteOld net"]);
    // Beside the old one it is only known afterwards whether its `arn` changed.
    let elsewhere = |fixed: &str| {
        Program::new()
            .add("net", [("fixed", lit(fixed))])
            .add("sg", [("name", lit("sg")), ("roots", links(&[("net", "rev")]))])
            .add("app", [("roots", links(&[("sg", "id")]))])
            .build()
    };
    let mut world = World::new();
    world.up(&elsewhere("x"));
    let before: Vec<_> = world.objects.keys().filter(|id| !id.contains("net")).cloned().collect();
    let plan = world.up(&elsewhere("y"));
    assert!(lines(&plan).contains(&"DeleteOld app if sg".to_owned()), "{:?}", lines(&plan));
    let after: Vec<_> = world.objects.keys().filter(|id| !id.contains("net")).cloned().collect();
    assert_eq!(before, after);
    world.settled(&elsewhere("y"));
}

#[test]
fn removed_users_go_before_what_goes_first() {
    let mut world = World::new();
    world.up(&solo("x").add("d", [("links", links(&[("fake:Solo::a", "id")]))]).build());
    let plan = world.up(&solo("y").build());
    assert_eq!(lines(&plan)[..3], ["DeleteOld b", "Delete d", "DeleteOld a"]);
    world.settled(&solo("y").build());
}

#[test]
fn what_a_removed_user_is_still_needed_for_does_not_make_a_cycle() {
    let before = Program::new()
        .add("fake:Solo::a", [("fixed", lit("x"))])
        .add("mid", [("links", links(&[("fake:Solo::a", "id")]))])
        .add("end", [("links", links(&[("mid", "id")]))])
        .build();
    let after = Program::new()
        .add("fake:Solo::a", [("fixed", lit("y"))])
        .add("end", [("links", links(&[("fake:Solo::a", "id")]))])
        .build();
    let mut world = World::new();
    world.up(&before);
    let plan = world.up(&after);
    assert_eq!(
        lines(&plan),
        ["DeleteOld a", "Create a replaced first", "Update end", "Delete mid"]
    );
    world.settled(&after);
}

#[test]
fn a_deposed_object_goes_when_its_users_have_moved() {
    let program = |fixed: &str| {
        Program::new()
            .add("net", [("fixed", lit(fixed))])
            .add("app", [("links", links(&[("net", "id")]))])
            .build()
    };
    let mut world = World::new();
    world.up(&program("x"));
    let plan = world.plan(&program("y")).unwrap();
    let app = plan.iter().find(|(_, step)| step.urn == urn("app")).unwrap().0;
    world.apply(&program("y"), &plan, |id| id != app);
    assert_eq!(world.objects.len(), 3);
    let plan = world.up(&program("y"));
    assert_eq!(lines(&plan), ["Update app", "DeleteOld net"]);
    assert_eq!(plan.steps.last().unwrap().why[0].cause, Cause::Deposed);
    world.settled(&program("y"));
}

#[test]
fn reversed_dependencies_do_not_make_a_cycle() {
    let before = Program::new()
        .add("a", [("fixed", lit("x"))])
        .add("b", [("fixed", lit("x")), ("links", links(&[("a", "id")]))])
        .build();
    let after = Program::new()
        .add("b", [("fixed", lit("y"))])
        .add("a", [("fixed", lit("y")), ("links", links(&[("b", "id")]))])
        .build();
    let mut world = World::new();
    world.up(&before);
    let plan = world.up(&after);
    assert_eq!(lines(&plan).len(), 4);
    world.settled(&after);
}

#[test]
fn asked_for() {
    let mut world = World::new();
    let graph = Program::new().add("a", []).add("b", [("links", out("a", "id"))]);
    let graph =
        graph.but(|node| drop(node.inputs.insert("links".into(), links(&[("a", "id")])))).build();
    world.up(&graph);
    world.options.replaces.insert(urn("a"));
    let plan = world.plan(&graph).unwrap();
    assert_eq!(lines(&plan), ["Create a replacing", "Update b", "DeleteOld a"]);
    assert_eq!(step(&plan, "a").why[0].cause, Cause::Asked("--replace".into()));
}
