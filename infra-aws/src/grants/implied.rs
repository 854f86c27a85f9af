//! Permissions that a call needs beside the one it is named after.

use std::collections::BTreeSet;

use infra_core::provider::Implied;

/// A permission that no call is named after.
#[derive(Clone, Copy, Debug)]
pub struct ImpliedRow {
    /// `iam:PassRole`.
    pub action: &'static str,
    /// The calls that ask for it.
    pub calls: &'static [&'static str],
    /// When they do.
    pub when: &'static str,
    /// Where AWS says so.
    pub source: &'static str,
    /// Whether the embedded AWS asks for it too.
    pub enforced: bool,
}

macro_rules! implied {
    ($($action:literal of [$($call:literal),* $(,)?] when $when:literal says $source:literal, $enforced:literal;)*) => {
        /// All of them.
        pub const IMPLIED: &[ImpliedRow] = &[$(ImpliedRow {
            action: $action,
            calls: &[$($call),*],
            when: $when,
            source: $source,
            enforced: $enforced,
        }),*];
    };
}

implied! {
    "iam:PassRole" of ["ec2:CreateFlowLogs", "ec2:RunInstances", "ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation", "eks:CreateCluster", "eks:CreateNodegroup", "eks:CreateAddon", "eks:UpdateAddon", "eks:CreatePodIdentityAssociation", "eks:UpdatePodIdentityAssociation", "iam:AddRoleToInstanceProfile", "rds:CreateDBInstance", "rds:ModifyDBInstance"]
        when "a call gives a role to a service (`iam:PassedToService` says to which)"
        says "IAM user guide, *Grant a user permissions to pass a role to an AWS service*", true;
    "iam:CreateServiceLinkedRole" of ["eks:CreateCluster", "eks:CreateNodegroup", "elasticloadbalancing:CreateLoadBalancer", "rds:CreateDBInstance"]
        when "the account uses the service for the first time (`iam:AWSServiceName` says which)"
        says "IAM user guide, *Create a service-linked role*", true;
    "iam:GetRole" of ["eks:CreateNodegroup", "eks:CreatePodIdentityAssociation", "eks:UpdatePodIdentityAssociation"]
        when "EKS looks at the role that it is given"
        says "Service authorization reference, *Amazon EKS*; EKS user guide, *Managed node groups*", true;
    "iam:ListAttachedRolePolicies" of ["eks:CreateNodegroup"]
        when "EKS looks whether nodes can work with their role"
        says "EKS user guide, *Managed node groups*", true;
    "iam:PutRolePermissionsBoundary" of ["iam:CreateRole"]
        when "a role is made with a permissions boundary"
        says "IAM API reference, `CreateRole`", false;
    "kms:CreateGrant" of ["dynamodb:CreateTable", "ec2:RunInstances", "ecr:CreateRepository", "eks:CreateCluster", "rds:CreateDBInstance"]
        when "a service encrypts with a key of the stack and goes on doing so (`kms:GrantIsForAWSResource`)"
        says "KMS developer guide, *Using AWS KMS with AWS services*", true;
    "kms:DescribeKey" of ["dynamodb:CreateTable", "ec2:RunInstances", "ecr:CreateRepository", "eks:CreateCluster", "rds:CreateDBInstance"]
        when "a service looks at the key that it is given"
        says "RDS user guide, *AWS KMS key management*; EBS user guide, *Amazon EBS encryption*", true;
    "kms:RetireGrant" of ["ecr:CreateRepository", "ecr:DeleteRepository"]
        when "ECR gives back its grant on the key of a repository"
        says "ECR user guide, *Encryption at rest*", false;
    "kms:Decrypt" of ["dynamodb:CreateTable", "ec2:RunInstances", "rds:CreateDBInstance", "secretsmanager:CreateSecret", "secretsmanager:GetSecretValue", "ssm:GetParameters"]
        when "what is read is sealed with a key of the stack; EBS, Secrets Manager and RDS try the key when they are given it"
        says "Systems Manager user guide, *AWS KMS encryption for Parameter Store*; Secrets Manager user guide, *Secret encryption*", true;
    "kms:Encrypt" of ["dynamodb:CreateTable", "ssm:PutParameter"]
        when "a standard secure parameter is written"
        says "Systems Manager user guide, *AWS KMS encryption for Parameter Store*", true;
    "kms:GenerateDataKey" of ["dynamodb:CreateTable", "rds:CreateDBInstance", "secretsmanager:CreateSecret", "secretsmanager:UpdateSecret", "ssm:PutParameter"]
        when "a secret or an advanced parameter is sealed with a key of the stack"
        says "Secrets Manager user guide, *Secret encryption*", true;
    "kms:GenerateDataKeyWithoutPlaintext" of ["ec2:RunInstances"]
        when "a volume is encrypted with a key of the stack"
        says "EBS user guide, *Amazon EBS encryption*", true;
    "kms:ReEncrypt*" of ["ec2:RunInstances"]
        when "a volume is made from a snapshot that another key encrypts"
        says "EBS user guide, *Amazon EBS encryption*", false;
    "secretsmanager:CreateSecret" of ["rds:CreateDBInstance", "rds:ModifyDBInstance"]
        when "RDS makes the secret of a managed master password"
        says "RDS user guide, *Password management with Amazon RDS and AWS Secrets Manager*", true;
    "secretsmanager:TagResource" of ["rds:CreateDBInstance", "rds:ModifyDBInstance"]
        when "RDS tags that secret"
        says "RDS user guide, *Password management with Amazon RDS and AWS Secrets Manager*", true;
    "secretsmanager:DescribeSecret" of ["rds:ModifyDBInstance"]
        when "RDS changes how the master password is kept"
        says "RDS user guide, *Password management with Amazon RDS and AWS Secrets Manager*", false;
    "secretsmanager:RotateSecret" of ["rds:ModifyDBInstance"]
        when "RDS changes how the master password is kept"
        says "RDS user guide, *Password management with Amazon RDS and AWS Secrets Manager*", false;
    "ec2:CreateTags" of ["ec2:RunInstances", "eks:CreateNodegroup"]
        when "a creating call has tags (`ec2:CreateAction` says which), or EKS tags the instances of a launch template"
        says "EC2 user guide, *Grant permission to tag Amazon EC2 resources during creation*", true;
    "ec2:RunInstances" of ["eks:CreateNodegroup", "eks:UpdateNodegroupVersion"]
        when "EKS tries whether a launch template of one's own starts instances"
        says "EKS user guide, *Customize managed nodes with launch templates*", true;
    "ec2:DescribeLaunchTemplateVersions" of ["eks:CreateNodegroup", "eks:UpdateNodegroupVersion"]
        when "EKS reads that launch template"
        says "EKS user guide, *Customize managed nodes with launch templates*", true;
    "ec2:DescribeAccountAttributes" of ["elasticloadbalancing:CreateLoadBalancer", "rds:CreateDBInstance", "rds:CreateDBSubnetGroup"]
        when "a service looks at the network that it is put into, with the caller's permissions"
        says "Elastic Load Balancing user guide, *API permissions*; the managed policy `AmazonRDSFullAccess`", false;
    "ec2:DescribeAvailabilityZones" of ["rds:CreateDBInstance", "rds:CreateDBSubnetGroup"]
        when "a service looks at the network that it is put into, with the caller's permissions"
        says "the managed policy `AmazonRDSFullAccess`", false;
    "ec2:DescribeInternetGateways" of ["elasticloadbalancing:CreateLoadBalancer", "rds:CreateDBInstance"]
        when "a service looks at the network that it is put into, with the caller's permissions"
        says "Elastic Load Balancing user guide, *API permissions*; the managed policy `AmazonRDSFullAccess`", false;
    "ec2:DescribeSecurityGroups" of ["eks:CreateCluster", "elasticloadbalancing:CreateLoadBalancer", "rds:CreateDBInstance"]
        when "a service looks at the network that it is put into, with the caller's permissions"
        says "Elastic Load Balancing user guide, *API permissions*; the managed policy `AmazonRDSFullAccess`", false;
    "ec2:DescribeSubnets" of ["eks:CreateCluster", "eks:CreateNodegroup", "elasticloadbalancing:CreateLoadBalancer", "rds:CreateDBInstance", "rds:CreateDBSubnetGroup"]
        when "a service looks at the network that it is put into, with the caller's permissions"
        says "Elastic Load Balancing user guide, *API permissions*; the managed policy `AmazonRDSFullAccess`", false;
    "ec2:DescribeVpcAttribute" of ["rds:CreateDBInstance"]
        when "a service looks at the network that it is put into, with the caller's permissions"
        says "the managed policy `AmazonRDSFullAccess`", false;
    "ec2:DescribeVpcs" of ["eks:CreateCluster", "elasticloadbalancing:CreateLoadBalancer", "rds:CreateDBInstance", "route53:CreateHostedZone", "route53:AssociateVPCWithHostedZone"]
        when "a service looks at the network that it is put into, with the caller's permissions"
        says "Elastic Load Balancing user guide, *API permissions*; Service authorization reference, *Amazon Route 53*", false;
    "route53:AssociateVPCWithHostedZone" of ["ec2:CreateVpcEndpoint", "ec2:ModifyVpcEndpoint"]
        when "an interface endpoint has private names"
        says "Service authorization reference, *Amazon EC2*, `CreateVpcEndpoint`", true;
    "logs:CreateLogDelivery" of ["ec2:CreateFlowLogs"]
        when "a flow log goes to a bucket"
        says "VPC user guide, *Publish flow logs to Amazon S3*", true;
    "logs:DeleteLogDelivery" of ["ec2:DeleteFlowLogs"]
        when "such a flow log is deleted"
        says "VPC user guide, *Publish flow logs to Amazon S3*", true;
    "logs:AssociateKmsKey" of ["logs:CreateLogGroup"]
        when "a log group is made with a key"
        says "CloudWatch Logs user guide, *Encrypt log data*", true;
    "eks:TagResource" of ["eks:CreateCluster", "eks:CreateNodegroup", "eks:CreateAddon", "eks:CreateAccessEntry", "eks:CreatePodIdentityAssociation"]
        when "something is made with tags, and every object of a stack is"
        says "Service authorization reference, *Amazon EKS*", true;
    "acm:AddTagsToCertificate" of ["acm:RequestCertificate"]
        when "something is made with tags, and every object of a stack is"
        says "ACM API reference, `RequestCertificate`", true;
    "cloudwatch:TagResource" of ["cloudwatch:PutMetricAlarm"]
        when "something is made with tags, and every object of a stack is"
        says "CloudWatch API reference, `PutMetricAlarm`", true;
    "dynamodb:TagResource" of ["dynamodb:CreateTable"]
        when "something is made with tags, and every object of a stack is"
        says "DynamoDB developer guide, *Tagging restrictions*", true;
    "ecr:TagResource" of ["ecr:CreateRepository"]
        when "something is made with tags, and every object of a stack is"
        says "ECR user guide, *Tagging a private repository*", true;
    "elasticloadbalancing:AddTags" of ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:CreateListener"]
        when "something is made with tags, and every object of a stack is"
        says "Elastic Load Balancing user guide, *Tag resources during creation*", true;
    "iam:TagInstanceProfile" of ["iam:CreateInstanceProfile"]
        when "something is made with tags, and every object of a stack is"
        says "IAM user guide, *Tags for AWS IAM resources*", true;
    "iam:TagOpenIDConnectProvider" of ["iam:CreateOpenIDConnectProvider"]
        when "something is made with tags, and every object of a stack is"
        says "IAM user guide, *Tags for AWS IAM resources*", true;
    "iam:TagPolicy" of ["iam:CreatePolicy"]
        when "something is made with tags, and every object of a stack is"
        says "IAM user guide, *Tags for AWS IAM resources*", true;
    "iam:TagRole" of ["iam:CreateRole"]
        when "something is made with tags, and every object of a stack is"
        says "IAM user guide, *Tags for AWS IAM resources*", true;
    "iam:TagUser" of ["iam:CreateUser"]
        when "something is made with tags, and every object of a stack is"
        says "IAM user guide, *Tags for AWS IAM resources*", true;
    "kms:TagResource" of ["kms:CreateKey"]
        when "something is made with tags, and every object of a stack is"
        says "KMS developer guide, *Controlling access to tags*", true;
    "logs:TagResource" of ["logs:CreateLogGroup"]
        when "something is made with tags, and every object of a stack is"
        says "CloudWatch Logs API reference, `CreateLogGroup`", true;
    "rds:AddTagsToResource" of ["rds:CreateDBInstance", "rds:CreateDBParameterGroup", "rds:CreateDBSubnetGroup"]
        when "something is made with tags, and every object of a stack is"
        says "RDS user guide, *Tagging Amazon RDS resources*", true;
    "s3:TagResource" of ["s3:CreateBucket"]
        when "something is made with tags, and every object of a stack is"
        says "S3 API reference, `CreateBucket`", true;
    "s3:PutBucketOwnershipControls" of ["s3:CreateBucket"]
        when "a bucket is made with its ownership setting"
        says "S3 API reference, `CreateBucket`", true;
    "sns:TagResource" of ["sns:CreateTopic"]
        when "something is made with tags, and every object of a stack is"
        says "SNS API reference, `CreateTopic`", true;
    "ssm:AddTagsToResource" of ["ssm:PutParameter"]
        when "something is made with tags, and every object of a stack is"
        says "Systems Manager API reference, `PutParameter`", true;
    "kms:CreateKey" of ["kms:ReplicateKey"]
        when "a key is replicated, in the region of the replica"
        says "KMS developer guide, *Multi-Region keys*", false;
}

/// The rows of what is granted, where a call is granted too that asks for it.
pub(super) fn of(actions: &BTreeSet<&str>) -> Vec<Implied> {
    let rows = IMPLIED.iter().filter(|row| {
        actions.contains(row.action) && row.calls.iter().any(|call| actions.contains(call))
    });
    let row = |row: &ImpliedRow| {
        let calls = row.calls.iter().filter(|call| actions.contains(**call));
        let calls: Vec<_> = calls.map(|call| format!("`{call}`")).collect();
        Implied {
            action: row.action.to_owned(),
            when: format!("{}: {}", calls.join(", "), row.when),
            source: row.source.to_owned(),
        }
    };
    rows.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_granted_call_asks_for_is_told() {
        let rows = of(&["iam:PassRole", "ec2:CreateFlowLogs", "iam:GetRole"].into());
        assert_eq!(rows.len(), 1);
        assert!(rows[0].when.starts_with("`ec2:CreateFlowLogs`: "), "{}", rows[0].when);
        assert!(of(&["iam:PassRole"].into()).is_empty());
    }

    #[test]
    fn each_action_is_there_once() {
        let actions: BTreeSet<_> = IMPLIED.iter().map(|row| row.action).collect();
        assert_eq!(actions.len(), IMPLIED.len());
    }

    /// The documentation says what the code says.
    #[test]
    fn the_table_is_the_documents() {
        let document = include_str!("../../POLICY.md");
        let rows: Vec<_> = document.lines().filter(|line| line.starts_with("| `")).collect();
        let said: Vec<_> = IMPLIED
            .iter()
            .map(|row| {
                let calls: Vec<_> = row.calls.iter().map(|call| format!("`{call}`")).collect();
                let (calls, here) = (calls.join(", "), if row.enforced { "yes" } else { "no" });
                format!("| `{}` | {calls} | {} | {} | {here} |", row.action, row.when, row.source)
            })
            .collect();
        assert_eq!(rows, said);
    }
}
