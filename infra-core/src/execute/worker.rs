//! One step.

use infra_state::{Record, Status, Value};

use super::run::{Decision, Run, key_of, provided, stale};
use crate::{
    Error, ErrorKind, Result,
    graph::{Node, Role},
    plan::{Action, Step, StepId},
    provider::{Class, ErasedFind, Memo},
};

impl Run {
    /// Does one step; everything it waits for is done. Gives what was done, which may be less than what was planned.
    pub(super) async fn work(&self, id: StepId) -> Result<Action> {
        let step = self.step(id);
        match step.action {
            Action::Delete | Action::DeleteOld | Action::Forget => {
                return self.remove(id, step).await;
            }
            _ => {}
        }
        let node = self.node(&step.urn)?;
        if step.action == Action::Read && !step.record_only {
            self.look_up(id, step, node).await?;
        } else if step.record_only || node.role == Role::Provider {
            self.note(id, step, node).await?;
        } else {
            match step.action {
                Action::Create => return self.create_or_less(id, step, node).await,
                Action::Update => return self.update(id, step, node).await,
                Action::Import => self.import(id, step, node).await?,
                _ => {}
            }
        }
        Ok(step.action)
    }

    async fn create_or_less(&self, id: StepId, step: &Step, node: &Node) -> Result<Action> {
        let (want, paths) = match self.decide(id).await? {
            Decision::Less { want, paths } => (want.clone(), paths.clone()),
            Decision::Replace => {
                let old = step.replaces.as_ref().filter(|replaces| {
                    let first = matches!(replaces.order, crate::plan::ReplaceOrder::DeleteFirst(_));
                    first && self.session.record(&replaces.old).is_some()
                });
                if old.is_some() {
                    return Err(stale(step, "its old object had to go first and is still there"));
                }
                self.create(id, step, node).await?;
                return Ok(Action::Create);
            }
        };
        let Some(recorded) = &step.recorded else {
            return Err(stale(step, "there is no record of it"));
        };
        self.obeys(step, node, &want)?;
        if paths.is_empty() {
            self.keep(id, node, recorded, want).await?;
            return Ok(Action::Keep);
        }
        self.change(id, step, node, recorded, want, paths).await?;
        Ok(Action::Update)
    }

    /// Looks something up and pins it.
    async fn look_up(&self, id: StepId, step: &Step, node: &Node) -> Result<()> {
        let want = self.confirmed(id, node)?;
        let connection = self.connection(node).await?;
        let op = self.new_operation(&step.urn, &step.instance);
        let find = vec![ErasedFind::Made { want: want.clone(), op }];
        let mut answers = node.driver.read(&connection, &Memo::default(), find).await;
        let found = answers.pop().unwrap_or(Ok(None)).map_err(|e| self.failure(&e))?;
        let outputs = found.and_then(|found| found.outputs).ok_or_else(|| {
            let error = crate::provider::Error::new(Class::NotFound, "there is nothing like that");
            self.failure(&error)
        })?;
        let outputs = self.graph.opened(&step.urn, outputs)?;
        let mut record = self.record(node, &step.instance, None);
        record.provider = provided(node, &connection);
        record.inputs = want;
        record.outputs = outputs.clone();
        self.put(record).await?;
        self.give(id, outputs);
        Ok(())
    }

    /// Records what needs no call.
    async fn note(&self, id: StepId, step: &Step, node: &Node) -> Result<()> {
        let recorded = step.recorded.as_deref();
        let mut instance = &step.instance;
        let mut inputs = self.confirmed(id, node)?;
        if let Decision::Less { want, .. } = self.decide(id).await?
            && let Some(recorded) = recorded
        {
            // A provider that points where it pointed: the same record goes on.
            instance = &recorded.instance;
            inputs.clone_from(want);
        }
        let mut outputs = Value::clone(&step.outputs);
        if node.role == Role::Provider {
            self.connections.configure(&node.urn, &inputs);
            outputs = Value::map();
        }
        if outputs.has_unknown() {
            let message = format!("{}: its outputs are not known", step.urn);
            return Err(Error::new(ErrorKind::Failed, message));
        }
        let same = recorded.filter(|recorded| recorded.instance == *instance);
        let mut record = self.record(node, instance, same.and_then(|same| same.id.clone()));
        if let Some(same) = same {
            record.created = same.created;
            record.provider = same.provider.clone();
        }
        record.inputs = inputs;
        record.outputs = outputs.clone();
        record.status = Status::Ready;
        if let Some(urn) = &node.provider {
            match &mut record.provider {
                Some(provider) if provider.urn == *urn => {}
                _ => record.provider = provided(node, &*self.connection(node).await?),
            }
        }
        self.replace_record(record).await?;
        self.give(id, outputs);
        Ok(())
    }

    /// Records, and deposes what was current before.
    async fn replace_record(&self, record: Record) -> Result<()> {
        match self.displaced(&record.urn, &record.instance) {
            None => self.put(record).await,
            Some(displaced) => self.commit(vec![displaced, infra_state::Change::Put(record)]).await,
        }
    }

    /// Whether a step does nothing at all.
    pub(super) fn is_idle(&self, id: StepId) -> bool {
        let step = self.step(id);
        step.action == Action::Keep && !step.record_only
    }

    /// Whether somebody wants to hear of a step.
    pub(super) fn is_shown(&self, id: StepId) -> bool {
        let step = self.step(id);
        step.action != Action::Keep && !step.record_only && key_of(step).urn == step.urn
    }
}
