//! What is removed: what the program no longer has, old objects of replacements, and what waits to be deleted.

use std::{collections::HashSet, sync::Arc};

use infra_state::{Key, Record, Status};

use super::{
    Action, Cause, Seen,
    draft::{Removal, because},
    forward::Forward,
};
use crate::{graph::Role, provider::Readiness};

/// All removals; those that something left alone still needs are left out, and named in `notes`.
pub(super) fn removals(
    forward: &Forward<'_>,
    notes: &mut Vec<String>,
) -> crate::Result<Vec<Removal>> {
    let mut found = Vec::new();
    for (at, make) in forward.makes.iter().enumerate() {
        if let Some(replacing) = &make.replaces {
            let mut removal =
                removal(forward, &replacing.old, Action::DeleteOld, make.why.clone())?;
            if replacing.gone {
                removal.action = Action::Forget;
                removal.data_loss = false;
            }
            removal.replaced_by = Some(at);
            removal.record_only |= make.node.role == Role::Provider;
            found.push(removal);
        }
    }
    for record in forward.remembered.iter().filter(|record| forward.scope.has(&record.urn)) {
        let (action, cause) = if record.status == Status::Deposed {
            (Action::DeleteOld, Cause::Deposed)
        } else if forward.options.destroy {
            (Action::Delete, Cause::Destroyed)
        } else if forward.graph.nodes.contains_key(&record.urn) {
            continue;
        } else {
            (Action::Delete, Cause::Removed)
        };
        let why = vec![because(&record.urn, None, cause)];
        found.push(removal(forward, record, action, why)?);
    }
    let kept = still_needed(forward, &found);
    for removal in found.iter().filter(|removal| kept.contains(&removal.key())) {
        let text = match removal.action {
            Action::Delete => {
                "is not deleted: something that this plan leaves alone still needs it"
            }
            _ => {
                "keeps its old object for now: something that this plan leaves alone still uses it"
            }
        };
        notes.push(format!("`{}` {text}", removal.record.urn));
    }
    found.retain(|removal| !kept.contains(&removal.key()));
    Ok(found)
}

fn removal(
    forward: &Forward<'_>,
    record: &Arc<Record>,
    action: Action,
    why: Vec<super::Why>,
) -> crate::Result<Removal> {
    let driver = forward.remembered.driver(&record.urn)?;
    let connection_only = driver.role() != Role::Managed;
    let absent = match forward.remembered.seen(forward.seen, record) {
        Some(Seen::Absent) => true,
        // Scheduled for deletion is as deleted as it gets.
        Some(Seen::Present(object)) => matches!(object.readiness, Readiness::Restorable(_)),
        None => record.id.is_none(),
    };
    let declared = forward.graph.nodes.get(&record.urn);
    let retained = record.options.retain_on_delete
        || declared.is_some_and(|node| node.options.retain_on_delete);
    let forget = connection_only || absent || retained;
    let holds_data = record.holds_data || driver.schema().holds_data;
    Ok(Removal {
        action: if forget { Action::Forget } else { action },
        record: Arc::clone(record),
        why,
        data_loss: holds_data && !forget,
        record_only: connection_only,
        replaced_by: None,
        only_if: None,
    })
}

/// What cannot be removed because a record that stays was made from it.
fn still_needed(forward: &Forward<'_>, removals: &[Removal]) -> HashSet<Key> {
    let remembered = forward.remembered;
    let mut staying: Vec<&Arc<Record>> =
        remembered.iter().filter(|record| !forward.scope.has(&record.urn)).collect();
    let mut kept = HashSet::new();
    if staying.is_empty() {
        return kept;
    }
    let mut by_urn = std::collections::HashMap::<_, Vec<&Removal>>::new();
    for removal in removals {
        by_urn.entry(&removal.record.urn).or_default().push(removal);
    }
    while let Some(record) = staying.pop() {
        let provider = record.provider.as_ref().map(|provider| &provider.urn);
        for on in record.dependencies.iter().chain(provider) {
            for removal in by_urn.get(on).into_iter().flatten() {
                let gone = removal.replaced_by.is_some_and(|at| {
                    forward.makes[at].replaces.as_ref().is_some_and(|replacing| replacing.gone)
                });
                if !gone && kept.insert(removal.key()) {
                    staying.push(&removal.record);
                }
            }
        }
    }
    kept
}
