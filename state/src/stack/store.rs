//! A stack's folder in a backend: names of objects, and writes whose lost replies are understood.

use std::sync::{Arc, Mutex};

use super::{limits::Limits, load::Loaded};
use crate::{
    Backend, Env, Error, ErrorKind, Result, StackName,
    backend::{Object, Put, Tag},
    format::v1::{Head, read_head, write_head},
    seal::Vault,
};

const HEAD: &str = "head.json";

/// Where a stack's objects are, and what is needed to read and write them.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) env: Arc<dyn Env>,
    pub(super) vault: Vault,
    pub(super) name: StackName,
    /// What was read last: the journal only grows, so the next reading goes on from there.
    pub(super) seen: Arc<Mutex<Option<Loaded>>>,
    pub(super) limits: Limits,
}

/// What became of a write that only one can win.
#[derive(Debug)]
pub(super) enum Won {
    /// It is there, now or since an earlier attempt whose reply was lost.
    Mine(Tag),
    /// Something else is there; `None` if it is gone already.
    Theirs(Option<Object>),
}

impl Store {
    /// The stack's folder, which is also the name of its lease.
    pub(super) fn folder(&self) -> String {
        self.name.to_string()
    }

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }

    /// An object's name in messages.
    pub(super) fn object(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.backend.url(), self.name)
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Object>> {
        self.backend.get(&self.key(name)).await
    }

    pub(super) async fn list(&self, folder: &str, after: &str) -> Result<Vec<String>> {
        self.backend.list(&self.key(folder), after).await
    }

    /// Creates an object.
    ///
    /// **Invariant:** what is written carries the writer's nonce, so equal bytes are one's own bytes: a refusal that
    /// was caused by one's own first attempt is told from a real one.
    pub(super) async fn create(&self, name: &str, body: &[u8]) -> Result<Won> {
        let put = self.backend.put_if_absent(&self.key(name), body).await?;
        self.settle(name, body, put).await
    }

    /// Replaces an object that was seen.
    pub(super) async fn replace(&self, name: &str, body: &[u8], seen: &Tag) -> Result<Won> {
        let put = self.backend.put_if_match(&self.key(name), body, seen).await?;
        self.settle(name, body, put).await
    }

    async fn settle(&self, name: &str, body: &[u8], put: Put) -> Result<Won> {
        Ok(match put {
            Put::Stored(tag) => Won::Mine(tag),
            Put::Refused => match self.get(name).await? {
                Some(there) if there.body == body => Won::Mine(there.tag),
                there => Won::Theirs(there),
            },
        })
    }

    pub(super) async fn head(&self) -> Result<Option<(Head, Tag)>> {
        let Some(object) = self.get(HEAD).await? else { return Ok(None) };
        Ok(Some((read_head(&self.object(HEAD), &object.body)?, object.tag)))
    }

    /// Moves the head: the one commit point. Who does not win is fenced.
    pub(super) async fn move_head(&self, head: &Head, seen: Option<&Tag>) -> Result<Won> {
        let body = write_head(head)?;
        match seen {
            Some(seen) => self.replace(HEAD, &body, seen).await,
            None => self.create(HEAD, &body).await,
        }
    }

    /// Whether a stack whose head was not found is not there at all. `false`: it was made just now.
    pub(super) async fn is_absent(&self) -> Result<bool> {
        let left = self.backend.list(&self.folder(), "").await?;
        if left.iter().any(|name| name.ends_with('/')) {
            // The head is the first object made and the last removed: it may have come since it was asked for.
            if self.get(HEAD).await?.is_some() {
                return Ok(false);
            }
            let message = format!(
                "{} is missing, but {} is there: the state was damaged. Nothing was changed. Put back the head \
                 (a backup, an earlier version of the object), or move the folder away to begin anew",
                self.object(HEAD),
                left.join(" ")
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        Ok(true)
    }

    /// Deletes the head: the stack is not there any more.
    pub(super) async fn delete_head(&self) -> Result<()> {
        self.backend.delete(&self.key(HEAD)).await
    }
}

/// The error of a holder that another one has taken over from.
pub(super) fn fenced(what: &str) -> Error {
    let message = format!(
        "the lock was lost: {what}. Nothing that was reported as done is lost; run again to go on from there"
    );
    Error::new(ErrorKind::Fenced, message)
}
