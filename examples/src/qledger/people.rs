//! Who may act for people: a caller of the ledger, and an operator in an emergency.

use infra_aws::{
    eks, iam,
    policy::{Condition, Document, Principal, Statement},
    types::Arn,
};
use infra_core::prelude::*;

use super::{Cluster, Secrets, access::administers, bastion::SESSIONS};

/// A role for those who call the ledger: it may read the token, and nothing else. The original had it in the image.
pub(super) fn caller(
    stack: &mut Stack,
    who: &[String],
    secrets: &Secrets,
    key: &Output<Arn>,
) -> Handle<iam::Role> {
    let role = stack.add("caller", iam::Role::new(trusting(who).json()));
    let token = &secrets.token_parameter;
    let read =
        Statement::allow().sid("ReadToken").actions(["ssm:GetParameter"]).resources([&token.arn]);
    let decrypt = Statement::allow()
        .sid("DecryptIt")
        .actions(["kms:Decrypt"])
        .resources([key])
        .condition(Condition::string_equals("kms:EncryptionContext:PARAMETER_ARN", &token.arn));
    let policy = Document::new().statement(read).statement(decrypt);
    stack.add("caller", iam::RolePolicy::new(&role.name, policy));
    role
}

/// A role to break the glass with: it administers the cluster, opens sessions on its nodes and on the bastion, and forwards
/// ports through them. With it comes its way into the cluster. It is taken on with a second
/// factor, for an hour, by those who are named; everything done with it is in the audit trail under their names.
pub(super) fn operator(
    stack: &mut Stack,
    who: &[String],
    cluster: &Cluster,
) -> (Handle<iam::Role>, Handle<eks::AccessEntry>) {
    let trust = trusting_with(who, |statement| {
        statement.condition(Condition::bool("aws:MultiFactorAuthPresent", true))
    });
    let role = stack.add("operator", iam::Role::new(trust.json()).max_session_duration(3600));
    let sessions = Statement::allow()
        .sid("SessionsOnNodes")
        .actions(["ssm:StartSession"])
        .resources(["arn:aws:ec2:*:*:instance/*"])
        .condition(Condition::string_equals("aws:ResourceTag/eks:cluster-name", &cluster.eks.name));
    let bastion = Statement::allow()
        .sid("SessionsOnTheBastion")
        .actions(["ssm:StartSession"])
        .resources(["arn:aws:ec2:*:*:instance/*"])
        .condition(Condition::string_equals(
            format!("aws:ResourceTag/{SESSIONS}"),
            &cluster.eks.name,
        ));
    // Where a session is more than a shell, what it does is a document, which has none of these tags.
    let forward = Statement::allow()
        .sid("ForwardPorts")
        .actions(["ssm:StartSession"])
        .resources(["arn:aws:ssm:*:*:document/AWS-StartPortForwardingSessionToRemoteHost"]);
    let own = Statement::allow()
        .sid("OwnSessions")
        .actions(["ssm:TerminateSession", "ssm:ResumeSession"])
        .resources(["arn:aws:ssm:*:*:session/${aws:userid}-*"]);
    let reach = Statement::allow()
        .sid("FindTheCluster")
        .actions(["eks:DescribeCluster"])
        .resources([&cluster.eks.arn]);
    let policy = [sessions, bastion, forward, own, reach];
    let policy = policy.into_iter().fold(Document::new(), Document::statement);
    stack.add("operator", iam::RolePolicy::new(&role.name, policy));
    let entry = stack.add("operator", administers(&cluster.eks.name, &role.arn));
    (role, entry)
}

/// Who may take a role on.
fn trusting(who: &[String]) -> Document {
    trusting_with(who, |statement| statement)
}

fn trusting_with(who: &[String], more: impl FnOnce(Statement) -> Statement) -> Document {
    let statement = Statement::allow().actions(["sts:AssumeRole"]);
    let statement =
        who.iter().fold(statement, |statement, arn| statement.principal(Principal::arn(arn)));
    Document::new().statement(more(statement))
}
