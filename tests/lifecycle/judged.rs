//! Policies where something drifted: what they see, what they stop, and what is left of them afterwards.

use infra_core::{
    ErrorKind, Result, Stack,
    command::{
        Confirmed,
        drift::{AcceptOptions, Accepted, DriftOptions, FixOptions, accept, fix, look},
    },
    drift::{Finding, What},
    plan::{Plan, Step},
    policy::{Pack, Policy, Violation, Wanted},
    prelude::*,
    provider::Class,
    state::Urn,
};

use crate::{
    base,
    drift::{fixed, found, found_with, list, one, remove, tamper},
    harness::{Host, Lab, Net, Wrong},
    set, urn,
};

/// No host is huge.
fn small() -> Policy {
    Policy::each::<Host>("small", |it: &Wanted<'_, Host>| {
        it.wrong_if(it.is(Host::SIZE, &"huge".to_owned()), Host::SIZE, "nobody pays for that")
    })
}

fn of<'p>(plan: &'p Plan, kind: &'p str) -> impl Iterator<Item = &'p Step> {
    plan.steps.iter().filter(move |step| step.urn.kind() == kind)
}

/// Hosts have a net, and one of them at most is huge.
fn housed() -> Policy {
    Policy::mandatory("housed", |plan: &Plan| {
        let homeless = of(plan, "fake:Net").next().is_none() && of(plan, "fake:Host").count() > 0;
        let size = |step: &&Step| step.inputs.get("size") == Some(&"huge".into());
        let crowd = of(plan, "fake:Host").filter(size).count() > 1;
        let said = [(homeless, "hosts without a net"), (crowd, "more than one is huge")];
        said.into_iter().filter(|(is, _)| *is).map(|(_, said)| Violation::new(said)).collect()
    })
}

/// `base`, held to these.
async fn deployed(policies: impl IntoIterator<Item = Policy>) -> Lab {
    let lab = Lab::new();
    lab.up(base).await.ok();
    Lab { policies: Pack::new(policies), ..lab }
}

async fn resize(lab: &Lab, name: &str, size: &'static str) {
    tamper(lab, &urn("Host", name), |it| drop(it.insert("size".into(), size.into()))).await;
}

async fn accepted(
    lab: &Lab,
    program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    drift: DriftOptions,
) -> Accepted {
    let options = AcceptOptions { drift, ..AcceptOptions::default() };
    accept(&lab.engine(program), &options, &Confirmed).await.unwrap_or_else(|e| panic!("{e:?}"))
}

fn violated(findings: &[Finding]) -> Vec<&str> {
    let violations = findings.iter().filter(|it| it.what == What::Violation);
    violations.map(|it| &*it.message).collect()
}

#[tokio::test]
async fn a_policy_about_all_of_it_sees_all_of_it() {
    let lab = deployed([housed()]).await;
    let only = |name: &str| DriftOptions {
        only: set(&[urn("Host", name)]),
        policies: true,
        ..DriftOptions::default()
    };
    assert_eq!(found_with(&lab, base, &only("a")).await.findings, []);
    // What cannot be read is there as it is recorded.
    lab.world.fault("read", "10.0", Wrong::Refuse(Class::Denied, "no".into()), 1);
    let all = DriftOptions { policies: true, ..DriftOptions::default() };
    let report = found_with(&lab, base, &all).await;
    assert_eq!((report.unchecked.len(), violated(&report.findings).len()), (1, 0), "{report:#?}");
    // What somebody did to those that are looked at shows in all of it.
    resize(&lab, "b", "huge").await;
    accepted(&lab, base, DriftOptions::default()).await;
    resize(&lab, "a", "huge").await;
    let crowd = ["more than one is huge"];
    assert_eq!(violated(&found(&lab, base).await.findings), crowd);
    assert_eq!(violated(&found_with(&lab, base, &only("a")).await.findings), crowd);
    // Of what was not asked about nothing is told.
    let net = DriftOptions { only: set(&[urn("Net", "net")]), ..DriftOptions::default() };
    assert_eq!(found_with(&lab, base, &net).await.findings, []);
}

#[tokio::test]
async fn what_is_violated_because_something_is_gone_is_told() {
    let watched = Policy::mandatory("watched", |plan: &Plan| {
        let none = of(plan, "fake:Db").next().is_none();
        none.then(|| Violation::new("nobody keeps the books")).into_iter().collect()
    });
    let lab = deployed([watched]).await;
    assert_eq!(found(&lab, base).await.findings, []);
    remove(&lab, &urn("Db", "db")).await;
    let told = ["nobody keeps the books"];
    assert_eq!(violated(&found(&lab, base).await.findings), told);
    // Its data is gone: nobody makes it anew unasked, and both stay.
    let fixed = fixed(&lab, base, |_| {}).await;
    assert_eq!((fixed.left, violated(&fixed.report.findings)), (2, told.to_vec()));
    // Who takes it as it is takes it with what it leads to.
    let taken = accepted(&lab, base, DriftOptions::default()).await;
    assert_eq!((taken.left, taken.forgotten.len()), (0, 1));
    assert_eq!(found(&lab, base).await.findings, []);
}

#[tokio::test]
async fn a_violation_goes_with_the_change_that_is_accepted_or_put_right() {
    let lab = deployed([small(), housed()]).await;
    for name in ["a", "b"] {
        resize(&lab, name, "huge").await;
    }
    assert_eq!(violated(&found(&lab, base).await.findings).len(), 3, "each, and both together");
    let repaired = fixed(&lab, base, |_| {}).await;
    assert_eq!((repaired.left, found(&lab, base).await.findings.len()), (0, 0));

    for name in ["a", "b"] {
        resize(&lab, name, "huge").await;
    }
    // One of both, and of the rest nothing was asked.
    let one_of = DriftOptions { only: set(&[urn("Host", "a")]), ..DriftOptions::default() };
    assert_eq!(accepted(&lab, base, one_of).await.left, 0);
    assert_eq!(violated(&found(&lab, base).await.findings).len(), 2);
    assert_eq!(accepted(&lab, base, DriftOptions::default()).await.left, 0);
    assert_eq!(found(&lab, base).await.findings, []);
    // Who wants to hear of all violations still does.
    let all = DriftOptions { policies: true, ..DriftOptions::default() };
    assert_eq!(accepted(&lab, base, all.clone()).await.left, 3);
    assert_eq!(violated(&found_with(&lab, base, &all).await.findings).len(), 3);
}

#[tokio::test]
async fn a_violation_stays_where_its_change_does() {
    let lab = deployed([small()]).await;
    resize(&lab, "a", "huge").await;
    // The change is medium, and not asked about; the violation is high.
    let high =
        DriftOptions { severity: infra_core::drift::Severity::High, ..DriftOptions::default() };
    let kept = accepted(&lab, base, high).await;
    assert_eq!((kept.left, kept.taken.len()), (1, 0));
    assert_eq!(found(&lab, base).await.findings.len(), 2);
}

#[tokio::test]
async fn an_old_violation_keeps_nothing_else_from_being_put_right() {
    let net = |stack: &mut Stack| {
        let net = stack.add("net", Net::new("10.0.0.0/16").note("mine"));
        stack.add("a", Host::new(&net.id).size("huge"));
        Ok(())
    };
    let lab = Lab::new();
    lab.up(net).await.ok();
    let lab = Lab { policies: Pack::new([small()]), ..lab };
    tamper(&lab, &urn("Net", "net"), |it| drop(it.insert("note".into(), "theirs".into()))).await;
    assert_eq!(fixed(&lab, net, |_| {}).await.left, 0);
    assert_eq!(lab.world.mutations(), ["update fake:Net"]);
    // What would be put back into a violation is not.
    resize(&lab, "a", "tiny").await;
    let refused = fix(&lab.engine(net), &FixOptions::default(), &Confirmed).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "{refused}");
    assert!(refused.to_string().contains("`small` by a"), "{refused}");
}

#[tokio::test]
async fn what_the_program_allows_with_a_reason_is_put_back() {
    let allowed = |labels: &'static [&'static str]| {
        move |stack: &mut Stack| {
            let net = stack.add("net", Net::new("10.0.0.0/16"));
            let host = Host::new(&net.id).size("huge").labels(labels.iter().copied());
            stack.add("a", host.allow("small", "the fair is in May"));
            Ok(())
        }
    };
    let lab = Lab { policies: Pack::new([small()]), ..Lab::new() };
    lab.up(allowed(&["x"])).await.ok();
    resize(&lab, "a", "tiny").await;
    // The program wants other labels by now: the repair is of what is recorded.
    let done = fixed(&lab, allowed(&["y"]), |_| {}).await;
    assert_eq!(done.left, 0, "{done:#?}");
    let (_, host) = lab.world.of("fake:Host").pop_first().unwrap();
    assert_eq!(host.inputs.get("size"), Some(&"huge".into()));
    assert_eq!(host.inputs.get("labels"), Some(&list(&["x"])), "`up` brings it");
}

#[tokio::test]
async fn policies_judge_what_a_second_read_found() {
    let lab = deployed([small()]).await;
    // Written a moment ago: the first read still shows what was there before, the second what is.
    resize(&lab, "a", "huge").await;
    lab.world.fault("read", "small", Wrong::Unseen, 1);
    let report = found(&lab, base).await;
    let told: Vec<(Option<Urn>, What)> =
        report.findings.iter().map(|it| (it.urn.clone(), it.what)).collect();
    let a = || Some(urn("Host", "a"));
    assert_eq!(told, [(a(), What::Violation), (a(), What::Changed)], "not gone, and judged");
    assert_eq!(report.checked, 4);
    remove(&lab, &urn("Host", "a")).await;
    let gone = look(&lab.engine(base), &DriftOptions::default()).await.unwrap();
    assert_eq!(one(&gone).what, What::Deleted);
}
