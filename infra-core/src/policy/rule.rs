//! One policy.

use std::{any::type_name, fmt, sync::Arc};

use super::{Enforcement, Violation, Wanted};
use crate::{
    Resource,
    plan::{Action, Plan, Step},
};

/// A check over a plan, with a name under which it is shown, allowed and set.
#[derive(Clone)]
pub struct Policy {
    name: String,
    about: String,
    enforcement: Enforcement,
    only_production: bool,
    pub(super) checks: Vec<Check>,
}

type Asked<T> = Arc<dyn Fn(&T) -> Vec<Violation> + Send + Sync>;

#[derive(Clone)]
pub(super) enum Check {
    /// Of the plan as a whole.
    Plan(Asked<Plan>),
    /// Of each resource of a kind.
    Each(&'static str, Asked<Step>),
}

impl Policy {
    /// A policy over the plan as a whole that must not be violated. It is asked once, when the plan is made.
    pub fn mandatory(
        name: impl Into<String>,
        check: impl Fn(&Plan) -> Vec<Violation> + Send + Sync + 'static,
    ) -> Self {
        let mut policy = Self::named(name);
        policy.checks.push(Check::Plan(Arc::new(check)));
        policy
    }

    /// A policy over the plan as a whole whose violations are shown.
    pub fn advisory(
        name: impl Into<String>,
        check: impl Fn(&Plan) -> Vec<Violation> + Send + Sync + 'static,
    ) -> Self {
        Self::mandatory(name, check).enforced(Enforcement::Advisory)
    }

    /// A policy about every resource of one kind that will be there: made, changed, taken over or kept. Mandatory, unless
    /// [`Policy::enforced`] says otherwise. Asked again during execution where something was not known before.
    ///
    /// ```
    /// # use infra_core::{Resource, policy::{Policy, Wanted}};
    /// #[derive(Resource, Clone, Debug)]
    /// #[resource(kind = "shop:Database")]
    /// struct Database {
    ///     /// Whether the world may connect.
    ///     public: bool,
    /// }
    ///
    /// let policy = Policy::each::<Database>("no-public-database", |it: &Wanted<'_, Database>| {
    ///     it.wrong_if(it.is(Database::PUBLIC, &true), Database::PUBLIC, "a database is for the inside")
    /// });
    /// assert_eq!(policy.name(), "no-public-database");
    /// ```
    pub fn each<R: Resource>(
        name: impl Into<String>,
        check: impl Fn(&Wanted<'_, R>) -> Vec<Violation> + Send + Sync + 'static,
    ) -> Self {
        Self::named(name).also(check)
    }

    /// A mandatory policy that checks nothing yet.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            about: String::new(),
            enforcement: Enforcement::Mandatory,
            only_production: false,
            checks: Vec::new(),
        }
    }

    /// The same, and about every resource of this kind too: what one name stands for may lie in several kinds.
    #[must_use]
    pub fn also<R: Resource>(
        mut self,
        check: impl Fn(&Wanted<'_, R>) -> Vec<Violation> + Send + Sync + 'static,
    ) -> Self {
        let asked = move |step: &Step| check(&Wanted::new(step));
        self.checks.push(Check::Each(R::KIND, Arc::new(asked)));
        self
    }

    /// The same, enforced like this.
    #[must_use]
    pub fn enforced(mut self, enforcement: Enforcement) -> Self {
        self.enforcement = enforcement;
        self
    }

    /// The same with what it is for.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// The same, asked only of stacks that are production.
    #[must_use]
    pub fn only_production(mut self) -> Self {
        self.only_production = true;
        self
    }

    /// Its name: `aws:public-database`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is for.
    pub fn purpose(&self) -> &str {
        &self.about
    }

    /// What its violations lead to, unless the settings say otherwise.
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// Whether it is asked only of stacks that are production.
    pub fn is_only_production(&self) -> bool {
        self.only_production
    }
}

impl Check {
    /// Whether a policy about each resource is asked about this one: it will be there.
    pub(super) fn concerns(action: Action) -> bool {
        matches!(action, Action::Create | Action::Update | Action::Import | Action::Keep)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({}, {})", self.name, self.enforcement)
    }
}

/// What [`App::policy`](crate::App::policy) takes: a [`Policy`], or a function over the plan, which is mandatory and is
/// named after itself.
pub trait IntoPolicy {
    /// The policy.
    fn into_policy(self) -> Policy;
}

impl IntoPolicy for Policy {
    fn into_policy(self) -> Policy {
        self
    }
}

impl<F> IntoPolicy for F
where
    F: Fn(&Plan) -> Vec<Violation> + Send + Sync + 'static,
{
    fn into_policy(self) -> Policy {
        let parts = type_name::<F>().split("::").filter(|part| !part.starts_with('{'));
        let name = parts.last().unwrap_or_default().replace('_', "-");
        Policy::mandatory(name, self)
    }
}
