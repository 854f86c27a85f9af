//! Whom a statement is about.

use std::collections::BTreeMap;

use infra_core::{graph::Expr, program::IntoText};

use super::statement::one_or_many;

/// A principal of a trust policy or of a resource's policy.
#[derive(Clone, Debug)]
pub struct Principal {
    kind: &'static str,
    value: Expr,
}

impl Principal {
    /// An AWS service: `ec2.amazonaws.com`.
    pub fn service(service: impl IntoText) -> Self {
        Self { kind: "Service", value: service.into_text() }
    }

    /// Everyone in an account that the account itself lets: the account's id.
    pub fn account(account: impl IntoText) -> Self {
        Self::arn(account)
    }

    /// A role, user or assumed-role session, by ARN.
    pub fn arn(arn: impl IntoText) -> Self {
        Self { kind: "AWS", value: arn.into_text() }
    }

    /// Someone whom an identity provider vouches for: its ARN, or `cognito-identity.amazonaws.com`.
    pub fn federated(provider: impl IntoText) -> Self {
        Self { kind: "Federated", value: provider.into_text() }
    }

    /// Anyone at all, without credentials too. Needs conditions, or `deny`.
    pub fn anyone() -> Self {
        Self::arn("*")
    }

    /// Those of one kind share its key.
    pub(super) fn together(principals: &[Self]) -> Expr {
        let mut kinds: BTreeMap<String, Vec<Expr>> = BTreeMap::new();
        for principal in principals {
            kinds.entry(principal.kind.to_owned()).or_default().push(principal.value.clone());
        }
        Expr::Map(kinds.into_iter().map(|(kind, values)| (kind, one_or_many(values))).collect())
    }
}
