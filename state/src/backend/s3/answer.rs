//! What AWS's refusals mean, for the person who must act.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

use super::S3Address;
use crate::{Error, ErrorKind, Result};

/// Trying again helps: too many calls, a conflict of two at one key, a service that is not well.
const TRANSIENT: &[&str] = &[
    "ConditionalRequestConflict",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
    "TemporaryRedirect",
    "InternalError",
    "InternalServerError",
    "ServiceUnavailable",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceededException",
    "LimitExceededException",
    "ResourceInUseException",
    "ReplicatedWriteConflictException",
    "TransactionConflictException",
    "ContinuousBackupsUnavailableException",
];
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "AccountProblem",
    "NotSignedUp",
    "UnauthorizedAccess",
];
const EXPIRED: &[&str] =
    &["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"];
const UNKNOWN_CREDENTIALS: &[&str] = &[
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
const ELSEWHERE: &[&str] = &[
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "IncorrectEndpoint",
];

/// The code of an error that a service answered with; an answer without a body has its status for one.
pub(super) fn code<E>(error: &SdkError<E, HttpResponse>) -> Option<&str>
where
    E: ProvideErrorMetadata,
{
    let SdkError::ServiceError(service) = error else { return None };
    let by_status = match service.raw().status().as_u16() {
        301 => Some("PermanentRedirect"),
        403 => Some("AccessDenied"),
        412 => Some("PreconditionFailed"),
        _ => None,
    };
    service.err().meta().code().filter(|code| !code.is_empty()).or(by_status)
}

/// Puts a call's error into words: what was refused, and what to do about it.
pub(super) trait Answer<T> {
    /// The answer to a call that needs the IAM action `action`.
    fn answer(self, place: &S3Address, action: &str) -> Result<T>;
}

impl<T, E> Answer<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    fn answer(self, place: &S3Address, action: &str) -> Result<T> {
        self.map_err(|error| refusal(place, action, error))
    }
}

fn refusal<E>(place: &S3Address, action: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let S3Address { bucket, table, .. } = place;
    let subject = subject(place, action);
    let (kind, what) = match &error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let said = service.err().meta().message().unwrap_or("no message");
            let code = code(&error).unwrap_or_default();
            let of = |codes: &[&str]| codes.contains(&code);
            let region = || service.raw().headers().get("x-amz-bucket-region");
            if of(TRANSIENT)
                || code.contains("Throttl")
                || status == 429
                || status >= 500 && status != 501
            {
                (ErrorKind::Unavailable, format!("{code} {said} (HTTP {status})"))
            } else if code == "NoSuchBucket" || (status == 404 && action == "s3:ListBucket") {
                (ErrorKind::Refused, format!("there is no bucket {bucket}. `bootstrap` makes it"))
            } else if matches!(code, "ResourceNotFoundException" | "TableNotFoundException") {
                let what = format!(
                    "there is no table {table} in this account and region. `bootstrap` makes it; nothing is lost with \
                     a table that was deleted, because only locks were in it"
                );
                (ErrorKind::Refused, what)
            } else if of(ELSEWHERE) {
                let there = region().map_or_else(String::new, |region| format!(", in {region}"));
                let write = region().unwrap_or("REGION");
                let what = format!(
                    "the bucket {bucket} is in another region{there}: write `region={write}` into the state's address, \
                     or set AWS_REGION ({said})"
                );
                (ErrorKind::Refused, what)
            } else if of(EXPIRED) {
                let what =
                    format!("the credentials have expired ({said}): log in again, then run again");
                (ErrorKind::Refused, what)
            } else if of(UNKNOWN_CREDENTIALS) {
                let what = format!(
                    "AWS does not accept the credentials ({code}: {said}). Look at AWS_PROFILE and AWS_ACCESS_KEY_ID"
                );
                (ErrorKind::Refused, what)
            } else if of(DENIED) || status == 403 {
                let what = format!(
                    "the credentials may not do it: allow `{action}` on {subject} ({said}). A bucket policy, an \
                     organization's policy or the key of the bucket's encryption can refuse it too"
                );
                (ErrorKind::Refused, what)
            } else if code == "RequestTimeTooSkewed" {
                let what = "the clock of this machine is wrong, so AWS takes no signature of it: set the clock";
                (ErrorKind::Refused, what.to_owned())
            } else if code == "NotImplemented" || status == 501 {
                let what = format!("what answers there is no S3 that state can be kept in: {said}");
                (ErrorKind::Refused, what)
            } else if code == "ValidationException" && said.contains("key") {
                let what = format!(
                    "the table {table} has another key ({said}). State needs a table whose only key is the hash key \
                     `LockID` (a string), as Terraform's: name another table, and `bootstrap` makes it"
                );
                (ErrorKind::Refused, what)
            } else {
                (ErrorKind::Refused, format!("{code} {said} (HTTP {status})"))
            }
        }
        other => unanswered(other),
    };
    Error::new(kind, format!("{action} on {subject}: {what}")).because(error)
}

/// No answer of the service, or no question to it.
fn unanswered<E>(error: &SdkError<E, HttpResponse>) -> (ErrorKind, String)
where
    E: StdError + Send + Sync + 'static,
{
    let mut causes: Vec<&dyn StdError> = Vec::new();
    let mut next: Option<&dyn StdError> = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    let credentials = causes.iter().find_map(|cause| cause.downcast_ref::<CredentialsError>());
    // The outermost text is only `dispatch failure`: what helps is further in.
    let said: Vec<_> = causes.iter().map(ToString::to_string).collect();
    let said = said.join(": ");
    match (error, credentials) {
        (_, Some(CredentialsError::ProviderTimedOut(_))) => (ErrorKind::Unavailable, said),
        (_, Some(_)) => {
            let what =
                format!("there are no credentials for AWS: log in, or set AWS_PROFILE ({said})");
            (ErrorKind::Refused, what)
        }
        (SdkError::ConstructionFailure(_), _) => (ErrorKind::Refused, said),
        (SdkError::DispatchFailure(failure), _) if failure.is_user() => (ErrorKind::Refused, said),
        _ => (ErrorKind::Unavailable, said),
    }
}

/// What a policy has to name so that the action is allowed.
fn subject(place: &S3Address, action: &str) -> String {
    let S3Address { bucket, table, .. } = place;
    if action.starts_with("dynamodb:") {
        format!("table/{table}")
    } else if action.ends_with("Object") {
        format!("arn:aws:s3:::{bucket}/{}*", place.base())
    } else {
        format!("arn:aws:s3:::{bucket}")
    }
}
