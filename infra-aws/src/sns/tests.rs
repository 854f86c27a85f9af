//! The verbs of `sns` over the embedded AWS.

use std::sync::Arc;

use infra_core::provider::{Class, Cx, Managed as _};
use serde_json::json;

use super::Topic;
use crate::{
    Aws,
    exercise::{bring, delete, make, operation, want},
};

#[tokio::test]
async fn topics() {
    let aws = Aws::test().await;
    let queue = |name: &str| json!({"protocol": "sqs", "endpoint": format!("arn:aws:sqs:eu-west-1:123456789012:{name}")});
    let topic: Topic = want(json!({
        "name": "alarms", "display_name": "QLedger", "subscriptions": [queue("a"), queue("b")], "tags": {"a": "1"}
    }));
    let made = make(&aws, &topic).await;
    assert_eq!(made.id, "arn:aws:sns:eu-west-1:123456789012:alarms");
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sns:Publish", "Resource": made.id,
        "Principal": {"Service": "cloudwatch.amazonaws.com"}}]});
    let changed: Topic = want(json!({
        "name": "alarms", "kms_key": "alias/aws/sns", "policy": policy.to_string(),
        "subscriptions": [queue("b"), queue("c")], "tags": {"b": "2"}
    }));
    let changed_made = bring(&aws, &made.id, &changed).await;
    let foreign = Topic::create(&Cx::new(Arc::clone(&aws)), &topic, &operation::<Topic>()).await;
    assert_eq!(foreign.unwrap_err().class(), Class::Exists);
    delete(&aws, &changed_made, &changed).await;
}

#[tokio::test]
async fn fifo_topics_have_their_suffix() {
    let aws = Aws::test().await;
    let topic: Topic =
        want(json!({"name": "t", "fifo": true, "content_based_deduplication": true}));
    let made = make(&aws, &topic).await;
    assert_eq!(made.outputs.as_ref().unwrap().name, "t.fifo");
    delete(&aws, &made, &topic).await;
}

#[tokio::test]
async fn a_topic_is_told() {
    use infra_core::{
        notify::{Address, Notification},
        state::Value,
    };

    let cloud = crate::embedded::Cloud::memory(crate::embedded::Settings::default());
    let aws = Aws::test_in(&cloud, &infra_core::provider::Gate::default()).await;
    let topic = aws.sns().create_topic().name("on-call").send().await.unwrap();
    let topic = topic.topic_arn.unwrap();
    let open = super::notifier_in(cloud.clone());
    let address = |url: String| Address { url, directory: "/".into(), settings: Value::map() };
    let told = open(address(format!("sns:{topic}"))).await.unwrap();
    assert_eq!(told.shows(), topic);
    let what = Notification {
        subject: "drift in shop/prod: 2 findings, worst critical".to_owned(),
        text: "two lines\nof text".to_owned(),
        document: json!({"version": 1}),
    };
    told.notify(&what).await.unwrap();
    let published = cloud.calls().into_iter().filter(|call| call.operation == "Publish");
    assert_eq!(published.count(), 1);
    cloud.faults().refuse_next(1, "sns.Publish", "AuthorizationError", 403, "not yours");
    let error = told.notify(&what).await.unwrap_err().to_string();
    assert!(error.contains(&topic) && error.contains("not yours"), "{error}");
    for wrong in ["sns:", "sns:on-call", "sns:arn:aws:sqs:eu-west-1:1:q"] {
        let error = open(address(wrong.to_owned())).await.err().unwrap().to_string();
        assert!(error.contains("arn:aws:sns:REGION:ACCOUNT:TOPIC"), "{error}");
    }
}
