//! The verbs of `route53` over the embedded AWS.

use std::sync::Arc;

use serde_json::json;

use super::{HostedZone, Record};
use crate::{
    Aws,
    exercise::{bring, delete, make, network, operation, want},
};
use infra_core::provider::{Class, Cx, Find, Managed as _};

#[tokio::test]
async fn zones_and_records() {
    let aws = Aws::test().await;
    let zone: HostedZone = want(json!({"name": "example.com", "comment": "c", "tags": {"a": "1"}}));
    let made = make(&aws, &zone).await;
    assert!(!made.outputs.as_ref().unwrap().name_servers.is_empty());
    let other: HostedZone =
        want(json!({"name": "example.com", "comment": "d", "tags": {"b": "2"}}));
    let made = bring(&aws, &made.id, &other).await;

    let record = |name: &str, kind: &str, more: serde_json::Value| -> Record {
        let mut json = json!({"zone": made.id, "name": name, "kind": kind});
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        want(json)
    };
    let address = record("App.example.com.", "A", json!({"values": ["192.0.2.1"]}));
    let address_made = make(&aws, &address).await;
    assert_eq!(address_made.live.ttl, Some(300));
    let moved =
        record("app.example.com", "A", json!({"values": ["192.0.2.2", "192.0.2.3"], "ttl": 60}));
    let address_made = bring(&aws, &address_made.id, &moved).await;
    // Never over what is there.
    let taken = Record::create(&Cx::new(Arc::clone(&aws)), &moved, &operation::<Record>()).await;
    assert_eq!(taken.unwrap_err().class(), Class::Exists);

    let text = record("example.com", "TXT", json!({"values": ["v=spf1 -all"]}));
    let text_made = make(&aws, &text).await;
    let wildcard = record("*.example.com", "CNAME", json!({"values": ["app.example.com"]}));
    let wildcard_made = make(&aws, &wildcard).await;
    let target = json!({"name": "front-1.elb.eu-west-1.amazonaws.com", "zone": "Z2IFOLAFXWLO4F"});
    let alias = record("example.com", "A", json!({"alias": target}));
    let alias_made = make(&aws, &alias).await;
    // All at once: the whole zone is listed.
    let all: [(&str, &Record); 4] = [
        (&address_made.id, &moved),
        (&text_made.id, &text),
        (&wildcard_made.id, &wildcard),
        (&alias_made.id, &alias),
    ];
    let find = all.map(|(id, record)| Find::Id { id, recorded: Some(record) });
    let found = Record::read(&Cx::new(Arc::clone(&aws)), &find).await;
    assert!(found.into_iter().all(|found| found.unwrap().is_some()));

    let refused =
        HostedZone::delete(&Cx::new(Arc::clone(&aws)), &made, &other, &operation::<HostedZone>())
            .await;
    assert!(refused.unwrap_err().class().is_retryable());
    delete(&aws, &address_made, &moved).await;
    delete(&aws, &text_made, &text).await;
    delete(&aws, &wildcard_made, &wildcard).await;
    // The last one goes with the zone.
    delete(&aws, &made, &HostedZone { force_destroy: true, ..other }).await;
}

#[tokio::test]
async fn private_zones() {
    let aws = Aws::test().await;
    let (one, two) = (network(&aws).await, network(&aws).await);
    let zone: HostedZone = want(
        json!({"name": "internal.example", "vpcs": [{"vpc": one.vpc, "region": "eu-west-1"}]}),
    );
    let made = make(&aws, &zone).await;
    let region = "eu-west-1";
    let both: HostedZone = want(json!({
        "name": "internal.example",
        "vpcs": [{"vpc": two.vpc, "region": region}, {"vpc": one.vpc, "region": region}]
    }));
    bring(&aws, &made.id, &both).await;
    let other: HostedZone =
        want(json!({"name": "internal.example", "vpcs": [{"vpc": two.vpc, "region": region}]}));
    let made = bring(&aws, &made.id, &other).await;
    delete(&aws, &made, &other).await;
}
