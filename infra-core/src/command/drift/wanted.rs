//! What the program wants.

use std::collections::BTreeMap;

use infra_state::{Key, Path, Record, Segment, Snapshot, Status, Urn, Value};

use crate::{
    Engine, Result,
    execute::Connections,
    graph::{Graph, Node, Role},
    plan::{PropertyDiff, diff, resolve},
};

/// The program's declarations, over what is remembered of their outputs.
pub(super) struct Wanted {
    pub(super) graph: Graph,
    /// The names that resources had before.
    former: BTreeMap<Urn, Urn>,
}

/// What the program says of one recorded object.
pub(super) struct Intent<'w> {
    pub(super) node: &'w Node,
    /// The wanted inputs; `None` where a closure of the program fails on what is recorded.
    pub(super) desired: Option<Value>,
    /// Where they differ from what is recorded: what the next `up` changes.
    pub(super) pending: Vec<PropertyDiff>,
}

impl Wanted {
    pub(super) fn of(engine: &Engine) -> Result<Self> {
        let graph = engine.graph()?;
        let mut former = BTreeMap::new();
        for node in graph.nodes.values() {
            let names = node.options.aliases.iter().filter_map(|alias| node.alias(alias).ok());
            former.extend(names.map(|name| (name, node.urn.clone())));
        }
        Ok(Self { graph, former })
    }

    /// The declaration of what is recorded under a name, or was given another one since.
    pub(super) fn node(&self, urn: &Urn) -> Option<&Node> {
        let nodes = &self.graph.nodes;
        nodes.get(urn).or_else(|| nodes.get(self.former.get(urn)?))
    }

    /// Tells the connections where the program's providers point now.
    pub(super) fn configure(&self, snapshot: &Snapshot, connections: &Connections) {
        for node in self.graph.nodes.values().filter(|node| node.role == Role::Provider) {
            let outputs = |urn: &Urn| recorded_outputs(snapshot, urn);
            let recorded = snapshot.current(&node.urn).map(|record| &record.inputs);
            if let Ok(config) = resolve(&self.graph, node, &outputs, &"".into(), recorded) {
                connections.configure(&node.urn, &config);
            }
        }
    }

    /// What the program says of a recorded object; `None`: it does not declare it any more.
    pub(super) fn intent(&self, snapshot: &Snapshot, record: &Record) -> Option<Intent<'_>> {
        let node = self.node(&record.urn)?;
        let outputs = |urn: &Urn| recorded_outputs(snapshot, urn);
        let recorded = Some(&record.inputs);
        let desired = resolve(&self.graph, node, &outputs, &record.instance, recorded).ok();
        let ignored = &node.options.ignore_changes;
        let schema = node.driver.schema();
        let pending = desired.as_ref().map(|want| diff(schema, &record.inputs, want, ignored));
        Some(Intent { node, desired, pending: pending.unwrap_or_default() })
    }
}

/// What is recorded of a resource's outputs.
pub(super) fn recorded_outputs<'s>(snapshot: &'s Snapshot, urn: &Urn) -> Option<&'s Value> {
    let from = Key { urn: urn.clone(), instance: "".into() };
    let of = snapshot.records.range(from..).map(|(_, record)| record);
    let mut of = of.take_while(|record| record.urn == *urn);
    of.find(|record| record.status != Status::Deposed).map(|record| &record.outputs)
}

impl Intent<'_> {
    /// What is wanted where something drifted.
    pub(super) fn wanted_at(&self, drift: &PropertyDiff) -> Option<Value> {
        let named = named(&drift.path);
        if !self.pending.iter().any(|change| change.path.meets(&named)) {
            return drift.before.clone();
        }
        named.get(self.desired.as_ref()?).cloned()
    }

    /// Whether the program is about to change a field that drifted.
    pub(super) fn changes(&self, drift: &[PropertyDiff]) -> bool {
        let mut named = drift.iter().map(|drift| named(&drift.path));
        named.any(|path| self.pending.iter().any(|change| change.path.meets(&path)))
    }
}

/// The path as far as names go: an index is one of one list, and counts nothing in another.
pub(super) fn named(path: &Path) -> Path {
    let keys = path.0.iter().take_while(|segment| matches!(segment, Segment::Key(_)));
    Path(keys.cloned().collect())
}
