//! What is seen of a network.

use infra_core::policy::Policy;
#[cfg(feature = "ec2")]
use infra_core::{
    Resource,
    plan::{Action, Plan, Step, StepId},
    policy::Violation,
    state::Value,
};

#[cfg(feature = "ec2")]
use crate::ec2::{FlowLog, Vpc};

pub(super) fn flow_logs() -> Policy {
    let about = "every VPC has a flow log";
    #[cfg(feature = "ec2")]
    return Policy::mandatory("aws:flow-logs", unseen).about(about);
    #[cfg(not(feature = "ec2"))]
    return Policy::named("aws:flow-logs").about(about);
}

/// The VPCs of which nobody records what goes through them.
#[cfg(feature = "ec2")]
fn unseen(plan: &Plan) -> Vec<Violation> {
    let logs: Vec<&Step> = of_kind(plan, FlowLog::KIND).map(|(_, step)| step).collect();
    let seen = |(id, vpc): &(StepId, &Step)| logs.iter().any(|log| records(log, *id, vpc));
    let unseen = of_kind(plan, Vpc::KIND).filter(|vpc| !seen(vpc));
    let message = "nothing records who talks to whom in it: add a `FlowLog` of it";
    unseen.map(|(_, step)| Violation::of(step, message)).collect()
}

#[cfg(feature = "ec2")]
fn of_kind<'p>(plan: &'p Plan, kind: &'static str) -> impl Iterator<Item = (StepId, &'p Step)> {
    let stays =
        |action| matches!(action, Action::Create | Action::Update | Action::Import | Action::Keep);
    plan.iter().filter(move |(_, step)| step.urn.kind() == kind && stays(step.action))
}

/// Whether the log is one of the VPC: by its id, or, as long as that is not known, because it waits for it.
#[cfg(feature = "ec2")]
fn records(log: &Step, id: StepId, vpc: &Step) -> bool {
    let source = log.inputs.get("source");
    match source.and_then(|source| source.get("Vpc")).and_then(Value::as_str) {
        Some(known) => {
            let own = vpc.outputs.get("id").and_then(Value::as_str);
            own == Some(known)
                || vpc.recorded.as_ref().is_some_and(|record| record.id.as_deref() == Some(known))
        }
        None => source.is_some_and(Value::has_unknown) && log.after.contains(&id),
    }
}
