//! Detailed monitoring of instances, on and off.

use serde_json::json;

use super::kind;
use crate::services::Access;
use crate::wire::{Outcome, texts};

pub(super) fn switch(access: &mut Access<'_>, state: &str) -> Outcome {
    let ids = texts(access.input(), "InstanceId");
    for id in &ids {
        kind::INSTANCE.find(access, id)?;
    }
    for id in &ids {
        kind::INSTANCE.edit(access, id)?["monitoring"] = json!({"state": state});
    }
    let all: Vec<_> =
        ids.iter().map(|id| json!({"instanceId": id, "monitoring": {"state": state}})).collect();
    Ok(json!({"instancesSet": all}))
}
