//! What is reachable, and from where.

use infra_core::drift::{Rule, Severity};

use super::lowered::changed;
#[cfg(feature = "ec2")]
use super::{
    lowered::{added, is_new, on},
    openness::{are_private, is_world},
};

pub(super) fn rules() -> Vec<Rule> {
    vec![
        #[cfg(feature = "ec2")]
        open_rule(),
        #[cfg(feature = "ec2")]
        internet_route(),
        #[cfg(feature = "ec2")]
        added::<crate::ec2::Route>("aws:added-route", Severity::Medium),
        #[cfg(feature = "ec2")]
        added_rule(),
        #[cfg(feature = "ec2")]
        on("aws:public-subnet", crate::ec2::Subnet::MAP_PUBLIC_IP_ON_LAUNCH, Severity::High),
        #[cfg(feature = "ec2")]
        imds::<crate::ec2::Instance>(crate::ec2::Instance::METADATA),
        #[cfg(feature = "ec2")]
        imds::<crate::ec2::LaunchTemplate>(crate::ec2::LaunchTemplate::METADATA),
        #[cfg(feature = "ec2")]
        changed("aws:groups", crate::ec2::Instance::SECURITY_GROUP_IDS, Severity::High),
        #[cfg(feature = "ec2")]
        changed("aws:endpoint-policy", crate::ec2::VpcEndpoint::POLICY, Severity::High),
        #[cfg(feature = "elbv2")]
        super::lowered::off(
            "aws:deletion-protection",
            crate::elbv2::LoadBalancer::DELETION_PROTECTION,
            Severity::High,
        ),
        #[cfg(feature = "elbv2")]
        changed("aws:groups", crate::elbv2::LoadBalancer::SECURITY_GROUPS, Severity::High),
        #[cfg(feature = "elbv2")]
        changed("aws:tls", crate::elbv2::Listener::PROTOCOL, Severity::High),
        #[cfg(feature = "elbv2")]
        changed("aws:tls", crate::elbv2::Listener::SSL_POLICY, Severity::High),
        #[cfg(feature = "elbv2")]
        changed("aws:tls", crate::elbv2::Listener::CERTIFICATE, Severity::High),
        #[cfg(feature = "route53")]
        changed("aws:record", crate::route53::Record::VALUES, Severity::High),
        #[cfg(feature = "route53")]
        changed("aws:record", crate::route53::Record::ALIAS, Severity::High),
    ]
}

/// A group that lets the world in: by a rule that was changed, or by one that nobody declared.
#[cfg(feature = "ec2")]
fn open_rule() -> Rule {
    use crate::ec2::{Direction, SecurityGroupRule as R, Source};
    let open = |source: Option<Source>| matches!(source, Some(Source::Cidr(it)) if is_world(it));
    Rule::of::<R>("aws:open-group", move |it| {
        let touched = it.touches(R::SOURCE) || it.touches(R::PORTS) || it.subject().path.is_none();
        let ingress = it.live(R::DIRECTION) == Some(Direction::Ingress);
        if !touched || !ingress || !open(it.live(R::SOURCE)) {
            return None;
        }
        let ports = it.live(R::PORTS)?;
        let was_open = open(it.recorded(R::SOURCE));
        if was_open && it.recorded(R::PORTS).is_some_and(|was| was == ports) {
            return Some(Severity::Medium);
        }
        Some(if are_private(&ports) { Severity::Critical } else { Severity::High })
    })
}

/// Whoever it lets in, nobody declared it.
#[cfg(feature = "ec2")]
fn added_rule() -> Rule {
    use infra_core::drift::What;

    use crate::ec2::{Direction, SecurityGroupRule as R};
    Rule::of::<R>("aws:added-rule", |it| {
        let ingress = it.live(R::DIRECTION) == Some(Direction::Ingress);
        (it.what() == What::Orphan && ingress).then_some(Severity::Medium)
    })
}

/// What was private is led to the internet.
#[cfg(feature = "ec2")]
fn internet_route() -> Rule {
    use crate::ec2::{Route as R, RouteTarget as T};
    let out = |it: &T| matches!(it, T::InternetGateway(_) | T::EgressOnlyInternetGateway(_));
    Rule::of::<R>("aws:internet-route", move |it| {
        let (was, is) = (it.recorded(R::TARGET), it.live(R::TARGET)?);
        (is_new(it, R::TARGET) && out(&is) && !was.as_ref().is_some_and(out))
            .then_some(Severity::High)
    })
}

/// Credentials that a forged request gets out of an instance.
#[cfg(feature = "ec2")]
fn imds<R: infra_core::provider::Managed>(
    field: infra_core::provider::Field<R, crate::ec2::MetadataOptions>,
) -> Rule {
    use crate::ec2::HttpTokens;
    Rule::of::<R>("aws:imds", move |it| {
        let (was, is) = (it.recorded(field)?, it.live(field)?);
        let lowered = is.http_tokens == HttpTokens::Optional && is.http_tokens != was.http_tokens;
        (it.touches(field) && (lowered || is.hop_limit > was.hop_limit)).then_some(Severity::High)
    })
}
