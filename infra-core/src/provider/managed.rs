//! The verbs that a resource author writes.

use std::{collections::BTreeMap, future::Future};

use infra_state::{Instance, Lineage, Path, StackName, Urn, Value};
use uuid::Uuid;

use super::{Cloud, Cx, Error, Field, Once, Partial, Result, Timeouts};
use crate::program::Resource;

/// A kind of resource that the engine creates, updates and deletes.
///
/// The engine composes the verbs (read, then create or update, then read until ready): no verb asks "is this a
/// create?", none waits. Every verb may be called again after it failed or after the process died in it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind that is created",
    label = "the engine cannot create a `{Self}`",
    note = "what only looks something up is declared by `stack.lookup(…)`, a connection to a cloud by `stack.provider(…)`, a generated secret by `stack.secret_with(…)`",
    note = "a kind of your own implements `infra_core::provider::Managed`"
)]
pub trait Managed: Resource {
    /// The cloud whose connection the verbs get.
    type Cloud: Cloud;

    /// Moves when a field changes its name or its meaning; state of older versions goes through [`Managed::upgrade`].
    const VERSION: u32 = 1;

    /// The kind of the objects that those of this kind are put into: policies into a role, routes into a table. Whoever
    /// may change that may put one there that says nothing of whose it is.
    const WITHIN: Option<&'static str> = None;

    /// Brings inputs recorded by version `from` to this version. A newer version than this is refused before this is called.
    fn upgrade(from: u32, inputs: Value) -> Result<Value> {
        let _ = from;
        Ok(inputs)
    }

    /// Reads many at once, each with its own result, in the order asked. `None`: it does not exist (or only as a
    /// remnant: a terminated instance, a deleted gateway).
    fn read(
        cx: &Cx<Self::Cloud>,
        find: &[Find<'_, Self>],
    ) -> impl Future<Output = Vec<Result<Option<Observed<Self>>>>> + Send;

    /// Every object of this kind that says it is of `stack`: by its owner tags or, where the kind has no tags, by a
    /// name that begins like the stack's generated ones. `None`: it has neither, and an object is found only by what
    /// it is declared with ([`Find::Made`]). For writing a lost state again, and for finding what no state knows.
    fn owned(
        cx: &Cx<Self::Cloud>,
        stack: &StackName,
    ) -> impl Future<Output = Result<Option<Vec<Observed<Self>>>>> + Send {
        let _ = (cx, stack);
        async { Ok(None) }
    }

    /// [`Managed::owned`] for a type that stands for several kinds: only those of this one.
    fn owned_of_kind(
        cx: &Cx<Self::Cloud>,
        stack: &StackName,
        kind: &str,
    ) -> impl Future<Output = Result<Option<Vec<Observed<Self>>>>> + Send {
        let _ = kind;
        Self::owned(cx, stack)
    }

    /// Everything in the stack's objects of the kind [`Managed::WITHIN`] that does not say itself whose it is, whoever
    /// put it there: with the tags of what it is in that say which stack that is, and not with those of a resource.
    /// Without what its cloud puts there of its own accord.
    fn added(
        cx: &Cx<Self::Cloud>,
        stack: &StackName,
    ) -> impl Future<Output = Result<Vec<Observed<Self>>>> + Send {
        let _ = (cx, stack);
        async { Ok(Vec::new()) }
    }

    /// Makes the object and returns its id as soon as there is one; the engine waits for it to be ready.
    ///
    /// Must be exactly once for the same `op`: pass `op.token()` where the API takes a client token, and
    /// `op.owner_tags()` in the creating call where it takes tags.
    fn create(
        cx: &Cx<Self::Cloud>,
        want: &Self,
        op: &Operation,
    ) -> impl Future<Output = Result<String>> + Send;

    /// Changes the object in place, only where [`Change::touches`] says so. The engine waits for it to be ready.
    fn update(
        cx: &Cx<Self::Cloud>,
        change: &Change<'_, Self>,
        op: &Operation,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Begins to remove the object; not found is success. The engine waits until it is gone.
    fn delete(
        cx: &Cx<Self::Cloud>,
        have: &Observed<Self>,
        recorded: &Self,
        op: &Operation,
    ) -> impl Future<Output = Result<()>> + Send;

    /// What the principal needs for this change, for reading ([`Intent::Read`]), and for [`Managed::owned`]
    /// and [`Managed::added`] ([`Intent::Search`]). What is not known when it is asked is `*`.
    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let _ = change;
        Vec::new()
    }

    /// Outputs as far as the inputs tell them before there is an object, with `*` for what they do not tell: an ARN
    /// with the declared name. For the grants of what is made from this one. An output with the name of an input is
    /// taken to be that, the output `id` to be [`Grant::OWN`]; they need not be here. `{FIELD}` stands for a field of the
    /// provider: what is made elsewhere may use it.
    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        let _ = want;
        Vec::new()
    }

    /// Checks what is known of the declaration, at preview.
    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let _ = want;
        Vec::new()
    }

    /// Why this change cannot be made in place, beyond the fields marked `replace`.
    fn replaces(old: &Self, new: &Partial<Self>) -> Option<Reason> {
        let _ = (old, new);
        None
    }

    /// Why the new object of a replacement cannot exist beside the old one, so that the old one goes first: for what a
    /// cloud holds to be the same twice. A fixed name, and what the schema says of the whole kind, need not be said here.
    fn collides(old: &Self, new: &Partial<Self>) -> Option<String> {
        let _ = (old, new);
        None
    }

    /// What there would be less of if the object, as it is in `live`, were brought to `want`: fewer nodes, a smaller
    /// class, a shorter memory. Putting drift right never does that unasked.
    fn shrinks(live: &Self, want: &Self) -> Option<String> {
        let _ = (live, want);
        None
    }

    /// Verbs of resources with the same lock run one at a time.
    fn serialize_on(want: &Self) -> Option<Lock> {
        let _ = want;
        None
    }

    /// How a create stays exactly once across a crash.
    fn once() -> Once {
        Once::default()
    }

    /// How long the verbs may take, if the program does not say otherwise.
    fn timeouts() -> Timeouts {
        Timeouts::default()
    }
}

/// Something that is looked up and never changed: read while planning, pinned in state until `--refresh-lookups`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind that is looked up",
    label = "the engine cannot look up a `{Self}`",
    note = "what is created is declared by `stack.add(…)`",
    note = "a lookup of your own implements `infra_core::provider::Lookup`"
)]
pub trait Lookup: Resource {
    /// The cloud that is asked.
    type Cloud: Cloud;

    /// Finds it. Not found is an error that says what was looked for.
    fn look_up(
        cx: &Cx<Self::Cloud>,
        want: &Self,
    ) -> impl Future<Output = Result<Self::Outputs>> + Send;

    /// What the principal needs for it.
    fn grants(want: &Self) -> Vec<Grant> {
        let _ = want;
        Vec::new()
    }
}

/// What identifies the object to read.
#[derive(Clone, Copy)]
pub enum Find<'a, R> {
    /// The object with this id.
    Id {
        /// The cloud's id, as `create` returned it.
        id: &'a str,
        /// What was recorded of it, if anything was (an import has nothing).
        recorded: Option<&'a R>,
    },
    /// The object that this operation may have made before the process died, or that has the declared name:
    /// found by its name in `want`, by the operation's token, or by its owner tags.
    Made {
        /// The inputs the create was (or would be) called with, with the generated name.
        want: &'a R,
        /// The operation.
        op: &'a Operation,
    },
}

impl<'a, R> Find<'a, R> {
    /// The id, if the object is looked for by id.
    pub fn id(&self) -> Option<&'a str> {
        match self {
            Self::Id { id, .. } => Some(id),
            Self::Made { .. } => None,
        }
    }

    /// What is known of the inputs.
    pub fn inputs(&self) -> Option<&'a R> {
        match self {
            Self::Id { recorded, .. } => *recorded,
            Self::Made { want, .. } => Some(want),
        }
    }
}

/// How far an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can be used.
    Ready,
    /// It is on its way; the text says where.
    Pending(String),
    /// It will not get ready; the text is the cloud's reason.
    Failed(String),
    /// It does not get ready as it is; the text is the cloud's reason. Changing it in place may mend it, so a plan does
    /// not replace it for that.
    Stuck(String),
    /// It is being deleted: as good as absent for a create, to be waited for in a delete.
    Deleting(String),
    /// It is scheduled for deletion and can be restored: the repair is to restore it (`update` is called), not to make another.
    Restorable(String),
}

impl Readiness {
    /// What the cloud says of an object that is not ready.
    pub(crate) fn why_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Ready => None,
            Self::Pending(why)
            | Self::Failed(why)
            | Self::Stuck(why)
            | Self::Deleting(why)
            | Self::Restorable(why) => Some(why),
        }
    }
}

/// An object as the cloud has it.
#[derive(Clone, Debug)]
pub struct Observed<R: Resource> {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub readiness: Readiness,
    /// Its live inputs; what cannot be read back is `None`, empty or anything (fields marked `write_only` are not looked at).
    pub live: R,
    /// Its outputs; `None` while it is not ready and they are not known.
    pub outputs: Option<R::Outputs>,
    /// Its tags that say who made it.
    pub owner: Option<BTreeMap<String, String>>,
    /// What it has that the kind cannot say. Such an object is not taken over, because a change could leave that out; a
    /// recorded one is shown as changed.
    pub beyond: Vec<String>,
}

impl<R: Resource> Observed<R> {
    /// An object that can be used.
    pub fn ready(id: impl Into<String>, live: R, outputs: R::Outputs) -> Self {
        let readiness = Readiness::Ready;
        Self {
            id: id.into(),
            readiness,
            live,
            outputs: Some(outputs),
            owner: None,
            beyond: Vec::new(),
        }
    }

    /// The same object in another state of readiness.
    #[must_use]
    pub fn but(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    /// The same object with all its tags, of which those of owners are kept.
    #[must_use]
    pub fn owned_by(mut self, tags: &BTreeMap<String, String>) -> Self {
        let owner = tags.iter().filter(|(key, _)| key.starts_with(Operation::TAG_PREFIX));
        let owner: BTreeMap<_, _> = owner.map(|(k, v)| (k.clone(), v.clone())).collect();
        self.owner = (!owner.is_empty()).then_some(owner);
        self
    }

    /// The same object with what it has that the kind cannot say: `network interfaces`.
    #[must_use]
    pub fn with_beyond(mut self, what: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.beyond.extend(what.into_iter().map(Into::into));
        self
    }
}

/// One operation on one object: what makes a repeated call recognisable.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The operation; the same again when it is tried again or recovered after a crash.
    pub id: Uuid,
    /// The stack.
    pub stack: StackName,
    /// The stack's lineage.
    pub lineage: Lineage,
    /// The resource.
    pub urn: Urn,
    /// Which of its objects.
    pub instance: Instance,
}

impl Operation {
    /// What the keys of owner tags begin with; such tags are outside every diff.
    pub const TAG_PREFIX: &str = "infra:";

    /// The client token: 36 characters, the same on every attempt.
    pub fn token(&self) -> String {
        self.id.to_string()
    }

    /// The tags that say whose the object is and which operation made it.
    pub fn owner_tags(&self) -> BTreeMap<String, String> {
        [
            ("infra:stack", self.stack.to_string()),
            ("infra:lineage", self.lineage.to_string()),
            ("infra:urn", self.urn.to_string()),
            ("infra:instance", self.instance.to_string()),
            ("infra:operation", self.id.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }
}

/// What a [`Change`] is, for [`Managed::grants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Everything of the kind that is the stack's is looked for.
    Search,
    /// The object is looked at.
    Read,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is removed.
    Delete,
}

/// A change in place, or (for `grants`) anything else that is done with an object.
pub struct Change<'a, R: Resource> {
    /// The object as it is now; `None` when it is about to be made.
    pub have: Option<&'a Observed<R>>,
    /// What was recorded.
    pub recorded: Option<&'a R>,
    /// What is wanted; `None` when it is about to be deleted.
    pub want: Option<&'a R>,
    /// The paths that were confirmed to change.
    pub paths: &'a [Path],
}

impl<R: Resource> Change<'_, R> {
    /// What it is: a search has neither an object nor inputs, a read no paths.
    pub fn intent(&self) -> Intent {
        let is_gone = |have: &Observed<R>| matches!(have.readiness, Readiness::Restorable(_));
        match (self.have.is_some() || self.recorded.is_some(), self.want) {
            (false, None) => Intent::Search,
            (true, None) => Intent::Delete,
            (false, Some(_)) => Intent::Create,
            (true, Some(_)) if self.paths.is_empty() && !self.have.is_some_and(is_gone) => {
                Intent::Read
            }
            (true, Some(_)) => Intent::Update,
        }
    }

    /// Whether anything in this field changes.
    pub fn touches<T>(&self, field: Field<R, T>) -> bool {
        self.paths.iter().any(|path| path.first() == Some(field.name()) || path.0.is_empty())
    }

    /// The id of the object that is changed.
    pub fn id(&self) -> Result<&str> {
        self.have
            .map(|have| have.id.as_str())
            .ok_or_else(|| Error::invalid("a change in place without an object"))
    }

    /// What is wanted; an error in a delete.
    pub fn want(&self) -> Result<&R> {
        self.want.ok_or_else(|| Error::invalid("a change in place without wanted inputs"))
    }

    /// The object as it is.
    pub fn have(&self) -> Result<&Observed<R>> {
        self.have.ok_or_else(|| Error::invalid("a change in place without an object"))
    }
}

/// One permission that a change needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// `ec2:CreateVpc`.
    pub action: String,
    /// The ARN, or `*`.
    pub resource: String,
    /// Condition keys and their values, where the cloud can restrict further.
    pub conditions: BTreeMap<String, String>,
}

impl Grant {
    /// Stands, in a resource, for the id of an object that the stack makes: the cloud chooses it.
    pub const OWN: &str = "{own}";
    /// Stands, in a condition, for the stack: what `infra:stack` is on its objects.
    pub const STACK: &str = "{stack}";

    /// The action on a resource.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), conditions: BTreeMap::new() }
    }

    /// The same, only where the condition key has this value.
    #[must_use]
    pub fn when(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.conditions.insert(key.into(), value.into());
        self
    }
}

/// Something wrong in a declaration, found before anything is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where in the inputs.
    pub path: Path,
    /// What was expected and what was found.
    pub message: String,
}

impl Violation {
    /// A violation in one field.
    pub fn of<R, T>(field: Field<R, T>, message: impl Into<String>) -> Self {
        Self { path: field.path(), message: message.into() }
    }
}

/// Why a change cannot be made in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Where in the inputs.
    pub path: Path,
    /// For instance: `the engine can only move to a newer version`.
    pub message: String,
}

impl Reason {
    /// A reason in one field.
    pub fn of<R, T>(field: Field<R, T>, message: impl Into<String>) -> Self {
        Self { path: field.path(), message: message.into() }
    }
}

/// Verbs with the same lock run one at a time: an EKS cluster's name, a hosted zone's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lock(pub String);
