//! One object, as it is recorded and as it is.

use std::{collections::BTreeMap, sync::Arc};

use infra_state::{Instance, Key, Path, Provider, Record, Snapshot, Value};

use super::{
    options::DriftOptions,
    read::Known,
    wanted::{Intent, Wanted},
};
use crate::{
    drift::{FieldDrift, Finding, Repair, Rules, Severity, Subject, What},
    plan::{DiffKind, PropertyDiff, Seen, drift, ignore},
    provider::{Connection, Driver, ErasedObserved, Readiness},
    report::shown,
};

/// A finding with what it was made from.
pub(super) struct Drifted {
    pub(super) finding: Finding,
    /// What is recorded; `None` for what no state knows.
    pub(super) known: Option<Known>,
    pub(super) diffs: Vec<PropertyDiff>,
    /// The object, if it is there.
    pub(super) seen: Option<Box<ErasedObserved>>,
    /// Through which provider it was found.
    pub(super) through: Option<(Provider, Arc<Connection>)>,
    /// Its kind's driver, if this program has the kind.
    pub(super) driver: Option<Arc<dyn Driver>>,
}

impl Drifted {
    /// Whether the object has what its kind cannot say.
    pub(super) fn has_beyond(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| !seen.beyond.is_empty())
    }
}

/// What objects are compared with.
pub(super) struct Comparing<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// `None`: the stack is another program's.
    pub(super) wanted: Option<&'a Wanted>,
    pub(super) rules: &'a Rules,
    pub(super) options: &'a DriftOptions,
}

/// What comparing one object came to.
pub(super) enum Compared {
    /// It is as it is recorded.
    Same,
    /// It is on its way, and may show anything.
    Moving(String),
    /// It is not as it is recorded.
    Drifted(Box<Drifted>),
}

impl Comparing<'_> {
    pub(super) fn compare(&self, known: &Known, seen: &Seen) -> Compared {
        let object = match seen {
            Seen::Absent => return self.found(known, None, What::Deleted, Vec::new()),
            Seen::Present(object) => &**object,
        };
        if self.is_replaced(&known.record, object) {
            return self.found(known, Some(object), What::Replaced, Vec::new());
        }
        match &object.readiness {
            Readiness::Failed(_) | Readiness::Deleting(_) | Readiness::Restorable(_) => {
                return self.found(known, Some(object), What::Broken, Vec::new());
            }
            Readiness::Pending(why) if !known.driver.schema().declarative => {
                return Compared::Moving(why.clone());
            }
            Readiness::Pending(_) | Readiness::Ready | Readiness::Stuck(_) => {}
        }
        let diffs = self.differences(known, &object.live);
        match &object.readiness {
            _ if !diffs.is_empty() => self.found(known, Some(object), What::Changed, diffs),
            Readiness::Stuck(_) => self.found(known, Some(object), What::Broken, diffs),
            _ if !object.beyond.is_empty() => self.found(known, Some(object), What::Changed, diffs),
            _ => Compared::Same,
        }
    }

    /// The fields that somebody else changed.
    pub(super) fn differences(&self, known: &Known, live: &Value) -> Vec<PropertyDiff> {
        let schema = known.driver.schema();
        let mut diffs = drift(schema, &known.record.inputs, live, self.ignored(&known.record));
        // What is sealed with a key that is not at hand cannot be compared.
        diffs.retain(|diff| !diff.before.as_ref().is_some_and(Value::has_unknown));
        let computed =
            |diff: &PropertyDiff| schema.field(&diff.path).is_some_and(|field| field.computed);
        if diffs.iter().any(computed)
            && let Some(intent) = self.intent(&known.record)
            && let Some(desired) = &intent.desired
        {
            // What the program left to the cloud since is the cloud's to change.
            diffs.retain(|diff| {
                !computed(diff) || diff.path.first().is_some_and(|name| desired.get(name).is_some())
            });
        }
        diffs
    }

    /// What the program leaves to others.
    fn ignored(&self, record: &Record) -> &[Path] {
        let node = self.wanted.and_then(|wanted| wanted.node(&record.urn));
        node.map_or(&[][..], |node| &node.options.ignore_changes)
    }

    pub(super) fn intent(&self, record: &Record) -> Option<Intent<'_>> {
        self.wanted?.intent(self.snapshot, record)
    }

    /// Whether another object stands in its place. An object that was taken over may have the tags of an earlier life.
    fn is_replaced(&self, record: &Record, object: &ErasedObserved) -> bool {
        let Some(owner) = &object.owner else { return false };
        let tag = |name: &str| owner.get(name).map(String::as_str);
        let Some(instance) = tag("infra:instance").filter(|word| !word.is_empty()) else {
            return false;
        };
        if instance == record.instance.as_str() {
            return false;
        }
        if tag("infra:lineage") != Some(&*self.snapshot.identity.lineage.to_string()) {
            return true;
        }
        let taken_over = |wanted: &Wanted| {
            let node = wanted.node(&record.urn);
            node.is_some_and(|node| node.options.import.is_some() || node.options.adopt)
        };
        let key = Key { urn: record.urn.clone(), instance: Instance::from(instance) };
        tag("infra:urn") == Some(record.urn.as_str())
            && !self.snapshot.records.contains_key(&key)
            && self.wanted.is_some_and(|wanted| !taken_over(wanted))
    }

    fn found(
        &self,
        known: &Known,
        seen: Option<&ErasedObserved>,
        what: What,
        diffs: Vec<PropertyDiff>,
    ) -> Compared {
        let (record, driver) = (&known.record, &known.driver);
        let intent = self.intent(record);
        let node = intent.as_ref().map(|intent| intent.node);
        let desired = intent.as_ref().and_then(|intent| intent.desired.as_ref());
        let subject = Subject {
            urn: Some(&record.urn),
            kind: record.urn.kind(),
            what,
            path: None,
            was: None,
            is: None,
            recorded: Some(&record.inputs),
            live: seen.map(|seen| &seen.live),
            desired,
            record: Some(record),
            schema: Some(driver.schema()),
            protected: record.options.protect || node.is_some_and(|node| node.options.protect),
        };
        let field = |diff: &PropertyDiff| {
            let (was, is) = (diff.before.as_ref(), diff.after.as_ref());
            let subject = Subject { path: Some(&diff.path), was, is, ..subject };
            let (severity, rule) = self.rules.grade(&subject);
            let wanted = intent.as_ref().and_then(|intent| intent.wanted_at(diff));
            FieldDrift {
                path: diff.path.to_string(),
                recorded: was.map(shown),
                live: is.map(shown),
                desired: wanted.as_ref().map(shown),
                severity,
                rule,
            }
        };
        let fields: Vec<FieldDrift> = diffs.iter().map(field).collect();
        let (severity, rule) = match worst(&fields) {
            Some(field) => (field.severity, field.rule.clone()),
            None => self.rules.grade(&subject),
        };
        let id = record.id.clone();
        let finding = Finding {
            urn: Some(record.urn.clone()),
            kind: record.urn.kind().to_owned(),
            message: message(what, id.as_deref(), &diffs, seen),
            id,
            what,
            severity,
            rule,
            fields,
            at: node.map(|node| node.at.to_string()).or_else(|| record.options.declared.clone()),
            by: None,
            repair: self.repair(known, what, &diffs, seen, intent.as_ref()),
        };
        Compared::Drifted(Box::new(Drifted {
            finding,
            known: Some(known.clone()),
            diffs,
            seen: seen.cloned().map(Box::new),
            through: Some((known.provider.clone(), Arc::clone(&known.connection))),
            driver: Some(Arc::clone(driver)),
        }))
    }

    /// What `--fix` does about it, where nothing more is allowed to it.
    fn repair(
        &self,
        known: &Known,
        what: What,
        diffs: &[PropertyDiff],
        seen: Option<&ErasedObserved>,
        intent: Option<&Intent<'_>>,
    ) -> Repair {
        let urn = &known.record.urn;
        let nothing = |why: String| Repair::Nothing(why);
        if self.wanted.is_none() {
            return nothing("its own program repairs it".to_owned());
        }
        if what == What::Changed && diffs.is_empty() {
            return nothing(
                "its kind cannot say it: take it away by hand; if it is to stay, a rule for it \
                 (`App::drift_rule`) can grade it `info`, and `--severity low` leaves it out"
                    .to_owned(),
            );
        }
        let Some(intent) = intent else {
            let then = if what == What::Deleted { "forgets" } else { "deletes" };
            return nothing(format!("the program does not declare it any more: `up` {then} it"));
        };
        match (what, seen.map(|seen| &seen.readiness)) {
            (What::Deleted, _) if !intent.pending.is_empty() => {
                nothing("the program wants it otherwise now: `up` makes it".to_owned())
            }
            (What::Deleted, _) if known.record.holds_data && !self.may_replace(urn) => {
                nothing(format!(
                    "its data is lost: restore it, or say `--allow-replace {urn}` to make it anew, empty"
                ))
            }
            (What::Deleted, _) => Repair::Create,
            (What::Changed, Some(_)) => self.put_back(known, diffs, seen, intent),
            (What::Broken, Some(Readiness::Restorable(_))) => Repair::Update,
            (What::Broken, Some(Readiness::Stuck(_))) => {
                nothing("it is as recorded, and does not get ready: look why".to_owned())
            }
            (What::Broken, _) if self.may_replace(urn) => Repair::Create,
            (What::Broken, _) => nothing(format!("`--allow-replace {urn}` makes it anew")),
            _ => nothing(format!(
                "somebody else's object has its place: look there, then `state rm {urn}` and `up`"
            )),
        }
    }

    fn put_back(
        &self,
        known: &Known,
        diffs: &[PropertyDiff],
        seen: Option<&ErasedObserved>,
        intent: &Intent<'_>,
    ) -> Repair {
        let Known { record, driver, .. } = known;
        let urn = &record.urn;
        if intent.changes(diffs) {
            return Repair::Nothing(
                "the program wants something else here now: `up` brings it".to_owned(),
            );
        }
        let anew = |why: String| {
            if self.may_replace(urn) {
                return Repair::Create;
            }
            Repair::Nothing(format!("{why}; `--allow-replace {urn}` makes it anew"))
        };
        if let Some(fixed) = diffs.iter().find(|diff| diff.kind != DiffKind::Update) {
            return anew(format!("`{}` cannot be changed in place", fixed.path));
        }
        let Some(live) = seen.map(|seen| &seen.live) else { return Repair::Update };
        if let Some(reason) = driver.replaces(live, &record.inputs)
            && diffs.iter().any(|diff| diff.path.meets(&reason.path))
        {
            return anew(format!("`{}`: {}", reason.path, reason.message));
        }
        // What is ignored is not put back.
        let back = ignore::overlay(driver.schema(), self.ignored(record), live, &record.inputs);
        match driver.shrinks(live, &back) {
            Some(less) if !self.options.allow_shrink => {
                Repair::Nothing(format!("that would leave less of it ({less}): `--allow-shrink`"))
            }
            _ => Repair::Update,
        }
    }

    fn may_replace(&self, urn: &infra_state::Urn) -> bool {
        self.options.allow_replace.contains(urn)
    }
}

/// The worst field, the first of several.
fn worst(fields: &[FieldDrift]) -> Option<&FieldDrift> {
    let worst: Severity = fields.iter().map(|field| field.severity).max()?;
    fields.iter().find(|field| field.severity == worst)
}

fn message(
    what: What,
    id: Option<&str>,
    diffs: &[PropertyDiff],
    seen: Option<&ErasedObserved>,
) -> String {
    let id = id.unwrap_or("it");
    let why = || {
        let mut readiness = seen.map(|seen| seen.readiness.clone());
        let why = readiness.as_mut().and_then(Readiness::why_mut);
        why.map(std::mem::take).unwrap_or_default()
    };
    match what {
        What::Changed => {
            let beyond = seen.map(|seen| seen.beyond.join(", ")).unwrap_or_default();
            let added =
                (!beyond.is_empty()).then(|| format!("it has {beyond}, which its kind cannot say"));
            let changed = match diffs {
                [] => None,
                [one] => Some(format!("somebody changed `{}`", one.path)),
                more => Some(format!("somebody changed {} fields", more.len())),
            };
            changed.into_iter().chain(added).collect::<Vec<_>>().join("; ")
        }
        What::Deleted => format!("{id} is gone"),
        What::Replaced => {
            let owner = seen.and_then(|seen| seen.owner.as_ref());
            let stack = |owner: &BTreeMap<String, String>| owner.get("infra:stack").cloned();
            let whose = owner.and_then(stack).unwrap_or_else(|| "somebody else".to_owned());
            format!("{id} is another object now, made by {whose}")
        }
        What::Broken => match seen.map(|seen| &seen.readiness) {
            Some(Readiness::Deleting(_)) => format!("{id} is being deleted: {}", why()),
            Some(Readiness::Restorable(_)) => format!("{id} is scheduled for deletion: {}", why()),
            Some(Readiness::Stuck(_)) => format!("{id} does not get ready: {}", why()),
            _ => format!("{id} failed: {}", why()),
        },
        What::Orphan => format!("{id} says that it is this stack's, and no state knows it"),
        What::Unmanaged => format!("nobody manages {id}"),
        What::Violation => "a policy does not allow it".to_owned(),
    }
}
