//! Events as JSON, one a line: the interface for programs that drive this one. The README's table is its document.
//!
//! **Invariant:** within a version, events and members are only added. No secret is ever in clear.

use std::collections::BTreeMap;

use infra_state::{HolderInfo, Outcome, Urn, Value};
use serde_json::{Map, Value as Json, json};

use super::rebuilt;
use crate::{
    event::{Event, Failure, Summary, Target},
    plan::{Action, Cause, DiffKind, Hint, Plan, PropertyDiff, ReplaceOrder, Step, StepId, Why},
    policy::Violation,
};

/// The version that every event carries.
pub const VERSION: u32 = 1;

/// The event as one JSON object.
pub fn event(event: &Event) -> Json {
    let (name, body) = match event {
        Event::Target(target) => ("target", target_body(target)),
        Event::Notice(text) => ("notice", json!({"text": text})),
        Event::InProgress { holder } => {
            ("in-progress", json!({"holder": holder.as_ref().map(held)}))
        }
        Event::Waiting { holder } => ("waiting", json!({"holder": held(holder)})),
        Event::Reading { objects } => ("reading", json!({"objects": objects})),
        Event::Planned(plan) => ("planned", plan_body(plan)),
        Event::Drift(report) => ("drift", json!({"report": report})),
        Event::Found(found) => ("found", rebuilt::members(found)),
        Event::Recovered { urn, how } => ("recovered", json!({"urn": urn, "how": how})),
        Event::Started { steps, deployment } => {
            ("started", json!({"steps": steps, "deployment": deployment}))
        }
        Event::StepStarted { step, urn, action } => ("step-started", about(*step, urn, *action)),
        Event::StepProgress { step, urn, text } => {
            ("step-progress", json!({"step": step.0, "urn": urn, "text": text}))
        }
        Event::StepDone { step, urn, action, elapsed } => (
            "step-done",
            with(about(*step, urn, *action), json!({"seconds": elapsed.as_secs_f64()})),
        ),
        Event::StepFailed { step, urn, action, message, at, elapsed } => {
            let at = at.map(ToString::to_string);
            let more = json!({"message": message, "at": at, "seconds": elapsed.as_secs_f64()});
            ("step-failed", with(about(*step, urn, *action), more))
        }
        Event::StepSkipped { step, urn, because } => {
            ("step-skipped", json!({"step": step.0, "urn": urn, "because": because}))
        }
        Event::Stopping => ("stopping", json!({})),
        Event::Finished(summary) => ("finished", summary_body(summary)),
    };
    with(json!({"version": VERSION, "event": name}), body)
}

/// The value with `{"$secret": true}` and `{"$unknown": true}` where it must not or cannot be shown.
pub fn shown(value: &Value) -> Json {
    match value {
        Value::Secret(_) => json!({"$secret": true}),
        Value::Unknown => json!({"$unknown": true}),
        Value::List(list) => Json::Array(list.iter().map(shown).collect()),
        Value::Map(map) => Json::Object(map.iter().map(|(k, v)| (k.clone(), shown(v))).collect()),
        other => other.to_json(),
    }
}

fn with(mut json: Json, more: Json) -> Json {
    if let (Json::Object(json), Json::Object(more)) = (&mut json, more) {
        json.extend(more);
    }
    json
}

fn held(holder: &HolderInfo) -> Json {
    json!({
        "who": holder.holder.who,
        "command": holder.holder.command,
        "pid": holder.holder.pid,
        "since": holder.since.to_string(),
        "nonce": holder.nonce.to_string(),
    })
}

fn about(step: StepId, urn: &Urn, action: Action) -> Json {
    json!({"step": step.0, "urn": urn, "action": word(action)})
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Keep => "keep",
        Action::Create => "create",
        Action::Update => "update",
        Action::Import => "import",
        Action::Delete => "delete",
        Action::DeleteOld => "delete-old",
        Action::Read => "read",
        Action::Forget => "forget",
    }
}

fn counts(counts: &BTreeMap<Action, usize>) -> Json {
    counts
        .iter()
        .map(|(action, n)| (word(*action).to_owned(), json!(n)))
        .collect::<Map<_, _>>()
        .into()
}

fn values(values: &BTreeMap<String, Value>) -> Json {
    Json::Object(values.iter().map(|(name, value)| (name.clone(), shown(value))).collect())
}

fn target_body(target: &Target) -> Json {
    json!({
        "stack": target.stack,
        "command": target.command,
        "cloud": target.cloud,
        "state": target.state,
        "providers": target.providers,
        "notice": target.notice,
    })
}

fn plan_body(plan: &Plan) -> Json {
    let hint = |hint: &Hint| match hint {
        Hint::Rename { from, to } => json!({"hint": "rename", "from": from, "to": to}),
        Hint::FixedName { urn, field } => json!({"hint": "fixed-name", "urn": urn, "field": field}),
        Hint::Note(text) => json!({"hint": "note", "text": text}),
    };
    json!({
        "counts": counts(&plan.counts()),
        "steps": plan
            .iter()
            .filter(|(_, step)| step.action != Action::Keep || step.record_only || !step.drift.is_empty())
            .map(|(id, step)| step_body(id, step))
            .collect::<Vec<_>>(),
        "losses": plan.losses.iter().map(|l| json!({"urn": l.urn, "allowed": l.allowed})).collect::<Vec<_>>(),
        "hints": plan.hints.iter().map(hint).collect::<Vec<_>>(),
        "violations": plan.violations.iter().map(violation).collect::<Vec<_>>(),
        "exports": values(&plan.exported),
    })
}

fn step_body(id: StepId, step: &Step) -> Json {
    let replaces = step.replaces.as_ref().map(|r| {
        let (first, reason) = match &r.order {
            ReplaceOrder::CreateFirst => ("create", None),
            ReplaceOrder::DeleteFirst(reason) => ("delete", Some(reason)),
        };
        json!({"instance": r.old.instance, "if_changed": r.if_changed, "first": first, "reason": reason})
    });
    with(
        about(id, &step.urn, step.action),
        json!({
            "instance": step.instance,
            "inputs": shown(&step.inputs),
            "diff": step.diff.iter().map(property).collect::<Vec<_>>(),
            "drift": step.drift.iter().map(property).collect::<Vec<_>>(),
            "replaces": replaces,
            "why": step.why.iter().map(why).collect::<Vec<_>>(),
            "data_loss": step.data_loss,
            "record_only": step.record_only,
            "renamed_from": step.renamed_from,
            "declared": step.recorded.as_ref().and_then(|record| record.options.declared.as_ref()),
        }),
    )
}

fn violation(violation: &Violation) -> Json {
    json!({
        "policy": violation.policy,
        "enforcement": violation.enforcement.as_str(),
        "urn": violation.urn,
        "path": violation.path.as_ref().map(ToString::to_string),
        "message": violation.message,
        "at": violation.at,
        "allowed": violation.allowed,
    })
}

fn property(diff: &PropertyDiff) -> Json {
    let kind = match diff.kind {
        DiffKind::Update => "update",
        DiffKind::Replace => "replace",
        DiffKind::MaybeReplace => "maybe-replace",
    };
    json!({
        "path": diff.path.to_string(),
        "before": diff.before.as_ref().map(shown),
        "after": diff.after.as_ref().map(shown),
        "kind": kind,
    })
}

fn why(why: &Why) -> Json {
    let (cause, more) = match &why.cause {
        Cause::New => ("new", json!({})),
        Cause::Removed => ("removed", json!({})),
        Cause::Destroyed => ("destroyed", json!({})),
        Cause::Immutable => ("immutable", json!({})),
        Cause::Changed => ("changed", json!({})),
        Cause::Driver(text) => ("driver", json!({"text": text})),
        Cause::Asked(text) => ("asked", json!({"text": text})),
        Cause::Follows { urn, output } => {
            ("follows", json!({"of": urn, "output": output.to_string()}))
        }
        Cause::Missing => ("missing", json!({})),
        Cause::Drifted => ("drifted", json!({})),
        Cause::Unfinished => ("unfinished", json!({})),
        Cause::Broken(text) => ("broken", json!({"text": text})),
        Cause::ProviderMoved => ("provider-moved", json!({})),
        Cause::Deposed => ("deposed", json!({})),
        Cause::MakesRoom { urn } => ("makes-room", json!({"of": urn})),
    };
    let path = why.path.as_ref().map(ToString::to_string);
    with(json!({"cause": cause, "urn": why.urn, "path": path}), more)
}

fn failure(failure: &Failure) -> Json {
    let at = failure.at.map(ToString::to_string);
    json!({"urn": failure.urn, "message": failure.message, "at": at})
}

fn summary_body(summary: &Summary) -> Json {
    let outcome = match summary.outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "interrupted",
    };
    json!({
        "outcome": outcome,
        "done": counts(&summary.done),
        "failed": summary.failed.iter().map(failure).collect::<Vec<_>>(),
        "skipped": summary.skipped,
        "unfinished": summary.unfinished,
        "seconds": summary.elapsed.as_secs_f64(),
        "critical_path": summary
            .critical_path
            .iter()
            .map(|(urn, action, time)| json!({"urn": urn, "action": word(*action), "seconds": time.as_secs_f64()}))
            .collect::<Vec<_>>(),
        "exports": values(&summary.exports),
    })
}
