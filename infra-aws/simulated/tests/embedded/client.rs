//! The cloud as the HTTP client of the SDK: what a caller is told when no answer comes.

use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector as _, HttpConnectorSettings,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_types::body::SdkBody;
use infra_aws_simulated::{Cloud, Durations, Settings};

use crate::caller::caller;

async fn create_vpc(
    cloud: &Cloud,
    read_timeout: Option<Duration>,
) -> Result<HttpResponse, ConnectorError> {
    let components = RuntimeComponentsBuilder::for_tests().build().unwrap();
    let mut settings = HttpConnectorSettings::builder();
    settings.set_read_timeout(read_timeout);
    let connector = cloud.http_connector(&settings.build(), &components);
    let credential = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/ec2/aws4_request, \
                      SignedHeaders=host, Signature=0";
    let request = http::Request::post("https://aws.simulated.invalid/")
        .header("authorization", credential)
        .body(SdkBody::from("Action=CreateVpc&CidrBlock=10.0.0.0/16"))
        .unwrap();
    connector.call(HttpRequest::try_from(request).unwrap()).await
}

async fn vpcs(cloud: &Cloud) -> usize {
    let seen = caller(cloud.clone()).ec2("DescribeVpcs", "").await.ok();
    seen.text.matches("<vpcId>").count()
}

#[tokio::test]
async fn a_connection_that_ends_is_an_io_error() {
    let cloud = Cloud::memory(Settings::default());
    cloud.faults().lose_reply(1, "CreateVpc");
    assert!(create_vpc(&cloud, None).await.unwrap_err().is_io());
    assert_eq!(vpcs(&cloud).await, 1);
    cloud.faults().drop_request(1, "CreateVpc");
    assert!(create_vpc(&cloud, None).await.unwrap_err().is_io());
    assert_eq!(vpcs(&cloud).await, 1);
    cloud.faults().outage(true);
    assert!(create_vpc(&cloud, None).await.unwrap_err().is_io());
    cloud.faults().clear();
    assert!(create_vpc(&cloud, None).await.unwrap().status().is_success());
}

/// The reply to a refusal is not the one that was to be lost: that call took no effect.
#[tokio::test]
async fn a_lost_reply_is_that_of_a_call_that_was_carried_out() {
    let cloud = Cloud::memory(Settings::default());
    cloud.faults().lose_reply(1, "CreateVpc");
    cloud.faults().throttle_next(1, "CreateVpc");
    assert_eq!(create_vpc(&cloud, None).await.unwrap().status().as_u16(), 503);
    assert!(create_vpc(&cloud, None).await.unwrap_err().is_io());
    assert_eq!(vpcs(&cloud).await, 1);
}

#[tokio::test]
async fn an_answer_that_is_late_is_a_timeout_and_the_call_is_carried_out() {
    let latency = Duration::from_millis(100);
    let settings = Settings::default().durations(Durations::Instant).latency(latency);
    let cloud = Cloud::memory(settings);
    // Gives up while the request is on its way, and while the reply is.
    for patience in [10, 75] {
        let begun = Instant::now();
        let late = create_vpc(&cloud, Some(Duration::from_millis(patience))).await.unwrap_err();
        assert!(late.is_timeout(), "{late}");
        assert!(begun.elapsed() < latency);
    }
    assert!(create_vpc(&cloud, Some(Duration::from_secs(10))).await.is_ok());
    assert_eq!(vpcs(&cloud).await, 3);
}
