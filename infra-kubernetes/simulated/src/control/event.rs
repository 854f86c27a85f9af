//! Events: what `kubectl describe` shows last.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::cx::Control;
use crate::json::{self, int, put};
use crate::store::Notes;
use crate::time::stamp;

impl Control<'_> {
    /// Says something about an object; what was said before is counted.
    pub(super) fn event(
        &mut self,
        about: &Value,
        kind: &str,
        reason: &str,
        message: &str,
        from: &str,
    ) {
        let namespace = match json::namespace(about) {
            "" => "default",
            namespace => namespace,
        };
        let hash = Sha256::digest(format!("{}{reason}{message}", json::uid(about)));
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{}.{hash}", json::name(about));
        let time = stamp(self.now);
        if let Some(known) = self.get("events", namespace, &name) {
            if json::text(&known, "lastTimestamp") != time {
                let mut known = Value::clone(&known);
                let count = int(&known, "count").unwrap_or(1) + 1;
                put(&mut known, "count", count);
                put(&mut known, "lastTimestamp", time);
                self.store.put("events", known, Notes::new());
            }
            return;
        }
        if self.get("namespaces", "", namespace).is_none() {
            return;
        }
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": namespace, "uid": uuid::Uuid::new_v4().to_string(), "creationTimestamp": time},
            "involvedObject": {
                "apiVersion": about["apiVersion"], "kind": about["kind"], "name": json::name(about),
                "namespace": json::namespace(about), "uid": json::uid(about),
                "resourceVersion": about["metadata"]["resourceVersion"],
            },
            "type": kind, "reason": reason, "message": message, "count": 1,
            "firstTimestamp": time, "lastTimestamp": time,
            "source": {"component": from}, "reportingComponent": from, "reportingInstance": "",
        });
        self.store.put("events", event, Notes::new());
    }
}
