//! Attributes: texts by key, with the defaults of each kind.

use serde_json::{Value, json};

use super::route::named;
use crate::services::{Access, Service};
use crate::wire::{Outcome, fail, list, text};

pub(super) fn of_load_balancer(kind: &str) -> Value {
    let mut all = json!({
        "deletion_protection.enabled": "false", "load_balancing.cross_zone.enabled": "false",
        "access_logs.s3.enabled": "false", "access_logs.s3.bucket": "", "access_logs.s3.prefix": "",
        "ipv6.deny_all_igw_traffic": "false", "zonal_shift.config.enabled": "false",
    });
    if kind == "network" {
        all["dns_record.client_routing_policy"] = json!("any_availability_zone");
    } else {
        all["load_balancing.cross_zone.enabled"] = json!("true");
        all["idle_timeout.timeout_seconds"] = json!("60");
        all["routing.http2.enabled"] = json!("true");
        all["routing.http.drop_invalid_header_fields.enabled"] = json!("false");
        all["routing.http.desync_mitigation_mode"] = json!("defensive");
        all["routing.http.xff_header_processing.mode"] = json!("append");
        all["waf.fail_open.enabled"] = json!("false");
    }
    all
}

pub(super) fn of_target_group(protocol: &str, target_type: &str) -> Value {
    let mut all = json!({
        "deregistration_delay.timeout_seconds": "300", "stickiness.enabled": "false",
        "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
        "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
        "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
    });
    if matches!(protocol, "HTTP" | "HTTPS") {
        all["stickiness.type"] = json!("lb_cookie");
        all["slow_start.duration_seconds"] = json!("0");
        all["load_balancing.algorithm.type"] = json!("round_robin");
    } else {
        all["stickiness.type"] = json!("source_ip");
        all["proxy_protocol_v2.enabled"] = json!("false");
        all["deregistration_delay.connection_termination.enabled"] = json!("false");
        all["target_health_state.unhealthy.connection_termination.enabled"] = json!("true");
        all["target_health_state.unhealthy.draining_interval_seconds"] = json!("0");
        let keeps = target_type == "instance" || protocol == "UDP";
        all["preserve_client_ip.enabled"] = json!(keeps.to_string());
    }
    all
}

fn shown(attributes: &Value) -> Value {
    let rows: Vec<Value> = attributes
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    json!({"Attributes": rows})
}

pub(super) fn describe(access: &mut Access<'_>, table: &str, parameter: &str) -> Outcome {
    let (_, document) = named(access, table, parameter)?;
    Ok(shown(&document["_attributes"]))
}

pub(super) fn modify(access: &mut Access<'_>, table: &str, parameter: &str) -> Outcome {
    let (arn, old) = named(access, table, parameter)?;
    let given = list(access.input(), "Attributes");
    for attribute in &given {
        let key = text(attribute, "Key").unwrap_or_default();
        if table != "listener" && old["_attributes"][key].is_null() {
            return Err(fail(
                "InvalidConfigurationRequest",
                format!("Attribute key '{key}' is not recognized or not supported here"),
            ));
        }
    }
    let Some(document) = access.docs(Service::Elbv2).edit(table, &arn) else {
        return Err(super::route::missing(table, &arn));
    };
    for attribute in given {
        let key = text(attribute, "Key").unwrap_or_default();
        document["_attributes"][key] = json!(attribute["Value"].as_str().unwrap_or_default());
    }
    Ok(shown(&document["_attributes"]))
}
