//! What S3 does with objects as they age.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus,
    LifecycleExpiration, LifecycleRule as Sent, LifecycleRuleFilter, NoncurrentVersionExpiration,
    Transition as SentTransition,
};
use infra_core::{Data as _, Value, provider::Result};

use crate::classify::Classify as _;

/// What S3 does with objects as they age.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct LifecycleRule {
    /// Its name, unique in the bucket.
    pub id: String,
    /// Whether it is in force.
    #[field(default = true)]
    pub enabled: bool,
    /// Only for objects whose keys begin with this.
    pub prefix: Option<String>,
    /// Days until an object is deleted (in a versioned bucket: until it is no longer the current version).
    pub expire_after: Option<i32>,
    /// Whether delete markers go that have no version left behind them.
    #[field(default = false)]
    pub expire_delete_markers: bool,
    /// Days until a version is deleted after it stopped being the current one.
    pub expire_noncurrent_after: Option<i32>,
    /// How many versions behind the current one are kept however old they are.
    pub keep_noncurrent: Option<i32>,
    /// Days until an upload in parts that was never finished is thrown away.
    pub abort_uploads_after: Option<i32>,
    /// When objects move to cheaper storage.
    #[field(key = "storage_class")]
    pub transitions: Vec<Transition>,
}

/// When objects move to another storage class.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Days since the object was made.
    pub days: i32,
    /// Where to.
    pub storage_class: StorageClass,
}

/// What storage costs compared with access.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageClass {
    /// Seldom used.
    #[value(rename = "STANDARD_IA")]
    StandardIa,
    /// Seldom used, in one zone only.
    #[value(rename = "ONEZONE_IA")]
    OnezoneIa,
    /// Moved by how it is used.
    #[value(rename = "INTELLIGENT_TIERING")]
    IntelligentTiering,
    /// Archived, back at once.
    #[value(rename = "GLACIER_IR")]
    GlacierIr,
    /// Archived, back in minutes to hours.
    #[value(rename = "GLACIER")]
    Glacier,
    /// Archived, back in half a day.
    #[value(rename = "DEEP_ARCHIVE")]
    DeepArchive,
}

impl LifecycleRule {
    fn send(&self) -> Result<Sent> {
        let status =
            if self.enabled { ExpirationStatus::Enabled } else { ExpirationStatus::Disabled };
        let filter =
            LifecycleRuleFilter::builder().prefix(self.prefix.as_deref().unwrap_or_default());
        let expires = self.expire_after.is_some() || self.expire_delete_markers;
        let expiration = LifecycleExpiration::builder()
            .set_days(self.expire_after)
            .set_expired_object_delete_marker(self.expire_delete_markers.then_some(true))
            .build();
        let noncurrent = self.expire_noncurrent_after.map(|days| {
            NoncurrentVersionExpiration::builder()
                .noncurrent_days(days)
                .set_newer_noncurrent_versions(self.keep_noncurrent)
                .build()
        });
        let abort = self.abort_uploads_after.map(|days| {
            AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build()
        });
        let transition = |it: &Transition| {
            let class = it.storage_class.as_str().into();
            SentTransition::builder().days(it.days).storage_class(class).build()
        };
        let transitions: Vec<_> = self.transitions.iter().map(transition).collect();
        Sent::builder()
            .id(&self.id)
            .status(status)
            .filter(filter.build())
            .set_expiration(expires.then_some(expiration))
            .set_noncurrent_version_expiration(noncurrent)
            .set_abort_incomplete_multipart_upload(abort)
            .set_transitions((!transitions.is_empty()).then_some(transitions))
            .build()
            .classify()
    }

    fn of(sent: &Sent) -> Self {
        let prefix = sent.filter().and_then(|filter| filter.prefix());
        let expiration = sent.expiration();
        let noncurrent = sent.noncurrent_version_expiration();
        let transition = |it: &SentTransition| {
            let class = it.storage_class()?.as_str();
            let storage_class = StorageClass::from_value(&class.into()).ok()?;
            Some(Transition { days: it.days().unwrap_or_default(), storage_class })
        };
        Self {
            id: sent.id().unwrap_or_default().to_owned(),
            enabled: sent.status() == &ExpirationStatus::Enabled,
            prefix: prefix.filter(|prefix| !prefix.is_empty()).map(str::to_owned),
            expire_after: expiration.and_then(LifecycleExpiration::days),
            expire_delete_markers: expiration
                .and_then(LifecycleExpiration::expired_object_delete_marker)
                .unwrap_or_default(),
            expire_noncurrent_after: noncurrent
                .and_then(NoncurrentVersionExpiration::noncurrent_days),
            keep_noncurrent: noncurrent
                .and_then(NoncurrentVersionExpiration::newer_noncurrent_versions),
            abort_uploads_after: sent
                .abort_incomplete_multipart_upload()
                .and_then(AbortIncompleteMultipartUpload::days_after_initiation),
            transitions: sent.transitions().iter().filter_map(transition).collect(),
        }
    }

    /// What S3 would refuse.
    pub(super) fn problem(&self) -> Option<String> {
        let id = &self.id;
        if self.expire_after.is_some() && self.expire_delete_markers {
            Some(format!(
                "rule {id:?}: `expire_after` and `expire_delete_markers` exclude each other"
            ))
        } else if self.keep_noncurrent.is_some() && self.expire_noncurrent_after.is_none() {
            Some(format!("rule {id:?}: `keep_noncurrent` needs `expire_noncurrent_after`"))
        } else if self.expire_after.is_none()
            && !self.expire_delete_markers
            && self.expire_noncurrent_after.is_none()
            && self.abort_uploads_after.is_none()
            && self.transitions.is_empty()
        {
            Some(format!("rule {id:?} does nothing"))
        } else {
            None
        }
    }
}

pub(super) fn send(rules: &[LifecycleRule]) -> Result<BucketLifecycleConfiguration> {
    let rules = rules.iter().map(LifecycleRule::send).collect::<Result<Vec<_>>>()?;
    BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().classify()
}

pub(super) fn of(rules: &[Sent]) -> Vec<LifecycleRule> {
    rules.iter().map(LifecycleRule::of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_come_back_as_they_were_sent() {
        let rule = LifecycleRule {
            id: "old".into(),
            enabled: true,
            prefix: Some("logs/".into()),
            expire_after: Some(365),
            expire_delete_markers: false,
            expire_noncurrent_after: Some(30),
            keep_noncurrent: Some(3),
            abort_uploads_after: Some(7),
            transitions: vec![Transition { days: 30, storage_class: StorageClass::StandardIa }],
        };
        assert_eq!(
            of(send(std::slice::from_ref(&rule)).unwrap().rules()),
            std::slice::from_ref(&rule)
        );
        assert_eq!(rule.problem(), None);
        assert!(LifecycleRule { expire_delete_markers: true, ..rule.clone() }.problem().is_some());
        assert!(LifecycleRule { expire_noncurrent_after: None, ..rule }.problem().is_some());
    }
}
