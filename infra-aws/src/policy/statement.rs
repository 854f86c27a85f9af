//! Statements.

use std::collections::BTreeMap;

use infra_core::{graph::Expr, program::IntoText};

use super::{Condition, Principal};

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// What it describes is allowed, unless another statement denies it.
    Allow,
    /// What it describes is denied, whatever allows it.
    Deny,
}

/// One statement of a document.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it stands in a document"]
pub struct Statement {
    effect: Effect,
    sid: Option<String>,
    /// `Action`, `NotResource`, …: what stands under these keys.
    lists: BTreeMap<&'static str, Vec<Expr>>,
    principals: Vec<Principal>,
    not_principals: Vec<Principal>,
    conditions: Vec<Condition>,
}

impl Statement {
    /// A statement that allows.
    pub fn allow() -> Self {
        Self::of(Effect::Allow)
    }

    /// A statement that denies.
    pub fn deny() -> Self {
        Self::of(Effect::Deny)
    }

    /// A statement with this effect.
    pub fn of(effect: Effect) -> Self {
        Self {
            effect,
            sid: None,
            lists: BTreeMap::new(),
            principals: Vec::new(),
            not_principals: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// Names the statement; letters and digits, unique in its document.
    pub fn sid(mut self, sid: impl Into<String>) -> Self {
        self.sid = Some(sid.into());
        self
    }

    /// The actions: `ssm:GetParameter`, `s3:*`.
    pub fn actions(self, actions: impl IntoIterator<Item = impl IntoText>) -> Self {
        self.list("Action", actions)
    }

    /// Every action but these.
    pub fn not_actions(self, actions: impl IntoIterator<Item = impl IntoText>) -> Self {
        self.list("NotAction", actions)
    }

    /// The resources it is about: ARNs, ARNs with wildcards, outputs.
    pub fn resources(self, resources: impl IntoIterator<Item = impl IntoText>) -> Self {
        self.list("Resource", resources)
    }

    /// Every resource.
    pub fn all_resources(self) -> Self {
        self.resources(["*"])
    }

    /// Every resource but these.
    pub fn not_resources(self, resources: impl IntoIterator<Item = impl IntoText>) -> Self {
        self.list("NotResource", resources)
    }

    /// Whom it is about, in trust policies and policies of resources. More than one: any of them.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principals.push(principal);
        self
    }

    /// Everyone but this principal; almost only ever right with `deny`.
    pub fn not_principal(mut self, principal: Principal) -> Self {
        self.not_principals.push(principal);
        self
    }

    /// When it applies. All conditions must hold; the values of one condition are alternatives.
    pub fn condition(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    fn list(mut self, key: &'static str, values: impl IntoIterator<Item = impl IntoText>) -> Self {
        let values = values.into_iter().map(IntoText::into_text);
        self.lists.entry(key).or_default().extend(values);
        self
    }

    pub(super) fn expr(&self) -> Expr {
        let effect = match self.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        let mut map = BTreeMap::from([("Effect".to_owned(), Expr::Literal(effect.into()))]);
        if let Some(sid) = &self.sid {
            map.insert("Sid".to_owned(), Expr::Literal(sid.as_str().into()));
        }
        for (key, values) in &self.lists {
            map.insert((*key).to_owned(), one_or_many(values.clone()));
        }
        for (key, principals) in
            [("Principal", &self.principals), ("NotPrincipal", &self.not_principals)]
        {
            if !principals.is_empty() {
                map.insert(key.to_owned(), Principal::together(principals));
            }
        }
        if !self.conditions.is_empty() {
            map.insert("Condition".to_owned(), Condition::together(&self.conditions));
        }
        Expr::Map(map)
    }
}

/// One value as it is, several as a list: the way AWS writes documents back.
pub(super) fn one_or_many(mut values: Vec<Expr>) -> Expr {
    match (values.pop(), values.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            values.extend(last);
            Expr::List(values)
        }
    }
}
