//! What is wrong only because of other objects.

use serde_json::Value;

use crate::failure::Cause;
use crate::json::{self, at, int, items};
use crate::kinds::Kind;
use crate::store::Store;

/// Ports and addresses that others have, names of kinds that are taken.
pub(crate) fn against_store(
    store: &Store,
    kind: &Kind,
    old: Option<&Value>,
    object: &Value,
) -> Vec<Cause> {
    let mut causes = Vec::new();
    if !kind.is("", "Service") {
        return causes;
    }
    let others = store.all("services").map(|(_, record)| &record.object);
    let others = others.filter(|it| json::uid(it) != json::uid(old.unwrap_or(object)));
    let (mut ports, mut addresses) = (Vec::new(), Vec::new());
    for other in others {
        ports.extend(items(other, "spec.ports").iter().filter_map(|port| int(port, "nodePort")));
        addresses.push(at(other, "spec.clusterIP"));
    }
    let kept: Vec<_> = old
        .into_iter()
        .flat_map(|old| items(old, "spec.ports"))
        .filter_map(|port| int(port, "nodePort"))
        .collect();
    for (index, port) in items(object, "spec.ports").iter().enumerate() {
        let Some(number) = int(port, "nodePort") else { continue };
        let path = format!("spec.ports[{index}].nodePort");
        if !(30000..=32767).contains(&number) {
            let detail =
                "provided port is not in the valid range. The range of valid ports is 30000-32767";
            causes.push(Cause::invalid(path, at(port, "nodePort"), detail));
        } else if ports.contains(&number) && !kept.contains(&number) {
            let detail = "provided port is already allocated";
            causes.push(Cause::invalid(path, at(port, "nodePort"), detail));
        }
    }
    let address = at(object, "spec.clusterIP");
    if address.is_string() && address != "None" && addresses.contains(&address) {
        let detail = "failed to allocate IP: provided IP is already allocated";
        let all = Value::from(items(object, "spec.clusterIPs").to_vec());
        causes.push(Cause::invalid("spec.clusterIPs", &all, detail));
    }
    causes
}
