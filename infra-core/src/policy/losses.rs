//! The policy of what holds data.

use super::{Policy, Violation};
use crate::plan::{Action, Cause, DataLoss, Plan, Step};

impl Policy {
    /// What holds data is not deleted or replaced unless `--allow-data-loss` names it: of the kinds that begin like this,
    /// `aws:`. Nobody owns what a simulated cloud holds, so a `destroy` of it is no loss; a program that would lose
    /// a database on a real one is told so there too.
    pub fn data_loss(name: impl Into<String>, kinds: &'static str) -> Self {
        Self::mandatory(name, move |plan| {
            let of_kind = plan.losses.iter().filter(|loss| loss.urn.kind().starts_with(kinds));
            of_kind.filter_map(|loss| violation(plan, loss)).collect()
        })
    }
}

fn violation(plan: &Plan, loss: &DataLoss) -> Option<Violation> {
    let urn = &loss.urn;
    let mut steps = plan.steps.iter().filter(|step| step.urn == *urn && step.data_loss);
    let step = steps.find(|step| step.action != Action::DeleteOld).or_else(|| {
        plan.steps.iter().find(|step| step.urn == *urn && step.action == Action::DeleteOld)
    })?;
    if loss.named || (loss.allowed && is_destroyed(step)) {
        return None;
    }
    let done = if step.replaces.is_some() { "replaces" } else { "deletes" };
    let message = format!(
        "it holds data, and the plan {done} it: what is in it cannot be brought back. If that is meant: \
         --allow-data-loss {urn}"
    );
    Some(Violation::of(step, message))
}

fn is_destroyed(step: &Step) -> bool {
    step.why.iter().any(|why| why.cause == Cause::Destroyed)
}
