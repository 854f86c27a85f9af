//! Listeners.

use serde_json::{Value, json};

use super::route::{find, missing, named, page};
use super::tag;
use crate::services::access::hex;
use crate::services::acm;
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, list, text, texts};

const TABLE: &str = "listener";

/// Whether a listener forwards to the group.
pub(super) fn uses(listener: &Value, group: &Value) -> bool {
    listener["DefaultActions"].as_array().into_iter().flatten().any(|action| {
        action["TargetGroupArn"] == *group
            || action["ForwardConfig"]["TargetGroups"]
                .as_array()
                .is_some_and(|all| all.iter().any(|it| it["TargetGroupArn"] == *group))
    })
}

/// The actions, complete: a plain target group is also shown as a forward configuration.
fn actions(access: &mut Access<'_>) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    for action in list(access.input(), "DefaultActions") {
        let mut action = action.clone();
        let mut forwards: Vec<String> =
            text(&action, "TargetGroupArn").map(str::to_owned).into_iter().collect();
        forwards.extend(
            list(&action["ForwardConfig"], "TargetGroups")
                .into_iter()
                .filter_map(|it| text(it, "TargetGroupArn"))
                .map(str::to_owned),
        );
        for arn in &forwards {
            find(access, "target-group", arn)?;
        }
        if let ([arn, ..], true) = (&forwards[..], action["Type"] == "forward") {
            action["TargetGroupArn"] = json!(arn);
            if !action["ForwardConfig"].is_object() {
                action["ForwardConfig"] = json!({
                    "TargetGroups": [{"TargetGroupArn": arn, "Weight": 1}],
                    "TargetGroupStickinessConfig": {"Enabled": false},
                });
            }
        }
        all.push(action);
    }
    Ok(all)
}

/// The certificate must be issued.
fn certificates_of(access: &mut Access<'_>) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    for certificate in list(access.input(), "Certificates") {
        let arn = text(certificate, "CertificateArn").unwrap_or_default();
        match acm::status(access, arn).as_deref() {
            Some("ISSUED") => all.push(json!({"CertificateArn": arn})),
            Some(status) => {
                return Err(fail(
                    "UnsupportedCertificate",
                    format!(
                        "The certificate '{arn}' must have a fully-qualified domain name, a \
                             supported signature, and a supported key size (it is {status})."
                    ),
                ));
            }
            None if arn.contains(":acm:") => {
                return Err(fail("CertificateNotFound", format!("Certificate '{arn}' not found")));
            }
            None => all.push(json!({"CertificateArn": arn})),
        }
    }
    Ok(all)
}

fn policy(protocol: &str, asked: Option<&str>) -> Value {
    match protocol {
        "TLS" | "HTTPS" => json!(asked.unwrap_or("ELBSecurityPolicy-2016-08")),
        _ => Value::Null,
    }
}

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let (balancer, document) = named(access, "load-balancer", "LoadBalancerArn")?;
    let input = access.input();
    let (actions, certificates) = (actions(access)?, certificates_of(access)?);
    let port = input["Port"].clone();
    let protocol = text(input, "Protocol").unwrap_or("TCP");
    if matches!(protocol, "TLS" | "HTTPS") && certificates.is_empty() {
        return Err(fail("ValidationError", "A certificate must be specified for TLS listeners"));
    }
    let twin = access
        .docs(Service::Elbv2)
        .values(TABLE)
        .any(|it| it["LoadBalancerArn"] == balancer.as_str() && it["Port"] == port);
    if twin {
        return Err(fail(
            "DuplicateListener",
            format!("A listener already exists on this port for this load balancer '{balancer}'"),
        ));
    }
    let arn = format!("{}/{}", balancer.replacen(":loadbalancer/", ":listener/", 1), hex(16));
    let attributes = if document["Type"] == "network" {
        json!({"tcp.idle_timeout.seconds": "350"})
    } else {
        json!({})
    };
    let listener = json!({
        "ListenerArn": arn, "LoadBalancerArn": balancer, "Port": port, "Protocol": protocol,
        "Certificates": certificates, "SslPolicy": policy(protocol, text(input, "SslPolicy")),
        "DefaultActions": actions, "AlpnPolicy": texts(input, "AlpnPolicy"),
        "_attributes": attributes, "_tags": tag::given(input),
    });
    access.docs(Service::Elbv2).put(TABLE, &arn, listener.clone());
    Ok(json!({"Listeners": [listener]}))
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let arns = texts(input, "ListenerArns");
    let balancer = text(input, "LoadBalancerArn");
    if let Some(balancer) = balancer {
        find(access, "load-balancer", balancer)?;
    }
    for arn in &arns {
        find(access, TABLE, arn)?;
    }
    let found = access
        .docs(Service::Elbv2)
        .all(TABLE)
        .filter(|(arn, it)| {
            balancer.is_none_or(|wanted| it["LoadBalancerArn"] == wanted)
                && (arns.is_empty() || arns.iter().any(|wanted| wanted == arn))
        })
        .map(|(_, it)| it.clone())
        .collect();
    Ok(page(access, "Listeners", found))
}

pub(super) fn modify(access: &mut Access<'_>) -> Outcome {
    let (arn, old) = named(access, TABLE, "ListenerArn")?;
    let input = access.input();
    let (actions, certificates) = (actions(access)?, certificates_of(access)?);
    if let Some(port) = text(input, "Port") {
        let twin = access.docs(Service::Elbv2).all(TABLE).any(|(other, it)| {
            other != arn && it["LoadBalancerArn"] == old["LoadBalancerArn"] && it["Port"] == port
        });
        if twin {
            return Err(fail("DuplicateListener", "A listener already exists on this port"));
        }
    }
    let Some(listener) = access.docs(Service::Elbv2).edit(TABLE, &arn) else {
        return Err(missing(TABLE, &arn));
    };
    for field in ["Port", "Protocol"] {
        if let Some(value) = text(input, field) {
            listener[field] = json!(value);
        }
    }
    if !actions.is_empty() {
        listener["DefaultActions"] = json!(actions);
    }
    if !certificates.is_empty() {
        listener["Certificates"] = json!(certificates);
    }
    if !input["AlpnPolicy"].is_null() {
        listener["AlpnPolicy"] = json!(texts(input, "AlpnPolicy"));
    }
    let protocol = listener["Protocol"].as_str().unwrap_or_default().to_owned();
    let kept = listener["SslPolicy"].as_str().map(str::to_owned);
    listener["SslPolicy"] = policy(&protocol, text(input, "SslPolicy").or(kept.as_deref()));
    Ok(json!({"Listeners": [listener]}))
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let (arn, _) = named(access, TABLE, "ListenerArn")?;
    access.docs(Service::Elbv2).remove(TABLE, &arn);
    Ok(json!({}))
}

pub(super) fn certificates(access: &mut Access<'_>) -> Outcome {
    let (_, listener) = named(access, TABLE, "ListenerArn")?;
    let all: Vec<Value> = listener["Certificates"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| json!({"CertificateArn": it["CertificateArn"], "IsDefault": true}))
        .collect();
    Ok(json!({"Certificates": all}))
}
