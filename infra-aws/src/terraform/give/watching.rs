//! What watches, tells and names: logs, alarms, topics, DNS, certificates.

use infra_core::{
    state::Value,
    transfer::terraform::{Body, Object},
};

use super::{
    exports::Line,
    fields::{Draft, Given, line, variant},
};

pub(super) fn exports() -> Vec<Line> {
    vec![
        line!(
            "aws:logs:LogGroup",
            "aws_cloudwatch_log_group",
            ["arn" = "arn", "name" = "name",],
            |it| {
                Draft::of(it)
                    .same(&["name"])
                    .named("retention_in_days", "retention_days")
                    .named("kms_key_id", "kms_key")
                    // Another class than the usual one; an account in a partition without classes has none.
                    .set(
                        "log_group_class",
                        it.field("class").filter(|it| it.text() != Some("STANDARD")),
                    )
                    .tags()
                    .whole("aws_cloudwatch_log_group")
            }
        ),
        line!(
            "aws:cloudwatch:Alarm",
            "aws_cloudwatch_metric_alarm",
            ["arn" = "arn", "name" = "alarm_name",],
            alarm
        ),
        // Subscriptions stay: Terraform imports them by ids that only AWS knows.
        line!("aws:sns:Topic", "aws_sns_topic", ["arn" = "arn", "name" = "name"], |it| {
            Draft::of(it)
                .same(&["name", "display_name", "policy", "content_based_deduplication"])
                .named("fifo_topic", "fifo")
                .named("kms_master_key_id", "kms_key")
                .tags()
                .whole("aws_sns_topic")
        }),
        line!(
            "aws:route53:HostedZone",
            "aws_route53_zone",
            ["id" = "zone_id", "arn" = "arn", "name" = "name", "name_servers" = "name_servers",],
            zone
        ),
        line!("aws:route53:Record", "aws_route53_record", ["name" = "fqdn"], record),
        line!("aws:acm:Certificate", "aws_acm_certificate", ["arn" = "arn"], |it| {
            Draft::of(it)
                .named("domain_name", "domain")
                .named("subject_alternative_names", "names")
                .set("validation_method", Some("DNS"))
                .same(&["key_algorithm"])
                .tags()
                .whole("aws_acm_certificate")
        }),
        line!(
            "aws:acm:CertificateValidation",
            "aws_acm_certificate_validation",
            ["arn" = "certificate_arn",],
            |_| {
                Err("Terraform cannot import a wait; what waits for the certificate refers to the certificate itself"
                .to_owned())
            }
        ),
    ]
}

fn alarm(it: &Object<'_>) -> Given {
    let metric = it.field("metric").ok_or("its metric is not known")?;
    let statistic = metric.get("statistic").and_then(|statistic| variant(&statistic));
    let (statistic, extended) = match statistic {
        None => (Some("Average"), None),
        Some((kind, inner)) => match kind.as_str() {
            "extended" => (None, inner),
            "sum" => (Some("Sum"), None),
            "minimum" => (Some("Minimum"), None),
            "maximum" => (Some("Maximum"), None),
            "sample_count" => (Some("SampleCount"), None),
            _ => (Some("Average"), None),
        },
    };
    Draft::of(it)
        .named("alarm_name", "name")
        .named("alarm_description", "description")
        .set("namespace", metric.get("namespace"))
        .set("metric_name", metric.get("name"))
        .set("dimensions", metric.get("dimensions"))
        .set("statistic", statistic)
        .set("extended_statistic", extended)
        .set("period", Some(metric.get("period").unwrap_or_else(|| 60_i64.into())))
        .set("unit", metric.get("unit"))
        .named("comparison_operator", "comparison")
        .same(&["threshold", "datapoints_to_alarm"])
        .or("evaluation_periods", "evaluation_periods", 1_i64)
        .named("treat_missing_data", "missing_data")
        .same(&["alarm_actions", "ok_actions", "actions_enabled"])
        .named("insufficient_data_actions", "insufficient_data_actions")
        .tags()
        .whole("aws_cloudwatch_metric_alarm")
}

/// Terraform has a comment of its own for a zone without one.
fn zone(it: &Object<'_>) -> Given {
    let mut draft = Draft::of(it).same(&["name"]).or("comment", "comment", "").tags();
    let vpcs = it.field("vpcs");
    for vpc in vpcs.map(|vpcs| vpcs.elements()).unwrap_or_default() {
        let body = Body::new().set("vpc_id", vpc.get("vpc")).set("vpc_region", vpc.get("region"));
        draft = draft.block("vpc", body);
    }
    draft.whole("aws_route53_zone")
}

fn record(it: &Object<'_>) -> Given {
    let alias = it.field("alias").map(|alias| {
        let evaluate = alias.get("evaluate_health").unwrap_or_else(|| true.into());
        Body::new()
            .set("name", alias.get("name"))
            .set("zone_id", alias.get("zone"))
            .set("evaluate_target_health", Some(evaluate))
    });
    // There text stands without the quotes of the API.
    let values = it.input("values").and_then(Value::as_list).unwrap_or_default();
    let is_text = matches!(super::fields::text(it, "kind"), Some("TXT" | "SPF"));
    let bare = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        Value::from(inner.unwrap_or(text))
    };
    let records = is_text.then(|| Value::from(values.iter().map(bare).collect::<Vec<_>>()));
    let records = records.map(Into::into).or_else(|| it.field("values"));
    let ttl = alias.is_none().then(|| it.field("ttl").unwrap_or_else(|| 300_i64.into()));
    let weight = it.field("weight").map(|weight| Body::new().set("weight", Some(weight)));
    let parts: Vec<&str> = it.id().splitn(4, '|').filter(|part| !part.is_empty()).collect();
    let draft = Draft::of(it)
        .named("zone_id", "zone")
        .same(&["name"])
        .named("type", "kind")
        .set("ttl", ttl)
        .set("records", records)
        .same(&["set_identifier"])
        .named("health_check_id", "health_check")
        .maybe("alias", alias)
        .maybe("weighted_routing_policy", weight);
    Ok(vec![draft.imported("aws_route53_record", parts.join("_"))])
}
