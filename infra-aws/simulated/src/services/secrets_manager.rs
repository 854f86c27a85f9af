//! Secrets Manager: versions by stage, a recovery window, tokens.

use serde_json::{Map, Value, json};

use super::access::hex;
use super::{Access, Service, json_tags};
use crate::wire::{ApiCall, Failure, Outcome, fail, flags, text, texts};
use crate::world;

const TABLE: &str = "secret";
const DAY: u64 = 86_400_000;

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "CreateSecret" => create(access),
        "DescribeSecret" => describe(access),
        "GetSecretValue" => {
            let id = text(access.input(), "SecretId").unwrap_or_default();
            value(access, id)
        }
        "BatchGetSecretValue" => Ok(batch(access)),
        "PutSecretValue" => put_value(access),
        "UpdateSecret" => update(access),
        "DeleteSecret" => delete(access),
        "RestoreSecret" => restore(access),
        "ListSecrets" => Ok(list(access)),
        "TagResource" => edit(access, |secret, input| {
            json_tags::put(&mut secret["Tags"], &input["Tags"]);
        }),
        "UntagResource" => edit(access, |secret, input| {
            json_tags::remove(&mut secret["Tags"], &texts(input, "TagKeys"));
        }),
        "PutResourcePolicy" => edit(access, |secret, input| {
            secret["_policy"] = input["ResourcePolicy"].clone();
        }),
        "DeleteResourcePolicy" => edit(access, |secret, _| secret["_policy"] = Value::Null),
        "GetResourcePolicy" => {
            let (_, secret) = find(access, true)?;
            Ok(json!({
                "ARN": secret["ARN"], "Name": secret["Name"], "ResourcePolicy": secret["_policy"],
            }))
        }
        "GetRandomPassword" => Ok(json!({"RandomPassword": hex(32)})),
        other => Err(fail("InvalidRequestException", format!("no operation {other}"))),
    }
}

/// A call that another service makes here, in the caller's account and region.
pub(crate) fn ask(access: &mut Access<'_>, operation: &str, input: &Value) -> Outcome {
    let inner = ApiCall {
        service: Service::SecretsManager,
        operation: operation.to_owned(),
        input: input.clone(),
        ..access.call.clone()
    };
    answer(&mut Access {
        world: &mut *access.world,
        call: &inner,
        now: access.now,
        durations: access.durations,
        lag: 0,
    })
}

fn named(access: &mut Access<'_>, id: &str) -> Option<(String, Value)> {
    let (now, lag) = (access.now, access.lag);
    access
        .docs(Service::SecretsManager)
        .all(TABLE)
        .find(|(name, secret)| {
            let arn = secret["ARN"].as_str().unwrap_or_default();
            // The ARN is understood without its random end, too.
            *name == id || arn == id || arn.rsplit_once('-').is_some_and(|(short, _)| short == id)
        })
        .filter(|(_, it)| lag == 0 || it["_born"].as_u64().is_none_or(|born| born + lag <= now))
        .map(|(name, secret)| (name.to_owned(), secret.clone()))
}

/// The secret the call names; one that is being deleted is found only by some calls.
fn find(access: &mut Access<'_>, deleted_too: bool) -> Result<(String, Value), Failure> {
    let id = text(access.input(), "SecretId").unwrap_or_default();
    let found = named(access, id).ok_or_else(|| {
        fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    })?;
    if !deleted_too && !found.1["DeletedDate"].is_null() {
        return Err(fail(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    Ok(found)
}

fn edit(access: &mut Access<'_>, change: impl FnOnce(&mut Value, &Value)) -> Outcome {
    let (name, _) = find(access, false)?;
    let input = access.input();
    let docs = access.docs(Service::SecretsManager);
    let Some(secret) = docs.edit(TABLE, &name) else { return Ok(json!({})) };
    change(secret, input);
    Ok(json!({"ARN": secret["ARN"], "Name": secret["Name"]}))
}

fn has_value(input: &Value) -> bool {
    !input["SecretString"].is_null() || !input["SecretBinary"].is_null()
}

fn same_value(version: &Value, input: &Value) -> bool {
    version["SecretString"] == input["SecretString"]
        && version["SecretBinary"] == input["SecretBinary"]
}

fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "Name").unwrap_or_default();
    let token = text(input, "ClientRequestToken").map_or_else(|| hex(32), str::to_owned);
    if let Some(old) = access.docs(Service::SecretsManager).get(TABLE, name) {
        if !old["DeletedDate"].is_null() {
            return Err(fail(
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already \
                 scheduled for deletion.",
            ));
        }
        let version = &old["_versions"][&token];
        if version.is_object() && same_value(version, input) {
            return Ok(json!({"ARN": old["ARN"], "Name": name, "VersionId": token}));
        }
        return Err(fail(
            "ResourceExistsException",
            format!("The operation failed because the secret {name} already exists."),
        ));
    }
    let (region, account) = (access.region(), access.account());
    let mut secret = json!({
        "ARN": format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{}", hex(6)),
        "Name": name, "Description": input["Description"], "KmsKeyId": input["KmsKeyId"],
        "Tags": json_tags::given(&input["Tags"]), "CreatedDate": access.epoch(),
        "LastChangedDate": access.epoch(), "PrimaryRegion": Value::Null,
        "_versions": {}, "_born": access.now,
    });
    let mut reply = json!({"ARN": secret["ARN"], "Name": name});
    if has_value(input) {
        push(access, &mut secret, &token);
        reply["VersionId"] = json!(token);
    }
    access.docs(Service::SecretsManager).put(TABLE, name, secret);
    Ok(reply)
}

/// The new version is current; what was current is previous; older ones lose their stages.
fn push(access: &Access<'_>, secret: &mut Value, token: &str) {
    let input = access.input();
    let mut versions: Map<String, Value> =
        secret["_versions"].as_object().cloned().unwrap_or_default();
    let staged = |version: &Value, stage: &str| {
        version["stages"].as_array().is_some_and(|all| all.iter().any(|it| it == stage))
    };
    versions.retain(|_, version| staged(version, "AWSCURRENT"));
    for version in versions.values_mut() {
        version["stages"] = json!(["AWSPREVIOUS"]);
    }
    versions.insert(
        token.to_owned(),
        json!({
            "SecretString": input["SecretString"], "SecretBinary": input["SecretBinary"],
            "CreatedDate": access.epoch(), "stages": ["AWSCURRENT"],
        }),
    );
    secret["_versions"] = Value::Object(versions);
    secret["LastChangedDate"] = json!(access.epoch());
}

fn shown(secret: &Value) -> Value {
    let stages: Map<String, Value> = secret["_versions"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(id, version)| (id.clone(), version["stages"].clone()))
        .collect();
    let mut shown = secret.clone();
    shown["VersionIdsToStages"] = Value::Object(stages);
    shown
}

fn describe(access: &mut Access<'_>) -> Outcome {
    let (_, secret) = find(access, true)?;
    Ok(shown(&secret))
}

fn value(access: &mut Access<'_>, id: &str) -> Outcome {
    let missing = || {
        fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret value.")
    };
    let (_, secret) = named(access, id).ok_or_else(missing)?;
    if !secret["DeletedDate"].is_null() {
        return Err(fail(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    let input = access.input();
    let stage = text(input, "VersionStage").unwrap_or("AWSCURRENT");
    let wanted = text(input, "VersionId");
    let versions = secret["_versions"].as_object().ok_or_else(missing)?;
    let (id, version) = versions
        .iter()
        .find(|(id, version)| match wanted {
            Some(wanted) => wanted == id.as_str(),
            None => {
                version["stages"].as_array().is_some_and(|all| all.iter().any(|it| it == stage))
            }
        })
        .ok_or_else(missing)?;
    Ok(json!({
        "ARN": secret["ARN"], "Name": secret["Name"], "VersionId": id,
        "SecretString": version["SecretString"], "SecretBinary": version["SecretBinary"],
        "VersionStages": version["stages"], "CreatedDate": version["CreatedDate"],
    }))
}

fn batch(access: &mut Access<'_>) -> Value {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in texts(access.input(), "SecretIdList") {
        match value(access, &id) {
            Ok(value) => values.push(value),
            Err(failure) => errors.push(json!({
                "SecretId": id, "ErrorCode": failure.code, "Message": failure.message,
            })),
        }
    }
    json!({"SecretValues": values, "Errors": errors})
}

fn put_value(access: &mut Access<'_>) -> Outcome {
    let (name, mut secret) = find(access, false)?;
    let input = access.input();
    let token = text(input, "ClientRequestToken").map_or_else(|| hex(32), str::to_owned);
    let old = &secret["_versions"][&token];
    if old.is_object() {
        if !same_value(old, input) {
            return Err(fail(
                "ResourceExistsException",
                format!("A version with the id {token} exists with another value"),
            ));
        }
    } else {
        push(access, &mut secret, &token);
    }
    let reply = json!({
        "ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token,
        "VersionStages": secret["_versions"][&token]["stages"],
    });
    access.docs(Service::SecretsManager).put(TABLE, &name, secret);
    Ok(reply)
}

fn update(access: &mut Access<'_>) -> Outcome {
    let (name, mut secret) = find(access, false)?;
    let input = access.input();
    for field in ["Description", "KmsKeyId"] {
        if !input[field].is_null() {
            secret[field] = input[field].clone();
        }
    }
    let mut reply = json!({"ARN": secret["ARN"], "Name": secret["Name"]});
    if has_value(input) {
        let token = text(input, "ClientRequestToken").map_or_else(|| hex(32), str::to_owned);
        if !secret["_versions"][&token].is_object() {
            push(access, &mut secret, &token);
        }
        reply["VersionId"] = json!(token);
    }
    secret["LastChangedDate"] = json!(access.epoch());
    access.docs(Service::SecretsManager).put(TABLE, &name, secret);
    Ok(reply)
}

fn delete(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let force = flags(input, "ForceDeleteWithoutRecovery") == Some(true);
    let (name, secret) = match find(access, true) {
        Ok(found) => found,
        // Forcing the deletion of what is not there is a success.
        Err(_) if force => {
            return Ok(json!({"Name": input["SecretId"], "DeletionDate": access.epoch()}));
        }
        Err(failure) => return Err(failure),
    };
    if !force && !secret["DeletedDate"].is_null() {
        return Err(fail(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was already scheduled for \
             deletion.",
        ));
    }
    let days = input["RecoveryWindowInDays"].as_u64().unwrap_or(30);
    if !force && !(7..=30).contains(&days) {
        return Err(fail(
            "InvalidParameterException",
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    let at = if force { access.now } else { access.now + days * DAY };
    let (now, docs) = (access.epoch(), access.docs(Service::SecretsManager));
    if force {
        docs.remove(TABLE, &name);
    } else if let Some(secret) = docs.edit(TABLE, &name) {
        secret["DeletedDate"] = json!(now);
        world::plan(secret, &[(at, Value::Null)]);
    }
    Ok(json!({"ARN": secret["ARN"], "Name": name, "DeletionDate": at / 1000}))
}

fn restore(access: &mut Access<'_>) -> Outcome {
    let (name, secret) = find(access, true)?;
    if let Some(secret) = access.docs(Service::SecretsManager).edit(TABLE, &name) {
        secret["DeletedDate"] = Value::Null;
        world::plan(secret, &[]);
    }
    Ok(json!({"ARN": secret["ARN"], "Name": name}))
}

fn list(access: &mut Access<'_>) -> Value {
    let input = access.input();
    let with_deleted = flags(input, "IncludePlannedDeletion") == Some(true);
    let mut all: Vec<Value> = access
        .docs(Service::SecretsManager)
        .values(TABLE)
        .filter(|it| with_deleted || it["DeletedDate"].is_null())
        .map(shown)
        .collect();
    for filter in input["Filters"].as_array().into_iter().flatten() {
        let values = texts(filter, "Values");
        all.retain(|secret| {
            let tags = secret["Tags"].as_array().map(Vec::as_slice).unwrap_or_default();
            let in_tags = |field: &str| {
                tags.iter().any(|tag| {
                    let have = tag[field].as_str().unwrap_or_default();
                    values.iter().any(|it| have.starts_with(it.as_str()))
                })
            };
            match filter["Key"].as_str() {
                Some("tag-key") => in_tags("Key"),
                Some("tag-value") => in_tags("Value"),
                _ => {
                    let have = secret["Name"].as_str().unwrap_or_default();
                    values.iter().any(|it| have.starts_with(it.as_str()))
                }
            }
        });
    }
    json!({"SecretList": all})
}
