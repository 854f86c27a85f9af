//! Who gets at a bucket's objects, and how they are encrypted.

use aws_sdk_s3::types::{
    OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use infra_core::{Value, provider::Result};

use crate::{classify::Classify as _, types::Arn};

/// How objects are encrypted that say nothing else themselves.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// With a key that S3 keeps.
    S3,
    /// With AWS's own KMS key for S3.
    AwsKms,
    /// With this KMS key.
    Kms(Arn),
}

impl Encryption {
    pub(super) fn send(&self, bucket_key: bool) -> Result<ServerSideEncryptionConfiguration> {
        let (algorithm, key) = match self {
            Self::S3 => (ServerSideEncryption::Aes256, None),
            Self::AwsKms => (ServerSideEncryption::AwsKms, None),
            Self::Kms(key) => (ServerSideEncryption::AwsKms, Some(key.to_string())),
        };
        let default = ServerSideEncryptionByDefault::builder().sse_algorithm(algorithm);
        let default = default.set_kms_master_key_id(key).build().classify()?;
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(default)
            .set_bucket_key_enabled((*self != Self::S3).then_some(bucket_key))
            .build();
        ServerSideEncryptionConfiguration::builder().rules(rule).build().classify()
    }

    /// The encryption, and whether it uses a bucket key (`None` where that means nothing).
    pub(super) fn of(found: Option<&ServerSideEncryptionConfiguration>) -> (Self, Option<bool>) {
        let rule = found.and_then(|found| found.rules().first());
        let default = rule.and_then(|rule| rule.apply_server_side_encryption_by_default());
        let Some(default) = default else { return (Self::S3, None) };
        let bucket_key =
            rule.and_then(ServerSideEncryptionRule::bucket_key_enabled).unwrap_or_default();
        match (default.sse_algorithm(), default.kms_master_key_id()) {
            (ServerSideEncryption::Aes256, _) => (Self::S3, None),
            (_, Some(key)) => (Self::Kms(Arn::trusted(key)), Some(bucket_key)),
            (_, None) => (Self::AwsKms, Some(bucket_key)),
        }
    }
}

/// What no policy and no access control list can allow: everything public, unless a flag is taken back.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the four flags that S3 has")]
pub struct PublicAccessBlock {
    /// Calls that set public access control lists fail.
    #[field(default = true)]
    pub block_public_acls: bool,
    /// Public access control lists have no effect.
    #[field(default = true)]
    pub ignore_public_acls: bool,
    /// Calls that set a public bucket policy fail.
    #[field(default = true)]
    pub block_public_policy: bool,
    /// Under a public policy only AWS services and the bucket's account get in.
    #[field(default = true)]
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// Everything public is blocked: what S3 does for new buckets.
    pub const ALL: Self = Self::same(true);
    /// Nothing is blocked.
    pub const NOTHING: Self = Self::same(false);

    const fn same(flag: bool) -> Self {
        Self {
            block_public_acls: flag,
            ignore_public_acls: flag,
            block_public_policy: flag,
            restrict_public_buckets: flag,
        }
    }

    pub(super) fn send(self) -> PublicAccessBlockConfiguration {
        PublicAccessBlockConfiguration::builder()
            .block_public_acls(self.block_public_acls)
            .ignore_public_acls(self.ignore_public_acls)
            .block_public_policy(self.block_public_policy)
            .restrict_public_buckets(self.restrict_public_buckets)
            .build()
    }

    pub(super) fn of(found: Option<&PublicAccessBlockConfiguration>) -> Self {
        let Some(found) = found else { return Self::NOTHING };
        Self {
            block_public_acls: found.block_public_acls().unwrap_or_default(),
            ignore_public_acls: found.ignore_public_acls().unwrap_or_default(),
            block_public_policy: found.block_public_policy().unwrap_or_default(),
            restrict_public_buckets: found.restrict_public_buckets().unwrap_or_default(),
        }
    }
}

/// Whose the objects are that other accounts write.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// The bucket's account's, always; there are no access control lists.
    #[value(rename = "BucketOwnerEnforced")]
    BucketOwnerEnforced,
    /// The bucket's account's, if the writer says so.
    #[value(rename = "BucketOwnerPreferred")]
    BucketOwnerPreferred,
    /// The writer's.
    #[value(rename = "ObjectWriter")]
    ObjectWriter,
}

impl Ownership {
    pub(super) fn send(self) -> Result<OwnershipControls> {
        let rule = OwnershipControlsRule::builder().object_ownership(self.as_str().into());
        OwnershipControls::builder().rules(rule.build().classify()?).build().classify()
    }

    /// A bucket that says nothing is from before there was a choice.
    pub(super) fn of(found: Option<&OwnershipControls>) -> Self {
        let rule = found.and_then(|found| found.rules().first());
        match rule.map(|rule| rule.object_ownership().as_str()) {
            Some("BucketOwnerEnforced") => Self::BucketOwnerEnforced,
            Some("BucketOwnerPreferred") => Self::BucketOwnerPreferred,
            _ => Self::ObjectWriter,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_were_sent() {
        let key = Encryption::Kms(Arn::of("aws", "kms", "eu-west-1", "1", "key/k"));
        for (encryption, bucket_key) in
            [(Encryption::S3, None), (Encryption::AwsKms, Some(true)), (key, Some(false))]
        {
            let sent = encryption.send(bucket_key.unwrap_or(true)).unwrap();
            assert_eq!(Encryption::of(Some(&sent)), (encryption, bucket_key));
        }
        let some = PublicAccessBlock { block_public_policy: false, ..PublicAccessBlock::ALL };
        assert_eq!(PublicAccessBlock::of(Some(&some.send())), some);
        assert_eq!(PublicAccessBlock::of(None), PublicAccessBlock::NOTHING);
        let sent = Ownership::BucketOwnerEnforced.send().unwrap();
        assert_eq!(Ownership::of(Some(&sent)), Ownership::BucketOwnerEnforced);
        assert_eq!(Ownership::of(None), Ownership::ObjectWriter);
    }
}
