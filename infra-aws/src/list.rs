//! The list of everything this crate knows, put together from the lists of the services.

/// The drivers of every kind of the services that are on, the provider's among them.
pub(crate) fn drivers() -> Vec<std::sync::Arc<dyn infra_core::provider::Driver>> {
    let mut drivers = vec![infra_core::provider::provider_driver::<crate::AwsProvider>()];
    drivers.extend(crate::sts::drivers());
    macro_rules! add {
        ($($feature:literal $service:ident)*) => {
            $(#[cfg(feature = $feature)] drivers.extend(crate::$service::drivers());)*
        };
    }
    add! {
        "acm" acm "autoscaling" autoscaling "cloudwatch" cloudwatch "dynamodb" dynamodb "ec2" ec2 "ecr" ecr
        "eks" eks "elbv2" elbv2 "iam" iam "kms" kms "logs" logs "rds" rds "route53" route53 "s3" s3
        "secretsmanager" secretsmanager "sns" sns "ssm" ssm
    }
    drivers
}
