//! Which object of a replacement goes first.
//!
//! The new one is made first, unless it cannot exist beside the old one. If the old one goes first, the old objects
//! that were made from it have to go before it: so of its dependents those that would be replaced anyway go first too.
//! Such a group is decided as one, by its root: the first of it in the order of the graph.

use std::collections::HashMap;

use infra_state::Urn;

use super::{
    Cause,
    draft::{Removal, because},
    forward::Forward,
};
use crate::{Error, ErrorKind, Result};

/// Spreads delete-before-create to the dependents, and says of each removal what it hangs on.
pub(super) fn order(forward: &mut Forward<'_>, removals: &mut [Removal]) -> Result<()> {
    let old: HashMap<Urn, usize> = removals
        .iter()
        .enumerate()
        .filter(|(_, removal)| removal.replaced_by.is_some())
        .map(|(at, removal)| (removal.record.urn.clone(), at))
        .collect();
    let mut open: Vec<usize> =
        (0..forward.makes.len()).filter(|&at| forward.makes[at].makes_room().is_some()).collect();
    for &at in &open {
        refuse_left_alone(forward, at)?;
    }
    // Who goes because whom needs room: closed over dependents.
    let mut before: HashMap<usize, Vec<usize>> = HashMap::new();
    while let Some(at) = open.pop() {
        let urn = forward.makes[at].urn().clone();
        for record in forward.remembered.dependents(&urn) {
            let Some(&dependent) = forward.places.get(&record.urn) else { continue };
            let make = &mut forward.makes[dependent];
            let Some(replacing) = &mut make.replaces else { continue };
            if replacing.old.key() != record.key() || replacing.gone || dependent == at {
                continue;
            }
            before.entry(at).or_default().push(dependent);
            if replacing.first.is_none() {
                replacing.first =
                    Some(format!("it was made from the old `{urn}`, which has to go first"));
                make.why.push(because(&record.urn, None, Cause::MakesRoom { urn: urn.clone() }));
                refuse_left_alone(forward, dependent)?;
                open.push(dependent);
            }
        }
    }
    certain(forward, &before);
    let roots = roots(forward, &before);
    for (at, make) in forward.makes.iter().enumerate() {
        let Some(replacing) = &make.replaces else { continue };
        match old.get(make.urn()) {
            Some(removal) if replacing.if_changed => {
                removals[*removal].only_if = Some(roots.get(&at).copied().unwrap_or(at));
            }
            // Something that is left alone uses it, by way of other old objects.
            None if make.makes_room().is_some() => return Err(in_use(make.urn(), None)),
            _ => {}
        }
    }
    Ok(())
}

/// What was made from something that is surely replaced, and has to make room for it, surely goes.
fn certain(forward: &mut Forward<'_>, before: &HashMap<usize, Vec<usize>>) {
    let sure = |forward: &Forward<'_>, at: usize| {
        forward.makes[at].replaces.as_ref().is_some_and(|replacing| !replacing.if_changed)
    };
    let mut open: Vec<usize> = before.keys().copied().filter(|&at| sure(forward, at)).collect();
    while let Some(at) = open.pop() {
        for &dependent in before.get(&at).into_iter().flatten() {
            if !sure(forward, dependent)
                && let Some(replacing) = &mut forward.makes[dependent].replaces
            {
                replacing.if_changed = false;
                open.push(dependent);
            }
        }
    }
}

/// The root of each resource whose old object goes first.
fn roots(forward: &Forward<'_>, before: &HashMap<usize, Vec<usize>>) -> HashMap<usize, usize> {
    let mut roots = HashMap::new();
    for at in (0..forward.makes.len()).filter(|&at| forward.makes[at].makes_room().is_some()) {
        if roots.contains_key(&at) {
            continue;
        }
        roots.insert(at, at);
        let mut open = vec![at];
        while let Some(next) = open.pop() {
            for &dependent in before.get(&next).into_iter().flatten() {
                if let std::collections::hash_map::Entry::Vacant(entry) = roots.entry(dependent) {
                    entry.insert(at);
                    open.push(dependent);
                }
            }
        }
    }
    roots
}

/// An old object that goes first takes with it what uses it: that has to be part of the plan.
fn refuse_left_alone(forward: &Forward<'_>, at: usize) -> Result<()> {
    let urn = forward.makes[at].urn();
    let users = forward.remembered.dependents(urn).iter().map(|record| &record.urn);
    let mut left: Vec<_> = users.filter(|user| !forward.scope.has(user)).collect();
    left.dedup();
    left.first().map_or(Ok(()), |first| Err(in_use(urn, Some(first))))
}

fn in_use(urn: &Urn, by: Option<&Urn>) -> Error {
    let way =
        by.map(|by| format!(": add `{by}` to the plan (`--target {by}`, or no `--exclude` of it)"));
    let message = format!(
        "`{urn}` can only be replaced by deleting it first, and something that this plan leaves alone uses it{}",
        way.unwrap_or_default()
    );
    Error::new(ErrorKind::Usage, message)
}
