//! What AWS's errors mean for the engine: one table for all services.
//!
//! Sources: the services' API references, the EC2 page *Error codes*, `aws-resources.md` §7.3, and the SDK's own lists
//! of throttles. A code that is not in the table is sorted by how it ends, then by its HTTP status.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{
    ErrorMetadata, metadata::ProvideErrorMetadata, operation::BuildError,
};
use infra_core::provider::{Class, Error, Result};

/// Sorts the SDK's errors into the engine's classes.
pub trait Classify<T> {
    /// The same result with a classified error.
    fn classify(self) -> Result<T>;

    /// `None` where the object is not there.
    fn found(self) -> Result<Option<T>>;

    /// For deletes: an object that is not there is gone.
    fn gone(self) -> Result<()>;
}

impl<T, E> Classify<T> for std::result::Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    fn classify(self) -> Result<T> {
        self.map_err(error)
    }

    fn found(self) -> Result<Option<T>> {
        match self.classify() {
            Ok(found) => Ok(Some(found)),
            Err(e) if e.class() == Class::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn gone(self) -> Result<()> {
        self.found().map(drop)
    }
}

/// For the SDK's builders: a required part that is missing is our mistake, never AWS's.
impl<T> Classify<T> for std::result::Result<T, BuildError> {
    fn classify(self) -> Result<T> {
        self.map_err(|e| Error::invalid(e.to_string()).because(e))
    }

    fn found(self) -> Result<Option<T>> {
        self.classify().map(Some)
    }

    fn gone(self) -> Result<()> {
        self.classify().map(drop)
    }
}

/// The classified error, with everything AWS said.
fn error<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let what = operation(std::any::type_name::<E>());
    if let SdkError::ServiceError(service) = &error {
        let status = service.raw().status().as_u16();
        let request = error.request_id().unwrap_or("unknown").to_owned();
        let meta = service.err().meta();
        let code = meta.code().map_or_else(|| format!("HTTP {status}"), str::to_owned);
        // An answer that the SDK cannot read has neither code nor message: why it cannot is all there is to say.
        let unread = || {
            let mut why = Vec::new();
            let mut next = service.err().source().filter(|_| meta.code().is_none());
            while let Some(cause) = next.filter(|cause| !cause.is::<ErrorMetadata>()) {
                why.push(cause.to_string());
                next = cause.source();
            }
            if why.is_empty() { "no message".to_owned() } else { why.join(": ") }
        };
        let said = meta.message().map_or_else(unread, str::to_owned);
        // AWS did what was asked, and what it said of it is lost.
        let lost = service.raw().status().is_success() && meta.code().is_none();
        let class = if lost { Class::Transient } else { class(&code, &said, status) };
        return Error::new(class, format!("{what}: {code}: {said} (request {request})"))
            .because(error);
    }
    let mut causes: Vec<&dyn StdError> = Vec::new();
    let mut next: Option<&dyn StdError> = Some(&error);
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    let fenced = causes.iter().any(|cause| cause.is::<Error>());
    let credentials = causes.iter().find_map(|cause| cause.downcast_ref::<CredentialsError>());
    let class = match (&error, credentials) {
        _ if fenced => Class::Fenced,
        // Credentials that are missing or refused stay so; their service may only have been slow.
        (_, Some(CredentialsError::ProviderTimedOut(_))) => Class::Transient,
        (_, Some(_)) => Class::Denied,
        (SdkError::ConstructionFailure(_), _) => Class::Invalid,
        (SdkError::DispatchFailure(failure), _) if failure.is_user() => Class::Invalid,
        _ => Class::Transient,
    };
    // The outermost text is only `dispatch failure`: what helps is further in.
    let causes: Vec<_> = causes.iter().map(ToString::to_string).collect();
    Error::new(class, format!("{what}: {}", causes.join(": "))).because(error)
}

/// The error of one item of a batch, whose call as a whole went well. An item that is not there is no error.
#[cfg(feature = "ec2")]
pub(crate) fn item(what: &str, failed: Option<(Option<&str>, Option<&str>)>) -> Result<()> {
    let Some((code, said)) = failed else { return Ok(()) };
    let (code, said) = (code.unwrap_or("unknown"), said.unwrap_or("no message"));
    match class(code, said, 400) {
        Class::NotFound => Ok(()),
        class => Err(Error::new(class, format!("{what}: {code}: {said}"))),
    }
}

/// `ec2 CreateVpc`, from the name of the error's type: `aws_sdk_ec2::operation::create_vpc::CreateVpcError`.
fn operation(error_type: &str) -> String {
    let service = error_type.split("::").next().unwrap_or_default().trim_start_matches("aws_sdk_");
    let name = error_type.rsplit("::").next().unwrap_or_default();
    format!("{service} {}", name.strip_suffix("Error").unwrap_or(name))
}

/// Codes whose class their ending does not tell.
const CODES: &[(Class, &[&str])] = &[
    (
        Class::NotFound,
        &[
            "404",
            "NoSuchEntity",
            "NotFound",
            "ParameterNotFound",
            "InvalidAssociationID.NotFound",
            "DBParameterGroupNotFound",
            "NoSuchTagSet",
            "NoSuchConfiguration",
            "ServerSideEncryptionConfigurationNotFoundError",
            "ReplicationConfigurationNotFoundError",
            "OwnershipControlsNotFoundError",
        ],
    ),
    (
        Class::Exists,
        &[
            "BucketAlreadyExists",
            "BucketAlreadyOwnedByYou",
            "InvalidGroup.Duplicate",
            // A block that is taken is how EC2 says that the subnet is there.
            "InvalidSubnet.Conflict",
            "InvalidPermission.Duplicate",
            "InvalidKeyPair.Duplicate",
            "RouteAlreadyExists",
            "Resource.AlreadyAssociated",
            "RouteTableAlreadyAssociated",
            "DuplicateLoadBalancerName",
            "DuplicateTargetGroupName",
            "DuplicateListener",
            "ResourceInUse.Exists",
            "ResourceExistsException",
        ],
    ),
    (
        Class::Conflict,
        &[
            "ConcurrentModification",
            "ConcurrentModificationException",
            "ConcurrentUpdate",
            "OperationAborted",
            "OperationAbortedException",
            // SNS, and KMS of a key that is still on its way from one state to another.
            "ConcurrentAccess",
            "ConcurrentAccessException",
            "KMSInvalidStateException",
            "PriorRequestNotComplete",
            "ConditionalRequestConflict",
            "InvalidState",
            "IncorrectState",
            "IncorrectInstanceState",
            "InvalidDBInstanceState",
            "InvalidDBInstanceStateFault",
            "InvalidDBClusterStateFault",
            "InvalidDBParameterGroupState",
            "InvalidDBSubnetGroupStateFault",
            "UnmodifiableEntity",
            "EntityTemporarilyUnmodifiable",
            "LimitExceededForConcurrentOperations",
            "ResourceContention",
            "ResourceContentionFault",
            "ScalingActivityInProgress",
            "TransactionInProgressException",
            "IdempotentParameterMismatch.InProgress",
            "InvalidAttachment.InProgress",
        ],
    ),
    (
        Class::Dependency,
        &[
            "DependencyViolation",
            "DependencyViolationException",
            "DeleteConflict",
            "BucketNotEmpty",
            "HostedZoneNotEmpty",
            "InvalidIPAddress.InUse",
            "InvalidNetworkInterface.InUse",
            "Gateway.NotAttached",
            "GatewayNotAttached",
            "InvalidGroup.InUse",
            "NetworkInterfaceInUse",
            "ResourceInUse",
            "ResourceInUseException",
            "InUseException",
            "CannotDelete",
            // DynamoDB switches continuous backups on some seconds after a table is active.
            "ContinuousBackupsUnavailableException",
            "VPCInUse",
        ],
    ),
    (
        Class::Denied,
        &[
            "AuthFailure",
            "Blocked",
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "OptInRequired",
            "PendingVerification",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "NotAuthorized",
            "AuthorizationError",
            "KMSAccessDeniedFault",
            "SubscriptionRequiredException",
        ],
    ),
    (
        Class::Throttled,
        &[
            "RequestLimitExceeded",
            "SlowDown",
            "TooManyRequestsException",
            "TooManyUpdates",
            "BandwidthLimitExceeded",
            "ProvisionedThroughputExceededException",
            "EC2ThrottledException",
            "TransactionThrottledException",
            "LimitExceededException.RateExceeded",
        ],
    ),
    (
        Class::Transient,
        &[
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "InternalServiceError",
            "InternalServiceErrorException",
            "ServerException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "ServiceFailure",
            "Unavailable",
            "RequestTimeout",
            "RequestTimeoutException",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "InsufficientInstanceCapacity",
            "InsufficientCapacity",
            "DependencyTimeoutException",
            "KMSInternalException",
            "503",
            "500",
        ],
    ),
];

/// Codes that mean something else with this text: AWS says so of things that were made a moment ago.
const TEXTS: &[(&str, &str, Class)] = &[
    // A role, instance profile or principal that is not visible everywhere yet.
    ("InvalidParameterValue", "instance profile", Class::Dependency),
    // A load balancer that faces the internet wants the gateway to be attached already.
    ("InvalidSubnet", "no internet gateway", Class::Dependency),
    ("InvalidParameterValue", "role", Class::Dependency),
    ("InvalidParameterException", "role", Class::Dependency),
    ("InvalidRequestException", "role", Class::Dependency),
    ("MalformedPolicyDocument", "rincipal", Class::Dependency),
    ("MalformedPolicyDocumentException", "rincipal", Class::Dependency),
    ("MalformedPolicy", "rincipal", Class::Dependency),
    ("InvalidParameterException", "delivery", Class::Dependency),
    // EKS and DynamoDB say `ResourceInUse` both of a name that is taken and of an object that is busy.
    ("ResourceInUseException", "already exists", Class::Exists),
    ("ResourceInUseException", "access entry resource is already in use", Class::Exists),
    // Route 53 says this of everything in a batch.
    ("InvalidChangeBatch", "already exists", Class::Exists),
    ("InvalidChangeBatch", "not found", Class::NotFound),
    // ELB, RDS and Auto Scaling say `ValidationError` of what does not exist.
    ("ValidationError", "does not exist", Class::NotFound),
    ("ValidationError", "not found", Class::NotFound),
    // An interface endpoint or gateway that is still there holds its network interfaces, or an address.
    ("AuthFailure", "in use", Class::Dependency),
    ("InvalidParameterCombination", "in use", Class::Dependency),
    ("OperationNotPermitted", "in use", Class::Dependency),
    // A target that is taken out twice.
    ("InvalidTarget", "not registered", Class::NotFound),
    // What holds the address or the VPC is still on its way out.
    ("Resource.AlreadyAssociated", "Elastic IP", Class::Dependency),
    ("Resource.AlreadyAssociated", "already attached", Class::Dependency),
    // A secret or parameter of that name is still being removed.
    ("InvalidRequestException", "scheduled for deletion", Class::Conflict),
    ("InvalidRequestException", "being deleted", Class::Conflict),
    ("InvalidRequestException", "in progress", Class::Conflict),
    ("InvalidParameterException", "in progress", Class::Conflict),
    ("LimitExceededException", "Rate exceeded", Class::Throttled),
    // DynamoDB: too many tables busy at once, and an expiry that was changed a moment ago.
    ("LimitExceededException", "simultaneously", Class::Throttled),
    ("ValidationException", "Time to live has been modified", Class::Conflict),
];

/// The class of an error code, given what AWS said with it.
fn class(code: &str, said: &str, status: u16) -> Class {
    let special = TEXTS.iter().find(|(of, text, _)| code == *of && said.contains(text));
    if let Some((_, _, class)) = special {
        return *class;
    }
    if let Some((class, _)) = CODES.iter().find(|(_, codes)| codes.contains(&code)) {
        return *class;
    }
    let has = |part: &str| code.contains(part);
    if has("Throttl") {
        Class::Throttled
    } else if has("NotFound") || has("DoesNotExist") || code.starts_with("NoSuch") {
        Class::NotFound
    } else if has("AlreadyExists") || has("AlreadyExist") {
        Class::Exists
    } else if has("AccessDenied") || has("Unauthorized") || has("NotAuthorized") || has("Forbidden")
    {
        Class::Denied
    } else if has("Conflict") {
        Class::Conflict
    } else {
        by_status(status)
    }
}

fn by_status(status: u16) -> Class {
    match status {
        401 | 403 => Class::Denied,
        404 => Class::NotFound,
        409 => Class::Conflict,
        429 => Class::Throttled,
        500.. => Class::Transient,
        _ => Class::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn codes() {
        let of = |code| class(code, "", 400);
        assert_eq!(of("InvalidVpcID.NotFound"), Class::NotFound);
        assert_eq!(of("NatGatewayNotFound"), Class::NotFound);
        assert_eq!(of("NoSuchBucketPolicy"), Class::NotFound);
        assert_eq!(of("EntityAlreadyExists"), Class::Exists);
        assert_eq!(of("DBInstanceAlreadyExists"), Class::Exists);
        assert_eq!(of("DependencyViolation"), Class::Dependency);
        assert_eq!(of("ThrottlingException"), Class::Throttled);
        assert_eq!(of("UnauthorizedOperation"), Class::Denied);
        assert_eq!(of("InvalidParameterValue"), Class::Invalid);
        assert_eq!(class("Strange", "", 502), Class::Transient);
        assert_eq!(class("AuthFailure", "the address is in use", 400), Class::Dependency);
        let lag = "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM instance profile name";
        assert_eq!(class("InvalidParameterValue", lag, 400), Class::Dependency);
    }

    #[test]
    fn an_answer_that_cannot_be_read_says_why() {
        let answer = |status: u16, unread: GetCallerIdentityError| {
            let raw = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
            error(SdkError::service_error(unread, raw))
        };
        let said = |unread| answer(500, unread).to_string();
        let text = said(GetCallerIdentityError::unhandled("expected a root element"));
        assert!(text.contains("HTTP 500: expected a root element"), "{text}");
        let text = said(GetCallerIdentityError::generic(ErrorMetadata::builder().build()));
        assert!(text.contains("HTTP 500: no message"), "{text}");
        // A change that was made, and of which nothing is known, is a lost reply.
        let lost = answer(200, GetCallerIdentityError::unhandled("cut off"));
        assert_eq!(lost.class(), Class::Transient);
    }

    #[test]
    fn no_code_has_two_classes() {
        let mut all: Vec<_> = CODES.iter().flat_map(|(_, codes)| *codes).collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn operations_are_named_as_aws_names_them() {
        let name = "aws_sdk_ec2::operation::create_vpc::CreateVpcError";
        assert_eq!(operation(name), "ec2 CreateVpc");
    }
}
