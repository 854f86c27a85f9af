//! Changing an object in place.

use std::sync::Arc;

use infra_state::{Change, Options, Path, Record, Status, Value, Verb};

use super::{
    object::Object,
    poll::interval,
    run::{Run, provided, stale},
};
use crate::{
    Result,
    graph::Node,
    plan::{
        Action, Cause, DiffKind, Moved, PropertyDiff, Step, StepId, Subject, Verdict, assess,
        converge, drift,
        ignore::{of_others, overlay},
    },
    provider::{Class, Connection, ErasedChange, ErasedObserved, Error as CallError, Readiness},
    scrub::taint,
};

impl Run {
    /// Changes what was confirmed, as far as it still differs. Gives what was done.
    pub(super) async fn update(&self, id: StepId, step: &Step, node: &Node) -> Result<Action> {
        let Some(recorded) = &step.recorded else {
            return Err(stale(step, "there is no record of it"));
        };
        let want = self.confirmed(id, node)?;
        let paths = if step.inputs.has_unknown() {
            still_different(step, node, recorded, &want)?
        } else {
            Some(step.paths.clone())
        };
        if let Some(paths) = paths {
            self.change(id, step, node, recorded, want, paths).await?;
            Ok(Action::Update)
        } else {
            self.keep(id, node, recorded, want).await?;
            Ok(Action::Keep)
        }
    }

    /// Changes the object of `recorded` in place.
    pub(super) async fn change(
        &self,
        id: StepId,
        step: &Step,
        node: &Node,
        recorded: &Arc<Record>,
        want: Value,
        paths: Vec<Path>,
    ) -> Result<()> {
        self.scrub.learn(&want);
        self.learn(recorded);
        let connection = self.connection_of(recorded).await?;
        let limit = node.options.update_timeout.unwrap_or(node.driver.timeouts().update);
        let object = Object {
            scope: &self.scope,
            driver: Arc::clone(&node.driver),
            connection,
            op: self.new_operation(&step.urn, &recorded.instance),
            step: Some(id),
            deadline: self.env.monotonic() + limit,
            visible: self.visible(&node.urn, &node.dependencies()),
        };
        let record = self.renewed(node, recorded, want, &object.connection);
        let ignored = &node.options.ignore_changes;
        let record = object.change(recorded, record, paths, ignored).await?;
        self.give(id, record.outputs);
        Ok(())
    }

    /// What will be recorded of an object once it is as declared.
    fn renewed(
        &self,
        node: &Node,
        recorded: &Record,
        want: Value,
        connection: &Connection,
    ) -> Record {
        Record {
            id: recorded.id.clone(),
            inputs: want,
            outputs: recorded.outputs.clone(),
            provider: provided(node, connection),
            created: recorded.created,
            ..self.record(node, &recorded.instance, None)
        }
    }

    /// Nothing is to be done with the object; what is remembered of it may still change.
    pub(super) async fn keep(
        &self,
        id: StepId,
        node: &Node,
        recorded: &Arc<Record>,
        want: Value,
    ) -> Result<()> {
        let mut record = Record {
            id: recorded.id.clone(),
            inputs: want,
            outputs: recorded.outputs.clone(),
            provider: recorded.provider.clone(),
            created: recorded.created,
            status: recorded.status,
            ..self.record(node, &recorded.instance, None)
        };
        if let (Some(provider), Some(urn)) = (&mut record.provider, &node.provider) {
            provider.urn = urn.clone();
        }
        self.put(record).await?;
        self.give(id, recorded.outputs.clone());
        Ok(())
    }

    /// Records without a call, if that changes anything.
    pub(super) async fn put(&self, record: Record) -> Result<()> {
        let before = self.session.record(&record.key());
        let same = before.is_some_and(|before| {
            // A line that moved is not worth a write.
            let declared = before.options.declared.clone();
            let options = Options { declared, ..record.options.clone() };
            let (created, updated) = (before.created, before.updated);
            *before == Record { options, created, updated, ..record.clone() }
        });
        if same { Ok(()) } else { self.commit(vec![Change::Put(record)]).await }
    }
}

/// The confirmed paths at which something is to be written now that everything is known; `None` if there is none.
fn still_different(
    step: &Step,
    node: &Node,
    recorded: &Record,
    want: &Value,
) -> Result<Option<Vec<Path>>> {
    let subject =
        Subject { node, recorded, desired: want, seen: None, moved: Moved::No, asked: false };
    let found = assess(&subject, &|_| None);
    if found.verdict >= Verdict::ReplaceIfChanged {
        return Err(stale(step, "it would have to be replaced, which the plan did not say"));
    }
    let confirmed = |path: &Path| step.paths.iter().any(|own| own.meets(path));
    if let Some(more) = found.diff.iter().find(|diff| !confirmed(&diff.path)) {
        let why = format!("`{}` would change too, which the plan did not say", more.path);
        return Err(stale(step, &why));
    }
    let differs = |path: &&Path| {
        let changes = found.diff.iter().chain(&step.drift);
        changes.into_iter().any(|diff| path.meets(&diff.path))
    };
    let paths: Vec<_> = step.paths.iter().filter(differs).cloned().collect();
    let repair = |why: &crate::plan::Why| {
        why.urn == step.urn && matches!(why.cause, Cause::Unfinished | Cause::Broken(_))
    };
    let repairs = recorded.status == Status::Incomplete || step.why.iter().any(repair);
    Ok((repairs || !paths.is_empty()).then_some(paths))
}

impl Object<'_> {
    /// Changes the object of `recorded` until it is as `record` says, writing `paths` only. What an earlier run did
    /// not finish is finished. What is `ignored` stays as it is, also where a call writes the object as a whole.
    pub(super) async fn change(
        &self,
        recorded: &Record,
        mut record: Record,
        mut paths: Vec<Path>,
        ignored: &[Path],
    ) -> Result<Record> {
        let scope = self.scope;
        let id = recorded.id.clone().unwrap_or_default();
        let have = match self.there(recorded).await {
            Ok(Some(have)) => have,
            Ok(None) => {
                let gone = format!("{id} is gone; the next run makes another");
                return Err(scope.failure(&CallError::not_found(gone)));
            }
            Err(error) => return Err(scope.failure(&error)),
        };
        if recorded.status == Status::Incomplete {
            let schema = self.driver.schema();
            let others = of_others(schema, ignored, recorded, &have.live);
            let wanted = overlay(schema, &others, &have.live, &record.inputs);
            let missing = converge(schema, &have.live, &wanted);
            let missing = missing.into_iter().filter(|diff| diff.kind == DiffKind::Update);
            paths.extend(missing.map(|diff| diff.path));
            paths.sort();
            paths.dedup();
        }
        let op = self.op.id;
        scope.intend(op, Verb::Update, record.clone()).await?;
        let others = self.of_others(ignored, &paths);
        match self.change_now(&id, recorded, have, &record.inputs, paths, &others).await {
            Ok(found) => {
                record.status = Status::Ready;
                record.outputs = found.outputs.unwrap_or(record.outputs);
                taint(&mut record.outputs, &record.inputs);
                record.updated = scope.env.now();
                scope.learn(&record);
                let done = Change::Done { op, record: Some(record.clone()) };
                scope.commit(vec![done]).await?;
                Ok(record)
            }
            // Not a call was made: the intent is as if it had never been.
            Err(error) if error.class() == Class::Fenced => Err(scope.failure(&error)),
            Err(error) => {
                let failure = scope.failure(&error);
                // The inputs stay those that were recorded: what is missing is planned again.
                let mut incomplete = recorded.clone();
                incomplete.status = Status::Incomplete;
                incomplete.updated = scope.env.now();
                let message = failure.to_string();
                let failed = Change::Failed { op, message, record: Some(incomplete) };
                scope.commit(vec![failed]).await?;
                Err(failure)
            }
        }
    }

    async fn change_now(
        &self,
        id: &str,
        recorded: &Record,
        have: ErasedObserved,
        want: &Value,
        paths: Vec<Path>,
        others: &[Path],
    ) -> Result<ErasedObserved, CallError> {
        // Something unfinished may need nothing but time.
        let repair = matches!(have.readiness, Readiness::Restorable(_));
        if !repair && paths.is_empty() {
            return self.ready(id, want).await;
        }
        let written = overlay(self.driver.schema(), others, &have.live, want);
        let change = ErasedChange {
            have: Some(have),
            recorded: Some(recorded.inputs.clone()),
            want: Some(written),
            paths,
        };
        self.write(&change).await?;
        self.took(id, want, &change.paths).await
    }

    /// The ignored parts of the object that can be read and are not among what is written.
    fn of_others(&self, ignored: &[Path], paths: &[Path]) -> Vec<Path> {
        let schema = self.driver.schema();
        let readable = |it: &Path| schema.field(it).is_none_or(|field| !field.write_only);
        let is_written = |it: &Path| paths.iter().any(|path| path.meets(it) || it.meets(path));
        ignored.iter().filter(|it| readable(it) && !is_written(it)).cloned().collect()
    }

    /// Waits until the object can be used and shows at `paths` what was written there: some changes are accepted at
    /// once and carried out later, and that can fail without a word.
    async fn took(
        &self,
        id: &str,
        want: &Value,
        paths: &[Path],
    ) -> Result<ErasedObserved, CallError> {
        let schema = self.driver.schema();
        let written = |diff: &PropertyDiff| paths.iter().any(|path| path.meets(&diff.path));
        // A read may lag behind a change as long as behind a create.
        let lag = self.driver.once().window;
        let mut start = None;
        loop {
            let found = self.ready(id, want).await?;
            let Some(left) = drift(schema, want, &found.live, &[]).into_iter().find(written) else {
                return Ok(found);
            };
            let now = self.scope.env.monotonic();
            let waited = now.saturating_sub(*start.get_or_insert(now));
            if waited >= lag {
                let message = format!(
                    "the change of `{}` was accepted, and {id} still has it as it was",
                    left.path
                );
                return Err(CallError::invalid(message));
            }
            self.scope.env.sleep(interval(waited).min(lag.saturating_sub(waited))).await;
        }
    }
}
