//! Which file a program is configured by.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::Located;
use crate::{Error, ErrorKind, Result};

/// Where the configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The program's name: its file is `NAME.toml`.
    pub program: String,
    /// `--config`: this file and no other.
    pub file: Option<PathBuf>,
    /// Where the search begins; it goes upward.
    pub from: PathBuf,
    /// Where the program's source is: looked at last.
    pub beside: Option<PathBuf>,
}

impl Source {
    /// The file, if there is one.
    pub fn find(&self) -> Option<PathBuf> {
        let name = format!("{}.toml", self.program);
        if let Some(file) = &self.file {
            return Some(self.from.join(file));
        }
        let upward = self.from.ancestors().map(Path::to_owned);
        let mut candidates = upward.chain(self.beside.clone()).map(|folder| folder.join(&name));
        candidates.find(|candidate| candidate.is_file())
    }

    /// The file and what is in it, if there is one.
    pub fn read(&self) -> Result<Option<(PathBuf, Located)>> {
        let Some(path) = self.find() else { return Ok(None) };
        let text = fs::read_to_string(&path).map_err(|e| {
            let what = if e.kind() == io::ErrorKind::NotFound {
                format!("there is no file {}", path.display())
            } else {
                format!("cannot read {}: {e}", path.display())
            };
            Error::new(ErrorKind::Usage, what).because(e)
        })?;
        let shown = path.strip_prefix(&self.from).unwrap_or(&path);
        let located = Located::parse(&text, shown)?;
        Ok(Some((path, located)))
    }
}
