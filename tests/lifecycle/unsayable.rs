//! Objects that have what their kind cannot say: seen, never taken for whole, in nobody's way.

use infra_core::{
    ErrorKind, Result, Stack,
    command::{
        Confirmed,
        drift::{AcceptOptions, DriftOptions, FixOptions, accept, fix, look},
        import,
    },
    drift::{Repair, Rule, Severity, What},
    prelude::*,
    state::{Urn, Value},
};

use crate::{
    base,
    drift::{found, one, tamper},
    harness::{Host, Lab, Net, steps},
    nothing, urn,
};

/// Somebody gives the object of a resource what its kind cannot say.
async fn extend(lab: &Lab, urn: &Urn) {
    tamper(lab, urn, |inputs| drop(inputs.insert("beyond".into(), "spot options".into()))).await;
}

#[tokio::test]
async fn what_somebody_added_is_drift_that_only_a_hand_takes_away() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let host = urn("Host", "a");
    extend(&lab, &host).await;

    let report = found(&lab, base).await;
    assert!(report.is_whole(), "{report:?}");
    let finding = one(&report);
    assert_eq!((finding.what, &finding.urn), (What::Changed, &Some(host.clone())));
    assert!(finding.message.contains("spot options"), "{}", finding.message);
    assert!(matches!(&finding.repair, Repair::Nothing(why) if why.contains("by hand")));

    let fixed = fix(&lab.engine(base), &FixOptions::default(), &Confirmed).await.unwrap();
    assert!(fixed.summary.is_none(), "{fixed:?}");
    let accepted = accept(&lab.engine(base), &AcceptOptions::default(), &Confirmed).await.unwrap();
    assert_eq!((accepted.taken.len(), accepted.left), (0, 1));
    assert_eq!(one(&found(&lab, base).await).what, What::Changed);
}

#[tokio::test]
async fn what_was_changed_beside_it_is_put_back_and_both_are_named() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let host = urn("Host", "a");
    extend(&lab, &host).await;
    tamper(&lab, &host, |inputs| drop(inputs.insert("size".into(), "huge".into()))).await;
    let report = found(&lab, base).await;
    let message = &one(&report).message;
    assert!(message.contains("`size`") && message.contains("spot options"), "{message}");
    // Whether the call took the other away too the next look says.
    let fixed = fix(&lab.engine(base), &FixOptions::default(), &Confirmed).await.unwrap();
    assert_eq!((fixed.summary.map(|it| it.failed.len()), fixed.left), (Some(0), 1));
    assert_eq!(found(&lab, base).await.findings, []);
}

#[tokio::test]
async fn what_is_taken_beside_it_leaves_it_to_be_told() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let host = urn("Host", "a");
    extend(&lab, &host).await;
    tamper(&lab, &host, |inputs| drop(inputs.insert("size".into(), "huge".into()))).await;
    let accepted = accept(&lab.engine(base), &AcceptOptions::default(), &Confirmed).await.unwrap();
    assert_eq!((accepted.taken.len(), accepted.left), (1, 1));
    let report = found(&lab, base).await;
    assert!(one(&report).fields.is_empty() && one(&report).message.contains("spot options"));
}

#[tokio::test]
async fn who_wants_to_live_with_it_is_told_how() {
    let lab = Lab::new();
    lab.up(base).await.ok();
    let host = urn("Host", "a");
    extend(&lab, &host).await;
    // It may have been there when the object was recorded.
    let finding = one(&found(&lab, base).await).clone();
    assert_eq!(finding.message, "it has spot options, which its kind cannot say");
    let Repair::Nothing(how) = &finding.repair else { panic!("{finding:?}") };
    assert!(how.contains("App::drift_rule") && how.contains("--severity low"), "{how}");
    let mut engine = lab.engine(base);
    engine.rules = vec![Rule::new("spot is fine", move |it| {
        let is_it = it.urn == Some(&host) && it.what == What::Changed && it.path.is_none();
        is_it.then_some(Severity::Info)
    })];
    let low = DriftOptions { severity: Severity::Low, ..DriftOptions::default() };
    assert_eq!(look(&engine, &low).await.unwrap().findings, []);
}

#[tokio::test]
async fn it_stops_neither_a_plan_nor_a_destroy() {
    let lab = Lab::new();
    lab.up(with_host).await.ok();
    extend(&lab, &urn("Host", "host")).await;
    assert!(lab.plan(with_host).await.is_empty());
    lab.up(nothing).await.ok();
    assert_eq!(lab.world.count(), 0);
}

fn with_host(stack: &mut Stack) -> Result<()> {
    let net = stack.add("net", Net::new("10.0.0.0/16"));
    stack.add("host", Host::new(&net.id).size("small"));
    Ok(())
}

fn importing(stack: &mut Stack) -> Result<()> {
    let net = stack.add("net", Net::new("10.0.0.0/16"));
    stack.add("host", Host::new(&net.id).size("small").import("host-77"));
    Ok(())
}

fn net(stack: &mut Stack) -> Result<()> {
    stack.add("net", Net::new("10.0.0.0/16"));
    Ok(())
}

#[tokio::test]
async fn it_is_not_taken_over() {
    let lab = Lab::new();
    lab.up(net).await.ok();
    let (net_id, _) = lab.world.of("fake:Net").pop_first().unwrap();
    let plant = |beyond: Option<&str>| {
        let inputs = [("net", Value::from(&*net_id)), ("size", Value::from("small"))];
        let mut inputs: Value = inputs.into();
        if let (Value::Map(map), Some(what)) = (&mut inputs, beyond) {
            map.insert("beyond".to_owned(), what.into());
        }
        lab.world.plant("host-77", "fake:Host", inputs);
    };
    plant(Some("spot options"));
    let error = import::find(&lab.engine(with_host), "host", "host-77").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("host-77 has spot options"), "{error}");
    let error = lab.up(importing).await.error();
    assert!(error.to_string().contains("host-77 has spot options"), "{error}");

    plant(None);
    import::find(&lab.engine(with_host), "host", "host-77").await.unwrap();
    assert_eq!(steps(&*lab.plan(importing).await), ["Import host"]);
}
