//! How steps run: how many at once, in which order, and what a failure holds up.

use infra_core::{
    Stack, interpolate,
    plan::{Action, Refresh},
    prelude::*,
    provider::Class,
    state::{Outcome, Value},
};

use crate::{
    base,
    harness::{Host, Image, Lab, Net, Note, Wrong, steps},
    set, sized, urn,
};

#[tokio::test]
async fn steps_with_one_lock_run_one_at_a_time() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        for at in 0..10 {
            s.add(format!("note{at}"), Note::new("text"));
            s.add(format!("net{at}"), Net::new("10.0.0.0/16"));
        }
        Ok(())
    };
    lab.up(program).await.ok();
    assert_eq!(lab.world.peak("fake:Note"), 1);
    assert!(lab.world.peak("fake:Net") > 1);
}

#[tokio::test]
async fn no_more_run_at_once_than_asked_for() {
    let lab = Lab::new().with(|options| options.parallel = 2);
    let program = |s: &mut Stack| {
        (0..20).for_each(|at| drop(s.add(format!("net{at}"), Net::new("10.0.0.0/16"))));
        Ok(())
    };
    lab.up(program).await.ok();
    assert_eq!(lab.world.peak("fake:Net"), 2);
}

#[tokio::test]
async fn the_summary_names_the_critical_path() {
    let lab = Lab::new();
    let summary = lab.up(base).await.ok();
    let path: Vec<_> = summary.critical_path.iter().map(|(urn, _, _)| urn.name()).collect();
    assert!(path == ["net", "a"] || path == ["net", "b"] || path == ["net", "db"], "{path:?}");
    let total: std::time::Duration = summary.critical_path.iter().map(|(_, _, time)| *time).sum();
    assert!(total <= summary.elapsed);
}

#[tokio::test]
async fn a_failed_delete_holds_up_what_waits_for_it_unless_asked_otherwise() {
    let program = |s: &mut Stack| {
        let first = s.add("first", Note::new("first"));
        s.add("second", Note::new("second").depends_on([&first]));
        Ok(())
    };
    for (go_on, left) in [(false, 2), (true, 1)] {
        let lab = Lab::new().with(|options| options.continue_on_error = go_on);
        lab.up(program).await.ok();
        lab.world.fault("delete", "second", Wrong::Refuse(Class::Denied, "no".into()), 1);
        let summary = lab.destroy(program).await.summary();
        assert_eq!(summary.outcome, Outcome::Failed);
        assert_eq!(lab.world.count(), left);
        lab.destroy(program).await.ok();
        assert_eq!(lab.world.count(), 0);
    }
}

#[tokio::test]
async fn a_lookup_that_hangs_on_an_output_is_made_during_the_run_and_pinned() {
    let lab = Lab::new();
    lab.world.plant("image-1", "image", [("family", "net-0".into())].into());
    let program = |s: &mut Stack| {
        let net = s.add("net", Net::new("10.0.0.0/16"));
        let image = s.lookup("image", Image::new(&net.id));
        s.add("note", Note::new(interpolate!("uses {}", &image.image)));
        Ok(())
    };
    assert_eq!(steps(&*lab.plan(program).await), ["Create net", "Create note", "Read image"]);
    let made = lab.up(program).await;
    // Ids count from zero in an empty world.
    made.ok();
    let (_, note) = lab.world.of("fake:Note").pop_first().unwrap();
    assert_eq!(note.inputs.get("text"), Some(&"uses image-1".into()));
    assert!(lab.plan(program).await.is_empty());
}

#[tokio::test]
async fn a_lookup_that_finds_nothing_says_what_it_looked_for() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        s.lookup("image", Image::new("beos"));
        Ok(())
    };
    let error = lab.up(program).await.error();
    assert!(error.to_string().contains("beos"), "{error}");
}

#[tokio::test]
async fn an_export_that_hangs_on_a_failure_keeps_its_value() {
    let lab = Lab::new();
    let program = |note: &'static str| {
        move |s: &mut Stack| {
            let net = s.add("net", Net::new("10.0.0.0/16").note(note));
            s.export("summary", &net.summary);
            s.export("fixed", note.to_owned());
            Ok(())
        }
    };
    lab.up(program("one")).await.ok();
    let before = lab.snapshot().await.unwrap().exports["summary"].clone();
    lab.world.fault("update", "two", Wrong::Refuse(Class::Denied, "no".into()), 1);
    let summary = lab.up(program("two")).await.summary();
    assert_eq!(summary.exports["summary"], before);
    assert_eq!(summary.exports["fixed"], Value::from("two"));
    lab.up(program("two")).await.ok();
    assert_ne!(lab.snapshot().await.unwrap().exports["summary"], before);
}

#[tokio::test]
async fn a_failed_update_is_tried_again_by_the_next_run() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let big = |s: &mut Stack| {
        sized(s, "big");
        Ok(())
    };
    lab.world.fault("update", "big", Wrong::Refuse(Class::Invalid, "no such size".into()), 1);
    let summary = lab.up(big).await.summary();
    assert_eq!((summary.failed.len(), summary.done[&Action::Update]), (1, 1));
    lab.up(big).await.ok();
    assert!(
        lab.world
            .of("fake:Host")
            .values()
            .all(|host| host.inputs.get("size") == Some(&"big".into()))
    );
    assert!(lab.plan(big).await.is_empty());
}

#[tokio::test]
async fn an_update_that_was_accepted_and_not_carried_out_has_failed() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let big = |s: &mut Stack| {
        sized(s, "big");
        Ok(())
    };
    lab.world.fault("carry out", "big", Wrong::Forget, 1);
    let summary = lab.up(big).await.summary();
    assert_eq!((summary.failed.len(), summary.done[&Action::Update]), (1, 1));
    let failed = format!("{:?}", summary.failed);
    assert!(failed.contains("the change of `size` was accepted"), "{failed}");
    lab.up(big).await.ok();
    assert!(lab.plan(big).await.is_empty());
}

#[tokio::test]
async fn ignored_drift_is_left_alone() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        s.add("net", Net::new("10.0.0.0/16").note("mine").ignore_changes([Net::NOTE]));
        Ok(())
    };
    lab.up(program).await.ok();
    let (id, _) = lab.world.of("fake:Net").pop_first().unwrap();
    lab.world.tamper(&id, |net| {
        net.inputs = [("block", "10.0.0.0/16".into()), ("note", "theirs".into())].into();
        Some(())
    });
    let lab = lab.planning(|plan| plan.refresh = Refresh::All);
    assert!(lab.plan(program).await.is_empty());
    // Other fields are still brought up to date, and the ignored one keeps what it has.
    let tagged = |s: &mut Stack| {
        s.add(
            "net",
            Net::new("10.0.0.0/16").note("mine").tags([("a", "b")]).ignore_changes([Net::NOTE]),
        );
        Ok(())
    };
    lab.up(tagged).await.ok();
    assert!(lab.plan(tagged).await.is_empty());
    let (_, net) = lab.world.of("fake:Net").pop_first().unwrap();
    assert_eq!(net.inputs.get("note"), Some(&"theirs".into()));
}

#[tokio::test]
async fn an_update_that_failed_leaves_what_is_ignored_to_others_when_it_is_finished() {
    let lab = Lab::new();
    let tagged = |tag: &'static str| {
        move |s: &mut Stack| {
            let net = Net::new("10.0.0.0/16").note("mine").tags([("a", tag)]);
            s.add("net", net.ignore_changes([Net::NOTE]));
            Ok(())
        }
    };
    lab.up(tagged("b")).await.ok();
    lab.world.fault("update", "c", Wrong::Refuse(Class::Invalid, "no".into()), 1);
    assert_eq!(lab.up(tagged("c")).await.summary().failed.len(), 1);
    let (id, _) = lab.world.of("fake:Net").pop_first().unwrap();
    lab.world.tamper(&id, |net| {
        let Value::Map(inputs) = &mut net.inputs else { return None };
        inputs.insert("note".into(), "theirs".into());
        Some(())
    });
    lab.up(tagged("c")).await.ok();
    let (_, net) = lab.world.of("fake:Net").pop_first().unwrap();
    assert_eq!(net.inputs.get("note"), Some(&"theirs".into()));
    assert_eq!(net.inputs.get("tags"), Some(&[("a", Value::from("c"))].into()));
    assert!(lab.plan(tagged("c")).await.is_empty());
}

#[tokio::test]
async fn an_object_whose_making_failed_gets_what_is_ignored_from_then_on() {
    let lab = Lab::new();
    let host = |s: &mut Stack| {
        let limit = std::time::Duration::from_secs(20);
        let host = Host::new("net-a").size("small").wait(1_000_000u32);
        s.add("host", host.create_timeout(limit).ignore_changes([Host::SIZE]));
        Ok(())
    };
    assert_eq!(lab.up(host).await.summary().failed.len(), 1);
    let (id, _) = lab.world.of("fake:Host").pop_first().unwrap();
    lab.world.tamper(&id, |host| {
        let Value::Map(inputs) = &mut host.inputs else { return None };
        inputs.insert("size".into(), "what the cloud gives".into());
        host.pending = 0;
        Some(())
    });
    lab.up(host).await.ok();
    let (_, host) = lab.world.of("fake:Host").pop_first().unwrap();
    assert_eq!(host.inputs.get("size"), Some(&"small".into()));
}

#[tokio::test]
async fn a_create_waits_for_what_was_made_just_now_to_show() {
    let lab = Lab::new();
    lab.world.fault("create", "small", Wrong::Refuse(Class::NotFound, "no such net".into()), 2);
    lab.up(base).await.ok();
    assert_eq!(lab.world.count(), 4);
}

#[tokio::test]
async fn a_create_waits_for_what_an_earlier_run_made_to_show() {
    let lab = Lab::new();
    let alone = |s: &mut Stack| {
        s.add("net", Net::new("10.0.0.0/16"));
        Ok(())
    };
    lab.up(alone).await.ok();
    lab.world.fault("create", "small", Wrong::Refuse(Class::NotFound, "no such net".into()), 2);
    lab.up(base).await.ok();
    assert_eq!(lab.world.count(), 4);
}

#[tokio::test]
async fn not_found_without_a_fresh_dependency_is_an_error_at_once() {
    let lab = Lab::new();
    lab.world.fault("create", "net-404", Wrong::Refuse(Class::NotFound, "no such net".into()), 2);
    let program = |s: &mut Stack| {
        s.add("host", Host::new("net-404"));
        Ok(())
    };
    assert_eq!(lab.up(program).await.summary().failed.len(), 1);
    assert_eq!(lab.world.mutations(), ["create fake:Host"]);
}

#[tokio::test]
async fn an_excluded_resource_and_its_users_are_left_alone() {
    let lab = Lab::new();
    let lab = lab.planning(|plan| plan.excludes = set(&[urn("Net", "net")]));
    assert!(lab.plan(base).await.is_empty());
}

#[tokio::test]
async fn messages_do_not_show_secrets() {
    let lab = Lab::new();
    lab.world.fault("create", "user:", Wrong::Refuse(Class::Invalid, String::new()), 0);
    let program = |s: &mut Stack| {
        let password = s.secret("password");
        s.add("note", Note::new(interpolate!("user:{}", &password)));
        Ok(())
    };
    lab.up(program).await.ok();
    let snapshot = lab.snapshot().await.unwrap();
    let secret = snapshot.records.values().find(|r| r.urn.kind() == "core:Secret").unwrap();
    let plain = secret.outputs.get("value").unwrap().as_str().unwrap().to_owned();
    let says = format!("cannot write {plain}");
    lab.world.fault("update", "user:", Wrong::Refuse(Class::Invalid, says), 1);
    let changed = |s: &mut Stack| {
        let password = s.secret("password");
        s.add("note", Note::new(interpolate!("user:{}!", &password)));
        Ok(())
    };
    let ran = lab.up(changed).await;
    assert!(!format!("{ran:?}").contains(&plain));
    assert_eq!(ran.summary().failed[0].message, "cannot write [secret]");
}
