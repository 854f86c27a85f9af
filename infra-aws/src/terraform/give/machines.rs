//! Security groups, launch templates and instances.

use infra_core::{
    state::Value,
    transfer::terraform::{Body, Hcl, Object},
};

use super::{
    exports::Line,
    fields::{Draft, Given, entry, flag, line, text, variant},
};

pub(super) fn exports() -> Vec<Line> {
    vec![
        line!(
            "aws:ec2:SecurityGroup",
            "aws_security_group",
            ["id" = "id", "arn" = "arn", "name" = "name"],
            group
        ),
        // The type depends on the direction; nothing refers to a rule.
        line!("aws:ec2:SecurityGroupRule", "aws_vpc_security_group_ingress_rule", [], rule),
        line!(
            "aws:ec2:LaunchTemplate",
            "aws_launch_template",
            [
                "id" = "id",
                "arn" = "arn",
                "name" = "name",
                "latest_version" = "latest_version",
                "default_version" = "default_version",
            ],
            template
        ),
        line!(
            "aws:ec2:Instance",
            "aws_instance",
            [
                "id" = "id",
                "arn" = "arn",
                "private_ip" = "private_ip",
                "private_dns_name" = "private_dns",
                "public_ip" = "public_ip",
            ],
            instance
        ),
    ]
}

/// A group. The rule that lets everything out is written in it: nothing else has its id. Terraform would take it for all
/// that there may be, and revoke the rules on their own: so it only makes the group with it, and looks no more.
fn group(it: &Object<'_>) -> Given {
    let draft = Draft::of(it).same(&["name", "description", "vpc_id"]).tags();
    if !flag(it, "allow_all_egress", false) {
        return draft.whole("aws_security_group");
    }
    let anywhere = Value::from(vec![Value::from("0.0.0.0/0")]);
    let open = Body::new()
        .set("protocol", Some("-1"))
        .set("from_port", Some(0_i64))
        .set("to_port", Some(0_i64))
        .set("cidr_blocks", Some(anywhere));
    draft.block("egress", open).ignoring(&["egress"]).whole("aws_security_group")
}

fn rule(it: &Object<'_>) -> Given {
    let source = it.field("source").and_then(|source| variant(&source));
    let (kind, source) = source.ok_or("its source is not known")?;
    let plain = it.input("source").and_then(|it| it.get("cidr")).and_then(Value::as_str);
    let attribute = match kind.as_str() {
        "group" => "referenced_security_group_id",
        "prefix_list" => "prefix_list_id",
        _ if plain.is_some_and(|cidr| cidr.contains(':')) => "cidr_ipv6",
        _ => "cidr_ipv4",
    };
    let ports = it.field("ports").and_then(|ports| variant(&ports));
    let (protocol, ports) = ports.ok_or("its ports are not known")?;
    let ends = |ports: Option<&Hcl>| (entry(ports, "from"), entry(ports, "to"));
    let kind_and_code = || (entry(ports.as_ref(), "kind"), entry(ports.as_ref(), "code"));
    let all = Hcl::from(-1_i64);
    let every = || (Some(all.clone()), Some(all.clone()));
    let (protocol, (from, to)) = match protocol.as_str() {
        "all" => (Hcl::from("-1"), (None, None)),
        "tcp" | "udp" => (Hcl::from(protocol.as_str()), (ports.clone(), ports)),
        "tcp_range" => (Hcl::from("tcp"), ends(ports.as_ref())),
        "udp_range" => (Hcl::from("udp"), ends(ports.as_ref())),
        "icmp" | "icmpv6" => (Hcl::from(protocol.as_str()), every()),
        "icmp_type" => (Hcl::from("icmp"), (ports.clone(), every().1)),
        "icmp_code" => (Hcl::from("icmp"), kind_and_code()),
        "icmpv6_type" => (Hcl::from("icmpv6"), (ports.clone(), every().1)),
        "icmpv6_code" => (Hcl::from("icmpv6"), kind_and_code()),
        _ => (ports.ok_or("its protocol is not known")?, (None, None)),
    };
    let terraform = match text(it, "direction") {
        Some("egress") => "aws_vpc_security_group_egress_rule",
        _ => "aws_vpc_security_group_ingress_rule",
    };
    // Of what it imports Terraform takes "all" for nothing said, and EC2 wants it said when the rule is made.
    let ports = [("from_port", &from), ("to_port", &to)];
    let silent = ports.iter().filter(|(_, port)| port.as_ref() == Some(&all));
    let silent: Vec<_> = silent.map(|(name, _)| *name).collect();
    let draft = Draft::of(it)
        .named("security_group_id", "group_id")
        .set(attribute, source)
        .set("ip_protocol", Some(protocol))
        .set("from_port", from)
        .set("to_port", to)
        .same(&["description"])
        .tags();
    draft.ignoring(&silent).whole(terraform)
}

fn metadata(it: &Object<'_>) -> Body {
    let tokens = entry(it.field("metadata").as_ref(), "http_tokens");
    Body::new()
        .set("http_endpoint", Some(if answers(it) { "enabled" } else { "disabled" }))
        .set("http_tokens", Some(tokens.unwrap_or_else(|| "required".into())))
        .set("http_put_response_hop_limit", Some(hops(it)))
}

/// Whether the metadata service answers at all.
fn answers(it: &Object<'_>) -> bool {
    let enabled = it.input("metadata").and_then(|it| it.get("enabled"));
    !matches!(enabled, Some(Value::Bool(false)))
}

fn hops(it: &Object<'_>) -> Hcl {
    entry(it.field("metadata").as_ref(), "hop_limit").unwrap_or_else(|| 1_i64.into())
}

/// What a template says of metadata that is not so without a word. Where nothing is, the imported version may have no such
/// block, and what is left out Terraform leaves as it is. Its older versions send nothing without an endpoint.
fn chosen(it: &Object<'_>) -> Option<Body> {
    let optional = Hcl::from("optional");
    let tokens = entry(it.field("metadata").as_ref(), "http_tokens");
    let tokens = Some(tokens.unwrap_or_else(|| "required".into())).filter(|it| *it != optional);
    let hops = Some(hops(it)).filter(|it| *it != 1_i64.into());
    if tokens.is_none() && hops.is_none() && answers(it) {
        return None;
    }
    let body = Body::new()
        .set("http_endpoint", Some(if answers(it) { "enabled" } else { "disabled" }))
        .set("http_tokens", tokens)
        .set("http_put_response_hop_limit", hops);
    Some(body)
}

fn template(it: &Object<'_>) -> Given {
    let mut draft = Draft::of(it)
        .same(&["name", "image_id", "instance_type", "key_name", "ebs_optimized"])
        .named("vpc_security_group_ids", "security_group_ids")
        .set("user_data", it.field("user_data").map(|text| Hcl::Call("base64encode", vec![text])))
        .tags()
        .maybe(
            "iam_instance_profile",
            it.field("instance_profile").map(|arn| Body::new().set("arn", Some(arn))),
        )
        .maybe("metadata_options", chosen(it))
        .block("monitoring", Body::new().set("enabled", Some(flag(it, "monitoring", false))));
    // What is as it is without a word: the version may say so or say nothing, and reads alike.
    let silent = [
        ("monitoring", flag(it, "monitoring", false)),
        ("metadata_options[0].http_endpoint", !answers(it) || chosen(it).is_none()),
    ];
    let silent: Vec<_> = silent.iter().filter(|(_, said)| !said).map(|(path, _)| *path).collect();
    draft = draft.ignoring(&silent);
    for device in it.field("block_devices").unwrap_or_else(|| Hcl::List(Vec::new())).elements() {
        let of = |key: &str| device.get(key);
        let or = |key: &str, otherwise: Hcl| of(key).unwrap_or(otherwise);
        let volume = Body::new()
            .set("volume_size", of("size"))
            .set("volume_type", Some(or("volume_type", "gp3".into())))
            .set("encrypted", Some(or("encrypted", true.into())))
            .set("kms_key_id", of("kms_key"))
            .set("iops", of("iops"))
            .set("throughput", of("throughput"))
            .set("delete_on_termination", Some(or("delete_on_termination", true.into())));
        let body = Body::new().set("device_name", of("device_name")).block("ebs", volume);
        draft = draft.block("block_device_mappings", body);
    }
    for (kind, field) in [("instance", "instance_tags"), ("volume", "volume_tags")] {
        let tags = it.field(field).filter(|tags| !tags.is_nothing());
        let body = |tags| Body::new().set("resource_type", Some(kind)).set("tags", Some(tags));
        draft = draft.maybe("tag_specifications", tags.map(body));
    }
    draft.whole("aws_launch_template")
}

fn instance(it: &Object<'_>) -> Given {
    Draft::of(it)
        .named("ami", "image_id")
        .same(&["instance_type", "subnet_id", "key_name", "user_data"])
        .named("vpc_security_group_ids", "security_group_ids")
        .named("iam_instance_profile", "instance_profile")
        .named("associate_public_ip_address", "public_ip")
        .same(&["monitoring", "source_dest_check"])
        .tags()
        .block("metadata_options", metadata(it))
        .whole("aws_instance")
}
