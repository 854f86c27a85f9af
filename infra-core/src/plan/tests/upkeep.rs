//! Drift, lost and unfinished objects, lookups, imports, aliases, upgrades.

use std::sync::Arc;

use infra_state::{Record, Status, Value};

use super::{
    change::{links, step},
    fake::{Program, lit, out, urn},
    world::{World, lines},
};
use crate::{
    ErrorKind,
    plan::{Action, Cause},
    provider::Readiness,
};

fn pair() -> Program {
    Program::new()
        .add("a", [("size", lit(2)), ("tags", lit([("t", Value::from("1"))]))])
        .add("b", [("links", links(&[("a", "id")]))])
}

fn id(world: &World, name: &str) -> String {
    world.snapshot.current(&urn(name)).unwrap().id.clone().unwrap()
}

fn meddle(world: &mut World, name: &str, field: &str, value: impl Into<Value>) {
    let id = id(world, name);
    let Value::Map(live) = &mut world.objects.get_mut(&id).unwrap().live else { unreachable!() };
    live.insert(field.into(), value.into());
}

fn with_record(world: &mut World, name: &str, change: impl FnOnce(&mut Record)) {
    let key = world.snapshot.current(&urn(name)).unwrap().key();
    let mut record = Record::clone(&world.snapshot.records[&key]);
    change(&mut record);
    world.snapshot.records.insert(key, Arc::new(record));
}

#[test]
fn drift_is_put_back_and_shown_apart() {
    let mut world = World::new();
    world.up(&pair().build());
    meddle(&mut world, "a", "size", 9);
    meddle(&mut world, "a", "zone", "somebody's");
    let plan = world.up(&pair().build());
    assert_eq!(lines(&plan), ["Update a"]);
    let a = step(&plan, "a");
    assert!(a.diff.is_empty() && a.drift.len() == 1 && a.paths == ["size".parse().unwrap()]);
    assert_eq!(a.why[0].cause, Cause::Drifted);
    world.settled(&pair().build());
    meddle(&mut world, "a", "size", 9);
    let ignoring = pair().but(|_| ()).build();
    let mut ignoring = ignoring;
    ignoring.nodes.get_mut(&urn("a")).unwrap().options.ignore_changes.push("size".parse().unwrap());
    world.settled(&ignoring);
}

#[test]
fn what_is_gone_is_made_again_and_what_follows_it_follows() {
    let mut world = World::new();
    world.up(&pair().build());
    let gone = id(&world, "a");
    world.objects.remove(&gone);
    let plan = world.up(&pair().build());
    assert_eq!(lines(&plan), ["Forget a", "Create a replaced first", "Update b"]);
    assert_eq!(step(&plan, "a").why[0].cause, Cause::Missing);
    world.settled(&pair().build());
}

#[test]
fn what_is_removed_and_gone_is_forgotten() {
    let mut world = World::new();
    world.up(&pair().build());
    let gone = id(&world, "b");
    world.objects.remove(&gone);
    let plan = world.up(&Program::new().add("a", []).build());
    assert!(lines(&plan).contains(&"Forget b".to_owned()), "{:?}", lines(&plan));
}

#[test]
fn broken_objects_are_replaced_or_restored() {
    let mut world = World::new();
    world.up(&pair().build());
    let id = id(&world, "b");
    let become_ =
        |world: &mut World, readiness| world.objects.get_mut(&id).unwrap().readiness = readiness;
    become_(&mut world, Readiness::Failed("no capacity".into()));
    let plan = world.plan(&pair().build()).unwrap();
    assert_eq!(lines(&plan), ["Create b replacing", "DeleteOld b"]);
    assert_eq!(step(&plan, "b").why[0].cause, Cause::Broken("no capacity".into()));
    become_(&mut world, Readiness::Restorable("until Friday".into()));
    assert_eq!(lines(&world.plan(&pair().build()).unwrap()), ["Update b"]);
    become_(&mut world, Readiness::Pending("modifying".into()));
    world.settled(&pair().build());
}

#[test]
fn unfinished_objects_are_finished() {
    let mut world = World::new();
    let program = pair().but(|node| {
        node.inputs.insert("password".into(), lit(Value::from("geheim").secret()));
    });
    world.up(&program.build());
    with_record(&mut world, "b", |record| record.status = Status::Incomplete);
    meddle(&mut world, "b", "size", 7);
    let plan = world.up(&program.build());
    assert_eq!(lines(&plan), ["Update b"]);
    let b = step(&plan, "b");
    assert_eq!(b.paths, ["password".parse().unwrap(), "size".parse().unwrap()]);
    assert_eq!(b.why[0].cause, Cause::Unfinished);
    world.settled(&program.build());
    with_record(&mut world, "a", |record| {
        record.status = Status::Incomplete;
        record.id = None;
    });
    world.up(&program.build());
    world.settled(&program.build());
}

#[test]
fn lookups_are_pinned_until_they_are_asked_again() {
    let program = |what: &str| {
        Program::new()
            .add("fake:Find::ami", [("fixed", lit(what))])
            .add("a", [("fixed", out("fake:Find::ami", "id"))])
            .build()
    };
    let mut world = World::new();
    let plan = world.up(&program("x"));
    assert_eq!(lines(&plan), ["Create default (record)", "Read ami (record)", "Create a"]);
    assert_eq!(step(&plan, "a").inputs.get("fixed"), Some(&Value::from("x")));
    world.settled(&program("x"));
    let plan = world.plan(&program("y")).unwrap();
    assert_eq!(lines(&plan), ["Read ami (record)", "Create a replacing", "DeleteOld a"]);
    with_record(&mut world, "fake:Find::ami", |record| {
        record.outputs = Value::from([("id", "old".into())]);
    });
    with_record(&mut world, "a", |record| {
        record.inputs = {
            let mut inputs = record.inputs.as_map().unwrap().clone();
            inputs.insert("fixed".into(), "old".into());
            Value::Map(inputs)
        }
    });
    meddle(&mut world, "a", "fixed", "old");
    world.settled(&program("x"));
    world.options.refresh_lookups = true;
    let plan = world.plan(&program("x")).unwrap();
    assert_eq!(lines(&plan), ["Read ami (record)", "Create a replacing", "DeleteOld a"]);
}

#[test]
fn a_lookup_that_hangs_on_an_unknown_is_a_step() {
    let program = Program::new()
        .add("net", [])
        .add("fake:Find::zone", [("fixed", out("net", "id"))])
        .add("a", [("zone", out("fake:Find::zone", "id"))])
        .build();
    let mut world = World::new();
    let plan = world.up(&program);
    assert_eq!(lines(&plan), ["Create default (record)", "Create net", "Read zone", "Create a"]);
    world.settled(&program);
}

#[test]
fn imported_objects_show_what_would_change_in_them() {
    let mut world = World::new();
    world.up(&Program::new().add("x", [("size", lit(2)), ("fixed", lit("f"))]).build());
    let id = id(&world, "x");
    world.snapshot.records.clear();
    let import = |size: i32, fixed: &str, id: &str| {
        let id = id.to_owned();
        Program::new().add_with(
            "y",
            [("size", lit(size)), ("fixed", lit(fixed)), ("name", lit("n"))],
            |o| o.import = Some(id),
        )
    };
    let mut renamed = world.objects[&id].live.as_map().unwrap().clone();
    renamed.insert("name".into(), "n".into());
    world.objects.get_mut(&id).unwrap().live = Value::Map(renamed);
    let plan = world.plan(&import(3, "f", &id).build()).unwrap();
    let y = step(&plan, "y");
    assert_eq!((y.action, y.paths.clone()), (Action::Import, vec!["size".parse().unwrap()]));
    let error = world.plan(&import(3, "g", &id).build()).unwrap_err();
    assert!(error.kind() == ErrorKind::Program && error.mistakes()[0].message.contains("`fixed`"));
    let error = world.plan(&import(3, "f", "nothing").build()).unwrap_err();
    assert!(error.mistakes()[0].message.contains("no object with the id"), "{error:?}");
    world.up(&import(3, "f", &id).build());
    world.settled(&import(3, "f", &id).build());
}

#[test]
fn objects_with_the_name_are_adopted_if_nobody_owns_them() {
    let program = Program::new().add_with("y", [("name", lit("n"))], |o| o.adopt = true).build();
    let mut world = World::new();
    assert_eq!(step(&world.plan(&program).unwrap(), "y").action, Action::Create);
    world.up(&Program::new().add("x", [("name", lit("n"))]).build());
    world.snapshot.records.clear();
    assert_eq!(step(&world.plan(&program).unwrap(), "y").action, Action::Import);
    let object = world.objects.values_mut().next().unwrap();
    object.owner = Some([("infra:stack".to_owned(), "other".to_owned())].into());
    assert!(world.plan(&program).unwrap_err().mistakes()[0].message.contains("belongs to a stack"));
}

#[test]
fn an_alias_renames_the_record_and_whatever_mentions_it() {
    let mut world = World::new();
    world.up(&pair().build());
    let renamed = Program::new()
        .add_with("net/a", [("size", lit(2)), ("tags", lit([("t", Value::from("1"))]))], |o| {
            o.aliases.push("a".into());
        })
        .add("b", [("links", links(&[("net/a", "id")]))])
        .build();
    let plan = world.up(&renamed);
    assert!(lines(&plan).is_empty(), "{:?}", lines(&plan));
    assert_eq!(step(&plan, "net/a").renamed_from, Some(urn("a")));
    // What is mentioned is put before what mentions it.
    let put: Vec<_> = plan.records.iter().map(|record| record.urn.name()).collect();
    assert_eq!((put, plan.forgotten.len()), (vec!["net/a", "b"], 1));
    assert!(world.snapshot.current(&urn("b")).unwrap().dependencies.contains(&urn("net/a")));
    world.settled(&renamed);
}

#[test]
fn records_of_older_versions_are_brought_up() {
    let mut world = World::new();
    world.up(&pair().build());
    with_record(&mut world, "a", |record| {
        let mut inputs = record.inputs.as_map().unwrap().clone();
        let size = inputs.remove("size").unwrap();
        inputs.insert("bigness".into(), size);
        record.inputs = Value::Map(inputs);
        record.version = 0;
    });
    let plan = world.up(&pair().build());
    assert_eq!(lines(&plan), ["Keep a (record)"]);
    world.settled(&pair().build());
}

#[test]
fn what_a_lookup_gave_is_checked_like_what_the_program_wrote() {
    let program = |what: i32| {
        Program::new()
            .add("fake:Find::count", [("fixed", lit(what))])
            .add("a", [("size", out("fake:Find::count", "id"))])
            .build()
    };
    assert!(World::new().plan(&program(3)).is_ok());
    let error = World::new().plan(&program(-3)).unwrap_err();
    assert_eq!(error.mistakes()[0].message, "`size`: is negative");
}
