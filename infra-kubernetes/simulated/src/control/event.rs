//! Events: what `kubectl describe` shows last.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::cx::Control;
use crate::json::{self, int, put};
use crate::store::Notes;
use crate::time::{parse, stamp};

/// What goes on is said again after so many milliseconds.
const AGAIN: i64 = 30_000;

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
        let hash = u64::from_le_bytes(*hash.first_chunk().unwrap_or(&[0; 8]));
        let name = format!("{}.{hash:016x}", json::name(about));
        let time = stamp(self.now);
        if let Some(known) = self.get("events", namespace, &name) {
            let last = parse(json::text(&known, "lastTimestamp")).unwrap_or(self.now);
            if kind == "Warning" && self.now - last > AGAIN {
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
