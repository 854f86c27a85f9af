//! Where the cloud is not what is recorded: found, graded, put right.

use std::collections::BTreeMap;

use infra_core::{
    ErrorKind, Result, Stack,
    command::drift::{DriftOptions, Orphans, look},
    drift::{Finding, Repair, Report, Severity, What},
    provider::Class,
    state::{Urn, Value},
};

use crate::{
    base,
    harness::{Db, Host, Lab, Net, Safe, Wrong},
    nothing, set, sized, urn,
};

type Inputs = BTreeMap<String, Value>;

async fn found(
    lab: &Lab,
    program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
) -> Report {
    found_with(lab, program, &DriftOptions::default()).await
}

/// A look, which must change nothing.
async fn found_with(
    lab: &Lab,
    program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    options: &DriftOptions,
) -> Report {
    lab.world.clear_calls();
    let report = look(&lab.engine(program), options).await.unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(lab.world.mutations(), Vec::<String>::new());
    report
}

fn id(lab: &Lab, urn: &Urn, snapshot: &infra_core::state::Snapshot) -> String {
    let _ = lab;
    snapshot.current(urn).unwrap().id.clone().unwrap()
}

/// Changes an input of the object of a resource behind the engine's back.
async fn tamper(lab: &Lab, urn: &Urn, change: impl FnOnce(&mut Inputs)) {
    let id = id(lab, urn, &lab.snapshot().await.unwrap());
    lab.world.tamper(&id, |object| {
        let Value::Map(inputs) = &mut object.inputs else { return None };
        change(inputs);
        Some(())
    });
}

async fn remove(lab: &Lab, urn: &Urn) {
    let id = id(lab, urn, &lab.snapshot().await.unwrap());
    lab.world.tamper(&id, |_| None);
}

fn one(report: &Report) -> &Finding {
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    &report.findings[0]
}

#[tokio::test]
async fn an_untouched_stack_reports_nothing() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    for _ in 0..3 {
        let report = found(&lab, base).await;
        assert_eq!(report.findings, []);
        assert!(report.is_whole() && report.in_progress.is_none());
        assert_eq!((report.checked, report.notices), (4, Vec::new()));
    }
    let reads = lab.world.calls();
    let reads: Vec<_> = reads.iter().filter(|call| !call.contains("owned")).collect();
    assert_eq!(reads.len(), 3, "one read a kind: {reads:?}");
}

#[tokio::test]
async fn a_changed_field_is_named_with_all_three_values() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let host = urn("Host", "a");
    tamper(&lab, &host, |inputs| drop(inputs.insert("size".into(), "huge".into()))).await;
    let big = |stack: &mut Stack| {
        sized(stack, "big");
        Ok(())
    };
    let report = found(&lab, big).await;
    let finding = one(&report);
    assert_eq!((finding.urn.as_ref(), finding.what), (Some(&host), What::Changed));
    assert_eq!((finding.severity, &*finding.rule), (Severity::Medium, "changed"));
    let field = &finding.fields[0];
    let values = [&field.recorded, &field.live, &field.desired].map(|v| v.clone().unwrap());
    assert_eq!((&*field.path, values), ("size", ["small", "huge", "big"].map(Into::into)));
    assert!(finding.at.as_ref().unwrap().contains("lifecycle.rs:"), "{finding:?}");
    assert!(matches!(&finding.repair, Repair::Nothing(why) if why.contains("`up` brings it")));
    // Where both agree it is put back.
    let report = found(&lab, base).await;
    assert_eq!(one(&report).repair, Repair::Update);
    assert_eq!(one(&report).fields[0].desired, Some("small".into()));
}
