//! Finding a cycle among dependencies.

use std::{collections::HashMap, hash::BuildHasher};

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
