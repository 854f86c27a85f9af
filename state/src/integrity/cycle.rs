//! Finding a cycle among dependencies.

use std::{
    collections::{BTreeSet, HashMap},
    hash::BuildHasher,
};

use super::{Invariant, Violation};
use crate::Urn;

/// Looks for a cycle that can be reached from `starts`; each resource is visited once. Without recursion: chains may
/// be as long as a stack has resources.
pub(super) fn check<'u>(
    starts: impl IntoIterator<Item = &'u Urn>,
    dependencies: impl Fn(&Urn) -> Vec<&'u Urn>,
) -> Result<(), Violation> {
    let mut seen = HashMap::new();
    for start in starts {
        visit(start, &dependencies, &mut seen)?;
    }
    Ok(())
}

/// The same for all of a snapshot, whose current objects are given in the order of their urns. Cheap: with numbers in
/// the place of names, names are compared only to number them.
pub(super) fn check_all(current: &[(&Urn, &BTreeSet<Urn>)]) -> Result<(), Violation> {
    let number = |urn: &Urn| current.binary_search_by(|(other, _)| (*other).cmp(urn)).ok();
    let (mut targets, mut starts) = (Vec::new(), Vec::with_capacity(current.len() + 1));
    for (_, on) in current {
        starts.push(targets.len());
        targets.extend(on.iter().filter_map(number));
    }
    starts.push(targets.len());

    // 0: not seen, 1: on the path, 2: every path from it is known to end.
    let mut seen = vec![0_u8; current.len()];
    let mut path = Vec::new();
    for start in 0..current.len() {
        if seen[start] == 0 {
            seen[start] = 1;
            path.push((start, starts[start]));
        }
        while let Some((node, next)) = path.last_mut() {
            if *next == starts[*node + 1] {
                seen[*node] = 2;
                path.pop();
                continue;
            }
            let target = targets[*next];
            *next += 1;
            match seen[target] {
                0 => {
                    seen[target] = 1;
                    path.push((target, starts[target]));
                }
                1 => {
                    // There is one. Find it again with its names.
                    return check([current[target].0], |urn| {
                        number(urn).map(|n| current[n].1.iter().collect()).unwrap_or_default()
                    });
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn visit<'u, S: BuildHasher>(
    start: &'u Urn,
    dependencies: &impl Fn(&Urn) -> Vec<&'u Urn>,
    seen: &mut HashMap<&'u Urn, bool, S>,
) -> Result<(), Violation> {
    let below = |urn: &Urn| dependencies(urn).into_iter();
    if seen.insert(start, false).is_some() {
        // It was finished by an earlier start: every path from it is known to end.
        seen.insert(start, true);
        return Ok(());
    }
    let mut path = vec![(start, below(start))];
    while let Some((urn, rest)) = path.last_mut() {
        if let Some(next) = rest.next() {
            match seen.get(next) {
                Some(true) => {}
                Some(false) => {
                    let from = path.iter().position(|(urn, _)| *urn == next).unwrap_or(0);
                    let names: Vec<_> = path[from..].iter().map(|(urn, _)| urn.as_str()).collect();
                    let detail = format!("it depends on itself: {} → {next}", names.join(" → "));
                    return Err(Violation::new(Invariant::NoCycle, next, detail));
                }
                None => {
                    seen.insert(next, false);
                    path.push((next, below(next)));
                }
            }
        } else {
            seen.insert(urn, true);
            path.pop();
        }
    }
    Ok(())
}
