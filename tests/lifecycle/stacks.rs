//! More than one stack: renamed, moved, and referring to each other.

use std::{sync::Arc, time::Duration};

use infra_core::{
    ErrorKind, Outputs, Sensitive,
    command::stack::{self, Found},
    command::{self, state},
    interpolate,
    plan::Cause,
    prelude::*,
    state::{LocalKey, Memory, State, Value},
};

use crate::{
    base,
    harness::{Db, Host, Lab, Net, Note, steps},
    nothing, sized, urn,
};

const NOW: Duration = Duration::ZERO;

/// What the tests' network exports.
#[derive(Outputs, Clone, Debug)]
struct Network {
    /// The net.
    net: String,
    /// Its zones.
    zones: Vec<String>,
    /// Who gets in.
    password: Sensitive<String>,
    /// Not every network has one.
    extra: Option<String>,
}

fn network(stack: &mut Stack) -> Result<()> {
    exporting(stack, "net");
    Ok(())
}

/// The same with another net to be in.
fn moved(stack: &mut Stack) -> Result<()> {
    exporting(stack, "wide");
    Ok(())
}

fn exporting(stack: &mut Stack, which: &str) {
    let mut net = stack.add("net", Net::new("10.0.0.0/16"));
    if which != "net" {
        net = stack.add(which, Net::new("10.9.0.0/16"));
    }
    let password = stack.secret("password");
    stack.export("net", &net.id);
    stack.export("zones", vec!["a".to_owned(), "b".to_owned()]);
    stack.export("password", password);
}

/// A host in the network of another stack, and a database with its password.
fn app(stack: &mut Stack) -> Result<()> {
    let network = stack.reference::<Network>("network");
    in_network(stack, &network);
    Ok(())
}

fn in_network(stack: &mut Stack, network: &Reference<Network>) {
    stack.add("host", Host::new(&network.net).labels([network.zones.index(0)]));
    stack.add("db", Db::new().password(&network.password));
}

#[tokio::test]
async fn a_renamed_stack_is_the_same_stack() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let before = lab.snapshot().await.unwrap();
    lab.world.clear_calls();
    let moved = stack::rename(&lab.engine(base), "prod", NOW).await.unwrap();
    assert_eq!(moved.to.stack.to_string(), "program/prod");
    let prod = lab.stack("program", "prod");
    let after = prod.snapshot().await.unwrap();
    assert_eq!(after.records, before.records);
    assert_eq!(after.identity.lineage, before.identity.lineage);
    // Names that were generated are recorded, and what is theirs is theirs.
    assert!(prod.plan(base).await.is_empty());
    assert_eq!(lab.world.mutations(), Vec::<String>::new());
    let error = lab.up(base).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("`--stack prod`"), "{error}");

    let big = |stack: &mut Stack| {
        sized(stack, "big");
        Ok(())
    };
    assert_eq!(steps(&*prod.plan(big).await), ["Update a", "Update b"]);
    prod.up(big).await.ok();
    let commands: Vec<_> = prod.engine(base).state.history(9).await.unwrap();
    let commands: Vec<_> = commands.iter().map(|entry| &*entry.deployment.command).collect();
    assert_eq!(commands, ["up", "stack rename prod", "up"]);
    // Said again, it is done.
    stack::rename(&lab.engine(base), "prod", NOW).await.unwrap();
    assert_eq!(prod.engine(base).state.history(9).await.unwrap().len(), 3);

    let listed = stack::list(&prod.engine(base)).await.unwrap();
    let [dev, here] = &listed[..] else { panic!("{listed:?}") };
    assert!(matches!(&dev.found, Found::Left(to) if to.stack.stack == "prod"), "{dev:?}");
    assert!(matches!(&here.found, Found::Here(view) if view.snapshot.records.len() == 5));
    let allowed = prod.planning(|plan| plan.allow_data_loss = [urn("Db", "db")].into());
    allowed.destroy(base).await.ok();
    assert_eq!(lab.world.count(), 0);
    stack::remove(&lab.engine(base), false, NOW).await.unwrap();
    stack::remove(&prod.engine(base), false, NOW).await.unwrap();
    assert!(stack::list(&prod.engine(base)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_name_that_is_taken_is_not_given() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    lab.stack("program", "prod").up(nothing).await.ok();
    let error = stack::rename(&lab.engine(base), "prod", NOW).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("another place or name"), "{error}");
    assert!(lab.plan(base).await.is_empty());
}

#[tokio::test]
async fn a_stack_that_is_removed_by_force_deletes_nothing_and_says_what_is_left() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let error = stack::remove(&lab.engine(base), false, NOW).await.unwrap_err();
    assert!(error.to_string().contains("destroy or forget"), "{error}");
    let left = stack::remove(&lab.engine(base), true, NOW).await.unwrap();
    let mut left: Vec<_> = left.iter().map(|record| record.urn.name()).collect();
    left.sort_unstable();
    assert_eq!(left, ["a", "b", "db", "net"]);
    assert_eq!(lab.world.count(), 4);
    assert!(lab.snapshot().await.is_none());
}

#[tokio::test]
async fn a_moved_state_works_from_its_new_place_only() {
    let lab = Lab::new();
    lab.up(network).await.ok();
    let there: Arc<dyn infra_core::state::Backend> = Arc::new(Memory::new().at("there"));
    let there_now = Lab { backend: Arc::clone(&there), key: 9, ..lab.clone() };
    let engine = lab.engine(network);
    let to =
        State::new(there, Arc::new(LocalKey::from_bytes([9; 32])), engine.state.name().clone());
    state::migrate(&engine, &to, NOW).await.unwrap();
    assert!(there_now.plan(network).await.is_empty());
    let error = lab.up(network).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("--state memory:there"), "{error}");
    let secret = |lab: &Lab| {
        let engine = lab.engine(network);
        async move { command::outputs(&engine).await.unwrap()["password"].clone() }
    };
    assert!(matches!(secret(&there_now).await, Value::Secret(_)));
    // The graph of a deployment before the move opens under the new key.
    there_now.up(moved).await.ok();
    there_now.rollback(1, network).await.ok();
    assert!(there_now.plan(network).await.is_empty());
}

#[tokio::test]
async fn a_stack_is_made_from_what_another_exports() {
    let lab = Lab::new();
    let network_of = lab.stack("program", "network");
    network_of.up(network).await.ok();
    lab.up(app).await.ok();
    let exports = network_of.snapshot().await.unwrap().exports;
    let (_, host) = lab.world.of("fake:Host").pop_first().unwrap();
    assert_eq!(host.inputs.get("net"), Some(&exports["net"]));
    assert_eq!(host.inputs.get("labels"), Some(&Value::List(vec!["a".into()])));
    let (_, db) = lab.world.of("fake:Db").pop_first().unwrap();
    assert_eq!(db.inputs.get("password"), Some(&exports["password"].plain()));
    // Secret there, secret here.
    let record = lab.snapshot().await.unwrap();
    let record = record.current(&urn("Db", "db")).unwrap().inputs.clone();
    assert_eq!(record.get("password"), Some(&exports["password"]));
    assert!(lab.plan(app).await.is_empty());

    // Another net over there: the host follows, and the reason is the reference.
    network_of.up(moved).await.ok();
    let plan = lab.plan(app).await;
    assert_eq!(steps(&plan), ["Create host", "DeleteOld host"]);
    let host = plan.steps.iter().find(|step| step.urn.name() == "host").unwrap();
    let follows = host.why.iter().any(|why| {
        matches!(&why.cause, Cause::Follows { urn, output } if urn.name() == "network" && output.to_string() == "net")
    });
    assert!(follows, "{:?}", host.why);
    lab.up(app).await.ok();
    assert!(lab.plan(app).await.is_empty());
    // What nobody uses changes nothing but what is remembered.
    network_of
        .up(|s| {
            s.export("extra", "more".to_owned());
            moved(s)
        })
        .await
        .ok();
    assert!(lab.plan(app).await.is_empty());
    lab.up(nothing).await.error();
    let allowed = lab.planning(|plan| plan.allow_data_loss = [urn("Db", "db")].into());
    allowed.up(nothing).await.ok();
    assert!(lab.snapshot().await.unwrap().records.is_empty());
}

#[tokio::test]
async fn a_stack_of_another_program_is_named_with_it() {
    let lab = Lab::new();
    lab.stack("platform", "network").up(network).await.ok();
    let by_name = |s: &mut Stack| {
        let network = s.reference::<Network>("platform/network");
        in_network(s, &network);
        Ok(())
    };
    lab.up(by_name).await.ok();
    let said = |s: &mut Stack| {
        let reference = StackReference::new("network").of_program("platform");
        let network = s.reference_with::<Network>("platform/network", reference);
        in_network(s, &network);
        Ok(())
    };
    assert_eq!(steps(&*lab.plan(said).await), Vec::<String>::new());
    // Where it is can be said; this lab reaches one place only.
    let elsewhere = |s: &mut Stack| {
        let reference = StackReference::new("network").at("s3://elsewhere");
        let network = s.reference_with::<Network>("network", reference);
        in_network(s, &network);
        Ok(())
    };
    let error = lab.up(elsewhere).await.error();
    assert!(error.to_string().contains("only the stacks in the same place"), "{error}");
}

#[tokio::test]
async fn what_is_wrong_with_a_reference_says_what_to_do() {
    #[derive(Outputs, Clone, Debug)]
    struct Typo {
        /// Misspelt.
        nets: String,
    }
    #[derive(Outputs, Clone, Debug)]
    struct Wrong {
        /// It is a list.
        zones: String,
    }
    let lab = Lab::new();
    let error = lab.preview(app).await.err().unwrap();
    insta::assert_snapshot!(error, @"core:StackReference::network cannot be read: there is no stack program/network in memory:. Make it first, with `up --stack network` of the program `program`; or, if its state is elsewhere, say where with `.at(…)`");
    let network_of = lab.stack("program", "network");
    network_of.up(network).await.ok();
    let error = lab.up(|s| {
        let network = s.reference::<Typo>("network");
        s.add("note", Note::new(&network.nets));
        Ok(())
    });
    insta::assert_snapshot!(error.await.error(), @"core:StackReference::network cannot be read: program/network does not export `nets`; did you mean `net`?");
    let error = lab.up(|s| {
        let network = s.reference::<Wrong>("network");
        s.add("note", Note::new(&network.zones));
        Ok(())
    });
    insta::assert_snapshot!(error.await.error(), @"core:StackReference::network cannot be read: the export `zones` of program/network should be text and is a list. The struct of this reference and what that stack exports have to agree");
    let error = lab.up(|s| {
        s.reference::<Typo>("dev");
        Ok(())
    });
    insta::assert_snapshot!(error.await.error(), @"core:StackReference::dev cannot be read: a stack cannot refer to itself");
    // A stack that moved says where it went.
    stack::rename(&network_of.engine(network), "net", NOW).await.unwrap();
    let error = lab.up(app).await.error().to_string();
    assert!(error.contains("was moved to program/net"), "{error}");
}

#[tokio::test]
async fn a_circle_of_references_is_refused() {
    #[derive(Outputs, Clone, Debug)]
    struct Thing {
        /// Anything.
        thing: String,
    }
    let refers_to = |other: &'static str| {
        move |s: &mut Stack| {
            let other = s.reference::<Thing>(other);
            s.export("thing", interpolate!("more than {}", &other.thing));
            Ok(())
        }
    };
    let alone = |s: &mut Stack| {
        s.export("thing", "one".to_owned());
        Ok(())
    };
    let lab = Lab::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| lab.stack("program", name));
    a.up(alone).await.ok();
    b.up(refers_to("a")).await.ok();
    c.up(refers_to("b")).await.ok();
    let error = a.up(refers_to("c")).await.error();
    insta::assert_snapshot!(error, @"core:StackReference::c cannot be read: program/a refers to program/c, which refers to program/b, which refers to program/a: a circle of references. What both need belongs into one of the two, or into a third");
    assert_eq!(c.snapshot().await.unwrap().exports["thing"], "more than more than one".into());
}

#[tokio::test]
async fn a_secret_that_cannot_be_opened_is_missed_only_where_it_is_used() {
    let lab = Lab::new();
    lab.stack("platform", "network").up(network).await.ok();
    let stranger = Lab { key: 9, ..lab.stack("program", "dev") };
    let without = |s: &mut Stack| {
        let network = s.reference::<Network>("platform/network");
        s.add("host", Host::new(&network.net));
        Ok(())
    };
    stranger.up(without).await.ok();
    assert!(stranger.plan(without).await.is_empty());
    let with = |s: &mut Stack| {
        let network = s.reference::<Network>("platform/network");
        in_network(s, &network);
        Ok(())
    };
    let error = stranger.up(with).await.error();
    insta::assert_snapshot!(error.mistakes()[0].message, @"`fake:Db::db` needs `password` of `core:StackReference::platform/network`, which is secret and sealed with a key that this run does not have: say which with `.key(…)` on the reference");
    assert!(error.mistakes()[0].at.is_some());
}

#[tokio::test]
async fn a_stack_that_is_being_deployed_is_read_with_a_notice() {
    let lab = Lab::new();
    let network_of = lab.stack("program", "network");
    network_of.up(network).await.ok();
    let engine = network_of.engine(network);
    let session = engine.state.acquire(
        infra_core::state::Holder { who: "ann@desk".into(), command: "up".into(), pid: 1 },
        NOW,
    );
    let session = session.await.unwrap();
    let ran = lab.up(app).await;
    let notices = ran.notices();
    ran.ok();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("is being deployed by ann@desk"), "{notices:?}");
    session.release().await.unwrap();
}

#[tokio::test]
async fn a_saved_plan_is_out_of_date_when_what_it_refers_to_has_changed() {
    let lab = Lab::new();
    let network_of = lab.stack("program", "network");
    network_of.up(network).await.ok();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.plan");
    let engine = lab.engine(app);
    let preview = command::preview(&engine, &command::PreviewOptions::default()).await.unwrap();
    command::saved::save(&engine, &preview, false, &path).await.unwrap();
    let saved = Arc::new(command::saved::load(&engine, &path).await.unwrap());
    network_of.up(moved).await.ok();
    let lab = lab.with(|options| options.saved = Some(saved));
    let error = lab.up(app).await.error();
    assert_eq!(error.kind(), ErrorKind::PlanStale);
    assert!(error.to_string().contains("core:StackReference::network"), "{error}");
    assert_eq!(lab.world.count(), 2);
}
