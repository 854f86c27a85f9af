//! From a filled stack to a checked graph.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    panic::Location,
    sync::Arc,
};

use infra_state::{StackName, Urn, Value};

use super::{Exports, Expr, Mistake, Node, NodeOptions, Role, checks, encode, order::order};
use crate::{Error, Result, Stack, provider::Registry};

/// What a program declares, checked: every reference exists, names are unique, every node has its provider, there is
/// no cycle.
#[derive(Clone, Default)]
pub struct Graph {
    /// The declared resources.
    pub nodes: BTreeMap<Urn, Node>,
    /// What is exported.
    pub exports: Exports,
    /// Where in the program that is.
    pub export_places: BTreeMap<String, &'static Location<'static>>,
    /// The resources in an order in which each comes after those it uses; the same for the same program.
    pub order: Vec<Urn>,
    /// The providers that the program left to their connectors.
    pub defaults: BTreeSet<Urn>,
    /// The program and stack, for generated names.
    pub stack: Option<StackName>,
    /// It is the graph of an earlier deployment: its nodes stand in no line of the program of today.
    pub is_restored: bool,
}

impl Graph {
    /// Checks what a program declared and orders it. The error has all its mistakes, not only the first.
    ///
    /// `defaults` gives the configuration of the provider that is used where the program names none.
    pub fn build(
        stack: Stack,
        registry: &Registry,
        defaults: &dyn Fn(&str) -> Result<Value>,
    ) -> Result<Self> {
        let mut mistakes = stack.mistakes;
        let mut graph = Self {
            exports: stack.exports,
            export_places: stack.export_places,
            stack: Some(stack.name),
            ..Self::default()
        };
        graph.fill(stack.nodes, &mut mistakes);
        graph.complete(registry, defaults, &mut mistakes);
        if mistakes.is_empty() {
            return Ok(graph);
        }
        // Those of the program text first, in the order of its lines.
        mistakes.sort_by_key(|mistake| mistake.at.map(|at| (at.file(), at.line(), at.column())));
        Err(Error::program(mistakes))
    }

    /// Adds what a program need not say, checks everything, and orders it.
    pub(super) fn complete(
        &mut self,
        registry: &Registry,
        defaults: &dyn Fn(&str) -> Result<Value>,
        mistakes: &mut Vec<Mistake>,
    ) {
        self.add_providers(registry, defaults, mistakes);
        for node in self.nodes.values() {
            checks::node(self, node, mistakes);
        }
        checks::exports(self, mistakes);
        checks::aliases(self, mistakes);
        match self.ordered() {
            Ok(order) => self.order = order,
            Err(cycles) => mistakes.extend(cycles),
        }
    }

    /// The graph of a program that declares nothing: what `destroy` plans for.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The resources that this one is made from: through its fields, by `depends_on`, and its provider.
    pub fn dependencies(&self, urn: &Urn) -> BTreeSet<Urn> {
        self.nodes.get(urn).map(Node::dependencies).unwrap_or_default()
    }

    /// The outputs that a lookup found, without those that are secret and cannot be opened here. An error if one of those
    /// is used.
    pub(crate) fn opened(&self, urn: &Urn, mut outputs: Value) -> Result<Value> {
        let Value::Map(map) = &mut outputs else { return Ok(outputs) };
        let closed: BTreeSet<String> =
            map.iter().filter(|(_, v)| v.has_unknown()).map(|(name, _)| name.clone()).collect();
        map.retain(|name, _| !closed.contains(name));
        if closed.is_empty() {
            return Ok(outputs);
        }
        let inputs = self.nodes.values().flat_map(|node| {
            node.inputs.values().map(move |expr| (format!("`{}`", node.urn), Some(node.at), expr))
        });
        let exports = self.exports.iter().map(|(name, expr)| {
            (format!("the export `{name}`"), self.export_places.get(name).copied(), expr)
        });
        let mut mistakes = Vec::new();
        for (user, at, expr) in inputs.chain(exports) {
            expr.references(&mut |of, path| {
                let Some(name) = path.first().filter(|name| of == urn && closed.contains(*name))
                else {
                    return;
                };
                let message = format!(
                    "{user} needs `{name}` of `{urn}`, which is secret and sealed with a key that this run does not \
                     have: say which with `.key(…)` on the reference"
                );
                mistakes.push(Mistake { message, urn: Some(urn.clone()), at });
            });
        }
        if mistakes.is_empty() { Ok(outputs) } else { Err(Error::program(mistakes)) }
    }

    /// A digest of everything that was declared: equal exactly for programs that declare the same. (What is secret
    /// in the program's text is left out: an unkeyed digest would let it be guessed.)
    pub fn hash(&self) -> String {
        encode::digest(self)
    }

    fn fill(&mut self, nodes: Vec<Node>, mistakes: &mut Vec<Mistake>) {
        for node in nodes {
            if let Some(first) = self.nodes.get(&node.urn) {
                let message = if first.at == node.at {
                    format!(
                        "declared twice by the same line: each turn of a loop needs a name of its own, like \
                         `format!(\"{}-{{i}}\")`",
                        node.urn.last()
                    )
                } else {
                    format!("declared twice; the first is at {}", first.at)
                };
                mistakes.push(Mistake { message, urn: Some(node.urn), at: Some(node.at) });
            } else {
                self.nodes.insert(node.urn.clone(), node);
            }
        }
    }

    /// Gives every node its provider, and declares the default ones that are used.
    fn add_providers(
        &mut self,
        registry: &Registry,
        defaults: &dyn Fn(&str) -> Result<Value>,
        mistakes: &mut Vec<Mistake>,
    ) {
        let mut used = BTreeMap::new();
        for node in self.nodes.values_mut() {
            let Some(kind) = node.driver.provider_kind() else { continue };
            if node.provider.is_none()
                && let Ok(urn) = Urn::new(kind, "default")
            {
                node.provider = Some(urn.clone());
                used.entry(urn).or_insert((kind, node.urn.clone(), node.at));
            }
        }
        for (provider, (kind, urn, at)) in used {
            let refuse = |message| mistakes.push(Mistake { message, urn: Some(urn), at: Some(at) });
            let Some(driver) = registry.get(kind).filter(|driver| driver.role() == Role::Provider)
            else {
                refuse(format!(
                    "no cloud of this program has the provider `{kind}`: add it with `App::cloud`"
                ));
                continue;
            };
            // A provider that the program declares under this name is its default.
            if self.nodes.contains_key(&provider) {
                continue;
            }
            match defaults(kind) {
                Ok(config) => {
                    let fields = config.as_map().cloned().unwrap_or_default();
                    let inputs =
                        fields.into_iter().map(|(name, v)| (name, Expr::Literal(v))).collect();
                    let node = Node {
                        urn: provider.clone(),
                        role: Role::Provider,
                        driver: Arc::clone(driver),
                        inputs,
                        provider: None,
                        options: NodeOptions::default(),
                        at,
                    };
                    self.defaults.insert(provider.clone());
                    self.nodes.insert(provider, node);
                }
                Err(e) => {
                    refuse(format!("the default provider `{kind}` cannot be configured: {e}"));
                }
            }
        }
    }

    fn ordered(&self) -> Result<Vec<Urn>, Vec<Mistake>> {
        let urns: Vec<_> = self.nodes.keys().collect();
        let places: HashMap<_, _> = urns.iter().enumerate().map(|(at, urn)| (*urn, at)).collect();
        let needs = |at: usize| {
            let needs = self.nodes[urns[at]].dependencies();
            // What is not declared is a mistake of its own.
            needs.iter().filter_map(|urn| places.get(urn).copied()).collect()
        };
        let order = order(urns.len(), needs);
        order
            .map(|order| order.into_iter().map(|at| urns[at].clone()).collect())
            .map_err(|cycles| cycles.iter().map(|cycle| self.cycle(&urns, cycle)).collect())
    }

    fn cycle(&self, urns: &[&Urn], cycle: &[usize]) -> Mistake {
        let names: Vec<_> =
            cycle.iter().chain(cycle.first()).map(|at| format!("`{}`", urns[*at])).collect();
        let first = cycle.first().map(|at| urns[*at]);
        Mistake {
            message: format!("needs itself: {}", names.join(" needs ")),
            urn: first.cloned(),
            at: first.and_then(|urn| self.nodes.get(urn)).map(|node| node.at),
        }
    }
}

impl Node {
    /// The resources that this one is made from: through its fields, by `depends_on`, and its provider.
    pub fn dependencies(&self) -> BTreeSet<Urn> {
        let mut found = self.options.depends_on.clone();
        for expr in self.inputs.values() {
            expr.references(&mut |urn, _| {
                found.insert(urn.clone());
            });
        }
        found.extend(self.provider.clone());
        found
    }
}
