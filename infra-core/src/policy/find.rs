//! Asking the policies.

use std::collections::HashMap;

use infra_state::Urn;

use super::{Enforcement, Pack, Policy, Violation, rule::Check};
use crate::{
    Error, Result,
    graph::{Graph, Mistake, Node},
    panics::{Panic, caught},
    plan::{Plan, Step},
    scrub::Scrub,
};

/// What the plan violates, what stops it first. A check that panics is a mistake of the program.
pub(crate) fn of_plan(pack: &Pack, plan: &Plan, graph: &Graph) -> Result<Vec<Violation>> {
    let mut found = Vec::new();
    let mut panics = Vec::new();
    // Most programs have more steps than kinds with policies.
    let mut of_kind: Option<HashMap<&str, Vec<&Step>>> = None;
    for (policy, enforcement) in pack.asked() {
        for check in &policy.checks {
            let asked = match check {
                Check::Plan(check) => caught(|| check(plan)),
                Check::Each(kind, check) => {
                    let of_kind = of_kind.get_or_insert_with(|| by_kind(plan));
                    let steps = of_kind.get(kind).map(Vec::as_slice).unwrap_or_default();
                    caught(|| steps.iter().flat_map(|step| check(step)).collect())
                }
            };
            match asked {
                Ok(violations) => {
                    let named = violations.into_iter().map(|it| named(it, policy, enforcement));
                    found.extend(named);
                }
                Err(panic) => panics.push((policy.name(), panic)),
            }
        }
    }
    if found.is_empty() && panics.is_empty() {
        return Ok(found);
    }
    let scrub = Scrub::default();
    for step in &plan.steps {
        scrub.learn(&step.inputs);
        scrub.learn(&step.outputs);
        step.recorded.iter().for_each(|record| scrub.learn(&record.inputs));
    }
    scrub.learn_graph(graph);
    if !panics.is_empty() {
        let mistakes = panics.iter().map(|(name, panic)| Mistake {
            message: panicked(name, panic, &scrub),
            urn: None,
            at: None,
        });
        return Err(Error::program(mistakes.collect()));
    }
    let recorded = plan
        .steps
        .iter()
        .filter_map(|step| Some((&step.urn, step.recorded.as_ref()?.options.declared.as_deref()?)));
    let recorded: HashMap<&Urn, &str> = recorded.collect();
    for violation in &mut found {
        violation.message = scrub.clean(std::mem::take(&mut violation.message));
        let Some(urn) = violation.urn.clone() else { continue };
        if let Some(node) = graph.nodes.get(&urn) {
            in_program(violation, node, graph.is_restored);
        }
        if violation.at.is_none() {
            violation.at = recorded.get(&urn).map(|at| (*at).to_owned());
        }
    }
    found.sort_by(|a, b| {
        let order = |it: &Violation| (!it.stops(), it.allowed.is_some());
        order(a).cmp(&order(b)).then_with(|| (&a.policy, &a.urn).cmp(&(&b.policy, &b.urn)))
    });
    Ok(found)
}

/// What a step violates now that everything about it is known. The error is what a check panicked with.
pub(crate) fn of_step(
    pack: &Pack,
    step: &Step,
    node: &Node,
    scrub: &Scrub,
) -> Result<Vec<Violation>, String> {
    let mut found = Vec::new();
    for (policy, enforcement) in pack.asked() {
        let of_kind = policy.checks.iter().filter_map(|check| match check {
            Check::Each(kind, check) if *kind == step.urn.kind() => Some(check),
            _ => None,
        });
        for check in of_kind {
            let asked = caught(|| check(step)).map_err(|e| panicked(policy.name(), &e, scrub))?;
            for violation in asked {
                let mut violation = named(violation, policy, enforcement);
                violation.message = scrub.clean(violation.message);
                in_program(&mut violation, node, false);
                found.push(violation);
            }
        }
    }
    Ok(found)
}

fn by_kind(plan: &Plan) -> HashMap<&str, Vec<&Step>> {
    let mut of_kind = HashMap::<&str, Vec<&Step>>::new();
    for step in plan.steps.iter().filter(|step| Check::concerns(step.action)) {
        of_kind.entry(step.urn.kind()).or_default().push(step);
    }
    of_kind
}

fn panicked(policy: &str, panic: &Panic, scrub: &Scrub) -> String {
    format!("the policy `{policy}` panicked: {}", scrub.panicked(panic))
}

/// A violation may be milder than its policy, never stricter.
fn named(mut violation: Violation, policy: &Policy, enforcement: Enforcement) -> Violation {
    policy.name().clone_into(&mut violation.policy);
    violation.enforcement = violation.enforcement.min(enforcement);
    violation
}

/// What the program says of a resource that violates something: where it is, and why it may.
fn in_program(violation: &mut Violation, node: &Node, is_restored: bool) {
    violation.allowed = node.options.allow.get(&violation.policy).cloned();
    // The lines of an earlier deployment are not those of today.
    violation.at = (!is_restored).then(|| node.line());
}
