//! Who pods are in AWS, and what they may.

use infra_aws::{
    eks, iam,
    policy::{Condition, Document, Statement},
    types::Arn,
};
use infra_core::{prelude::*, program::IntoInput};

use super::{LEDGER, Platform};

/// A role for the pods of one service account of the ledger's namespace. Give it its policy, and let pods come after both.
pub(super) fn pod_identity(
    stack: &mut Stack,
    platform: &Platform,
    account: &str,
    policy: Document,
) -> Handle<eks::PodIdentityAssociation> {
    pod_identity_in(stack, platform, LEDGER, account, policy).1
}

/// The same in another namespace, with the role itself.
pub(super) fn pod_identity_in(
    stack: &mut Stack,
    platform: &Platform,
    namespace: &str,
    account: &str,
    policy: impl IntoInput<String>,
) -> (Handle<iam::Role>, Handle<eks::PodIdentityAssociation>) {
    let role = stack.add(account, iam::Role::for_pods());
    let allowed = stack.add(account, iam::RolePolicy::new(&role.name, policy));
    let association =
        eks::PodIdentityAssociation::new(&platform.cluster, namespace, account, &role.arn);
    let association = association.depends_on(&platform.before_pods).depends_on(&allowed);
    (role, stack.add(account, association))
}

/// These parameters may be read, and decrypted with this key only as what they are.
pub(super) fn reads_parameters(platform: &Platform, parameters: &[&Output<Arn>]) -> Document {
    let mut encrypted =
        Condition::string_equals("kms:EncryptionContext:PARAMETER_ARN", parameters[0]);
    encrypted = encrypted.or_any(parameters[1..].iter().copied());
    Document::new()
        .statement(
            Statement::allow()
                .sid("ReadParameters")
                .actions(["ssm:GetParameter", "ssm:GetParameters"])
                .resources(parameters.iter().copied()),
        )
        .statement(
            Statement::allow()
                .sid("DecryptThem")
                .actions(["kms:Decrypt"])
                .resources([&platform.key])
                .condition(encrypted),
        )
}

/// And the database's master secret, with the key that seals it, through Secrets Manager only.
pub(super) fn reads_master_secret(document: Document, platform: &Platform) -> Document {
    document
        .statement(
            Statement::allow()
                .sid("ReadMasterSecret")
                .actions(["secretsmanager:GetSecretValue"])
                .resources([&platform.master_secret]),
        )
        .statement(
            Statement::allow()
                .sid("DecryptMasterSecret")
                .actions(["kms:Decrypt"])
                .resources([&platform.key])
                .condition(Condition::string_equals(
                    "kms:EncryptionContext:SecretARN",
                    &platform.master_secret,
                )),
        )
}
