//! Certificate Manager: certificates that are validated by DNS.
//!
//! Two kinds, as two things happen: a [`Certificate`] is there as soon as it says which records prove the domains; a
//! [`CertificateValidation`] is there when ACM has seen them and issued it. What uses the certificate takes the ARN of
//! the latter; between the two stand the records.

mod certificate;
mod certificate_validation;
#[cfg(all(test, feature = "simulated"))]
mod tests;
mod validation_record;

pub use certificate::{
    Certificate, CertificateDecl, CertificateOutputs, CertificateRefs, KeyAlgorithm,
};
pub use certificate_validation::{
    CertificateValidation, CertificateValidationDecl, CertificateValidationOutputs,
};
pub use validation_record::{ValidationRecord, ValidationRecordDecl};

crate::kinds! { Certificate, CertificateValidation }
