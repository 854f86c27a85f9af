//! A plan, for the person who must agree to it.

use std::{collections::BTreeSet, fmt::Write};

use infra_state::{Key, Value};

use super::{
    diff,
    paint::{added, changed, dim, heading, loud, read, removed, replaced, sign, warning},
    reason::reason,
    summary::exports,
    tree::{Leaf, Tree},
    violations::violations,
};
use crate::plan::{Action, DiffKind, Hint, Plan, PropertyDiff, ReplaceOrder, Step};

/// The plan as a tree by scope, with what must not be overlooked after it and the counts last. With `details` the
/// properties of what is created and deleted are shown too.
pub fn plan(plan: &Plan, details: bool) -> String {
    let mut tree = Tree::default();
    // The old object of a replacement is part of the replacement's line.
    let replaced: BTreeSet<Key> =
        plan.steps.iter().filter_map(|step| Some(step.replaces.as_ref()?.old.clone())).collect();
    let mut shown = 0;
    for step in &plan.steps {
        let key = Key { urn: step.urn.clone(), instance: step.instance.clone() };
        let part =
            matches!(step.action, Action::DeleteOld | Action::Forget) && replaced.contains(&key);
        if part || is_silent(step) {
            continue;
        }
        shown += 1;
        tree.put(
            step.urn.name(),
            &format!("{} {}", step.urn.kind(), step.instance),
            leaf(step, details),
        );
    }
    let mut out = String::new();
    if shown > 0 {
        let _ = writeln!(out, "\n{}", heading("Plan"));
        tree.write(0, &mut out);
    }
    losses(plan, &mut out);
    violations(&plan.violations, &mut out);
    hints(plan, &mut out);
    let _ = writeln!(out, "\n{}", counts(plan));
    if plan.is_empty() && !plan.exported.is_empty() {
        let _ = writeln!(out, "\n{}", heading("Outputs"));
        out.push_str(&exports(&plan.exported));
    }
    out
}

fn is_silent(step: &Step) -> bool {
    let quiet = step.drift.is_empty() && step.renamed_from.is_none();
    quiet
        && (step.action == Action::Keep || (step.record_only && step.action != Action::Read))
        && step.diff.is_empty()
        || step.record_only && step.action == Action::Forget && quiet
}

fn leaf(step: &Step, details: bool) -> Leaf {
    let mut rest = dim(step.urn.kind());
    let mut say = |text: String| {
        let _ = write!(rest, "  {text}");
    };
    match (step.action, &step.replaces) {
        (Action::Create, Some(replacement)) => {
            say(replaced(if replacement.if_changed {
                "replace, if it changes"
            } else {
                "replace"
            }));
            if let ReplaceOrder::DeleteFirst(reason) = &replacement.order {
                say(warning(&format!("the old one goes first: {reason}")));
            }
        }
        (Action::Import, _) => say(read("take over")),
        (Action::DeleteOld, _) => say(removed("the old object")),
        (Action::Read, _) => say(read("look up")),
        (Action::Forget, _) => say("only forget".to_owned()),
        (Action::Keep, _) if step.record_only => say(dim("only remembered differently")),
        _ => {}
    }
    if step.data_loss {
        say(loud("DATA LOSS"));
    }
    if let Some(from) = &step.renamed_from {
        say(format!("renamed from {}", from.name()));
    }
    let mut below = String::new();
    if let Some(reason) = reason(step) {
        let _ = writeln!(below, "{}", dim(&format!("because {reason}")));
    }
    let declared = step.recorded.as_ref().and_then(|record| record.options.declared.as_deref());
    if let Some(line) = declared.filter(|_| step.action == Action::Delete) {
        let _ = writeln!(below, "{}", dim(&format!("was declared at {line}")));
    }
    let plain =
        matches!(step.action, Action::Create | Action::Delete | Action::DeleteOld | Action::Import);
    if !plain || step.replaces.is_some() || (step.action == Action::Import && !step.diff.is_empty())
    {
        step.diff.iter().for_each(|property| diff::property(property, "", &mut below));
    } else if details {
        properties(step, &mut below);
    }
    if !step.drift.is_empty() {
        let _ =
            writeln!(below, "{}", changed("changed by somebody else since (recorded → found):"));
        for property in &step.drift {
            let back = step.paths.iter().any(|path| path.covers(&property.path));
            diff::property(property, "  ", &mut below);
            if back {
                below.truncate(below.trim_end().len());
                let _ = writeln!(below, "{}", dim("  (put back)"));
            }
        }
    }
    Leaf { sign: sign(step.action, step.replaces.is_some()), rest, below }
}

/// Every property of what is made or removed.
fn properties(step: &Step, out: &mut String) {
    let made = step.action != Action::Delete && step.action != Action::DeleteOld;
    for (name, value) in step.inputs.as_map().into_iter().flatten() {
        if matches!(value, Value::Null) {
            continue;
        }
        let value = Some(value.clone());
        let (before, after) = if made { (None, value) } else { (value, None) };
        let property = PropertyDiff {
            path: infra_state::Path::field(name.clone()),
            before,
            after,
            kind: DiffKind::Update,
        };
        diff::property(&property, "", out);
    }
}

fn losses(plan: &Plan, out: &mut String) {
    if plan.losses.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", loud("Data would be lost"));
    for loss in &plan.losses {
        let urn = &loss.urn;
        let _ = if loss.allowed {
            writeln!(out, "  {} {urn}  {}", loud("!"), dim("(allowed)"))
        } else {
            writeln!(
                out,
                "  {} {urn}  {}",
                loud("!"),
                warning(&format!("needs --allow-data-loss {urn}"))
            )
        };
    }
}

fn hints(plan: &Plan, out: &mut String) {
    if plan.hints.is_empty() {
        return;
    }
    out.push('\n');
    for hint in &plan.hints {
        let text = match hint {
            Hint::Rename { from, to } => format!(
                "{} looks like {} renamed. To keep the object write `.alias(\"{}\")` on {}",
                to.name(),
                from.name(),
                from.name(),
                to.name()
            ),
            Hint::FixedName { urn, field } => format!(
                "{}.{field} is fixed, so the old object must go before the new one can come; leave `{field}` out and a name is generated",
                urn.name()
            ),
            Hint::Note(text) => text.clone(),
        };
        let _ = writeln!(out, "{} {text}", changed("hint:"));
    }
}

/// `Plan: 3 to create, 1 to update, 94 unchanged.`
pub(super) fn counts(plan: &Plan) -> String {
    let count = |wanted: &dyn Fn(&Step) -> bool| {
        plan.steps.iter().filter(|step| !step.record_only && wanted(step)).count()
    };
    // Lookups and providers have no object that could have changed.
    let is_object = |step: &Step| step.recorded.as_ref().is_some_and(|record| record.id.is_some());
    let kept = plan.steps.iter().filter(|step| step.action == Action::Keep && is_object(step));
    let unchanged = kept.count();
    let renamed = plan.steps.iter().filter(|step| step.renamed_from.is_some()).count();
    if plan.is_empty() && renamed > 0 {
        return format!("{} {renamed} renamed, nothing to do in the cloud.", heading("Plan:"));
    }
    if plan.is_empty() {
        let how = match unchanged {
            0 => "there are no resources".to_owned(),
            1 => "the one resource is as the program says".to_owned(),
            n => format!("all {n} resources are as the program says"),
        };
        return format!("{} {how}.", added("Nothing to do:"));
    }
    let replaced_keys: BTreeSet<_> =
        plan.steps.iter().filter_map(|s| s.replaces.as_ref().map(|r| &r.old)).collect();
    let is_part = |step: &Step| {
        replaced_keys.iter().any(|key| key.urn == step.urn && key.instance == step.instance)
    };
    let parts = [
        (count(&|s| s.action == Action::Create && s.replaces.is_none()), "to create"),
        (count(&|s| s.action == Action::Update), "to update"),
        (count(&|s| s.action == Action::Create && s.replaces.is_some()), "to replace"),
        (count(&|s| s.action == Action::Import), "to take over"),
        (
            count(&|s| {
                s.action == Action::Delete || (s.action == Action::DeleteOld && !is_part(s))
            }),
            "to delete",
        ),
        (count(&|s| s.action == Action::Forget && !is_part(s)), "to forget"),
        (count(&|s| s.action == Action::Read), "to look up"),
        (unchanged, "unchanged"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
    format!("{} {}.", heading("Plan:"), parts.collect::<Vec<_>>().join(", "))
}
