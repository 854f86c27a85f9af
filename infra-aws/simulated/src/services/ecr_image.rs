//! Images of ECR repositories: manifests, digests and tags. No layers: whatever a manifest names counts as pushed.
//! (ECR API reference, `PutImage`.)

use serde_json::{Value, json};

use super::access::digest;
use super::ecr::{TABLE, named};
use super::{Access, Service};
use crate::wire::{Failure, Outcome, fail, list as elements, text};

/// The images of the call's repository, to change.
fn images<'a>(access: &'a mut Access<'_>) -> Result<&'a mut Vec<Value>, Failure> {
    let (name, _) = named(access)?;
    let repository = access.docs(Service::Ecr).edit(TABLE, &name);
    repository.and_then(|repository| repository["_images"].as_array_mut()).ok_or_else(|| {
        fail("ServerException", format!("the images of {name} are not a list")).status(500)
    })
}

fn is_tagged(image: &Value, tag: &str) -> bool {
    image["imageTags"].as_array().is_some_and(|tags| tags.iter().any(|it| it == tag))
}

/// Whether an image is the one that an id names, by digest, by tag, or by both.
fn is(image: &Value, id: &Value) -> bool {
    let (digest, tag) = (text(id, "imageDigest"), text(id, "imageTag"));
    (digest.is_some() || tag.is_some())
        && digest.is_none_or(|digest| image["imageDigest"] == digest)
        && tag.is_none_or(|tag| is_tagged(image, tag))
}

fn missing(name: &str, id: &Value, account: &str) -> Failure {
    let what = |field: &str| text(id, field).unwrap_or("null").to_owned();
    let (digest, tag) = (what("imageDigest"), what("imageTag"));
    let message = format!(
        "The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist within \
         the repository with name '{name}' in the registry with id '{account}'"
    );
    fail("ImageNotFoundException", message)
}

pub(super) fn put(access: &mut Access<'_>) -> Outcome {
    let (name, repository) = named(access)?;
    let (input, account) = (access.input(), access.account());
    let manifest = text(input, "imageManifest").unwrap_or_default().to_owned();
    let Ok(parsed) = serde_json::from_str::<Value>(&manifest) else {
        let message = "Invalid parameter at 'ImageManifest' failed to satisfy constraint: \
                       'Invalid JSON syntax'";
        return Err(fail("InvalidParameterException", message));
    };
    let computed = format!("sha256:{}", digest(&manifest, 64));
    if text(input, "imageDigest").is_some_and(|given| given != computed) {
        let message = format!("The image digest does not match the manifest, which has {computed}");
        return Err(fail("ImageDigestDoesNotMatchException", message));
    }
    let tag = text(input, "imageTag");
    let kind = text(input, "imageManifestMediaType").or_else(|| text(&parsed, "mediaType"));
    let kind = kind.unwrap_or("application/vnd.docker.distribution.manifest.v2+json").to_owned();
    let at = access.epoch();
    let immutable =
        text(&repository, "imageTagMutability").is_some_and(|it| it.starts_with("IMMUTABLE"));
    let images = images(access)?;
    let known = images.iter().position(|image| image["imageDigest"] == computed.as_str());
    let holder = tag.and_then(|tag| images.iter().position(|image| is_tagged(image, tag)));
    if known.is_some() && (tag.is_none() || holder == known) {
        let message = format!(
            "Image with digest '{computed}' and tag '{}' already exists in the repository with name \
             '{name}' in registry with id '{account}'",
            tag.unwrap_or("null")
        );
        return Err(fail("ImageAlreadyExistsException", message));
    }
    if holder.is_some() && immutable {
        let message = format!(
            "The image tag '{}' already exists in the '{name}' repository and cannot be overwritten \
             because the repository is immutable.",
            tag.unwrap_or_default()
        );
        return Err(fail("ImageTagAlreadyExistsException", message));
    }
    // A tag points at one image: it is moved.
    for tags in images.iter_mut().filter_map(|image| image["imageTags"].as_array_mut()) {
        tags.retain(|it| Some(it.as_str().unwrap_or_default()) != tag);
    }
    let sizes = elements(&parsed, "layers").into_iter().chain([&parsed["config"]]);
    let size: u64 = sizes.filter_map(|layer| layer["size"].as_u64()).sum();
    let at_index = known.unwrap_or_else(|| {
        images.push(json!({
            "registryId": account, "repositoryName": name, "imageDigest": computed,
            "imageTags": [], "imagePushedAt": at, "imageSizeInBytes": size,
            "imageManifestMediaType": kind, "_manifest": manifest,
        }));
        images.len() - 1
    });
    if let (Some(tag), Some(tags)) = (tag, images[at_index]["imageTags"].as_array_mut()) {
        tags.push(json!(tag));
    }
    Ok(json!({"image": {
        "registryId": account, "repositoryName": name, "imageManifest": manifest,
        "imageManifestMediaType": kind, "imageId": {"imageDigest": computed, "imageTag": tag},
    }}))
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let (name, repository) = named(access)?;
    let images = elements(&repository, "_images");
    let ids = elements(access.input(), "imageIds");
    if ids.is_empty() {
        return Ok(json!({"imageDetails": images}));
    }
    let mut found: Vec<&Value> = Vec::new();
    for id in ids {
        let image = images.iter().find(|image| is(image, id));
        found.push(image.ok_or_else(|| missing(&name, id, access.account()))?);
    }
    Ok(json!({"imageDetails": found}))
}

/// One line a tag; an image without any has one too.
pub(super) fn list(access: &mut Access<'_>) -> Outcome {
    let (_, repository) = named(access)?;
    let mut ids = Vec::new();
    for image in elements(&repository, "_images") {
        let tags = elements(image, "imageTags");
        ids.extend(
            tags.iter().map(|tag| json!({"imageDigest": image["imageDigest"], "imageTag": tag})),
        );
        if tags.is_empty() {
            ids.push(json!({"imageDigest": image["imageDigest"]}));
        }
    }
    Ok(json!({"imageIds": ids}))
}

fn failure(id: &Value) -> Value {
    json!({
        "imageId": id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found",
    })
}

pub(super) fn get(access: &mut Access<'_>) -> Outcome {
    let (name, repository) = named(access)?;
    let images = elements(&repository, "_images");
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for id in elements(access.input(), "imageIds") {
        match images.iter().find(|image| is(image, id)) {
            Some(image) => found.push(json!({
                "registryId": access.account(), "repositoryName": name,
                "imageManifest": image["_manifest"],
                "imageManifestMediaType": image["imageManifestMediaType"],
                "imageId": {"imageDigest": image["imageDigest"], "imageTag": id["imageTag"]},
            })),
            None => failures.push(failure(id)),
        }
    }
    Ok(json!({"images": found, "failures": failures}))
}

/// By its digest an image goes with all its tags; by a tag only the tag goes, and the image with its last one.
pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let ids: Vec<Value> = elements(access.input(), "imageIds").into_iter().cloned().collect();
    let (mut gone, mut failures) = (Vec::new(), Vec::new());
    let images = images(access)?;
    for id in ids {
        let Some(at) = images.iter().position(|image| is(image, &id)) else {
            failures.push(failure(&id));
            continue;
        };
        gone.push(json!({"imageDigest": images[at]["imageDigest"], "imageTag": id["imageTag"]}));
        let left = match (text(&id, "imageTag"), images[at]["imageTags"].as_array_mut()) {
            (Some(tag), Some(tags)) if text(&id, "imageDigest").is_none() => {
                tags.retain(|it| it != tag);
                !tags.is_empty()
            }
            _ => false,
        };
        if !left {
            images.remove(at);
        }
    }
    Ok(json!({"imageIds": gone, "failures": failures}))
}
