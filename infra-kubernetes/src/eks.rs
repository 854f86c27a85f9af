//! Credentials for EKS clusters, made in the process.
//!
//! A token is an address: that of AWS's own answer to "who am I", signed for a minute with the caller's credentials and
//! the cluster's name. The cluster asks it, and believes it for 15 minutes
//! (<https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html>). What
//! `aws eks get-token` prints is the same.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_config::{BehaviorVersion, Region, sts::AssumeRoleProvider};
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::{
    http_request::{
        PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
        sign,
    },
    sign::v4,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use infra_core::{
    Sensitive,
    provider::{Class, Context, Error, Result},
    state::Value,
};
use kube::{Client, Config, client::ClientBuilder};
use tokio::sync::Mutex;
use tower::{BoxError, buffer::BufferLayer, filter::AsyncFilterLayer};

use crate::Cluster;

/// How long a cluster believes a token.
const VALID: Duration = Duration::from_mins(15);
/// How long before its end it is exchanged: clocks differ, and calls take their time.
const EARLY: Duration = Duration::from_mins(3);
/// What a cluster expects before the address.
const PREFIX: &str = "k8s-aws-v1.";

/// A token for a cluster.
#[derive(Clone, Debug)]
pub struct Token {
    /// What goes after `Authorization: Bearer`.
    pub value: Sensitive<String>,
    /// Until when the cluster believes it.
    pub expires: SystemTime,
}

/// Makes tokens for one cluster, and keeps each until it has to be renewed.
pub struct Minter {
    cluster: String,
    region: String,
    credentials: SharedCredentialsProvider,
    last: Mutex<Option<Token>>,
}

impl Minter {
    /// For the EKS cluster `name`: with the stack's AWS settings (`region`, `profile`, `assume_role`), the SDK's
    /// environment, and what `cluster` itself says.
    pub async fn new(name: &str, cluster: &Cluster, context: &Context) -> Result<Self> {
        let setting =
            |key: &str| context.settings.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        let region = cluster.region.clone().or_else(|| region_in(cluster.server.as_deref()?));
        if let Some(region) = region.or_else(|| setting("region")) {
            loader = loader.region(Region::new(region));
        }
        if let Some(profile) = setting("profile") {
            loader = loader.profile_name(profile);
        }
        let sdk = loader.load().await;
        let region = sdk.region().map(ToString::to_string).ok_or_else(|| {
            Error::invalid(format!(
                "the region of the cluster `{name}` is not known: write `region` under `[stack.{}]`, or set AWS_REGION",
                context.stack.stack
            ))
        })?;
        let assumed = context.settings.get("assume_role");
        let of = |key: &str| assumed?.get(key)?.as_str().map(str::to_owned);
        let mut credentials = sdk.credentials_provider().ok_or_else(|| {
            Error::new(Class::Denied, "there are no AWS credentials to make a cluster's token from")
        })?;
        for (role, external) in
            [(of("role_arn"), of("external_id")), (cluster.role_arn.clone(), None)]
        {
            let Some(role) = role else { continue };
            let configured = sdk.to_builder().credentials_provider(credentials.clone()).build();
            let mut builder = AssumeRoleProvider::builder(role).session_name("infra-kubernetes");
            if let Some(id) = external {
                builder = builder.external_id(id);
            }
            credentials =
                SharedCredentialsProvider::new(builder.configure(&configured).build().await);
        }
        Ok(Self { cluster: name.to_owned(), region, credentials, last: Mutex::default() })
    }

    /// A token that is good for a while.
    pub async fn token(&self) -> Result<Token> {
        let mut last = self.last.lock().await;
        let now = SystemTime::now();
        if let Some(token) = &*last
            && token.expires > now + EARLY
        {
            return Ok(token.clone());
        }
        let credentials = self.credentials.provide_credentials().await.map_err(|e| {
            let message = format!("credentials for the cluster `{}`: {e}", self.cluster);
            Error::new(Class::Denied, message).because(e)
        })?;
        let token = mint(&self.cluster, &self.region, credentials, now)
            .map_err(|e| Error::invalid(format!("a token for `{}`: {e}", self.cluster)))?;
        *last = Some(token.clone());
        Ok(token)
    }
}

fn mint(
    cluster: &str,
    region: &str,
    credentials: aws_credential_types::Credentials,
    now: SystemTime,
) -> Result<Token, BoxError> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.percent_encoding_mode = PercentEncodingMode::Double;
    settings.expires_in = Some(Duration::from_mins(1));
    // A token is good for no longer than what it was signed with.
    let expires = credentials.expiry().map_or(now + VALID, |expiry| expiry.min(now + VALID));
    let identity = credentials.into();
    let signing = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(now)
        .settings(settings)
        .build()?
        .into();
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let url = format!("https://sts.{region}.{domain}/?Action=GetCallerIdentity&Version=2011-06-15");
    let header = [("x-k8s-aws-id", cluster)];
    let request = SignableRequest::new("GET", &*url, header.into_iter(), SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(request, &signing)?.into_parts();
    let mut signed = http::Request::get(&url).header("x-k8s-aws-id", cluster).body(())?;
    instructions.apply_to_request_http1x(&mut signed);
    let value = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(signed.uri().to_string()));
    Ok(Token { value: Sensitive::new(value), expires })
}

/// A client whose calls carry a token that is good.
pub(crate) fn client(config: Config, minter: Minter) -> Result<Client, kube::Error> {
    let minter = Arc::new(minter);
    let signed = move |mut request: http::Request<kube::client::Body>| {
        let minter = Arc::clone(&minter);
        async move {
            let token = minter.token().await.map_err(BoxError::from)?;
            let mut value =
                http::HeaderValue::try_from(format!("Bearer {}", token.value.reveal()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(http::header::AUTHORIZATION, value);
            Ok::<_, BoxError>(request)
        }
    };
    // The filter calls a copy of what is below it, and only a buffer has copies.
    let client = ClientBuilder::try_from(config)?.with_layer(&BufferLayer::new(64));
    Ok(client.with_layer(&AsyncFilterLayer::new(signed)).build())
}

/// `eu-west-1` of `https://ABC.gr7.eu-west-1.eks.amazonaws.com`.
fn region_in(server: &str) -> Option<String> {
    let host = server.trim_start_matches("https://").trim_end_matches('/');
    let (before, _) = host.split_once(".eks.")?;
    before.rsplit('.').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_an_address_signed_for_a_minute_and_a_cluster() {
        let credentials = aws_credential_types::Credentials::new(
            "AKID",
            "secret",
            Some("session".into()),
            None,
            "test",
        );
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(480_000);
        let token = mint("ledger", "eu-west-1", credentials, now).unwrap();
        let encoded = token.value.reveal().strip_prefix(PREFIX).unwrap();
        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
        assert!(
            url.starts_with(
                "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&"
            ),
            "{url}"
        );
        for part in [
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
            "X-Amz-Security-Token=session",
            "X-Amz-Signature=",
        ] {
            assert!(url.contains(part), "{part} in {url}");
        }
        assert_eq!(token.expires, now + VALID);
        assert!(!format!("{token:?}").contains(PREFIX));
    }

    #[test]
    fn the_region_is_in_the_address() {
        assert_eq!(
            region_in("https://ABC.gr7.eu-west-1.eks.amazonaws.com").as_deref(),
            Some("eu-west-1")
        );
        assert_eq!(region_in("https://127.0.0.1:6443"), None);
    }
}
