//! What has to be looked at before a plan can be made.

use std::collections::{BTreeMap, HashSet};

use infra_state::{Key, Snapshot, Urn, Value};

use super::{
    Action, Observation, PlanOptions, Refresh,
    forward::Forward,
    identity,
    planner::{configured, declared},
    refuse,
    remembered::Remembered,
    removal,
    scope::Scope,
};
use crate::{
    Result,
    graph::{Graph, Role},
    provider::Registry,
};

/// What has to be looked at next. Empty: everything is known that a plan needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToObserve {
    /// Providers to connect, with their configuration. As long as there are any, nothing else is asked for: where they
    /// point is checked first.
    pub providers: BTreeMap<Urn, Value>,
    /// Recorded objects to read, by their keys in the snapshot; through a connection that points where the record's
    /// provider pointed.
    pub objects: Vec<Key>,
    /// Objects to read that are to be imported or adopted.
    pub imports: BTreeMap<Urn, ToImport>,
    /// Lookups to look up, with their inputs.
    pub lookups: BTreeMap<Urn, Value>,
}

/// An object that is to be taken over.
#[derive(Clone, Debug, PartialEq)]
pub struct ToImport {
    /// The id the program gave; `None`: it is adopted if there is one with its name.
    pub id: Option<String>,
    /// The wanted inputs. Names that the engine generates are not those of execution.
    pub want: Value,
}

impl ToObserve {
    /// Whether nothing is left to look at.
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
            && self.objects.is_empty()
            && self.imports.is_empty()
            && self.lookups.is_empty()
    }
}

/// What is still to be looked at, given what was `seen`: asked again with the answers until it is empty, because
/// lookups feed each other and an absent object makes others worth a look. A provider that cannot be connected because
/// it does not exist yet is not asked for; what was asked for once and is not in `seen` is asked for again.
pub fn to_observe(
    graph: &Graph,
    snapshot: &Snapshot,
    registry: &Registry,
    seen: &Observation,
    options: &PlanOptions,
) -> Result<ToObserve> {
    let graph = declared(graph, options);
    let remembered = Remembered::new(&graph, snapshot, registry)?;
    let scope = Scope::new(&graph, &remembered, options)?;
    identity::check(&graph, &remembered, seen, options, &|urn| {
        configured(&graph, &remembered, urn)
    })?;
    refuse::mass_absence(&remembered, seen, options)?;
    // The words of new objects do not matter here, but names are made of them.
    let mint = || "aaaaaaaa".into();
    let mut forward = Forward::new(&graph, &remembered, seen, options, &scope, &mint);
    forward.run()?;
    let mut wanted = ToObserve { providers: providers(&forward), ..ToObserve::default() };
    if !wanted.providers.is_empty() {
        return Ok(wanted);
    }
    for make in &forward.makes {
        let through = make.node.provider.as_ref();
        if through.is_some_and(|provider| !seen.providers.contains_key(provider)) {
            continue;
        }
        let (urn, node) = (make.urn(), make.node);
        let takes_over = node.options.import.is_some() || node.options.adopt;
        match make.action {
            Action::Read if !make.record_only && !make.inputs.has_unknown() => {
                wanted.lookups.insert(urn.clone(), Value::clone(&make.inputs));
            }
            Action::Create | Action::Import
                if takes_over
                    && make.recorded.is_none()
                    && !seen.imports.contains_key(urn)
                    && (node.options.import.is_some() || !make.inputs.has_unknown()) =>
            {
                let (id, want) = (node.options.import.clone(), Value::clone(&make.inputs));
                wanted.imports.insert(urn.clone(), ToImport { id, want });
            }
            _ => {}
        }
    }
    for make in forward.makes.iter().filter(|make| make.node.role == Role::Lookup) {
        if options.refresh_lookups || !make.node.driver.is_pinned() {
            if !seen.lookups.contains_key(make.urn()) && !make.inputs.has_unknown() {
                wanted.lookups.insert(make.urn().clone(), Value::clone(&make.inputs));
            }
        }
    }
    wanted.objects = objects(&forward)?;
    Ok(wanted)
}

/// The providers whose place is not known, of everything that the plan is about.
fn providers(forward: &Forward<'_>) -> BTreeMap<Urn, Value> {
    let (graph, remembered) = (forward.graph, forward.remembered);
    let declared =
        graph.nodes.values().filter_map(|node| Some((&node.urn, node.provider.as_ref()?)));
    let recorded = remembered.iter().filter_map(|r| Some((&r.urn, &r.provider.as_ref()?.urn)));
    let mut providers = BTreeMap::new();
    let mut met = HashSet::new();
    for (_, provider) in declared.chain(recorded).filter(|(urn, _)| forward.scope.has(urn)) {
        if !met.insert(provider) || forward.seen.providers.contains_key(provider) {
            continue;
        }
        let config = match forward.places.get(provider) {
            Some(at) => Some(Value::clone(&forward.makes[*at].inputs)),
            None if graph.nodes.contains_key(provider) => configured(graph, remembered, provider),
            None => remembered.current(provider).map(|record| record.inputs.clone()),
        };
        if let Some(config) = config.filter(|config| !config.has_unknown()) {
            providers.insert(provider.clone(), config);
        }
    }
    providers
}

/// The recorded objects that the plan, as far as it can be made, would touch.
fn objects(forward: &Forward<'_>) -> Result<Vec<Key>> {
    let remembered = forward.remembered;
    let readable = |record: &infra_state::Record| {
        let provided = record.id.is_some() && record.provider.is_some();
        provided && remembered.seen(forward.seen, record).is_none()
    };
    let mut keys = Vec::new();
    match forward.options.refresh {
        Refresh::Nothing => {}
        Refresh::All => {
            let all = remembered.iter().filter(|record| {
                readable(record)
                    && forward.scope.has(&record.urn)
                    && remembered.role(&record.urn) == Role::Managed
            });
            keys.extend(all.map(|record| remembered.filed(record)));
        }
        Refresh::Touched => {
            let touched = forward.makes.iter().filter(|make| make.action != Action::Keep);
            let made = touched.filter(|make| make.node.role == Role::Managed);
            let old = made.filter_map(|make| make.recorded.as_deref()).filter(|r| readable(r));
            keys.extend(old.map(|record| remembered.filed(record)));
            let removals = removal::removals(forward, &mut Vec::new())?;
            let gone = removals.iter().filter(|removal| removal.deletes());
            let gone = gone.map(|removal| &*removal.record).filter(|record| readable(record));
            keys.extend(gone.map(|record| remembered.filed(record)));
        }
    }
    keys.sort();
    keys.dedup();
    Ok(keys)
}
