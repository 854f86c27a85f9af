//! Key pairs.

use serde_json::{Value, json};

use super::describe;
use super::kind::{self, need};
use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::wire::{Outcome, fail, text, texts};

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = need(input, "KeyName")?;
    if access.docs(Service::Ec2).values("key-pair").any(|it| it["keyName"] == name) {
        return Err(fail(
            "InvalidKeyPair.Duplicate",
            format!("The keypair '{name}' already exists."),
        ));
    }
    let id = kind::KEY_PAIR.new_id();
    let key = json!({
        "keyPairId": id, "keyName": name, "keyType": text(input, "KeyType").unwrap_or("rsa"),
        "keyFingerprint": hex(32), "createTime": access.timestamp(),
        "_publicKey": input["PublicKeyMaterial"],
    });
    let mut reply = kind::KEY_PAIR.put(access, &id, key);
    if access.call.operation == "CreateKeyPair" {
        reply["keyMaterial"] =
            json!("-----BEGIN RSA PRIVATE KEY-----\nnot a key\n-----END RSA PRIVATE KEY-----");
    }
    Ok(reply)
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let names = texts(access.input(), "KeyName");
    let mut all: Vec<Value> = access.docs(Service::Ec2).values("key-pair").cloned().collect();
    for name in &names {
        if !all.iter().any(|it| it["keyName"] == name.as_str()) {
            return Err(kind::KEY_PAIR.not_found(name));
        }
    }
    all.retain(|it| names.is_empty() || names.iter().any(|name| it["keyName"] == name.as_str()));
    if text(access.input(), "IncludePublicKey") == Some("true") {
        for key in &mut all {
            key["publicKey"] = key["_publicKey"].clone();
        }
    }
    let found = describe::select(access, &kind::KEY_PAIR, all)?;
    describe::page(access.input(), kind::KEY_PAIR.set, found)
}

/// Deleting one that is absent is a success.
pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let docs = access.docs(Service::Ec2);
    let found = docs
        .all("key-pair")
        .find(|(id, it)| input["KeyPairId"] == *id || it["keyName"] == input["KeyName"])
        .map(|(id, _)| id.to_owned());
    if let Some(id) = &found {
        docs.remove("key-pair", id);
    }
    Ok(json!({"return": true, "keyPairId": found}))
}
