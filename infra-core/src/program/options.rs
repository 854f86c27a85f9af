//! How the engine is to treat a resource.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc, time::Duration};

use infra_state::{Path, Urn};

use crate::{
    graph::{Expr, NodeOptions},
    program::{Declaration, Fields, Handle, ProviderHandle, Resource, resource::Parts},
    provider::{Cloud, Driver, Field, Lookup, Managed},
};

/// A declaration with its options: what the resource is has been said, how to treat it may follow.
#[must_use = "a declaration does nothing until it is given to `stack.add`"]
pub struct Declared<R> {
    pub(crate) parts: Parts,
    of: PhantomData<fn() -> R>,
}

impl<R: Resource> Declared<R> {
    /// The declaration of these fields; the derives call this.
    #[doc(hidden)]
    pub fn new(fields: Fields) -> Self {
        let options = NodeOptions::default();
        let parts = Parts {
            inputs: fields.into_map(),
            options,
            provider: None,
            mistakes: Vec::new(),
            driver: None,
        };
        Self { parts, of: PhantomData }
    }

    /// The declaration of one of several kinds that the type stands for, like every kind of object that a Kubernetes
    /// cluster knows: it is named, compared and called as this driver says.
    pub fn of_kind(mut self, driver: Arc<dyn Driver>) -> Self {
        self.parts.driver = Some(driver);
        self
    }

    /// The fields as they were given; for the `declare = …` of a derive.
    pub fn inputs(&self) -> &BTreeMap<String, Expr> {
        &self.parts.inputs
    }

    /// The same with this field, given or not before.
    pub fn with_input(mut self, field: &str, expr: Expr) -> Self {
        self.parts.inputs.insert(field.to_owned(), expr);
        self
    }

    /// The same with something that is wrong in it: reported with the program's other mistakes, at the line of the
    /// declaration.
    pub fn mistaken(mut self, message: impl Into<String>) -> Self {
        self.parts.mistakes.push(message.into());
        self
    }

    fn option(mut self, set: impl FnOnce(&mut NodeOptions)) -> Self {
        set(&mut self.parts.options);
        self
    }

    fn paths<P: IntoPath>(&mut self, paths: impl IntoIterator<Item = P>) -> Vec<Path> {
        let mut found = Vec::new();
        for path in paths {
            match path.into_path() {
                Ok(path) => found.push(path),
                Err(message) => self.parts.mistakes.push(message),
            }
        }
        found
    }
}

impl<R: Resource> Declaration for Declared<R> {
    type Resource = R;

    fn declared(self) -> Self {
        self
    }
}

/// What a dependency can be: a handle or a urn.
pub trait Dependable {
    /// The urn of what is depended on.
    fn depended(&self) -> &Urn;
}

impl Dependable for Urn {
    fn depended(&self) -> &Urn {
        self
    }
}

impl<R: Resource> Dependable for Handle<R> {
    fn depended(&self) -> &Urn {
        self.urn()
    }
}

impl<D: Dependable + ?Sized> Dependable for &D {
    fn depended(&self) -> &Urn {
        (**self).depended()
    }
}

/// What `depends_on` takes: `&bucket`, a list like `[&a, &b]` or `&policies`, or a tuple of handles of different kinds.
/// `How` is one of three markers that the compiler finds out.
#[diagnostic::on_unimplemented(
    message = "nothing can depend on `{Self}`",
    label = "not a handle, nor a list or a tuple of handles",
    note = "pass what `stack.add` returned: `depends_on(&bucket)`, `depends_on([&a, &b])`, `depends_on(&policies)`; handles of different kinds as a tuple: `depends_on((&bucket, &role))`"
)]
pub trait IntoDependencies<How> {
    /// The urns of what is depended on.
    fn urns(self) -> Vec<Urn>;
}

#[doc(hidden)]
pub struct One;
#[doc(hidden)]
pub struct List;
#[doc(hidden)]
pub struct Several;

impl<D: Dependable> IntoDependencies<One> for D {
    fn urns(self) -> Vec<Urn> {
        vec![self.depended().clone()]
    }
}

impl<I> IntoDependencies<List> for I
where
    I: IntoIterator,
    I::Item: Dependable,
{
    fn urns(self) -> Vec<Urn> {
        self.into_iter().map(|dependency| dependency.depended().clone()).collect()
    }
}

macro_rules! tuples {
    ($(($($name:ident)*))*) => { $(
        impl<$($name: Dependable),*> IntoDependencies<Several> for ($($name,)*) {
            fn urns(self) -> Vec<Urn> {
                #[expect(non_snake_case, reason = "the names of the types serve for the values")]
                let ($($name,)*) = self;
                vec![$($name.depended().clone()),*]
            }
        }
    )* };
}

tuples! { (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

/// A kind whose objects are made through providers of the cloud `C`. `Role` is a marker that the compiler finds out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not made through a provider of the cloud `{C}`",
    label = "the cloud of this provider is not the cloud of `{Self}`"
)]
pub trait MadeIn<C, Role> {}

#[doc(hidden)]
pub struct AsManaged;
#[doc(hidden)]
pub struct AsLookup;

impl<R: Managed> MadeIn<R::Cloud, AsManaged> for R {}
impl<R: Lookup> MadeIn<R::Cloud, AsLookup> for R {}

/// What names a field: `Subnet::TAGS`, or text like `"tags[\"a.b\"]"`.
pub trait IntoPath {
    /// The path, or what is wrong with it.
    fn into_path(self) -> Result<Path, String>;
}

impl<R, T> IntoPath for Field<R, T> {
    fn into_path(self) -> Result<Path, String> {
        Ok(self.path())
    }
}

impl IntoPath for &str {
    fn into_path(self) -> Result<Path, String> {
        self.parse().map_err(|e: infra_state::Error| e.to_string())
    }
}

/// The options that apply to every resource; they come after its fields.
pub trait ResourceExt: Declaration {
    /// May not be deleted or replaced, even when the line is removed from the program later.
    fn protect(self) -> Declared<Self::Resource> {
        self.protect_if(true)
    }

    /// Protects only if `condition` (usually: in production).
    fn protect_if(self, condition: bool) -> Declared<Self::Resource> {
        self.declared().option(|o| o.protect = condition)
    }

    /// Deleting the resource only forgets it: the object stays.
    fn retain_on_delete(self) -> Declared<Self::Resource> {
        self.declared().option(|o| o.retain_on_delete = true)
    }

    /// Made after these, and deleted before them, though no field refers to them: `&bucket`, `[&a, &b]`, or
    /// `(&bucket, &role)` for handles of different kinds.
    fn depends_on<How>(self, on: impl IntoDependencies<How>) -> Declared<Self::Resource> {
        self.declared().option(|o| o.depends_on.extend(on.urns()))
    }

    /// Changes at these paths are not acted on, neither the program's nor the cloud's.
    fn ignore_changes<P: IntoPath>(
        self,
        paths: impl IntoIterator<Item = P>,
    ) -> Declared<Self::Resource> {
        let mut declared = self.declared();
        let paths = declared.paths(paths);
        declared.option(|o| o.ignore_changes.extend(paths))
    }

    /// Changes at these paths replace the resource.
    fn replace_on_changes<P: IntoPath>(
        self,
        paths: impl IntoIterator<Item = P>,
    ) -> Declared<Self::Resource> {
        let mut declared = self.declared();
        let paths = declared.paths(paths);
        declared.option(|o| o.replace_on_changes.extend(paths))
    }

    /// When it is replaced, the old object goes first.
    fn delete_before_replace(self) -> Declared<Self::Resource> {
        self.declared().option(|o| o.delete_before_replace = true)
    }

    /// A name it had before (`old-name`), or a whole urn: it is renamed instead of deleted and made again.
    fn alias(self, old: impl Into<String>) -> Declared<Self::Resource> {
        self.declared().option(|o| o.aliases.push(old.into()))
    }

    /// How long creating it may take, waiting included.
    fn create_timeout(self, limit: Duration) -> Declared<Self::Resource> {
        self.declared().option(|o| o.create_timeout = Some(limit))
    }

    /// How long updating it may take, waiting included.
    fn update_timeout(self, limit: Duration) -> Declared<Self::Resource> {
        self.declared().option(|o| o.update_timeout = Some(limit))
    }

    /// How long deleting it may take, waiting included.
    fn delete_timeout(self, limit: Duration) -> Declared<Self::Resource> {
        self.declared().option(|o| o.delete_timeout = Some(limit))
    }

    /// Instead of making it, take over the object with this id; the plan shows what would change in it.
    fn import(self, id: impl Into<String>) -> Declared<Self::Resource> {
        self.declared().option(|o| o.import = Some(id.into()))
    }

    /// If an object with its name exists already and nobody's tags are on it, take it over.
    fn adopt(self) -> Declared<Self::Resource> {
        self.declared().option(|o| o.adopt = true)
    }

    /// May violate this policy, and why: `.allow("aws:open-group", "the load balancer is public")`. The plan shows it with
    /// the reason.
    fn allow(
        self,
        policy: impl Into<String>,
        reason: impl Into<String>,
    ) -> Declared<Self::Resource> {
        let (policy, reason) = (policy.into(), reason.into());
        let declared = self.declared();
        if reason.trim().is_empty() {
            let message =
                format!("`.allow({policy:?}, …)` needs a reason: who reads the plan asks why");
            return declared.mistaken(message);
        }
        declared.option(|o| drop(o.allow.insert(policy, reason)))
    }

    /// Made through this provider instead of the default one.
    fn provider<C: Cloud, Role>(self, provider: &ProviderHandle<C>) -> Declared<Self::Resource>
    where
        Self::Resource: MadeIn<C, Role>,
    {
        let mut declared = self.declared();
        declared.parts.provider = Some(provider.urn().clone());
        declared
    }
}

impl<D: Declaration> ResourceExt for D {}
