//! What a failed call means, sorted once.

use infra_core::provider::{Class, Error, Result};
use kube::core::Status;

/// Sorts the errors of the client.
pub(crate) trait Classify<T> {
    /// What it means for the engine; `what` was being done.
    fn classify(self, what: &str) -> Result<T>;

    /// The same, with `None` for what is not there.
    fn found(self, what: &str) -> Result<Option<T>>;
}

impl<T> Classify<T> for Result<T, kube::Error> {
    fn classify(self, what: &str) -> Result<T> {
        self.map_err(|error| classified(what, error))
    }

    fn found(self, what: &str) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(classified(what, error)),
        }
    }
}

fn classified(what: &str, error: kube::Error) -> Error {
    match error {
        kube::Error::Api(status) => {
            Error::new(class(&status), format!("{what}: {}", said(&status)))
        }
        // A wrong certificate or an unreadable credential does not heal; anything on the network may.
        kube::Error::Auth(error) => {
            Error::new(Class::Denied, format!("{what}: {error}")).because(error)
        }
        other => {
            let mut text = other.to_string();
            let mut source = std::error::Error::source(&other);
            while let Some(inner) = source {
                let more = inner.to_string();
                if !text.contains(&more) {
                    text = format!("{text}: {more}");
                }
                source = inner.source();
            }
            Error::new(Class::Transient, format!("{what}: {text}")).because(other)
        }
    }
}

/// The reasons of the Kubernetes API: <https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#StatusReason>.
fn class(status: &Status) -> Class {
    match (status.code, &*status.reason) {
        // A namespace that is not there yet, or a kind whose definition is not.
        (404, _) => Class::NotFound,
        (409, "AlreadyExists") => Class::Exists,
        (409, _) => Class::Conflict,
        (429, _) => Class::Throttled,
        // What goes into a namespace that is going has to wait for its next life.
        (403, _) if status.message.contains("is being terminated") => Class::Dependency,
        // An admission controller of the cluster's that does not answer.
        (500, _) if status.message.contains("failed calling webhook") => Class::Dependency,
        // What cannot be made into the type that it should have.
        (500, _) if status.message.contains("typed patch") => Class::Invalid,
        (401 | 403, _) => Class::Denied,
        (408 | 500.., _) => Class::Transient,
        _ => Class::Invalid,
    }
}

/// The server's own words, with its causes one by one where there are several.
pub(crate) fn said(status: &Status) -> String {
    let message = if status.message.is_empty() { &status.reason } else { &status.message };
    if message.is_empty() { format!("HTTP {}", status.code) } else { message.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_means_something() {
        let class_of = |code: u16, reason: &str, message: &str| {
            let status = Status { code, ..Status::failure(message, reason) };
            class(&status)
        };
        assert_eq!(class_of(404, "NotFound", "namespaces \"a\" not found"), Class::NotFound);
        assert_eq!(class_of(409, "AlreadyExists", ""), Class::Exists);
        assert_eq!(class_of(409, "Conflict", ""), Class::Conflict);
        let typed = "failed to create typed patch object (a/b; apps/v1, Kind=Deployment): .spec.nope: field not declared in schema";
        assert_eq!(class_of(500, "", typed), Class::Invalid);
        assert_eq!(class_of(500, "InternalError", "etcd"), Class::Transient);
        assert_eq!(class_of(429, "TooManyRequests", ""), Class::Throttled);
        assert_eq!(class_of(403, "Forbidden", "no"), Class::Denied);
        assert_eq!(class_of(422, "Invalid", "no"), Class::Invalid);
    }
}
