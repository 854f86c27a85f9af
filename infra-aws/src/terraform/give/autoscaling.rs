//! Auto scaling.

use infra_core::{
    state::Value,
    transfer::terraform::{Body, Hcl, Object},
};

use super::{
    exports::Line,
    fields::{Draft, Given, entry, flag, line, text},
};

pub(super) fn exports() -> Vec<Line> {
    vec![
        line!(
            "aws:autoscaling:Group",
            "aws_autoscaling_group",
            ["name" = "name", "arn" = "arn",],
            group
        ),
        line!(
            "aws:autoscaling:LaunchConfiguration",
            "aws_launch_configuration",
            ["name" = "name", "arn" = "arn",],
            configuration
        ),
        line!("aws:autoscaling:TargetGroupAttachment", "aws_autoscaling_attachment", [], |_| {
            Err("Terraform cannot import an attachment; it stays, and applying `aws_autoscaling_attachment` makes it again"
                .to_owned())
        }),
    ]
}

fn group(it: &Object<'_>) -> Given {
    if it.input("mixed").is_some() {
        return Err(
            "a group of mixed instances is not written: its block has a form of its own".to_owned()
        );
    }
    let template = it.field("launch_template").map(|template| {
        let version = match template.get("version") {
            Some(version) => match version.get("number") {
                Some(number) => number,
                None if version.text() == Some("latest") => "$Latest".into(),
                None => "$Default".into(),
            },
            None => Hcl::from("$Default"),
        };
        Body::new().set("id", template.get("id")).set("version", Some(version))
    });
    let mut draft = Draft::of(it)
        .same(&["name", "launch_configuration"])
        .named("min_size", "min")
        .named("max_size", "max")
        .named("desired_capacity", "desired")
        .named("vpc_zone_identifier", "subnets")
        .named("target_group_arns", "target_groups")
        .same(&["load_balancers", "health_check_type", "termination_policies"])
        .named("health_check_grace_period", "health_check_grace")
        .named("default_cooldown", "cooldown")
        .named("default_instance_warmup", "warmup")
        .same(&["suspended_processes", "protect_from_scale_in", "capacity_rebalance"])
        .named("enabled_metrics", "metrics")
        .same(&["max_instance_lifetime", "placement_group"])
        .named("service_linked_role_arn", "service_linked_role")
        .maybe("launch_template", template);
    let given = it.input("propagate_at_launch").and_then(Value::as_list).unwrap_or_default();
    for (key, value) in it.input("tags").and_then(Value::as_map).into_iter().flatten() {
        let passed = given.iter().any(|given| given.as_str() == Some(key));
        let body = Body::new()
            .set("key", Some(key.as_str()))
            .set("value", Some(value.clone()))
            .set("propagate_at_launch", Some(passed));
        draft = draft.block("tag", body);
    }
    draft.whole("aws_autoscaling_group")
}

fn configuration(it: &Object<'_>) -> Given {
    if text(it, "user_data").is_some_and(|text| text.contains('\0')) {
        return Err("its user data is no text".to_owned());
    }
    let metadata = it.field("metadata");
    let metadata = metadata.as_ref();
    let is = |key: &str| {
        !matches!(it.input("metadata").and_then(|it| it.get(key)), Some(Value::Bool(false)))
    };
    let reached = Body::new()
        .set("http_endpoint", Some(if is("enabled") { "enabled" } else { "disabled" }))
        .set("http_tokens", Some(if is("tokens_required") { "required" } else { "optional" }))
        .set(
            "http_put_response_hop_limit",
            Some(entry(metadata, "hop_limit").unwrap_or_else(|| 1_i64.into())),
        );
    let mut draft = Draft::of(it)
        .same(&["name", "image_id", "instance_type", "security_groups", "key_name", "user_data"])
        .named("iam_instance_profile", "instance_profile")
        .named("associate_public_ip_address", "public_ip")
        .set("enable_monitoring", Some(flag(it, "monitoring", true)))
        .set("ebs_optimized", Some(flag(it, "ebs_optimized", false)))
        .same(&["spot_price"])
        .named("placement_tenancy", "tenancy")
        .block("metadata_options", reached);
    for device in it.field("block_devices").unwrap_or_else(|| Hcl::List(Vec::new())).elements() {
        let of = |key: &str| device.get(key);
        let name = device.get("device_name");
        // The volume that a system starts from has a block of its own.
        let root = matches!(name.as_ref().and_then(Hcl::text), Some("/dev/xvda" | "/dev/sda1"));
        let body = Body::new()
            .set("device_name", name.filter(|_| !root))
            .set("volume_size", of("size"))
            .set("volume_type", of("volume_type"))
            .set("encrypted", of("encrypted"))
            .set("iops", of("iops"))
            .set("throughput", of("throughput"))
            .set("delete_on_termination", of("delete_on_termination"));
        draft = draft.block(if root { "root_block_device" } else { "ebs_block_device" }, body);
    }
    draft.whole("aws_launch_configuration")
}
