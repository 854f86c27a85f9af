//! The services of which a kind is one object and its id one attribute.

use infra_core::transfer::terraform::Import;

use super::{attributes::by, imports::Line};

pub(super) fn imports() -> Vec<Line> {
    let mut all = Vec::<Line>::new();
    #[cfg(feature = "cloudwatch")]
    all.push(("aws_cloudwatch_metric_alarm", by!("aws:cloudwatch:Alarm", "alarm_name")));
    #[cfg(feature = "dynamodb")]
    all.extend([
        ("aws_dynamodb_table", by!("aws:dynamodb:Table", "name")),
        ("aws_dynamodb_tag", Import::Part("the aws_dynamodb_table")),
    ]);
    #[cfg(feature = "ecr")]
    all.extend([
        ("aws_ecr_repository", by!("aws:ecr:Repository", "name", "force_delete" = "force_delete")),
        ("aws_ecr_lifecycle_policy", Import::Part("the aws_ecr_repository")),
        ("aws_ecr_repository_policy", Import::Part("the aws_ecr_repository")),
    ]);
    #[cfg(feature = "kms")]
    all.extend([
        ("aws_kms_key", by!("aws:kms:Key", "key_id", "pending_window" = "deletion_window_in_days")),
        ("aws_kms_alias", by!("aws:kms:Alias", "name")),
        (
            "aws_kms_replica_key",
            by!("aws:kms:ReplicaKey", "key_id", "pending_window" = "deletion_window_in_days"),
        ),
        ("aws_kms_key_policy", Import::Part("the aws_kms_key")),
    ]);
    #[cfg(feature = "logs")]
    all.push(("aws_cloudwatch_log_group", by!("aws:logs:LogGroup", "name")));
    #[cfg(feature = "s3")]
    all.extend([
        ("aws_s3_bucket", by!("aws:s3:Bucket", "bucket", "force_destroy" = "force_destroy")),
        ("aws_s3_bucket_lifecycle_configuration", Import::Part("the aws_s3_bucket")),
        ("aws_s3_bucket_ownership_controls", Import::Part("the aws_s3_bucket")),
        ("aws_s3_bucket_policy", Import::Part("the aws_s3_bucket")),
        ("aws_s3_bucket_public_access_block", Import::Part("the aws_s3_bucket")),
        ("aws_s3_bucket_server_side_encryption_configuration", Import::Part("the aws_s3_bucket")),
        ("aws_s3_bucket_versioning", Import::Part("the aws_s3_bucket")),
    ]);
    #[cfg(feature = "secretsmanager")]
    all.extend([
        (
            "aws_secretsmanager_secret",
            by!("aws:secretsmanager:Secret", "arn", "recovery_window" = "recovery_window_in_days"),
        ),
        ("aws_secretsmanager_secret_version", Import::Part("the aws_secretsmanager_secret")),
    ]);
    #[cfg(feature = "sns")]
    all.extend([
        ("aws_sns_topic", by!("aws:sns:Topic", "arn")),
        ("aws_sns_topic_policy", Import::Part("the aws_sns_topic")),
        ("aws_sns_topic_subscription", Import::Part("the aws_sns_topic")),
    ]);
    #[cfg(feature = "ssm")]
    all.push(("aws_ssm_parameter", by!("aws:ssm:Parameter", "name")));
    all
}
