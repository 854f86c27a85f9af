//! [`Local`]: objects are files under their keys.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use uuid::Uuid;

use super::{files, health, lease::Lease};
use crate::{
    Error, ErrorKind, Finding, Result,
    backend::{Backend, Claim, HolderInfo, Liveness, Object, Put, Tag, Taken, key::check_key},
};

/// A directory, for one machine or a file system that locks across machines (`file:DIR`).
///
/// Nothing is made before the first write. Every write is followed by `fsync` of the file and of its directory
/// before it counts. Files are for their owner only.
#[derive(Clone, Debug)]
pub struct Local {
    root: Arc<Path>,
}

impl Local {
    /// The directory `root`, which need not exist yet.
    pub fn new(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        let absolute = std::path::absolute(root)
            .and_then(|path| settle(&path))
            .map_err(|e| files::failed("find", root, e))?;
        Ok(Self { root: absolute.into() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Path) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let root = Arc::clone(&self.root);
        tokio::task::spawn_blocking(move || act(&root)).await.map_err(|e| {
            Error::new(ErrorKind::Unavailable, "a file operation was cut off").because(e)
        })?
    }

    async fn lease<T: Send + 'static>(
        &self,
        stack: &str,
        act: impl FnOnce(&Lease<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        check_key(stack)?;
        let stack = stack.to_owned();
        self.blocking(move |root| act(&Lease { root, folder: root.join(stack).join(".lease") }))
            .await
    }
}

/// The path with the links of what exists of it resolved, so that one directory has one URL.
fn settle(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(e) if files::absent(&e) => match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok(settle(parent)?.join(name)),
            // `..` after something that is not there.
            (Some(below), None) => {
                let below = settle(below)?;
                Ok(below.parent().unwrap_or(&below).to_owned())
            }
            _ => Err(e),
        },
        settled => settled,
    }
}

/// State is not source: it is large, and in most projects it is not alone.
pub(super) fn ignore(root: &Path) -> Result<()> {
    let path = root.join(".gitignore");
    if path.exists() {
        return Ok(());
    }
    files::create(root, &path, b"*\n").map(drop)
}

fn tagged(body: Vec<u8>) -> Object {
    Object { tag: files::tag(&body), body }
}

#[async_trait]
impl Backend for Local {
    fn url(&self) -> String {
        format!("file:{}", self.root.display())
    }

    fn liveness(&self) -> Liveness {
        Liveness::Kernel
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        check_key(key)?;
        let key = key.to_owned();
        self.blocking(move |root| Ok(files::read(&root.join(key))?.map(tagged))).await
    }

    async fn put_if_absent(&self, key: &str, body: &[u8]) -> Result<Put> {
        check_key(key)?;
        let (key, body) = (key.to_owned(), body.to_owned());
        self.blocking(move |root| {
            ignore(root)?;
            if files::create(root, &root.join(key), &body)? {
                return Ok(Put::Stored(files::tag(&body)));
            }
            Ok(Put::Refused)
        })
        .await
    }

    async fn put_if_match(&self, key: &str, body: &[u8], seen: &Tag) -> Result<Put> {
        check_key(key)?;
        let (key, body, seen) = (key.to_owned(), body.to_owned(), seen.clone());
        self.blocking(move |root| {
            let path = root.join(key);
            let _mutex = files::mutex(root)?;
            match files::read(&path)?.map(tagged) {
                Some(there) if there.tag == seen => files::replace(root, &path, &body)?,
                _ => return Ok(Put::Refused),
            }
            Ok(Put::Stored(files::tag(&body)))
        })
        .await
    }

    async fn list(&self, folder: &str, after: &str) -> Result<Vec<String>> {
        if !folder.is_empty() {
            check_key(folder)?;
        }
        let (folder, after) = (folder.to_owned(), after.to_owned());
        self.blocking(move |root| {
            let path = root.join(folder);
            let names = || -> io::Result<Vec<String>> {
                let mut names = Vec::new();
                for entry in fs::read_dir(&path)? {
                    let entry = entry?;
                    let Ok(name) = entry.file_name().into_string() else { continue };
                    if name.starts_with('.') {
                        continue;
                    }
                    let name = if entry.file_type()?.is_dir() { name + "/" } else { name };
                    if name > after {
                        names.push(name);
                    }
                }
                names.sort();
                Ok(names)
            };
            match names() {
                Err(e) if files::absent(&e) => Ok(Vec::new()),
                names => names.map_err(|e| files::failed("list", &path, e)),
            }
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        let key = key.to_owned();
        self.blocking(move |root| files::remove(root, &root.join(key))).await
    }

    async fn lease_take(&self, stack: &str, claim: &Claim, _over: Option<Uuid>) -> Result<Taken> {
        let claim = claim.clone();
        self.lease(stack, move |lease| {
            ignore(lease.root)?;
            lease.take(&claim)
        })
        .await
    }

    async fn lease_renew(&self, stack: &str, nonce: Uuid, _beat: Uuid) -> Result<bool> {
        self.lease(stack, move |lease| lease.is_held_by(nonce)).await
    }

    async fn lease_free(&self, stack: &str, nonce: Uuid) -> Result<bool> {
        self.lease(stack, move |lease| lease.free(nonce)).await
    }

    async fn lease_holder(&self, stack: &str) -> Result<Option<HolderInfo>> {
        self.lease(stack, |lease: &Lease<'_>| lease.holder()).await
    }

    async fn examine(&self) -> Result<Vec<Finding>> {
        self.blocking(health::examine).await
    }

    async fn prepare(&self) -> Result<Vec<Finding>> {
        self.blocking(health::prepare).await
    }
}
