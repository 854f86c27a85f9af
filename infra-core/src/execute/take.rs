//! Taking over an object that exists.

use std::sync::Arc;

use infra_state::{Change, Instance, Lineage, Record, Status, Value};

use super::{
    object::Object,
    run::{Run, provided, stale},
};
use crate::{
    Error, ErrorKind, Result,
    graph::Node,
    plan::{DiffKind, Step, StepId, converge},
    provider::{ErasedObserved, Operation},
    scrub::taint,
};

impl Run {
    /// Takes over an object, then changes it where it differs from what is declared.
    pub(super) async fn import(&self, id: StepId, step: &Step, node: &Node) -> Result<()> {
        let want = self.confirmed(id, node)?;
        self.scrub.learn(&want);
        let connection = self.connection(node).await?;
        let limit = node.options.create_timeout.unwrap_or(node.driver.timeouts().create);
        let object = Object {
            scope: &self.scope,
            driver: Arc::clone(&node.driver),
            connection,
            op: self.new_operation(&step.urn, &step.instance),
            step: Some(id),
            deadline: self.env.monotonic() + limit,
            visible: self.visible(&node.urn, &node.dependencies()),
        };
        let found = match &node.options.import {
            Some(id) => object.read(id, &want, std::time::Duration::ZERO).await,
            None => object.find(&want).await,
        };
        let found = found.map_err(|e| self.failure(&e))?;
        let Some(found) = found else {
            return Err(stale(step, "the object that was to be taken over is gone"));
        };
        if !is_free(&found, &object.op) {
            let message = format!("{} belongs to another stack: it is not taken over", found.id);
            return Err(Error::new(ErrorKind::Failed, message));
        }
        let differs = converge(node.driver.schema(), &found.live, &want);
        let confirmed = |diff: &&crate::plan::PropertyDiff| {
            diff.kind == DiffKind::Update && step.paths.iter().any(|own| own.meets(&diff.path))
        };
        // It was not looked at while planning if the whole of it hung on something unknown.
        let unplanned = step.diff.is_empty() && step.inputs.has_unknown();
        if !unplanned && let Some(more) = differs.iter().find(|diff| !confirmed(diff)) {
            let why = format!("`{}` would change too, which the plan did not say", more.path);
            return Err(stale(step, &why));
        }
        let mut record = self.record(node, &step.instance, Some(found.id.clone()));
        record.provider = provided(node, &object.connection);
        record.inputs = want;
        record.outputs = found.outputs.clone().unwrap_or_else(Value::map);
        taint(&mut record.outputs, &record.inputs);
        record.status = Status::Incomplete;
        let mut changes: Vec<_> = self.displaced(&step.urn, &step.instance).into_iter().collect();
        // It is remembered before it is changed.
        changes.push(Change::Put(record.clone()));
        self.commit(changes).await?;
        let paths = differs.into_iter().map(|diff| diff.path).collect();
        let wanted = Record { status: Status::Ready, ..record.clone() };
        let record = object.change(&record, wanted, paths, &[]).await?;
        self.give(id, record.outputs);
        Ok(())
    }
}

/// Whether nobody else's tags are on the object.
fn is_free(found: &ErasedObserved, op: &Operation) -> bool {
    let Some(owner) = &found.owner else { return true };
    owner.get("infra:lineage").is_none_or(|lineage| *lineage == op.lineage.to_string())
}

/// Whether the object was made by this operation, or by an earlier one for the same object.
///
/// An object without tags, of a kind that has none, is ours only if `asked`: we called for one of that name, and the
/// name has our instance in it.
pub(crate) fn is_ours(found: &ErasedObserved, op: &Operation, asked: bool) -> bool {
    let Some(owner) = &found.owner else { return asked };
    let tag = |name: &str| owner.get(name).map(String::as_str);
    if tag("infra:operation") == Some(&*op.token()) {
        return true;
    }
    let same = |lineage: Lineage, instance: &Instance| {
        tag("infra:lineage") == Some(&*lineage.to_string())
            && tag("infra:instance") == Some(instance.as_str())
            && tag("infra:urn") == Some(op.urn.as_str())
    };
    same(op.lineage, &op.instance)
}
