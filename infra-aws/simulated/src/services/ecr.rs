//! ECR repositories, as far as infrastructure goes.

use serde_json::{Value, json};

use super::{Access, Service, ecr_image, json_tags};
use crate::wire::{Failure, Outcome, fail, flags, text, texts};

pub(super) const TABLE: &str = "repository";

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "CreateRepository" => create(access),
        "DescribeRepositories" => describe(access),
        "DeleteRepository" => {
            let (name, repository) = named(access)?;
            let images = repository["_images"].as_array().is_some_and(|all| !all.is_empty());
            if images && flags(access.input(), "force") != Some(true) {
                return Err(fail(
                    "RepositoryNotEmptyException",
                    format!(
                        "The repository with name '{name}' cannot be deleted because it still \
                             contains images"
                    ),
                ));
            }
            access.docs(Service::Ecr).remove(TABLE, &name);
            Ok(json!({"repository": repository}))
        }
        "PutLifecyclePolicy" => set(access, "lifecyclePolicyText", "_lifecycle"),
        "GetLifecyclePolicy" => {
            get(access, "lifecyclePolicyText", "_lifecycle", "LifecyclePolicyNotFoundException")
        }
        "DeleteLifecyclePolicy" => {
            unset(access, "lifecyclePolicyText", "_lifecycle", "LifecyclePolicyNotFoundException")
        }
        "SetRepositoryPolicy" => set(access, "policyText", "_policy"),
        "GetRepositoryPolicy" => {
            get(access, "policyText", "_policy", "RepositoryPolicyNotFoundException")
        }
        "DeleteRepositoryPolicy" => {
            unset(access, "policyText", "_policy", "RepositoryPolicyNotFoundException")
        }
        "PutImageTagMutability" => set(access, "imageTagMutability", "imageTagMutability"),
        "PutImageScanningConfiguration" => {
            set(access, "imageScanningConfiguration", "imageScanningConfiguration")
        }
        "PutImage" => ecr_image::put(access),
        "DescribeImages" => ecr_image::describe(access),
        "ListImages" => ecr_image::list(access),
        "BatchGetImage" => ecr_image::get(access),
        "BatchDeleteImage" => ecr_image::delete(access),
        "TagResource" => tag(access, |tags, input| json_tags::put(tags, &input["tags"])),
        "UntagResource" => {
            tag(access, |tags, input| json_tags::remove(tags, &texts(input, "tagKeys")))
        }
        "ListTagsForResource" => {
            let (_, repository) = named(access)?;
            Ok(json!({"tags": repository["_tags"]}))
        }
        "GetAuthorizationToken" => Ok(json!({"authorizationData": [{
            "authorizationToken": "QVdTOm5vdC1hLXRva2Vu", "expiresAt": access.epoch() + 43200.0,
            "proxyEndpoint": format!("https://{}.dkr.ecr.{}.amazonaws.com",
                access.account(), access.region()),
        }]})),
        other => Err(fail("InvalidParameterException", format!("no ECR operation {other}"))),
    }
}

pub(super) fn named(access: &mut Access<'_>) -> Result<(String, Value), Failure> {
    let input = access.input();
    let given = text(input, "repositoryName").or_else(|| text(input, "resourceArn"));
    let given = given.unwrap_or_default();
    let name = given.split_once(":repository/").map_or(given, |(_, name)| name).to_owned();
    let found = access.docs(Service::Ecr).get(TABLE, &name).cloned();
    found.map(|it| (name.clone(), it)).ok_or_else(|| missing(access, &name))
}

fn missing(access: &Access<'_>, name: &str) -> Failure {
    fail(
        "RepositoryNotFoundException",
        format!(
            "The repository with name '{name}' does not exist in the registry with id '{}'",
            access.account()
        ),
    )
}

fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "repositoryName").unwrap_or_default();
    let (region, account) = (access.region(), access.account());
    if access.docs(Service::Ecr).has(TABLE, name) {
        return Err(fail(
            "RepositoryAlreadyExistsException",
            format!(
                "The repository with name '{name}' already exists in the registry with id \
                     '{account}'"
            ),
        ));
    }
    let or = |field: &str, default: Value| match &input[field] {
        Value::Null => default,
        given => given.clone(),
    };
    let repository = json!({
        "repositoryName": name, "registryId": account, "createdAt": access.epoch(),
        "repositoryArn": format!("arn:aws:ecr:{region}:{account}:repository/{name}"),
        "repositoryUri": format!("{account}.dkr.ecr.{region}.amazonaws.com/{name}"),
        "imageTagMutability": or("imageTagMutability", json!("MUTABLE")),
        "imageScanningConfiguration":
            or("imageScanningConfiguration", json!({"scanOnPush": false})),
        "encryptionConfiguration":
            or("encryptionConfiguration", json!({"encryptionType": "AES256"})),
        "_tags": json_tags::given(&input["tags"]), "_images": [],
    });
    access.docs(Service::Ecr).put(TABLE, name, repository.clone());
    Ok(json!({"repository": repository}))
}

fn describe(access: &mut Access<'_>) -> Outcome {
    let names = texts(access.input(), "repositoryNames");
    let docs = access.docs(Service::Ecr);
    if names.is_empty() {
        let all: Vec<Value> = docs.values(TABLE).cloned().collect();
        return Ok(json!({"repositories": all}));
    }
    let mut found = Vec::new();
    for name in names {
        let repository = access.docs(Service::Ecr).get(TABLE, &name).cloned();
        found.push(repository.ok_or_else(|| missing(access, &name))?);
    }
    Ok(json!({"repositories": found}))
}

fn reply(access: &Access<'_>, name: &str, parameter: &str, value: &Value) -> Value {
    json!({"registryId": access.account(), "repositoryName": name, parameter: value})
}

fn set(access: &mut Access<'_>, parameter: &str, field: &str) -> Outcome {
    let (name, _) = named(access)?;
    let value = access.input()[parameter].clone();
    if parameter.ends_with("Text")
        && serde_json::from_str::<Value>(value.as_str().unwrap_or_default()).is_err()
    {
        return Err(fail("InvalidParameterException", "The policy is not valid JSON"));
    }
    if let Some(repository) = access.docs(Service::Ecr).edit(TABLE, &name) {
        repository[field] = value.clone();
    }
    Ok(reply(access, &name, parameter, &value))
}

fn get(access: &mut Access<'_>, parameter: &str, field: &str, absent: &str) -> Outcome {
    let (name, repository) = named(access)?;
    match &repository[field] {
        Value::Null => Err(fail(absent, format!("no such policy for '{name}'"))),
        value => Ok(reply(access, &name, parameter, value)),
    }
}

fn unset(access: &mut Access<'_>, parameter: &str, field: &str, absent: &str) -> Outcome {
    let gone = get(access, parameter, field, absent)?;
    let (name, _) = named(access)?;
    if let Some(repository) = access.docs(Service::Ecr).edit(TABLE, &name) {
        repository[field] = Value::Null;
    }
    Ok(gone)
}

fn tag(access: &mut Access<'_>, change: impl FnOnce(&mut Value, &Value)) -> Outcome {
    let (name, _) = named(access)?;
    let input = access.input();
    if let Some(repository) = access.docs(Service::Ecr).edit(TABLE, &name) {
        change(&mut repository["_tags"], input);
    }
    Ok(json!({}))
}
