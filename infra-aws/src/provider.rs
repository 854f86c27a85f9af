//! The provider node, and the connector to the real AWS.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_config::{
    BehaviorVersion, ConfigLoader, Region, SdkConfig, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, sts::AssumeRoleProvider,
    timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder, Connector as HttpConnector,
    proxy::ProxyConfig,
    tls::{Provider as Tls, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::SharedHttpClient, runtime_components::RuntimeComponents,
};
use infra_core::{
    Data, Resource,
    drift::Rule,
    policy::Policy,
    provider::{Calls, Connection, Connector, Context, Driver, Error, Needs, Policies, Result},
    state::{ProviderIdentity, StackName, Value},
};
#[cfg(feature = "cloudtrail")]
use infra_core::{drift::Actor, provider::Touched};

use crate::{
    Aws,
    budget::Budget,
    classify::Classify,
    cloud::Identity,
    pace::{Paced, Watch},
};

/// A connection to AWS. What is left out comes from the stack's settings and the SDK's environment.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:Provider", cloud = Aws, path = "infra_aws::AwsProvider")]
pub struct AwsProvider {
    /// The region: `eu-west-1`.
    pub region: Option<String>,
    /// A profile of the SDK's configuration files.
    pub profile: Option<String>,
    /// A role to take on, for another account.
    pub assume_role: Option<AssumeRole>,
    /// Tags that every resource of this connection gets.
    pub default_tags: BTreeMap<String, String>,
    /// Where calls go instead of AWS's own endpoints.
    pub endpoint: Option<String>,
}

/// A role to take on.
#[derive(infra_core::Value, Clone, Debug, PartialEq)]
#[value(path = "infra_aws::AssumeRole")]
pub struct AssumeRole {
    /// The role.
    pub role_arn: String,
    /// What the role's trust policy asks for, if anything.
    pub external_id: Option<String>,
    /// What the session is called in the audit trail; the program and stack if left out.
    pub session_name: Option<String>,
}

/// The real AWS, with the SDK's environment (`AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL`, …).
#[derive(Clone, Copy, Debug)]
pub struct AwsConnector;

/// The real AWS, to be plugged in with `App::cloud("aws", infra_aws::aws())`.
pub fn aws() -> AwsConnector {
    AwsConnector
}

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long AWS may take to begin its answer. With [`CONNECT`] it is less than the half of a lease in which the holder
/// starts nothing any more, so whoever takes over by the clock finds no call under way.
const ANSWER: Duration = Duration::from_secs(20);

/// Few attempts: the engine tries again above.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(200))
        .with_max_backoff(Duration::from_secs(3))
}

/// The configuration of the default provider: the stack's settings that are this cloud's.
pub(crate) fn from_settings(context: &Context, otherwise: Option<String>) -> Result<Value> {
    // As they are: a setting of a wrong type is for the check below, and not one that is missing.
    let own = ["region", "profile", "endpoint", "assume_role", "default_tags"];
    let found = |key: &str| Some((key.to_owned(), context.settings.get(key)?.clone()));
    let mut config: BTreeMap<_, _> = own.into_iter().filter_map(found).collect();
    let stack = &context.stack.stack;
    if !config.contains_key("region") {
        let region = otherwise.ok_or_else(|| {
            Error::invalid(format!(
                "no region: write `region = \"eu-west-1\"` under `[stack.{stack}]`, or set AWS_REGION"
            ))
        })?;
        config.insert("region".to_owned(), Value::from(region.as_str()));
    }
    let config = Value::Map(config);
    AwsProvider::from_value(&config)
        .map_err(|e| Error::invalid(format!("the settings of stack `{stack}`: {e}")))?;
    Ok(config)
}

/// The same connection, as `role`. What a provider takes on anyway it does not take on from another role.
pub(crate) fn as_role(config: Value, role: &str) -> Result<Value> {
    let parts: Vec<_> = role.splitn(6, ':').collect();
    let fits = matches!(parts[..], ["arn", _, "iam", "", account, name]
        if account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit()) && name.starts_with("role/"));
    if !fits {
        let message =
            format!("expected the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME, found {role:?}");
        return Err(Error::invalid(message));
    }
    let Value::Map(mut config) = config else {
        return Err(Error::invalid("the configuration of a provider is not a map"));
    };
    config.insert("assume_role".to_owned(), Value::from([("role_arn", role.into())]));
    Ok(Value::Map(config))
}

/// The calls with which a program plugs in this crate's connector that `function` makes, and where else it keeps state.
pub(crate) fn plugged(name: &str, function: &str) -> Vec<String> {
    let mut calls = vec![format!("cloud({name:?}, infra_aws::{function}())")];
    if cfg!(feature = "state") {
        calls.push("backend(\"s3\", infra_aws::state::s3)".to_owned());
    }
    if cfg!(feature = "kms") {
        calls.push("keys(\"kms\", infra_aws::kms_keys())".to_owned());
    }
    calls
}

#[async_trait]
impl Connector for AwsConnector {
    fn provider_kind(&self) -> &'static str {
        AwsProvider::KIND
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        crate::drivers()
    }

    fn plugged(&self, name: &str) -> Vec<String> {
        plugged(name, "aws")
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
        as_role(config, role)
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
        let variable = |name| std::env::var(name).ok().filter(|region| !region.is_empty());
        from_settings(context, variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")))
    }

    async fn connect(&self, config: &Value, context: &Context) -> Result<Connection> {
        let provider = AwsProvider::from_value(config)?;
        let (sdk, http) = loaded(&provider, &context.stack).await;
        let region = sdk.region().map(ToString::to_string).ok_or_else(|| {
            Error::invalid("the provider has no region: give it one, or set AWS_REGION")
        })?;
        let endpoint = sdk.endpoint_url().map(str::to_owned);
        connected(sdk, http, context, Cloud { name: "aws", realm: None, region, endpoint }).await
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
}

/// The SDK's environment, with this crate's timeouts.
pub(crate) fn loader(http: SharedHttpClient) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(ANSWER).build();
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().build())
        .http_client(http)
}

/// The SDK's configuration, from the provider's and the environment; calls nothing.
pub(crate) async fn loaded(
    provider: &AwsProvider,
    stack: &StackName,
) -> (SdkConfig, SharedHttpClient) {
    let http = http_client();
    let mut loader = loader(http.clone()).retry_config(retries());
    if let Some(region) = &provider.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &provider.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &provider.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let mut sdk = loader.load().await;
    if let Some(role) = &provider.assume_role {
        sdk = assume(sdk, role, stack).await;
    }
    (sdk, http)
}

/// Where a connection goes.
pub(crate) struct Cloud {
    pub(crate) name: &'static str,
    /// What rate limits are counted for, if not the account.
    pub(crate) realm: Option<String>,
    pub(crate) region: String,
    pub(crate) endpoint: Option<String>,
}

/// Asks who we are: the connection.
pub(crate) async fn connected(
    sdk: SdkConfig,
    http: SharedHttpClient,
    context: &Context,
    cloud: Cloud,
) -> Result<Connection> {
    let Cloud { name, realm, region, endpoint } = cloud;
    let calls = Calls::default();
    // Whose budget it is, only the answer says.
    let budget = Budget::shared(realm.as_deref().unwrap_or("unknown"), &region, "sts");
    let (inner, gate) = (http.clone(), context.gate.clone());
    let paced =
        Paced { inner, budget: Arc::clone(&budget), gate, service: "sts", calls: calls.clone() };
    let sts = aws_sdk_sts::config::Builder::from(&sdk).http_client(paced);
    let sts = aws_sdk_sts::Client::from_conf(sts.interceptor(Watch(budget)).build());
    let caller = sts.get_caller_identity().send().await.classify()?;
    let account = caller.account.unwrap_or_default();
    let partition = caller.arn.as_deref().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
    let mut identity = ProviderIdentity::new();
    identity.insert("cloud".to_owned(), name.to_owned());
    identity.insert("account".to_owned(), account.clone());
    identity.insert("region".to_owned(), region.clone());
    identity.extend(endpoint.clone().map(|endpoint| ("endpoint".to_owned(), endpoint)));
    let who = Identity {
        realm: realm.unwrap_or_else(|| account.clone()),
        account,
        partition: partition.to_owned(),
        region,
        custom_endpoint: endpoint.is_some(),
    };
    let aws = Aws::new(sdk, http, context.gate.clone(), calls.clone(), who);
    Ok(Connection::new(identity, aws).counted(calls))
}

/// The same connection as another role.
pub(crate) async fn assume(sdk: SdkConfig, role: &AssumeRole, stack: &StackName) -> SdkConfig {
    let otherwise = || session_name(&stack.to_string());
    let session = role.session_name.clone().unwrap_or_else(otherwise);
    let mut builder =
        AssumeRoleProvider::builder(&role.role_arn).session_name(session).configure(&sdk);
    if let Some(id) = &role.external_id {
        builder = builder.external_id(id);
    }
    let provider = builder.build().await;
    let credentials = aws_credential_types::provider::SharedCredentialsProvider::new(provider);
    sdk.into_builder().credentials_provider(credentials).build()
}

/// At most 64 characters of those that STS allows.
fn session_name(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "=,.@_-".contains(c);
    let text = text.chars().map(|c| if allowed(c) { c } else { '-' });
    "infra-".chars().chain(text).take(64).collect()
}

/// The SDK's own default client, made here because a layer goes around it: HTTPS, and proxies from the environment.
pub(crate) fn http_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = HttpConnector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.tls_provider(Tls::Rustls(CryptoMode::AwsLc)).build()
    })
}

#[cfg(test)]
mod tests {
    use infra_core::provider::{Gate, World};

    use super::*;

    #[test]
    fn a_role_takes_the_place_of_another() {
        let role = "arn:aws:iam::123456789012:role/drift";
        let own = Value::from([("role_arn", "arn:aws:iam::123456789012:role/deploy".into())]);
        let config = Value::from([("region", "eu-west-1".into()), ("assume_role", own)]);
        let config = AwsProvider::from_value(&as_role(config, role).unwrap()).unwrap();
        assert_eq!(config.region.as_deref(), Some("eu-west-1"));
        assert_eq!(config.assume_role.unwrap().role_arn, role);
        let error = as_role(Value::map(), "drift").unwrap_err().to_string();
        assert!(error.contains("arn:aws:iam::ACCOUNT:role/NAME") && error.contains("drift"));
    }

    #[test]
    fn session_names_fit() {
        assert_eq!(session_name("qledger/prod env"), "infra-qledger-prod-env");
        assert_eq!(session_name(&"x".repeat(99)).len(), 64);
    }

    #[test]
    fn a_setting_of_a_wrong_type_is_not_one_that_is_missing() {
        let with = |settings: Value| {
            let context = Context {
                stack: StackName::new("program", "dev").unwrap(),
                settings,
                directory: std::path::PathBuf::new(),
                world: World::with_key(std::env::temp_dir(), [7; 32]),
                gate: Gate::default(),
            };
            from_settings(&context, Some("eu-west-1".to_owned()))
        };
        let region = with(Value::map()).unwrap();
        assert_eq!(region.get("region").and_then(Value::as_str), Some("eu-west-1"));
        for key in ["region", "profile", "endpoint"] {
            let error = with(Value::from([(key, Value::from(7_u64))])).unwrap_err().to_string();
            assert!(error.contains("`dev`") && error.contains(key), "{error}");
        }
    }
}
