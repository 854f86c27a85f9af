//! What is seen of a network.

use infra_core::policy::Policy;
#[cfg(feature = "ec2")]
use infra_core::{
    Data as _, Resource,
    plan::{Action, Plan, Step, StepId},
    policy::Violation,
    state::Value,
};

#[cfg(feature = "ec2")]
use crate::ec2::{FlowLog, FlowLogSource, Vpc};

pub(super) fn flow_logs() -> Policy {
    #[cfg(feature = "ec2")]
    let policy = Policy::mandatory("aws:flow-logs", unseen);
    #[cfg(not(feature = "ec2"))]
    let policy = Policy::named("aws:flow-logs");
    policy.about("every VPC has a flow log")
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
    let Some(source) = log.inputs.get(FlowLog::SOURCE.name()) else { return false };
    if source.has_unknown() {
        return log.after.contains(&id);
    }
    let own = vpc.outputs.get("id").and_then(Value::as_str);
    let own = own.or_else(|| vpc.recorded.as_ref()?.id.as_deref());
    matches!(FlowLogSource::from_value(source), Ok(FlowLogSource::Vpc(of)) if own == Some(of.as_str()))
}
