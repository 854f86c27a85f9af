//! Things to know about a plan.

use std::collections::HashMap;

use infra_state::{Value, canonical};

use super::{
    Action, Hint,
    draft::{Make, Removal},
    forward::{FIXED, Forward},
};
use crate::{graph::Node, provider::Driver};

/// Everything worth a hint.
pub(super) fn hints(forward: &Forward<'_>, removals: &[Removal], notes: Vec<String>) -> Vec<Hint> {
    let mut hints: Vec<_> = notes.into_iter().map(Hint::Note).collect();
    for make in &forward.makes {
        let first = make.makes_room().and_then(|replacing| replacing.first.as_deref());
        let field = first.and_then(|why| why.strip_prefix(FIXED)?.split('`').nth(1));
        hints.extend(
            field.map(|field| Hint::FixedName { urn: make.urn().clone(), field: field.to_owned() }),
        );
    }
    hints.extend(renames(forward, removals));
    hints
}

/// Pairs of a delete and a create of one kind that agree in everything that cannot be changed in place.
fn renames(forward: &Forward<'_>, removals: &[Removal]) -> Vec<Hint> {
    let mut deleted = HashMap::<&str, Vec<&Removal>>::new();
    for removal in removals.iter().filter(|removal| removal.action == Action::Delete) {
        deleted.entry(removal.record.urn.kind()).or_default().push(removal);
    }
    let mut hints = Vec::new();
    if deleted.is_empty() {
        return hints;
    }
    let mut taken = HashMap::<(&str, Vec<u8>), Vec<&Removal>>::new();
    for (kind, removals) in &deleted {
        let Ok(driver) = forward.remembered.driver(&removals[0].record.urn) else { continue };
        for removal in removals {
            let nature = nature(&**driver, &removal.record.inputs, None);
            taken.entry((kind, nature)).or_default().push(removal);
        }
    }
    let is_new = |make: &&Make<'_>| make.action == Action::Create && make.replaces.is_none();
    let mut created = HashMap::<&str, usize>::new();
    for make in forward.makes.iter().filter(is_new) {
        *created.entry(make.urn().kind()).or_default() += 1;
    }
    for make in forward.makes.iter().filter(is_new) {
        let (driver, kind) = (&make.node.driver, make.urn().kind());
        let known = nature(&**driver, &make.inputs, Some(make.node));
        let mut from = taken.get_mut(&(kind, known)).and_then(Vec::pop);
        if from.is_none() {
            // What hangs on unknowns, or was named by the engine, is compared one by one, as long as they are few.
            let few = deleted.get(kind).filter(|removals| removals.len() <= 16);
            let free = |removal: &&&Removal| {
                !hints.iter().any(
                    |hint| matches!(hint, Hint::Rename { from, .. } if *from == removal.record.urn),
                )
            };
            let alike = |removal: &&&Removal, sure: bool| {
                let agree = agree(make.node, &removal.record.inputs, &make.inputs);
                agree.is_some_and(|compared| compared > 0 || sure)
            };
            // Where nothing can be compared, being called alike says enough, or being the only ones.
            let only =
                created.get(kind) == Some(&1) && deleted.get(kind).is_some_and(|d| d.len() == 1);
            let called =
                |removal: &&&Removal| only || removal.record.urn.last() == make.urn().last();
            from = few.and_then(|removals| {
                let mut all = removals.iter().filter(free);
                let known = all.clone().find(|removal| alike(removal, false));
                known
                    .or_else(|| all.find(|removal| called(removal) && alike(removal, true)))
                    .copied()
            });
        }
        hints.extend(
            from.map(|from| Hint::Rename { from: from.record.urn.clone(), to: make.urn().clone() }),
        );
    }
    hints
}

/// What cannot be changed in place, in one comparable form.
fn nature(driver: &dyn Driver, inputs: &Value, declared: Option<&Node>) -> Vec<u8> {
    let generated = |name: &str| declared.is_some_and(|node| !node.inputs.contains_key(name));
    let fields = driver.schema().fields.iter().filter(|field| field.replace);
    let fixed = fields.filter(|field| field.name_rule.is_none() || !generated(field.name));
    let parts =
        fixed.filter_map(|field| Some((field.name.to_owned(), inputs.get(field.name)?.plain())));
    canonical::to_vec(&Value::Map(parts.collect()))
}

/// In how many fields they agree, if they do as far as it is known; about generated names nothing can be said.
fn agree(node: &Node, recorded: &Value, wanted: &Value) -> Option<usize> {
    let fields = node.driver.schema().fields.iter().filter(|field| field.replace);
    let fixed = fields.filter(|f| f.name_rule.is_none() || node.inputs.contains_key(f.name));
    let mut compared = 0;
    for field in fixed {
        match (recorded.get(field.name), wanted.get(field.name)) {
            (_, Some(wanted)) if wanted.has_unknown() => {}
            (Some(recorded), Some(wanted)) if recorded.same(wanted) => compared += 1,
            (None, None) => {}
            _ => return None,
        }
    }
    Some(compared)
}
