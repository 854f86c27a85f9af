//! Types of records.

use infra_core::Value;

/// What a record says.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordType {
    /// An IPv4 address.
    #[value(rename = "A")]
    A,
    /// An IPv6 address.
    #[value(rename = "AAAA")]
    Aaaa,
    /// Who may issue certificates.
    #[value(rename = "CAA")]
    Caa,
    /// Another name.
    #[value(rename = "CNAME")]
    Cname,
    /// A delegation's key.
    #[value(rename = "DS")]
    Ds,
    /// A service with its parameters, for HTTPS.
    #[value(rename = "HTTPS")]
    Https,
    /// Where mail goes.
    #[value(rename = "MX")]
    Mx,
    /// How to rewrite it.
    #[value(rename = "NAPTR")]
    Naptr,
    /// Name servers.
    #[value(rename = "NS")]
    Ns,
    /// A name, for an address.
    #[value(rename = "PTR")]
    Ptr,
    /// The zone's own settings.
    #[value(rename = "SOA")]
    Soa,
    /// Who may send mail; superseded by text records.
    #[value(rename = "SPF")]
    Spf,
    /// Where a service is.
    #[value(rename = "SRV")]
    Srv,
    /// Fingerprints of SSH keys.
    #[value(rename = "SSHFP")]
    Sshfp,
    /// A service with its parameters.
    #[value(rename = "SVCB")]
    Svcb,
    /// Certificates of a service.
    #[value(rename = "TLSA")]
    Tlsa,
    /// Text.
    #[value(rename = "TXT")]
    Txt,
}

impl RecordType {
    /// Whether its values are quoted text.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Txt | Self::Spf)
    }
}
