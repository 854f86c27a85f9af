//! Replacements: which object goes when, and what is left when something fails.

use infra_core::{
    ErrorKind, Stack,
    plan::{Action, Refresh},
    prelude::*,
    provider::Class,
    state::Status,
};

use crate::{
    harness::{FakeProvider, Host, Lab, Net, Note, Wrong, steps},
    urn,
};

fn net(block: &'static str) -> impl Fn(&mut Stack) -> Result<()> + Copy {
    move |s| {
        s.add("net", Net::new(block));
        Ok(())
    }
}

#[tokio::test]
async fn what_makes_room_takes_its_users_along() {
    let lab = Lab::new();
    let program = |block: &'static str| {
        move |s: &mut Stack| {
            let net = s.add("net", Net::new(block).delete_before_replace());
            s.add("host", Host::new(&net.id));
            Ok(())
        }
    };
    lab.up(program("10.0.0.0/16")).await.ok();
    lab.world.clear_calls();
    lab.up(program("10.1.0.0/16")).await.ok();
    let expected = ["delete fake:Host", "delete fake:Net", "create fake:Net", "create fake:Host"];
    assert_eq!(lab.world.mutations(), expected);
    assert!(lab.plan(program("10.1.0.0/16")).await.is_empty());
}

#[tokio::test]
async fn an_old_object_that_cannot_go_is_deposed_and_goes_next_time() {
    let lab = Lab::new();
    lab.up(net("10.0.0.0/16")).await.ok();
    lab.world.fault("delete", "10.0", Wrong::Refuse(Class::Denied, "in use".into()), 1);
    let summary = lab.up(net("10.1.0.0/16")).await.summary();
    assert_eq!(summary.failed.len(), 1);
    let snapshot = lab.snapshot().await.unwrap();
    let status: Vec<_> = snapshot.of(&urn("Net", "net")).map(|record| record.status).collect();
    assert!(status.contains(&Status::Deposed) && status.contains(&Status::Ready), "{status:?}");
    assert_eq!(steps(&*lab.plan(net("10.1.0.0/16")).await), ["DeleteOld net"]);
    lab.up(net("10.1.0.0/16")).await.ok();
    assert_eq!(lab.world.count(), 1);
}

#[tokio::test]
async fn a_replacement_that_cannot_be_made_leaves_the_old_object_in_its_place() {
    let lab = Lab::new();
    lab.up(net("10.0.0.0/16")).await.ok();
    lab.world.fault("create", "10.1", Wrong::Refuse(Class::Invalid, "bad block".into()), 1);
    let summary = lab.up(net("10.1.0.0/16")).await.summary();
    assert_eq!((summary.failed.len(), summary.skipped), (1, 1));
    assert!(lab.plan(net("10.0.0.0/16")).await.is_empty());
    lab.up(net("10.1.0.0/16")).await.ok();
    assert_eq!(lab.world.count(), 1);
}

#[tokio::test]
async fn a_replacement_that_is_not_finished_is_finished_before_the_old_object_goes() {
    let lab = Lab::new();
    let host = |net: &'static str, wait: u32| {
        move |s: &mut Stack| {
            let limit = std::time::Duration::from_secs(20);
            s.add(
                "host",
                Host::new(net).wait(wait).create_timeout(limit).ignore_changes([Host::WAIT]),
            );
            Ok(())
        }
    };
    lab.up(host("net-a", 0)).await.ok();
    let summary = lab.up(host("net-b", 1_000_000)).await.summary();
    assert_eq!(summary.failed.len(), 1, "{:?}", summary.failed);
    assert_eq!(lab.world.count(), 2);
    for (id, _) in lab.world.of("fake:Host") {
        lab.world.tamper(&id, |host| {
            host.pending = 0;
            Some(())
        });
    }
    lab.up(host("net-b", 1_000_000)).await.ok();
    assert_eq!(lab.world.count(), 1);
    assert!(lab.plan(host("net-b", 1_000_000)).await.is_empty());
}

#[tokio::test]
async fn a_moved_provider_makes_anew_there_and_cleans_up_here() {
    let lab = Lab::new();
    let at = |region: &'static str| {
        move |s: &mut Stack| {
            let provider = s.provider("p", FakeProvider::new().region(region));
            let net = s.add("net", Net::new("10.0.0.0/16").provider(&provider));
            s.add("host", Host::new(&net.id).provider(&provider));
            Ok(())
        }
    };
    lab.up(at("one")).await.ok();
    lab.up(at("two")).await.ok();
    assert_eq!(lab.world.count(), 2);
    let snapshot = lab.snapshot().await.unwrap();
    let regions: Vec<_> = snapshot
        .records
        .values()
        .filter_map(|r| r.provider.as_ref())
        .map(|p| p.identity["region"].clone())
        .collect();
    assert_eq!(regions, ["two", "two"]);
    assert!(lab.plan(at("two")).await.is_empty());
}

#[tokio::test]
async fn a_broken_object_is_replaced() {
    let lab = Lab::new();
    lab.up(net("10.0.0.0/16")).await.ok();
    let (id, _) = lab.world.of("fake:Net").pop_first().unwrap();
    lab.world.tamper(&id, |net| {
        net.broken = Some("the cloud lost it".into());
        Some(())
    });
    let lab = lab.planning(|plan| plan.refresh = Refresh::All);
    assert_eq!(steps(&*lab.plan(net("10.0.0.0/16")).await), ["Create net", "DeleteOld net"]);
    lab.up(net("10.0.0.0/16")).await.ok();
    assert!(!lab.world.of("fake:Net").contains_key(&id));
}

#[tokio::test]
async fn another_rotation_makes_another_secret_and_its_users_follow() {
    let lab = Lab::new();
    let program = |rotation: &'static str| {
        move |s: &mut Stack| {
            let secret = s.secret_with("s", Secret::new().rotation(rotation));
            s.add("note", Note::new(interpolate!("{}", secret)));
            Ok(())
        }
    };
    let text = || lab.world.of("fake:Note").pop_first().unwrap().1.inputs.get("text").cloned();
    lab.up(program("1")).await.ok();
    let first = text();
    lab.up(program("1")).await.ok();
    assert_eq!(text(), first);
    lab.up(program("2")).await.ok();
    assert_ne!(text(), first);
    assert_eq!(lab.world.count(), 1);
    assert!(lab.plan(program("2")).await.is_empty());
}

#[tokio::test]
async fn more_than_was_confirmed_is_not_done() {
    // The lookup's answer decides whether the note is replaced; it changes after the plan was made.
    let lab = Lab::new();
    let program = |text: &'static str| {
        move |s: &mut Stack| {
            let net = s.add("net", Net::new("10.0.0.0/16").note(text));
            let text = net.summary.map(|summary| format!("about {}", summary.len()));
            s.add("note", Note::new(text));
            Ok(())
        }
    };
    lab.up(program("one")).await.ok();
    let plan = lab.plan(program("longer")).await;
    assert_eq!(steps(&plan), ["Update net", "Update note"]);
    let note = plan.steps.iter().find(|step| step.urn.name() == "note").unwrap();
    assert_eq!(note.paths.iter().map(ToString::to_string).collect::<Vec<_>>(), ["text"]);
    lab.up(program("longer")).await.ok();
    // The same length: nothing to write though an update was confirmed.
    lab.world.clear_calls();
    let summary = lab.up(program("lenger")).await.ok();
    assert_eq!(lab.world.mutations(), ["update fake:Net"]);
    assert_eq!(summary.done.get(&Action::Update), Some(&1));
}

#[tokio::test]
async fn somebody_elses_object_is_neither_imported_nor_adopted() {
    let lab = Lab::new();
    let owner = || [("infra:lineage".to_owned(), "someone".to_owned())].into();
    lab.world.plant_for("net-9", "fake:Net", [("block", "10.0.0.0/16".into())].into(), owner());
    lab.world.plant_for(
        "db/x",
        "fake:Db",
        [("name", "x".into()), ("version", 1u32.into())].into(),
        owner(),
    );
    let import = |s: &mut Stack| {
        s.add("net", Net::new("10.0.0.0/16").import("net-9"));
        Ok(())
    };
    let failed = lab.up(import).await.summary().failed;
    assert!(failed[0].message.contains("another stack"), "{failed:?}");
    let adopt = |s: &mut Stack| {
        s.add("db", crate::harness::Db::new().name("x").adopt());
        Ok(())
    };
    assert_eq!(lab.up(adopt).await.error().kind(), ErrorKind::Program);
    assert_eq!(lab.world.mutations(), Vec::<String>::new());
}
