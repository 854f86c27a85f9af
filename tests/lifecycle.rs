//! The engine's specification: one scenario a test, on a fake cloud.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "lifecycle/drift.rs"]
mod drift;
#[path = "lifecycle/elsewhere.rs"]
mod elsewhere;
mod harness;
#[path = "lifecycle/importing.rs"]
mod importing;
#[path = "lifecycle/interrupted.rs"]
mod interrupted;
#[path = "lifecycle/judged.rs"]
mod judged;
#[path = "lifecycle/looked.rs"]
mod looked;
#[path = "lifecycle/rebuilt.rs"]
mod rebuilt;
#[path = "lifecycle/replacing.rs"]
mod replacing;
#[path = "lifecycle/rollback.rs"]
mod rollback;
#[path = "lifecycle/running.rs"]
mod running;
#[path = "lifecycle/stacks.rs"]
mod stacks;
#[path = "lifecycle/strangers.rs"]
mod strangers;
#[path = "lifecycle/unsayable.rs"]
mod unsayable;
#[path = "lifecycle/unseen.rs"]
mod unseen;

use std::{collections::BTreeSet, sync::Arc};

use harness::{Db, FakeProvider, Host, Image, Lab, Net, Note, Slot, Wrong, steps};
use infra_core::{
    ErrorKind, Resource as _, Stack,
    event::Event,
    interpolate,
    plan::{Action, Cause, Hint},
    prelude::*,
    provider::Class,
    secret::Secret,
    state::{Outcome, Status, Urn, Value},
};

fn urn(kind: &str, name: &str) -> Urn {
    Urn::new(&format!("fake:{kind}"), name).unwrap()
}

fn set(urns: &[Urn]) -> BTreeSet<Urn> {
    urns.iter().cloned().collect()
}

/// A net with two hosts and a database in it.
fn base(stack: &mut Stack) -> Result<()> {
    sized(stack, "small");
    Ok(())
}

fn sized(stack: &mut Stack, size: &str) {
    let net = stack.add("net", Net::new("10.0.0.0/16"));
    for name in ["a", "b"] {
        stack.add(name, Host::new(&net.id).size(size).labels(["x", "y"]).wait(3u32));
    }
    stack.add("db", Db::new().net(&net.id));
    stack.export("net", &net.id);
}

fn nothing(_: &mut Stack) -> Result<()> {
    Ok(())
}

#[tokio::test]
async fn up_makes_everything_and_the_second_run_nothing() {
    let lab = Lab::new();
    let summary = lab.up(base).await.ok();
    assert_eq!(summary.outcome, Outcome::Succeeded);
    assert_eq!(summary.done.get(&Action::Create), Some(&4));
    assert_eq!(lab.world.count(), 4);
    assert!(summary.exports["net"].as_str().unwrap().starts_with("net-"));
    lab.world.clear_calls();
    assert!(lab.plan(base).await.is_empty());
    lab.up(base).await.ok();
    assert_eq!(lab.world.mutations(), Vec::<String>::new());
}

#[tokio::test]
async fn preview_of_an_empty_stack_calls_nothing_that_changes_and_writes_no_state() {
    let lab = Lab::new();
    let plan = lab.plan(base).await;
    assert_eq!(steps(&plan), ["Create a", "Create b", "Create db", "Create net"]);
    assert_eq!(lab.world.mutations(), Vec::<String>::new());
    assert!(lab.snapshot().await.is_none());
}

#[tokio::test]
async fn a_mutable_field_is_updated_in_place() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let ids: Vec<_> = lab.world.of("fake:Host").into_keys().collect();
    let big = |stack: &mut Stack| {
        sized(stack, "big");
        Ok(())
    };
    let plan = lab.plan(big).await;
    assert_eq!(steps(&plan), ["Update a", "Update b"]);
    lab.up(big).await.ok();
    let hosts = lab.world.of("fake:Host");
    assert_eq!(hosts.keys().cloned().collect::<Vec<_>>(), ids);
    assert!(hosts.values().all(|host| host.inputs.get("size") == Some(&"big".into())));
    assert!(lab.plan(big).await.is_empty());
}

#[tokio::test]
async fn an_immutable_field_replaces_and_takes_its_users_along_with_reasons() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let moved = |stack: &mut Stack| {
        let net = stack.add("net", Net::new("10.9.0.0/16"));
        for name in ["a", "b"] {
            stack.add(name, Host::new(&net.id).size("small").labels(["x", "y"]).wait(3u32));
        }
        stack.add("db", Db::new().net(&net.id));
        Ok(())
    };
    let plan = lab.plan(moved).await;
    let expected = [
        "Create a",
        "Create b",
        "Create net",
        "DeleteOld a",
        "DeleteOld b",
        "DeleteOld net",
        "Update db",
    ];
    assert_eq!(steps(&plan), expected);
    let host =
        plan.steps.iter().find(|s| s.urn.name() == "a" && s.action == Action::Create).unwrap();
    assert!(
        host.why
            .iter()
            .any(|why| matches!(&why.cause, Cause::Follows { urn, .. } if urn.name() == "net"))
    );
    assert!(host.replaces.is_some());
    lab.up(moved).await.ok();
    assert_eq!(lab.world.count(), 4);
    assert!(lab.plan(moved).await.is_empty());
}

#[tokio::test]
async fn the_new_object_is_made_before_the_old_one_goes() {
    let lab = Lab::new();
    lab.up(|s| {
        let _: () = drop(s.add("net", Net::new("10.0.0.0/16")));
        Ok(())
    })
    .await
    .ok();
    lab.world.clear_calls();
    lab.up(|s| {
        let _: () = drop(s.add("net", Net::new("10.1.0.0/16")));
        Ok(())
    })
    .await
    .ok();
    assert_eq!(lab.world.mutations(), ["create fake:Net", "delete fake:Net"]);
}

#[tokio::test]
async fn a_kind_that_cannot_exist_twice_is_deleted_first() {
    let lab = Lab::new();
    lab.up(|s| {
        let _: () = drop(s.add("slot", Slot::new("one")));
        Ok(())
    })
    .await
    .ok();
    lab.world.clear_calls();
    lab.up(|s| {
        let _: () = drop(s.add("slot", Slot::new("two")));
        Ok(())
    })
    .await
    .ok();
    assert_eq!(lab.world.mutations(), ["delete fake:Slot", "create fake:Slot"]);
}

#[tokio::test]
async fn the_option_deletes_first_too() {
    let lab = Lab::new();
    let net = |block: &'static str| {
        move |s: &mut Stack| {
            drop(s.add("net", Net::new(block).delete_before_replace()));
            Ok(())
        }
    };
    lab.up(net("10.0.0.0/16")).await.ok();
    lab.world.clear_calls();
    lab.up(net("10.1.0.0/16")).await.ok();
    assert_eq!(lab.world.mutations(), ["delete fake:Net", "create fake:Net"]);
}

#[tokio::test]
async fn removed_resources_are_deleted_users_first() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    lab.world.clear_calls();
    let lab = lab.planning(|plan| plan.allow_data_loss = set(&[urn("Db", "db")]));
    lab.up(nothing).await.ok();
    let calls = lab.world.mutations();
    assert_eq!(calls.len(), 4);
    assert_eq!(calls.last().unwrap(), "delete fake:Net");
    assert_eq!(lab.world.count(), 0);
}

#[tokio::test]
async fn destroy_leaves_nothing() {
    let lab = Lab::new().planning(|plan| plan.allow_data_loss = set(&[urn("Db", "db")]));
    lab.up(base).await.ok();
    lab.destroy(base).await.ok();
    assert_eq!(lab.world.count(), 0);
    assert!(lab.snapshot().await.unwrap().records.is_empty());
}

#[tokio::test]
async fn data_is_not_lost_by_an_ordinary_yes() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let error = lab.destroy(base).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("--allow-data-loss"), "{error}");
    assert_eq!(lab.world.count(), 4);
}

#[tokio::test]
async fn protection_blocks_planning_and_outlives_the_line() {
    let lab = Lab::new();
    let protected = |s: &mut Stack| {
        drop(s.add("net", Net::new("10.0.0.0/16").protect()));
        Ok(())
    };
    lab.up(protected).await.ok();
    let replaced = |s: &mut Stack| {
        drop(s.add("net", Net::new("10.1.0.0/16").protect()));
        Ok(())
    };
    for error in [
        lab.up(replaced).await.error(),
        lab.up(nothing).await.error(),
        lab.destroy(protected).await.error(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    }
    // Taken back in the program, it is free again.
    lab.up(|s| {
        let _: () = drop(s.add("net", Net::new("10.0.0.0/16")));
        Ok(())
    })
    .await
    .ok();
    lab.up(nothing).await.ok();
    assert_eq!(lab.world.count(), 0);
}

#[tokio::test]
async fn destroy_can_leave_what_is_protected() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        let net = s.add("net", Net::new("10.0.0.0/16").protect());
        s.add("host", Host::new(&net.id));
        Ok(())
    };
    lab.up(program).await.ok();
    lab.planning(|plan| plan.exclude_protected = true).destroy(program).await.ok();
    assert_eq!(lab.world.of("fake:Net").len(), 1);
    assert_eq!(lab.world.count(), 1);
}

#[tokio::test]
async fn retained_objects_are_forgotten_not_deleted() {
    let lab = Lab::new();
    lab.up(|s| {
        let _: () = drop(s.add("net", Net::new("10.0.0.0/16").retain_on_delete()));
        Ok(())
    })
    .await
    .ok();
    lab.up(nothing).await.ok();
    assert_eq!(lab.world.count(), 1);
    assert!(lab.snapshot().await.unwrap().records.is_empty());
}

#[tokio::test]
async fn ignored_changes_are_not_acted_on() {
    let lab = Lab::new();
    let noted = |note: &'static str| {
        move |s: &mut Stack| {
            drop(s.add("net", Net::new("10.0.0.0/16").note(note).ignore_changes([Net::NOTE])));
            Ok(())
        }
    };
    lab.up(noted("one")).await.ok();
    assert!(lab.plan(noted("two")).await.is_empty());
}

#[tokio::test]
async fn an_option_turns_an_update_into_a_replacement() {
    let lab = Lab::new();
    let noted = |note: &'static str| {
        move |s: &mut Stack| {
            drop(s.add("net", Net::new("10.0.0.0/16").note(note).replace_on_changes([Net::NOTE])));
            Ok(())
        }
    };
    lab.up(noted("one")).await.ok();
    assert_eq!(steps(&*lab.plan(noted("two")).await), ["Create net", "DeleteOld net"]);
}

#[tokio::test]
async fn a_flag_replaces_what_did_not_change() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let lab = lab.planning(|plan| plan.replaces = set(&[urn("Host", "a")]));
    assert_eq!(steps(&*lab.plan(base).await), ["Create a", "DeleteOld a"]);
}

#[tokio::test]
async fn a_driver_can_ask_for_a_replacement() {
    let lab = Lab::new();
    let version = |v: u32| {
        move |s: &mut Stack| {
            drop(s.add("db", Db::new().version(v)));
            Ok(())
        }
    };
    lab.up(version(5)).await.ok();
    assert_eq!(steps(&*lab.plan(version(6)).await), ["Update db"]);
    let plan = lab.plan(version(4)).await;
    assert_eq!(steps(&plan), ["Create db", "DeleteOld db"]);
    assert!(plan.losses.iter().any(|loss| !loss.allowed));
}

#[tokio::test]
async fn a_fixed_name_forces_delete_first_and_says_so() {
    let lab = Lab::new().planning(|plan| plan.allow_data_loss = set(&[urn("Db", "db")]));
    let version = |v: u32| {
        move |s: &mut Stack| {
            drop(s.add("db", Db::new().name("fixed").version(v)));
            Ok(())
        }
    };
    lab.up(version(5)).await.ok();
    let plan = lab.plan(version(4)).await;
    assert!(
        plan.hints.iter().any(|hint| matches!(hint, Hint::FixedName { .. })),
        "{:?}",
        plan.hints
    );
    lab.world.clear_calls();
    lab.up(version(4)).await.ok();
    assert_eq!(lab.world.mutations(), ["delete fake:Db", "create fake:Db"]);
}

#[tokio::test]
async fn generated_names_hold_program_stack_name_and_instance() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let (_, db) = lab.world.of("fake:Db").pop_first().unwrap();
    let name = db.inputs.get("name").unwrap().as_str().unwrap().to_owned();
    assert!(name.starts_with("program-dev-db-"), "{name}");
}

#[tokio::test]
async fn an_alias_renames_instead_of_replacing() {
    let lab = Lab::new();
    lab.up(|s| {
        let _: () = drop(s.add("old", Net::new("10.0.0.0/16")));
        Ok(())
    })
    .await
    .ok();
    let renamed = |s: &mut Stack| {
        drop(s.add("new", Net::new("10.0.0.0/16").alias("old")));
        Ok(())
    };
    assert!(lab.plan(renamed).await.is_empty());
    lab.world.clear_calls();
    lab.up(renamed).await.ok();
    assert_eq!(lab.world.mutations(), Vec::<String>::new());
    let snapshot = lab.snapshot().await.unwrap();
    assert!(
        snapshot.current(&urn("Net", "new")).is_some()
            && snapshot.current(&urn("Net", "old")).is_none()
    );
}

#[tokio::test]
async fn a_likely_rename_is_pointed_out() {
    let lab = Lab::new();
    lab.up(|s| {
        let _: () = drop(s.add("old", Net::new("10.0.0.0/16")));
        Ok(())
    })
    .await
    .ok();
    let plan = lab
        .plan(|s| {
            let _: () = drop(s.add("new", Net::new("10.0.0.0/16")));
            Ok(())
        })
        .await;
    let hint = Hint::Rename { from: urn("Net", "old"), to: urn("Net", "new") };
    assert!(plan.hints.contains(&hint), "{:?}", plan.hints);
}

#[tokio::test]
async fn a_rename_is_pointed_out_though_its_name_was_generated() {
    let lab = Lab::new();
    let named = |name: &'static str| {
        move |s: &mut Stack| {
            s.add(name, Db::new());
            Ok(())
        }
    };
    lab.up(named("old")).await.ok();
    let hint = Hint::Rename { from: urn("Db", "old"), to: urn("Db", "new") };
    assert!(lab.plan(named("new")).await.hints.contains(&hint));
    // That data would be lost is no reason to be silent about it.
    let error = lab.up(named("new")).await.error().to_string();
    assert!(error.contains("--allow-data-loss fake:Db::old"), "{error}");
    assert!(error.contains("`new` looks like it renamed: `.alias(\"old\")`"), "{error}");
    // Of several, only those that are still called alike.
    let two = |scope: &'static str, other: &'static str| {
        move |s: &mut Stack| {
            s.add(format!("{scope}/a").as_str(), Db::new());
            s.add(other, Db::new());
            Ok(())
        }
    };
    let lab = Lab::new();
    lab.up(two("one", "x")).await.ok();
    let hints = lab.plan(two("two", "y")).await.hints.clone();
    assert_eq!(hints, [Hint::Rename { from: urn("Db", "one/a"), to: urn("Db", "two/a") }]);
}

#[tokio::test]
async fn an_existing_object_is_imported_and_brought_to_what_is_declared() {
    let lab = Lab::new();
    lab.world.plant(
        "net-77",
        "fake:Net",
        [("block", "10.0.0.0/16".into()), ("note", "old".into())].into(),
    );
    let program = |s: &mut Stack| {
        drop(s.add("net", Net::new("10.0.0.0/16").note("new").import("net-77")));
        Ok(())
    };
    assert_eq!(steps(&*lab.plan(program).await), ["Import net"]);
    lab.up(program).await.ok();
    assert_eq!(lab.world.count(), 1);
    assert_eq!(lab.world.of("fake:Net")["net-77"].inputs.get("note"), Some(&"new".into()));
    assert!(lab.plan(program).await.is_empty());
}

#[tokio::test]
async fn a_taken_name_fails_unless_it_may_be_adopted() {
    let lab = Lab::new();
    lab.world.plant(
        "db/theirs",
        "fake:Db",
        [("name", "theirs".into()), ("version", 1u32.into())].into(),
    );
    let summary = lab
        .up(|s| {
            let _: () = drop(s.add("db", Db::new().name("theirs")));
            Ok(())
        })
        .await
        .summary();
    assert_eq!(summary.failed.len(), 1);
    lab.up(|s| {
        let _: () = drop(s.add("db", Db::new().name("theirs").adopt()));
        Ok(())
    })
    .await
    .ok();
    assert_eq!(lab.world.count(), 1);
}

#[tokio::test]
async fn a_lookup_is_pinned_until_it_is_refreshed() {
    let lab = Lab::new();
    let family = |id: &str| lab.world.plant(id, "image", [("family", "linux".into())].into());
    let program = |s: &mut Stack| {
        let image = s.lookup("image", Image::new("linux"));
        s.add("note", Note::new(&image.image));
        Ok(())
    };
    family("image-2");
    lab.up(program).await.ok();
    family("image-1");
    assert!(lab.plan(program).await.is_empty());
    let refreshed = lab.planning(|plan| plan.refresh_lookups = true);
    assert_eq!(steps(&*refreshed.plan(program).await), ["Update note"]);
}

#[tokio::test]
async fn a_secret_stays_and_is_never_shown() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        let password = s.secret("password");
        s.add("db", Db::new().password(&password));
        s.add("note", Note::new(interpolate!("user:{}", &password)));
        s.export("password", &password);
        Ok(())
    };
    let ran = lab.up(program).await;
    let snapshot = lab.snapshot().await.unwrap();
    let secret = snapshot.records.values().find(|r| r.urn.kind() == Secret::KIND).unwrap();
    let plain = secret.outputs.get("value").unwrap().as_str().unwrap().to_owned();
    assert_eq!(plain.len(), 32);
    assert!(!format!("{ran:?}").contains(&plain));
    assert!(!format!("{snapshot:?}").contains(&plain));
    let (_, note) = lab.world.of("fake:Note").pop_first().unwrap();
    assert_eq!(note.inputs.get("text").unwrap().as_str(), Some(&*format!("user:{plain}")));
    assert!(lab.plan(program).await.is_empty());
}

#[tokio::test]
async fn two_providers_make_their_resources_in_two_places() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        let far =
            s.provider("far", FakeProvider::new().region("far").default_tags([("team", "x")]));
        s.add("near", Net::new("10.0.0.0/16"));
        s.add("far", Net::new("10.1.0.0/16").provider(&far));
        Ok(())
    };
    lab.up(program).await.ok();
    let snapshot = lab.snapshot().await.unwrap();
    let region = |name: &str| {
        snapshot.current(&urn("Net", name)).unwrap().provider.clone().unwrap().identity["region"]
            .clone()
    };
    assert_eq!((region("near").as_str(), region("far").as_str()), ("here", "far"));
    let nets = lab.world.of("fake:Net");
    let tagged = nets
        .values()
        .filter(|net| net.inputs.get("tags").and_then(|tags| tags.get("team")).is_some());
    assert_eq!(tagged.count(), 1);
    assert!(lab.plan(program).await.is_empty());
}

#[tokio::test]
async fn a_provider_may_be_made_from_outputs() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        let net = s.add("net", Net::new("10.0.0.0/16"));
        let inner = s.provider("inner", FakeProvider::new().region(&net.id));
        s.add("host", Note::new("inside").provider(&inner));
        Ok(())
    };
    assert_eq!(steps(&*lab.plan(program).await), ["Create host", "Create net"]);
    lab.up(program).await.ok();
    assert!(lab.plan(program).await.is_empty());
}

#[tokio::test]
async fn a_provider_that_moves_takes_its_resources_along() {
    let lab = Lab::new();
    let at = |region: &'static str| {
        move |s: &mut Stack| {
            let provider = s.provider("p", FakeProvider::new().region(region));
            s.add("net", Net::new("10.0.0.0/16").provider(&provider));
            Ok(())
        }
    };
    lab.up(at("one")).await.ok();
    assert_eq!(steps(&*lab.plan(at("two")).await), ["Create net", "DeleteOld net"]);
}

#[tokio::test]
async fn credentials_of_another_account_are_refused_before_anything_is_read() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let mut other = lab.clone();
    other.account = "2222".to_owned();
    lab.world.clear_calls();
    let error = other.up(base).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("2222"), "{error}");
    assert_eq!(lab.world.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_refused_create_skips_its_users_and_the_next_run_goes_on() {
    let lab = Lab::new();
    lab.world.fault("create", "10.66", Wrong::Refuse(Class::Denied, "not allowed".into()), 1);
    let program = |s: &mut Stack| {
        let bad = s.add("bad", Net::new("10.66.0.0/16"));
        s.add("user", Host::new(&bad.id));
        let good = s.add("good", Net::new("10.1.0.0/16"));
        s.add("other", Host::new(&good.id));
        Ok(())
    };
    let ran = lab.up(program).await;
    let skipped = |event: &Event| matches!(event, Event::StepSkipped { urn, because: Some(bad), .. } if urn.name() == "user" && bad.name() == "bad");
    assert!(ran.events.iter().any(skipped));
    let summary = ran.summary();
    assert_eq!((summary.outcome, summary.failed.len(), summary.skipped), (Outcome::Failed, 1, 1));
    assert!(summary.failed[0].message.contains("not allowed"));
    assert_eq!(lab.world.count(), 2);
    assert_eq!(steps(&*lab.plan(program).await), ["Create bad", "Create user"]);
    lab.up(program).await.ok();
    assert_eq!(lab.world.count(), 4);
}

#[tokio::test]
async fn throttles_and_outages_are_sat_out() {
    let lab = Lab::new();
    lab.world.fault("create", "", Wrong::Refuse(Class::Throttled, "slow down".into()), 3);
    lab.world.fault("read", "", Wrong::Refuse(Class::Transient, "reset".into()), 3);
    lab.up(base).await.ok();
    assert_eq!(lab.world.count(), 4);
}

#[tokio::test]
async fn a_lost_reply_makes_nothing_twice() {
    for about in ["10.0", "small", "db"] {
        let lab = Lab::new();
        lab.world.fault("create", about, Wrong::LoseReply, 1);
        lab.up(base).await.ok();
        assert_eq!(lab.world.count(), 4, "lost reply about {about}");
        assert!(lab.plan(base).await.is_empty());
    }
}

/// Runs `up` until a call hangs, and drops it there as a crash would.
async fn cut_off(
    lab: &Lab,
    verb: &'static str,
    about: &str,
    what: Wrong,
    program: impl Fn(&mut Stack) -> Result<()> + Copy + Send + Sync + 'static,
) {
    lab.world.fault(verb, about, what, 1);
    let hung = lab.world.hung.notified();
    let up = lab.up(program);
    tokio::select! {
        ran = up => panic!("the run ended: {ran:?}"),
        () = hung => {}
    }
    // The tasks of the dropped run die when the runtime next looks at them.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    lab.world.heal();
}

/// The same, and then runs it again.
async fn crash(
    lab: &Lab,
    verb: &'static str,
    about: &str,
    what: Wrong,
    program: impl Fn(&mut Stack) -> Result<()> + Copy + Send + Sync + 'static,
) {
    cut_off(lab, verb, about, what, program).await;
    lab.up(program).await.ok();
}

#[tokio::test]
async fn a_crash_around_a_create_neither_loses_nor_doubles() {
    for about in ["10.0", "small", "db"] {
        for what in [Wrong::HangBefore, Wrong::HangAfter] {
            let lab = Lab::new();
            crash(&lab, "create", about, what.clone(), base).await;
            assert_eq!(lab.world.count(), 4, "{what:?} about {about}: {:?}", lab.world.calls());
            assert!(lab.plan(base).await.is_empty());
            assert!(lab.snapshot().await.unwrap().open.is_empty());
        }
    }
}

#[tokio::test]
async fn a_crash_around_a_delete_or_update_converges() {
    fn fewer(stack: &mut Stack) -> Result<()> {
        let net = stack.add("net", Net::new("10.0.0.0/16").note("fewer"));
        stack.add("a", Host::new(&net.id).size("small").labels(["y", "x"]).wait(3u32));
        stack.add("db", Db::new().net(&net.id));
        Ok(())
    }
    for (verb, about) in [("delete", "small"), ("update", "fewer")] {
        for what in [Wrong::HangBefore, Wrong::HangAfter] {
            let lab = Lab::new();
            lab.up(base).await.ok();
            crash(&lab, verb, about, what, fewer).await;
            assert_eq!(lab.world.count(), 3);
            assert!(lab.plan(fewer).await.is_empty());
        }
    }
}

#[tokio::test]
async fn an_object_that_fails_after_its_create_is_remembered_and_put_right() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        let net = s.add("net", Net::new("10.0.0.0/16"));
        let host = Host::new(&net.id).size("huge").wait(1_000_000_u32);
        let host = s.add("host", host.create_timeout(std::time::Duration::from_secs(30)));
        // It never said what this is made of: that is not known then, not absent.
        s.add("note", Note::new("text").subject(&host.id));
        Ok(())
    };
    let summary = lab.up(program).await.summary();
    assert_eq!(summary.failed.len(), 1);
    let snapshot = lab.snapshot().await.unwrap();
    assert_eq!(snapshot.current(&urn("Host", "host")).unwrap().status, Status::Incomplete);
    let (id, _) = lab.world.of("fake:Host").pop_first().unwrap();
    lab.world.tamper(&id, |host| {
        host.pending = 0;
        Some(())
    });
    lab.up(program).await.ok();
    assert_eq!(lab.world.of("fake:Host").len(), 1);
    assert!(lab.plan(program).await.is_empty());
}

#[tokio::test]
async fn drift_is_shown_apart_and_put_back() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let (id, _) = lab.world.of("fake:Host").pop_first().unwrap();
    lab.world.tamper(&id, |host| {
        host.inputs =
            [("net", host.inputs.get("net").unwrap().clone()), ("size", "hand-made".into())].into();
        Some(())
    });
    assert!(
        lab.plan(base).await.is_empty(),
        "without --refresh only what the plan touches is read"
    );
    let refreshed = lab.planning(|plan| plan.refresh = infra_core::plan::Refresh::All);
    let plan = refreshed.plan(base).await;
    let step = plan.steps.iter().find(|step| step.action == Action::Update).unwrap();
    assert!(
        step.diff.is_empty() && step.drift.iter().any(|d| d.path.to_string() == "size"),
        "{step:?}"
    );
    refreshed.up(base).await.ok();
    assert!(refreshed.plan(base).await.is_empty());
}

#[tokio::test]
async fn an_object_deleted_by_hand_is_made_again() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let (id, _) = lab.world.of("fake:Host").pop_first().unwrap();
    lab.world.tamper(&id, |_| None);
    let lab = lab.planning(|plan| plan.refresh = infra_core::plan::Refresh::All);
    lab.up(base).await.ok();
    assert_eq!(lab.world.of("fake:Host").len(), 2);
}

#[tokio::test]
async fn many_absent_objects_at_once_stop_the_plan() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        (0..30).for_each(|at| drop(s.add(format!("n{at}"), Net::new(format!("10.{at}.0.0/16")))));
        Ok(())
    };
    lab.up(program).await.ok();
    for id in lab.world.of("fake:Net").into_keys().take(12) {
        lab.world.tamper(&id, |_| None);
    }
    let refreshed = lab.planning(|plan| plan.refresh = infra_core::plan::Refresh::All);
    let error = refreshed.up(program).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert_eq!(lab.world.count(), 18);
    refreshed.planning(|plan| plan.allow_mass_absence = true).up(program).await.ok();
    assert_eq!(lab.world.count(), 30);
}

#[tokio::test]
async fn a_target_takes_what_it_needs_and_leaves_the_rest() {
    let lab = Lab::new();
    let one = lab.planning(|plan| plan.targets = set(&[urn("Host", "a")]));
    assert_eq!(steps(&*one.plan(base).await), ["Create a", "Create net"]);
    one.up(base).await.ok();
    let rest = lab.planning(|plan| plan.excludes = set(&[urn("Db", "db")]));
    assert_eq!(steps(&*rest.plan(base).await), ["Create b"]);
}

#[tokio::test]
async fn a_target_that_does_not_exist_is_an_error() {
    let lab = Lab::new().planning(|plan| plan.targets = set(&[urn("Host", "aa")]));
    let error = lab.preview(base).await.err().unwrap();
    assert!(error.to_string().contains("aa"), "{error}");
}

#[tokio::test]
async fn five_mistakes_are_reported_together_with_where_they_are() {
    let lab = Lab::new();
    let error = lab
        .up(|s| {
            s.add("net", Net::new("10.0.0.0/16"));
            s.add("net", Net::new("10.0.0.0/16"));
            s.add("bad name", Net::new("10.0.0.0/16"));
            s.add("long", Note::new("x".repeat(500)));
            s.add("paths", Net::new("10.0.0.0/16").ignore_changes(["tags["]));
            s.add("tagged", Net::new("10.0.0.0/16").tags([("infra:mine", "x")]));
            Ok(())
        })
        .await
        .error();
    assert_eq!(error.mistakes().len(), 5, "{error:?}");
    assert!(
        error.mistakes().iter().all(|m| m.at.is_some_and(|at| at.file().ends_with("lifecycle.rs"))),
        "{error:?}"
    );
    assert_eq!(lab.world.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_kind_that_no_driver_knows_is_named() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let mut engine = lab.engine(nothing);
    engine.registry = infra_core::provider::Registry::default();
    let options = infra_core::command::PreviewOptions::default();
    let error = infra_core::command::preview(&engine, &options).await.err().unwrap();
    assert!(error.to_string().contains("fake:Host::a"), "{error}");
}

#[tokio::test]
async fn a_second_up_meanwhile_finds_the_lock_and_preview_says_so() {
    let lab = Lab::new();
    lab.up(|s| {
        let _: () = drop(s.add("first", Net::new("10.0.0.0/16")));
        Ok(())
    })
    .await
    .ok();
    lab.world.fault("create", "small", Wrong::HangBefore, 1);
    let other = lab.clone();
    let hung = lab.world.hung.notified();
    let first = tokio::spawn(async move { other.up(base).await });
    hung.await;
    let error = lab.up(base).await.error();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.to_string().contains("tester@lab"), "{error}");
    lab.plan(base).await;
    first.abort();
    drop(first.await);
    lab.up(base).await.ok();
}

#[tokio::test]
async fn the_first_stop_finishes_what_runs_and_starts_nothing_new() {
    fn chain(stack: &mut Stack) -> Result<()> {
        base(stack)?;
        let mut subject = interpolate!("the first");
        for at in 0..20 {
            subject = stack.add(format!("link{at}"), Note::new("text").subject(subject)).id.clone();
        }
        Ok(())
    }
    let lab = Lab::new();
    let mut engine = lab.engine(chain);
    let (events, mut stream) = infra_core::event::Events::channel();
    engine.events = events;
    let cancel = engine.cancel.clone();
    let watch = tokio::spawn(async move {
        while let Some(event) = stream.recv().await {
            if matches!(event, Event::StepDone { .. }) {
                cancel.stop();
            }
        }
    });
    let result =
        infra_core::command::up(&engine, &lab.options, &infra_core::command::Confirmed).await;
    drop(engine);
    watch.await.unwrap();
    let summary = result.unwrap();
    assert_eq!(summary.outcome, Outcome::Interrupted);
    assert!(summary.skipped > 0);
    assert!(lab.snapshot().await.unwrap().open.is_empty());
    lab.up(chain).await.ok();
    assert_eq!(lab.world.count(), 24);
}

#[tokio::test]
async fn state_that_was_left_out_of_a_failed_run_is_still_there() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    lab.world.fault("delete", "", Wrong::Refuse(Class::Denied, "no".into()), 100);
    let allowed = lab.planning(|plan| plan.allow_data_loss = set(&[urn("Db", "db")]));
    let summary = allowed.destroy(base).await.summary();
    assert_eq!(summary.outcome, Outcome::Failed);
    assert_eq!(
        lab.snapshot()
            .await
            .unwrap()
            .records
            .values()
            .filter(|r| r.urn.kind() != "fake:Provider")
            .count(),
        4
    );
    lab.world.heal();
    allowed.destroy(base).await.ok();
    assert_eq!(lab.world.count(), 0);
}

#[tokio::test]
async fn a_replacement_that_hangs_on_an_unknown_is_weakened_when_it_turns_out_the_same() {
    let lab = Lab::new();
    // The note's subject hangs on the net's summary, which any update of the net might change.
    let program = |note: &'static str| {
        move |s: &mut Stack| {
            let net = s.add("net", Net::new("10.0.0.0/16").note(note));
            let subject = net.summary.map(|_| "always the same".to_owned());
            s.add("note", Note::new("text").subject(subject));
            Ok(())
        }
    };
    lab.up(program("one")).await.ok();
    let plan = lab.plan(program("two")).await;
    let create =
        plan.steps.iter().find(|s| s.urn.name() == "note" && s.action == Action::Create).unwrap();
    assert!(create.replaces.as_ref().is_some_and(|r| r.if_changed));
    lab.world.clear_calls();
    lab.up(program("two")).await.ok();
    assert_eq!(lab.world.mutations(), ["update fake:Net"]);
    assert!(lab.plan(program("two")).await.is_empty());
}

#[tokio::test]
async fn an_unknown_that_turns_out_different_replaces() {
    let lab = Lab::new();
    let program = |note: &'static str| {
        move |s: &mut Stack| {
            let net = s.add("net", Net::new("10.0.0.0/16").note(note));
            s.add("note", Note::new("text").subject(&net.summary));
            Ok(())
        }
    };
    lab.up(program("one")).await.ok();
    lab.up(program("two")).await.ok();
    assert_eq!(lab.world.of("fake:Note").len(), 1);
    assert!(lab.plan(program("two")).await.is_empty());
}

#[tokio::test]
async fn exports_follow_the_program() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        let net = s.add("net", Net::new("10.0.0.0/16"));
        s.export("text", interpolate!("net {}", &net.id));
        s.export("list", vec!["a".to_owned()]);
        Ok(())
    };
    lab.up(program).await.ok();
    let exports = lab.snapshot().await.unwrap().exports;
    assert!(exports["text"].as_str().unwrap().starts_with("net net-"));
    assert_eq!(exports["list"], Value::List(vec!["a".into()]));
    // An export alone is a change of state, not of the cloud.
    lab.up(|s| {
        let net = s.add("net", Net::new("10.0.0.0/16"));
        let _: () = s.export("only", &net.id);
        Ok(())
    })
    .await
    .ok();
    assert_eq!(lab.snapshot().await.unwrap().exports.keys().collect::<Vec<_>>(), ["only"]);
}

#[tokio::test]
async fn waiting_objects_are_read_together() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        let net = s.add("net", Net::new("10.0.0.0/16"));
        (0..40).for_each(|at| drop(s.add(format!("h{at}"), Host::new(&net.id).wait(2u32))));
        Ok(())
    };
    lab.up(program).await.ok();
    let reads = lab.world.calls().iter().filter(|call| call.starts_with("read fake:Host")).count();
    assert!(reads < 40, "{reads} reads for 40 objects");
}

#[tokio::test]
async fn state_survives_and_tells_its_history() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    lab.up(|s| {
        sized(s, "big");
        Ok(())
    })
    .await
    .ok();
    let history = lab.engine(base).state.history(10).await.unwrap();
    assert_eq!(history.len(), 2);
}

#[tokio::test]
async fn a_driver_that_needs_no_world_is_shared() {
    // Two lives of one stack in one world do not see each other's objects as theirs.
    let (one, two) = (Lab::new(), Lab::new());
    let mut two = two.with(|options| options.new_lineage = true);
    two.world = Arc::clone(&one.world);
    one.up(base).await.ok();
    two.up(base).await.ok();
    assert_eq!(one.world.count(), 8);
    assert!(one.plan(base).await.is_empty() && two.plan(base).await.is_empty());
}
