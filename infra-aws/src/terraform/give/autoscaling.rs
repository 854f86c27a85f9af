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
    let mut draft = Draft::of(it)
        .same(&["name", "image_id", "instance_type", "security_groups", "key_name", "user_data"])
        .named("iam_instance_profile", "instance_profile")
        .named("associate_public_ip_address", "public_ip")
        .set("enable_monitoring", Some(flag(it, "monitoring", true)))
        .set("ebs_optimized", Some(flag(it, "ebs_optimized", false)))
        .same(&["spot_price"])
        .named("placement_tenancy", "tenancy")
        .maybe("metadata_options", reached(it));
    for device in it.field("block_devices").unwrap_or_else(|| Hcl::List(Vec::new())).elements() {
        let (block, body) = volume(&device)?;
        draft = draft.block(block, body);
    }
    draft.whole("aws_launch_configuration")
}

/// How metadata is reached, as far as it is not so without a word: everything here replaces the configuration, and one
/// that never said it has nothing in what Terraform imports. Terraform sends nothing of it without an endpoint.
fn reached(it: &Object<'_>) -> Option<Body> {
    let is = |key: &str| {
        !matches!(it.input("metadata").and_then(|it| it.get(key)), Some(Value::Bool(false)))
    };
    let (required, enabled) = (is("tokens_required"), is("enabled"));
    let hops = entry(it.field("metadata").as_ref(), "hop_limit");
    let hops = hops.filter(|hops| *hops != 1_i64.into());
    if !required && enabled && hops.is_none() {
        return None;
    }
    let body = Body::new()
        .set("http_endpoint", Some(if enabled { "enabled" } else { "disabled" }))
        .set("http_tokens", required.then_some("required"))
        .set("http_put_response_hop_limit", hops);
    Some(body)
}

/// A volume's block and its name. The volume that a system starts from has one of its own, and so have the disks of the
/// instance's own host.
fn volume(device: &Hcl) -> Result<(&'static str, Body), String> {
    let of = |key: &str| device.get(key).filter(|it| !matches!(it, Hcl::Literal(Value::Null)));
    let name = of("device_name");
    let left_out = of("left_out").filter(|it| *it == true.into());
    if let Some(disk) = of("virtual_name") {
        if left_out.is_some() {
            return Err("a disk of the host that is left out is not written".to_owned());
        }
        let body = Body::new().set("device_name", name).set("virtual_name", Some(disk));
        return Ok(("ephemeral_block_device", body));
    }
    let root = matches!(name.as_ref().and_then(Hcl::text), Some("/dev/xvda" | "/dev/sda1"));
    if root && (left_out.is_some() || of("snapshot").is_some()) {
        let why = "Terraform cannot say that the volume it starts from is left out, or begins with a snapshot";
        return Err(why.to_owned());
    }
    if left_out.is_some() {
        return Ok((
            "ebs_block_device",
            Body::new().set("device_name", name).set("no_device", left_out),
        ));
    }
    let body = Body::new()
        .set("device_name", name.filter(|_| !root))
        .set("snapshot_id", of("snapshot"))
        .set("volume_size", of("size"))
        .set("volume_type", of("volume_type"))
        .set("encrypted", of("encrypted"))
        .set("iops", of("iops"))
        .set("throughput", of("throughput"))
        .set("delete_on_termination", of("delete_on_termination"));
    Ok((if root { "root_block_device" } else { "ebs_block_device" }, body))
}
