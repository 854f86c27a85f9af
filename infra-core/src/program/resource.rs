//! Resources as the program sees them.

use std::{collections::BTreeMap, fmt, marker::PhantomData, ops::Deref, sync::Arc};

use infra_state::Urn;

use crate::{
    Data,
    graph::{Expr, NodeOptions},
    program::Declared,
    provider::{Cloud, Driver, OutputSchema, Schema},
};

/// A kind of resource: its inputs (the implementing struct), its outputs, its schema. Written by `#[derive(Resource)]`.
pub trait Resource: Data {
    /// `aws:ec2:Subnet`.
    const KIND: &'static str;
    /// What it gives once it exists.
    type Outputs: Outputs;
    /// What the engine knows of it without calling it.
    fn schema() -> &'static Schema;
}

/// What a resource gives once it exists, or another stack exports. Written by `#[derive(Outputs)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what is given as outputs",
    label = "not a struct of outputs",
    note = "the exports of another stack are read as a struct with a field for each: put `#[derive(infra_core::Outputs, Clone, Debug)]` on it"
)]
pub trait Outputs: Data {
    /// The same struct with an [`Output`](crate::Output) for each field.
    type Refs: Send + Sync + 'static;
    /// References to the outputs of `urn`.
    fn refs(urn: &Urn) -> Self::Refs;
    /// The outputs' names and stability.
    fn schema() -> Vec<OutputSchema>;
}

/// A kind that gives nothing.
impl Outputs for () {
    type Refs = ();

    fn refs(_: &Urn) {}

    fn schema() -> Vec<OutputSchema> {
        Vec::new()
    }
}

impl Data for () {
    fn to_value(&self) -> infra_state::Value {
        infra_state::Value::map()
    }

    fn from_value(_: &infra_state::Value) -> Result<Self, crate::DataError> {
        Ok(())
    }

    fn shape() -> crate::provider::Shape {
        crate::provider::Shape::Struct(Vec::new())
    }

    fn spelling() -> crate::spelling::Spelling {
        crate::spelling::Spelling::Struct { path: "()".to_owned(), fields: Vec::new() }
    }
}

/// What [`Stack::add`](crate::Stack::add) takes: a derived declaration, with or without options after it.
#[diagnostic::on_unimplemented(
    message = "expected a declaration, found `{Self}`",
    label = "this is not a declaration of a resource",
    note = "declare it with its constructor and setters, like `Subnet::new(&vpc.id, block).public(true)`; what `stack.add` returned is declared already"
)]
pub trait Declaration: Sized {
    /// The kind declared.
    type Resource: Resource;
    /// The declaration with its options.
    fn declared(self) -> Declared<Self::Resource>;
}

/// A declared resource. Its outputs are fields: `vpc.id`.
pub struct Handle<R: Resource> {
    urn: Urn,
    outputs: Arc<<R::Outputs as Outputs>::Refs>,
}

impl<R: Resource> Handle<R> {
    /// The handle of the resource with this urn.
    pub fn new(urn: Urn) -> Self {
        let outputs = Arc::new(<R::Outputs as Outputs>::refs(&urn));
        Self { urn, outputs }
    }

    /// The resource's urn.
    pub fn urn(&self) -> &Urn {
        &self.urn
    }
}

impl<R: Resource> Clone for Handle<R> {
    fn clone(&self) -> Self {
        Self { urn: self.urn.clone(), outputs: Arc::clone(&self.outputs) }
    }
}

impl<R: Resource> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.urn).finish()
    }
}

impl<R: Resource> Deref for Handle<R> {
    type Target = <R::Outputs as Outputs>::Refs;

    fn deref(&self) -> &Self::Target {
        &self.outputs
    }
}

/// A connection to a cloud, declared in the program: what `.provider(&us)` takes.
pub struct ProviderHandle<C: Cloud> {
    pub(crate) urn: Urn,
    pub(crate) of: PhantomData<fn() -> C>,
}

impl<C: Cloud> Clone for ProviderHandle<C> {
    fn clone(&self) -> Self {
        Self { urn: self.urn.clone(), of: PhantomData }
    }
}

impl<C: Cloud> fmt::Debug for ProviderHandle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProviderHandle").field(&self.urn).finish()
    }
}

impl<C: Cloud> ProviderHandle<C> {
    /// The provider's urn.
    pub fn urn(&self) -> &Urn {
        &self.urn
    }
}

/// What `Declared` keeps of a declaration before it has a name.
pub(crate) struct Parts {
    pub(crate) inputs: BTreeMap<String, Expr>,
    pub(crate) options: NodeOptions,
    pub(crate) provider: Option<Urn>,
    pub(crate) mistakes: Vec<String>,
    /// The kind, where one type stands for several.
    pub(crate) driver: Option<Arc<dyn Driver>>,
}
