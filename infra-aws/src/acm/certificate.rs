//! Certificates.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_acm::types::{
    CertificateDetail, CertificateStatus, Filters, KeyAlgorithm as SdkAlgorithm, Tag,
    ValidationMethod,
};
use infra_core::{
    Output, Outputs, Resource, Value,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Part, Partial,
        Readiness, Result, Timeouts, Violation,
    },
    state::{StackName, Value},
};

use super::ValidationRecord;
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, made},
    tags,
    types::{CertificateArn, spelled},
};

/// A public certificate, proved by DNS: `Certificate::new("app.example.com")`.
///
/// Another domain, name or algorithm replaces it: the new one is issued, its users move, the old one goes. It is ready
/// when it says its validation records, not when it is issued: for that stands
/// [`CertificateValidation`](super::CertificateValidation). It must be in the region of the load balancer that shows
/// it.
///
/// Needs `acm:RequestCertificate`, `DescribeCertificate`, `ListCertificates`, `ListTagsForCertificate`,
/// `AddTagsToCertificate`, `RemoveTagsFromCertificate`, `DeleteCertificate`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:acm:Certificate", outputs = CertificateOutputs)]
pub struct Certificate {
    /// Its domain; `*.example.com` for a wildcard. Another replaces it.
    #[field(replace)]
    pub domain: String,
    /// Further names in it. Others replace it.
    #[field(replace, set)]
    pub names: Vec<String>,
    /// The kind of its key. AWS: RSA 2048. Another replaces it.
    #[field(replace, computed)]
    pub key_algorithm: Option<KeyAlgorithm>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// The kind of a certificate's key.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA with 2048 bits.
    #[value(rename = "RSA_2048")]
    Rsa2048,
    /// RSA with 3072 bits.
    #[value(rename = "RSA_3072")]
    Rsa3072,
    /// RSA with 4096 bits.
    #[value(rename = "RSA_4096")]
    Rsa4096,
    /// The elliptic curve P-256.
    #[value(rename = "EC_prime256v1")]
    EcPrime256v1,
    /// The elliptic curve P-384.
    #[value(rename = "EC_secp384r1")]
    EcSecp384r1,
    /// The elliptic curve P-521.
    #[value(rename = "EC_secp521r1")]
    EcSecp521r1,
}

/// What a certificate gives.
#[derive(Outputs, Clone, Debug)]
pub struct CertificateOutputs {
    /// Its ARN. What uses it takes that of its `CertificateValidation`, which is the same once it is issued.
    #[output(stable)]
    pub arn: CertificateArn,
    /// The records that prove its domains, each once.
    #[output(stable)]
    pub validation_records: Vec<ValidationRecord>,
}

impl CertificateRefs {
    /// The record that proves `domain` (without `*.`); whoever uses it fails where there is none.
    #[must_use]
    pub fn validation_record(&self, domain: &str) -> Output<ValidationRecord> {
        let domain = domain.trim_start_matches("*.").to_lowercase();
        self.validation_records.try_map(move |records| {
            let found = records.into_iter().find(|record| record.domain.to_lowercase() == domain);
            found.ok_or_else(|| format!("the certificate has no validation record for {domain}"))
        })
    }
}

/// Its state in the engine's words; `None` for one that is as good as gone.
fn readiness(found: &CertificateDetail, records: bool) -> Readiness {
    match found.status() {
        Some(CertificateStatus::Failed) => {
            let reason = found.failure_reason().map_or("no reason given", |reason| reason.as_str());
            Readiness::Failed(format!("FAILED: {reason}"))
        }
        Some(
            status @ (CertificateStatus::ValidationTimedOut
            | CertificateStatus::Revoked
            | CertificateStatus::Expired),
        ) => Readiness::Failed(status.as_str().to_owned()),
        _ if records => Readiness::Ready,
        Some(CertificateStatus::Issued) => Readiness::Ready,
        _ => Readiness::Pending("waiting for the validation records".to_owned()),
    }
}

/// Those tags of a certificate.
pub(super) async fn tags_of(cx: &Cx<Aws>, arn: &str) -> Result<BTreeMap<String, String>> {
    let answer = cx.acm().list_tags_for_certificate().certificate_arn(arn).send().await.found()?;
    let tag = |t: &Tag| (t.key().to_owned(), t.value().unwrap_or_default().to_owned());
    Ok(answer.map(|answer| answer.tags().iter().map(tag).collect()).unwrap_or_default())
}

/// In the SDK's form.
pub(super) fn tag_list(tags: BTreeMap<String, String>) -> Result<Vec<Tag>> {
    tags.into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build().classify())
        .collect()
}

pub(super) async fn describe(cx: &Cx<Aws>, arn: &str) -> Result<Option<CertificateDetail>> {
    let answer = cx.acm().describe_certificate().certificate_arn(arn).send().await.found()?;
    Ok(answer.and_then(|answer| answer.certificate))
}

impl Certificate {
    /// The certificate that this operation made, by its owner tag.
    async fn made(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<Option<String>> {
        // Without a filter only RSA keys are listed.
        let algorithm = want.key_algorithm.map(|algorithm| algorithm.as_str().into());
        let filter = algorithm.map(|algorithm| Filters::builder().key_types(algorithm).build());
        let mut pages = cx.acm().list_certificates().set_includes(filter).into_paginator().send();
        while let Some(page) = pages.next().await {
            for summary in page.classify()?.certificate_summary_list() {
                let Some(arn) = summary.certificate_arn() else { continue };
                if !summary
                    .domain_name()
                    .is_some_and(|domain| domain.eq_ignore_ascii_case(&want.domain))
                {
                    continue;
                }
                if tags_of(cx, arn).await?.get("infra:operation") == Some(&op.id.to_string()) {
                    return Ok(Some(arn.to_owned()));
                }
            }
        }
        Ok(None)
    }

    fn live(found: &CertificateDetail, all_tags: &BTreeMap<String, String>) -> Self {
        let domain = found.domain_name().unwrap_or_default();
        // ACM repeats the domain among the other names.
        let names = found.subject_alternative_names().iter().filter(|name| *name != domain);
        // ACM says `RSA-2048` in some answers and takes `RSA_2048`.
        let algorithm = found.key_algorithm().map(|algorithm| algorithm.as_str().replace('-', "_"));
        Self {
            domain: domain.to_owned(),
            names: names.cloned().collect(),
            key_algorithm: algorithm.and_then(|algorithm| spelled(&algorithm).ok()),
            tags: tags::visible(all_tags),
        }
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let arn = match find {
            Find::Id { id, .. } => Some((*id).to_owned()),
            Find::Made { want, op } => Self::made(cx, want, op).await?,
        };
        let Some(arn) = arn else { return Ok(None) };
        let Some(found) = describe(cx, &arn).await? else { return Ok(None) };
        let all_tags = tags_of(cx, &arn).await?;
        let records = ValidationRecord::of(&found);
        let readiness = readiness(&found, records.is_some());
        let ready = readiness == Readiness::Ready;
        let outputs = CertificateOutputs {
            arn: CertificateArn::trusted(&*arn),
            validation_records: records.unwrap_or_default(),
        };
        let live = Self::live(&found, &all_tags);
        let mut observed = Observed::ready(arn, live, outputs).but(readiness);
        if !ready {
            observed.outputs = None;
        }
        Ok(Some(observed.owned_by(&all_tags)))
    }
}

impl Managed for Certificate {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        // Without a filter only RSA keys of up to 2048 bits are listed.
        let types = SdkAlgorithm::values().iter().map(|kind| (*kind).into()).collect();
        let filter = Filters::builder().set_key_types(Some(types)).build();
        let mut pages = cx.acm().list_certificates().includes(filter).into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            let certificates = page.classify()?.certificate_summary_list.unwrap_or_default();
            arns.extend(certificates.into_iter().filter_map(|it| it.certificate_arn));
        }
        let tags = batch::each(&arns, |arn| async move { tags_of(cx, arn).await.map(Some) }).await;
        owned::read(cx, owned::tagged(stack, arns, tags)?).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let request = cx
            .acm()
            .request_certificate()
            .domain_name(&want.domain)
            .validation_method(ValidationMethod::Dns)
            .set_subject_alternative_names((!want.names.is_empty()).then(|| want.names.clone()))
            .set_key_algorithm(want.key_algorithm.map(|algorithm| algorithm.as_str().into()))
            // At most 32 word characters.
            .idempotency_token(op.id.simple().to_string())
            .set_tags(Some(tag_list(cx.tags(&want.tags, op))?));
        let arn = request.send().await.classify()?.certificate_arn;
        arn.ok_or_else(|| Error::new(Class::Transient, "RequestCertificate answered no ARN"))
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (arn, want, live) = (change.id()?, change.want()?, &change.have()?.live);
        if change.touches(Self::TAGS) {
            let (put, remove) = tags::changes(&live.tags, &want.tags);
            if !put.is_empty() {
                let tag = cx.acm().add_tags_to_certificate().certificate_arn(arn);
                tag.set_tags(Some(tag_list(put)?)).send().await.classify()?;
            }
            if !remove.is_empty() {
                // Without a value the key alone decides.
                let gone = remove.into_iter().map(|key| Tag::builder().key(key).build().classify());
                let untag = cx.acm().remove_tags_from_certificate().certificate_arn(arn);
                untag.set_tags(Some(gone.collect::<Result<_>>()?)).send().await.classify()?;
            }
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.acm().delete_certificate().certificate_arn(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let verb = Verb::of(change);
        let id = change.have.map_or("*", |have| have.id.as_str());
        let arn = if id.starts_with("arn:") {
            id.to_owned()
        } else {
            format!("arn:*:acm:*:*:certificate/{id}")
        };
        let actions: &[&str] = match verb {
            Verb::Search => {
                return grants("*", ["acm:ListCertificates", "acm:ListTagsForCertificate"]);
            }
            Verb::Read => &[],
            // A certificate is made with its tags, and AWS asks for the action of tagging all the same.
            Verb::Create => &["acm:AddTagsToCertificate"],
            Verb::Update => &["acm:AddTagsToCertificate", "acm:RemoveTagsFromCertificate"],
            Verb::Delete => &["acm:DeleteCertificate"],
        };
        let reads = ["acm:DescribeCertificate", "acm:ListTagsForCertificate"];
        let mut all = grants(arn, actions.iter().copied().chain(reads));
        if verb == Verb::Create {
            all.push(made("acm:RequestCertificate", "*"));
            all.push(Grant::new("acm:ListCertificates", "*"));
        }
        all
    }

    fn foreseen(_: &Self) -> Vec<(&'static str, Value)> {
        let arn = format!("arn:*:acm:*:*:certificate/{}", Grant::OWN);
        vec![("arn", arn.as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        match want.get(Self::DOMAIN) {
            Part::Known(domain)
                if !domain.contains('.') || domain.ends_with('.') || domain.len() > 253 =>
            {
                let message = format!("expected a domain like `app.example.com`, found {domain:?}");
                vec![Violation::of(Self::DOMAIN, message)]
            }
            _ => Vec::new(),
        }
    }

    fn once() -> Once {
        Once { token: Some(Duration::from_hours(1)), ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        Timeouts::minutes(15)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_with_its_records_before_it_is_issued() {
        let with = |status: CertificateStatus| CertificateDetail::builder().status(status).build();
        assert_eq!(readiness(&with(CertificateStatus::PendingValidation), true), Readiness::Ready);
        let waiting = readiness(&with(CertificateStatus::PendingValidation), false);
        assert!(matches!(waiting, Readiness::Pending(_)));
        assert!(matches!(readiness(&with(CertificateStatus::Failed), true), Readiness::Failed(_)));
    }

    #[test]
    fn the_domain_is_not_one_of_the_other_names() {
        let found = CertificateDetail::builder().domain_name("a.com");
        let found =
            found.subject_alternative_names("a.com").subject_alternative_names("b.com").build();
        assert_eq!(Certificate::live(&found, &BTreeMap::new()).names, ["b.com"]);
    }
}
