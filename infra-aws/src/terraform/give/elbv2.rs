//! Load balancers.

use infra_core::{
    state::Value,
    transfer::terraform::{Block, Body, Hcl, Object},
};

use super::{
    exports::Line,
    fields::{Draft, Given, line, text, variant},
};

pub(super) fn exports() -> Vec<Line> {
    vec![
        line!(
            "aws:elbv2:LoadBalancer",
            "aws_lb",
            [
                "arn" = "arn",
                "dns_name" = "dns_name",
                "hosted_zone_id" = "zone_id",
                "name" = "name",
                "full_name" = "arn_suffix",
                "vpc_id" = "vpc_id",
            ],
            balancer
        ),
        line!(
            "aws:elbv2:TargetGroup",
            "aws_lb_target_group",
            ["arn" = "arn", "name" = "name", "full_name" = "arn_suffix"],
            group
        ),
        line!("aws:elbv2:Listener", "aws_lb_listener", ["arn" = "arn"], listener),
        line!("aws:elbv2:TargetAttachment", "aws_lb_target_group_attachment", [], |_| {
            Err("Terraform cannot import what is registered in a target group: it stays registered, and applying \
                 `aws_lb_target_group_attachment` registers it again"
                .to_owned())
        }),
    ]
}

/// AWS's keys of attributes, and what they are called there.
const BALANCER: [(&str, &str); 7] = [
    ("client_keep_alive.seconds", "client_keep_alive"),
    ("idle_timeout.timeout_seconds", "idle_timeout"),
    ("routing.http.desync_mitigation_mode", "desync_mitigation_mode"),
    ("routing.http.drop_invalid_header_fields.enabled", "drop_invalid_header_fields"),
    ("routing.http.preserve_host_header.enabled", "preserve_host_header"),
    ("routing.http2.enabled", "enable_http2"),
    ("routing.http.xff_header_processing.mode", "xff_header_processing_mode"),
];
const GROUP: [(&str, &str); 3] = [
    ("load_balancing.algorithm.type", "load_balancing_algorithm_type"),
    ("load_balancing.cross_zone.enabled", "load_balancing_cross_zone_enabled"),
    ("slow_start.duration_seconds", "slow_start"),
];

/// The declared attributes as arguments. Text becomes a number or flag where it is one.
fn attributes<'d, 'o>(
    mut draft: Draft<'d, 'o>,
    it: &Object<'_>,
    known: &[(&str, &str)],
) -> Result<Draft<'d, 'o>, String> {
    for (key, value) in it.input("attributes").and_then(Value::as_map).into_iter().flatten() {
        let argument = known.iter().find(|(known, _)| known == key);
        let (_, argument) =
            argument.ok_or_else(|| format!("the attribute `{key}` has no argument there"))?;
        let text = value.as_str().unwrap_or_default();
        let value = match (text, text.parse::<i64>()) {
            ("true", _) => Hcl::from(true),
            ("false", _) => Hcl::from(false),
            (_, Ok(number)) => Hcl::from(number),
            _ => Hcl::from(text),
        };
        draft = draft.set(argument, Some(value));
    }
    Ok(draft)
}

fn balancer(it: &Object<'_>) -> Given {
    let internal = text(it, "scheme") != Some("internet-facing");
    let draft = Draft::of(it)
        .same(&["name"])
        .or("load_balancer_type", "kind", "network")
        .set("internal", Some(internal))
        .same(&["subnets", "security_groups", "ip_address_type"])
        .named("enable_cross_zone_load_balancing", "cross_zone")
        .or("enable_deletion_protection", "deletion_protection", false)
        .tags();
    attributes(draft, it, &BALANCER)?.whole("aws_lb")
}

fn group(it: &Object<'_>) -> Given {
    let check = it.field("health_check").map(|check| {
        let of = |key: &str| check.get(key);
        Body::new()
            .set("protocol", of("protocol"))
            .set("port", of("port"))
            .set("path", of("path"))
            .set("matcher", of("matcher"))
            .set("interval", of("interval"))
            .set("timeout", of("timeout"))
            .set("healthy_threshold", of("healthy"))
            .set("unhealthy_threshold", of("unhealthy"))
    });
    let draft = Draft::of(it)
        .same(&["name", "port", "protocol"])
        .named("vpc_id", "vpc")
        .or("target_type", "target_type", "instance")
        .same(&["protocol_version", "deregistration_delay", "preserve_client_ip"])
        .named("connection_termination", "terminate_connections")
        .named("proxy_protocol_v2", "proxy_protocol")
        .tags();
    attributes(draft, it, &GROUP)?.maybe("health_check", check).whole("aws_lb_target_group")
}

fn listener(it: &Object<'_>) -> Given {
    let action = it.field("action").and_then(|action| variant(&action));
    let (kind, action) = action.ok_or("its action is not known")?;
    let of = |key: &str| action.as_ref().and_then(|action| action.get(key));
    let or = |key: &str, otherwise: &str| Some(of(key).unwrap_or_else(|| otherwise.into()));
    let action = match kind.as_str() {
        "forward" => Body::new().set("type", Some("forward")).set("target_group_arn", action),
        "weighted" => {
            let groups = action.map(|groups| groups.elements()).unwrap_or_default();
            let forward = groups.iter().fold(Body::new(), |body, group| {
                let one = Body::new()
                    .set("arn", group.get("target_group"))
                    .set("weight", group.get("weight"));
                body.block("target_group", one)
            });
            Body::new().set("type", Some("forward")).block("forward", forward)
        }
        "redirect" => {
            let redirect = Body::new()
                .set("status_code", or("status", "HTTP_301"))
                .set("protocol", or("protocol", "#{protocol}"))
                .set("host", or("host", "#{host}"))
                .set("port", or("port", "#{port}"))
                .set("path", or("path", "/#{path}"))
                .set("query", or("query", "#{query}"));
            Body::new().set("type", Some("redirect")).block("redirect", redirect)
        }
        _ => {
            let response = Body::new()
                .set("status_code", of("status"))
                .set("content_type", or("content_type", "text/plain"))
                .set("message_body", of("body"));
            Body::new().set("type", Some("fixed-response")).block("fixed_response", response)
        }
    };
    let draft = Draft::of(it)
        .named("load_balancer_arn", "load_balancer")
        .same(&["port", "protocol", "ssl_policy"])
        .named("certificate_arn", "certificate")
        .named("alpn_policy", "alpn")
        .tags()
        .block("default_action", action);
    let mut all = vec![draft.block_of("aws_lb_listener")];
    let more = it.field("more_certificates").unwrap_or_else(|| Hcl::List(Vec::new())).elements();
    let plain = it.input("more_certificates").and_then(Value::as_list).unwrap_or_default();
    for (certificate, arn) in more.into_iter().zip(plain.iter().filter_map(Value::as_str)) {
        let body = Body::new()
            .set("listener_arn", Some(it.own("arn")))
            .set("certificate_arn", Some(certificate));
        let id = format!("{}_{arn}", it.id());
        all.push(Block::new("aws_lb_listener_certificate", id, body));
    }
    Ok(all)
}
