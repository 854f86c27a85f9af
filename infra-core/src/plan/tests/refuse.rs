//! What is refused, and what is only said.

use std::sync::Arc;

use infra_state::{Record, Status};

use super::{
    change::{links, step},
    fake::{Program, lit, urn},
    world::{World, lines},
};
use crate::{
    Error, ErrorKind,
    plan::{Cause, Hint, Plan},
};

fn refused(result: crate::Result<Plan>) -> Error {
    let error = result.expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    error
}

#[test]
fn protection_is_read_from_the_program_and_from_state_and_collected() {
    let program = |fixed: &str| {
        Program::new().add_with("a", [("fixed", lit(fixed))], |o| o.protect = true).add_with(
            "b",
            [],
            |o| o.protect = true,
        )
    };
    let mut world = World::new();
    world.up(&program("x").build());
    let without_b = Program::new().add("a", [("fixed", lit("y"))]).build();
    let error = refused(world.plan(&without_b)).to_string();
    assert!(error.contains("`fake:Thing::a` would be replaced"), "{error}");
    assert!(error.contains("`fake:Thing::b` would be deleted"), "{error}");
    world.options.destroy = true;
    refused(world.plan(&without_b));
    world.options.exclude_protected = true;
    let plan = world.up(&without_b);
    assert!(lines(&plan).is_empty(), "{:?}", lines(&plan));
}

#[test]
fn loss_of_data_is_shown_and_needs_its_flag() {
    let program =
        |fixed: &str| Program::new().add("fake:Data::db", [("fixed", lit(fixed))]).build();
    let mut world = World::new();
    world.up(&program("x"));
    let plan = world.plan(&program("y")).unwrap();
    assert_eq!(plan.losses.len(), 1);
    let refusal = plan.refusal().unwrap().to_string();
    assert!(refusal.contains("--allow-data-loss fake:Data::db"), "{refusal}");
    world.options.allow_data_loss.insert(urn("fake:Data::db"));
    assert!(world.plan(&program("y")).unwrap().refusal().is_none());
}

#[test]
fn retained_objects_are_forgotten_without_loss() {
    let mut world = World::new();
    world.up(&Program::new().add_with("fake:Data::db", [], |o| o.retain_on_delete = true).build());
    let plan = world.up(&Program::new().build());
    assert_eq!(lines(&plan), ["Forget db", "Forget default (record)"]);
    assert!(plan.losses.is_empty());
    assert_eq!(world.objects.len(), 1);
}

#[test]
fn many_absent_objects_at_once() {
    let program = |count: usize| {
        (0..count).fold(Program::new(), |program, at| program.add(&format!("a{at}"), [])).build()
    };
    for (count, gone, refuse) in
        [(10, 2, false), (10, 3, true), (15, 3, false), (60, 11, true), (2, 2, false)]
    {
        let mut world = World::new();
        world.up(&program(count));
        let ids: Vec<_> = world.objects.keys().take(gone).cloned().collect();
        for id in &ids {
            world.objects.remove(id);
        }
        assert_eq!(world.plan(&program(count)).is_err(), refuse, "{gone} of {count}");
        world.options.allow_mass_absence = true;
        world.up(&program(count));
        assert_eq!(world.objects.len(), count);
    }
}

#[test]
fn other_credentials_are_refused_before_anything_is_read() {
    let program = Program::new().add("a", []);
    let mut world = World::new();
    world.up(&program.build());
    world.account = "2";
    let error = refused(world.plan(&program.build())).to_string();
    assert!(error.contains("account 2 where state has 1"), "{error}");
    world.options.destroy = true;
    refused(world.plan(&program.build()));
    world.options.targets.insert(urn("a"));
    refused(world.plan(&program.build()));
    world.options.destroy = false;
    refused(world.plan(&Program::new().build()));
    world.options.targets.clear();
    // Another region does not explain another account; another profile does.
    let mut moved = program.clone();
    moved.region = "there";
    refused(world.plan(&moved.build()));
    moved.profile = "you";
    assert_eq!(lines(&world.plan(&moved.build()).unwrap())[1], "Create a replacing");
}

#[test]
fn another_region_in_the_configuration_moves_everything() {
    let mut program =
        Program::new().add("a", [("name", lit("n"))]).add("b", [("links", links(&[("a", "id")]))]);
    let mut world = World::new();
    world.up(&program.build());
    program.region = "there";
    let plan = world.up(&program.build());
    assert_eq!(
        lines(&plan),
        [
            "Create default replacing (record)",
            "Create a replacing",
            "Create b replacing",
            "DeleteOld b",
            "DeleteOld a",
            "Forget default (record)"
        ]
    );
    assert!(step(&plan, "a").why.iter().any(|why| why.cause == Cause::ProviderMoved));
    world.settled(&program.build());
}

#[test]
fn a_move_that_was_cut_off_goes_on() {
    let mut program = Program::new().add("a", []).add("b", []);
    let mut world = World::new();
    world.up(&program.build());
    program.region = "there";
    let plan = world.plan(&program.build()).unwrap();
    world.apply(&program.build(), &plan, |id| id.0 < 2);
    world.up(&program.build());
    world.settled(&program.build());
    assert_eq!(world.objects.len(), 2);
}

#[test]
fn unresolved_objects_name_the_commands_that_settle_them() {
    let program = Program::new().add("a", []).build();
    let mut world = World::new();
    world.up(&program);
    let key = world.snapshot.current(&urn("a")).unwrap().key();
    let record = Record::clone(&world.snapshot.records[&key]);
    let unresolved = Record { status: Status::Unresolved, ..record };
    world.snapshot.records.insert(key, Arc::new(unresolved));
    let error = refused(world.plan(&program)).to_string();
    assert!(
        error.contains("state rm fake:Thing::a") && error.contains("import fake:Thing::a ID"),
        "{error}"
    );
}

#[test]
fn unknown_kinds_and_newer_versions_are_errors() {
    let program = Program::new().add("a", []).build();
    let mut world = World::new();
    world.up(&program);
    let key = world.snapshot.current(&urn("a")).unwrap().key();
    let record = Record::clone(&world.snapshot.records[&key]);
    world.snapshot.records.insert(key.clone(), Arc::new(Record { version: 2, ..record.clone() }));
    assert!(world.plan(&program).unwrap_err().to_string().contains("newer version"));
    world.snapshot.records.remove(&key);
    let gone = Record { urn: urn("gone:Kind::x"), ..record };
    world.snapshot.records.insert(gone.key(), Arc::new(gone));
    assert!(world.plan(&program).unwrap_err().to_string().contains("`gone:Kind::x`"));
}

#[test]
fn a_likely_rename_is_pointed_out() {
    let mut world = World::new();
    let program = |net: &str, app: &str| {
        Program::new()
            .add(net, [("fixed", lit("10.0/16"))])
            .add(app, [("fixed", lit("x")), ("roots", links(&[(net, "id")]))])
            .build()
    };
    world.up(&program("net", "app"));
    let hints = world.plan(&program("grid", "app2")).unwrap().hints;
    let rename = |from: &str, to: &str| Hint::Rename { from: urn(from), to: urn(to) };
    assert_eq!(hints, [rename("net", "grid"), rename("app", "app2")]);
}
