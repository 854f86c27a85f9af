//! Candidates from Terraform's instances and from what is inside a live network.

use infra_state::Value;

use super::{Candidate, Left, Reason};
use crate::{
    provider::Contained,
    transfer::{
        Key, Member,
        refer::Sealed,
        terraform::{Import, Instance, Piece},
    },
};

/// What every program knows of Terraform: types whose values are made up by Terraform itself.
pub fn builtin(kind: &str) -> Option<Import> {
    Some(match kind {
        "random_password" => Import::Constant { secret: Some("result") },
        "random_string" | "random_pet" | "random_id" | "random_uuid" | "random_integer"
        | "random_shuffle" | "random_bytes" | "null_resource" | "terraform_data"
        | "time_static" | "time_rotating" | "time_offset" | "time_sleep" => {
            Import::Constant { secret: None }
        }
        "tls_private_key" => Import::Constant { secret: Some("private_key_pem") },
        "local_file" | "local_sensitive_file" | "archive_file" => Import::Never(
            "it is a file of the machine that Terraform ran on: write it in the program, if it is needed",
        ),
        _ => return None,
    })
}

/// The candidate that one piece of an instance is.
pub fn piece_of(
    instance: &Instance,
    piece: Piece,
    place: Option<(Value, Option<String>)>,
) -> Candidate {
    let address = &instance.address;
    let scopes = address.modules.iter().map(|call| match &call.key {
        None => call.name.clone(),
        Some(Key::Index(at)) => format!("{}-{at}", call.name),
        Some(Key::Name(key)) => format!("{}-{key}", call.name),
    });
    let (mut name, mut group) = (address.name.clone(), address.group().to_string());
    if let Some(suffix) = &piece.suffix {
        name = format!("{name}-{suffix}");
        group = format!("{group} {suffix}");
    }
    Candidate {
        origin: address.to_string(),
        scopes: scopes.collect(),
        name,
        kind: piece.kind,
        id: piece.id,
        member: address.key.clone().map(|key| Member { group, key }),
        known: piece.known,
        sealed: Sealed::of(&instance.attributes),
        address: Some(address.config().to_string()),
        uses: instance.dependencies.clone(),
        place,
        tainted: instance.tainted,
    }
}

/// The candidates that are inside a live network, and what is not one.
pub fn of_contained(
    all: Vec<Contained>,
    is_known: &dyn Fn(&str) -> bool,
) -> (Vec<Candidate>, Vec<Left>) {
    let (mut candidates, mut left) = (Vec::new(), Vec::new());
    for object in all {
        let origin = format!("{} {}", object.kind, object.id);
        if let Some(with) = object.comes_with {
            left.push(Left { origin, reason: Reason::Part, why: format!("it comes with {with}") });
        } else if is_known(&object.kind) {
            candidates.push(Candidate {
                origin,
                name: object.name.unwrap_or_else(|| object.id.clone()),
                kind: object.kind,
                id: object.id,
                ..Candidate::default()
            });
        } else {
            let why = "no cloud of this program has a kind for it: it stays as it is".to_owned();
            left.push(Left { origin, reason: Reason::Unmapped, why });
        }
    }
    (candidates, left)
}
