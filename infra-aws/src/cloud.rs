//! The connection: the SDK's clients, and who we are.

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use aws_config::{Region, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use infra_core::provider::{Calls, Gate, Operation};

use crate::{
    AwsProvider, AwsProviderDecl,
    budget::Budget,
    pace::{Paced, Watch},
};

/// A connection to AWS: one region, one account. Its clients are made when they are first used.
pub struct Aws {
    sdk: SdkConfig,
    http: SharedHttpClient,
    gate: Gate,
    calls: Calls,
    identity: Identity,
    clients: Clients,
}

/// Who and where we are. A type of its own, because `Aws::region(…)` already declares a connection.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(crate) account: String,
    pub(crate) partition: String,
    pub(crate) region: String,
    /// The account, or the embedded cloud: what rate limits are counted for.
    pub(crate) realm: String,
    /// Calls go to an endpoint other than AWS's own, where buckets have no host names.
    #[cfg_attr(not(feature = "s3"), expect(dead_code, reason = "only S3 asks"))]
    pub(crate) custom_endpoint: bool,
}

impl Identity {
    /// The region's name.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account's number.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// `aws`, `aws-cn`, `aws-us-gov`: the second part of every ARN.
    pub fn partition(&self) -> &str {
        &self.partition
    }
}

impl Deref for Aws {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl Aws {
    /// A connection to be declared in the program: `stack.provider("us", Aws::region("us-east-1"))`.
    pub fn region(region: impl infra_core::program::IntoInput<String>) -> AwsProviderDecl {
        AwsProvider::new().region(region)
    }

    pub(crate) fn new(
        sdk: SdkConfig,
        http: SharedHttpClient,
        gate: Gate,
        calls: Calls,
        identity: Identity,
    ) -> Self {
        Self { sdk, http, gate, calls, identity, clients: Clients::default() }
    }

    /// The same account in another region, for the few calls that a region's objects need there: the credentials, the
    /// lease and the endpoint stay.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let sdk = self.sdk.to_builder().region(Region::new(region.to_owned())).build();
        let identity = Identity { region: region.to_owned(), ..self.identity.clone() };
        let (http, gate, calls) = (self.http.clone(), self.gate.clone(), self.calls.clone());
        Self::new(sdk, http, gate, calls, identity)
    }

    /// The tags to send with a create: the declared ones and those that say who made it.
    #[must_use]
    pub fn tags(
        &self,
        declared: &BTreeMap<String, String>,
        op: &Operation,
    ) -> BTreeMap<String, String> {
        let mut tags = declared.clone();
        tags.extend(op.owner_tags());
        tags
    }

    fn paced(&self, service: &'static str) -> (Paced, Watch) {
        let Identity { realm, region, .. } = &self.identity;
        let budget = Budget::shared(realm, region, service);
        let (inner, gate, calls) = (self.http.clone(), self.gate.clone(), self.calls.clone());
        (Paced { inner, budget: Arc::clone(&budget), gate, service, calls }, Watch(budget))
    }
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aws").field("identity", &self.identity).finish_non_exhaustive()
    }
}

macro_rules! clients {
    ($($feature:literal $service:ident $sdk:ident $doc:literal)*) => {
        #[derive(Default)]
        struct Clients {
            sts: OnceLock<aws_sdk_sts::Client>,
            #[cfg(feature = "s3")]
            s3: OnceLock<aws_sdk_s3::Client>,
            $(#[cfg(feature = $feature)] $service: OnceLock<$sdk::Client>,)*
        }

        impl Aws {
            $(
                #[doc = concat!("The client of ", $doc, ".")]
                #[cfg(feature = $feature)]
                pub fn $service(&self) -> &$sdk::Client {
                    self.clients.$service.get_or_init(|| {
                        let (http, watch) = self.paced($feature);
                        let config = $sdk::config::Builder::from(&self.sdk);
                        $sdk::Client::from_conf(config.http_client(http).interceptor(watch).build())
                    })
                }
            )*
        }
    };
}

clients! {
    "acm" acm aws_sdk_acm "Certificate Manager"
    "autoscaling" autoscaling aws_sdk_autoscaling "EC2 Auto Scaling"
    "cloudtrail" cloudtrail aws_sdk_cloudtrail "CloudTrail"
    "cloudwatch" cloudwatch aws_sdk_cloudwatch "CloudWatch"
    "dynamodb" dynamodb aws_sdk_dynamodb "DynamoDB"
    "ec2" ec2 aws_sdk_ec2 "EC2"
    "ecr" ecr aws_sdk_ecr "ECR"
    "eks" eks aws_sdk_eks "EKS"
    "elbv2" elbv2 aws_sdk_elasticloadbalancingv2 "Elastic Load Balancing v2"
    "iam" iam aws_sdk_iam "IAM"
    "kms" kms aws_sdk_kms "KMS"
    "logs" logs aws_sdk_cloudwatchlogs "CloudWatch Logs"
    "rds" rds aws_sdk_rds "RDS"
    "route53" route53 aws_sdk_route53 "Route 53"
    "secretsmanager" secretsmanager aws_sdk_secretsmanager "Secrets Manager"
    "sns" sns aws_sdk_sns "SNS"
    "ssm" ssm aws_sdk_ssm "Systems Manager"
    "tagging" tagging aws_sdk_resourcegroupstagging "the Resource Groups Tagging API"
}

impl Aws {
    /// The client of STS.
    pub fn sts(&self) -> &aws_sdk_sts::Client {
        self.clients.sts.get_or_init(|| {
            let (http, watch) = self.paced("sts");
            let config = aws_sdk_sts::config::Builder::from(&self.sdk);
            aws_sdk_sts::Client::from_conf(config.http_client(http).interceptor(watch).build())
        })
    }

    /// The client of S3.
    #[cfg(feature = "s3")]
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        self.clients.s3.get_or_init(|| {
            let (http, watch) = self.paced("s3");
            let config = aws_sdk_s3::config::Builder::from(&self.sdk)
                .force_path_style(self.identity.custom_endpoint)
                .http_client(http)
                .interceptor(watch);
            aws_sdk_s3::Client::from_conf(config.build())
        })
    }
}
