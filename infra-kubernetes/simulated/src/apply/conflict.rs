//! What is said when a field is another manager's.

use super::managed::Manager;
use super::set::Set;
use crate::failure::{Cause, Failure};

/// The refusal: which fields are whose.
pub(super) fn refused(conflicts: &[(Manager, Set)]) -> Failure {
    let mut found: Vec<(String, Vec<String>)> =
        conflicts.iter().map(|(manager, set)| (manager.shown(), set.paths())).collect();
    found.sort();
    let causes = found.iter().flat_map(|(manager, paths)| {
        let message = format!("conflict with {manager}");
        paths.iter().map(move |path| Cause::new("FieldManagerConflict", path, message.clone()))
    });
    let causes: Vec<_> = causes.collect();
    let message = match found.as_slice() {
        [(manager, paths)] if paths.len() == 1 => {
            format!("Apply failed with 1 conflict: conflict with {manager}: {}", paths[0])
        }
        _ => {
            let lines = found.iter().flat_map(|(manager, paths)| {
                let head = format!("conflicts with {manager}:");
                std::iter::once(head).chain(paths.iter().map(|path| format!("- {path}")))
            });
            let lines: Vec<_> = lines.collect();
            format!("Apply failed with {} conflicts: {}", causes.len(), lines.join("\n"))
        }
    };
    Failure::apply_conflict(message, &causes)
}
