//! Where a stack was made is remembered: nothing that nobody wrote down moves it.

use infra_core::{ErrorKind, prelude::*, state::Value};

use crate::harness::{Lab, Net, steps};

fn net(s: &mut Stack) -> Result<()> {
    s.add("net", Net::new("10.0.0.0/16"));
    Ok(())
}

#[tokio::test]
async fn another_region_in_the_environment_moves_nothing() {
    let lab = Lab::new();
    lab.up(net).await.ok();
    let mut there = lab.clone();
    there.region = "there".to_owned();
    let error = there.up(net).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused);
    insta::assert_snapshot!(error, @r#"the provider `fake:Provider::default` would move, with everything it holds: region "there" where state has "here". That is from the environment, not from the stack's settings. Nothing was read or changed. To stay, write `region = "here"` under `[stack.dev]`; to move, write the other value there, or say `--replace fake:Provider::default`"#);
    assert_eq!(there.preview(net).await.err().unwrap().kind(), ErrorKind::Refused);
    assert_eq!(lab.world.count(), 1);
    // What is remembered is enough to remove it.
    assert_eq!(steps(&*there.planning(|plan| plan.destroy = true).plan(net).await), ["Delete net"]);

    // Written down, it stays, or goes.
    there.settings = [("region", Value::from("here"))].into();
    assert!(there.plan(net).await.is_empty());
    there.settings = [("region", Value::from("there"))].into();
    assert_eq!(steps(&*there.plan(net).await), ["Create net", "DeleteOld net"]);

    // Or said.
    there.settings = Value::map();
    let meant = there.planning(|plan| {
        plan.replaces.insert("fake:Provider::default".parse().unwrap());
    });
    meant.up(net).await.ok();
    assert!(there.plan(net).await.is_empty());
    assert_eq!(lab.world.count(), 1);
}

#[tokio::test]
async fn a_stack_stays_on_its_cloud() {
    let lab = Lab::new();
    lab.up(net).await.ok();
    let mut other = lab.clone();
    other.cloud = "other".to_owned();
    let error = other.up(net).await.error();
    assert_eq!(error.kind(), ErrorKind::Refused);
    insta::assert_snapshot!(error, @"the stack `dev` was made on the cloud `fake`, and this is `other`. Nothing was read or changed. Say `--cloud fake`, or use another stack for `other`; to move this one, `destroy` it first");
    assert_eq!(other.destroy(net).await.error().kind(), ErrorKind::Refused);
    lab.destroy(net).await.ok();
    // Where nothing is left there is nothing to lose sight of.
    other.up(net).await.ok();
    assert!(other.plan(net).await.is_empty());
}
