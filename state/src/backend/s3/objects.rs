//! Objects: conditional writes, reads, listings.

use aws_sdk_s3::{
    Client,
    operation::{get_object::GetObjectOutput, list_objects_v2::ListObjectsV2Output},
    primitives::ByteStream,
    types::{ChecksumAlgorithm, ChecksumMode},
};

use super::{
    S3Address,
    answer::{Answer as _, code},
};
use crate::{
    Error, ErrorKind, Result,
    backend::{Object, Put, Tag},
};

/// The bucket's objects under the prefix.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    pub(super) client: Client,
    pub(super) place: S3Address,
}

/// When a write is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum When<'a> {
    /// There is no object yet.
    Absent,
    /// The object is still this version.
    Is(&'a Tag),
}

impl Objects {
    pub(super) async fn get(&self, key: &str) -> Result<Option<Object>> {
        let Self { client, place } = self;
        let get = client.get_object().bucket(&place.bucket).key(place.object(key));
        // Not left to the client's settings: what arrives is what was stored.
        let found = match get.checksum_mode(ChecksumMode::Enabled).send().await {
            Err(e) if code(&e) == Some("NoSuchKey") => return Ok(None),
            // Who may not list a bucket is not told that an object is not there.
            Err(e) if code(&e) == Some("AccessDenied") => {
                return Err(e).answer(place, "s3:ListBucket and s3:GetObject");
            }
            found => found.answer(place, "s3:GetObject")?,
        };
        let GetObjectOutput { body, e_tag, .. } = found;
        let body = body.collect().await.map_err(|e| {
            let message = format!("{}/{key} was cut off on its way: {e}", place.home());
            Error::new(ErrorKind::Unavailable, message).because(e)
        })?;
        Ok(Some(Object { body: body.to_vec(), tag: self.tag(key, e_tag)? }))
    }

    /// **Invariant:** no write without a condition.
    pub(super) async fn put(&self, key: &str, body: &[u8], when: When<'_>) -> Result<Put> {
        let Self { client, place } = self;
        let put = client
            .put_object()
            .bucket(&place.bucket)
            .key(place.object(key))
            .body(ByteStream::from(body.to_vec()))
            .checksum_algorithm(ChecksumAlgorithm::Crc32);
        let put = match when {
            When::Absent => put.if_none_match("*"),
            When::Is(tag) => put.if_match(&tag.0),
        };
        match put.send().await {
            Ok(stored) => Ok(Put::Stored(self.tag(key, stored.e_tag)?)),
            // A version that is gone is answered with `NoSuchKey`.
            Err(e) if matches!(code(&e), Some("PreconditionFailed" | "NoSuchKey")) => {
                Ok(Put::Refused)
            }
            Err(e) => Err(e).answer(place, "s3:PutObject"),
        }
    }

    pub(super) async fn delete(&self, key: &str) -> Result<()> {
        let Self { client, place } = self;
        let delete = client.delete_object().bucket(&place.bucket).key(place.object(key));
        delete.send().await.answer(place, "s3:DeleteObject").map(drop)
    }

    /// What is directly inside `folder`, by name, in order; what begins with a dot too.
    pub(super) async fn list(&self, folder: &str, after: &str) -> Result<Vec<String>> {
        let Self { client, place } = self;
        let base = match folder {
            "" => place.base(),
            folder => place.object(&format!("{folder}/")),
        };
        let list = client.list_objects_v2().bucket(&place.bucket).prefix(&base).delimiter("/");
        let list = if after.is_empty() { list } else { list.start_after(format!("{base}{after}")) };
        let (mut names, mut from) = (Vec::new(), None);
        loop {
            let page = list.clone().set_continuation_token(from);
            let page = page.send().await.answer(place, "s3:ListBucket")?;
            let ListObjectsV2Output { contents, common_prefixes, .. } = &page;
            let objects = contents.iter().flatten().filter_map(|object| object.key());
            let folders = common_prefixes.iter().flatten().filter_map(|folder| folder.prefix());
            let inside = objects.chain(folders).filter_map(|key| key.strip_prefix(&base));
            // A folder may begin before `after` and go on behind it. An object that is named as the folder is a mark
            // that a console made.
            let wanted = inside.filter(|name| !name.is_empty() && *name > after);
            names.extend(wanted.map(str::to_owned));
            from = page.next_continuation_token;
            if from.is_none() {
                break;
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn tag(&self, key: &str, tag: Option<String>) -> Result<Tag> {
        tag.filter(|tag| !tag.is_empty()).map(Tag).ok_or_else(|| {
            let message = format!(
                "{}/{key} has no ETag: what answers there is no S3 that state can be kept in",
                self.place.home()
            );
            Error::new(ErrorKind::Refused, message)
        })
    }
}
