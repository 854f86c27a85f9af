//! Listeners.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{self as sdk, Certificate, ProtocolEnum};
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Part, Partial,
        Result, Violation,
    },
    state::StackName,
};

use super::{
    Action, ListenerArn, LoadBalancerArn, Protocol, find,
    tagging::{self, Tags},
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, subject},
    tags,
    types::{CertificateArn, spelled},
};

/// A port of a load balancer and what happens there:
/// `Listener::new(&lb.arn, Protocol::Tls, 443, Action::forward(&targets.arn)).certificate(&issued.arn)`.
///
/// Another load balancer replaces it, everything else changes in place. A certificate must be issued, so take its ARN
/// from `acm::CertificateValidation` (a certificate issued a moment ago is retried until the load balancer sees it).
///
/// Needs `elasticloadbalancing:CreateListener` on the load balancer, `ModifyListener`, `DeleteListener`,
/// `AddListenerCertificates`, `RemoveListenerCertificates`, `AddTags`, `RemoveTags` on it, the `Describe…` actions.
#[derive(Resource, Clone, Debug)]
#[resource(
    kind = "aws:elbv2:Listener",
    outputs = ListenerOutputs,
    delete_before_replace = "a load balancer has one listener a port"
)]
pub struct Listener {
    /// The load balancer. Another replaces the listener.
    #[field(replace)]
    pub load_balancer: LoadBalancerArn,
    /// What it speaks.
    pub protocol: Protocol,
    /// Its port.
    pub port: u16,
    /// What it does with what no rule takes.
    pub action: Action,
    /// The certificate it shows by default; TLS and HTTPS need one.
    pub certificate: Option<CertificateArn>,
    /// Certificates for other names, chosen by the client's server name indication.
    #[field(set)]
    pub more_certificates: Vec<CertificateArn>,
    /// What TLS it speaks. AWS chooses `ELBSecurityPolicy-2016-08`; `ELBSecurityPolicy-TLS13-1-2-2021-06` is better.
    #[field(computed)]
    pub ssl_policy: Option<String>,
    /// Its choice of application protocols over TLS: `HTTP2Preferred`, `None`.
    #[field(computed)]
    pub alpn: Option<String>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a listener gives.
#[derive(Outputs, Clone, Debug)]
pub struct ListenerOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: ListenerArn,
}

fn certificate(arn: &CertificateArn) -> Certificate {
    Certificate::builder().certificate_arn(arn.as_str()).build()
}

/// The certificates beside the default one.
async fn more_certificates(cx: &Cx<Aws>, arn: &str) -> Result<Vec<CertificateArn>> {
    let describe = cx.elbv2().describe_listener_certificates().listener_arn(arn);
    let (mut all, mut marker) = (Vec::new(), None);
    loop {
        let page = describe.clone().set_marker(marker).send().await.found()?;
        let Some(page) = page else { return Ok(all) };
        let more =
            page.certificates().iter().filter(|certificate| certificate.is_default() != Some(true));
        all.extend(more.filter_map(|c| c.certificate_arn()).map(CertificateArn::trusted));
        marker = page.next_marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if marker.is_none() {
            return Ok(all);
        }
    }
}

impl Listener {
    fn is_encrypted(&self) -> bool {
        matches!(self.protocol, Protocol::Tls | Protocol::Https)
    }

    fn observed(found: &sdk::Listener, all_tags: &Tags) -> Result<Observed<Self>> {
        let arn = found.listener_arn().unwrap_or_default();
        // What authenticates goes before the one that decides.
        let action = found.default_actions().last();
        let action =
            action.ok_or_else(|| Error::invalid(format!("the listener {arn} has no action")))?;
        let live = Self {
            load_balancer: LoadBalancerArn::trusted(found.load_balancer_arn().unwrap_or_default()),
            protocol: spelled(found.protocol().map_or("", ProtocolEnum::as_str))?,
            port: found.port().and_then(|port| port.try_into().ok()).unwrap_or_default(),
            action: Action::of(action)?,
            certificate: found
                .certificates()
                .first()
                .and_then(Certificate::certificate_arn)
                .map(CertificateArn::trusted),
            more_certificates: Vec::new(),
            ssl_policy: found.ssl_policy().map(str::to_owned),
            alpn: found.alpn_policy().first().cloned(),
            tags: tags::visible(all_tags),
        };
        let outputs = ListenerOutputs { arn: ListenerArn::trusted(arn) };
        let beyond = Self::beyond(found);
        Ok(Observed::ready(arn, live, outputs).with_beyond(beyond).owned_by(all_tags))
    }

    /// The listener of this port, of a load balancer that is there.
    async fn on_port(
        cx: &Cx<Aws>,
        balancer: &LoadBalancerArn,
        port: u16,
    ) -> Result<Option<sdk::Listener>> {
        let listeners = find::listeners(cx, balancer.as_str()).await?;
        Ok(listeners.iter().find(|listener| listener.port() == Some(port.into())).cloned())
    }

    /// What this kind cannot say. What authenticates goes before the action that decides: without it the listener looks
    /// open to all, and who changes its action makes it so.
    fn beyond(found: &sdk::Listener) -> Vec<String> {
        let actions = found.default_actions();
        let before = actions.split_last().map_or(&[][..], |(_, before)| before);
        let kind = |action: &sdk::Action| {
            let kind = action.r#type().map_or("?", sdk::ActionTypeEnum::as_str);
            format!("the action `{kind}` before the one that decides")
        };
        let mut all: Vec<String> = before.iter().map(kind).collect();
        let forward = actions.last().and_then(sdk::Action::forward_config);
        let sticky = forward.and_then(|it| it.target_group_stickiness_config()?.enabled());
        if sticky == Some(true) {
            all.push("target groups that clients stick to".to_owned());
        }
        let mutual = found.mutual_authentication().and_then(|it| it.mode());
        if let Some(mode) = mutual.filter(|mode| *mode != "off") {
            all.push(format!("mutual TLS (`{mode}`)"));
        }
        all
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let found = match find {
            Find::Id { id, .. } => {
                let answer =
                    cx.elbv2().describe_listeners().listener_arns(*id).send().await.found()?;
                answer.and_then(|answer| answer.listeners().first().cloned())
            }
            Find::Made { want, .. } => Self::on_port(cx, &want.load_balancer, want.port).await?,
        };
        let Some(found) = found else { return Ok(None) };
        let arn = found.listener_arn().unwrap_or_default().to_owned();
        let tags =
            tagging::of(cx, std::slice::from_ref(&arn)).await?.remove(&arn).unwrap_or_default();
        let mut observed = Self::observed(&found, &tags)?;
        if observed.live.is_encrypted() {
            observed.live.more_certificates = more_certificates(cx, &arn).await?;
        }
        Ok(Some(observed))
    }

    async fn update_certificates(cx: &Cx<Aws>, arn: &str, live: &Self, want: &Self) -> Result<()> {
        let (live, want) = (&live.more_certificates, &want.more_certificates);
        let add: Vec<_> = want.iter().filter(|arn| !live.contains(arn)).map(certificate).collect();
        let remove: Vec<_> =
            live.iter().filter(|arn| !want.contains(arn)).map(certificate).collect();
        if !add.is_empty() {
            let call = cx.elbv2().add_listener_certificates().listener_arn(arn);
            call.set_certificates(Some(add)).send().await.classify()?;
        }
        if !remove.is_empty() {
            let call = cx.elbv2().remove_listener_certificates().listener_arn(arn);
            call.set_certificates(Some(remove)).send().await.classify()?;
        }
        Ok(())
    }
}

impl Managed for Listener {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let balancers = find::load_balancers(cx).await?;
        let mut arns = Vec::new();
        for found in batch::each(&balancers, |balancer| find::listeners(cx, balancer)).await {
            arns.extend(found?.iter().filter_map(|listener| listener.listener_arn.clone()));
        }
        owned::read(cx, find::of_stack(cx, stack, arns).await?).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let create = cx
            .elbv2()
            .create_listener()
            .load_balancer_arn(want.load_balancer.as_str())
            .protocol(want.protocol.as_str().into())
            .port(want.port.into())
            .default_actions(want.action.to_sdk())
            .set_certificates(want.certificate.as_ref().map(|arn| vec![certificate(arn)]))
            .set_ssl_policy(want.ssl_policy.clone())
            .set_alpn_policy(want.alpn.clone().map(|policy| vec![policy]))
            .set_tags(Some(tagging::list(cx.tags(&want.tags, op))));
        let answer = create.send().await.classify()?;
        let arn = answer.listeners().first().and_then(sdk::Listener::listener_arn);
        let arn =
            arn.ok_or_else(|| Error::new(Class::Transient, "CreateListener answered no ARN"))?;
        Ok(arn.to_owned())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (arn, want, live) = (change.id()?, change.want()?, &change.have()?.live);
        let encryption = change.touches(Self::PROTOCOL)
            || change.touches(Self::CERTIFICATE)
            || change.touches(Self::SSL_POLICY)
            || change.touches(Self::ALPN);
        if encryption || change.touches(Self::PORT) || change.touches(Self::ACTION) {
            let mut modify = cx.elbv2().modify_listener().listener_arn(arn);
            if change.touches(Self::PORT) {
                modify = modify.port(want.port.into());
            }
            if change.touches(Self::ACTION) {
                modify = modify.default_actions(want.action.to_sdk());
            }
            // A new protocol needs its certificate and policy in the same call.
            if encryption {
                let certificates = want.certificate.as_ref().map(|arn| vec![certificate(arn)]);
                modify =
                    modify.protocol(want.protocol.as_str().into()).set_certificates(certificates);
                modify = modify.set_ssl_policy(want.ssl_policy.clone());
                modify = modify.set_alpn_policy(want.alpn.clone().map(|policy| vec![policy]));
            }
            modify.send().await.classify()?;
        }
        if change.touches(Self::MORE_CERTIFICATES) {
            Self::update_certificates(cx, arn, live, want).await?;
        }
        if change.touches(Self::TAGS) {
            tagging::update(cx, arn, &live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.elbv2().delete_listener().listener_arn(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let balancer = subject(change).map_or("*", |live| live.load_balancer.as_str());
        // `listener/net/NAME/ID-OF-THE-BALANCER/ID`.
        let this = match balancer.split_once(":loadbalancer/") {
            Some((front, balancer)) => format!("{front}:listener/{balancer}/*"),
            None => "arn:*:elasticloadbalancing:*:*:listener/*".to_owned(),
        };
        let mut all = tagging::reads(&["DescribeListeners", "DescribeListenerCertificates"]);
        let elb =
            |action: &str, arn: &str| Grant::new(format!("elasticloadbalancing:{action}"), arn);
        match Verb::of(change) {
            Verb::Search | Verb::Read => {}
            Verb::Create => all.extend([elb("CreateListener", balancer), elb("AddTags", &this)]),
            Verb::Update => {
                let certificates = ["AddListenerCertificates", "RemoveListenerCertificates"];
                let actions = ["ModifyListener", "AddTags", "RemoveTags"].into_iter();
                all.extend(actions.chain(certificates).map(|action| elb(action, &this)));
            }
            Verb::Delete => all.push(elb("DeleteListener", &this)),
        }
        all
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        let encrypted = match want.get(Self::PROTOCOL) {
            Part::Known(protocol) => matches!(protocol, Protocol::Tls | Protocol::Https),
            Part::Unset | Part::Unknown => return violations,
        };
        let certificate = want.get(Self::CERTIFICATE);
        if encrypted && certificate == Part::Unset {
            violations.push(Violation::of(
                Self::CERTIFICATE,
                "expected a certificate for TLS, found none",
            ));
        }
        if !encrypted && certificate != Part::Unset {
            let message = "expected no certificate where the protocol is neither TLS nor HTTPS";
            violations.push(Violation::of(Self::CERTIFICATE, message));
        }
        violations
    }

    fn once() -> Once {
        // The same create again answers the first listener; another one on the port is refused.
        Once { by_name: true, ..Once::default() }
    }
}

#[cfg(test)]
mod tests {
    use infra_core::state::Value;

    use super::*;

    #[test]
    fn what_authenticates_is_not_hidden() {
        let action = |kind: sdk::ActionTypeEnum| sdk::Action::builder().r#type(kind).build();
        let listener = sdk::Listener::builder().listener_arn("arn:l");
        let mutual = |mode: &str| sdk::MutualAuthenticationAttributes::builder().mode(mode).build();
        let plain = listener.clone().default_actions(action(sdk::ActionTypeEnum::Forward));
        let plain = plain.mutual_authentication(mutual("off"));
        assert!(Listener::beyond(&plain.clone().build()).is_empty());
        let verified = plain.mutual_authentication(mutual("verify")).build();
        assert_eq!(Listener::beyond(&verified), ["mutual TLS (`verify`)"]);
        let guarded = listener.default_actions(action(sdk::ActionTypeEnum::AuthenticateOidc));
        let guarded = guarded.default_actions(action(sdk::ActionTypeEnum::Forward)).build();
        let beyond = Listener::beyond(&guarded);
        assert!(beyond.len() == 1 && beyond[0].contains("authenticate-oidc"), "{beyond:?}");
    }

    #[test]
    fn tls_needs_a_certificate() {
        let want = |protocol: &str| {
            Partial::<Listener>::new(Value::from([("protocol", Value::from(protocol))]))
        };
        assert_eq!(Listener::check(&want("TLS")).len(), 1);
        assert!(Listener::check(&want("TCP")).is_empty());
    }
}
