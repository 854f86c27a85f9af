//! KMS: its own calls, and what others do with a key.

use serde_json::Value;

use super::super::Ask;
use super::scope::Scope;
use super::stored;
use crate::services::Service;

pub(super) fn asks(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let named = scope.text("KeyId").or(scope.text("TargetKeyId")).map(str::to_owned);
    match scope.name {
        "CreateKey" => {
            let tags = scope.gives_tags();
            let tag = tags.then(|| scope.action("TagResource", scope.arn("key/*")));
            std::iter::once(scope.own("*")).chain(tag).collect()
        }
        "CreateAlias" | "UpdateAlias" | "DeleteAlias" => {
            let alias = scope.text("AliasName").unwrap_or_default();
            // On the alias, on its key, and on the key that it will have.
            let before = (scope.name != "CreateAlias").then(|| behind(scope, alias)).flatten();
            let on_alias = scope.own(scope.arn(alias));
            let keys = [before, named].into_iter().flatten();
            let keys: Vec<_> = keys.map(|id| on(scope, scope.name, &id)).collect();
            std::iter::once(on_alias).chain(keys).collect()
        }
        name => match named {
            // Which key sealed a text is in the text.
            None if name == "Decrypt" => vec![scope.own(scope.arn("key/*")).of(None)],
            None => vec![scope.own("*")],
            Some(id) => vec![on(scope, name, &id)],
        },
    }
}

/// The action on the key with this id, ARN or alias.
pub(super) fn on(scope: &mut Scope<'_, '_>, action: &str, named: &str) -> Ask {
    let alias = named.find("alias/").map(|at| named[at..].to_owned());
    let id = match &alias {
        Some(alias) => behind(scope, alias).unwrap_or_else(|| "*".to_owned()),
        None => named.rsplit('/').next().unwrap_or(named).to_owned(),
    };
    let arn = match named.strip_prefix("arn:") {
        Some(_) if alias.is_none() => named.to_owned(),
        _ => scope.arn_of("kms", &format!("key/{id}")),
    };
    let tags = stored::key(scope, &id);
    let mut ask = Ask::new(format!("kms:{action}"), arn).of(tags);
    if scope.service == "kms" {
        ask = ask.giving(&super::scope::given(scope.input));
        let context = scope.input["EncryptionContext"].as_object().into_iter().flatten();
        for (name, value) in context {
            let value = value.as_str().unwrap_or_default();
            ask = ask.with(format!("kms:EncryptionContext:{name}"), [value]);
        }
        if let Some(alias) = alias {
            ask = ask.with("kms:RequestAlias", [alias]);
        }
        return ask;
    }
    let region = scope.access.region();
    ask.with("kms:ViaService", [format!("{}.{region}.amazonaws.com", scope.service)])
        .with("kms:GrantIsForAWSResource", ["true"])
}

/// What a service does with a key that it is given; nothing where it is AWS's own.
pub(super) fn used(scope: &mut Scope<'_, '_>, named: Option<&str>, actions: &[&str]) -> Vec<Ask> {
    let Some(named) = named.filter(|named| !named.contains("alias/aws/")) else {
        return Vec::new();
    };
    actions.iter().map(|action| on(scope, action, named)).collect()
}

/// The id of the key behind an alias.
fn behind(scope: &mut Scope<'_, '_>, alias: &str) -> Option<String> {
    let document = scope.access.docs(Service::Kms).get("aliases", alias)?;
    let id = ["target_key_id", "TargetKeyId", "targetKeyId"]
        .into_iter()
        .find_map(|name| document[name].as_str());
    id.or_else(|| document.as_str()).map(|id| id.rsplit('/').next().unwrap_or(id).to_owned())
}

/// The text at a path of an input.
pub(super) fn at<'v>(input: &'v Value, path: &[&str]) -> Option<&'v str> {
    path.iter().fold(input, |value, name| &value[*name]).as_str().filter(|text| !text.is_empty())
}
