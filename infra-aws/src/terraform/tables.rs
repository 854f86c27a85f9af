//! The tables of all services together.

use infra_core::{
    state::{ProviderIdentity, Value},
    transfer::terraform::{Body, Requires, Tables},
};

use super::{give, place, take};

/// What AWS knows of Terraform.
pub(crate) fn tables() -> Tables {
    Tables {
        imports: take::imports().into_iter().collect(),
        exports: give::exports().into_iter().collect(),
        requires: Some(Requires {
            name: "aws",
            source: "hashicorp/aws",
            version: "~> 5.90",
            provider: block,
        }),
        place: Some(place::place),
    }
}

/// The block `provider "aws"`. Tags that say whose an object is are not Terraform's.
fn block(identity: &ProviderIdentity, config: &Value) -> Body {
    let text = |key: &str| config.get(key).and_then(Value::as_str);
    let region = text("region").or(identity.get("region").map(String::as_str));
    let mut body = Body::new().set("region", region).set("profile", text("profile"));
    if let Some(role) = config.get("assume_role") {
        let text = |key: &str| role.get(key).and_then(Value::as_str);
        let inner = Body::new()
            .set("role_arn", text("role_arn"))
            .set("external_id", text("external_id"))
            .set("session_name", text("session_name"));
        body = body.block("assume_role", inner);
    }
    let ours = Value::from(vec![Value::from("infra:")]);
    body.block("ignore_tags", Body::new().set("key_prefixes", Some(ours)))
}
