//! Certificates.

use infra_core::transfer::terraform::{Import, Instance, Piece};

use super::{
    attributes::{Taken, need},
    imports::Line,
};

pub(super) fn imports() -> Vec<Line> {
    vec![
        ("aws_acm_certificate", Import::Objects(certificate)),
        (
            "aws_acm_certificate_validation",
            Import::Never(
                "it only waits, and that is over; what uses the certificate refers to the certificate itself",
            ),
        ),
    ]
}

fn certificate(it: &Instance) -> Taken {
    if it.text("certificate_body").is_some() || it.text("certificate_authority_arn").is_some() {
        return Err(
            "a certificate that was uploaded or is of a private authority; aws:acm:Certificate is one that ACM issues"
                .to_owned(),
        );
    }
    Ok(vec![Piece::new("aws:acm:Certificate", need(it, "arn")?)])
}
