//! Certificates that are issued.

use aws_sdk_acm::types::{CertificateDetail, CertificateStatus, DomainStatus, Tag};
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Readiness, Result, Timeouts,
    },
};

use super::certificate::{describe, tag_list, tags_of};
use crate::{
    Aws, batch,
    classify::Classify as _,
    policy::{Verb, grants, subject},
    types::CertificateArn,
};

/// A certificate that ACM has issued: `CertificateValidation::new(&cert.arn).records([&record.name])`.
///
/// It makes nothing but a tag (`infra:validation`) on the certificate, by which it is known to be there; it is ready
/// when the certificate is issued, which takes minutes after the records can be seen. Another certificate replaces it.
///
/// Needs `acm:DescribeCertificate`, `ListTagsForCertificate`, `AddTagsToCertificate`, `RemoveTagsFromCertificate`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:acm:CertificateValidation", outputs = CertificateValidationOutputs)]
pub struct CertificateValidation {
    /// The certificate. Another replaces it.
    #[field(replace)]
    pub certificate: CertificateArn,
    /// The names of the records that prove its domains: outputs of the records, so that it waits for them.
    #[field(write_only)]
    pub records: Vec<String>,
}

/// What an issued certificate gives.
#[derive(Outputs, Clone, Debug)]
pub struct CertificateValidationOutputs {
    /// The certificate's ARN, for what shows it.
    #[output(stable)]
    pub arn: CertificateArn,
}

/// The tag that says that the validation is there, with the operation that made it.
const TAG: &str = "infra:validation";

fn readiness(found: &CertificateDetail) -> Readiness {
    match found.status() {
        Some(CertificateStatus::Issued) => Readiness::Ready,
        Some(CertificateStatus::PendingValidation) => {
            let options = found.domain_validation_options().iter();
            let open =
                options.filter(|option| option.validation_status() != Some(&DomainStatus::Success));
            let open: Vec<_> =
                open.map(aws_sdk_acm::types::DomainValidation::domain_name).collect();
            Readiness::Pending(format!("ACM has not seen the records of {}", open.join(", ")))
        }
        status => {
            let reason = found.failure_reason().map(|reason| format!(": {}", reason.as_str()));
            let status = status.map_or("unknown", CertificateStatus::as_str);
            Readiness::Failed(format!("{status}{}", reason.unwrap_or_default()))
        }
    }
}

impl CertificateValidation {
    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let arn = match find {
            Find::Id { id, .. } => *id,
            Find::Made { want, .. } => want.certificate.as_str(),
        };
        let Some(found) = describe(cx, arn).await? else { return Ok(None) };
        if !tags_of(cx, arn).await?.contains_key(TAG) {
            return Ok(None);
        }
        let records = find.inputs().map(|inputs| inputs.records.clone()).unwrap_or_default();
        let live = Self { certificate: CertificateArn::trusted(arn), records };
        let outputs = CertificateValidationOutputs { arn: live.certificate.clone() };
        Ok(Some(Observed::ready(arn, live, outputs).but(readiness(&found))))
    }
}

impl Managed for CertificateValidation {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let arn = want.certificate.as_str();
        let tags = tag_list([(TAG.to_owned(), op.id.to_string())].into())?;
        let tag = cx.acm().add_tags_to_certificate().certificate_arn(arn).set_tags(Some(tags));
        tag.send().await.classify()?;
        Ok(arn.to_owned())
    }

    async fn update(_: &Cx<Aws>, _: &Change<'_, Self>, _: &Operation) -> Result<()> {
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let tag = Tag::builder().key(TAG).build().classify()?;
        cx.acm()
            .remove_tags_from_certificate()
            .certificate_arn(&have.id)
            .tags(tag)
            .send()
            .await
            .gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let Some(validation) = subject(change) else { return Vec::new() };
        let verb = match Verb::of(change) {
            Verb::Search | Verb::Read => None,
            Verb::Create | Verb::Update => Some("acm:AddTagsToCertificate"),
            Verb::Delete => Some("acm:RemoveTagsFromCertificate"),
        };
        let reads = ["acm:DescribeCertificate", "acm:ListTagsForCertificate"];
        grants(validation.certificate.as_str(), reads.into_iter().chain(verb))
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        // ACM looks for the records every few minutes at first.
        Timeouts::minutes(75)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_acm::types::DomainValidation;

    use super::*;

    #[test]
    fn it_says_what_it_waits_for() {
        let option = DomainValidation::builder().domain_name("a.com").build().unwrap();
        let found = CertificateDetail::builder().domain_validation_options(option);
        let pending = found.clone().status(CertificateStatus::PendingValidation).build();
        assert_eq!(
            readiness(&pending),
            Readiness::Pending("ACM has not seen the records of a.com".to_owned())
        );
        assert_eq!(
            readiness(&found.clone().status(CertificateStatus::Issued).build()),
            Readiness::Ready
        );
        let failed = found.status(CertificateStatus::ValidationTimedOut).build();
        assert_eq!(readiness(&failed), Readiness::Failed("VALIDATION_TIMED_OUT".to_owned()));
    }
}
