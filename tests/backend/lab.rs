//! Places in S3 for tests.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb as dynamodb;
use aws_sdk_s3 as s3;
use infra_aws::embedded::{Cloud, Durations, Settings};
use infra_state::{
    Backend, Env,
    backend::{Retry, S3, S3Address},
    env::{EnvExt, System},
};

pub(crate) const BUCKET: &str = "acme-state";
pub(crate) const TABLE: &str = "acme-locks";
pub(crate) const REGION: &str = "eu-west-1";

/// The clients of one caller.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) s3: s3::Client,
    pub(crate) dynamodb: dynamodb::Client,
}

/// An embedded AWS, empty.
pub(crate) fn cloud() -> Cloud {
    Cloud::memory(Settings::default().durations(Durations::Instant))
}

impl Clients {
    /// Callers of the embedded AWS, in this region.
    pub(crate) fn of(cloud: &Cloud, region: &'static str) -> Self {
        let key = || {
            s3::config::Credentials::new("AKIASIMULATED0000000", "simulated", None, None, "test")
        };
        let s3 = s3::Config::builder()
            .behavior_version(s3::config::BehaviorVersion::latest())
            .region(s3::config::Region::new(region))
            .credentials_provider(key())
            .endpoint_url("https://aws.simulated.invalid")
            .force_path_style(true)
            .retry_config(s3::config::retry::RetryConfig::disabled())
            .http_client(cloud.clone())
            .build();
        let dynamodb = dynamodb::Config::builder()
            .behavior_version(dynamodb::config::BehaviorVersion::latest())
            .region(dynamodb::config::Region::new(region))
            .credentials_provider(key())
            .endpoint_url("https://aws.simulated.invalid")
            .retry_config(dynamodb::config::retry::RetryConfig::disabled())
            .http_client(cloud.clone())
            .build();
        Self { s3: s3::Client::from_conf(s3), dynamodb: dynamodb::Client::from_conf(dynamodb) }
    }

    /// A place through these, at this address.
    pub(crate) fn at(&self, address: &str) -> S3 {
        let address = S3Address::parse(address).unwrap();
        S3::new(address, self.s3.clone(), self.dynamodb.clone())
    }

    /// A place in the bucket and table of the tests.
    pub(crate) fn place(&self, prefix: &str) -> S3 {
        self.at(&format!("s3://{BUCKET}/{prefix}?lock={TABLE}"))
    }
}

/// A place whose bucket and table are there.
pub(crate) async fn prepared(cloud: &Cloud, prefix: &str) -> S3 {
    let place = Clients::of(cloud, REGION).place(prefix);
    place.prepare().await.unwrap();
    place
}

/// A prefix that no test used before.
pub(crate) fn fresh() -> String {
    format!("t-{}", System.uuid().simple())
}

/// What asks again, as programs do.
pub(crate) fn patient(inner: impl Backend + 'static) -> Arc<dyn Backend> {
    let env: Arc<dyn Env> = Arc::new(System);
    Arc::new(Retry::new(Arc::new(inner), env, Duration::from_secs(30)))
}
