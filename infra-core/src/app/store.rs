//! Opening what a URL names.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use infra_state::{Backend, Local, LocalKey, Sealer, StackName, Value};

use super::{App, key};
use crate::{
    Error, ErrorKind, Result,
    config::{nearest, scheme},
    provider::World,
};

/// What opens a state's place.
pub(super) type OpenBackend =
    dyn Fn(Address) -> BoxFuture<'static, Result<Arc<dyn Backend>>> + Send + Sync;
/// What opens a sealing key.
pub(super) type OpenKey =
    dyn Fn(Address) -> BoxFuture<'static, Result<Arc<dyn Sealer>>> + Send + Sync;

/// What reads a document.
pub(super) type OpenDocument = dyn Fn(Address) -> BoxFuture<'static, Result<Vec<u8>>> + Send + Sync;

/// A URL with what is needed to open it.
#[derive(Clone, Debug)]
pub struct Address {
    /// `file:.infra`, or `SCHEME:…` with another scheme that is plugged in.
    pub url: String,
    /// What a relative path in it is relative to.
    pub directory: PathBuf,
    /// The stack.
    pub stack: StackName,
    /// The cloud that the settings name; `None`: they name none, and the state may know.
    pub cloud: Option<String>,
    /// The cloud of stacks that name none, as far as it can be known before the state is read.
    pub default_cloud: String,
    /// What the clouds read from the stack's settings: `region`, `profile`, …
    pub settings: Value,
    /// The world of the program's embedded cloud, for what lives there.
    pub world: World,
    /// For a key: the stack has state already, so a new key would open nothing.
    pub exists: bool,
}

impl Address {
    /// The cloud that the settings name, else the one of stacks that name none.
    pub fn cloud(&self) -> &str {
        self.cloud.as_ref().unwrap_or(&self.default_cloud)
    }

    /// What stands before the first `:`.
    pub fn scheme(&self) -> &str {
        scheme(&self.url)
    }

    /// What stands after it, without leading `//`.
    pub fn rest(&self) -> &str {
        let rest = self.url.split_once(':').map_or("", |(_, rest)| rest);
        rest.strip_prefix("//").unwrap_or(rest)
    }

    /// What stands after the scheme, as a path.
    pub fn path(&self) -> PathBuf {
        local_path(&self.url, &self.directory)
    }
}

/// What stands after the scheme of a URL, as a path that is absolute wherever it can be.
pub(super) fn local_path(url: &str, directory: &Path) -> PathBuf {
    let rest = url.split_once(':').map_or("", |(_, rest)| rest);
    let rest = rest.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(rest);
    directory.join(rest)
}

impl App {
    /// The schemes that need no cloud.
    pub(super) fn with_files(self) -> Self {
        self.backend("file", |address| async move {
            let backend: Arc<dyn Backend> = Arc::new(Local::new(address.path())?);
            Ok(backend)
        })
        .keys("file", |address| async move {
            let path = address.path();
            let sealer = if address.exists {
                if !path.exists() {
                    return Err(key::missing(&address, &path));
                }
                LocalKey::open(&path)?
            } else {
                LocalKey::open_or_create(&path)?
            };
            let sealer: Arc<dyn Sealer> = Arc::new(sealer);
            Ok(sealer)
        })
        .documents("file", |address| async move { crate::reference::file(&address.path()) })
        .keys("passphrase", |address| async move {
            let sealer: Arc<dyn Sealer> = Arc::new(key::passphrase(&address)?);
            Ok(sealer)
        })
    }

    pub(super) async fn open_backend(&self, address: Address) -> Result<Arc<dyn Backend>> {
        let known = self.backends.keys().map(String::as_str);
        let open = self.backends.get(address.scheme());
        match open {
            Some(open) => open(address).await,
            None => Err(unknown("the state", &address, known)),
        }
    }

    pub(super) async fn open_document(&self, address: Address) -> Result<Vec<u8>> {
        let known = self.documents.keys().map(String::as_str);
        match self.documents.get(address.scheme()) {
            Some(open) => open(address).await,
            None => Err(unknown("the document", &address, known)),
        }
    }

    pub(super) async fn open_key(&self, address: Address) -> Result<Arc<dyn Sealer>> {
        let known = self.keys.keys().map(String::as_str);
        match self.keys.get(address.scheme()) {
            Some(open) => open(address).await,
            None => Err(unknown("the key", &address, known)),
        }
    }
}

fn unknown<'k>(what: &str, address: &Address, known: impl Iterator<Item = &'k str>) -> Error {
    let known: Vec<_> = known.collect();
    let url = &address.url;
    let meant = match nearest(address.scheme(), known.iter().copied()) {
        Some(scheme) if !address.scheme().is_empty() => format!("did you mean `{scheme}:…`?"),
        _ => {
            let known: Vec<_> = known.iter().map(|scheme| format!("`{scheme}:…`")).collect();
            format!("this program knows {}", known.join(", "))
        }
    };
    Error::new(
        ErrorKind::Usage,
        format!("{what} {url:?} is in no place that can be opened; {meant}"),
    )
}
