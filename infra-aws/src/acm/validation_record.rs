//! Records that prove a domain.

use aws_sdk_acm::types::CertificateDetail;
use infra_core::Value;

/// A record that proves a domain to ACM, for as long as the certificate is to be renewed.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct ValidationRecord {
    /// The domain it proves; with it its wildcard, which has the same record.
    pub domain: String,
    /// Its name.
    pub name: String,
    /// Its type: `CNAME`.
    pub kind: String,
    /// What it says.
    pub value: String,
}

impl ValidationRecord {
    /// The records of a certificate, each once; `None` while some are missing: they come seconds after the request.
    pub(super) fn of(found: &CertificateDetail) -> Option<Vec<Self>> {
        let options = found.domain_validation_options();
        let mut records: Vec<Self> = Vec::new();
        for option in options {
            let record = option.resource_record()?;
            let name = record.name().trim_end_matches('.').to_owned();
            // A domain and its wildcard share one record.
            if records.iter().any(|known| known.name == name) {
                continue;
            }
            let domain = option.domain_name().trim_start_matches("*.").to_owned();
            let (kind, value) = (record.r#type().as_str().to_owned(), record.value().to_owned());
            records.push(Self { domain, name, kind, value });
        }
        (!records.is_empty()).then_some(records)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_acm::types::{DomainValidation, RecordType, ResourceRecord};

    use super::*;

    #[test]
    fn a_wildcard_shares_its_domains_record() {
        let option = |domain: &str, record: Option<&str>| {
            let record = record.map(|name| {
                let record =
                    ResourceRecord::builder().name(name).r#type(RecordType::Cname).value("v.aws.");
                record.build().unwrap()
            });
            DomainValidation::builder()
                .domain_name(domain)
                .set_resource_record(record)
                .build()
                .unwrap()
        };
        let both = CertificateDetail::builder()
            .domain_validation_options(option("*.example.com", Some("_x.example.com.")))
            .domain_validation_options(option("example.com", Some("_x.example.com.")));
        let records = ValidationRecord::of(&both.clone().build()).unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(
            (records[0].domain.as_str(), records[0].name.as_str()),
            ("example.com", "_x.example.com")
        );
        let waiting = both.domain_validation_options(option("other.com", None)).build();
        assert_eq!(ValidationRecord::of(&waiting), None);
    }
}
