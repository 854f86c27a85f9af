//! Whether the providers still point where the objects were made.

use infra_state::{ProviderIdentity, Urn, Value};

use super::{Moved, Observation, PlanOptions, PropertyDiff, diff, remembered::Remembered};
use crate::{Error, ErrorKind, Result, graph::Graph, provider::Schema};

/// Refuses a plan whose providers point somewhere else than state remembers, unless their configuration says so:
/// other credentials or another endpoint in the environment are an accident, and so is another region there; a region
/// that is changed in the program or in the stack's settings is a decision.
pub(super) fn check(
    graph: &Graph,
    remembered: &Remembered<'_>,
    seen: &Observation,
    options: &PlanOptions,
    configured: &dyn Fn(&Urn) -> Option<Value>,
) -> Result<()> {
    for (provider, now) in &seen.providers {
        // While objects of an earlier move are still to be deleted, both places are right.
        if remembered.has_deposed(provider) {
            continue;
        }
        let schema = remembered.driver(provider)?.schema();
        let recorded = remembered.current(provider).map(|record| &record.inputs);
        let mut changed = match (recorded, configured(provider)) {
            (Some(recorded), Some(wanted)) => diff(schema, recorded, &wanted, &[]),
            _ => Vec::new(),
        };
        let said = options.defaults.get(provider).filter(|_| !options.replaces.contains(provider));
        let is_said = |change: &PropertyDiff| {
            let field = change.path.first();
            said.is_none_or(|said| field.is_some_and(|field| said.contains(field)))
        };
        for made in remembered.identities(provider).filter(|made| *made != now) {
            if !explained(schema, made, now, &changed, &|_| true) {
                return Err(refused(graph, provider, made, now));
            }
            if !explained(schema, made, now, &changed, &is_said) {
                changed.retain(|change| !is_said(change));
                return Err(carried_off(graph, provider, &changed));
            }
        }
    }
    Ok(())
}

/// Whether the provider of an object points somewhere else now.
pub(super) fn moved(
    now: Option<&ProviderIdentity>,
    made: &ProviderIdentity,
    of_provider: Moved,
) -> Moved {
    match now {
        Some(now) if now == made => Moved::No,
        Some(_) => Moved::Yes,
        None => of_provider,
    }
}

/// A part of the identity that is a field of the configuration has to have changed there. What is not one (the
/// account) may follow from any other changed field (a profile, a role), but not from a changed region.
fn explained(
    schema: &Schema,
    made: &ProviderIdentity,
    now: &ProviderIdentity,
    changed: &[PropertyDiff],
    counts: &dyn Fn(&PropertyDiff) -> bool,
) -> bool {
    let changed: Vec<&str> =
        changed.iter().filter(|change| counts(change)).filter_map(|c| c.path.first()).collect();
    let parts = made.keys().chain(now.keys());
    parts.filter(|part| made.get(*part) != now.get(*part)).all(|part| {
        if schema.fields.iter().any(|field| field.name == part) {
            changed.contains(&part.as_str())
        } else {
            changed.iter().any(|field| !made.contains_key(*field) && !now.contains_key(*field))
        }
    })
}

fn refused(
    graph: &Graph,
    provider: &Urn,
    made: &ProviderIdentity,
    now: &ProviderIdentity,
) -> Error {
    let mut parts: Vec<_> = made.keys().chain(now.keys()).collect();
    parts.sort();
    parts.dedup();
    let part = |of: &ProviderIdentity, part: &String| {
        of.get(part).map_or_else(|| "none".to_owned(), Clone::clone)
    };
    let different: Vec<_> = parts
        .into_iter()
        .filter(|key| made.get(*key) != now.get(*key))
        .map(|key| format!("{key} {} where state has {}", part(now, key), part(made, key)))
        .collect();
    let declared = graph.nodes.get(provider).map(|node| format!(" (declared at {})", node.at));
    let message = format!(
        "the provider `{provider}`{} points to {}, and its configuration did not change: these are other credentials or \
         another endpoint. Nothing was read or changed. Use those that the stack was made with, or another stack",
        declared.unwrap_or_default(),
        different.join(", ")
    );
    Error::new(ErrorKind::Refused, message)
}

/// Something that nobody wrote down would move all that the stack has.
fn carried_off(graph: &Graph, provider: &Urn, changed: &[PropertyDiff]) -> Error {
    let text = |value: &Option<Value>| {
        value.as_ref().map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
    };
    let different: Vec<_> = changed
        .iter()
        .map(|change| {
            let (path, before, after) = (&change.path, text(&change.before), text(&change.after));
            format!("{path} {after} where state has {before}")
        })
        .collect();
    let stack = graph.stack.as_ref().map_or("NAME", |stack| &stack.stack);
    let first = changed.first();
    let line = first.map_or_else(String::new, |change| {
        format!("`{} = {}` ", change.path, text(&change.before))
    });
    let message = format!(
        "the provider `{provider}` would move, with everything it holds: {}. That is from the environment, not from the \
         stack's settings. Nothing was read or changed. To stay, write {line}under `[stack.{stack}]`; to move, write the \
         other value there, or say `--replace {provider}`",
        different.join(", ")
    );
    Error::new(ErrorKind::Refused, message)
}
