//! State in S3 with its lock in `DynamoDB`: what opens `s3://bucket/prefix?lock=TABLE`.
//!
//! On the cloud `simulated` bucket and table are in the embedded AWS, beside what the program makes there. On every
//! other they are in AWS, with the SDK's environment (`AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL_S3`, …) and the
//! stack's settings `region`, `profile` and `endpoint`. A role that the stack takes on is for what it makes: its state
//! stays in the account that the run begins with.

mod document;

use std::{sync::Arc, time::Duration};

use aws_config::{Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use infra_core::{
    Result,
    app::Address,
    state::{
        Backend, Env,
        backend::{Retry, S3, S3Address},
        env::System,
    },
};

pub use document::document;

use crate::provider;
#[cfg(feature = "simulated")]
use crate::{Simulated, simulated};

/// For how long a call is made again that fails for a while. Shorter than the lease: a holder that cannot reach its
/// state stops by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the place that an address names: `App::backend("s3", infra_aws::state::s3)`.
pub async fn s3(address: Address) -> Result<Arc<dyn Backend>> {
    #[cfg(feature = "simulated")]
    let opened = open(address, &simulated()).await;
    #[cfg(not(feature = "simulated"))]
    let opened = open(address).await;
    opened
}

/// The same for a program whose embedded AWS has settings of its own:
/// `App::backend("s3", infra_aws::state::s3_in(simulated))`.
#[cfg(feature = "simulated")]
pub fn s3_in(
    simulated: Simulated,
) -> impl Fn(Address) -> futures_util::future::BoxFuture<'static, Result<Arc<dyn Backend>>> {
    move |address| {
        let simulated = simulated.clone();
        Box::pin(async move { open(address, &simulated).await })
    }
}

async fn open(
    address: Address,
    #[cfg(feature = "simulated")] simulated: &Simulated,
) -> Result<Arc<dyn Backend>> {
    let place = S3Address::parse(&address.url)?;
    #[cfg(feature = "simulated")]
    if address.cloud() == "simulated" {
        let sdk = embedded(&address, &place, simulated)?;
        return Ok(backend(place, &sdk, true));
    }
    let (sdk, elsewhere) = of_aws(&address, &place).await;
    Ok(backend(place, &sdk, elsewhere))
}

/// How S3 is reached for this place, and whether buckets have no host names there.
async fn sdk(address: &Address, place: &S3Address) -> Result<(SdkConfig, bool)> {
    #[cfg(feature = "simulated")]
    if address.cloud() == "simulated" {
        return Ok((embedded(address, place, &simulated())?, true));
    }
    Ok(of_aws(address, place).await)
}

/// The same for what is not embedded.
async fn of_aws(address: &Address, place: &S3Address) -> (SdkConfig, bool) {
    let sdk = real(address, place).await;
    // Who answers elsewhere has no host names for buckets.
    let elsewhere = std::env::var_os("AWS_ENDPOINT_URL_S3").is_some_and(|url| !url.is_empty());
    let elsewhere = elsewhere || sdk.endpoint_url().is_some();
    (sdk, elsewhere)
}

/// The embedded AWS of the program.
#[cfg(feature = "simulated")]
fn embedded(address: &Address, place: &S3Address, simulated: &Simulated) -> Result<SdkConfig> {
    let (cloud, _) = simulated.cloud(&address.world).map_err(|e| {
        infra_core::Error::new(infra_core::ErrorKind::Failed, e.to_string()).because(e)
    })?;
    let region = place.region.clone().or_else(|| setting(address, "region"));
    let region = region.as_deref().unwrap_or(simulated::REGION);
    let http = aws_smithy_runtime_api::client::http::SharedHttpClient::new(cloud);
    Ok(simulated::sdk(http, region, RetryConfig::disabled()))
}

/// AWS, or what the environment has in its place.
async fn real(address: &Address, place: &S3Address) -> SdkConfig {
    // The port's own wrapper tries again: it knows which answers are final.
    let mut loader =
        provider::loader(provider::http_client()).retry_config(RetryConfig::disabled());
    if let Some(region) = place.region.clone().or_else(|| setting(address, "region")) {
        loader = loader.region(Region::new(region));
    }
    if let Some(profile) = setting(address, "profile") {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = setting(address, "endpoint") {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

fn setting(address: &Address, key: &str) -> Option<String> {
    address.settings.get(key).and_then(|value| value.as_str()).map(str::to_owned)
}

fn backend(place: S3Address, sdk: &SdkConfig, path_style: bool) -> Arc<dyn Backend> {
    let s3 = aws_sdk_s3::config::Builder::from(sdk).force_path_style(path_style);
    // A renewal that hangs must leave time for another one.
    let soon = TimeoutConfig::builder().operation_attempt_timeout(place.lease / 6).build();
    let timeouts = sdk.timeout_config().map_or(soon.clone(), |usual| {
        let usual = usual.to_builder();
        usual.operation_attempt_timeout(place.lease / 6).build()
    });
    let dynamodb = aws_sdk_dynamodb::config::Builder::from(sdk).timeout_config(timeouts);
    let s3 = S3::new(
        place,
        aws_sdk_s3::Client::from_conf(s3.build()),
        aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
    );
    let env: Arc<dyn Env> = Arc::new(System);
    Arc::new(Retry::new(Arc::new(s3), env, PATIENCE))
}

#[cfg(all(test, feature = "simulated"))]
mod tests {
    use infra_core::{
        App,
        provider::World,
        state::{Grade, StackName, Value, backend::Put},
    };

    use super::*;

    fn address(url: &str, world: &World) -> Address {
        Address {
            url: url.to_owned(),
            directory: world.directory().to_owned(),
            stack: StackName::new("program", "dev").expect("a name"),
            cloud: None,
            default_cloud: "simulated".to_owned(),
            settings: Value::map(),
            world: world.clone(),
            exists: false,
        }
    }

    #[test]
    fn both_can_be_plugged_in() {
        let _ = App::new("program").backend("s3", s3).backend("s3", s3_in(simulated()));
    }

    #[tokio::test]
    async fn on_the_simulated_cloud_it_is_in_the_programs_world() {
        let folder = tempfile::tempdir().unwrap();
        let world = World::with_key(folder.path().join(".cloud"), [7; 32]);
        let url = "s3://acme-state/team?lock=acme-locks";
        let place = s3(address(url, &world)).await.unwrap();
        assert_eq!(place.url(), "s3://acme-state/team");
        assert!(place.list("", "").await.unwrap_err().to_string().contains("bootstrap"));
        place.prepare().await.unwrap();
        let put = place.put_if_absent("program/dev/head.json", b"x").await.unwrap();
        assert!(matches!(put, Put::Stored(_)));
        let again = s3(address(url, &world)).await.unwrap();
        assert_eq!(again.list("", "").await.unwrap(), ["program/"]);
        let found = again.examine().await.unwrap();
        assert!(found.iter().all(|finding| finding.grade == Grade::Good), "{found:#?}");
        // Another program's world has none of it.
        let other = World::with_key(folder.path().join("other"), [7; 32]);
        assert!(s3(address(url, &other)).await.unwrap().list("", "").await.is_err());
        // What others keep there is read as it is.
        let key = "team/program/dev/head.json";
        let url = format!("s3://acme-state/{key}");
        assert_eq!(document(address(&url, &world)).await.unwrap(), b"x");
        let missing = document(address("s3://acme-state/none", &world)).await.unwrap_err();
        assert!(missing.to_string().contains("NoSuchKey"), "{missing}");
        let wrong = document(address("s3://acme-state", &world)).await.unwrap_err();
        assert!(wrong.to_string().contains("expected `s3://bucket/key`"), "{wrong}");
        let error = s3(address("s3://acme-state", &world)).await.err().unwrap();
        assert!(error.to_string().contains("names no table"), "{error}");
    }
}
