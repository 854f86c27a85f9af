//! Making an object, exactly once.

use std::{sync::Arc, time::Duration};

use futures_util::join;
use infra_state::{Change, Record, Status, Value, Verb};

use super::{
    object::{Attempts, Object},
    run::{Run, provided},
    take::is_ours,
};
use crate::{
    Error, Result,
    graph::Node,
    plan::{DiffKind, Step, StepId, converge},
    provider::{Class, ErasedChange, ErasedObserved, Error as CallError},
    scrub::taint,
    secret,
};

/// How the create call came out when there is no id.
pub(crate) enum Unmade {
    /// Nothing was made.
    Nothing(CallError),
    /// Nobody knows: the next run looks for it.
    Unknown(CallError),
}

impl Run {
    /// A new object, and what it replaces is deposed.
    pub(super) async fn create(&self, id: StepId, step: &Step, node: &Node) -> Result<()> {
        let want = self.confirmed(id, node)?;
        self.scrub.learn(&want);
        let mut record = self.record(node, &step.instance, None);
        record.inputs = want;
        if node.urn.kind() == <secret::Secret as crate::Resource>::KIND {
            return self.create_secret(id, record).await;
        }
        let connection = self.connection(node).await?;
        record.provider = provided(node, &connection);
        let limit = node.options.create_timeout.unwrap_or(node.driver.timeouts().create);
        let object = Object {
            scope: &self.scope,
            driver: Arc::clone(&node.driver),
            connection,
            op: self.new_operation(&step.urn, &step.instance),
            step: Some(id),
            deadline: self.env.monotonic() + limit,
            visible: self.visible(&record.urn, &record.dependencies),
        };
        self.intend(object.op.id, Verb::Create, record.clone()).await?;
        let made = object.make(&record.inputs, node.options.adopt, false).await;
        let made = match made {
            Ok(made) => made,
            Err(Unmade::Unknown(error)) => return Err(self.failure(&error)),
            Err(Unmade::Nothing(error)) => {
                let failure = self.failure(&error);
                let message = failure.to_string();
                let change = Change::Failed { op: object.op.id, message, record: None };
                self.commit(vec![change]).await?;
                return Err(failure);
            }
        };
        record.id = Some(made.clone());
        // The next commit need not wait for this one: the journal keeps their order.
        let created = self.commit(vec![Change::Created { op: object.op.id, id: made }]);
        let displaced = self.displaced(&step.urn, &step.instance);
        let (created, finished) = join!(created, object.finish(record, displaced));
        created?;
        self.give(id, finished?.outputs);
        Ok(())
    }

    /// A secret is drawn and recorded at once: there is no call that could fail in between.
    async fn create_secret(&self, id: StepId, mut record: Record) -> Result<()> {
        let declared = <secret::Secret as crate::Data>::from_value(&record.inputs)
            .map_err(|e| Error::new(crate::ErrorKind::Failed, e.to_string()))?;
        let value = declared.generate(&mut |bytes| self.env.random(bytes));
        record.id = Some(record.instance.to_string());
        record.outputs = Value::from([("value", Value::from(value).secret())]);
        let outputs = record.outputs.clone();
        self.scrub.learn(&outputs);
        let mut changes: Vec<_> =
            self.displaced(&record.urn, &record.instance).into_iter().collect();
        changes.push(Change::Put(record));
        self.commit(changes).await?;
        self.give(id, outputs);
        Ok(())
    }
}

impl Object<'_> {
    /// Calls the driver until there is an id, or until it is clear that there is none. `ambiguous`: somebody may have
    /// called it before, for this operation.
    pub(crate) async fn make(
        &self,
        want: &Value,
        adopt: bool,
        ambiguous: bool,
    ) -> Result<String, Unmade> {
        let once = self.driver.once();
        let mut attempts = Attempts::default();
        attempts.ambiguous = ambiguous;
        let begun = self.scope.env.monotonic();
        loop {
            let called = match self.check() {
                Ok(()) => self.driver.create(&self.connection, want, &self.op).await,
                Err(fenced) => Err(fenced),
            };
            let error = match called {
                Ok(id) => {
                    self.outwait_by_name(&attempts).await;
                    return Ok(id);
                }
                Err(error) => error,
            };
            let class = error.class();
            if class == Class::Exists {
                self.outwait_by_name(&attempts).await;
                return self.existing(want, adopt, attempts.ambiguous, error).await;
            }
            attempts.fail(class, self.scope.env.monotonic());
            // A token is not honoured for ever, and the next call may be on its way for a while.
            let age = self.scope.env.monotonic().saturating_sub(begun);
            let honoured = |lifetime| age + once.window < lifetime;
            let repeatable = once.by_name || once.token.is_some_and(honoured);
            if attempts.ambiguous
                && class.is_retryable()
                && !repeatable
                && let Some(found) =
                    self.search(want, once.window).await.map_err(Unmade::Unknown)?
            {
                // The call had its effect: a second one would make another object.
                return Ok(found.id);
            }
            if let Err(error) = self.again(&mut attempts, error).await {
                if !attempts.ambiguous {
                    return Err(Unmade::Nothing(error));
                }
                let found = self.search(want, once.window).await;
                self.outwait_by_name(&attempts).await;
                return match found {
                    Ok(Some(found)) => Ok(found.id),
                    Ok(None) => Err(Unmade::Nothing(error)),
                    Err(_) => Err(Unmade::Unknown(error)),
                };
            }
        }
    }

    /// Looks for what this operation made until it would have become visible.
    pub(crate) async fn search(
        &self,
        want: &Value,
        window: Duration,
    ) -> Result<Option<ErasedObserved>, CallError> {
        let found = self.sight(want, window).await?;
        Ok(found.filter(|found| is_ours(found, &self.op, true)))
    }

    /// The object of this operation or of that name, as soon as it shows.
    async fn sight(
        &self,
        want: &Value,
        window: Duration,
    ) -> Result<Option<ErasedObserved>, CallError> {
        let until = self.scope.env.monotonic() + window;
        let mut pause = Duration::from_millis(50);
        loop {
            self.check()?;
            let asked = self.scope.env.monotonic();
            if let Some(found) = self.find(want).await? {
                return Ok(Some(found));
            }
            if asked >= until {
                return Ok(None);
            }
            let now = self.scope.env.monotonic();
            self.scope.env.sleep(pause.min(until.saturating_sub(now))).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// There is an object with that name already: ours, from an attempt whose answer was lost; one to adopt; or
    /// somebody else's.
    async fn existing(
        &self,
        want: &Value,
        adopt: bool,
        ambiguous: bool,
        error: CallError,
    ) -> Result<String, Unmade> {
        // It is there, but a read may miss what was made a moment ago.
        let found = match self.sight(want, self.driver.once().window).await {
            Ok(None) if ambiguous => {
                let unseen = CallError::new(Class::Transient, error.to_string());
                return Err(Unmade::Unknown(unseen));
            }
            Ok(found) => found,
            Err(error) if ambiguous => return Err(Unmade::Unknown(error)),
            Err(error) => return Err(Unmade::Nothing(error)),
        };
        match found {
            Some(found) if is_ours(&found, &self.op, ambiguous) => Ok(found.id),
            Some(found) if adopt && found.owner.is_none() => Ok(found.id),
            found => {
                let owner = found.as_ref().and_then(|found| found.owner.as_ref());
                let tag = |name: &str| owner.and_then(|owner| owner.get(name)).map(String::as_str);
                let whose = match (tag("infra:urn"), tag("infra:stack")) {
                    (Some(urn), Some(stack)) => format!("it is `{urn}` of stack `{stack}`"),
                    _ if owner.is_some() => "it belongs to another stack".to_owned(),
                    _ => "if it is meant to be this resource, declare it with `.adopt()` or `.import(id)`"
                        .to_owned(),
                };
                let error = error.to_string();
                let id = found.map(|found| found.id).filter(|id| !error.contains(&**id));
                let id = id.map(|id| format!(" ({id})")).unwrap_or_default();
                let message = format!("{error}{id}; {whose}");
                Err(Unmade::Nothing(CallError::new(Class::Exists, message)))
            }
        }
    }

    /// Waits until the object is ready, writes what creating it did not set, and records it. If that fails it is
    /// recorded as incomplete: the next run finishes it.
    pub(super) async fn finish(
        &self,
        mut record: Record,
        displaced: Option<Change>,
    ) -> Result<Record> {
        let settled = self.settle(&record).await;
        let mut changes: Vec<_> = displaced.into_iter().collect();
        let op = self.op.id;
        record.updated = self.scope.env.now();
        match settled {
            Ok(found) => {
                record.id = Some(found.id);
                record.outputs = found.outputs.unwrap_or_else(Value::map);
                taint(&mut record.outputs, &record.inputs);
                self.scope.learn(&record);
                changes.push(Change::Done { op, record: Some(record.clone()) });
                self.scope.commit(changes).await?;
                Ok(record)
            }
            Err(error) => {
                let failure = self.scope.failure(&error);
                record.status = Status::Incomplete;
                let message = failure.to_string();
                changes.push(Change::Failed { op, message, record: Some(record) });
                self.scope.commit(changes).await?;
                Err(failure)
            }
        }
    }

    async fn settle(&self, record: &Record) -> Result<ErasedObserved, CallError> {
        let fresh = Self {
            scope: self.scope,
            driver: Arc::clone(&self.driver),
            connection: Arc::clone(&self.connection),
            op: self.op.clone(),
            // It was made just now: for a while it may not be found.
            visible: self.visible.max(self.scope.env.monotonic() + self.driver.once().window),
            ..*self
        };
        let id = record.id.as_deref().unwrap_or_default();
        let found = fresh.ready(id, &record.inputs).await?;
        let missing = converge(self.driver.schema(), &found.live, &record.inputs);
        let schema = self.driver.schema();
        let paths: Vec<_> = missing
            .into_iter()
            .filter(|diff| diff.kind == DiffKind::Update)
            // What cannot be read back was given to the create.
            .filter(|diff| schema.field(&diff.path).is_none_or(|field| !field.write_only))
            .map(|diff| diff.path)
            .collect();
        if paths.is_empty() {
            return Ok(found);
        }
        let change = ErasedChange {
            have: Some(found),
            recorded: Some(record.inputs.clone()),
            want: Some(record.inputs.clone()),
            paths,
        };
        fresh.write(&change).await?;
        fresh.ready(id, &record.inputs).await
    }

    /// Calls the driver's update until it succeeds.
    pub(super) async fn write(&self, change: &ErasedChange) -> Result<(), CallError> {
        let mut attempts = Attempts::default();
        let written = loop {
            self.check()?;
            match self.driver.update(&self.connection, change, &self.op).await {
                Ok(()) => break Ok(()),
                Err(error) => {
                    if let Err(given_up) = self.again(&mut attempts, error).await {
                        break Err(given_up);
                    }
                }
            }
        };
        self.outwait(&attempts).await;
        written
    }
}
