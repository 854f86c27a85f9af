//! Whether the providers still point where the objects were made.

use infra_state::{ProviderIdentity, Urn, Value};

use super::{Moved, Observation, diff, remembered::Remembered};
use crate::{Error, ErrorKind, Result, graph::Graph, provider::Schema};

/// Refuses a plan whose providers point somewhere else than state remembers, unless their configuration says so:
/// other credentials or another endpoint in the environment are an accident, a changed region is a decision.
pub(super) fn check(
    graph: &Graph,
    remembered: &Remembered<'_>,
    seen: &Observation,
    configured: &dyn Fn(&Urn) -> Option<Value>,
) -> Result<()> {
    for (provider, now) in &seen.providers {
        // While objects of an earlier move are still to be deleted, both places are right.
        if remembered.has_deposed(provider) {
            continue;
        }
        let schema = remembered.driver(provider)?.schema();
        let recorded = remembered.current(provider).map(|record| &record.inputs);
        let changed = match (recorded, configured(provider)) {
            (Some(recorded), Some(wanted)) => changed_fields(schema, recorded, &wanted),
            _ => Vec::new(),
        };
        for made in remembered.identities(provider) {
            if made != now && !explained(schema, made, now, &changed) {
                return Err(refused(graph, provider, made, now));
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

fn changed_fields(schema: &Schema, recorded: &Value, wanted: &Value) -> Vec<String> {
    let changes = diff(schema, recorded, wanted, &[]);
    changes.iter().filter_map(|change| change.path.first().map(str::to_owned)).collect()
}

/// A part of the identity that is a field of the configuration has to have changed there. What is not one (the
/// account) may follow from any other changed field (a profile, a role), but not from a changed region.
fn explained(
    schema: &Schema,
    made: &ProviderIdentity,
    now: &ProviderIdentity,
    changed: &[String],
) -> bool {
    let parts = made.keys().chain(now.keys());
    parts.filter(|part| made.get(*part) != now.get(*part)).all(|part| {
        if schema.fields.iter().any(|field| field.name == part) {
            changed.contains(part)
        } else {
            changed.iter().any(|field| !made.contains_key(field) && !now.contains_key(field))
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
