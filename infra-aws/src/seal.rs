//! The sealing keys that are in KMS: `key = "kms:alias/NAME"`.

use std::{future::Future, pin::Pin, sync::Arc};

use aws_config::SdkConfig;
#[cfg(feature = "simulated")]
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use infra_core::{
    Data, Error, ErrorKind, Result,
    app::Address,
    state::{Kms, Sealer},
};

use crate::{AwsProvider, provider};

/// What opens a key; what [`App::keys`](infra_core::App::keys) takes.
pub type Opened = Pin<Box<dyn Future<Output = Result<Arc<dyn Sealer>>> + Send>>;

/// Sealing keys in KMS, to be plugged in with `App::keys("kms", infra_aws::kms_keys())`: `kms:alias/NAME`, `kms:ARN`,
/// `kms:KEY-ID`, each with `?region=REGION` where it is not the stack's.
///
/// On the cloud `aws` they are in AWS, with the stack's own settings (`region`, `profile`, `assume_role`, …); on
/// `simulated` in the embedded AWS.
pub fn kms_keys() -> impl Fn(Address) -> Opened + Send + Sync + 'static {
    #[cfg(feature = "simulated")]
    return kms_keys_on(crate::simulated());
    #[cfg(not(feature = "simulated"))]
    |address| Box::pin(async move { open(&address, Named::of(&address)?).await })
}

/// The same, with this embedded AWS for the cloud `simulated`.
#[cfg(feature = "simulated")]
pub fn kms_keys_on(
    simulated: crate::Simulated,
) -> impl Fn(Address) -> Opened + Send + Sync + 'static {
    move |address| {
        let simulated = simulated.clone();
        Box::pin(async move {
            let named = Named::of(&address)?;
            if address.cloud() != "simulated" {
                return open(&address, named).await;
            }
            let settings = settings(&address)?;
            let region = named.region.or(settings.region);
            let region = region.unwrap_or_else(|| crate::simulated::REGION.to_owned());
            let (cloud, _) = simulated.cloud(&address.world).map_err(|e| failed(&address, e))?;
            let http = SharedHttpClient::new(cloud);
            Ok(sealer(&crate::simulated::sdk(http, &region, provider::retries()), named.key))
        })
    }
}

/// What a key's URL says.
struct Named {
    key: String,
    region: Option<String>,
}

impl Named {
    fn of(address: &Address) -> Result<Self> {
        let usage = |message: String| Err(Error::new(ErrorKind::Usage, message));
        let (key, options) = address.rest().split_once('?').unwrap_or((address.rest(), ""));
        let mut region = None;
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("region", name)) if !name.is_empty() => region = Some(name.to_owned()),
                _ => {
                    let url = &address.url;
                    return usage(format!(
                        "the key {url:?} has an option that is not known: `{option}`; there is `region=`"
                    ));
                }
            }
        }
        let within = key.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2));
        let id = |key: &str| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let is_key =
            within.is_some() || key.strip_prefix("alias/").is_some_and(|name| !name.is_empty());
        if key.is_empty() || !(is_key || id(key)) {
            return usage(format!(
                "the key {:?} is not understood; expected `kms:alias/NAME`, `kms:ARN` or `kms:KEY-ID`",
                address.url
            ));
        }
        match (within, &region) {
            (Some(within), Some(said)) if within != said => {
                return usage(format!("the key {:?} is in {within}, not in {said}", address.url));
            }
            (Some(within), None) => region = Some(within.to_owned()),
            _ => {}
        }
        Ok(Self { key: key.to_owned(), region })
    }
}

fn settings(address: &Address) -> Result<AwsProvider> {
    AwsProvider::from_value(&address.settings).map_err(|e| {
        let stack = &address.stack.stack;
        Error::new(ErrorKind::Usage, format!("the settings of stack `{stack}`: {e}")).because(e)
    })
}

async fn open(address: &Address, named: Named) -> Result<Arc<dyn Sealer>> {
    if address.cloud() != "aws" {
        let (stack, url) = (&address.stack.stack, &address.url);
        let message = format!(
            "the key {url:?} is in AWS, and the settings do not say which: write `cloud = \"aws\"` (or `\"simulated\"`) under \
             `[stack.{stack}]`"
        );
        return Err(Error::new(ErrorKind::Usage, message));
    }
    let mut settings = settings(address)?;
    settings.region = named.region.or(settings.region);
    let (sdk, _) = provider::loaded(&settings, &address.stack).await;
    if sdk.region().is_none() {
        let (url, stack) = (&address.url, &address.stack.stack);
        let message = format!(
            "no region for the key {url:?}: say `?region=eu-west-1`, write `region` under `[stack.{stack}]`, or set AWS_REGION"
        );
        return Err(Error::new(ErrorKind::Usage, message));
    }
    Ok(sealer(&sdk, named.key))
}

#[cfg(feature = "simulated")]
fn failed(address: &Address, error: infra_core::provider::Error) -> Error {
    Error::new(ErrorKind::Failed, format!("the key {:?}: {error}", address.url)).because(error)
}

fn sealer(sdk: &SdkConfig, key: String) -> Arc<dyn Sealer> {
    Arc::new(Kms::new(aws_sdk_kms::Client::new(sdk), key))
}
