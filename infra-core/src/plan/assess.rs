//! What has to be done with one existing object. The planner asks before execution, the worker asks again when every
//! value is known.

use infra_state::{Path, Record, Status, Value};

use super::{
    Cause, DiffKind, PropertyDiff, Seen, Verdict, compare::kind, converge, diff, drift, ignore,
    left_behind,
};
use crate::{graph::Node, provider::Readiness, scrub::Scrub};

/// An existing object and what is wanted of it.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The resource as it is declared.
    pub node: &'a Node,
    /// What is remembered of its object.
    pub recorded: &'a Record,
    /// What is wanted, from [`resolve`](super::resolve); with unknowns, possibly.
    pub desired: &'a Value,
    /// The object as it was found; `None` if nobody looked.
    pub seen: Option<&'a Seen>,
    /// Whether its provider points somewhere else than when the object was made.
    pub moved: Moved,
    /// `--replace` names it.
    pub asked: bool,
}

/// Whether a provider points somewhere else now: another account, region or cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moved {
    /// It does not.
    #[default]
    No,
    /// Its configuration hangs on something that is not known yet.
    Maybe,
    /// It does.
    Yes,
}

/// What is to be done with an object, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// What.
    pub verdict: Verdict,
    /// Intent: desired against recorded; against the live object where an earlier run did not finish.
    pub diff: Vec<PropertyDiff>,
    /// Drift: live against recorded.
    pub drift: Vec<PropertyDiff>,
    /// The causes of the verdict, each with the field it lies in.
    pub causes: Vec<(Option<Path>, Cause)>,
}

impl Assessment {
    /// The paths that may be written.
    pub fn paths(&self) -> Vec<Path> {
        let mut paths: Vec<_> =
            self.diff.iter().chain(&self.drift).map(|diff| diff.path.clone()).collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

/// What is to be done. `follows` says which other resource's output a path's unknown value comes from.
pub fn assess(subject: &Subject<'_>, follows: &dyn Fn(&Path) -> Option<Cause>) -> Assessment {
    let Subject { node, recorded, desired, seen, .. } = *subject;
    let (schema, ignored) = (node.driver.schema(), &node.options.ignore_changes);
    let mut found = Assessment {
        verdict: Verdict::Keep,
        diff: diff(schema, &recorded.inputs, desired, ignored),
        drift: Vec::new(),
        causes: Vec::new(),
    };
    let object = match seen {
        Some(Seen::Present(object)) => Some(object),
        Some(Seen::Absent) => {
            found.verdict = Verdict::Missing;
            found.causes.push((None, Cause::Missing));
            return found;
        }
        None => None,
    };
    let mut verdict = reasons(subject, &mut found);
    let unfinished = recorded.status == Status::Incomplete;
    if let Some(object) = object {
        if unfinished {
            let wanted = ignore::overlay(schema, ignored, &recorded.inputs, desired);
            let mut left = left_behind(schema, &recorded.inputs, &wanted, &object.live);
            let others = ignore::of_others(schema, ignored, recorded, &object.live);
            let wanted = ignore::overlay(schema, &others, &object.live, &wanted);
            found.diff = converge(schema, &object.live, &wanted);
            left.retain(|left| found.diff.iter().all(|diff| !diff.path.meets(&left.path)));
            found.diff.append(&mut left);
            replacing(node, &mut found);
        } else if schema.declarative
            || matches!(
                object.readiness,
                Readiness::Ready | Readiness::Restorable(_) | Readiness::Stuck(_)
            )
        {
            // What is on its way may show anything.
            found.drift = drift(schema, &recorded.inputs, &object.live, ignored);
            let left = |diff: &PropertyDiff| {
                let computed = schema.field(&diff.path).is_some_and(|field| field.computed);
                !computed || diff.path.first().is_some_and(|name| desired.get(name).is_some())
            };
            found.drift.retain(left);
        }
    }
    let broken = match object.map(|object| &object.readiness) {
        Some(Readiness::Failed(why) | Readiness::Deleting(why)) => Some((why, Verdict::Replace)),
        Some(Readiness::Restorable(why)) => Some((why, Verdict::Update)),
        _ => None,
    };
    let mut raise = |to, path: Option<Path>, cause| {
        found.causes.push((path, cause));
        verdict = verdict.max(to);
    };
    if let Some((why, to)) = broken {
        raise(to, None, Cause::Broken(why.clone()));
    }
    if subject.asked {
        raise(Verdict::Replace, None, Cause::Asked("--replace".into()));
    }
    match subject.moved {
        Moved::No => {}
        Moved::Maybe => raise(Verdict::ReplaceIfChanged, None, Cause::ProviderMoved),
        Moved::Yes => raise(Verdict::Replace, None, Cause::ProviderMoved),
    }
    if unfinished {
        raise(Verdict::Update, None, Cause::Unfinished);
    }
    for diff in &found.diff {
        let to = verdict_of(diff.kind);
        // Reasons that were found by asking are there already.
        let known = found.causes.iter().any(|(path, _)| path.as_ref() == Some(&diff.path));
        let own = if to == Verdict::Update { Cause::Changed } else { Cause::Immutable };
        let cause = follows(&diff.path).unwrap_or(own);
        verdict = verdict.max(to);
        if !known {
            found.causes.push((Some(diff.path.clone()), cause));
        }
    }
    for drift in &found.drift {
        verdict = verdict.max(verdict_of(drift.kind));
        found.causes.push((Some(drift.path.clone()), Cause::Drifted));
    }
    if verdict == Verdict::Keep && *desired != recorded.inputs {
        // Spelled or marked differently, or left to the cloud from now on.
        let kept = ignore::overlay(schema, ignored, &recorded.inputs, desired);
        if kept != recorded.inputs {
            verdict = Verdict::Record;
        }
    }
    found.verdict = verdict;
    let replaces = matches!(verdict, Verdict::Replace | Verdict::ReplaceIfChanged);
    if replaces {
        // A change that could be made in place is no reason for a replacement.
        let in_place = |path: &Path| {
            let at = |diff: &&PropertyDiff| diff.path == *path;
            let kinds = found.diff.iter().chain(&found.drift).filter(at).map(|diff| diff.kind);
            kinds.clone().count() > 0 && kinds.into_iter().all(|kind| kind == DiffKind::Update)
        };
        found.causes.retain(|(path, cause)| {
            *cause != Cause::Unfinished && !path.as_ref().is_some_and(in_place)
        });
    }
    found
}

fn verdict_of(kind: DiffKind) -> Verdict {
    match kind {
        DiffKind::Update => Verdict::Update,
        DiffKind::MaybeReplace => Verdict::ReplaceIfChanged,
        DiffKind::Replace => Verdict::Replace,
    }
}

/// What an option says must replace the object where it changes.
fn replacing(node: &Node, found: &mut Assessment) {
    let patterns = &node.options.replace_on_changes;
    for diff in &mut found.diff {
        // A pattern inside a value that changed as a whole may have changed with it.
        let asked = |pattern: &Path| pattern.meets(&diff.path);
        if diff.kind == DiffKind::Update && patterns.iter().any(asked) {
            diff.kind = kind(true, diff.after.as_ref());
            let cause = (Some(diff.path.clone()), Cause::Asked("replace_on_changes".into()));
            if !found.causes.contains(&cause) {
                found.causes.push(cause);
            }
        }
    }
}

/// Raises the differences that the driver or the program want replaced.
fn reasons(subject: &Subject<'_>, found: &mut Assessment) -> Verdict {
    let Subject { node, recorded, desired, .. } = *subject;
    if found.diff.is_empty() {
        return Verdict::Keep;
    }
    replacing(node, found);
    if let Some(reason) = node.driver.replaces(&recorded.inputs, desired) {
        for diff in &mut found.diff {
            if reason.path.meets(&diff.path) {
                diff.kind = kind(true, diff.after.as_ref());
            }
        }
        let scrub = Scrub::of(&recorded.inputs);
        scrub.learn(desired);
        let unknown = reason.path.get(desired).is_some_and(Value::has_unknown);
        found.causes.push((Some(reason.path), Cause::Driver(scrub.clean(reason.message))));
        return if unknown { Verdict::ReplaceIfChanged } else { Verdict::Replace };
    }
    Verdict::Keep
}
