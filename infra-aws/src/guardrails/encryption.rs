//! What is encrypted, and with which key.

use infra_core::policy::Policy;

pub(super) fn unencrypted() -> Policy {
    let policy = Policy::named("aws:unencrypted");
    #[cfg(feature = "rds")]
    let policy = policy.also::<crate::rds::Instance>(|it| {
        use crate::rds::Instance;
        let message = "the database is not encrypted, and cannot be later: leave `encrypted` out";
        it.wrong_if(it.is(Instance::ENCRYPTED, &false), Instance::ENCRYPTED, message)
    });
    #[cfg(feature = "ec2")]
    let policy = policy
        .also::<crate::ec2::Instance>(|it| {
            use crate::ec2::Instance;
            let plain = it.known(Instance::ROOT_VOLUME).is_some_and(|volume| !volume.encrypted);
            let message = "the root volume is not encrypted";
            it.wrong_if(plain, Instance::ROOT_VOLUME, message)
        })
        .also::<crate::ec2::LaunchTemplate>(|it| {
            use crate::ec2::LaunchTemplate;
            let devices = it.known(LaunchTemplate::BLOCK_DEVICES).unwrap_or_default();
            let plain = devices.iter().find(|device| !device.encrypted);
            plain.map_or_else(Vec::new, |device| {
                let message = format!("the volume {} is not encrypted", device.device_name);
                vec![it.wrong(LaunchTemplate::BLOCK_DEVICES, message)]
            })
        });
    #[cfg(feature = "sns")]
    let policy = policy.also::<crate::sns::Topic>(|it| {
        use crate::sns::Topic;
        let message = "messages lie in the topic in clear: name a key in `kms_key`";
        it.wrong_if(it.lacks(Topic::KMS_KEY), Topic::KMS_KEY, message)
    });
    policy.about("databases, volumes and topics are encrypted at rest")
}

pub(super) fn own_key() -> Policy {
    let policy = Policy::named("aws:own-key");
    #[cfg(any(feature = "rds", feature = "logs", feature = "ecr"))]
    let message = "AWS's own key encrypts it, which nobody can take away from who may read it: name a key of KMS";
    #[cfg(feature = "rds")]
    let policy = policy.also::<crate::rds::Instance>(move |it| {
        use crate::rds::Instance;
        it.wrong_if(it.lacks(Instance::KMS_KEY), Instance::KMS_KEY, message)
    });
    #[cfg(feature = "logs")]
    let policy = policy.also::<crate::logs::LogGroup>(move |it| {
        use crate::logs::LogGroup;
        it.wrong_if(it.lacks(LogGroup::KMS_KEY), LogGroup::KMS_KEY, message)
    });
    #[cfg(feature = "ecr")]
    let policy = policy.also::<crate::ecr::Repository>(move |it| {
        use crate::ecr::{Encryption, Repository};
        let plain = it.known(Repository::ENCRYPTION).is_some_and(|it| it == Encryption::Aes256);
        it.wrong_if(plain, Repository::ENCRYPTION, message)
    });
    policy
        .about("in production, databases, logs and images are encrypted with a key of one's own")
        .only_production()
}

pub(super) fn key_rotation() -> Policy {
    let policy = Policy::named("aws:key-rotation");
    #[cfg(feature = "kms")]
    let policy = policy.also::<crate::kms::Key>(|it| {
        use crate::kms::{Key, KeySpec};
        // Others cannot.
        let can = it.is(Key::SPEC, &KeySpec::SymmetricDefault);
        let message = "the key never changes what it encrypts with: turn `rotation` on";
        it.wrong_if(can && it.is(Key::ROTATION, &false), Key::ROTATION, message)
    });
    policy.about("symmetric keys of KMS rotate")
}
