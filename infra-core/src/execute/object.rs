//! One operation on one object: calling its driver, trying again, waiting.

use std::{sync::Arc, time::Duration};

use infra_state::{Env, Record, Value};

use super::{poll::interval, scope::Scope};
use crate::{
    plan::StepId,
    provider::{
        Class, Connection, Driver, ErasedFind, ErasedObserved, Error, Operation, Readiness, Result,
    },
};

/// An operation on an object.
pub(crate) struct Object<'s> {
    pub(crate) scope: &'s Scope,
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) connection: Arc<Connection>,
    pub(crate) op: Operation,
    /// Whose progress is told.
    pub(crate) step: Option<StepId>,
    /// When it is given up.
    pub(crate) deadline: Duration,
    /// Until when something that is not found may only be not visible yet.
    pub(crate) visible: Duration,
}

/// Until this age of an object "it is not there" is doubted. Ages are differences of clocks on walls of different
/// machines, so it is far more than any window.
const YOUNG: Duration = Duration::from_hours(1);

/// Until when (of the monotonic clock) an object that is recorded may be there and not be found. Some clouds show what
/// was made a moment ago on one read and not on the next; taken for absent, it would be lost and made again.
pub(crate) fn doubted(env: &dyn Env, record: &Record, window: Duration) -> Duration {
    let age = env.now().duration_since(record.created.max(record.updated));
    let young = Duration::try_from(age).is_ok_and(|age| age < YOUNG) || age.is_negative();
    if young { env.monotonic() + window } else { Duration::ZERO }
}

/// How often something was tried.
#[derive(Default)]
pub(crate) struct Attempts {
    count: u32,
    /// One of them may have had its effect though it failed.
    pub(crate) ambiguous: bool,
    /// When the last of those was given up: it may be on its way yet.
    lost: Option<Duration>,
}

impl Attempts {
    /// Notes that an attempt failed.
    pub(crate) fn fail(&mut self, class: Class, now: Duration) {
        if class == Class::Transient {
            self.ambiguous = true;
            self.lost = Some(now);
        }
    }
}

impl Object<'_> {
    /// After a failed call: waits and returns if it is to be tried again, else gives the error back.
    pub(crate) async fn again(&self, attempts: &mut Attempts, error: Error) -> Result<()> {
        let class = error.class();
        let now = self.scope.env.monotonic();
        attempts.fail(class, now);
        let until = if class == Class::NotFound { self.visible } else { self.deadline };
        if !(class.is_retryable() || class == Class::NotFound) || now >= until {
            return Err(error);
        }
        let first = if class == Class::Throttled { 400 } else { 100 };
        let most =
            Duration::from_millis(first << attempts.count.min(7)).min(Duration::from_secs(15));
        attempts.count += 1;
        let pause = self.scope.jitter(most).min(until.saturating_sub(now));
        // The first moments of a wait are nobody's business.
        if attempts.count > 2 {
            let text = format!("{error}; again in {} s", pause.as_secs_f32().ceil());
            self.scope.progress(self.step, &self.op.urn, text);
        }
        self.scope.env.sleep(pause).await;
        Ok(())
    }

    /// Waits until no call whose answer was lost can be on its way any more: an update that arrives late would undo a
    /// later one.
    pub(crate) async fn outwait(&self, attempts: &Attempts) {
        let Some(lost) = attempts.lost else { return };
        let over = lost + self.driver.once().window;
        self.scope.env.sleep(over.saturating_sub(self.scope.env.monotonic())).await;
    }

    /// The same for a create or delete, where a name alone tells one object from the next: arriving late, a create would
    /// make what is made and deleted by then, and a delete would delete what has got the name anew.
    pub(crate) async fn outwait_by_name(&self, attempts: &Attempts) {
        if self.driver.once().by_name {
            self.outwait(attempts).await;
        }
    }

    /// Whether a call that changes something may be started.
    pub(crate) fn check(&self) -> Result<()> {
        self.scope.session.check().map_err(|e| Error::new(Class::Fenced, e.to_string()))
    }

    /// The object with this id, `after` some time, trying again where that can help.
    pub(crate) async fn read(
        &self,
        id: &str,
        recorded: &Value,
        after: Duration,
    ) -> Result<Option<ErasedObserved>> {
        let find = ErasedFind::Id { id: id.to_owned(), recorded: Some(recorded.clone()) };
        self.ask(find, after).await
    }

    /// The object of a record; `None` only if it is absent for sure: a read that was begun when the doubt was over
    /// missed it.
    pub(crate) async fn there(&self, record: &Record) -> Result<Option<ErasedObserved>> {
        let Some(id) = &record.id else { return Ok(None) };
        let env = &self.scope.env;
        let until = doubted(&**env, record, self.driver.once().window).max(self.visible);
        self.shown(id, &record.inputs, until).await
    }

    /// The object with this id, as soon as it shows; `None` if a read that was begun at `until` or later missed it.
    pub(crate) async fn shown(
        &self,
        id: &str,
        recorded: &Value,
        until: Duration,
    ) -> Result<Option<ErasedObserved>> {
        let env = &self.scope.env;
        let start = env.monotonic();
        let mut after = Duration::ZERO;
        loop {
            let asked = env.monotonic() + after / 2;
            let found = self.read(id, recorded, after).await?;
            if found.is_some() || asked >= until {
                return Ok(found);
            }
            let now = env.monotonic();
            after = interval(now.saturating_sub(start)).min(until.saturating_sub(now));
        }
    }

    /// The object that this operation made, or that has the wanted name.
    pub(crate) async fn find(&self, want: &Value) -> Result<Option<ErasedObserved>> {
        let find = ErasedFind::Made { want: want.clone(), op: self.op.clone() };
        self.ask(find, Duration::ZERO).await
    }

    async fn ask(&self, find: ErasedFind, after: Duration) -> Result<Option<ErasedObserved>> {
        let mut attempts = Attempts::default();
        let mut after = after;
        loop {
            let poller = &self.scope.poller;
            match poller.read(&self.connection, &self.driver, find.clone(), after).await {
                Err(error) if error.class() == Class::NotFound => return Ok(None),
                Err(error) => self.again(&mut attempts, error).await?,
                Ok(found) => return Ok(found),
            }
            after = Duration::ZERO;
        }
    }

    /// Waits until the object can be used.
    pub(crate) async fn ready(&self, id: &str, recorded: &Value) -> Result<ErasedObserved> {
        let start = self.scope.env.monotonic();
        let mut after = Duration::ZERO;
        let mut told = String::new();
        let mut still = false;
        loop {
            // It may be read a little earlier, together with others.
            let asked = self.scope.env.monotonic() + after / 2;
            let found = self.read(id, recorded, after).await?;
            let now = self.scope.env.monotonic();
            let waited = now.saturating_sub(start);
            let why = match found {
                Some(found) => match &found.readiness {
                    Readiness::Ready => return Ok(found),
                    // What was stuck before anybody waited may get going again: somebody mended what it needs.
                    Readiness::Stuck(why) if told.is_empty() || still => {
                        still = true;
                        why.clone()
                    }
                    Readiness::Failed(why) | Readiness::Stuck(why) => {
                        return Err(Error::invalid(format!("{id} failed: {why}")));
                    }
                    Readiness::Deleting(why) => {
                        return Err(Error::invalid(format!("{id} is being deleted: {why}")));
                    }
                    Readiness::Restorable(why) | Readiness::Pending(why) => why.clone(),
                },
                None if asked < self.visible => "not visible yet".to_owned(),
                None => return Err(Error::not_found(format!("{id} is gone"))),
            };
            if now >= self.deadline {
                let message = format!("not ready after {} s: {why}", waited.as_secs());
                return Err(Error::new(Class::Transient, message));
            }
            if told != why {
                self.scope.progress(self.step, &self.op.urn, &*why);
                told = why;
            }
            after = interval(waited);
        }
    }

    /// Waits until the object is gone.
    pub(crate) async fn gone(&self, id: &str, recorded: &Value) -> Result<()> {
        let start = self.scope.env.monotonic();
        let mut after = Duration::ZERO;
        let mut told = String::new();
        loop {
            let Some(found) = self.read(id, recorded, after).await? else { return Ok(()) };
            let now = self.scope.env.monotonic();
            let waited = now.saturating_sub(start);
            let why = match found.readiness {
                // Scheduled for deletion is as gone as it gets.
                Readiness::Restorable(_) => return Ok(()),
                Readiness::Failed(why) | Readiness::Stuck(why) => format!("failed: {why}"),
                Readiness::Deleting(why) | Readiness::Pending(why) => why,
                Readiness::Ready => "still there".to_owned(),
            };
            if now >= self.deadline {
                let message = format!("not gone after {} s: {why}", waited.as_secs());
                return Err(Error::new(Class::Transient, message));
            }
            if told != why {
                self.scope.progress(self.step, &self.op.urn, &*why);
                told = why;
            }
            after = interval(waited);
        }
    }
}
