//! The object-safe form in which the engine sees every kind.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

use async_trait::async_trait;
use infra_state::{Path, StackName, Value};

use super::{
    Change, Connection, Cx, Error, Find, Grant, Lock, Lookup, Managed, Memo, Observed, Once,
    Operation, Partial, Readiness, Reason, Result, Schema, Timeouts, Violation,
};
use crate::{Data, graph::Role, program::Resource};

/// [`Find`] without its type.
#[derive(Clone)]
pub enum ErasedFind {
    /// The object with this id, and what was recorded of it.
    Id {
        /// The id.
        id: String,
        /// The recorded inputs.
        recorded: Option<Value>,
    },
    /// The object that this operation made or that has the wanted name.
    Made {
        /// The wanted inputs.
        want: Value,
        /// The operation.
        op: Operation,
    },
}

impl ErasedFind {
    /// The inputs of a lookup, however it is looked for.
    pub(crate) fn looked_up(&self) -> Result<&Value> {
        match self {
            Self::Made { want, .. } | Self::Id { recorded: Some(want), .. } => Ok(want),
            Self::Id { recorded: None, .. } => Err(Error::invalid("a lookup without inputs")),
        }
    }
}

/// [`Observed`] without its type.
#[derive(Clone, Debug)]
pub struct ErasedObserved {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub readiness: Readiness,
    /// Its live inputs.
    pub live: Value,
    /// Its outputs, if they are known.
    pub outputs: Option<Value>,
    /// The tags that say who made it.
    pub owner: Option<BTreeMap<String, String>>,
    /// What it has that the kind cannot say.
    pub beyond: Vec<String>,
}

impl ErasedObserved {
    /// Why it cannot be taken over as an object of `kind`, if it cannot.
    pub(crate) fn unsayable(&self, kind: &str) -> Option<String> {
        (!self.beyond.is_empty()).then(|| {
            let what = self.beyond.join(", ");
            format!(
                "{} has {what}: `{kind}` cannot say that, and a change could leave it out",
                self.id
            )
        })
    }

    /// What a lookup with these inputs found: no object of anybody's.
    pub(crate) fn looked_up(want: &Value, outputs: Value) -> Self {
        Self {
            id: String::new(),
            readiness: Readiness::Ready,
            live: want.clone(),
            outputs: Some(outputs),
            owner: None,
            beyond: Vec::new(),
        }
    }
}

/// [`Change`] without its type.
#[derive(Clone)]
pub struct ErasedChange {
    /// The object as it is; `None` when it is about to be made.
    pub have: Option<ErasedObserved>,
    /// What was recorded.
    pub recorded: Option<Value>,
    /// What is wanted; `None` when it is about to be deleted.
    pub want: Option<Value>,
    /// The paths that change.
    pub paths: Vec<Path>,
}

/// A kind as the engine sees it. Made from a [`Managed`] by [`driver`], from a [`Lookup`] by [`lookup_driver`]. What an
/// implementation leaves out is as for a kind without a cloud, of which nothing is ever made.
#[async_trait]
#[expect(clippy::missing_errors_doc, reason = "every verb's errors are its cloud's, classified")]
pub trait Driver: Send + Sync {
    /// What the engine knows of the kind without calling it.
    fn schema(&self) -> &Schema;
    /// What its nodes are for the engine.
    fn role(&self) -> Role;
    /// Whether the value has the kind's type, unknown parts aside.
    fn type_check(&self, inputs: &Value) -> Vec<Violation>;
    /// Of a lookup: whether what it found stays until `--refresh-lookups`. Otherwise it is asked for every plan.
    fn is_pinned(&self) -> bool {
        true
    }
    /// The version of its recorded inputs.
    fn version(&self) -> u32 {
        1
    }
    /// The kind of its provider nodes; `None` where it needs no connection.
    fn provider_kind(&self) -> Option<&'static str> {
        None
    }
    /// Brings recorded inputs of an older version to this one.
    fn upgrade(&self, _from: u32, inputs: Value) -> Result<Value> {
        Ok(inputs)
    }
    /// [`Managed::check`].
    fn check(&self, _want: &Value) -> Vec<Violation> {
        Vec::new()
    }
    /// [`Managed::replaces`].
    fn replaces(&self, _old: &Value, _new: &Value) -> Option<Reason> {
        None
    }
    /// [`Managed::collides`].
    fn collides(&self, _old: &Value, _new: &Value) -> Option<String> {
        None
    }
    /// [`Managed::shrinks`].
    fn shrinks(&self, _live: &Value, _want: &Value) -> Option<String> {
        None
    }
    /// [`Managed::serialize_on`].
    fn serialize_on(&self, _want: &Value) -> Option<Lock> {
        None
    }
    /// [`Managed::once`].
    fn once(&self) -> Once {
        Once::default()
    }
    /// [`Managed::timeouts`].
    fn timeouts(&self) -> Timeouts {
        Timeouts::default()
    }
    /// [`Managed::grants`]; for a lookup: what the lookup needs, with the inputs in `want`.
    fn grants(&self, _change: &ErasedChange) -> Result<Vec<Grant>> {
        Ok(Vec::new())
    }
    /// [`Managed::foreseen`].
    fn foreseen(&self, _want: &Value) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
    /// [`Managed::read`]; for a lookup: the lookup itself, with `Made`.
    async fn read(
        &self,
        _connection: &Connection,
        _memo: &Memo,
        find: Vec<ErasedFind>,
    ) -> Vec<Result<Option<ErasedObserved>>> {
        find.iter().map(|_| Err(no_verb())).collect()
    }
    /// [`Managed::owned`].
    async fn owned(
        &self,
        _connection: &Connection,
        _memo: &Memo,
        _stack: &StackName,
    ) -> Result<Option<Vec<ErasedObserved>>> {
        Ok(None)
    }
    /// [`Managed::WITHIN`].
    fn within(&self) -> Option<&'static str> {
        None
    }
    /// [`Managed::added`].
    async fn added(
        &self,
        _connection: &Connection,
        _memo: &Memo,
        _stack: &StackName,
    ) -> Result<Vec<ErasedObserved>> {
        Ok(Vec::new())
    }
    /// [`Managed::create`].
    async fn create(&self, _: &Connection, _want: &Value, _op: &Operation) -> Result<String> {
        Err(no_verb())
    }
    /// [`Managed::update`].
    async fn update(&self, _: &Connection, _change: &ErasedChange, _op: &Operation) -> Result<()> {
        Err(no_verb())
    }
    /// [`Managed::delete`].
    async fn delete(
        &self,
        _: &Connection,
        _have: &ErasedObserved,
        _recorded: &Value,
        _op: &Operation,
    ) -> Result<()> {
        Err(no_verb())
    }
}

/// The driver of a managed kind.
pub fn driver<R: Managed>() -> Arc<dyn Driver> {
    Arc::new(ManagedDriver::<R> { schema: R::schema(), of: PhantomData })
}

/// The driver of one of the kinds that a type stands for, as `schema` describes it.
pub fn driver_of_kind<R: Managed>(schema: &'static Schema) -> Arc<dyn Driver> {
    Arc::new(ManagedDriver::<R> { schema, of: PhantomData })
}

/// The driver of a lookup.
pub fn lookup_driver<L: Lookup>() -> Arc<dyn Driver> {
    Arc::new(LookupDriver::<L>(PhantomData))
}

/// The driver of a cloud's provider nodes, which nothing is ever called for.
pub fn provider_driver<P: Resource>() -> Arc<dyn Driver> {
    Arc::new(ProviderDriver::<P>(PhantomData))
}

pub(crate) fn violations<R: Data>(inputs: &Value) -> Vec<Violation> {
    if inputs.has_unknown() {
        return Vec::new();
    }
    match R::from_value(inputs) {
        Ok(_) => Vec::new(),
        Err(e) => {
            let message = format!("expected {}, found {}", e.expected, e.found);
            vec![Violation { path: e.path, message }]
        }
    }
}

struct ManagedDriver<R> {
    schema: &'static Schema,
    of: PhantomData<fn() -> R>,
}

impl<R: Managed> Observed<R> {
    fn erase(self) -> ErasedObserved {
        ErasedObserved {
            id: self.id,
            readiness: self.readiness,
            live: self.live.to_value(),
            outputs: self.outputs.map(|outputs| outputs.to_value()),
            owner: self.owner,
            beyond: self.beyond,
        }
    }

    fn restore(erased: &ErasedObserved) -> Result<Self> {
        Ok(Self {
            id: erased.id.clone(),
            readiness: erased.readiness.clone(),
            live: R::from_value(&erased.live)?,
            outputs: erased.outputs.as_ref().map(R::Outputs::from_value).transpose()?,
            owner: erased.owner.clone(),
            beyond: erased.beyond.clone(),
        })
    }
}

/// The typed parts of an [`ErasedChange`], for as long as a [`Change`] borrows them.
struct Parts<R: Managed> {
    have: Option<Observed<R>>,
    recorded: Option<R>,
    want: Option<R>,
}

impl<R: Managed> Parts<R> {
    fn restore(change: &ErasedChange) -> Result<Self> {
        Ok(Self {
            have: change.have.as_ref().map(Observed::restore).transpose()?,
            recorded: change.recorded.as_ref().map(R::from_value).transpose()?,
            want: change.want.as_ref().map(R::from_value).transpose()?,
        })
    }

    fn change<'a>(&'a self, paths: &'a [Path]) -> Change<'a, R> {
        Change {
            have: self.have.as_ref(),
            recorded: self.recorded.as_ref(),
            want: self.want.as_ref(),
            paths,
        }
    }
}

#[async_trait]
impl<R: Managed> Driver for ManagedDriver<R> {
    fn schema(&self) -> &Schema {
        self.schema
    }

    fn role(&self) -> Role {
        Role::Managed
    }

    fn version(&self) -> u32 {
        R::VERSION
    }

    fn provider_kind(&self) -> Option<&'static str> {
        Some(<<R::Cloud as super::Cloud>::Provider as Resource>::KIND)
    }

    fn upgrade(&self, from: u32, inputs: Value) -> Result<Value> {
        R::upgrade(from, inputs)
    }

    fn type_check(&self, inputs: &Value) -> Vec<Violation> {
        violations::<R>(inputs)
    }

    fn check(&self, want: &Value) -> Vec<Violation> {
        R::check(&Partial::new(want.clone()))
    }

    fn replaces(&self, old: &Value, new: &Value) -> Option<Reason> {
        R::replaces(&R::from_value(old).ok()?, &Partial::new(new.clone()))
    }

    fn collides(&self, old: &Value, new: &Value) -> Option<String> {
        R::collides(&R::from_value(old).ok()?, &Partial::new(new.clone()))
    }

    fn shrinks(&self, live: &Value, want: &Value) -> Option<String> {
        R::shrinks(&R::from_value(live).ok()?, &R::from_value(want).ok()?)
    }

    fn serialize_on(&self, want: &Value) -> Option<Lock> {
        R::serialize_on(&R::from_value(want).ok()?)
    }

    fn once(&self) -> Once {
        R::once()
    }

    fn timeouts(&self) -> Timeouts {
        R::timeouts()
    }

    fn grants(&self, change: &ErasedChange) -> Result<Vec<Grant>> {
        Ok(R::grants(&Parts::restore(change)?.change(&change.paths)))
    }

    fn foreseen(&self, want: &Value) -> Vec<(&'static str, Value)> {
        R::from_value(want).map(|want| R::foreseen(&want)).unwrap_or_default()
    }

    async fn read(
        &self,
        connection: &Connection,
        memo: &Memo,
        find: Vec<ErasedFind>,
    ) -> Vec<Result<Option<ErasedObserved>>> {
        let cx = match Cx::<R::Cloud>::of(connection, memo.clone()) {
            Ok(cx) => cx,
            Err(e) => return find.iter().map(|_| Err(e.again())).collect(),
        };
        // Inputs that do not parse fail their own read only.
        let inputs: Vec<Result<Option<R>>> = find
            .iter()
            .map(|find| match find {
                ErasedFind::Id { recorded, .. } => {
                    Ok(recorded.as_ref().map(R::from_value).transpose()?)
                }
                ErasedFind::Made { want, .. } => Ok(Some(R::from_value(want)?)),
            })
            .collect();
        let mut asked = Vec::new();
        for (find, inputs) in find.iter().zip(&inputs) {
            match (find, inputs) {
                (ErasedFind::Id { id, .. }, Ok(recorded)) => {
                    asked.push(Find::Id { id, recorded: recorded.as_ref() });
                }
                (ErasedFind::Made { op, .. }, Ok(Some(want))) => {
                    asked.push(Find::Made { want, op });
                }
                _ => {}
            }
        }
        let mut answers = R::read(&cx, &asked).await.into_iter();
        inputs
            .iter()
            .map(|inputs| match inputs {
                Ok(_) => answers
                    .next()
                    .unwrap_or_else(|| Err(Error::invalid("the driver answered too few reads")))
                    .map(|observed| observed.map(Observed::erase)),
                Err(e) => Err(e.again()),
            })
            .collect()
    }

    async fn owned(
        &self,
        connection: &Connection,
        memo: &Memo,
        stack: &StackName,
    ) -> Result<Option<Vec<ErasedObserved>>> {
        let cx = Cx::<R::Cloud>::of(connection, memo.clone())?;
        let found = R::owned_of_kind(&cx, stack, self.schema.kind).await?;
        Ok(found.map(|found| found.into_iter().map(Observed::erase).collect()))
    }

    fn within(&self) -> Option<&'static str> {
        R::WITHIN
    }

    async fn added(
        &self,
        connection: &Connection,
        memo: &Memo,
        stack: &StackName,
    ) -> Result<Vec<ErasedObserved>> {
        let cx = Cx::<R::Cloud>::of(connection, memo.clone())?;
        Ok(R::added(&cx, stack).await?.into_iter().map(Observed::erase).collect())
    }

    async fn create(
        &self,
        connection: &Connection,
        want: &Value,
        op: &Operation,
    ) -> Result<String> {
        let cx = Cx::<R::Cloud>::of(connection, Memo::default())?;
        R::create(&cx, &R::from_value(want)?, op).await
    }

    async fn update(
        &self,
        connection: &Connection,
        change: &ErasedChange,
        op: &Operation,
    ) -> Result<()> {
        let cx = Cx::<R::Cloud>::of(connection, Memo::default())?;
        R::update(&cx, &Parts::restore(change)?.change(&change.paths), op).await
    }

    async fn delete(
        &self,
        connection: &Connection,
        have: &ErasedObserved,
        recorded: &Value,
        op: &Operation,
    ) -> Result<()> {
        let cx = Cx::<R::Cloud>::of(connection, Memo::default())?;
        R::delete(&cx, &Observed::restore(have)?, &R::from_value(recorded)?, op).await
    }
}

/// Why a verb was called on a kind that has none.
fn no_verb() -> Error {
    Error::invalid("nothing of this kind can be read, created, updated or deleted")
}

struct LookupDriver<L>(PhantomData<fn() -> L>);

#[async_trait]
impl<L: Lookup> Driver for LookupDriver<L> {
    fn schema(&self) -> &Schema {
        L::schema()
    }

    fn role(&self) -> Role {
        Role::Lookup
    }

    fn provider_kind(&self) -> Option<&'static str> {
        Some(<<L::Cloud as super::Cloud>::Provider as Resource>::KIND)
    }

    fn type_check(&self, inputs: &Value) -> Vec<Violation> {
        violations::<L>(inputs)
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts::minutes(2)
    }

    fn grants(&self, change: &ErasedChange) -> Result<Vec<Grant>> {
        let Some(want) = &change.want else { return Ok(Vec::new()) };
        Ok(L::grants(&L::from_value(want)?))
    }

    async fn read(
        &self,
        connection: &Connection,
        memo: &Memo,
        find: Vec<ErasedFind>,
    ) -> Vec<Result<Option<ErasedObserved>>> {
        let look_up = async |find: &ErasedFind| {
            let cx = Cx::<L::Cloud>::of(connection, memo.clone())?;
            let want = find.looked_up()?;
            let outputs = L::look_up(&cx, &L::from_value(want)?).await?;
            Ok(Some(ErasedObserved::looked_up(want, outputs.to_value())))
        };
        let mut answers = Vec::new();
        for find in &find {
            answers.push(look_up(find).await);
        }
        answers
    }
}

struct ProviderDriver<P>(PhantomData<fn() -> P>);

#[async_trait]
impl<P: Resource> Driver for ProviderDriver<P> {
    fn schema(&self) -> &Schema {
        P::schema()
    }

    fn role(&self) -> Role {
        Role::Provider
    }

    fn type_check(&self, inputs: &Value) -> Vec<Violation> {
        violations::<P>(inputs)
    }
}
