//! The types of a plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use infra_state::{Instance, Key, Path, ProviderIdentity, Record, Urn, Value};

use super::Held;
use crate::{
    Error, ErrorKind,
    graph::Exports,
    policy::{self, Violation},
    provider::ErasedObserved,
};

/// Which step of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub usize);

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Nothing. (It may still write state: a changed option, an accepted rename.)
    Keep,
    /// Make an object: a new resource, or the new object of a replacement.
    Create,
    /// Change the object in place.
    Update,
    /// Take over an existing object (`import`, `adopt`), then update it where it differs.
    Import,
    /// Remove the object of a resource that the program no longer has.
    Delete,
    /// Remove the old object of a replacement.
    DeleteOld,
    /// Look something up that could not be looked up while planning.
    Read,
    /// Drop the record without touching the cloud (`retain_on_delete`, the object is gone already, or it is a
    /// lookup or a provider).
    Forget,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The resource.
    pub urn: Urn,
    /// Which of its objects: the existing one, or (for `Create`) the word minted for the new one.
    pub instance: Instance,
    /// What is done.
    pub action: Action,
    /// What is wanted: declared fields with defaults, generated names and merged tags; unknown where it hangs on
    /// an unknown. For deletes: what was recorded.
    pub inputs: Held,
    /// The outputs as far as they are known before execution.
    pub outputs: Held,
    /// What is remembered of the object that the step is about; of the replaced one for the `Create` of a
    /// replacement. `None` for what is new.
    pub recorded: Option<Arc<Record>>,
    /// Intent: what the program changes, desired against recorded.
    pub diff: Vec<PropertyDiff>,
    /// Drift: what somebody else changed, recorded against live.
    pub drift: Vec<PropertyDiff>,
    /// The paths that execution may write: those of `diff`, and of the `drift` that is put back.
    pub paths: Vec<Path>,
    /// For the `Create` of a replacement: what it replaces and why.
    pub replaces: Option<Replacement>,
    /// Why this step is in the plan at all, from the cause outwards: links about other resources lead to those about
    /// this one. (Long chains keep their ends only.)
    pub why: Vec<Why>,
    /// What must have ended well before this starts.
    pub after: BTreeSet<StepId>,
    /// Deleting or replacing this loses data.
    pub data_loss: bool,
    /// Only the record changes: no call is made (options, dependencies, outputs that were read, a lookup that was
    /// looked up, a provider's configuration).
    pub record_only: bool,
    /// For `DeleteOld` and `Forget`: done only if this resource turns out to be really replaced. It is another one
    /// than `urn` where the old object makes room for that one.
    pub only_if: Option<Urn>,
    /// The name it was recorded under, when an alias matched.
    pub renamed_from: Option<Urn>,
}

/// The replacement that a `Create` is part of.
#[derive(Clone, Debug, PartialEq)]
pub struct Replacement {
    /// The object that is replaced.
    pub old: Key,
    /// It hangs on something unknown: execution may find that an update, or nothing, is enough.
    pub if_changed: bool,
    /// Which object goes first.
    pub order: ReplaceOrder,
}

/// Which object of a replacement goes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplaceOrder {
    /// The new one is made, consumers move to it, then the old one goes.
    CreateFirst,
    /// The old one goes first, for this reason.
    DeleteFirst(String),
}

/// One link of a reason chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// Which resource this link is about: the step's own, or one on the way to it.
    pub urn: Urn,
    /// What about that resource: a field, or nothing in particular.
    pub path: Option<Path>,
    /// What it is.
    pub cause: Cause,
}

/// Why something is planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The program has it and state does not.
    New,
    /// State has it and the program does not.
    Removed,
    /// The whole stack is destroyed.
    Destroyed,
    /// A declared field changed that cannot change in place.
    Immutable,
    /// A declared field changed.
    Changed,
    /// The driver says why it cannot be done in place.
    Driver(String),
    /// An option or a flag asks for it: `replace_on_changes`, `--replace`.
    Asked(String),
    /// Another resource's output changes, because that resource is replaced, created or updated.
    Follows {
        /// The other resource.
        urn: Urn,
        /// Its output.
        output: Path,
    },
    /// The object is gone from the cloud.
    Missing,
    /// Somebody else changed the object.
    Drifted,
    /// Making or updating it did not finish last time.
    Unfinished,
    /// The object cannot be used as it is (it failed, or is scheduled for deletion); the text is the cloud's reason.
    Broken(String),
    /// Its provider points somewhere else now: another account, region or cluster.
    ProviderMoved,
    /// It was replaced, and its old object only waits to be deleted.
    Deposed,
    /// The new one cannot exist beside it.
    MakesRoom {
        /// Which resource is replaced.
        urn: Urn,
    },
}

/// What happens to one property.
#[derive(Clone, Debug, PartialEq)]
pub struct PropertyDiff {
    /// Where.
    pub path: Path,
    /// What was there; `None` if nothing was.
    pub before: Option<Value>,
    /// What will be there; `None` if nothing will; may be or hold unknowns.
    pub after: Option<Value>,
    /// Whether this property alone makes a replacement necessary.
    pub kind: DiffKind,
}

/// What a changed property asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffKind {
    /// A change in place.
    Update,
    /// A replacement.
    Replace,
    /// A replacement if the value, not known yet, turns out to be another one.
    MaybeReplace,
}

/// What has to be done with an existing object; the later the stronger. Execution may do less than was planned, never
/// more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing.
    Keep,
    /// Only the record changes.
    Record,
    /// A change in place.
    Update,
    /// A replacement, if what is not known yet turns out to be another value.
    ReplaceIfChanged,
    /// A replacement.
    Replace,
    /// It is gone: another one is made.
    Missing,
}

/// What was found in the cloud.
#[derive(Clone, Debug)]
pub enum Seen {
    /// It is there.
    Present(Box<ErasedObserved>),
    /// It is not there.
    Absent,
}

/// What was observed before planning. What is not in here was not looked at.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// Recorded objects.
    pub objects: BTreeMap<Key, Seen>,
    /// Objects to be imported or adopted, by the resource that takes them.
    pub imports: BTreeMap<Urn, Seen>,
    /// Outputs of lookups that were looked up now.
    pub lookups: BTreeMap<Urn, Value>,
    /// Where the providers point that could be connected.
    pub providers: BTreeMap<Urn, ProviderIdentity>,
}

impl Observation {
    /// The objects that are there.
    pub(crate) fn present(&mut self) -> impl Iterator<Item = &mut ErasedObserved> {
        let seen = self.objects.values_mut().chain(self.imports.values_mut());
        seen.filter_map(|seen| match seen {
            Seen::Present(object) => Some(&mut **object),
            Seen::Absent => None,
        })
    }
}

/// How much is read before planning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refresh {
    /// What the plan would touch.
    #[default]
    Touched,
    /// Everything (`--refresh`).
    All,
    /// Nothing (`--no-refresh`).
    Nothing,
}

/// What the person asked of the plan.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent options")]
pub struct PlanOptions {
    /// Plan for an empty graph.
    pub destroy: bool,
    /// Only these and what they need (`--target`).
    pub targets: BTreeSet<Urn>,
    /// Not these, nor what needs them (`--exclude`).
    pub excludes: BTreeSet<Urn>,
    /// Replace these whether they changed or not (`--replace`).
    pub replaces: BTreeSet<Urn>,
    /// Data loss that was agreed to (`--allow-data-loss`).
    pub allow_data_loss: BTreeSet<Urn>,
    /// The cloud is not a real one: what it holds is nobody's data, and losing it needs no flag.
    pub simulated: bool,
    /// With `destroy`: leave what is protected, and what it needs, alone.
    pub exclude_protected: bool,
    /// How much is read first.
    pub refresh: Refresh,
    /// Ask lookups again instead of using what is pinned.
    pub refresh_lookups: bool,
    /// Go on though many objects are absent at once (`--allow-mass-absence`).
    pub allow_mass_absence: bool,
    /// The providers that the program left to their connectors, each with the fields that the stack's settings say.
    /// Whatever else they are configured with may come from the environment, and must not move them.
    pub defaults: BTreeMap<Urn, BTreeSet<String>>,
}

/// Something the person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A delete and a create that look like one resource renamed: the alias to write.
    Rename {
        /// The resource that would be deleted.
        from: Urn,
        /// The resource that would be created.
        to: Urn,
    },
    /// A fixed name forces delete-before-create.
    FixedName {
        /// The resource.
        urn: Urn,
        /// The field that holds the name.
        field: String,
    },
    /// Anything else.
    Note(String),
}

/// Data that the plan would lose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataLoss {
    /// The resource that holds it.
    pub urn: Urn,
    /// Whether it may be lost: `--allow-data-loss` names it, or it is nobody's.
    pub allowed: bool,
    /// Whether `--allow-data-loss` names it.
    pub named: bool,
}

/// What would be done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps, `StepId` is the index; every step comes after those it waits for.
    pub steps: Vec<Step>,
    /// What the program exports.
    pub exports: Exports,
    /// What is known of the exports' values before execution.
    pub exported: BTreeMap<String, Value>,
    /// Things to know.
    pub hints: Vec<Hint>,
    /// Data that would be lost.
    pub losses: Vec<DataLoss>,
    /// What it violates of the program's policies, what stops it first. Those that are allowed with a reason are here too.
    pub violations: Vec<Violation>,
    /// Records to put before the first step, in one commit with `forgotten`: renamed by an alias, or mentioning what
    /// was renamed. The steps take them as given.
    pub records: Vec<Record>,
    /// The names that the renamed records had.
    pub forgotten: Vec<Key>,
}

impl Plan {
    /// One step.
    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[id.0]
    }

    /// The steps with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (StepId, &Step)> {
        self.steps.iter().enumerate().map(|(at, step)| (StepId(at), step))
    }

    /// Whether executing it would change anything in the cloud.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.action == Action::Keep || step.record_only)
    }

    /// Why it must not be executed: data would be lost that nobody agreed to lose.
    pub fn refusal(&self) -> Option<Error> {
        let lost: Vec<_> =
            self.losses.iter().filter(|loss| !loss.allowed).map(|loss| &loss.urn).collect();
        if lost.is_empty() {
            return None;
        }
        let flags: Vec<_> = lost.iter().map(|urn| format!("--allow-data-loss {urn}")).collect();
        // Who renamed it in the program did not mean to lose it.
        let renames = self.hints.iter().filter_map(|hint| match hint {
            Hint::Rename { from, to } if lost.contains(&from) => Some(format!(
                ". `{}` looks like it renamed: `.alias(\"{}\")` on it keeps the data",
                to.name(),
                from.name()
            )),
            _ => None,
        });
        let message = format!(
            "this would delete data that cannot be brought back. If that is meant: {}{}",
            flags.join(" "),
            renames.collect::<String>()
        );
        Some(Error::new(ErrorKind::Refused, message))
    }

    /// Why it must not be executed: it violates policies.
    pub fn violated(&self) -> Option<Error> {
        policy::refusal(&self.violations, &|urn| {
            let removed = |step: &Step| step.urn == *urn && step.action == Action::Delete;
            !self.steps.iter().any(removed)
        })
    }

    /// How many steps of each action, those that do nothing left out.
    pub fn counts(&self) -> BTreeMap<Action, usize> {
        let mut counts = BTreeMap::new();
        for step in self.steps.iter().filter(|s| s.action != Action::Keep && !s.record_only) {
            *counts.entry(step.action).or_default() += 1;
        }
        counts
    }
}
