//! The verbs of `ssm` over the embedded AWS.

use std::sync::Arc;

use infra_core::provider::{Cx, Find, Lookup as _, Managed as _};
use serde_json::json;

use super::{LatestAmi, Parameter, PublicParameter};
use crate::{
    Aws,
    exercise::{bring, delete, make, want},
};

#[tokio::test]
async fn parameters() {
    let aws = Aws::test().await;
    let parameter: Parameter = want(json!({
        "name": "/prod/qledger/DATABASE_URL", "value": "postgres://geheim", "kind": "SecureString",
        "description": "login", "tags": {"a": "1"}
    }));
    let made = make(&aws, &parameter).await;
    assert!(!format!("{made:?}").contains("geheim"));
    let outputs = made.outputs.as_ref().unwrap();
    assert_eq!(
        outputs.arn.as_str(),
        "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/qledger/DATABASE_URL"
    );
    let changed: Parameter = want(json!({
        "name": "/prod/qledger/DATABASE_URL", "value": "postgres://other", "kind": "SecureString",
        "tier": "Advanced", "allowed_pattern": "^postgres", "tags": {"b": "2"},
        "kms_key": "1234abcd-12ab-34cd-56ef-1234567890ab"
    }));
    let changed_made = bring(&aws, &made.id, &changed).await;
    assert!(changed_made.outputs.as_ref().unwrap().version > outputs.version);
    delete(&aws, &changed_made, &changed).await;
}

#[tokio::test]
async fn many_are_read_by_the_ten() {
    let aws = Aws::test().await;
    let names: Vec<_> = (0..23).map(|n| format!("/many/{n}")).collect();
    for name in names.iter().filter(|name| !name.ends_with('7')) {
        make(&aws, &want::<Parameter>(json!({"name": name, "value": name}))).await;
    }
    let find: Vec<_> =
        names.iter().map(|id| Find::Id { id, recorded: None::<&Parameter> }).collect();
    let found = Parameter::read(&Cx::new(Arc::clone(&aws)), &find).await;
    for (name, found) in names.iter().zip(found) {
        let found = found.unwrap();
        assert_eq!(found.is_none(), name.ends_with('7'));
        assert!(found.is_none_or(|found| found.live.value.reveal() == name));
    }
}

#[tokio::test]
async fn lookups() {
    let aws = Aws::test().await;
    let cx = Cx::new(Arc::clone(&aws));
    make(&aws, &want::<Parameter>(json!({"name": "/image", "value": "ami-0123456789abcdef0"})))
        .await;
    let ami = LatestAmi { parameter: "/image".to_owned() };
    assert_eq!(
        LatestAmi::look_up(&cx, &ami).await.unwrap().image_id.as_str(),
        "ami-0123456789abcdef0"
    );
    let none = PublicParameter { name: "/none".to_owned() };
    let error = PublicParameter::look_up(&cx, &none).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no parameter \"/none\" in eu-west-1");
}

#[tokio::test]
async fn the_images_of_aws_are_there() {
    let cx = Cx::new(Aws::test().await);
    let parameter =
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64".to_owned();
    let found = LatestAmi::look_up(&cx, &LatestAmi { parameter }).await.unwrap();
    assert!(found.image_id.as_str().starts_with("ami-"));
}

#[tokio::test]
async fn tags_of_many_come_at_once_where_nothing_speaks_against_them() {
    use infra_core::provider::Gate;

    use crate::embedded::{Cloud, Settings};

    let cloud = Cloud::memory(Settings::default());
    let aws = Aws::test_in(&cloud, &Gate::default()).await;
    let wanted: Vec<Parameter> = (0..30)
        .map(|n| want(json!({"name": format!("/many/{n}"), "value": "v", "tags": {"n": "1"}})))
        .collect();
    for parameter in &wanted {
        make(&aws, parameter).await;
    }
    let called = |operation: &str| {
        let calls = cloud.calls();
        calls.iter().filter(|call| call.operation == operation).count()
    };
    let find: Vec<_> =
        wanted.iter().map(|it| Find::Id { id: &it.name, recorded: Some(it) }).collect();
    cloud.clear_calls();
    let found = Parameter::read(&Cx::new(Arc::clone(&aws)), &find).await;
    assert!(found.iter().all(|it| it.as_ref().unwrap().as_ref().unwrap().owner.is_some()));
    assert_eq!((called("GetParameters"), called("DescribeParameters")), (3, 1));
    assert_eq!((called("GetResources"), called("ListTagsForResource")), (1, 0));

    // What is not as recorded is asked of the service itself.
    let tag = aws.ssm().add_tags_to_resource().resource_id("/many/7");
    let tag = tag.resource_type(aws_sdk_ssm::types::ResourceTypeForTagging::Parameter);
    let by_hand = aws_sdk_ssm::types::Tag::builder().key("n").value("2").build().unwrap();
    tag.tags(by_hand).send().await.unwrap();
    cloud.clear_calls();
    let found = Parameter::read(&Cx::new(Arc::clone(&aws)), &find).await;
    assert_eq!(found[7].as_ref().unwrap().as_ref().unwrap().live.tags["n"], "2");
    assert_eq!(called("ListTagsForResource"), 1);

    // Whoever may not ask for all, or is not answered, is answered one by one.
    for code in ["AccessDeniedException", "PaginationTokenExpiredException"] {
        cloud.clear_calls();
        cloud.faults().refuse_next(1, "tagging.GetResources", code, 400, "no");
        let found = Parameter::read(&Cx::new(Arc::clone(&aws)), &find).await;
        assert!(found.iter().all(|it| it.as_ref().unwrap().is_some()));
        assert_eq!(called("ListTagsForResource"), 30, "{code}");
    }
}
