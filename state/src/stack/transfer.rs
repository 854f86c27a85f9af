//! Whole states: out as a text, in from a text, and taken over where they were copied to.

use std::time::Duration;

use super::{
    lease::Lease,
    load::{self, Whose},
    session::Session,
    state::State,
};
use crate::{
    Change, Deployment, Error, ErrorKind, HistoryEntry, Holder, Identity, Lineage, Outcome,
    Position, Result, env::EnvExt, format::v1,
};

/// What an exported text does with secrets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportSecrets {
    /// They are sealed; the text is as safe as the state.
    Sealed,
    /// They are shown, because a person asked for it.
    Shown,
}

/// How an exported text is put back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Push {
    /// Only if nothing happened since it was exported.
    Checked,
    /// Over whatever happened since. Never over another lineage.
    Forced,
}

/// What became of the state that a rebound one was copied from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rebind {
    /// It is still there: the copy gets a lineage of its own.
    Copied,
    /// It is not: the state was moved here and stays what it is.
    Moved,
}

impl State {
    /// The whole state as one portable JSON text (`state pull`).
    pub async fn export(&self, secrets: ExportSecrets) -> Result<String> {
        let Some(loaded) = load::load(&self.store, Whose::Ours).await? else {
            let message = format!("there is no state of {} to export", self.store.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        let key = match secrets {
            ExportSecrets::Sealed => Some(self.store.vault.open(&loaded.head.key).await?),
            ExportSecrets::Shown => None,
        };
        v1::write_export(&loaded.snapshot, loaded.tail.position, key.as_deref())
    }

    /// Makes the state what an exported text says (`state push`), as one deployment in the history. A stack that is
    /// not there is made, with the lineage of the text.
    pub async fn import(
        &self,
        text: &str,
        who: Holder,
        wait: Duration,
        push: Push,
    ) -> Result<Position> {
        let export = v1::read_export(text, &self.store.vault).await?;
        let lineage = export.snapshot.identity.lineage;
        if export.snapshot.identity.stack != self.store.name {
            let message = format!(
                "the text is the state of {}, not of {}. Nothing was changed",
                export.snapshot.identity.stack, self.store.name
            );
            return Err(Error::new(ErrorKind::Identity, message));
        }
        let (by, command) = (who.who.clone(), who.command.clone());
        let session = self.open(who, wait, Whose::Ours, Some(lineage)).await?;
        let pushed = async {
            let refused =
                |kind, what| Err(Error::new(kind, format!("{what}. Nothing was changed")));
            let identity = session.identity();
            if identity.lineage != lineage {
                let what = format!(
                    "the text is of the lineage {lineage}, the state of {}",
                    identity.lineage
                );
                return refused(ErrorKind::Identity, what);
            }
            let fresh = session.found() == Position::default();
            if push == Push::Checked && !fresh && session.found() != export.position {
                let what = format!(
                    "the text was exported at {}, the state has moved to {}: export it again and repeat the edit",
                    export.position,
                    session.found()
                );
                return refused(ErrorKind::Invalid, what);
            }
            let now = session.snapshot();
            let number = |snapshot: &crate::Snapshot| {
                snapshot.deployment.as_ref().map_or(0, |deployment| deployment.number)
            };
            let deployment = Deployment {
                number: number(&now).max(number(&export.snapshot)) + 1,
                command,
                by,
                revision: String::new(),
                at: self.store.env.now(),
                cloud: export.snapshot.deployment.as_ref().and_then(|last| last.cloud.clone()),
            };
            let mut changes = vec![Change::Begun(deployment.clone())];
            changes.extend(now.changes_to(&export.snapshot));
            changes.push(Change::Ended(Outcome::Succeeded));
            session.commit(changes).await?;
            Ok(deployment)
        };
        match pushed.await {
            Ok(deployment) => {
                let entry = HistoryEntry {
                    ended: self.store.env.now(),
                    outcome: Outcome::Succeeded,
                    summary: std::iter::once(("pushed".to_owned(), 1)).collect(),
                    position: session.position(),
                    graph: None,
                    deployment,
                };
                session.close(entry).await?;
                Ok(session.position())
            }
            Err(error) => {
                let _ = session.release().await;
                Err(error)
            }
        }
    }

    /// Makes a state that was copied or moved to this place, or to this stack's name, this stack's own.
    pub async fn rebind(&self, who: Holder, wait: Duration, how: Rebind) -> Result<Identity> {
        let Some((head, _)) = self.store.head().await? else {
            let message = format!("there is no state of {} to take over", self.store.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        let identity = Identity {
            stack: self.store.name.clone(),
            lineage: match how {
                Rebind::Copied => Lineage(self.store.env.uuid()),
                Rebind::Moved => head.identity.lineage,
            },
            home: self.store.backend.url(),
        };
        let mut session = self.open(who, wait, Whose::Anybodys, None).await?;
        session.live_mut().snapshot.identity = identity.clone();
        session.scope = v1::scope(&identity);
        let rebound = {
            let mut writer = session.writer.lock().await;
            writer.head.moving = None;
            session.compact(&mut writer).await
        };
        session.release().await?;
        rebound.map(|()| identity)
    }

    pub(super) async fn open(
        &self,
        who: Holder,
        wait: Duration,
        whose: Whose,
        born: Option<Lineage>,
    ) -> Result<Session> {
        // A state that is not ours is not even locked, and one that cannot be read is not waited for.
        if let Some((head, _)) = self.store.head().await? {
            load::check(&self.store, &head, whose)?;
            self.store.vault.open(&head.key).await?;
        } else {
            self.store.is_absent().await?;
        }
        let lease = Lease::take(&self.store, who, wait).await?;
        let nonce = lease.nonce;
        let mut opened = Box::pin(Session::open(self.store.clone(), lease, whose, born)).await;
        if let Ok(session) = &opened
            && session.with(|found| !found.open.is_empty() && found.outcome.is_none())
            && let Err(error) = session.lease.outwait().await
        {
            opened = Err(error);
        }
        if opened.is_err() {
            let _ = self.store.backend.lease_free(&self.store.folder(), nonce).await;
        }
        opened
    }
}
