//! What somebody put into the stack's objects that has no tags: told apart from what is on its way, and from what was
//! asked about.

use infra_core::{Result, Stack, command::drift::DriftOptions, state::Value};

use crate::{
    cut_off,
    drift::{fixed, found, found_with, one},
    harness::{Lab, Link, Net, Wrong},
    set, urn,
};

fn alone(stack: &mut Stack) -> Result<()> {
    stack.add("net", Net::new("10.0.0.0/16"));
    Ok(())
}

fn linked(stack: &mut Stack) -> Result<()> {
    let net = stack.add("net", Net::new("10.0.0.0/16"));
    stack.add("link", Link::new(&net.id, "declared"));
    Ok(())
}

/// Somebody links the stack's net.
fn link(lab: &Lab, id: &str) {
    let (net, _) = lab.world.of("fake:Net").pop_first().unwrap();
    let inputs = Value::from([("from", Value::from(&*net)), ("to", "anywhere".into())]);
    lab.world.plant(id, "fake:Link", inputs);
}

#[tokio::test]
async fn who_asks_about_one_resource_is_told_of_no_other_and_deletes_no_other() {
    let lab = Lab::new();
    lab.up(linked).await.ok();
    link(&lab, "link-77");
    let only = || DriftOptions { only: set(&[urn("Link", "link")]), ..DriftOptions::default() };
    assert_eq!(found_with(&lab, linked, &only()).await.findings, []);
    let done = fixed(&lab, linked, |it| {
        it.delete_orphans = true;
        it.drift = only();
    });
    assert_eq!(done.await.left, 0);
    assert!(lab.world.of("fake:Link").contains_key("link-77"));
    assert_eq!(one(&found(&lab, linked).await).id.as_deref(), Some("link-77"));
}

#[tokio::test]
async fn an_operation_that_is_not_settled_hides_only_its_own_object() {
    for what in [Wrong::HangBefore, Wrong::HangAfter] {
        let lab = Lab::new();
        lab.up(alone).await.ok();
        cut_off(&lab, "create", "declared", what.clone(), linked).await;
        let made = usize::from(matches!(what, Wrong::HangAfter));
        assert_eq!(lab.world.of("fake:Link").len(), made);
        assert_eq!(found(&lab, linked).await.findings, [], "{what:?}: it is on its way");
        link(&lab, "link-77");
        assert_eq!(one(&found(&lab, linked).await).id.as_deref(), Some("link-77"), "{what:?}");
    }
}
