//! Route 53.

use super::super::Ask;
use super::scope::Scope;

pub(super) fn asks(scope: &Scope<'_, '_>) -> Vec<Ask> {
    let path = scope.access.call.segments();
    let part = |at: usize| path.get(at).map(String::as_str).unwrap_or_default();
    let zone = |id: &str| format!("arn:aws:route53:::hostedzone/{id}");
    let mut all = vec![match (part(1), part(2), part(3)) {
        ("hostedzone", id, _) | ("tags", _, id) if !id.is_empty() => scope.own(zone(id)),
        ("change", id, _) => scope.own(format!("arn:aws:route53:::change/{id}")),
        ("tags", ..) => scope.own(zone("*")),
        _ => scope.own("*"),
    }];
    if matches!(scope.name, "AssociateVPCWithHostedZone" | "DisassociateVPCFromHostedZone") {
        all.push(Ask::new("ec2:DescribeVpcs", "*"));
    }
    all
}
