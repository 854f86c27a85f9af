//! The application: what changes every day.

use infra_core::prelude::*;
use infra_kubernetes::{Cluster, Object};

use super::{LedgerConfig, Platform, Secrets, WatchConfig, ledger, monitoring, watch};

/// The application on its platform.
pub struct App {
    /// What the ledger reads at start.
    pub secrets: Secrets,
    /// The ledger's pods; `None` until there is an image for them.
    pub ledger: Option<Handle<Object>>,
}

impl App {
    /// Declares it.
    pub fn new(
        stack: &mut Stack,
        config: &LedgerConfig,
        drift: Option<&WatchConfig>,
        platform: &Platform,
    ) -> Self {
        let secrets = stack.scope("secrets", |stack| Secrets::new(stack, platform));
        let cluster = Cluster::eks(
            interpolate!("{}", &platform.cluster),
            &platform.endpoint,
            &platform.authority,
        );
        let cluster = stack.provider("cluster", cluster);
        if let Some(drift) = drift {
            stack.with_provider(&cluster, |stack| {
                stack.scope("drift", |stack| watch(stack, drift, platform));
            });
        }
        let ledger = stack.with_provider(&cluster, |stack| {
            // The registry has to be there before an image can be pushed to it.
            let image = Image::new(stack, config, platform)?;
            let ledger =
                stack.scope("ledger", |stack| ledger(stack, config, platform, &secrets, &image));
            if config.prometheus {
                stack.scope("monitoring", |stack| monitoring(stack, platform));
            }
            Some(ledger)
        });
        Self { secrets, ledger }
    }
}

/// The ledger's image, by its digest: what runs is what was tried.
pub struct Image {
    /// The whole reference.
    pub reference: Output<String>,
    /// As much of the digest as a name can have.
    pub short: String,
}

impl Image {
    /// The one that the configuration names; `None` if it names none, or wrongly.
    fn new(stack: &mut Stack, config: &LedgerConfig, platform: &Platform) -> Option<Self> {
        let image = config.image.as_deref()?;
        let (reference, digest) = match image.split_once('@') {
            None => (interpolate!("{}@{}", &platform.repository, image), image),
            Some((_, digest)) => (Output::known(&image.to_owned()), digest),
        };
        let digits = digest.strip_prefix("sha256:").unwrap_or_default();
        let hexadecimal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() != 64 || !digits.bytes().all(hexadecimal) {
            stack.error(format!(
                "`ledger.image`: expected a digest (`sha256:` and 64 digits), alone or after `REPOSITORY@`, found {image:?}"
            ));
            return None;
        }
        Some(Self { reference, short: digits[..12].to_owned() })
    }
}
