//! Databases.

use infra_core::{
    state::Value,
    transfer::terraform::{Import, Instance, Piece},
};

use super::{
    attributes::{Taken, by, need},
    imports::Line,
};

pub(super) fn imports() -> Vec<Line> {
    vec![
        ("aws_db_instance", Import::Objects(instance)),
        ("aws_db_subnet_group", by!("aws:rds:SubnetGroup", "name")),
        ("aws_db_parameter_group", by!("aws:rds:ParameterGroup", "name")),
        (
            "aws_db_instance_automated_backups_replication",
            by!("aws:rds:AutomatedBackupReplication", "id"),
        ),
    ]
}

/// By its identifier: `id` is that up to version 4 of the provider, and the resource id since.
fn instance(it: &Instance) -> Taken {
    if it.text("replicate_source_db").is_some() {
        return Err("a read replica: there is no kind for it".to_owned());
    }
    let piece = Piece::new("aws:rds:Instance", need(it, "identifier")?);
    // Fields of ours that no call tells. Terraform keeps the password; from version 5.83 on it may have been write-only.
    let password = it.attribute("password").map(|password| password.clone().secret());
    let keeps = match it.attribute("delete_automated_backups").map(Value::revealed) {
        Some(Value::Bool(deletes)) => Some(Value::from(!deletes)),
        _ => None,
    };
    let piece = piece.known("password", password.as_ref());
    let piece = piece.known("skip_final_snapshot", it.attribute("skip_final_snapshot"));
    Ok(vec![piece.known("keep_automated_backups", keeps.as_ref())])
}
