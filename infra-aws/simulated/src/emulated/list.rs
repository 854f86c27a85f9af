//! Which services are played by a winterbaume emulator.

use crate::services::Service;

use super::emulator::Emulator;

/// The emulator of a service, empty. None: the service is played by this crate alone, or its
/// feature is off.
pub(super) fn make(service: Service) -> Option<Box<dyn Emulator>> {
    match service {
        #[cfg(feature = "acm")]
        Service::Acm => Some(Box::new(winterbaume_acm::AcmService::new())),
        #[cfg(feature = "cloudwatch")]
        Service::Cloudwatch => Some(Box::new(winterbaume_cloudwatch::CloudWatchService::new())),
        #[cfg(feature = "dynamodb")]
        Service::Dynamodb => Some(Box::new(winterbaume_dynamodb::DynamoDbService::new())),
        #[cfg(feature = "ecr")]
        Service::Ecr => Some(Box::new(winterbaume_ecr::EcrService::new())),
        #[cfg(feature = "iam")]
        Service::Iam => Some(Box::new(winterbaume_iam::IamService::new())),
        #[cfg(feature = "kms")]
        Service::Kms => Some(Box::new(winterbaume_kms::KmsService::new())),
        #[cfg(feature = "logs")]
        Service::Logs => Some(Box::new(winterbaume_cloudwatchlogs::CloudWatchLogsService::new())),
        #[cfg(feature = "route53")]
        Service::Route53 => Some(Box::new(winterbaume_route53::Route53Service::new())),
        #[cfg(feature = "secretsmanager")]
        Service::SecretsManager => {
            Some(Box::new(winterbaume_secretsmanager::SecretsManagerService::new()))
        }
        #[cfg(feature = "sns")]
        Service::Sns => Some(Box::new(winterbaume_sns::SnsService::new())),
        #[cfg(feature = "ssm")]
        Service::Ssm => Some(Box::new(winterbaume_ssm::SsmService::new())),
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
    "acm" winterbaume_acm::AcmService,
    "cloudwatch" winterbaume_cloudwatch::CloudWatchService,
    "dynamodb" winterbaume_dynamodb::DynamoDbService,
    "ecr" winterbaume_ecr::EcrService,
    "iam" winterbaume_iam::IamService,
    "kms" winterbaume_kms::KmsService,
    "logs" winterbaume_cloudwatchlogs::CloudWatchLogsService,
    "route53" winterbaume_route53::Route53Service,
    "secretsmanager" winterbaume_secretsmanager::SecretsManagerService,
    "sns" winterbaume_sns::SnsService,
    "ssm" winterbaume_ssm::SsmService,
}
