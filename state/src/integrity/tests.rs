//! Each invariant: what breaks it, and what does not.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    Change, Identity, Intent, Key, Lineage, Options, Provider, Record, Snapshot, StackName, Status,
    Urn, Value, Verb,
};

fn urn(name: &str) -> Urn {
    Urn::new("test:none:Thing", name).unwrap()
}

fn record(name: &str, on: &[&str]) -> Record {
    Record {
        urn: urn(name),
        instance: "aaaaaaaa".into(),
        version: 1,
        status: Status::Ready,
        id: None,
        inputs: Value::map(),
        outputs: Value::map(),
        provider: None,
        dependencies: on.iter().map(|name| urn(name)).collect(),
        options: Options::default(),
        holds_data: false,
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
    }
}

fn instance(mut record: Record, instance: &str, status: Status) -> Record {
    record.instance = instance.into();
    record.status = status;
    record
}

fn provided(mut record: Record, by: &str) -> Record {
    record.provider = Some(Provider { urn: urn(by), identity: [].into() });
    record
}

fn put(name: &str, on: &[&str]) -> Change {
    Change::Put(record(name, on))
}

fn intent(op: u128, verb: Verb, record: Record) -> Change {
    Change::Intent(Intent { op: Uuid::from_u128(op), verb, record, at: Timestamp::UNIX_EPOCH })
}

fn done(op: u128, record: Option<Record>) -> Change {
    Change::Done { op: Uuid::from_u128(op), record }
}

fn empty() -> Snapshot {
    Snapshot::empty(Identity {
        stack: StackName::new("program", "dev").unwrap(),
        lineage: Lineage(Uuid::nil()),
        home: "memory:".into(),
    })
}

/// The snapshot after the commits, each of which has to be admitted.
fn after(commits: &[&[Change]]) -> (Snapshot, Index) {
    let (mut snapshot, mut index) = (empty(), Index::default());
    for commit in commits {
        Stage::new(&snapshot, &index).admit(commit).unwrap();
        for change in *commit {
            index.apply(&mut snapshot, change).unwrap();
        }
        verify(&snapshot).unwrap();
    }
    (snapshot, index)
}

/// Which invariant refuses the last commit.
fn refused(commits: &[&[Change]], last: &[Change]) -> Invariant {
    let (snapshot, index) = after(commits);
    Stage::new(&snapshot, &index).admit(last).unwrap_err().invariant
}

#[test]
fn a_resource_has_one_current_object() {
    let old = || instance(record("a", &[]), "old", Status::Ready);
    let new = || instance(record("a", &[]), "new", Status::Ready);
    let deposed = || instance(record("a", &[]), "old", Status::Deposed);
    let started: &[Change] = &[intent(1, Verb::Create, new())];
    let made: &[Change] = &[Change::Put(old())];
    assert_eq!(refused(&[made, started], &[done(1, Some(new()))]), Invariant::UniqueCurrent);
    // The order within a commit does not matter.
    after(&[made, started, &[done(1, Some(new())), Change::Put(deposed())]]);
    let (mut snapshot, _) = after(&[made]);
    snapshot.records.insert(new().key(), Arc::new(new()));
    assert_eq!(verify(&snapshot).unwrap_err().invariant, Invariant::UniqueCurrent);
}

#[test]
fn nothing_unknown_or_bottomless_is_stored() {
    let with = |value| Record { inputs: Value::from([("x", value)]), ..record("a", &[]) };
    let mut deep = Value::Null;
    for _ in 0..80 {
        deep = Value::List(vec![deep]);
    }
    for wrong in [Value::Unknown, Value::List(vec![Value::Unknown]), deep] {
        assert_eq!(refused(&[], &[Change::Put(with(wrong.clone()))]), Invariant::KnownValues);
        let exports = [("x".to_owned(), wrong.clone())].into();
        assert_eq!(refused(&[], &[Change::Exports(exports)]), Invariant::KnownValues);
        assert_eq!(refused(&[], &[intent(1, Verb::Create, with(wrong))]), Invariant::KnownValues);
    }
}

#[test]
fn a_new_dependency_has_to_be_there_an_old_one_may_go() {
    assert_eq!(refused(&[], &[put("b", &["a"])]), Invariant::DependenciesExist);
    assert_eq!(
        refused(&[], &[intent(1, Verb::Create, record("b", &["a"]))]),
        Invariant::DependenciesExist
    );
    let both: &[Change] = &[put("b", &["a"]), put("a", &[])];
    // Delete before create: the dependent waits for the new object.
    let gone: &[Change] = &[intent(1, Verb::Delete, record("a", &[])), done(1, None)];
    let (snapshot, index) = after(&[both, gone, &[put("b", &["a"])]]);
    let mut stage = Stage::new(&snapshot, &index);
    stage.admit(&[intent(2, Verb::Delete, record("b", &["a"])), done(2, None)]).unwrap();
    assert_eq!(
        stage.admit(&[put("c", &["a"])]).unwrap_err().invariant,
        Invariant::DependenciesExist
    );
    // What an intent was admitted with, its outcome may have.
    let begun: &[Change] = &[intent(3, Verb::Create, record("c", &["b"]))];
    after(&[
        both,
        begun,
        &[intent(4, Verb::Delete, record("b", &["a"])), done(4, None)],
        &[done(3, Some(record("c", &["b"])))],
    ]);
}

#[test]
fn nothing_depends_on_itself() {
    assert_eq!(refused(&[], &[put("a", &["a"])]), Invariant::NoCycle);
    let cycle = [put("a", &["c"]), put("b", &["a"]), put("c", &["b"])];
    assert_eq!(refused(&[], &cycle), Invariant::NoCycle);
    let chain: &[Change] = &[put("a", &[]), put("b", &["a"]), put("c", &["b"])];
    assert_eq!(refused(&[chain], &[put("a", &["c"])]), Invariant::NoCycle);
    assert_eq!(
        refused(&[chain], &[intent(1, Verb::Update, record("a", &["c"]))]),
        Invariant::NoCycle
    );
    let turning: &[Change] =
        &[put("x", &[]), put("y", &[]), intent(1, Verb::Update, record("x", &["y"]))];
    assert_eq!(
        refused(&[turning], &[intent(2, Verb::Update, record("y", &["x"]))]),
        Invariant::NoCycle,
        "both would be done, and neither could be deleted"
    );
    // Turned round in one commit it is none; and an object that waits to be deleted closes none.
    after(&[chain, &[put("c", &[]), put("b", &["c"]), put("a", &["b"])]]);
    let deposed = instance(record("a", &["c"]), "old", Status::Deposed);
    after(&[chain, &[Change::Put(deposed)]]);

    let (mut snapshot, _) = after(&[chain]);
    let closing = record("a", &["c"]);
    snapshot.records.insert(closing.key(), Arc::new(closing));
    let violation = verify(&snapshot).unwrap_err();
    assert_eq!(violation.invariant, Invariant::NoCycle);
    assert!(violation.detail.matches('→').count() == 3, "{violation}");
}

#[test]
fn a_provider_stays_as_long_as_it_is_used() {
    let used = || Change::Put(provided(record("a", &[]), "p"));
    assert_eq!(refused(&[], &[used()]), Invariant::ProviderExists);
    let both: &[Change] = &[used(), put("p", &[])];
    let gone = || Change::Forgotten(record("p", &[]).key());
    assert_eq!(refused(&[both], &[gone()]), Invariant::ProviderExists);
    after(&[both, &[gone(), Change::Forgotten(record("a", &[]).key())]]);
    after(&[both, &[Change::Put(record("a", &[]))], &[gone()]]);
    let (mut snapshot, _) = after(&[both]);
    snapshot.records.remove(&record("p", &[]).key());
    assert_eq!(verify(&snapshot).unwrap_err().invariant, Invariant::ProviderExists);
}

#[test]
fn operations_begin_once_and_end_once() {
    let begun: &[Change] = &[intent(1, Verb::Create, record("a", &[]))];
    let made: &[Change] = &[done(1, Some(record("a", &[])))];
    assert_eq!(
        refused(&[begun], &[intent(1, Verb::Create, record("b", &[]))]),
        Invariant::OpenIntentOnce
    );
    assert_eq!(
        refused(&[begun], &[intent(2, Verb::Create, record("a", &[]))]),
        Invariant::OpenIntentOnce
    );
    assert_eq!(refused(&[begun, made], made), Invariant::OpenIntentKnown);
    let created = Change::Created { op: Uuid::from_u128(9), id: "x".into() };
    assert_eq!(refused(&[begun], &[created]), Invariant::OpenIntentKnown);
    assert_eq!(refused(&[begun], &[done(1, Some(record("b", &[])))]), Invariant::OpenIntentKnown);
    after(&[begun, made, &[intent(2, Verb::Update, record("a", &[]))]]);
}

#[test]
fn an_operation_has_a_target() {
    let made: &[Change] = &[put("a", &[])];
    for verb in [Verb::Update, Verb::Delete] {
        assert_eq!(refused(&[], &[intent(1, verb, record("a", &[]))]), Invariant::OpenIntentTarget);
    }
    assert_eq!(
        refused(&[made], &[intent(1, Verb::Create, record("a", &[]))]),
        Invariant::OpenIntentTarget
    );
    let half = instance(record("b", &[]), "aaaaaaaa", Status::Incomplete);
    after(&[&[Change::Put(half)], &[intent(1, Verb::Create, record("b", &[]))]]);
    after(&[&[intent(1, Verb::Read, record("c", &[]))]]);
}

#[test]
fn a_long_chain_does_not_overflow_the_stack() {
    let name = |n: usize| format!("n{n}");
    let chain: Vec<Change> = (0..50_000)
        .map(|n| match n {
            0 => put("n0", &[]),
            _ => put(&name(n), &[&name(n - 1)]),
        })
        .collect();
    let (snapshot, index) = after(&[&chain]);
    let closing = [put("n0", &[&name(49_999)])];
    assert_eq!(
        Stage::new(&snapshot, &index).admit(&closing).unwrap_err().invariant,
        Invariant::NoCycle
    );
}

fn any_change() -> impl Strategy<Value = Change> {
    let name = || (0..4_u8).prop_map(|n| format!("n{n}"));
    let status = prop_oneof![
        3 => Just(Status::Ready),
        1 => Just(Status::Deposed),
        1 => Just(Status::Incomplete)
    ];
    let any_record =
        (name(), prop::collection::vec(name(), 0..2), prop::option::of(name()), 0..2_u8, status)
            .prop_map(|(of, on, by, which, status)| {
                let on: BTreeSet<Urn> = on.iter().map(|name| urn(name)).collect();
                let mut record = instance(record(&of, &[]), &format!("i{which}"), status);
                record.dependencies = on;
                match by {
                    Some(by) if which == 1 => provided(record, &by),
                    _ => record,
                }
            });
    let verb = prop_oneof![Just(Verb::Create), Just(Verb::Update), Just(Verb::Delete)];
    prop_oneof![
        4 => any_record.clone().prop_map(Change::Put),
        2 => (0..4_u128, verb, any_record.clone()).prop_map(|(op, verb, r)| intent(op, verb, r)),
        2 => (0..4_u128, prop::option::of(any_record.clone())).prop_map(|(op, r)| done(op, r)),
        1 => (0..4_u128, prop::option::of(any_record)).prop_map(|(op, record)| Change::Failed {
            op: Uuid::from_u128(op),
            message: String::new(),
            record
        }),
        1 => (name(), 0..2_u8).prop_map(|(name, which)| {
            Change::Forgotten(Key { urn: urn(&name), instance: format!("i{which}").as_str().into() })
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Checking a change costs O(the change), and comes to the same as checking everything; refused commits leave no
    /// trace in the stage; and the index that is kept up equals one made anew.
    #[test]
    fn what_is_admitted_keeps_every_invariant(
        commits in prop::collection::vec(prop::collection::vec(any_change(), 1..4), 1..40),
        grouped in 1..5_usize,
    ) {
        let (mut snapshot, mut index) = (empty(), Index::default());
        for group in commits.chunks(grouped) {
            let admitted: Vec<&Vec<Change>> = {
                let mut stage = Stage::new(&snapshot, &index);
                group.iter().filter(|commit| stage.admit(commit).is_ok()).collect()
            };
            for commit in admitted {
                // One by one has to give the same answer as staged together.
                prop_assert!(Stage::new(&snapshot, &index).admit(commit).is_ok());
                for change in commit {
                    index.apply(&mut snapshot, change).unwrap();
                }
                if let Err(violation) = verify(&snapshot) {
                    panic!("{violation} after {commit:?}");
                }
                let anew = Index::of(&snapshot);
                prop_assert_eq!(&index.dependents, &anew.dependents);
                prop_assert_eq!(&index.users, &anew.users);
                prop_assert_eq!(&index.open, &anew.open);
            }
        }
    }
}
