//! How a repository treats tags and encrypts images.

use aws_sdk_ecr::types::{EncryptionConfiguration, EncryptionType};
use infra_core::{Value, provider::Result};

use crate::{classify::Classify as _, types::Arn};

/// Whether a tag can be moved to another image.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagMutability {
    /// A push may move it.
    #[value(rename = "MUTABLE")]
    Mutable,
    /// It stays where it is: what was tested is what is deployed.
    #[value(rename = "IMMUTABLE")]
    Immutable,
}

/// How images are encrypted.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// With a key that S3 keeps.
    Aes256,
    /// With AWS's own KMS key for ECR.
    AwsKms,
    /// With this KMS key.
    Kms(Arn),
}

impl Encryption {
    pub(super) fn send(&self) -> Result<EncryptionConfiguration> {
        let (kind, key) = match self {
            Self::Aes256 => (EncryptionType::Aes256, None),
            Self::AwsKms => (EncryptionType::Kms, None),
            Self::Kms(key) => (EncryptionType::Kms, Some(key.to_string())),
        };
        EncryptionConfiguration::builder().encryption_type(kind).set_kms_key(key).build().classify()
    }

    /// ECR shows the ARN of its own key too: what was declared tells the two apart.
    pub(super) fn of(found: Option<&EncryptionConfiguration>, declared: Option<&Self>) -> Self {
        match found {
            Some(found) if found.encryption_type() == &EncryptionType::Kms => {
                match (found.kms_key(), declared) {
                    (_, Some(Self::AwsKms)) | (None, _) => Self::AwsKms,
                    (Some(key), _) => Self::Kms(Arn::trusted(key)),
                }
            }
            _ => Self::Aes256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_comes_back_as_it_was_declared() {
        let key = Arn::of("aws", "kms", "eu-west-1", "1", "key/k");
        for declared in [Encryption::Aes256, Encryption::AwsKms, Encryption::Kms(key.clone())] {
            let found = declared.send().unwrap();
            assert_eq!(Encryption::of(Some(&found), Some(&declared)), declared);
        }
        let own = Encryption::Kms(key).send().unwrap();
        assert_eq!(Encryption::of(Some(&own), Some(&Encryption::AwsKms)), Encryption::AwsKms);
    }
}
