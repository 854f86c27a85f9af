//! Removing an object.

use std::{sync::Arc, time::Duration};

use infra_state::{Change, Record, Status, Verb};

use super::{
    object::{Attempts, Object},
    run::{Run, key_of, stale},
};
use crate::{
    Error, ErrorKind, Result,
    plan::{Action, Step, StepId},
    provider::{Class, Error as CallError, Readiness},
};

impl Run {
    /// Removes an object, or only its record. Gives what was done.
    pub(super) async fn remove(&self, id: StepId, step: &Step) -> Result<Action> {
        let Some(recorded) = &step.recorded else {
            return Err(stale(step, "there is no record of it"));
        };
        if let Some(urn) = &step.only_if
            && !self.is_replaced(urn).await?
        {
            return Ok(Action::Keep);
        }
        let driver = self.driver(&step.urn)?;
        if step.action == Action::Forget || driver.provider_kind().is_none() {
            self.commit(vec![Change::Forgotten(key_of(step))]).await?;
            return Ok(step.action);
        }
        if recorded.options.protect && recorded.status != Status::Deposed {
            let message = format!("{} is protected", step.urn);
            return Err(Error::new(ErrorKind::Refused, message));
        }
        self.learn(recorded);
        let connection = self.connection_of(recorded).await?;
        let limit = recorded.options.delete_timeout.map(Duration::from_secs);
        let object = Object {
            scope: &self.scope,
            connection,
            op: self.new_operation(&step.urn, &step.instance),
            step: Some(id),
            deadline: self.env.monotonic() + limit.unwrap_or(driver.timeouts().delete),
            visible: Duration::ZERO,
            driver,
        };
        object.remove(recorded).await?;
        Ok(step.action)
    }
}

impl Object<'_> {
    /// Removes the object of a record and waits until it is gone.
    pub(super) async fn remove(&self, recorded: &Arc<Record>) -> Result<()> {
        let op = self.op.id;
        self.scope.intend(op, Verb::Delete, Record::clone(recorded)).await?;
        let mut touched = false;
        match self.remove_now(recorded, &mut touched).await {
            Ok(()) => self.scope.commit(vec![Change::Done { op, record: None }]).await,
            Err(error) if error.class() == Class::Fenced => Err(self.scope.failure(&error)),
            Err(error) => {
                let failure = self.scope.failure(&error);
                // It may go away later, or be left half taken apart: the next run has to look.
                let record = (touched && recorded.status == Status::Ready).then(|| Record {
                    status: Status::Incomplete,
                    updated: self.scope.env.now(),
                    ..Record::clone(recorded)
                });
                let failed = Change::Failed { op, message: failure.to_string(), record };
                self.scope.commit(vec![failed]).await?;
                Err(failure)
            }
        }
    }

    /// Removes it; `touched` says whether a call got through.
    pub(super) async fn remove_now(
        &self,
        recorded: &Record,
        touched: &mut bool,
    ) -> Result<(), CallError> {
        let Some(id) = &recorded.id else { return Ok(()) };
        let mut attempts = Attempts::default();
        loop {
            let Some(have) = self.there(recorded).await? else {
                self.outwait_by_name(&attempts).await;
                return Ok(());
            };
            match have.readiness {
                Readiness::Deleting(_) | Readiness::Restorable(_) => break,
                _ => {}
            }
            self.check()?;
            let called = self.driver.delete(&self.connection, &have, &recorded.inputs, &self.op);
            match called.await {
                Ok(()) => break,
                Err(error) if error.class() == Class::NotFound => break,
                Err(error) => {
                    *touched |= error.class() == Class::Transient;
                    if let Err(given_up) = self.again(&mut attempts, error).await {
                        self.outwait_by_name(&attempts).await;
                        return Err(given_up);
                    }
                }
            }
        }
        *touched = true;
        self.gone(id, &recorded.inputs).await?;
        self.outwait_by_name(&attempts).await;
        Ok(())
    }
}
