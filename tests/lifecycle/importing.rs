//! Objects that exist, recorded by `import`.

use std::{collections::BTreeMap, time::Duration};

use infra_core::{
    ErrorKind, Result, Stack,
    command::{self, import},
    plan::Action,
    state::{Status, Value},
};

use crate::{
    cut_off,
    harness::{Host, Lab, Net, Wrong, steps},
    nothing, urn,
};

fn net(stack: &mut Stack) -> Result<()> {
    stack.add("net", Net::new("10.0.0.0/16"));
    Ok(())
}

fn with_host(stack: &mut Stack) -> Result<()> {
    let net = stack.add("net", Net::new("10.0.0.0/16"));
    stack.add("host", Host::new(&net.id).size("big"));
    Ok(())
}

async fn found(lab: &Lab, name: &str, id: &str) -> Result<import::Import> {
    import::find(&lab.engine(with_host), name, id).await
}

fn host(net: &str) -> Value {
    [("net", Value::from(net)), ("size", Value::from("small"))].into()
}

#[tokio::test]
async fn what_exists_is_recorded_as_it_is_and_then_brought_to_what_is_declared() {
    let lab = Lab::new();
    lab.up(net).await.ok();
    let (net_id, _) = lab.world.of("fake:Net").pop_first().unwrap();
    lab.world.plant("host-77", "fake:Host", host(&net_id));

    let found = found(&lab, "host", "host-77").await.unwrap();
    let differs: Vec<_> = found.differs.iter().map(|diff| diff.path.to_string()).collect();
    assert_eq!(differs, ["size"]);
    assert!(lab.snapshot().await.unwrap().current(&urn("Host", "host")).is_none());
    let engine = lab.engine(with_host);
    import::import(&engine, &found, Duration::ZERO).await.unwrap();

    let snapshot = lab.snapshot().await.unwrap();
    let host = urn("Host", "host");
    let record = snapshot.current(&host).unwrap();
    assert_eq!((record.id.as_deref(), record.status), (Some("host-77"), Status::Ready));
    assert_eq!(record.inputs.get("size").and_then(Value::as_str), Some("small"));
    assert!(record.dependencies.contains(&urn("Net", "net")));
    let last = command::history(&engine, 1).await.unwrap().pop().unwrap();
    assert_eq!(last.deployment.command, "import");

    assert_eq!(steps(&*lab.plan(with_host).await), ["Update host"]);
    let summary = lab.up(with_host).await.ok();
    assert_eq!(summary.done, [(Action::Update, 1)].into());
    assert_eq!(lab.world.count(), 2);
    assert!(lab.plan(with_host).await.is_empty());
}

#[tokio::test]
async fn what_is_somebody_elses_or_recorded_already_is_refused() {
    let lab = Lab::new();
    let refused = async |name: &str, id: &str, why: &str| {
        let error = found(&lab, name, id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.to_string().contains(why), "{error}");
    };
    let never = found(&lab, "host", "host-77").await.unwrap_err();
    assert!(never.to_string().contains("`up` makes the stack"), "{never}");

    lab.up(nothing).await.ok();
    refused("host", "host-77", "`fake:Net::net`").await;
    lab.up(net).await.ok();
    let (net_id, _) = lab.world.of("fake:Net").pop_first().unwrap();
    refused("host", "host-77", "there is no fake:Host with the id `host-77`").await;
    let theirs = [("infra:lineage", "other"), ("infra:stack", "shop/prod")];
    let theirs: BTreeMap<_, _> =
        theirs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    lab.world.plant_for("host-77", "fake:Host", host(&net_id), theirs);
    refused("host", "host-77", "belongs to shop/prod").await;
    refused("net", &net_id, "recorded already as net-").await;

    // Somebody else recorded it in between.
    lab.world.plant("host-78", "fake:Host", host(&net_id));
    let twice = found(&lab, "host", "host-78").await.unwrap();
    let engine = lab.engine(with_host);
    import::import(&engine, &twice, Duration::ZERO).await.unwrap();
    let error = import::import(&engine, &twice, Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(lab.engine(with_host).state.holder().await.unwrap().is_none());
}

#[tokio::test]
async fn what_nobody_could_settle_is_settled_by_the_command_that_it_names() {
    for exists in [true, false] {
        let lab = Lab::new();
        lab.up(nothing).await.ok();
        cut_off(&lab, "create", "10.0", Wrong::HangAfter, net).await;
        let strange = Wrong::Refuse(infra_core::provider::Class::Invalid, "two of them".into());
        lab.world.fault("read", "", strange, 1);
        let error = lab.up(net).await.error().to_string();
        let (id, _) = lab.world.of("fake:Net").pop_first().unwrap();
        assert!(error.contains("`import fake:Net::net ID`"), "{error}");
        assert!(error.contains("`state rm fake:Net::net`"), "{error}");

        if exists {
            let found = import::find(&lab.engine(net), "fake:Net::net", &id).await.unwrap();
            import::import(&lab.engine(net), &found, Duration::ZERO).await.unwrap();
        } else {
            lab.world.tamper(&id, |_| None);
            let engine = lab.engine(net);
            command::state::rm(&engine, "fake:Net::net", false, Duration::ZERO).await.unwrap();
        }
        lab.up(net).await.ok();
        assert_eq!(lab.world.count(), 1);
        assert!(lab.plan(net).await.is_empty());
        lab.destroy(net).await.ok();
        assert_eq!(lab.world.count(), 0);
    }
}
