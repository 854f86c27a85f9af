//! A graph that was filed with a deployment, as a graph again.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::Location,
    sync::Arc,
    time::Duration,
};

use infra_state::{Path, Snapshot, StackName, Urn, Value};

use super::{Expr, Graph, Mistake, Node, NodeOptions, encode};
use crate::{
    Error, ErrorKind, Resource, Result,
    provider::{Driver, OutputSchema, Registry},
    reference::{self, StackReference, TerraformState},
    secret::Secret,
    spelling::Spelling,
};

/// What a graph is restored with.
pub(crate) struct Restoring<'a> {
    /// Whose it is.
    pub(crate) stack: &'a StackName,
    /// The kinds that the program of today has.
    pub(crate) registry: &'a Registry,
    /// The configuration of the providers that are left to their connectors.
    pub(crate) defaults: &'a dyn Fn(&str) -> Result<Value>,
    /// What is remembered now.
    pub(crate) snapshot: &'a Snapshot,
}

impl Graph {
    /// The graph that [`Graph::to_value`] made this value of, and what there is to say about it.
    ///
    /// **Invariant:** a secret that is remembered stays what it is now, whatever the graph says of its length or
    /// rotation.
    pub(crate) fn restore(value: &Value, with: &Restoring<'_>) -> Result<(Self, Vec<String>)> {
        let nodes = value.get("nodes").and_then(Value::as_map).ok_or_else(malformed)?;
        let exports = value.get("exports").and_then(Value::as_map);
        let stack = Some(with.stack.clone());
        let mut graph = Self { stack, is_restored: true, ..Self::default() };
        for (name, value) in exports.into_iter().flatten() {
            graph.exports.insert(name.clone(), encode::decode(value)?);
        }
        let (mut mistakes, mut told) = (Vec::new(), Vec::new());
        let mut references = Vec::new();
        for (urn, value) in nodes {
            let stored = Stored::read(urn, value)?;
            if matches!(stored.urn.kind(), StackReference::KIND | TerraformState::KIND) {
                references.push(stored);
                continue;
            }
            let urn = stored.urn.clone();
            match with.registry.get(urn.kind()).map(Arc::clone) {
                Some(driver) => match stored.node(driver) {
                    Ok(node) => drop(graph.nodes.insert(urn, node)),
                    Err(message) => mistakes.push(mistake(&urn, message)),
                },
                None => mistakes
                    .push(mistake(&urn, "this program does not know its kind any more".to_owned())),
            }
        }
        for stored in references {
            let (urn, outputs) = (stored.urn.clone(), graph.used_of(&stored.urn));
            let driver = match stored.urn.kind() {
                TerraformState::KIND => reference::untyped_terraform(outputs),
                _ => reference::untyped(outputs),
            };
            match stored.node(driver) {
                Ok(node) => drop(graph.nodes.insert(urn, node)),
                Err(message) => mistakes.push(mistake(&urn, message)),
            }
        }
        graph.keep_secrets(with.snapshot, &mut told);
        if mistakes.is_empty() {
            graph.complete(with.registry, with.defaults, &mut mistakes);
        }
        if mistakes.is_empty() {
            return Ok((graph, told));
        }
        // The places are this file's, not the program's.
        for mistake in &mut mistakes {
            mistake.at = None;
        }
        Err(Error::program(mistakes))
    }

    /// The outputs of a resource that the others use.
    fn used_of(&self, urn: &Urn) -> Vec<OutputSchema> {
        let mut used = BTreeSet::new();
        let inputs = self.nodes.values().flat_map(|node| node.inputs.values());
        for expr in inputs.chain(self.exports.values()) {
            expr.references(&mut |of, path| {
                used.extend(path.first().filter(|_| of == urn).map(str::to_owned));
            });
        }
        let output = |name: String| OutputSchema {
            // Schemas are of programs, and names of programs are for ever; one rollback a process adds a few.
            name: name.leak(),
            doc: "",
            stable: false,
            secret: false,
            spelling: || Spelling::Json,
        };
        used.into_iter().map(output).collect()
    }

    /// Secrets that are remembered are declared as they are.
    fn keep_secrets(&mut self, snapshot: &Snapshot, told: &mut Vec<String>) {
        for node in self.nodes.values_mut().filter(|node| node.urn.kind() == Secret::KIND) {
            let name = node.urn.name();
            let Some(record) = snapshot.current(&node.urn) else {
                told.push(format!(
                    "the secret `{name}` is not remembered any more: a new one is generated"
                ));
                continue;
            };
            let then: BTreeMap<String, Value> =
                node.inputs.iter().filter_map(|(k, e)| Some((k.clone(), e.literal()?))).collect();
            let now = record.inputs.as_map().cloned().unwrap_or_default();
            let differs = ["rotation", "length", "alphabet"].into_iter().any(|field| {
                let default = |value: Option<&Value>| value.cloned().filter(|v| *v != Value::Null);
                let then = default(then.get(field));
                let implied = field == "length" && then.is_none();
                !implied && then != default(now.get(field))
            });
            if differs {
                told.push(format!(
                    "the secret `{name}` was made anew since: it stays what it is now"
                ));
            }
            node.inputs = now.into_iter().map(|(k, v)| (k, Expr::Literal(v))).collect();
        }
    }
}

fn mistake(urn: &Urn, message: String) -> Mistake {
    Mistake { message, urn: Some(urn.clone()), at: None }
}

fn malformed() -> Error {
    let message = "the graph of that deployment is malformed, or of a newer version";
    Error::new(ErrorKind::Failed, message)
}

/// One node as it is stored.
struct Stored {
    urn: Urn,
    version: u32,
    inputs: BTreeMap<String, Expr>,
    provider: Option<Urn>,
    options: NodeOptions,
}

impl Stored {
    fn read(urn: &str, value: &Value) -> Result<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let texts = |key: &str| -> Vec<&str> {
            let list = value.get(key).and_then(Value::as_list).unwrap_or_default();
            list.iter().filter_map(Value::as_str).collect()
        };
        let paths = |key: &str| -> Result<Vec<Path>> {
            texts(key).into_iter().map(|path| Ok(path.parse::<Path>()?)).collect()
        };
        let flag = |key: &str| matches!(value.get(key), Some(Value::Bool(true)));
        let number = |value: Option<&Value>| match value {
            Some(Value::Number(number)) => number.as_u64(),
            _ => None,
        };
        let limits = value.get("timeouts").and_then(Value::as_list).unwrap_or_default();
        let limit = |at: usize| number(limits.get(at)).map(Duration::from_secs);
        let allow = value.get("allow").and_then(Value::as_map).into_iter().flatten();
        let inputs = value.get("inputs").and_then(Value::as_map).ok_or_else(malformed)?;
        let inputs = inputs.iter().map(|(key, value)| {
            Ok((key.strip_prefix('$').unwrap_or(key).to_owned(), encode::decode(value)?))
        });
        Ok(Self {
            urn: urn.parse()?,
            version: number(value.get("version")).and_then(|v| v.try_into().ok()).unwrap_or(1),
            inputs: inputs.collect::<Result<_>>()?,
            provider: text("provider").map(str::parse).transpose()?,
            options: NodeOptions {
                protect: flag("protect"),
                retain_on_delete: flag("retain_on_delete"),
                depends_on: texts("depends_on")
                    .into_iter()
                    .map(str::parse)
                    .collect::<Result<_, _>>()?,
                ignore_changes: paths("ignore_changes")?,
                replace_on_changes: paths("replace_on_changes")?,
                delete_before_replace: flag("delete_before_replace"),
                aliases: texts("aliases").into_iter().map(str::to_owned).collect(),
                create_timeout: limit(0),
                update_timeout: limit(1),
                delete_timeout: limit(2),
                import: text("import").map(str::to_owned),
                adopt: flag("adopt"),
                allow: allow
                    .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
                    .collect(),
            },
        })
    }

    /// The node, in the version of today's driver.
    fn node(self, driver: Arc<dyn Driver>) -> Result<Node, String> {
        let (then, now) = (self.version, driver.version());
        let mut inputs = self.inputs;
        if then > now {
            return Err(format!(
                "it was declared for a newer version of its kind ({then}, here {now})"
            ));
        }
        if then < now {
            let literal = inputs.iter().map(|(key, expr)| Some((key.clone(), expr.literal()?)));
            let Some(old) = literal.collect::<Option<BTreeMap<_, _>>>() else {
                return Err(format!(
                    "it was declared for version {then} of its kind, and what hangs on other resources cannot be brought \
                     to version {now}"
                ));
            };
            let new = driver.upgrade(then, Value::Map(old)).map_err(|e| e.to_string())?;
            let new = new.as_map().cloned().unwrap_or_default();
            inputs = new.into_iter().map(|(key, value)| (key, Expr::Literal(value))).collect();
        }
        Ok(Node {
            urn: self.urn,
            role: driver.role(),
            driver,
            inputs,
            provider: self.provider,
            options: self.options,
            at: Location::caller(),
        })
    }
}
