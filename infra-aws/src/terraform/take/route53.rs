//! DNS.

use infra_core::transfer::terraform::{Import, Instance, Piece};

use super::{
    attributes::{Taken, by, need},
    imports::Line,
};

pub(super) fn imports() -> Vec<Line> {
    vec![
        (
            "aws_route53_zone",
            by!("aws:route53:HostedZone", "zone_id", "force_destroy" = "force_destroy"),
        ),
        ("aws_route53_record", Import::Objects(record)),
        ("aws_route53_zone_association", Import::Part("the aws_route53_zone")),
    ]
}

/// `name` is as the configuration has it, perhaps without the zone; `fqdn` is what AWS knows.
fn record(it: &Instance) -> Taken {
    let name = it.text("fqdn").or_else(|| it.text("name"));
    let name = name.ok_or("expected `fqdn` or `name` in its attributes, found neither")?;
    let (zone, kind) = (need(it, "zone_id")?, need(it, "type")?);
    let set = it.text("set_identifier").unwrap_or_default();
    let name = name.trim_end_matches('.').to_lowercase();
    let piece = Piece::new("aws:route53:Record", format!("{zone}|{name}|{kind}|{set}"));
    // The kind has a time of its own for what is left out.
    let ttl = it.attribute("ttl").filter(|ttl| super::attributes::number(ttl) != "0");
    Ok(vec![piece.known("ttl", ttl)])
}
