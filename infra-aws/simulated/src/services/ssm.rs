//! SSM Parameter Store, and the public parameters of AWS.

use serde_json::{Value, json};

use super::access::digest;
use super::ec2::image_id;
use super::{Access, Service, json_tags};
use crate::wire::{Failure, Outcome, fail, flags, text, texts};

const TABLE: &str = "parameter";

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "PutParameter" => put(access),
        "GetParameter" => {
            let name = text(access.input(), "Name").unwrap_or_default();
            Ok(json!({"Parameter": get(access, name)?}))
        }
        "GetParameters" => Ok(get_many(access)),
        "GetParametersByPath" => Ok(by_path(access)),
        "GetParameterHistory" => history(access),
        "DescribeParameters" => Ok(describe(access)),
        "DeleteParameter" => {
            let name = text(access.input(), "Name").unwrap_or_default();
            find(access, name)?;
            access.docs(Service::Ssm).remove(TABLE, name);
            Ok(json!({}))
        }
        "DeleteParameters" => {
            let (mut gone, mut invalid) = (Vec::new(), Vec::new());
            for name in texts(access.input(), "Names") {
                match access.docs(Service::Ssm).remove(TABLE, &name) {
                    Some(_) => gone.push(name),
                    None => invalid.push(name),
                }
            }
            Ok(json!({"DeletedParameters": gone, "InvalidParameters": invalid}))
        }
        "AddTagsToResource" => tag(access, |tags, input| json_tags::put(tags, &input["Tags"])),
        "RemoveTagsFromResource" => {
            tag(access, |tags, input| json_tags::remove(tags, &texts(input, "TagKeys")))
        }
        "ListTagsForResource" => {
            let name = text(access.input(), "ResourceId").unwrap_or_default();
            Ok(json!({"TagList": resource(access, name)?["_tags"]}))
        }
        other => Err(fail("InvalidAction", format!("no SSM operation {other}"))),
    }
}

fn find(access: &mut Access<'_>, name: &str) -> Result<Value, Failure> {
    let (now, lag) = (access.now, access.lag);
    access
        .docs(Service::Ssm)
        .get(TABLE, name)
        .filter(|it| lag == 0 || it["_born"].as_u64().is_none_or(|born| born + lag <= now))
        .cloned()
        .ok_or_else(|| fail("ParameterNotFound", format!("Parameter {name} not found.")))
}

fn resource(access: &mut Access<'_>, name: &str) -> Result<Value, Failure> {
    find(access, name).map_err(|_| {
        fail(
            "InvalidResourceId",
            "The resource ID is not valid. Verify that you entered the \
                                   correct ID and try again.",
        )
    })
}

fn tag(access: &mut Access<'_>, change: impl FnOnce(&mut Value, &Value)) -> Outcome {
    let input = access.input();
    let name = text(input, "ResourceId").unwrap_or_default();
    resource(access, name)?;
    if let Some(parameter) = access.docs(Service::Ssm).edit(TABLE, name) {
        change(&mut parameter["_tags"], input);
    }
    Ok(json!({}))
}

fn put(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "Name").unwrap_or_default();
    let overwrite = flags(input, "Overwrite") == Some(true);
    let invalid = |message: &str| Err(fail("ValidationException", message));
    if name.trim_start_matches('/').starts_with("aws") || name.starts_with("ssm") {
        return invalid("Parameter name: can't be prefixed with \"aws\" or \"ssm\"");
    }
    let value = input["Value"].as_str().unwrap_or_default();
    if value.contains("{{") {
        return invalid("Parameter value can't nest another parameter. Do not use \"{{}}\"");
    }
    let tier = text(input, "Tier");
    if value.len() > if tier == Some("Advanced") { 8192 } else { 4096 } {
        return invalid(
            "Standard tier parameters support a maximum parameter value of 4096 \
                        characters.",
        );
    }
    let old = access.docs(Service::Ssm).get(TABLE, name).cloned();
    if old.is_some() && !overwrite {
        return Err(fail(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in \
             the request to true.",
        ));
    }
    if overwrite && !input["Tags"].is_null() {
        return invalid("Invalid request: tags and overwrite can't be used together.");
    }
    let old = old.unwrap_or_default();
    let kind = text(input, "Type").or(old["Type"].as_str()).unwrap_or("String");
    if old["Type"].is_string() && (old["Type"] == "SecureString") != (kind == "SecureString") {
        return Err(fail(
            "HierarchyTypeMismatchException",
            "Parameter Store doesn't support changing a parameter type in a hierarchy.",
        ));
    }
    if old["Tier"] == "Advanced" && tier == Some("Standard") {
        return invalid("This parameter uses the advanced-parameter tier. You can't downgrade.");
    }
    let version = old["Version"].as_u64().unwrap_or(0) + 1;
    let key = text(input, "KeyId").or(old["KeyId"].as_str());
    let keep = |field: &str| match &input[field] {
        Value::Null => old[field].clone(),
        given => given.clone(),
    };
    let tier = tier.or(old["Tier"].as_str()).unwrap_or("Standard");
    let mut parameter = json!({
        "Name": name, "Type": kind, "Value": value, "Version": version,
        "ARN": arn(access, name), "LastModifiedDate": access.epoch(),
        "LastModifiedUser": format!("arn:aws:iam::{}:user/embedded", access.account()),
        "DataType": text(input, "DataType").unwrap_or("text"),
        "Tier": tier, "Description": keep("Description"),
        "AllowedPattern": keep("AllowedPattern"), "Policies": [],
        "_tags": if version == 1 { json_tags::given(&input["Tags"]) } else { old["_tags"].clone() },
        "_born": if version == 1 { json!(access.now) } else { old["_born"].clone() },
    });
    if kind == "SecureString" {
        parameter["KeyId"] = json!(key.unwrap_or("alias/aws/ssm"));
    }
    let mut history = old["_history"].as_array().cloned().unwrap_or_default();
    history.push(parameter.clone());
    parameter["_history"] = json!(history);
    access.docs(Service::Ssm).put(TABLE, name, parameter);
    Ok(json!({"Version": version, "Tier": tier}))
}

fn arn(access: &Access<'_>, name: &str) -> String {
    let slash = if name.starts_with('/') { "" } else { "/" };
    format!("arn:aws:ssm:{}:{}:parameter{slash}{name}", access.region(), access.account())
}

/// The value as a read shows it: sealed unless decryption is asked for.
fn shown(access: &Access<'_>, parameter: &Value) -> Value {
    let mut shown = json!({});
    for field in ["Name", "Type", "Value", "Version", "LastModifiedDate", "ARN", "DataType"] {
        shown[field] = parameter[field].clone();
    }
    if parameter["Type"] == "SecureString" && flags(access.input(), "WithDecryption") != Some(true)
    {
        let seed = format!("{}{}", parameter["Name"], parameter["Version"]);
        shown["Value"] = json!(format!("AQICAHsealed{}", digest(seed, 64)));
    }
    shown
}

fn get(access: &mut Access<'_>, name: &str) -> Result<Value, Failure> {
    if name.starts_with("/aws/service/") {
        return public(access, name);
    }
    // An ARN names a parameter as well.
    let name = name.split_once(":parameter").map_or(name, |(_, name)| name);
    let (name, version) = match name.rsplit_once(':') {
        Some((name, version)) => (name, version.parse::<u64>().ok()),
        None => (name, None),
    };
    let parameter = find(access, name)?;
    if let Some(version) = version {
        let found = parameter["_history"]
            .as_array()
            .and_then(|all| all.iter().find(|it| it["Version"] == version).cloned());
        return found.map(|it| shown(access, &it)).ok_or_else(|| {
            fail("ParameterVersionNotFound", format!("{name} has no version {version}"))
        });
    }
    Ok(shown(access, &parameter))
}

/// Images, as AWS publishes them: every plausible path has one, always the same.
fn public(access: &Access<'_>, name: &str) -> Result<Value, Failure> {
    let known = [
        "/aws/service/ami-amazon-linux-latest/",
        "/aws/service/eks/optimized-ami/",
        "/aws/service/bottlerocket/",
        "/aws/service/canonical/ubuntu/",
    ];
    if !known.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(fail("ParameterNotFound", format!("Parameter {name} not found.")));
    }
    let image = image_id(access.region(), name);
    let value = if name.ends_with("/recommended") {
        json!({"image_id": image, "schema_version": "2"}).to_string()
    } else if name.ends_with("/release_version") {
        let version = name.split('/').nth(5).unwrap_or("1.35");
        format!("{version}.0-20260101")
    } else {
        image
    };
    Ok(json!({
        "Name": name, "Type": "String", "Value": value, "Version": 42,
        "LastModifiedDate": 1_767_225_600.0, "DataType": "text",
        "ARN": format!("arn:aws:ssm:{}::parameter{name}", access.region()),
    }))
}

fn get_many(access: &mut Access<'_>) -> Value {
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for name in texts(access.input(), "Names") {
        match get(access, &name) {
            Ok(parameter) => found.push(parameter),
            Err(_) => invalid.push(name),
        }
    }
    json!({"Parameters": found, "InvalidParameters": invalid})
}

fn page(access: &Access<'_>, all: Vec<Value>, default: usize) -> Value {
    let input = access.input();
    let start: usize = text(input, "NextToken").and_then(|it| it.parse().ok()).unwrap_or(0);
    let size = input["MaxResults"].as_u64().and_then(|it| it.try_into().ok()).unwrap_or(default);
    let end = (start + size).min(all.len());
    let next = (end < all.len()).then(|| end.to_string());
    let shown: Vec<Value> = all.into_iter().skip(start).take(end.saturating_sub(start)).collect();
    json!({"Parameters": shown, "NextToken": next})
}

fn by_path(access: &mut Access<'_>) -> Value {
    let input = access.input();
    let path = text(input, "Path").unwrap_or("/").trim_end_matches('/').to_owned() + "/";
    let recursive = flags(input, "Recursive") == Some(true);
    let all: Vec<Value> = access
        .docs(Service::Ssm)
        .all(TABLE)
        .filter(|(name, _)| {
            name.strip_prefix(&path).is_some_and(|rest| recursive || !rest.contains('/'))
        })
        .map(|(_, it)| it.clone())
        .collect();
    let shown = all.iter().map(|it| shown(access, it)).collect();
    page(access, shown, 10)
}

fn history(access: &mut Access<'_>) -> Outcome {
    let name = text(access.input(), "Name").unwrap_or_default();
    let parameter = find(access, name)?;
    Ok(json!({"Parameters": parameter["_history"]}))
}

fn describe(access: &mut Access<'_>) -> Value {
    let input = access.input();
    let mut all: Vec<Value> = access.docs(Service::Ssm).values(TABLE).cloned().collect();
    for filter in input["ParameterFilters"].as_array().into_iter().flatten() {
        let values = texts(filter, "Values");
        let begins = filter["Option"] == "BeginsWith" || filter["Key"] == "Path";
        let key = text(filter, "Key").unwrap_or_default();
        all.retain(|it| {
            if let Some(tag) = key.strip_prefix("tag:") {
                return json_tags::value(&it["_tags"], tag).is_some_and(|have| {
                    values.is_empty() || values.iter().any(|value| value == have)
                });
            }
            let field = if key == "Path" { "Name" } else { key };
            let have = it[field].as_str().unwrap_or_default();
            values.iter().any(|value| have == value || (begins && have.starts_with(value.as_str())))
        });
    }
    for parameter in &mut all {
        parameter["Value"] = Value::Null;
    }
    page(access, all, 50)
}
