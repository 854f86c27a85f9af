//! The connector to the embedded AWS.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::{
    rt::sleep::{SharedAsyncSleep, TokioSleep},
    time::{SharedTimeSource, SystemTimeSource},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use infra_aws_simulated::{Cloud, Settings};
use infra_core::{
    Data, Resource,
    drift::Rule,
    policy::Policy,
    provider::{
        Class, Connection, Connector, Context, Driver, Error, Needs, Planted, Policies, Result,
        World,
    },
    state::Value,
};
#[cfg(feature = "cloudtrail")]
use infra_core::{drift::Actor, provider::Touched};

use crate::{AwsProvider, provider};

/// Where a simulated stack is, if its settings do not say.
pub(crate) const REGION: &str = "eu-west-1";
/// What no resolver resolves: nothing simulated can be mistaken for real, or reached by mistake.
const ENDPOINT: &str = "https://aws.simulated.invalid";

/// An AWS in this process, kept beside the local state.
#[derive(Clone, Debug)]
pub struct Simulated {
    settings: Settings,
    given: Option<Cloud>,
}

/// The embedded AWS, to be plugged in with `App::cloud("simulated", infra_aws::simulated())`.
pub fn simulated() -> Simulated {
    simulated_with(Settings::default())
}

/// The embedded AWS with other durations, or another account.
pub fn simulated_with(settings: Settings) -> Simulated {
    Simulated { settings, given: None }
}

/// This embedded AWS, for tests that look at its calls and switch its faults.
pub fn simulated_in(cloud: Cloud) -> Simulated {
    Simulated { settings: Settings::default(), given: Some(cloud) }
}

impl Simulated {
    /// The cloud of a program's world: one per directory and process.
    pub(crate) fn cloud(&self, world: &World) -> Result<(Cloud, PathBuf)> {
        static OPEN: Mutex<Option<HashMap<PathBuf, Cloud>>> = Mutex::new(None);
        let dir = world.directory().join("aws");
        if let Some(cloud) = &self.given {
            return Ok((cloud.clone(), dir));
        }
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.get_or_insert_default();
        if let Some(cloud) = open.get(&dir) {
            return Ok((cloud.clone(), dir));
        }
        let cloud = Cloud::open(&dir, &world.key()?, self.settings.clone()).map_err(|e| {
            let message = format!("the embedded AWS in {} cannot be opened: {e}", dir.display());
            Error::new(Class::Invalid, message).because(e)
        })?;
        open.insert(dir.clone(), cloud.clone());
        Ok((cloud, dir))
    }
}

#[async_trait]
impl Connector for Simulated {
    fn provider_kind(&self) -> &'static str {
        AwsProvider::KIND
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        crate::drivers()
    }

    fn plugged(&self, name: &str) -> Vec<String> {
        provider::plugged(name, "simulated")
    }

    fn policies(&self, needs: &Needs) -> Result<Option<Policies>> {
        crate::grants::policies(needs).map(Some)
    }

    fn guardrails(&self) -> Vec<Policy> {
        crate::guardrails::all()
    }

    fn rules(&self) -> Vec<Rule> {
        crate::drift::rules()
    }

    fn as_role(&self, config: Value, role: &str) -> Result<Value> {
        provider::as_role(config, role)
    }

    #[cfg(feature = "cloudtrail")]
    async fn actors(
        &self,
        connection: &Connection,
        asked: &[Touched<'_>],
        since: jiff::Timestamp,
    ) -> Vec<Option<Actor>> {
        crate::cloudtrail::actors(connection, asked, since).await
    }

    fn default_provider(&self, context: &Context) -> Result<Value> {
        provider::from_settings(context, Some(REGION.to_owned()))
    }

    async fn connect(&self, config: &Value, context: &Context) -> Result<Connection> {
        let config = AwsProvider::from_value(config)?;
        let (cloud, dir) = self.cloud(&context.world)?;
        let region = config.region.unwrap_or_else(|| REGION.to_owned());
        let http = SharedHttpClient::new(cloud);
        let mut sdk = sdk(http.clone(), &region, provider::retries());
        if let Some(role) = &config.assume_role {
            sdk = provider::assume(sdk, role, &context.stack).await;
        }
        let realm = Some(format!("simulated {}", dir.display()));
        let endpoint = Some(ENDPOINT.to_owned());
        let cloud = provider::Cloud { name: "simulated", realm, region, endpoint };
        provider::connected(sdk, http, context, cloud).await
    }

    fn terraform(&self) -> infra_core::transfer::terraform::Tables {
        crate::terraform::tables()
    }

    #[cfg(feature = "ec2")]
    async fn contained(
        &self,
        connection: &Connection,
        within: &str,
    ) -> Result<Option<Vec<infra_core::provider::Contained>>> {
        crate::contained::contained(connection, within).await
    }

    async fn serve(
        &self,
        listener: std::net::TcpListener,
        context: &Context,
        stop: tokio_util::sync::CancellationToken,
    ) -> Result<()> {
        let (cloud, _) = self.cloud(&context.world)?;
        let failed = |e: std::io::Error| {
            Error::new(Class::Invalid, format!("the embedded AWS cannot be served: {e}")).because(e)
        };
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        cloud.serve(listener, stop.cancelled_owned()).await.map_err(failed)
    }

    async fn plant(&self, state: &serde_json::Value, context: &Context) -> Result<Planted> {
        let (cloud, dir) = self.cloud(&context.world)?;
        let planted = cloud.plant(state).await.map_err(|e| {
            let message = format!("the embedded AWS in {} cannot be changed: {e}", dir.display());
            Error::new(Class::Invalid, message).because(e)
        })?;
        let planted = planted.map_err(Error::invalid)?;
        // Who asks with an ordinary key is answered for the cloud's own account.
        let own = cloud.account();
        if planted.account != own {
            let account = planted.account;
            return Err(Error::invalid(format!(
                "its objects are of the account {account}, and the embedded AWS answers for {own}: plug in \
                 `simulated_with(Settings::default().account({account:?}))`"
            )));
        }
        Ok(Planted { planted: planted.planted, left: planted.left })
    }

    fn environment(&self, address: std::net::SocketAddr) -> Vec<(String, String)> {
        let variables = [
            ("AWS_ENDPOINT_URL", format!("http://{address}")),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIASIMULATED0000000".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "simulated".to_owned()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn notice(&self, _: &Context) -> Option<String> {
        Some("simulated: nothing real is touched".to_owned())
    }
}

/// Nothing of the environment: a simulated stack is the same on every machine.
pub(crate) fn sdk(http: SharedHttpClient, region: &str, retries: RetryConfig) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials()))
        .endpoint_url(ENDPOINT)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::new(SystemTimeSource::new()))
        .http_client(http)
        .retry_config(retries)
        .build()
}

/// An access key that no real AWS knows.
fn credentials() -> Credentials {
    Credentials::from_keys("AKIASIMULATED0000000", "simulated", None)
}

#[cfg(test)]
use infra_core::provider::Gate;

#[cfg(test)]
impl crate::Aws {
    /// A connection to an embedded AWS of its own, in memory.
    pub(crate) async fn test() -> Arc<Self> {
        Self::test_in(&Cloud::memory(Settings::default()), &Gate::default()).await
    }

    /// A connection to this embedded AWS, behind this gate.
    pub(crate) async fn test_in(cloud: &Cloud, gate: &Gate) -> Arc<Self> {
        // A directory of its own only to have a rate budget of its own: nothing is written there.
        let directory = PathBuf::from(uuid::Uuid::new_v4().to_string());
        let context = Context {
            stack: infra_core::state::StackName::new("test", "dev").unwrap(),
            settings: Value::map(),
            directory: PathBuf::new(),
            world: World::with_key(directory, [0; 32]),
            gate: gate.clone(),
        };
        let simulated = simulated_in(cloud.clone());
        let config = simulated.default_provider(&context).unwrap();
        let connection = simulated.connect(&config, &context).await.unwrap();
        assert_eq!(connection.identity["cloud"], "simulated");
        connection.client.downcast().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Aws;

    #[tokio::test]
    async fn identity_says_that_nothing_is_real() {
        let aws = Aws::test().await;
        assert_eq!(
            (aws.region(), aws.account(), aws.partition()),
            ("eu-west-1", "123456789012", "aws")
        );
    }

    #[tokio::test]
    async fn another_account_by_its_role() {
        let simulated = simulated_in(Cloud::memory(Settings::default()));
        let context = Context {
            stack: infra_core::state::StackName::new("test", "dev").unwrap(),
            settings: Value::map(),
            directory: PathBuf::new(),
            world: World::with_key("other", [0; 32]),
            gate: Gate::default(),
        };
        let role = Value::from([("role_arn", "arn:aws:iam::210987654321:role/deploy".into())]);
        let config = Value::from([("region", "us-east-1".into()), ("assume_role", role)]);
        let connection = simulated.connect(&config, &context).await.unwrap();
        assert_eq!(connection.identity["account"], "210987654321");
        assert_eq!(connection.identity["region"], "us-east-1");
        assert!(connection.identity["endpoint"].ends_with(".simulated.invalid"));
    }

    #[cfg(feature = "ec2")]
    mod calls {
        use infra_core::provider::Result;

        use super::*;
        use crate::classify::Classify;

        async fn create(aws: &Aws) -> Result<()> {
            let call = aws.ec2().create_internet_gateway();
            call.send().await.classify().map(drop)
        }

        #[tokio::test]
        async fn nothing_changes_behind_a_closed_gate() {
            let (cloud, gate) = (Cloud::memory(Settings::default()), Gate::default());
            let aws = Aws::test_in(&cloud, &gate).await;
            create(&aws).await.unwrap();
            gate.guard(|| Err("the lease is lost".to_owned()));
            cloud.clear_calls();
            let error = create(&aws).await.unwrap_err();
            assert_eq!(error.class(), Class::Fenced, "{error}");
            assert!(error.to_string().contains("the lease is lost"), "{error}");
            assert!(cloud.calls().is_empty());
            aws.ec2().describe_internet_gateways().send().await.classify().unwrap();
        }

        #[tokio::test]
        async fn what_changes_something_is_sent_once_and_what_reads_again() {
            let cloud = Cloud::memory(Settings::default());
            let aws = Aws::test_in(&cloud, &Gate::default()).await;
            cloud.faults().lose_reply(1, "CreateInternetGateway");
            let error = create(&aws).await.unwrap_err();
            assert_eq!(error.class(), Class::Transient, "{error}");
            cloud.faults().lose_reply(1, "DescribeInternetGateways");
            let found = aws.ec2().describe_internet_gateways().send().await.classify().unwrap();
            assert_eq!(found.internet_gateways().len(), 1);
            cloud.faults().throttle_next(1, "CreateInternetGateway");
            let error = create(&aws).await.unwrap_err();
            assert_eq!(error.class(), Class::Throttled, "{error}");
            assert!(error.to_string().starts_with("ec2 CreateInternetGateway: "), "{error}");
        }
    }
}
