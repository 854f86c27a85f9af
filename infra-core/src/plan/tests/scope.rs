//! `--target`, `--exclude`, `--exclude-protected`.

use super::{
    change::links,
    fake::{Program, lit, urn},
    world::{World, lines},
};
use crate::ErrorKind;

fn chain(fixed: &str) -> Program {
    Program::new()
        .add("a", [("fixed", lit(fixed))])
        .add("b", [("links", links(&[("a", "id")]))])
        .add("c", [("links", links(&[("b", "id")]))])
        .add("z", [("fixed", lit(fixed))])
}

#[test]
fn targets_come_with_what_they_need() {
    let mut world = World::new();
    world.options.targets.insert(urn("b"));
    let plan = world.up(&chain("x").build());
    assert_eq!(lines(&plan), ["Create default (record)", "Create a", "Create b"]);
    world.options.targets.clear();
    world.up(&chain("x").build());
    world.settled(&chain("x").build());
}

#[test]
fn excluded_resources_stay_with_what_needs_them() {
    let mut world = World::new();
    world.options.excludes.insert(urn("b"));
    let plan = world.up(&chain("x").build());
    assert_eq!(lines(&plan), ["Create default (record)", "Create a", "Create z"]);
}

#[test]
fn an_old_object_stays_as_long_as_something_left_alone_uses_it() {
    let mut world = World::new();
    world.up(&chain("x").build());
    world.options.targets.insert(urn("a"));
    let plan = world.up(&chain("y").build());
    assert_eq!(lines(&plan), ["Create a replacing"]);
    assert_eq!(plan.hints.len(), 1);
    world.options.targets.clear();
    let plan = world.up(&chain("y").build());
    assert_eq!(lines(&plan), ["Update b", "Create z replacing", "DeleteOld z", "DeleteOld a"]);
    world.settled(&chain("y").build());
}

#[test]
fn what_would_have_to_go_first_is_refused() {
    let solo = |fixed: &str| {
        Program::new()
            .add("fake:Solo::a", [("fixed", lit(fixed))])
            .add("b", [("links", links(&[("fake:Solo::a", "id")]))])
            .build()
    };
    let mut world = World::new();
    world.up(&solo("x"));
    world.options.targets.insert(urn("fake:Solo::a"));
    let error = world.plan(&solo("y")).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Usage && error.to_string().contains("--target fake:Thing::b"),
        "{error}"
    );
}

#[test]
fn deletes_take_their_users_with_them_and_excludes_keep_what_they_need() {
    let mut world = World::new();
    world.up(&chain("x").build());
    world.options.destroy = true;
    world.options.targets.insert(urn("b"));
    assert_eq!(lines(&world.plan(&chain("x").build()).unwrap()), ["Delete c", "Delete b"]);
    world.options.targets.clear();
    world.options.excludes.insert(urn("b"));
    assert_eq!(lines(&world.plan(&chain("x").build()).unwrap()), ["Delete c", "Delete z"]);
}

#[test]
fn protected_resources_can_be_left_out_of_a_destroy() {
    let protected =
        chain("x").add_with("p", [("links", links(&[("a", "id")]))], |o| o.protect = true).build();
    let mut world = World::new();
    world.up(&protected);
    world.options.destroy = true;
    world.options.exclude_protected = true;
    let plan = world.up(&protected);
    assert_eq!(lines(&plan), ["Delete c", "Delete b", "Delete z"]);
    assert!(
        world.snapshot.current(&urn("a")).is_some() && world.snapshot.current(&urn("p")).is_some()
    );
}

#[test]
fn an_urn_that_does_not_exist_is_an_error() {
    let mut world = World::new();
    world.options.targets.insert(urn("bb"));
    let error = world.plan(&chain("x").build()).unwrap_err().to_string();
    assert!(error.contains("did you mean `fake:Thing::b`?"), "{error}");
}
