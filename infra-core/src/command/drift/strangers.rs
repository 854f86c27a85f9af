//! What no state knows: orphans, and what nobody manages.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::future::{join, join_all};
use infra_state::{Provider, ProviderIdentity, Record, Snapshot, Status, Urn, Value};

use super::{
    compare::Drifted,
    look::Looking,
    options::Orphans,
    read::{Pass, recorded_ids, texts},
};
use crate::{
    command::{
        observe::read_by_id,
        owned::{Owner, added, is_going, owned},
    },
    drift::{Finding, Repair, Subject, Unchecked, What},
    graph::Role,
    plan::{Seen, drift},
    provider::{Connection, Contained, Driver, ErasedObserved, Memo},
};

/// A place where objects are.
struct Place {
    provider: Provider,
    connection: Arc<Connection>,
    memo: Memo,
}

impl Looking<'_> {
    /// Everything that says it is this stack's, or is in what is, and that the state does not know.
    pub(super) async fn orphans(&mut self, pass: &Pass) -> Vec<Drifted> {
        if self.options.orphans == Orphans::None {
            return Vec::new();
        }
        let stack = &self.snapshot.identity.stack;
        let places = places(pass);
        let listings = places.iter().flat_map(|place| {
            self.kinds(place.provider.urn.kind()).into_iter().map(move |driver| (place, driver))
        });
        let engine = self.engine;
        let listed = join_all(listings.map(|(place, driver)| async move {
            let found = join(
                owned(engine, &driver, &place.connection, &place.memo, stack),
                added(engine, &driver, &place.connection, &place.memo, stack),
            );
            let (owned, added) = found.await;
            (place, driver, owned.map(Option::unwrap_or_default), added)
        }));
        let mut orphans = Vec::new();
        for (place, driver, owned, added) in listed.await {
            let mut failed = None;
            for listed in [owned, added] {
                match listed {
                    Ok(found) => {
                        let lost = found.into_iter().filter(|object| self.is_lost(&driver, object));
                        orphans.extend(lost.map(|object| (place, Arc::clone(&driver), object)));
                    }
                    Err(error) => failed = Some(error.to_string()),
                }
            }
            // One call often answers both.
            if let Some(why) = failed {
                let why = self.scrub.clean(why);
                let why = format!("orphans of the kind cannot be listed: {why}");
                self.unlisted.extend(Unchecked::orphans(driver.schema().kind, why));
            }
        }
        let mut found = Vec::new();
        let mut met = Vec::new();
        for (place, driver, object) in orphans {
            // What is nowhere in particular is seen from everywhere.
            let account = place.provider.identity.get("account");
            let same = (driver.schema().kind, account, object.id.clone(), object.outputs.clone());
            if met.contains(&same) {
                continue;
            }
            met.push(same);
            let urn = self.tagged_urn(&object).unwrap_or_else(|| place.provider.urn.clone());
            let connection = Arc::clone(&place.connection);
            // A listing may lag behind a delete. Where it cannot be read alone, what the listing says counts: whoever may
            // list what others put into a role need not be allowed to read it.
            let there = match read_by_id(engine, &urn, &driver, connection, &object.id).await {
                Ok(there) => there.map(|there| ErasedObserved { owner: object.owner, ..there }),
                Err(_) => Some(object),
            };
            if let Some(object) = there.filter(|it| !is_going(it)) {
                let (named, driver) = (Named::of(&object), Some(driver));
                found.push(self.stranger(What::Orphan, place, driver, named, Some(object)));
            }
        }
        found
    }

    /// The drivers of the kinds whose orphans are looked for in a place.
    fn kinds(&self, provider: &str) -> Vec<Arc<dyn Driver>> {
        let mut kinds = BTreeMap::<&str, Arc<dyn Driver>>::new();
        let declared = self.wanted.iter().flat_map(|wanted| wanted.graph.nodes.values());
        for node in declared {
            kinds.insert(node.urn.kind(), Arc::clone(&node.driver));
        }
        let registry = &self.engine.registry;
        for record in self.snapshot.records.values() {
            if let Some(driver) = registry.get(record.urn.kind()) {
                kinds.insert(record.urn.kind(), Arc::clone(driver));
            }
        }
        if self.options.orphans == Orphans::All {
            kinds.extend(registry.iter().map(|driver| (driver.schema().kind, Arc::clone(driver))));
        }
        let within =
            registry.iter().filter(|it| it.within().is_some_and(|of| kinds.contains_key(of)));
        let within: Vec<_> =
            within.map(|driver| (driver.schema().kind, Arc::clone(driver))).collect();
        kinds.extend(within);
        let only: BTreeSet<&str> = self.options.only.iter().map(Urn::kind).collect();
        let asked = |kind: &str| only.is_empty() || only.contains(kind);
        let managed = |driver: &Arc<dyn Driver>| {
            driver.role() == Role::Managed && driver.provider_kind() == Some(provider)
        };
        let kinds = kinds.into_iter().filter(|(kind, driver)| asked(kind) && managed(driver));
        kinds.map(|(_, driver)| driver).collect()
    }

    /// The resource that an object's tags say it is.
    fn tagged_urn(&self, object: &ErasedObserved) -> Option<Urn> {
        Owner::of(object, std::slice::from_ref(&self.snapshot.identity.stack))?.urn
    }

    /// Whether an object is this stack's by its tags, and nothing that is remembered.
    fn is_lost(&self, driver: &Arc<dyn Driver>, object: &ErasedObserved) -> bool {
        let owner = Owner::of(object, std::slice::from_ref(&self.snapshot.identity.stack));
        let Some(owner) = owner.filter(|it| it.lineage == self.snapshot.identity.lineage) else {
            return false;
        };
        // What says of no resource that it is its object was not asked about by name.
        let asked = match &owner.urn {
            Some(urn) => self.options.is_asked(urn),
            None => self.options.only.is_empty(),
        };
        asked && !is_going(object) && !is_remembered(self.snapshot, driver, object)
    }

    /// Everything in the containers that the stack knows that nobody manages.
    pub(super) async fn unmanaged(&mut self, pass: &Pass, orphans: &[Drifted]) -> Vec<Drifted> {
        if !self.options.unmanaged || !self.options.only.is_empty() {
            return Vec::new();
        }
        let recorded = recorded_ids(self.snapshot);
        let mut known = recorded.clone();
        known.extend(orphans.iter().filter_map(|orphan| orphan.finding.id.clone()));
        let mut found = Vec::new();
        for place in places(pass) {
            let Ok(connector) = self.engine.connector(place.provider.urn.kind()) else { continue };
            let mut ids = recorded.clone();
            for record in self.snapshot.records.values() {
                if record.provider.as_ref().is_some_and(|p| p.identity == place.provider.identity) {
                    texts(&record.inputs, &mut ids);
                    texts(&record.outputs, &mut ids);
                }
            }
            for id in ids {
                match connector.contained(&place.connection, &id).await {
                    Ok(Some(all)) => {
                        for it in all {
                            if known.insert(it.id.clone())
                                && let Some(what) = self.judge(&it)
                            {
                                let driver = self.engine.registry.get(&it.kind).cloned();
                                let named = Named { id: it.id, kind: Some(it.kind), name: it.name };
                                found.push(self.stranger(what, &place, driver, named, None));
                            }
                        }
                    }
                    Ok(None) => {}
                    Err(error) => {
                        let why = self.scrub.clean(error.to_string());
                        let why = format!("what is in {id} cannot be listed: {why}");
                        let kind = place.provider.urn.kind();
                        self.unlisted.extend(Unchecked::unmanaged(kind, why));
                    }
                }
            }
        }
        found
    }

    /// What an object in a container is that no state knows.
    fn judge(&self, it: &Contained) -> Option<What> {
        if it.comes_with.is_some() {
            return None;
        }
        let tags = it.owner.as_ref();
        match tags.and_then(|tags| tags.get("infra:lineage")) {
            None => Some(What::Unmanaged),
            Some(lineage) if *lineage == self.snapshot.identity.lineage.to_string() => {
                let word = tags.and_then(|tags| tags.get("infra:instance"));
                let begun = self.snapshot.open.values().any(|open| {
                    word.is_some_and(|word| word == open.intent.record.instance.as_str())
                });
                (!begun && self.options.orphans != Orphans::None).then_some(What::Orphan)
            }
            // Another stack's.
            Some(_) => None,
        }
    }

    fn stranger(
        &self,
        what: What,
        place: &Place,
        driver: Option<Arc<dyn Driver>>,
        named: Named,
        object: Option<ErasedObserved>,
    ) -> Drifted {
        let urn = object.as_ref().and_then(|object| self.tagged_urn(object));
        let schema = driver.as_ref().map(|driver| driver.schema());
        let kind = named.kind.or_else(|| schema.map(|schema| schema.kind.to_owned()));
        let kind = kind.unwrap_or_default();
        let (severity, rule) = self.rules.grade(&Subject {
            urn: None,
            kind: &kind,
            what,
            path: None,
            was: None,
            is: None,
            recorded: None,
            live: object.as_ref().map(|object| &object.live),
            desired: None,
            record: None,
            schema,
            protected: false,
        });
        let id = &named.id;
        let called = named.name.map(|name| format!(" ({name})")).unwrap_or_default();
        let (message, repair) = if what == What::Orphan {
            let message = match &urn {
                Some(urn) => format!(
                    "{id}{called} says that this stack made it as {urn}, and no state knows it"
                ),
                None => {
                    format!(
                        "{id}{called} is in what is this stack's, and its state does not know it"
                    )
                }
            };
            (message, "`--fix --delete-orphans` deletes it; `import` takes it over")
        } else {
            let message = format!("nobody manages {id}{called}, and it is where the stack is");
            (message, "declare and `import` it, or delete it")
        };
        let finding = Finding {
            urn: None,
            kind,
            id: Some(named.id),
            what,
            severity,
            rule,
            message: self.scrub.clean(message),
            fields: Vec::new(),
            at: None,
            by: None,
            repair: Repair::Nothing(repair.to_owned()),
        };
        Drifted {
            finding,
            known: None,
            diffs: Vec::new(),
            seen: object.map(Box::new),
            through: Some((place.provider.clone(), Arc::clone(&place.connection))),
            driver,
        }
    }
}

/// Whether a state has an object, or an operation on it that is not settled.
pub(super) fn is_remembered(
    snapshot: &Snapshot,
    driver: &Arc<dyn Driver>,
    object: &ErasedObserved,
) -> bool {
    let schema = driver.schema();
    let word = object.owner.as_ref().and_then(|owner| owner.get("infra:instance"));
    let word = word.filter(|word| !word.is_empty());
    let has_tags = schema.fields.iter().any(|field| field.tags);
    let is_one = |record: &Record| match word {
        _ if record.urn.kind() != schema.kind => false,
        Some(word) => record.instance.as_str() == word,
        // It does not tell which of those that are on their way it is: one that was wanted as it is.
        None => {
            let mut differences = drift(schema, &record.inputs, &object.live, &[]);
            // What is sealed with a key that is not at hand cannot be compared.
            differences.retain(|it| !it.before.as_ref().is_some_and(Value::has_unknown));
            !has_tags && differences.is_empty()
        }
    };
    let is_of = |record: &Record| match &record.id {
        Some(id) if record.status != Status::Unresolved => {
            record.urn.kind() == schema.kind && *id == object.id
        }
        _ => is_one(record),
    };
    let begun = snapshot
        .open
        .values()
        .any(|open| is_one(&open.intent.record) || open.created.as_ref() == Some(&object.id));
    begun || snapshot.records.values().any(|record| is_of(record))
}

/// How an object is called.
struct Named {
    id: String,
    kind: Option<String>,
    name: Option<String>,
}

impl Named {
    fn of(object: &ErasedObserved) -> Self {
        Self { id: object.id.clone(), kind: None, name: None }
    }
}

/// The places that were read, each once: several providers may lead to one.
fn places(pass: &Pass) -> Vec<Place> {
    let mut met = BTreeSet::<(String, ProviderIdentity)>::new();
    let mut places = Vec::new();
    for (at, (urn, connection)) in &pass.connections {
        if met.insert((urn.kind().to_owned(), connection.identity.clone())) {
            let provider = Provider { urn: urn.clone(), identity: connection.identity.clone() };
            let read = pass.seen.iter().filter(|(it, seen)| {
                Arc::as_ptr(&it.connection).addr() == *at && matches!(seen, Seen::Present(_))
            });
            let read =
                read.filter_map(|(it, _)| Some((it.driver.schema().kind, it.record.id.clone()?)));
            let memo = pass.memos.get(at).cloned().unwrap_or_default().knowing(read);
            places.push(Place { provider, connection: Arc::clone(connection), memo });
        }
    }
    places
}
