//! The verbs of `acm` over the embedded AWS.

use std::sync::Arc;

use serde_json::json;

use super::{Certificate, CertificateValidation};
use crate::{
    Aws,
    exercise::{bring, delete, make, operation, read, want},
};
use infra_core::provider::{Cx, Find, Managed as _, Readiness};

#[tokio::test]
async fn a_certificate_says_its_records_before_it_is_issued() {
    let aws = Aws::test().await;
    let certificate: Certificate = want(
        json!({"domain": "app.example.com", "names": ["www.example.com"], "tags": {"a": "1"}}),
    );
    let made = make(&aws, &certificate).await;
    let records = made.outputs.clone().unwrap().validation_records;
    assert_eq!(records.len(), 2, "{records:?}");
    let other: Certificate = want(
        json!({"domain": "app.example.com", "names": ["www.example.com"], "tags": {"b": "2"}}),
    );
    let made = bring(&aws, &made.id, &other).await;

    let validation: CertificateValidation = want(json!({"certificate": made.id}));
    assert!(read(&aws, &made.id, &validation).await.is_none());
    let (cx, op) = (Cx::new(Arc::clone(&aws)), operation::<CertificateValidation>());
    let id = CertificateValidation::create(&cx, &validation, &op).await.unwrap();
    let found = read(&aws, &id, &validation).await.unwrap();
    assert!(
        matches!(found.readiness, Readiness::Ready | Readiness::Pending(_)),
        "{:?}",
        found.readiness
    );
    // What it is for is enough to find it, whoever made it; and no tag of ours says that it is there.
    let another = operation::<CertificateValidation>();
    let made_by = Find::Made { want: &validation, op: &another };
    let by_inputs = CertificateValidation::read(&cx, &[made_by]).await.remove(0).unwrap();
    assert_eq!(by_inputs.map(|found| found.id), Some(id));
    assert!(CertificateValidation::owned(&cx, &another.stack).await.unwrap().is_none());
    // It is a thing of its own, and so is its end.
    delete(&aws, &found, &validation).await;
    assert!(read(&aws, &made.id, &other).await.is_some());
    delete(&aws, &made, &other).await;
}
