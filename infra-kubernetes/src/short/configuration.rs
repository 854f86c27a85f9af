//! Namespaces, service accounts, and what pods are told.

use infra_core::{Sensitive, graph::Expr, program::IntoInput};

use super::builder::{namespaced, short};

short! {
    /// A namespace: `Namespace::new("ledger")`. Deleting it deletes all that is in it, whoever made it, and is waited for.
    Namespace = "v1" "Namespace"
}

impl Namespace {
    /// A namespace.
    pub fn new(name: impl IntoInput<String>) -> Self {
        Self::called(name)
    }

    /// What pods may be in it, by the standards that Kubernetes enforces: `privileged`, `baseline` or `restricted`
    /// (<https://kubernetes.io/docs/concepts/security/pod-security-standards/>).
    pub fn pod_security(self, level: &str) -> Self {
        self.label("pod-security.kubernetes.io/enforce", level)
            .label("pod-security.kubernetes.io/warn", level)
    }
}

short! {
    /// Who pods are: `ServiceAccount::new("ledger")`. An `eks::PodIdentityAssociation` gives it a role in AWS.
    ServiceAccount = "v1" "ServiceAccount"
}
namespaced!(ServiceAccount);

impl ServiceAccount {
    /// A service account.
    pub fn new(name: impl IntoInput<String>) -> Self {
        Self::called(name)
    }

    /// Whether its pods get a token for the Kubernetes API. Those that do not call it are better off without.
    pub fn automount(self, automount: bool) -> Self {
        self.set("automountServiceAccountToken", automount)
    }
}

short! {
    /// Settings: `ConfigMap::new("settings").data("level", "info")`.
    ConfigMap = "v1" "ConfigMap"
}
namespaced!(ConfigMap);

impl ConfigMap {
    /// Settings without an entry yet.
    pub fn new(name: impl IntoInput<String>) -> Self {
        Self::called(name)
    }

    /// One entry: a file's name, or a variable's.
    pub fn data(self, key: &str, value: impl IntoInput<String>) -> Self {
        let value = value.into_input().into_expr();
        self.part(|part| part.entry("data", key, value))
    }
}

short! {
    /// Secrets: `Secret::new("token").data("token", &token)`. They are sealed in state and hidden on the screen; in the
    /// cluster, whoever may read secrets of the namespace reads them.
    Secret = "v1" "Secret"
}
namespaced!(Secret);

impl Secret {
    /// Secrets without an entry yet, of type `Opaque`.
    pub fn new(name: impl IntoInput<String>) -> Self {
        Self::called(name)
    }

    /// One entry, as text; it is encoded as the API wants it.
    pub fn data(self, key: &str, value: impl IntoInput<Sensitive<String>>) -> Self {
        let value = Expr::Secret(Box::new(value.into_input().into_expr()));
        self.part(|part| part.entry("stringData", key, value))
    }

    /// Its type: `kubernetes.io/tls`. Another replaces it.
    pub fn of_type(self, of: &str) -> Self {
        self.set("type", of)
    }
}
