//! Telling a topic what a look at drift found.

use std::{future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;
use aws_sdk_sns::{Client, operation::publish::builders::PublishFluentBuilder};
use infra_core::{
    Data, Error, ErrorKind, Result,
    notify::{Address, Notification, Notifier},
    state::{StackName, Value},
};

use super::message::{self, Message};
use crate::{AwsProvider, classify::Classify as _, provider};

/// What opens a topic; what [`App::notifier`](infra_core::App::notifier) takes.
pub type Opened = Pin<Box<dyn Future<Output = Result<Arc<dyn Notifier>>> + Send>>;

/// Topics, to be plugged in with `App::notifier("sns", infra_aws::sns::notifier())`: `sns:TOPIC-ARN`.
///
/// The subject is one line, the message is for people, and the attribute `document` has the report as JSON, where there is
/// room for it. The stack's own settings say as whom it is published; the region is the topic's.
pub fn notifier() -> impl Fn(Address) -> Opened + Send + Sync + 'static {
    |address| {
        Box::pin(async move {
            let (topic, region) = topic(&address)?;
            let mut provider = settings(&address)?;
            provider.region = Some(region);
            let session = StackName::new("notify", "drift").map_err(|e| failed(&topic, &e))?;
            let (sdk, _) = provider::loaded(&provider, &session).await;
            Ok(Arc::new(Topic { client: Client::new(&sdk), topic }) as Arc<dyn Notifier>)
        })
    }
}

/// The same in this embedded AWS, whatever the stack's cloud is.
#[cfg(feature = "simulated")]
pub fn notifier_in(
    cloud: crate::embedded::Cloud,
) -> impl Fn(Address) -> Opened + Send + Sync + 'static {
    move |address| {
        let http = aws_smithy_runtime_api::client::http::SharedHttpClient::new(cloud.clone());
        Box::pin(async move {
            let (topic, region) = topic(&address)?;
            let sdk = crate::simulated::sdk(http, &region, provider::retries());
            Ok(Arc::new(Topic { client: Client::new(&sdk), topic }) as Arc<dyn Notifier>)
        })
    }
}

/// The topic's ARN and its region.
fn topic(address: &Address) -> Result<(String, String)> {
    let arn = address.rest();
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "sns", region, account, name]
            if !region.is_empty()
                && !account.is_empty()
                && !name.is_empty()
                && !name.contains(':') =>
        {
            Ok((arn.to_owned(), region.to_owned()))
        }
        _ => {
            let url = &address.url;
            let message =
                format!("expected `sns:arn:aws:sns:REGION:ACCOUNT:TOPIC` to notify, found {url:?}");
            Err(Error::new(ErrorKind::Usage, message))
        }
    }
}

/// Those of the stack's settings that say as whom AWS is called.
fn settings(address: &Address) -> Result<AwsProvider> {
    let own = ["profile", "endpoint", "assume_role"];
    let found = |key: &str| Some((key.to_owned(), address.settings.get(key)?.clone()));
    let config = Value::Map(own.into_iter().filter_map(found).collect());
    AwsProvider::from_value(&config)
        .map_err(|e| Error::new(ErrorKind::Usage, format!("the stack's settings: {e}")))
}

fn failed(topic: &str, error: &dyn std::error::Error) -> Error {
    Error::new(ErrorKind::Failed, format!("{topic} could not be told: {error}"))
}

struct Topic {
    client: Client,
    topic: String,
}

impl Topic {
    fn publish(&self, message: &Message) -> PublishFluentBuilder {
        let call = self.client.publish().topic_arn(&self.topic);
        let call = call.subject(&message.subject).message(&message.text);
        let call = call.set_message_attributes(message.attributes());
        // A name of a topic says so, in lower case.
        if self.topic.strip_suffix(".fifo").is_none() {
            return call;
        }
        // The same news twice within minutes is once.
        call.message_group_id("drift").message_deduplication_id(message.digest())
    }
}

#[async_trait]
impl Notifier for Topic {
    fn shows(&self) -> String {
        self.topic.clone()
    }

    async fn notify(&self, what: &Notification) -> Result<()> {
        let message = message::of(what);
        let published = self.publish(&message).send().await.classify();
        published.map(drop).map_err(|e| failed(&self.topic, &e))
    }
}
