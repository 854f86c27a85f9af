//! What keeps data: buckets, tables, images, parameters, secrets and keys.

use infra_core::{
    state::Value,
    transfer::terraform::{Block, Body, Hcl, Object},
};

use super::{
    exports::Line,
    fields::{Draft, Given, flag, line, text, upper, variant},
};

pub(super) fn exports() -> Vec<Line> {
    vec![
        line!(
            "aws:s3:Bucket",
            "aws_s3_bucket",
            [
                "name" = "bucket",
                "arn" = "arn",
                "regional_domain_name" = "bucket_regional_domain_name",
            ],
            bucket
        ),
        line!(
            "aws:dynamodb:Table",
            "aws_dynamodb_table",
            ["name" = "name", "arn" = "arn", "stream_arn" = "stream_arn",],
            table
        ),
        line!(
            "aws:ecr:Repository",
            "aws_ecr_repository",
            ["name" = "name", "arn" = "arn", "url" = "repository_url", "registry" = "registry_id",],
            repository
        ),
        line!(
            "aws:ssm:Parameter",
            "aws_ssm_parameter",
            ["name" = "name", "arn" = "arn", "version" = "version",],
            |it| {
                Draft::of(it)
                    .same(&["name"])
                    .or("type", "kind", "String")
                    .same(&["value", "description"])
                    .named("key_id", "kms_key")
                    .same(&["tier", "allowed_pattern"])
                    .tags()
                    .whole("aws_ssm_parameter")
            }
        ),
        // Its value stays where it is: Terraform imports a version by an id that only AWS knows.
        line!(
            "aws:secretsmanager:Secret",
            "aws_secretsmanager_secret",
            ["arn" = "arn", "name" = "name",],
            |it| {
                Draft::of(it)
                    .same(&["name", "description"])
                    .named("kms_key_id", "kms_key")
                    .tags()
                    .whole("aws_secretsmanager_secret")
            }
        ),
        line!("aws:kms:Key", "aws_kms_key", ["id" = "key_id", "arn" = "arn"], |it| {
            Draft::of(it)
                .same(&["description", "policy", "multi_region"])
                .named("enable_key_rotation", "rotation")
                .named("rotation_period_in_days", "rotation_period")
                .or("is_enabled", "enabled", true)
                .named("customer_master_key_spec", "spec")
                .named("key_usage", "usage")
                .tags()
                .whole("aws_kms_key")
        }),
        line!("aws:kms:Alias", "aws_kms_alias", ["name" = "name", "arn" = "arn"], |it| {
            let draft = Draft::of(it).set("name", Some(it.id())).named("target_key_id", "key");
            draft.whole("aws_kms_alias")
        }),
        line!(
            "aws:kms:ReplicaKey",
            "aws_kms_replica_key",
            ["id" = "key_id", "arn" = "arn"],
            |it| {
                let draft = Draft::of(it).named("primary_key_arn", "primary");
                let draft = draft.same(&["description", "policy"]).or("enabled", "enabled", true);
                draft.tags().whole("aws_kms_replica_key")
            }
        ),
    ]
}

/// A bucket, and the resources that its settings are there.
fn bucket(it: &Object<'_>) -> Given {
    let mut all = vec![Draft::of(it).named("bucket", "name").tags().block_of("aws_s3_bucket")];
    let mut also = |terraform, body: Body| all.push(Block::new(terraform, it.id(), body));
    let body = || Body::new().set("bucket", Some(it.own("id")));
    if flag(it, "versioning", false) {
        let on = Body::new().set("status", Some("Enabled"));
        also("aws_s3_bucket_versioning", body().block("versioning_configuration", on));
    }
    // What is encrypted with keys of S3 needs nothing said: it is what every bucket does.
    let by = it.field("encryption").and_then(|by| variant(&by));
    if let Some((_, key)) = by.filter(|(by, _)| by != "s3") {
        let default =
            Body::new().set("sse_algorithm", Some("aws:kms")).set("kms_master_key_id", key);
        let rule = Body::new()
            .set("bucket_key_enabled", Some(flag(it, "bucket_key", true)))
            .block("apply_server_side_encryption_by_default", default);
        also("aws_s3_bucket_server_side_encryption_configuration", body().block("rule", rule));
    }
    let blocked = it.input("public_access_block");
    let is_blocked =
        |key: &str| !matches!(blocked.and_then(|it| it.get(key)), Some(Value::Bool(false)));
    let names = [
        "block_public_acls",
        "block_public_policy",
        "ignore_public_acls",
        "restrict_public_buckets",
    ];
    // A bucket that blocks nothing, or has no owner of all objects, may have no such settings to import.
    if names.iter().any(|name| is_blocked(name)) {
        let access = names.iter().fold(body(), |body, name| body.set(name, Some(is_blocked(name))));
        also("aws_s3_bucket_public_access_block", access);
    }
    let owner = text(it, "ownership").unwrap_or("BucketOwnerEnforced");
    if owner != "ObjectWriter" {
        let rule = Body::new().set("object_ownership", Some(owner));
        also("aws_s3_bucket_ownership_controls", body().block("rule", rule));
    }
    if let Some(policy) = it.field("policy") {
        also("aws_s3_bucket_policy", body().set("policy", Some(policy)));
    }
    let rules = it.input("lifecycle").and_then(Value::as_list).unwrap_or_default();
    if !rules.is_empty() {
        let rules = rules.iter().fold(body(), |body, rule| body.block("rule", lifecycle(rule)));
        also("aws_s3_bucket_lifecycle_configuration", rules);
    }
    Ok(all)
}

fn lifecycle(rule: &Value) -> Body {
    let of = |key: &str| rule.get(key).cloned();
    let is = |key: &str, otherwise: bool| match rule.get(key) {
        Some(Value::Bool(is)) => *is,
        _ => otherwise,
    };
    let status = if is("enabled", true) { "Enabled" } else { "Disabled" };
    let prefix = of("prefix").unwrap_or_else(|| "".into());
    let mut body = Body::new()
        .set("id", of("id"))
        .set("status", Some(status))
        .block("filter", Body::new().set("prefix", Some(prefix)));
    let markers = is("expire_delete_markers", false);
    if rule.get("expire_after").is_some() || markers {
        let expiration = Body::new()
            .set("days", of("expire_after"))
            .set("expired_object_delete_marker", markers.then_some(true));
        body = body.block("expiration", expiration);
    }
    if let Some(days) = of("expire_noncurrent_after") {
        let old = Body::new()
            .set("noncurrent_days", Some(days))
            .set("newer_noncurrent_versions", of("keep_noncurrent"));
        body = body.block("noncurrent_version_expiration", old);
    }
    if let Some(days) = of("abort_uploads_after") {
        let abort = Body::new().set("days_after_initiation", Some(days));
        body = body.block("abort_incomplete_multipart_upload", abort);
    }
    for to in rule.get("transitions").and_then(Value::as_list).unwrap_or_default() {
        let move_to = Body::new()
            .set("days", to.get("days").cloned())
            .set("storage_class", to.get("storage_class").cloned());
        body = body.block("transition", move_to);
    }
    body
}

/// How capacity is paid: on demand, or what is provisioned.
fn billing(value: Option<&Value>) -> (&'static str, Option<Value>, Option<Value>) {
    match value.and_then(|billing| billing.get("provisioned")) {
        None => ("PAY_PER_REQUEST", None, None),
        Some(of) => ("PROVISIONED", of.get("read").cloned(), of.get("write").cloned()),
    }
}

fn table(it: &Object<'_>) -> Given {
    let name = |key: Option<&Value>| key.and_then(|key| key.get("name")).cloned();
    let (mode, read, write) = billing(it.input("billing"));
    let mut keys: Vec<Value> =
        ["hash_key", "range_key"].iter().filter_map(|key| it.input(key).cloned()).collect();
    let mut draft = Draft::of(it)
        .same(&["name"])
        .set("billing_mode", Some(mode))
        .set("read_capacity", read)
        .set("write_capacity", write)
        .set("hash_key", name(it.input("hash_key")))
        .set("range_key", name(it.input("range_key")))
        .named("table_class", "class")
        .named("deletion_protection_enabled", "deletion_protection")
        .set("stream_enabled", text(it, "stream").map(|_| true))
        .named("stream_view_type", "stream")
        .tags();
    for index in it.input("indexes").and_then(Value::as_list).unwrap_or_default() {
        keys.extend(["hash_key", "range_key"].iter().filter_map(|key| index.get(key).cloned()));
        let (_, read, write) = billing(index.get("billing"));
        let projection = index.get("projection");
        let some = projection.and_then(|it| it.get("include")).cloned();
        let kind = match projection.and_then(Value::as_str) {
            Some("keys_only") => "KEYS_ONLY",
            _ if some.is_some() => "INCLUDE",
            _ => "ALL",
        };
        let body = Body::new()
            .set("name", index.get("name").cloned())
            .set("hash_key", name(index.get("hash_key")))
            .set("range_key", name(index.get("range_key")))
            .set("projection_type", Some(kind))
            .set("non_key_attributes", some)
            .set("read_capacity", read)
            .set("write_capacity", write);
        draft = draft.block("global_secondary_index", body);
    }
    let mut seen = Vec::new();
    for key in keys {
        let Some(name) = key.get("name").cloned() else { continue };
        if seen.contains(&name) {
            continue;
        }
        let body =
            Body::new().set("name", Some(name.clone())).set("type", key.get("kind").cloned());
        draft = draft.block("attribute", body);
        seen.push(name);
    }
    let ttl = it.field("ttl").map(|attribute| {
        Body::new().set("attribute_name", Some(attribute)).set("enabled", Some(true))
    });
    let recovery =
        flag(it, "point_in_time_recovery", false).then(|| Body::new().set("enabled", Some(true)));
    let key = it
        .field("kms_key")
        .map(|key| Body::new().set("enabled", Some(true)).set("kms_key_arn", Some(key)));
    draft
        .maybe("ttl", ttl)
        .maybe("point_in_time_recovery", recovery)
        .maybe("server_side_encryption", key)
        .whole("aws_dynamodb_table")
}

/// A repository, and the policies that are resources of their own there.
fn repository(it: &Object<'_>) -> Given {
    let by = it.field("encryption").and_then(|by| variant(&by));
    let (by, key) = by.unwrap_or_else(|| ("aes256".to_owned(), None));
    let kind = upper(&Hcl::from(if by == "aes256" { "aes256" } else { "kms" }));
    let encryption = Body::new().set("encryption_type", kind).set("kms_key", key);
    let scan = Body::new().set("scan_on_push", Some(flag(it, "scan_on_push", false)));
    let draft = Draft::of(it)
        .same(&["name"])
        .or("image_tag_mutability", "tag_mutability", "MUTABLE")
        .tags()
        .block("image_scanning_configuration", scan)
        .block("encryption_configuration", encryption);
    let mut all = vec![draft.block_of("aws_ecr_repository")];
    for (terraform, field) in
        [("aws_ecr_lifecycle_policy", "lifecycle_policy"), ("aws_ecr_repository_policy", "policy")]
    {
        let Some(policy) = it.field(field) else { continue };
        let body = Body::new().set("repository", Some(it.own("name"))).set("policy", Some(policy));
        all.push(Block::new(terraform, it.id(), body));
    }
    Ok(all)
}
