//! The stack that a program fills.

use std::{collections::BTreeMap, marker::PhantomData, panic::Location, sync::Arc};

use infra_state::{StackName, Urn};
use serde::de::DeserializeOwned;

use super::placeholder;
use crate::{
    Output, Outputs, Sensitive,
    config::Config,
    graph::{Exports, Expr, Mistake, Node, Role},
    own_policy::OwnPolicy,
    program::{Declaration, Handle, IntoExport, ProviderHandle},
    provider::{Cloud, Driver, Lookup, Managed, ProviderKind, Purpose},
    provider::{driver, lookup_driver, provider_driver},
    reference::{
        Reference, StackReference, StackReferenceDecl, TerraformState, TerraformStateDecl,
        terraform_driver,
    },
    secret::{Secret, SecretDecl},
};

/// The stack being declared: what a program adds resources to.
///
/// Nothing here fails or calls a cloud. Mistakes are collected and reported together when the program has returned.
pub struct Stack {
    pub(crate) name: StackName,
    config: Config,
    pub(crate) nodes: Vec<Node>,
    pub(crate) exports: Exports,
    pub(crate) export_places: BTreeMap<String, &'static Location<'static>>,
    pub(crate) mistakes: Vec<Mistake>,
    scopes: Vec<String>,
    providers: Vec<Urn>,
    /// What stands for outputs in structs of others lasts as long as some stack is being declared.
    _placeholders: placeholder::Lifetime,
}

impl Stack {
    /// An empty stack with this configuration (the merged `[config]` and `[stack.X.config]`).
    pub fn new(name: StackName, config: impl Into<Config>) -> Self {
        Self {
            name,
            config: config.into(),
            nodes: Vec::new(),
            exports: Exports::new(),
            export_places: BTreeMap::new(),
            mistakes: Vec::new(),
            scopes: Vec::new(),
            providers: Vec::new(),
            _placeholders: placeholder::Lifetime::begin(),
        }
    }

    /// The stack's name: `dev`, `prod`.
    pub fn name(&self) -> &str {
        &self.name.stack
    }

    /// The program's name.
    pub fn program(&self) -> &str {
        &self.name.program
    }

    /// The typed configuration. An error says which key is missing, unknown or of the wrong type.
    pub fn config<T: DeserializeOwned>(&mut self) -> crate::Result<T> {
        crate::config::typed(&self.config)
    }

    /// Declares a resource. The name must be unique for its kind within its scope.
    #[track_caller]
    pub fn add<D>(&mut self, name: impl AsRef<str>, declaration: D) -> Handle<D::Resource>
    where
        D: Declaration,
        D::Resource: Managed,
    {
        let at = Location::caller();
        self.node(name.as_ref(), declaration, driver::<D::Resource>(), Role::Managed, at)
    }

    /// Declares a lookup: read while planning, pinned in state until `--refresh-lookups`.
    #[track_caller]
    pub fn lookup<D>(&mut self, name: impl AsRef<str>, declaration: D) -> Handle<D::Resource>
    where
        D: Declaration,
        D::Resource: Lookup,
    {
        let at = Location::caller();
        self.node(name.as_ref(), declaration, lookup_driver::<D::Resource>(), Role::Lookup, at)
    }

    /// Declares a connection to a cloud, for `.provider(&…)` and [`Stack::with_provider`].
    #[track_caller]
    pub fn provider<D>(
        &mut self,
        name: impl AsRef<str>,
        declaration: D,
    ) -> ProviderHandle<<D::Resource as ProviderKind>::Cloud>
    where
        D: Declaration,
        D::Resource: ProviderKind,
    {
        let at = Location::caller();
        let driver = provider_driver::<D::Resource>();
        let handle = self.node(name.as_ref(), declaration, driver, Role::Provider, at);
        ProviderHandle { urn: handle.urn().clone(), of: PhantomData }
    }

    /// A secret of 32 letters and digits, generated once and sealed in state.
    #[track_caller]
    pub fn secret(&mut self, name: impl AsRef<str>) -> Output<Sensitive<String>> {
        self.secret_with(name, Secret::new())
    }

    /// A generated secret of another length or alphabet: `Secret::new().length(64)`.
    #[track_caller]
    pub fn secret_with(
        &mut self,
        name: impl AsRef<str>,
        secret: SecretDecl,
    ) -> Output<Sensitive<String>> {
        let at = Location::caller();
        let handle: Handle<Secret> =
            self.node(name.as_ref(), secret, crate::secret::driver(), Role::Managed, at);
        handle.value.clone()
    }

    /// What another stack exports, typed by a struct with `#[derive(Outputs)]`: a stack of this program (`"network"`) or
    /// of another one in the same place (`"platform/network"`). Read anew for every plan.
    #[track_caller]
    pub fn reference<O: Outputs>(&mut self, stack: impl AsRef<str>) -> Reference<O> {
        let stack = stack.as_ref();
        self.reference_with(stack, StackReference::new(stack))
    }

    /// The same for a stack that more has to be said of: `StackReference::new("network").of_program("platform")
    /// .at("s3://…")`. `name` is what the reference is called in this stack.
    #[track_caller]
    pub fn reference_with<O: Outputs>(
        &mut self,
        name: impl AsRef<str>,
        reference: StackReferenceDecl,
    ) -> Reference<O> {
        let at = Location::caller();
        let driver = crate::reference::driver::<O>();
        let handle: Handle<StackReference> =
            self.node(name.as_ref(), reference, driver, Role::Lookup, at);
        Reference::new(handle.urn().clone())
    }

    /// The least-privilege policy of this stack, as `policy` prints it: for a role that the stack itself makes, to deploy
    /// it, to look for drift, or to look for that of every stack beside it. As JSON text in one document.
    #[track_caller]
    pub fn own_policy(&mut self, name: impl AsRef<str>, purpose: Purpose) -> Output<String> {
        let at = Location::caller();
        let policy = OwnPolicy::new(purpose.name());
        let driver = crate::own_policy::driver();
        let handle: Handle<OwnPolicy> = self.node(name.as_ref(), policy, driver, Role::Lookup, at);
        handle.document.clone()
    }

    /// The outputs of a state of Terraform or OpenTofu, typed by a struct with `#[derive(Outputs)]`, so that both tools live
    /// side by side: `stack.terraform::<Network>("network", TerraformState::at("s3://bucket/key"))`. Read anew for every
    /// plan; what is sensitive there is secret here.
    #[track_caller]
    pub fn terraform<O: Outputs>(
        &mut self,
        name: impl AsRef<str>,
        state: TerraformStateDecl,
    ) -> Reference<O> {
        let at = Location::caller();
        let driver = terraform_driver::<O>();
        let handle: Handle<TerraformState> =
            self.node(name.as_ref(), state, driver, Role::Lookup, at);
        Reference::new(handle.urn().clone())
    }

    /// Runs `body` with every name prefixed by `name/`: a component is a function under a scope.
    pub fn scope<T>(&mut self, name: impl Into<String>, body: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(name.into());
        let result = body(self);
        self.scopes.pop();
        result
    }

    /// Runs `body` with this provider as the default of everything of its cloud declared in it.
    pub fn with_provider<C: Cloud, T>(
        &mut self,
        provider: &ProviderHandle<C>,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.providers.push(provider.urn().clone());
        let result = body(self);
        self.providers.pop();
        result
    }

    /// Exports a value: `outputs` prints it, other stacks can refer to it.
    #[track_caller]
    pub fn export(&mut self, name: impl Into<String>, value: impl IntoExport) {
        let name = name.into();
        if self.exports.contains_key(&name) {
            self.mistake(format!("the export {name:?} is declared twice"), None);
        }
        self.export_places.insert(name.clone(), Location::caller());
        self.exports.insert(name, value.into_export());
    }

    /// Reports a mistake of the program's own (a configuration that makes no sense); the rest is still checked.
    #[track_caller]
    pub fn error(&mut self, message: impl Into<String>) {
        self.mistake(message.into(), None);
    }

    #[track_caller]
    fn mistake(&mut self, message: String, urn: Option<Urn>) {
        self.mistakes.push(Mistake { message, urn, at: Some(Location::caller()) });
    }

    fn node<D: Declaration>(
        &mut self,
        name: &str,
        declaration: D,
        driver: Arc<dyn Driver>,
        role: Role,
        at: &'static Location<'static>,
    ) -> Handle<D::Resource> {
        let parts = declaration.declared().parts;
        let driver = parts.driver.unwrap_or(driver);
        let kind = driver.schema().kind;
        let path = self.scopes.iter().map(String::as_str).chain([name]).collect::<Vec<_>>();
        let urn = Urn::new(kind, &path.join("/")).unwrap_or_else(|e| {
            let message = e.to_string();
            self.mistakes.push(Mistake { message, urn: None, at: Some(at) });
            unnamed(kind, self.nodes.len())
        });
        for message in parts.mistakes {
            self.mistakes.push(Mistake { message, urn: Some(urn.clone()), at: Some(at) });
        }
        let inherited = || {
            let wanted = driver.provider_kind()?;
            self.providers.iter().rev().find(|urn| urn.kind() == wanted).cloned()
        };
        let provider = parts.provider.or_else(inherited);
        let (inputs, options) = (parts.inputs, parts.options);
        self.nodes.push(Node { urn: urn.clone(), role, driver, inputs, provider, options, at });
        Handle::new(urn)
    }

    /// What an expression of the program refers to must have been declared in it; for tests of components.
    pub fn exported(&self, name: &str) -> Option<&Expr> {
        self.exports.get(name)
    }
}

/// Stands for a resource whose name was refused, so that the rest of the program can still be checked.
fn unnamed(kind: &str, number: usize) -> Urn {
    let kind = if Urn::new(kind, "x").is_ok() { kind } else { "invalid" };
    Urn::new(kind, &format!("invalid-{number}")).unwrap_or_else(|_| unreachable!())
}
