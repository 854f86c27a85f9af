//! Emptying a bucket.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use infra_core::provider::{Class, Cx, Error, Result};

use crate::{Aws, classify::Classify as _};

/// Deletes everything in the bucket: objects, old versions and delete markers, a page at a time. What is left after
/// a crash goes the next time.
pub(super) async fn empty(cx: &Cx<Aws>, bucket: &str) -> Result<()> {
    loop {
        let list = cx.s3().list_object_versions().bucket(bucket);
        let Some(page) = list.send().await.found()? else { return Ok(()) };
        let versions = page.versions().iter().map(|it| (it.key(), it.version_id()));
        let markers = page.delete_markers().iter().map(|it| (it.key(), it.version_id()));
        let identifier = |(key, version): (Option<&str>, Option<&str>)| {
            let identifier = ObjectIdentifier::builder().key(key.unwrap_or_default());
            identifier.set_version_id(version.map(str::to_owned)).build().classify()
        };
        let objects = versions.chain(markers).map(identifier).collect::<Result<Vec<_>>>()?;
        if objects.is_empty() {
            return Ok(());
        }
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().classify()?;
        let deleted =
            cx.s3().delete_objects().bucket(bucket).delete(delete).send().await.classify()?;
        // The call succeeds even where it deleted nothing: under a lock, or without the permission.
        if let Some(error) = deleted.errors().first() {
            let (key, code) = (error.key().unwrap_or_default(), error.code().unwrap_or_default());
            let said = error.message().unwrap_or_default();
            let message = format!("s3 DeleteObjects: {bucket}/{key}: {code}: {said}");
            let class = match code {
                "InternalError" => Class::Transient,
                "SlowDown" => Class::Throttled,
                _ => Class::Denied,
            };
            return Err(Error::new(class, message));
        }
    }
}
