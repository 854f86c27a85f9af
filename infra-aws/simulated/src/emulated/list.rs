//! Which services are played by a winterbaume emulator.

use crate::services::Service;

use super::emulator::Emulator;

/// The emulator of a service, empty. None: the service is played by this crate alone, or its
/// feature is off.
pub(super) fn make(service: Service) -> Option<Box<dyn Emulator>> {
    match service {
        #[cfg(feature = "dynamodb")]
        Service::Dynamodb => Some(Box::new(winterbaume_dynamodb::DynamoDbService::new())),
        #[cfg(feature = "iam")]
        Service::Iam => Some(Box::new(winterbaume_iam::IamService::new())),
        #[cfg(feature = "kms")]
        Service::Kms => Some(Box::new(winterbaume_kms::KmsService::new())),
        _ => None,
    }
}

/// The futures of `StatefulService` are not known to be `Send` for a generic service, so each
/// gets its own implementation.
macro_rules! emulators {
    ($($feature:literal $service:path),+ $(,)?) => {$(
        #[cfg(feature = $feature)]
        impl Emulator for $service {
            fn handle(
                &self,
                request: winterbaume_core::MockRequest,
            ) -> super::emulator::Answer<'_, winterbaume_core::MockResponse> {
                winterbaume_core::MockService::handle(self, request)
            }

            fn snapshot<'a>(
                &'a self,
                region: &'a str,
            ) -> super::emulator::Answer<'a, Result<serde_json::Value, String>> {
                use winterbaume_core::StatefulService;
                Box::pin(async move {
                    let account = winterbaume_core::DEFAULT_ACCOUNT_ID;
                    let view = StatefulService::snapshot(self, account, region).await;
                    serde_json::to_value(view).map_err(|error| error.to_string())
                })
            }

            fn restore<'a>(
                &'a self,
                region: &'a str,
                view: serde_json::Value,
            ) -> super::emulator::Answer<'a, Result<(), String>> {
                use winterbaume_core::StatefulService;
                Box::pin(async move {
                    let view = serde_json::from_value(view).map_err(|error| error.to_string())?;
                    let account = winterbaume_core::DEFAULT_ACCOUNT_ID;
                    StatefulService::restore(self, account, region, view)
                        .await
                        .map_err(|error| error.to_string())
                })
            }
        }
    )+};
}

emulators! {
    "dynamodb" winterbaume_dynamodb::DynamoDbService,
    "iam" winterbaume_iam::IamService,
    "kms" winterbaume_kms::KmsService,
}
