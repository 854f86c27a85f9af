//! Policies over small plans.

use std::sync::Arc;

use infra_state::{Instance, Options, Path, Record, Status, Urn, Value};

use super::{Enforcement, Live, Looked, Pack, Policy, Violation, Wanted, live, of_plan};
use crate::{
    Resource,
    drift::{Severity, What},
    graph::Graph,
    plan::{Action, Plan, Step},
    provider::Registry,
};

#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Door", holds_data)]
struct Door {
    /// Whether anybody may come in.
    #[field(default = false)]
    open: bool,
    /// What it says.
    label: Option<String>,
}

fn urn(name: &str) -> Urn {
    Urn::new("fake:Door", name).unwrap()
}

fn record(name: &str, inputs: Value) -> Arc<Record> {
    let declared = Some("src/door.rs:7".to_owned());
    Arc::new(Record {
        urn: urn(name),
        instance: Instance::from("aaaaaaaa"),
        version: 1,
        status: Status::Ready,
        id: Some(format!("id-{name}")),
        inputs,
        outputs: Value::map(),
        provider: None,
        dependencies: [].into(),
        options: Options { declared, ..Options::default() },
        holds_data: true,
        created: jiff::Timestamp::UNIX_EPOCH,
        updated: jiff::Timestamp::UNIX_EPOCH,
    })
}

fn step(action: Action, name: &str, inputs: Value) -> Step {
    let recorded = record(name, inputs.clone());
    Step {
        urn: urn(name),
        instance: recorded.instance.clone(),
        action,
        inputs: inputs.into(),
        outputs: Value::map().into(),
        recorded: Some(recorded),
        diff: Vec::new(),
        drift: Vec::new(),
        paths: Vec::new(),
        replaces: None,
        why: Vec::new(),
        after: [].into(),
        data_loss: false,
        record_only: false,
        only_if: None,
        renamed_from: None,
    }
}

fn door(open: impl Into<Value>) -> Value {
    Value::from([("open", open.into())])
}

fn plan(steps: Vec<Step>) -> Plan {
    Plan { steps, ..Plan::default() }
}

fn shut() -> Policy {
    Policy::each::<Door>("shut", |it: &Wanted<'_, Door>| {
        it.wrong_if(it.is(Door::OPEN, &true), Door::OPEN, "a door is to be shut")
    })
}

fn find(pack: &Pack, steps: Vec<Step>) -> Vec<Violation> {
    of_plan(pack, &plan(steps), &Graph::empty()).unwrap()
}

#[test]
fn only_what_will_be_there_and_is_known_is_found() {
    let pack = Pack::new([shut()]);
    let found = find(
        &pack,
        vec![
            step(Action::Create, "a", door(true)),
            step(Action::Create, "b", door(false)),
            step(Action::Create, "c", door(Value::Unknown)),
            step(Action::Delete, "d", door(true)),
            step(Action::Keep, "e", door(true)),
        ],
    );
    let names: Vec<_> = found.iter().map(|it| it.urn.as_ref().unwrap().name()).collect();
    assert_eq!(names, ["a", "e"]);
    let first = &found[0];
    assert_eq!((&*first.policy, first.enforcement), ("shut", Enforcement::Mandatory));
    assert_eq!(first.path, Some(Path::field("open")));
    assert_eq!(first.at.as_deref(), Some("src/door.rs:7"));
}

#[test]
fn a_violation_may_be_milder_than_its_policy_and_never_stricter() {
    let both = |_: &Plan| vec![Violation::new("x"), Violation::new("y").advisory()];
    let found = find(&Pack::new([Policy::mandatory("p", both)]), vec![]);
    let stops: Vec<_> = found.iter().map(Violation::stops).collect();
    assert_eq!(stops, [true, false]);
    let found = find(&Pack::new([Policy::advisory("p", both)]), vec![]);
    assert!(found.iter().all(|it| it.enforcement == Enforcement::Advisory));
}

#[test]
fn policies_are_set_by_name() {
    fn none_at_all(_: &Plan) -> Vec<Violation> {
        vec![Violation::new("nothing may be")]
    }
    let pack = Pack::new([shut()]).with(none_at_all);
    let found = find(&pack, vec![]);
    assert_eq!(found[0].policy, "none-at-all");
    let pack = pack.set("none-at-all", None).unwrap().set("shut", Some(Enforcement::Advisory));
    let pack = pack.unwrap();
    let found = find(&pack, vec![step(Action::Create, "a", door(true))]);
    assert_eq!(found.len(), 1);
    assert!(!found[0].stops());
    let wrong = pack.set("shot", None).unwrap_err();
    assert!(wrong.contains("did you mean `shut`?"), "{wrong}");
}

#[test]
fn what_is_only_for_production_is_off_elsewhere() {
    let pack = Pack::new([shut().only_production()]);
    let steps = || vec![step(Action::Create, "a", door(true))];
    assert_eq!(find(&pack, steps()).len(), 1);
    assert!(find(&pack.clone().outside_production(), steps()).is_empty());
}

#[test]
fn a_check_that_panics_is_a_mistake_that_names_its_policy() {
    let pack = Pack::new([Policy::mandatory("broken", |plan: &Plan| {
        let secret = plan.steps[0].inputs.get("label").unwrap().plain();
        panic!("cannot read {}", secret.as_str().unwrap());
    })]);
    let inputs = Value::from([("label", Value::from("hunter2hunter2").secret())]);
    let steps = vec![step(Action::Create, "a", inputs)];
    let error = of_plan(&pack, &plan(steps), &Graph::empty()).unwrap_err();
    let message = &error.mistakes()[0].message;
    assert!(message.starts_with("the policy `broken` panicked: cannot read [secret]"), "{message}");
}

#[test]
fn a_message_has_no_secret_in_clear() {
    let pack = Pack::new([Policy::each::<Door>("label", |it: &Wanted<'_, Door>| {
        let text = it.value().get("label").unwrap().plain();
        vec![it.wrong(Door::LABEL, format!("it says {}", text.as_str().unwrap()))]
    })]);
    let inputs = Value::from([("label", Value::from("hunter2hunter2").secret())]);
    let found = find(&pack, vec![step(Action::Create, "a", inputs)]);
    assert_eq!(found[0].message, "it says [secret]");
}

/// The kinds that the live side is compared with.
fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.add(crate::provider::provider_driver::<Door>());
    registry
}

#[test]
fn on_the_live_side_only_what_is_not_recorded_so_is_found() {
    let pack = Pack::new([shut()]);
    let looked = |name: &str, recorded: bool, live: Option<bool>| Looked {
        record: record(name, door(recorded)),
        live: live.map_or(Live::Unread, |is| Live::There(door(is))),
    };
    let objects = [
        looked("opened", false, Some(true)),
        looked("wanted", true, Some(true)),
        looked("shut", true, Some(false)),
        looked("unread", false, None),
    ];
    let find = |all| live(&pack, &Graph::empty(), &registry(), &objects, all).unwrap();
    let found = find(false);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].urn, Some(urn("opened")));
    assert_eq!(found[0].id.as_deref(), Some("id-opened"));
    assert_eq!((found[0].what, found[0].severity), (What::Violation, Severity::High));
    assert_eq!((&*found[0].rule, found[0].at.as_deref()), ("shut", Some("src/door.rs:7")));
    assert_eq!(find(true).len(), 2);
}

#[test]
fn a_refusal_names_policies_places_and_the_way_out() {
    let found = find(&Pack::new([shut()]), vec![step(Action::Create, "front", door(true))]);
    let plan = Plan { violations: found, ..Plan::default() };
    let text = plan.violated().unwrap().to_string();
    assert_eq!(
        text,
        "1 violation of mandatory policies: `shut` by front (src/door.rs:7). Nothing was changed. Change the program, or \
         say where it is declared why it may be so: `.allow(\"shut\", \"…\")`"
    );
    assert!(Plan::default().violated().is_none());
}
