//! What the bucket does with objects as they age.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
    TransitionDefaultMinimumObjectSize, TransitionStorageClass,
};
use aws_smithy_types::error::operation::BuildError;

use super::{
    answer::{Answer as _, code},
    objects::Objects,
};
use crate::{Error, ErrorKind, Result};

/// For how long a version stays that was replaced or deleted.
const NONCURRENT_DAYS: i32 = 90;
/// For how long the parts of an upload stay that was never finished.
const UPLOAD_DAYS: i32 = 7;

/// The rules of a bucket, as they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    rules: Vec<LifecycleRule>,
    smallest: Option<TransitionDefaultMinimumObjectSize>,
}

impl Rules {
    pub(super) async fn read(objects: &Objects) -> Result<Self> {
        let get = objects.client.get_bucket_lifecycle_configuration().bucket(&objects.place.bucket);
        match get.send().await {
            Ok(found) => Ok(Self {
                smallest: found.transition_default_minimum_object_size,
                rules: found.rules.unwrap_or_default(),
            }),
            // A store without lifecycles expires nothing.
            Err(e)
                if matches!(code(&e), Some("NoSuchLifecycleConfiguration" | "NotImplemented")) =>
            {
                Ok(Self::default())
            }
            Err(e) => Err(e).answer(&objects.place, "s3:GetLifecycleConfiguration"),
        }
    }

    /// The error of a rule that would take away objects that the state is made of, if there is one.
    pub(super) fn deadly(&self, objects: &Objects) -> Option<Error> {
        let place = &objects.place;
        let base = place.base();
        let (rule, does) = self.rules.iter().find_map(|rule| Some((rule, deadly(rule, &base)?)))?;
        let message = format!(
            "the lifecycle rule {:?} of the bucket {} {does}, also under {}: the state would be lost. Nothing was \
             written. Limit the rule to other objects (`filter` with a prefix), or give the state another bucket. Rules \
             for noncurrent versions and for unfinished uploads are fine",
            rule.id().unwrap_or("without a name"),
            place.bucket,
            place.home()
        );
        Some(Error::new(ErrorKind::Refused, message))
    }

    /// Whether versions that were replaced go away some day, and unfinished uploads too.
    pub(super) fn tidy(&self, base: &str) -> bool {
        let covering = || self.rules.iter().filter(|rule| covers(rule, base));
        covering().any(|rule| rule.noncurrent_version_expiration().is_some())
            && covering().any(|rule| rule.abort_incomplete_multipart_upload().is_some())
    }

    /// Adds the rule of this place to those that are there.
    pub(super) async fn add(mut self, objects: &Objects) -> Result<()> {
        let base = objects.place.base();
        let own = own_rule(&base).map_err(unbuilt)?;
        self.rules.retain(|rule| rule.id() != own.id());
        self.rules.push(own);
        let configuration = BucketLifecycleConfiguration::builder().set_rules(Some(self.rules));
        let put = objects
            .client
            .put_bucket_lifecycle_configuration()
            .bucket(&objects.place.bucket)
            .set_transition_default_minimum_object_size(self.smallest)
            .lifecycle_configuration(configuration.build().map_err(unbuilt)?);
        put.send().await.answer(&objects.place, "s3:PutLifecycleConfiguration").map(drop)
    }
}

fn unbuilt(error: BuildError) -> Error {
    Error::new(ErrorKind::Invalid, "the lifecycle rules cannot be written").because(error)
}

/// Only under the prefix: the rest of the bucket may be somebody else's.
fn own_rule(base: &str) -> Result<LifecycleRule, BuildError> {
    let old = NoncurrentVersionExpiration::builder().noncurrent_days(NONCURRENT_DAYS).build();
    let uploads =
        AbortIncompleteMultipartUpload::builder().days_after_initiation(UPLOAD_DAYS).build();
    // Marks under which no version is left would make listings slow. It expires no object.
    let marks = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
    LifecycleRule::builder()
        .id(format!("infra-state:{base}"))
        .filter(LifecycleRuleFilter::builder().prefix(base).build())
        .status(ExpirationStatus::Enabled)
        .noncurrent_version_expiration(old)
        .expiration(marks)
        .abort_incomplete_multipart_upload(uploads)
        .build()
}

/// The prefix that a rule is for, and whether only objects with tags are meant. No object of a state has tags.
fn scope(rule: &LifecycleRule) -> (&str, bool) {
    #[expect(deprecated, reason = "rules of that form are still in buckets")]
    let old = rule.prefix();
    let filter = rule.filter();
    let and = filter.and_then(|filter| filter.and());
    let prefix = old
        .or(filter.and_then(|filter| filter.prefix()))
        .or(and.and_then(|and| and.prefix()))
        .unwrap_or_default();
    let tagged = filter.is_some_and(|filter| filter.tag().is_some())
        || and.is_some_and(|and| !and.tags().is_empty());
    (prefix, tagged)
}

fn is_on(rule: &LifecycleRule) -> bool {
    *rule.status() == ExpirationStatus::Enabled
}

/// Whether a rule is for everything under `base`.
fn covers(rule: &LifecycleRule, base: &str) -> bool {
    let (prefix, tagged) = scope(rule);
    let sized = rule.filter().is_some_and(|filter| {
        filter.object_size_greater_than().is_some()
            || filter.object_size_less_than().is_some()
            || filter.and().is_some_and(|and| {
                and.object_size_greater_than().is_some() || and.object_size_less_than().is_some()
            })
    });
    is_on(rule) && !tagged && !sized && base.starts_with(prefix)
}

/// What a rule does to current objects under `base` that a state does not survive.
fn deadly(rule: &LifecycleRule, base: &str) -> Option<String> {
    let (prefix, tagged) = scope(rule);
    if !is_on(rule) || tagged || !(base.starts_with(prefix) || prefix.starts_with(base)) {
        return None;
    }
    if let Some(expiration) = rule.expiration() {
        if let Some(days) = expiration.days() {
            return Some(format!("deletes objects after {days} days"));
        }
        if expiration.date().is_some() {
            return Some("deletes objects on a day".to_owned());
        }
    }
    let archive = [TransitionStorageClass::Glacier, TransitionStorageClass::DeepArchive];
    let moved = rule
        .transitions()
        .iter()
        .find_map(|move_| move_.storage_class().filter(|class| archive.contains(class)))?;
    Some(format!("moves objects to {moved}, where they cannot be read"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{LifecycleRuleAndOperator, Tag, Transition};

    use super::*;

    fn rule(filter: LifecycleRuleFilter, expiration: LifecycleExpiration) -> LifecycleRule {
        let rule = LifecycleRule::builder().id("r").status(ExpirationStatus::Enabled);
        rule.filter(filter).expiration(expiration).build().unwrap()
    }

    fn under(prefix: &str) -> LifecycleRuleFilter {
        LifecycleRuleFilter::builder().prefix(prefix).build()
    }

    fn after(days: i32) -> LifecycleExpiration {
        LifecycleExpiration::builder().days(days).build()
    }

    #[test]
    fn rules_that_would_delete_the_state() {
        let dies = |rule: &LifecycleRule| deadly(rule, "teams/a/").is_some();
        for prefix in ["", "teams/", "teams/a/", "teams/a/program/"] {
            assert!(dies(&rule(under(prefix), after(30))), "{prefix}");
        }
        for prefix in ["teams/b/", "logs/", "teams/a2/"] {
            assert!(!dies(&rule(under(prefix), after(30))), "{prefix}");
        }
        let off = LifecycleRule::builder().status(ExpirationStatus::Disabled).expiration(after(1));
        assert!(!dies(&off.build().unwrap()));
        let tag = Tag::builder().key("k").value("v").build().unwrap();
        let tagged = LifecycleRuleAndOperator::builder().prefix("").tags(tag).build();
        assert!(!dies(&rule(LifecycleRuleFilter::builder().and(tagged).build(), after(1))));
        let marks = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
        assert!(!dies(&rule(under(""), marks)));
        let moves = |class| {
            let to = Transition::builder().days(1).storage_class(class).build();
            let rule = LifecycleRule::builder().status(ExpirationStatus::Enabled);
            rule.filter(under("")).transitions(to).build().unwrap()
        };
        assert!(dies(&moves(TransitionStorageClass::Glacier)));
        assert!(!dies(&moves(TransitionStorageClass::StandardIa)));
        assert!(!dies(&own_rule("teams/a/").unwrap()));
    }

    #[test]
    fn the_own_rule_is_all_that_is_needed() {
        let rules = |rules: Vec<LifecycleRule>| Rules { rules, smallest: None };
        assert!(rules(vec![own_rule("teams/a/").unwrap()]).tidy("teams/a/"));
        assert!(!rules(vec![own_rule("teams/b/").unwrap()]).tidy("teams/a/"));
        assert!(rules(vec![own_rule("").unwrap()]).tidy("teams/a/"));
        assert!(!Rules::default().tidy(""));
    }
}
