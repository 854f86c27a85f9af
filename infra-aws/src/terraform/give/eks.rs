//! Clusters and what is in them.

use infra_core::{
    state::Value,
    transfer::terraform::{Block, Body, Hcl, Object},
};

use super::{
    exports::Line,
    fields::{Draft, Given, entry, flag, line, text},
};

pub(super) fn exports() -> Vec<Line> {
    vec![
        line!(
            "aws:eks:Cluster",
            "aws_eks_cluster",
            [
                "name" = "name",
                "arn" = "arn",
                "endpoint" = "endpoint",
                "certificate_authority" = "certificate_authority[0].data",
                "cluster_security_group_id" = "vpc_config[0].cluster_security_group_id",
                "vpc_id" = "vpc_config[0].vpc_id",
                "oidc_issuer" = "identity[0].oidc[0].issuer",
            ],
            cluster
        ),
        line!(
            "aws:eks:NodeGroup",
            "aws_eks_node_group",
            ["name" = "node_group_name", "arn" = "arn"],
            node_group
        ),
        line!(
            "aws:eks:Addon",
            "aws_eks_addon",
            ["arn" = "arn", "version" = "addon_version"],
            addon
        ),
        line!(
            "aws:eks:AccessEntry",
            "aws_eks_access_entry",
            ["arn" = "access_entry_arn", "principal" = "principal_arn"],
            entry_of
        ),
        line!(
            "aws:eks:PodIdentityAssociation",
            "aws_eks_pod_identity_association",
            ["id" = "association_id", "arn" = "association_arn"],
            identity
        ),
    ]
}

/// EKS does not tell how a cluster began: whether with add-ons of its own, and with rights of who made it. Terraform assumes
/// both of what it imports, and would replace the cluster for anything else. So that is said for one that is made, and not
/// looked at.
fn cluster(it: &Object<'_>) -> Given {
    let network = Body::new()
        .set("subnet_ids", it.field("subnets"))
        .set("security_group_ids", it.field("security_groups"))
        .set("endpoint_private_access", Some(flag(it, "private_access", true)))
        .set("endpoint_public_access", Some(flag(it, "public_access", false)))
        .set("public_access_cidrs", it.field("public_cidrs"));
    let mode = it.field("authentication").unwrap_or_else(|| "API".into());
    let access = Body::new().set("authentication_mode", Some(mode)).set(
        "bootstrap_cluster_creator_admin_permissions",
        Some(flag(it, "creator_is_admin", false)),
    );
    let zonal_shift = flag(it, "zonal_shift", false);
    let unseen = [
        "access_config[0].bootstrap_cluster_creator_admin_permissions",
        "bootstrap_self_managed_addons",
        // Where it is off, EKS may say so or say nothing.
        "zonal_shift_config",
    ];
    let secrets = Value::from(vec![Value::from("secrets")]);
    let encrypted = it.field("encryption_key").map(|key| {
        let provider = Body::new().set("key_arn", Some(key));
        Body::new().set("resources", Some(secrets)).block("provider", provider)
    });
    let (service, family) = (it.field("service_cidr"), it.field("ip_family"));
    let addresses = (service.is_some() || family.is_some())
        .then(|| Body::new().set("service_ipv4_cidr", service).set("ip_family", family));
    Draft::of(it)
        .same(&["name", "version"])
        .named("role_arn", "role")
        .named("enabled_cluster_log_types", "logs")
        .set("bootstrap_self_managed_addons", Some(false))
        .tags()
        .block("vpc_config", network)
        .block("access_config", access)
        .maybe("encryption_config", encrypted)
        .maybe("kubernetes_network_config", addresses)
        .maybe(
            "upgrade_policy",
            it.field("support").map(|support| Body::new().set("support_type", Some(support))),
        )
        .maybe("zonal_shift_config", zonal_shift.then(|| Body::new().set("enabled", Some(true))))
        .ignoring(if zonal_shift { &unseen[..2] } else { &unseen })
        .whole("aws_eks_cluster")
}

fn node_group(it: &Object<'_>) -> Given {
    let scaling = it.field("scaling");
    let scaling = scaling.as_ref();
    let min = entry(scaling, "min");
    let sizes = Body::new()
        .set("desired_size", entry(scaling, "desired").or_else(|| min.clone()))
        .set("max_size", entry(scaling, "max"))
        .set("min_size", min);
    let template = it.field("launch_template").map(|template| {
        Body::new().set("id", template.get("id")).set("version", template.get("version"))
    });
    let update = it.field("max_unavailable").map(|it| {
        Body::new()
            .set("max_unavailable", it.get("count"))
            .set("max_unavailable_percentage", it.get("percentage"))
    });
    let mut draft = Draft::of(it)
        .named("cluster_name", "cluster")
        .named("node_group_name", "name")
        .named("node_role_arn", "node_role")
        .named("subnet_ids", "subnets")
        .same(&["instance_types", "ami_type", "disk_size", "labels", "version"])
        .named("capacity_type", "capacity")
        .named("release_version", "release")
        .tags()
        .block("scaling_config", sizes)
        .maybe("launch_template", template)
        .maybe("update_config", update)
        .maybe(
            "node_repair_config",
            flag(it, "repair", false).then(|| Body::new().set("enabled", Some(true))),
        );
    for taint in it.field("taints").unwrap_or_else(|| Hcl::List(Vec::new())).elements() {
        let body = Body::new()
            .set("key", taint.get("key"))
            .set("value", taint.get("value"))
            .set("effect", taint.get("effect"));
        draft = draft.block("taint", body);
    }
    Ok(vec![draft.imported("aws_eks_node_group", member(it))])
}

/// `CLUSTER:NAME`.
fn member(it: &Object<'_>) -> String {
    it.id().replacen('/', ":", 1)
}

fn addon(it: &Object<'_>) -> Given {
    let mut draft = Draft::of(it)
        .named("cluster_name", "cluster")
        .named("addon_name", "name")
        .named("addon_version", "version")
        .named("configuration_values", "configuration")
        .named("service_account_role_arn", "service_account_role")
        .tags();
    for identity in it.field("pod_identities").unwrap_or_else(|| Hcl::List(Vec::new())).elements() {
        let body = Body::new()
            .set("service_account", identity.get("service_account"))
            .set("role_arn", identity.get("role"));
        draft = draft.block("pod_identity_association", body);
    }
    Ok(vec![draft.imported("aws_eks_addon", member(it))])
}

/// Who is let in, and with which policies.
fn entry_of(it: &Object<'_>) -> Given {
    let draft = Draft::of(it)
        .named("cluster_name", "cluster")
        .named("principal_arn", "principal")
        .named("type", "kind")
        .named("kubernetes_groups", "groups")
        .named("user_name", "username")
        .tags();
    let mut all = vec![draft.imported("aws_eks_access_entry", member(it))];
    let (cluster, principal) = it.id().split_once('/').unwrap_or_default();
    let plain = it.input("policies").and_then(Value::as_list).unwrap_or_default();
    for policy in plain {
        let Some(arn) = policy.get("policy").and_then(Value::as_str) else { continue };
        let spaces = policy.get("namespaces").and_then(Value::as_list).unwrap_or_default();
        let scope = Body::new()
            .set("type", Some(if spaces.is_empty() { "cluster" } else { "namespace" }))
            .set("namespaces", Some(Value::from(spaces.to_vec())));
        let body = Body::new()
            .set("cluster_name", Some(it.own("cluster_name")))
            .set("principal_arn", Some(it.own("principal_arn")))
            .set("policy_arn", Some(arn))
            .block("access_scope", scope);
        let id = format!("{cluster}#{principal}#{arn}");
        all.push(Block::new("aws_eks_access_policy_association", id, body));
    }
    Ok(all)
}

fn identity(it: &Object<'_>) -> Given {
    if text(it, "target_role").is_some() || flag(it, "disable_session_tags", false) {
        return Err(
            "version 5 of the provider knows no target role and session tags of it".to_owned()
        );
    }
    let draft = Draft::of(it)
        .named("cluster_name", "cluster")
        .same(&["namespace", "service_account"])
        .named("role_arn", "role")
        .tags();
    let id = it.id().replacen('/', ",", 1);
    Ok(vec![draft.imported("aws_eks_pod_identity_association", id)])
}
