//! What is kept, and who is told.

#[cfg(feature = "s3")]
use super::openness::is_public;
use infra_core::drift::{Rule, Severity};

#[cfg(any(feature = "s3", feature = "ecr", feature = "sns"))]
use super::lowered::changed;
#[cfg(feature = "cloudwatch")]
use super::lowered::fewer;
#[cfg(any(feature = "logs", feature = "sns"))]
use super::lowered::lost;
#[cfg(any(feature = "s3", feature = "logs", feature = "ecr", feature = "cloudwatch"))]
use super::lowered::off;

pub(super) fn rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    #[cfg(feature = "s3")]
    rules.extend(buckets());
    #[cfg(feature = "logs")]
    rules.extend(logs());
    #[cfg(feature = "ecr")]
    rules.extend(images());
    #[cfg(feature = "sns")]
    rules.push(changed("aws:topic-policy", crate::sns::Topic::POLICY, Severity::High));
    #[cfg(feature = "sns")]
    rules.push(lost("aws:encryption", crate::sns::Topic::KMS_KEY, Severity::High));
    #[cfg(feature = "cloudwatch")]
    rules.extend(alarms());
    rules
}

#[cfg(feature = "s3")]
fn buckets() -> Vec<Rule> {
    use crate::s3::{Bucket as R, Encryption};
    let unblocked = Rule::of::<R>("aws:public-bucket", |it| {
        let (was, is) = (it.recorded(R::PUBLIC_ACCESS_BLOCK)?, it.live(R::PUBLIC_ACCESS_BLOCK)?);
        let lowered = (was.block_public_acls && !is.block_public_acls)
            || (was.ignore_public_acls && !is.ignore_public_acls)
            || (was.block_public_policy && !is.block_public_policy)
            || (was.restrict_public_buckets && !is.restrict_public_buckets);
        (it.touches(R::PUBLIC_ACCESS_BLOCK) && lowered).then_some(Severity::Critical)
    });
    let encryption = Rule::of::<R>("aws:encryption", |it| {
        let (was, is) = (it.recorded(R::ENCRYPTION)?, it.live(R::ENCRYPTION)?);
        let other = was != Encryption::S3 && is != was;
        (it.touches(R::ENCRYPTION) && other).then_some(Severity::High)
    });
    let public = |policy: Option<String>| policy.is_some_and(|it| is_public(&it));
    let opened = Rule::of::<R>("aws:public-bucket", move |it| {
        let opened = public(it.live(R::POLICY)) && !public(it.recorded(R::POLICY));
        (it.touches(R::POLICY) && opened).then_some(Severity::Critical)
    });
    vec![
        unblocked,
        encryption,
        opened,
        changed("aws:bucket-policy", R::POLICY, Severity::High),
        off("aws:versioning", R::VERSIONING, Severity::High),
    ]
}

#[cfg(feature = "logs")]
fn logs() -> Vec<Rule> {
    use crate::logs::LogGroup as R;
    let shorter = Rule::of::<R>("aws:logging", |it| {
        // Without a number logs are kept for ever.
        let days = |days: Option<i32>| days.unwrap_or(i32::MAX);
        let (was, is) = (it.recorded(R::RETENTION_DAYS), it.live(R::RETENTION_DAYS));
        (it.touches(R::RETENTION_DAYS) && days(is) < days(was)).then_some(Severity::High)
    });
    vec![
        shorter,
        lost("aws:encryption", R::KMS_KEY, Severity::High),
        off("aws:deletion-protection", R::DELETION_PROTECTION, Severity::High),
    ]
}

#[cfg(feature = "ecr")]
fn images() -> Vec<Rule> {
    use crate::ecr::Repository as R;
    vec![
        changed("aws:repository-policy", R::POLICY, Severity::High),
        changed("aws:mutable-images", R::TAG_MUTABILITY, Severity::High),
        off("aws:scanning", R::SCAN_ON_PUSH, Severity::Medium),
    ]
}

#[cfg(feature = "cloudwatch")]
fn alarms() -> Vec<Rule> {
    use crate::cloudwatch::Alarm as R;
    vec![
        off("aws:silent-alarm", R::ACTIONS_ENABLED, Severity::High),
        fewer("aws:silent-alarm", R::ALARM_ACTIONS, Severity::High),
    ]
}
