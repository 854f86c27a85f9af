//! What can go wrong outside an API call: the directory, its key, its content.

use std::path::PathBuf;

/// Why the directory of an embedded cloud cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file exists but does not open with this key: another key, or it was damaged.
    #[error("{path}: wrong key or damaged file (at byte {offset})")]
    Sealed {
        /// The file.
        path: PathBuf,
        /// Where the first frame that does not open begins.
        offset: u64,
    },
    /// The content opened but does not mean anything to this version.
    #[error("{path}: {reason}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn content(path: impl Into<PathBuf>, reason: impl std::fmt::Display) -> Self {
        Self::Content { path: path.into(), reason: reason.to_string() }
    }
}
