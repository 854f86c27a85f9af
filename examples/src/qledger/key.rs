//! The stack's key.

use infra_aws::{
    ec2, kms,
    policy::{Condition, Document, Principal, Statement},
    sts,
};
use infra_core::prelude::*;

use super::Config;

/// Who may use the key in a region, and for what.
pub(super) fn key_policy(
    caller: &Handle<sts::CallerIdentity>,
    region: &Output<String>,
) -> Document {
    let groups = interpolate!("arn:aws:logs:{}:{}:log-group:*", region, &caller.account);
    let root = interpolate!("arn:aws:iam::{}:root", &caller.account);
    Document::new()
        .statement(
            Statement::allow()
                .sid("AccountDecides")
                .principal(Principal::arn(&root))
                .actions(["kms:*"])
                .all_resources(),
        )
        // CloudWatch Logs encrypts with the key of a group itself, so the key must name it; for groups of this account.
        .statement(
            Statement::allow()
                .sid("Logs")
                .principal(Principal::service(interpolate!("logs.{}.amazonaws.com", region)))
                .actions(["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*"])
                .actions(["kms:Describe*"])
                .all_resources()
                .condition(Condition::arn_like("kms:EncryptionContext:aws:logs:arn", groups)),
        )
        // Alarms reach an encrypted topic only if they may encrypt for it.
        .statement(
            Statement::allow()
                .sid("Alarms")
                .principal(Principal::service("cloudwatch.amazonaws.com"))
                .actions(["kms:Decrypt", "kms:GenerateDataKey*"])
                .all_resources()
                .condition(Condition::string_equals("aws:SourceAccount", &caller.account)),
        )
        // Auto scaling starts nodes whose disks this key encrypts, as a role of AWS's own that has no right to any key. So
        // EC2 may use it for everybody in the account, as the account's default key for disks allows too.
        .statement(
            Statement::allow()
                .sid("Disks")
                .principal(Principal::anyone())
                .actions(["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"])
                .actions(["kms:CreateGrant", "kms:DescribeKey"])
                .all_resources()
                .condition(Condition::string_equals("kms:CallerAccount", &caller.account))
                .condition(Condition::string_like("kms:ViaService", "ec2.*.amazonaws.com")),
        )
}

/// The stack's key: it seals the database, its master secret, the parameters, the nodes' disks and the logs.
pub fn encryption_key(
    stack: &mut Stack,
    config: &Config,
    caller: &Handle<sts::CallerIdentity>,
    zones: &Handle<ec2::AvailabilityZones>,
) -> Handle<kms::Key> {
    let region = zones.names.index(0).map(|zone| zone.region().to_string());
    let key = kms::Key::new()
        .description("qledger: database, parameters, disks, logs")
        .rotation(true)
        .policy(key_policy(caller, &region))
        // So that a second region can be added later; which it is cannot be changed.
        .multi_region(true);
    let key = stack.add("key", key.protect_if(config.protect));
    stack.add("alias", kms::Alias::new(&key.id).name(format!("alias/qledger-{}", stack.name())));
    key
}
