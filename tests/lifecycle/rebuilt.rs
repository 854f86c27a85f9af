//! A state that is lost is written again from the program and the cloud.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use infra_core::{
    ErrorKind,
    command::{
        rebuild::{AsFound, ConfirmRebuild, Found, RebuildOptions, SecretFrom, rebuild},
        stack,
    },
    event::Event,
    interpolate,
    plan::{Action, Refresh},
    prelude::*,
    provider::Class,
    state::{ExportSecrets, Record, Snapshot, StackName, Status, Urn, Value},
};

use super::{base, nothing, sized, urn};
use crate::harness::{
    Db, FakeProvider, Host, Image, Lab, Label, Link, Net, Note, Safe, Slot, Wrong, steps,
};

type Options = RebuildOptions;

fn plain() -> Options {
    Options::default()
}

/// A stack with everything that clouds have: objects with tags, with names only, with neither; a lookup; a connection
/// that hangs on an object; options; secrets.
fn world(s: &mut Stack) -> Result<()> {
    let image = s.lookup("image", Image::new("linux"));
    let net = s.add("net", Net::new("10.0.0.0/16").tags([("team", "a")]).retain_on_delete());
    let inside = s.provider("inside", FakeProvider::new().region(&net.id));
    s.with_provider(&inside, |s| {
        for name in ["a", "b"] {
            s.add(name, Host::new(&net.id).size(&image.image).labels(["x", "y"]).wait(2u32));
        }
    });
    let db = s.add("db", Db::new().net(&net.id).protect());
    s.add("fixed", Db::new().name("fixed"));
    s.add("slot", Slot::new("one"));
    s.scope("names", |s| {
        let label = s.add("made", Label::new(&db.id));
        let fixed = s.add("fixed", Label::new(&db.id).name("my-label"));
        s.add("link", Link::new(&label.id, &fixed.id).weight(3u32));
        s.add("link-back", Link::new(&fixed.id, &label.id));
    });
    let password = s.secret("password");
    s.add("safe", Safe::new(&password));
    s.add("user", Db::new().password(&password).net(&net.id));
    s.export("net", &net.id);
    s.export("password", &password);
    Ok(())
}

fn lab() -> Lab {
    let lab = Lab::new();
    lab.world.plant("image-7", "image", [("family", "linux".into())].into());
    lab
}

/// The records as two states can be compared: without times, and without words that nothing in the cloud keeps.
fn comparable(snapshot: &Snapshot) -> BTreeMap<Urn, Record> {
    let record = |record: &Arc<Record>| {
        let mut record = Record::clone(record);
        let kept = ["fake:Net", "fake:Host", "fake:Db", "fake:Slot", "fake:Safe", "fake:Label"];
        let named = record.inputs.get("name").is_none_or(|name| *name != "my-label".into());
        if !kept.contains(&record.urn.kind()) || !named {
            record.id = record.id.filter(|_| record.urn.kind() != "core:Secret");
            record.instance = "".into();
        }
        (record.created, record.updated) = Default::default();
        (record.urn.clone(), record)
    };
    snapshot.records.values().map(record).collect()
}

/// The next plan, with everything read, does nothing and remembers nothing differently.
async fn is_whole(lab: &Lab, program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static) {
    let all = lab.planning(|plan| plan.refresh = Refresh::All);
    let plan = all.plan(program).await;
    let moved: Vec<_> =
        plan.steps.iter().filter(|s| s.action != Action::Keep || s.record_only).collect();
    assert!(moved.is_empty(), "{moved:#?}");
}

#[tokio::test]
async fn everything_is_found_again_and_the_next_preview_is_empty() {
    let lab = lab();
    lab.up(world).await.ok();
    let before = lab.snapshot().await.unwrap();
    let lost = lab.without_state();
    let found = lost.rebuild(world, &plain()).await.unwrap();
    assert_eq!(found.lineage, before.identity.lineage);
    assert_eq!(found.count(AsFound::Current), found.objects.len());
    assert_eq!((found.objects.len(), found.missing.len(), found.lookups), (12, 0, 1));
    let from = SecretFrom::Places(["`safe.content`".to_owned()].into());
    assert_eq!(found.secrets.values().collect::<Vec<_>>(), [&from]);

    let after = lost.snapshot().await.unwrap();
    assert_eq!(after.identity, before.identity);
    assert_eq!(comparable(&after), comparable(&before));
    assert_eq!(after.exports, before.exports);
    is_whole(&lost, world).await;
    lost.world.clear_calls();
    lost.up(world).await.ok();
    assert_eq!(lost.world.mutations(), Vec::<String>::new());
    let history = lost.engine(world).state.history(9).await.unwrap();
    assert_eq!(history[0].deployment.command, "state rebuild");

    // What was retained and protected still is; the rest goes.
    assert_eq!(lost.destroy(world).await.error().kind(), ErrorKind::Refused);
    let unprotected = |s: &mut Stack| {
        let net = s.add("net", Net::new("10.0.0.0/16").tags([("team", "a")]).retain_on_delete());
        s.provider("inside", FakeProvider::new().region(&net.id));
        s.add("db", Db::new().net(&net.id));
        Ok(())
    };
    let lost = lost.planning(|plan| plan.simulated = true);
    let allowed = lost.planning(|plan| {
        plan.allow_data_loss = [urn("Db", "db"), urn("Db", "fixed"), urn("Db", "user")].into();
    });
    allowed.up(unprotected).await.ok();
    allowed.destroy(unprotected).await.ok();
    assert_eq!(lost.world.of("image").len() + lost.world.of("fake:Net").len(), lost.world.count());
}

#[tokio::test]
async fn what_was_made_under_a_former_name_is_found_when_somebody_tells_it() {
    let lab = lab();
    lab.up(world).await.ok();
    stack::rename(&lab.engine(world), "prod", Duration::ZERO).await.unwrap();
    let renamed = lab.stack("program", "prod");
    let more = |s: &mut Stack| {
        s.add("more", Net::new("10.9.0.0/16"));
        world(s)
    };
    renamed.up(more).await.ok();
    let before = renamed.snapshot().await.unwrap();
    let lost = renamed.without_state();
    let error = lost.rebuild(world, &plain()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let former = ["dev", "earlier"].map(|name| StackName::new("program", name).unwrap());
    let options = Options { formerly: former.into(), ..plain() };
    let found = lost.rebuild(more, &options).await.unwrap();
    assert_eq!(found.count(AsFound::Current), 13);
    let after = lost.snapshot().await.unwrap();
    assert_eq!(after.identity, before.identity);
    assert_eq!(comparable(&after), comparable(&before));
    is_whole(&lost, more).await;
}

#[tokio::test]
async fn what_a_stack_that_got_the_former_name_has_is_left_alone() {
    let lab = lab();
    lab.up(world).await.ok();
    stack::rename(&lab.engine(world), "prod", Duration::ZERO).await.unwrap();
    stack::remove(&lab.engine(world), false, Duration::ZERO).await.unwrap();
    let labels = |s: &mut Stack| {
        s.scope("names", |s| s.add("made", Label::new("net-0")));
        s.add("net", Net::new("10.1.0.0/16"));
        Ok(())
    };
    // The note of the rename is gone, and somebody makes a new stack under the old name.
    lab.with(|options| options.new_lineage = true).up(labels).await.ok();
    let prod = lab.stack("program", "prod");
    let before = prod.snapshot().await.unwrap();
    stack::remove(&prod.engine(world), true, Duration::ZERO).await.unwrap();
    let former = StackName::new("program", "dev").unwrap();
    let options = Options { formerly: [former].into(), ..plain() };
    prod.rebuild(world, &options).await.unwrap();
    let after = prod.snapshot().await.unwrap();
    assert_eq!(comparable(&after), comparable(&before));
    is_whole(&prod, world).await;
}

#[tokio::test]
async fn a_rebuilt_state_can_destroy_everything() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let lost = lab.without_state();
    lost.rebuild(base, &plain()).await.unwrap();
    lost.planning(|plan| plan.allow_data_loss = [urn("Db", "db")].into()).destroy(base).await.ok();
    assert_eq!(lost.world.count(), 0);
}

#[tokio::test]
async fn what_is_not_as_declared_is_the_next_plan() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        sized(s, "small");
        s.add("tagged", Net::new("10.1.0.0/16").tags([("team", "a"), ("cost", "b")]));
        s.add("ignored", Note::new("mine").ignore_changes(["text"]));
        Ok(())
    };
    lab.up(program).await.ok();
    let set = |id: &str, field: &str, value: Value| {
        let field = field.to_owned();
        lab.world.tamper(id, |object| {
            let Value::Map(map) = &mut object.inputs else { return None };
            map.insert(field, value);
            Some(())
        });
    };
    let hosts: Vec<String> = lab.world.of("fake:Host").into_keys().collect();
    set(&hosts[0], "size", "big".into());
    set(&hosts[1], "labels", Value::List(vec!["y".into(), "x".into()]));
    let tagged = |o: &crate::harness::Object| o.owner["infra:urn"].ends_with("::tagged");
    let (id, _) = lab.world.of("fake:Net").into_iter().find(|(_, o)| tagged(o)).unwrap();
    set(&id, "tags", [("team", "z".into()), ("somebody", "else".into())].into());
    let (note, _) = lab.world.of("fake:Note").pop_first().unwrap();
    set(&note, "text", "theirs".into());

    let lost = lab.without_state();
    let found = lost.rebuild(program, &plain()).await.unwrap();
    let differs: Vec<_> = found.objects.iter().filter(|o| !o.differs.is_empty()).collect();
    let shown: Vec<_> = differs
        .iter()
        .map(|o| {
            format!(
                "{} {:?}",
                o.urn.kind(),
                o.differs.iter().map(ToString::to_string).collect::<Vec<_>>()
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#"fake:Host ["size"]"#,
            r#"fake:Net ["tags.cost", "tags.team"]"#,
            r#"fake:Note ["text"]"#
        ]
    );
    let plan = lost.plan(program).await;
    let busy: Vec<_> = plan.steps.iter().filter(|s| s.action == Action::Update).collect();
    assert_eq!(busy.len(), 2, "{:?}", steps(&plan));
    lost.up(program).await.ok();
    is_whole(&lost, program).await;
    let tags = &lost.world.of("fake:Net")[&id].inputs;
    assert_eq!(tags.get("tags").unwrap().get("team"), Some(&"a".into()));
    assert_eq!(lost.world.of("fake:Note")[&note].inputs.get("text"), Some(&"theirs".into()));
}

#[tokio::test]
async fn what_is_gone_is_shown_and_made_by_the_next_up() {
    let lab = lab();
    lab.up(world).await.ok();
    let (slot, _) = lab.world.of("fake:Slot").pop_first().unwrap();
    let (link, _) = lab.world.of("fake:Link").pop_first().unwrap();
    lab.world.tamper(&slot, |_| None);
    lab.world.tamper(&link, |_| None);
    let lost = lab.without_state();
    let found = lost.rebuild(world, &plain()).await.unwrap();
    let missing: Vec<_> = found.missing.keys().map(|urn| urn.name().to_owned()).collect();
    assert_eq!(missing, ["names/link", "slot"]);
    assert_eq!(steps(&*lost.plan(world).await), ["Create names/link", "Create slot"]);
    lost.up(world).await.ok();
    is_whole(&lost, world).await;
}

#[tokio::test]
async fn what_hangs_on_something_that_is_gone_is_not_guessed() {
    let lab = lab();
    lab.up(world).await.ok();
    let (label, _) = lab.world.of("fake:Label").pop_first().unwrap();
    lab.world.tamper(&label, |_| None);
    let lost = lab.without_state();
    let found = lost.rebuild(world, &plain()).await.unwrap();
    let why = &found.missing[&"fake:Link::names/link".parse::<Urn>().unwrap()];
    assert!(why.contains("`fake:Label::names/") && why.contains("not found"), "{why}");
    assert_eq!(found.missing.len(), 3);
}

#[tokio::test]
async fn an_object_that_is_not_finished_is_finished_by_the_next_up() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let hosts: Vec<String> = lab.world.of("fake:Host").into_keys().collect();
    lab.world.tamper(&hosts[0], |object| {
        object.pending = 3;
        Some(())
    });
    lab.world.tamper(&hosts[1], |object| {
        object.broken = Some("no capacity".into());
        Some(())
    });
    let lost = lab.without_state();
    let found = lost.rebuild(base, &plain()).await.unwrap();
    assert_eq!(found.count(AsFound::Incomplete), 2);
    let planned = steps(&*lost.plan(base).await);
    assert!(planned.iter().any(|step| step.starts_with("Update")), "{planned:?}");
    assert!(planned.iter().any(|step| step.starts_with("DeleteOld")), "{planned:?}");
    lost.up(base).await.ok();
    is_whole(&lost, base).await;
    assert_eq!(lost.world.count(), 4);
}

#[tokio::test]
async fn a_create_that_was_cut_off_is_found_by_its_tags() {
    let lab = Lab::new();
    lab.world.fault("create", "10.0.0.0", Wrong::HangAfter, 1);
    let engine = lab.engine(base);
    let up = tokio::spawn({
        let lab = lab.clone();
        async move { lab.run(engine, &infra_core::command::Confirmed).await }
    });
    lab.world.hung.notified().await;
    up.abort();
    let _ = up.await;
    lab.world.heal();
    let lost = lab.without_state();
    let found = lost.rebuild(base, &plain()).await.unwrap();
    assert_eq!((found.objects.len(), found.missing.len()), (1, 3));
    lost.up(base).await.ok();
    is_whole(&lost, base).await;
    assert_eq!(lost.world.count(), 4);
}

fn moved(s: &mut Stack) -> Result<()> {
    let net = s.add("net", Net::new("10.9.0.0/16"));
    for name in ["a", "b"] {
        s.add(name, Host::new(&net.id).size("small").labels(["x", "y"]).wait(3u32));
    }
    s.add("db", Db::new().net(&net.id));
    s.export("net", &net.id);
    Ok(())
}

#[tokio::test]
async fn of_two_objects_of_a_replacement_the_one_that_the_program_wants_stays() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    // The old ones cannot be deleted, and then the state is lost.
    lab.world.fault("delete", "", Wrong::Refuse(Class::Denied, "not now".into()), 100);
    lab.up(moved).await.summary();
    lab.world.heal();
    assert_eq!(lab.world.count(), 7);
    for (program, deposed) in
        [(moved as fn(&mut Stack) -> Result<()>, "10.0.0.0/16"), (base, "10.9.0.0/16")]
    {
        let lost = lab.without_state();
        let found = lost.rebuild(program, &plain()).await.unwrap();
        assert_eq!((found.count(AsFound::Current), found.count(AsFound::Deposed)), (4, 3));
        let snapshot = lost.snapshot().await.unwrap();
        let net = snapshot.of(&urn("Net", "net")).find(|r| r.status == Status::Deposed).cloned();
        assert_eq!(net.unwrap().inputs.get("block"), Some(&deposed.into()));
        let plan = lost.plan(program).await;
        let removed = plan.steps.iter().filter(|s| s.action == Action::DeleteOld).count();
        assert_eq!(removed, 3, "{:?}", steps(&plan));
    }
    let lost = lab.without_state();
    lost.rebuild(moved, &plain()).await.unwrap();
    lost.up(moved).await.ok();
    assert_eq!(lost.world.count(), 4);
    is_whole(&lost, moved).await;
}

#[tokio::test]
async fn data_is_not_lost_by_the_choice_of_an_object() {
    let lab = Lab::new();
    let versioned = |version: u32| {
        move |s: &mut Stack| {
            s.add("db", Db::new().version(version));
            Ok(())
        }
    };
    lab.up(versioned(2)).await.ok();
    lab.world.fault("delete", "", Wrong::Refuse(Class::Denied, "not now".into()), 100);
    let allowed = lab.planning(|plan| plan.allow_data_loss = [urn("Db", "db")].into());
    allowed.up(versioned(1)).await.summary();
    lab.world.heal();
    let lost = lab.without_state();
    let found = lost.rebuild(versioned(1), &plain()).await.unwrap();
    assert_eq!(found.count(AsFound::Deposed), 1);
    assert_eq!(lost.up(versioned(1)).await.error().kind(), ErrorKind::Refused);
    assert_eq!(lost.world.count(), 2);
}

#[tokio::test]
async fn two_objects_that_are_equally_good_are_for_the_person_to_choose_from() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        s.add("slot", Net::new("10.0.0.0/16"));
        Ok(())
    };
    lab.up(program).await.ok();
    let (id, object) = lab.world.of("fake:Net").pop_first().unwrap();
    let twin =
        || lab.world.plant_for("net-twin", "fake:Net", object.inputs.clone(), object.owner.clone());
    twin();
    let lost = lab.without_state();
    let error = lost.rebuild(program, &plain()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let message = &error.mistakes()[0].message;
    assert!(
        message.contains("net-twin") && message.contains("--current fake:Net::slot=ID"),
        "{message}"
    );
    assert!(lost.snapshot().await.is_none());
    let chosen = Options { current: [(urn("Net", "slot"), id.clone())].into(), ..plain() };
    lost.rebuild(program, &chosen).await.unwrap();
    lost.up(program).await.ok();
    assert_eq!(lost.world.of("fake:Net").into_keys().collect::<Vec<_>>(), [id]);
    is_whole(&lost, program).await;
}

#[tokio::test]
async fn of_several_lineages_somebody_has_to_say_which() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let mut other = lab.without_state().with(|options| options.new_lineage = true);
    other.account.clone_from(&lab.account);
    other.up(base).await.ok();
    let (ours, theirs) = (lab.snapshot().await.unwrap(), other.snapshot().await.unwrap());
    let (ours, theirs) = (ours.identity.lineage, theirs.identity.lineage);
    let lost = lab.without_state();
    let error = lost.rebuild(base, &plain()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let text = error.to_string();
    assert!(text.contains(&format!("{ours} (4 objects)")), "{text}");
    assert!(
        text.contains(&format!("{theirs} (4 objects)")) && text.contains("--lineage"),
        "{text}"
    );
    let chosen = Options { lineage: Some(ours), ..plain() };
    let found = lost.rebuild(base, &chosen).await.unwrap();
    assert_eq!((found.objects.len(), found.others.get(&theirs)), (4, Some(&4)));
    is_whole(&lost, base).await;
    lost.planning(|plan| plan.allow_data_loss = [urn("Db", "db")].into()).destroy(base).await.ok();
    assert_eq!(lost.world.count(), 4);
    is_whole(&other, base).await;

    let nobody = Options { lineage: Some(ours), ..plain() };
    let error = lab.without_state().rebuild(base, &nobody).await.unwrap_err().to_string();
    assert!(error.contains(&theirs.to_string()), "{error}");
}

#[tokio::test]
async fn what_the_program_does_not_declare_is_deleted_by_the_next_up_or_left_alone() {
    let lab = Lab::new();
    lab.up(|s| {
        base(s)?;
        let extra = s.add("extra", Net::new("10.8.0.0/16"));
        s.add("extra-a", Host::new(&extra.id));
        s.add("extra-b", Host::new(&extra.id));
        Ok(())
    })
    .await
    .ok();
    let forgetful = lab.without_state();
    let options = Options { forget_unknown: true, ..plain() };
    let found = forgetful.rebuild(base, &options).await.unwrap();
    assert_eq!((found.count(AsFound::Current), found.count(AsFound::Forgotten)), (4, 3));
    is_whole(&forgetful, base).await;

    let lost = lab.without_state();
    let found = lost.rebuild(base, &plain()).await.unwrap();
    assert_eq!((found.count(AsFound::Current), found.count(AsFound::Unknown)), (4, 3));
    let plan = lost.plan(base).await;
    assert_eq!(steps(&plan), ["Delete extra", "Delete extra-a", "Delete extra-b"]);
    let of = |name: &str| plan.steps.iter().position(|s| s.urn.name() == name).unwrap();
    // Nobody wrote down that the hosts are in the net; it is read off what they have.
    assert_eq!(plan.steps[of("extra")].after.len(), 2);
    lost.up(base).await.ok();
    assert_eq!(lost.world.count(), 4);
}

#[tokio::test]
async fn what_got_another_name_is_found_under_its_former_one() {
    let lab = lab();
    lab.up(world).await.ok();
    let renamed = |aliases: bool| {
        move |s: &mut Stack| {
            let net = s.lookup("image", Image::new("linux"));
            let _ = net;
            let slot = Slot::new("one");
            s.add(
                "place",
                if aliases { slot.alias("slot") } else { slot.depends_on([] as [Urn; 0]) },
            );
            let db = s.add("db", Db::new().protect());
            let label = Label::new(&db.id);
            let former = label.alias("names/made");
            s.add("label", former);
            Ok(())
        }
    };
    let lost = lab.without_state();
    let found = lost.rebuild(renamed(true), &plain()).await.unwrap();
    assert!(found.missing.is_empty(), "{:?}", found.missing);
    let slot = found.objects.iter().find(|o| o.urn == urn("Slot", "place")).unwrap();
    assert_eq!(slot.as_found, AsFound::Current);
    let planned = steps(&*lost.plan(renamed(true)).await);
    assert!(!planned.iter().any(|s| s.contains("place") || s.contains("label")), "{planned:?}");

    let found = lab.without_state().rebuild(renamed(false), &plain()).await.unwrap();
    assert_eq!(found.renamed[&urn("Slot", "place")], [urn("Slot", "slot")]);
}

/// A secret in every form in which one is stored.
fn forms(form: &'static str) -> impl Fn(&mut Stack) -> Result<()> + Clone + Send + Sync + 'static {
    move |s: &mut Stack| {
        let net = s.add("net", Net::new("10.0.0.0/16"));
        let secret = s.secret_with("odd", Secret::new().length(20).alphabet("ab/@%\"\\ü"));
        let text = Output::<String>::from_expr(secret.expr().clone());
        let kept = match form {
            "plain" => secret.clone(),
            "interpolated" => interpolate!("db://root:{}@{}/x", &secret, &net.id).secret(),
            "json" => secret.zip(&net.id).json().secret(),
            "base64" => interpolate!("user:{}", &secret).base64().secret(),
            "url" => interpolate!("{}/{}?x=1", &net.id, text.url_encode()).secret(),
            "all" => interpolate!("Basic {}", interpolate!("{}", secret.json()).base64()).secret(),
            _ => unreachable!(),
        };
        s.add("safe", Safe::new(kept));
        s.add("db", Db::new().password(&secret));
        s.export("secret", &secret);
        Ok(())
    }
}

#[tokio::test]
async fn a_secret_is_recovered_from_every_form_in_which_it_is_stored() {
    for form in ["plain", "interpolated", "json", "base64", "url", "all"] {
        let lab = Lab::new();
        lab.up(forms(form)).await.ok();
        let before = lab.snapshot().await.unwrap().exports;
        let lost = lab.without_state();
        lost.rebuild(forms(form), &plain()).await.unwrap_or_else(|e| panic!("{form}: {e:?}"));
        assert_eq!(lost.snapshot().await.unwrap().exports, before, "{form}");
        is_whole(&lost, forms(form)).await;
        let text = lost.engine(nothing).state.export(ExportSecrets::Sealed).await.unwrap();
        let secret = before["secret"].plain();
        let json = serde_json::to_string(secret.as_str().unwrap()).unwrap();
        assert!(!text.contains(json.trim_matches('"')), "{form}: {text}");
    }
}

#[tokio::test]
async fn a_secret_that_no_place_tells_is_not_made_anew_in_silence() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        let hidden = s.secret("hidden");
        let told = s.secret("told");
        s.add("safe", Safe::new(&told));
        s.add("db", Db::new().password(&hidden));
        s.add("other", Db::new().password(&told));
        s.add(
            "note",
            Note::new(interpolate!("about {}", hidden.map(|h| h.reveal().starts_with('x')))),
        );
        s.add("unused", Slot::new("x"));
        let _ = s.secret("unused");
        Ok(())
    };
    lab.up(program).await.ok();
    let lost = lab.without_state();
    let error = lost.rebuild(program, &plain()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let texts: Vec<_> = error.mistakes().iter().map(|m| m.message.clone()).collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    its value cannot be recovered: `db.password` cannot be read back; `note.text` leaves it open, or was changed. Say `--rotate hidden`: it gets a new value, and the next `up` writes it everywhere
    its value cannot be recovered: nothing has it. Say `--rotate unused`: it gets a new value, and the next `up` writes it everywhere
    ");
    assert!(lost.snapshot().await.is_none());

    let rotate = Options { rotate: ["hidden".to_owned(), "unused".to_owned()].into(), ..plain() };
    let found = lost.rebuild(program, &rotate).await.unwrap();
    assert_eq!(found.secrets.values().filter(|from| **from == SecretFrom::Rotated).count(), 2);
    let plan = lost.plan(program).await;
    assert_eq!(steps(&plan), ["Update db"]);
    lost.up(program).await.ok();
    is_whole(&lost, program).await;
    let mistyped = Options { rotate: ["db".to_owned()].into(), ..plain() };
    let error = lab.without_state().rebuild(program, &mistyped).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

#[tokio::test]
async fn a_new_secret_is_written_wherever_the_old_one_was_and_the_old_one_stays_secret() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        let secret = s.secret("secret");
        s.add("safe", Safe::new(&secret));
        s.add("note", Note::new(interpolate!("user:{}", &secret)));
        s.add("db", Db::new().password(&secret));
        s.add("free", Slot::new("x"));
        Ok(())
    };
    lab.up(program).await.ok();
    let old = lab.world.of("fake:Safe").pop_first().unwrap().1.inputs;
    let old = old.get("content").and_then(Value::as_str).unwrap().to_owned();
    let lost = lab.without_state();
    let rotate = Options { rotate: ["secret".to_owned()].into(), ..plain() };
    lost.rebuild(program, &rotate).await.unwrap();
    let state = lost.engine(nothing).state;
    assert!(!state.export(ExportSecrets::Sealed).await.unwrap().contains(&old));
    assert_eq!(steps(&*lost.plan(program).await), ["Update db", "Update note", "Update safe"]);
    lost.up(program).await.ok();
    is_whole(&lost, program).await;
}

#[tokio::test]
async fn places_that_tell_a_secret_differently_are_for_the_person_to_settle() {
    let lab = Lab::new();
    let program = |s: &mut Stack| {
        let secret = s.secret("secret");
        s.add("one", Safe::new(&secret));
        s.add("two", Safe::new(interpolate!("user:{}", &secret).secret()));
        Ok(())
    };
    lab.up(program).await.ok();
    let two = |o: &crate::harness::Object| o.owner["infra:urn"].ends_with("::two");
    let (id, _) = lab.world.of("fake:Safe").into_iter().find(|(_, o)| two(o)).unwrap();
    let put = |text: &str| {
        let text = text.to_owned();
        lab.world.tamper(&id, |object| {
            object.inputs = [("content", Value::from(text))].into();
            Some(())
        });
    };
    put("user:abcdefghijklmnopqrstuvwxyz012345");
    let error = lab.without_state().rebuild(program, &plain()).await.unwrap_err();
    let message = &error.mistakes()[0].message;
    assert!(
        message.contains("`one.content` and `two.content`")
            || message.contains("`two.content` and `one.content`"),
        "{message}"
    );
    assert!(!message.contains("abcdef"), "{message}");

    // What cannot come from such a secret says nothing: somebody changed it, and the next plan puts it back.
    put("user:short");
    let lost = lab.without_state();
    lost.rebuild(program, &plain()).await.unwrap();
    assert_eq!(steps(&*lost.plan(program).await), ["Update two"]);
}

struct Declines;

#[async_trait::async_trait]
impl ConfirmRebuild for Declines {
    async fn confirm(&self, _: &Found) -> Result<bool> {
        Ok(false)
    }
}

#[tokio::test]
async fn nothing_is_written_unless_it_is_lost_found_and_agreed_to() {
    let lab = Lab::new();
    let error = lab.rebuild(base, &plain()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    insta::assert_snapshot!(error, @"nothing carries the tags of program/dev where its providers point: `fake:Provider::default` (account 1111, region here). Look whether account and region are right; what was made under another name of the stack is found with `--formerly NAME`; if the stack was never made, `up` makes it. Nothing was written");
    lab.up(base).await.ok();
    let error = lab.rebuild(base, &plain()).await.unwrap_err();
    insta::assert_snapshot!(error, @"there is a state of program/dev in memory:, with 5 resources: it is not lost. To compare it with the cloud: `preview --refresh`; to write it again all the same, keep it with `state pull` and move it away. Nothing was changed");
    let lost = lab.without_state();
    let declined = rebuild(&lost.engine(base), &plain(), &Declines).await.unwrap_err();
    assert_eq!(declined.kind(), ErrorKind::Refused);
    assert!(lost.snapshot().await.is_none());
    lost.world.fault("owned", "fake:Host", Wrong::Refuse(Class::Denied, "no".into()), 1);
    assert_eq!(lost.rebuild(base, &plain()).await.unwrap_err().kind(), ErrorKind::Failed);
    assert!(lost.snapshot().await.is_none());

    // A kind that the program does not use may be closed to us; one that hesitates is asked again.
    lost.world.fault("owned", "fake:Slot", Wrong::Refuse(Class::Denied, "no".into()), 1);
    lost.world.fault("owned", "fake:Net", Wrong::Refuse(Class::Throttled, "slow".into()), 3);
    let found = lost.rebuild(base, &plain()).await.unwrap();
    assert_eq!(found.unasked.len(), 1);
    is_whole(&lost, base).await;
    let error = lost.rebuild(base, &plain()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn a_stack_is_not_made_a_second_time_because_its_state_is_lost() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    lab.world.clear_calls();
    lab.up(base).await.ok();
    lab.up(|s| {
        sized(s, "big");
        Ok(())
    })
    .await
    .ok();
    let asked =
        |lab: &Lab| lab.world.calls().iter().filter(|c| c.starts_with("read owned")).count();
    assert_eq!(asked(&lab), 0, "a stack with a state pays nothing");

    let lost = lab.without_state();
    lost.world.clear_calls();
    let ran = lost.up(base).await;
    assert_eq!(asked(&lost), 3, "{:?}", lost.world.calls());
    let error = ran.error();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let text = error.to_string();
    assert!(
        text.contains("4 objects of the lineage") && text.contains("`state rebuild`"),
        "{text}"
    );
    assert!(text.contains("`--new-lineage`"), "{text}");
    assert_eq!(lost.world.mutations(), Vec::<String>::new());
    assert!(lost.snapshot().await.is_none());

    let mut engine = lost.engine(base);
    let (events, mut told) = infra_core::event::Events::channel();
    engine.events = events;
    let options = infra_core::command::PreviewOptions::default();
    infra_core::command::preview(&engine, &options).await.unwrap();
    drop(engine);
    let mut notices = Vec::new();
    while let Some(event) = told.recv().await {
        if let Event::Notice(text) = event {
            notices.push(text);
        }
    }
    assert!(notices.iter().any(|text| text.contains("state rebuild")), "{notices:?}");

    lost.with(|options| options.new_lineage = true).up(base).await.ok();
    assert_eq!(lost.world.count(), 8);
    assert!(lost.plan(base).await.is_empty() && lab.plan(nothing).await.steps.len() > 3);
}

#[tokio::test]
async fn a_rebuild_that_was_cut_off_before_it_wrote_is_begun_again() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let lineage = lab.snapshot().await.unwrap().identity.lineage;
    let lost = lab.without_state();
    // The stack is there again, with nothing in it.
    let state = lost.engine(base).state;
    let who =
        infra_core::state::Holder { who: "x".into(), command: "state rebuild".into(), pid: 1 };
    state.acquire_lost(who, Duration::ZERO, lineage).await.unwrap().release().await.unwrap();
    assert_eq!(lost.up(base).await.error().kind(), ErrorKind::Refused);
    lost.rebuild(base, &plain()).await.unwrap();
    is_whole(&lost, base).await;
}
