//! Fake kinds, and programs written in few words.

use std::{panic::Location, sync::Arc};

use async_trait::async_trait;
use infra_state::{Path, StackName, Urn, Value};

use crate::{
    Result, Stack,
    graph::{Expr, Graph, Node, NodeOptions, Role},
    provider::{
        Connection, Driver, ErasedChange, ErasedFind, ErasedObserved, Error, FieldSchema, Grant,
        Lock, Memo, NameRule, Once, Operation, Order, OutputSchema, Reason, Registry, Schema,
        Shape, Timeouts, Violation,
    },
    spelling::Spelling,
};

pub(super) struct Fake {
    pub(super) schema: Schema,
    pub(super) role: Role,
    pub(super) version: u32,
}

pub(super) fn field(name: &'static str, shape: Shape) -> FieldSchema {
    FieldSchema::variant(name, shape)
}

fn outputs() -> Vec<OutputSchema> {
    [("id", true), ("arn", true), ("rev", false)]
        .map(|(name, stable)| OutputSchema {
            name,
            doc: "",
            stable,
            secret: false,
            spelling: || Spelling::Json,
        })
        .into()
}

pub(super) fn list(order: Order) -> Shape {
    Shape::List { of: Box::new(Shape::Scalar), order }
}

/// A kind with a field for every attribute.
pub(super) fn thing(kind: &'static str) -> Fake {
    let rule = NameRule { max: 30, extra: "-", lowercase: true };
    let fields = vec![
        FieldSchema { replace: true, ..field("fixed", Shape::Scalar) },
        FieldSchema { replace: true, name_rule: Some(rule), ..field("name", Shape::Scalar) },
        FieldSchema { replace: true, ..field("roots", list(Order::List)) },
        FieldSchema { default: Some(1_u64.into()), ..field("size", Shape::Scalar) },
        FieldSchema { write_only: true, secret: true, ..field("password", Shape::Scalar) },
        FieldSchema { computed: true, ..field("zone", Shape::Scalar) },
        FieldSchema { tags: true, ..field("tags", Shape::Map(Box::new(Shape::Scalar))) },
        field("links", list(Order::List)),
    ];
    let schema = Schema {
        kind,
        path: String::new(),
        cloud: None,
        doc: "",
        fields,
        outputs: outputs(),
        holds_data: false,
        delete_before_replace: None,
        declarative: false,
    };
    Fake { schema, role: Role::Managed, version: 1 }
}

pub(super) fn registry() -> Registry {
    let mut registry = Registry::default();
    let mut data = thing("fake:Data");
    data.schema.holds_data = true;
    let mut solo = thing("fake:Solo");
    solo.schema.delete_before_replace = Some("there can be one only");
    let mut lookup = thing("fake:Find");
    lookup.role = Role::Lookup;
    lookup.schema.fields.retain(|field| field.name != "name");
    let mut provider = thing("fake:Provider");
    provider.role = Role::Provider;
    provider.schema.outputs.clear();
    provider.schema.fields = vec![
        field("region", Shape::Scalar),
        field("profile", Shape::Scalar),
        field(super::super::DEFAULT_TAGS, Shape::Map(Box::new(Shape::Scalar))),
    ];
    for fake in [thing("fake:Thing"), thing("fake:Rule"), data, solo, lookup, provider] {
        registry.add(Arc::new(fake));
    }
    registry.add(crate::secret::driver());
    registry
}

#[async_trait]
impl Driver for Fake {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn role(&self) -> Role {
        self.role
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn provider_kind(&self) -> Option<&'static str> {
        (self.role != Role::Provider).then_some("fake:Provider")
    }

    fn upgrade(&self, from: u32, inputs: Value) -> Result<Value, Error> {
        let Value::Map(mut map) = inputs else { return Ok(inputs) };
        // The oldest version called `size` something else.
        if from == 0 {
            map.extend(map.get("bigness").cloned().map(|size| ("size".to_owned(), size)));
            map.remove("bigness");
        }
        Ok(Value::Map(map))
    }

    fn type_check(&self, inputs: &Value) -> Vec<Violation> {
        match inputs.get("size").map(Value::revealed) {
            None | Some(Value::Number(_)) => Vec::new(),
            Some(other) => {
                let message = format!("expected a number, found {}", other.describe());
                vec![Violation { path: Path::field("size"), message }]
            }
        }
    }

    fn check(&self, want: &Value) -> Vec<Violation> {
        let negative = matches!(want.get("size"), Some(Value::Number(n)) if n.as_i64() < Some(0));
        let wrong = Violation { path: Path::field("size"), message: "is negative".into() };
        negative.then_some(wrong).into_iter().collect()
    }

    fn replaces(&self, old: &Value, new: &Value) -> Option<Reason> {
        let size = |value: &Value| match value.get("size") {
            Some(Value::Number(number)) => number.as_i64(),
            _ => None,
        };
        let shrinks = size(new)? < size(old)?;
        let message = "it can only grow".to_owned();
        shrinks.then_some(Reason { path: Path::field("size"), message })
    }

    fn collides(&self, old: &Value, new: &Value) -> Option<String> {
        let same = self.schema.kind == "fake:Rule" && old.get("zone") == new.get("zone");
        same.then(|| "a zone has such a rule once".to_owned())
    }

    fn serialize_on(&self, _: &Value) -> Option<Lock> {
        None
    }

    fn once(&self) -> Once {
        Once::default()
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts::default()
    }

    fn grants(&self, _: &ErasedChange) -> Result<Vec<Grant>, Error> {
        Ok(Vec::new())
    }

    async fn read(
        &self,
        _: &Connection,
        _: &Memo,
        find: Vec<ErasedFind>,
    ) -> Vec<Result<Option<ErasedObserved>, Error>> {
        find.iter().map(|_| Ok(None)).collect()
    }

    async fn create(&self, _: &Connection, _: &Value, _: &Operation) -> Result<String, Error> {
        Err(Error::invalid("plans call nothing"))
    }

    async fn update(&self, _: &Connection, _: &ErasedChange, _: &Operation) -> Result<(), Error> {
        Err(Error::invalid("plans call nothing"))
    }

    async fn delete(
        &self,
        _: &Connection,
        _: &ErasedObserved,
        _: &Value,
        _: &Operation,
    ) -> Result<(), Error> {
        Err(Error::invalid("plans call nothing"))
    }
}

pub(super) fn urn(text: &str) -> Urn {
    let text = if text.contains("::") { text.to_owned() } else { format!("fake:Thing::{text}") };
    text.parse().unwrap()
}

/// The output of another resource: `out("net", "id")`.
pub(super) fn out(name: &str, output: &str) -> Expr {
    Expr::Reference { urn: urn(name), path: Path::field(output) }
}

pub(super) fn lit(value: impl Into<Value>) -> Expr {
    Expr::Literal(value.into())
}

/// A program being written down.
#[derive(Clone)]
pub(super) struct Program {
    registry: Registry,
    nodes: Vec<Node>,
    pub(super) region: &'static str,
    pub(super) profile: &'static str,
}

impl Program {
    pub(super) fn new() -> Self {
        Self { registry: registry(), nodes: Vec::new(), region: "here", profile: "me" }
    }

    /// Declares a resource.
    #[track_caller]
    pub(super) fn add<const N: usize>(self, name: &str, fields: [(&str, Expr); N]) -> Self {
        self.add_with(name, fields, |_| ())
    }

    #[track_caller]
    pub(super) fn add_with<const N: usize>(
        mut self,
        name: &str,
        fields: [(&str, Expr); N],
        options: impl FnOnce(&mut NodeOptions),
    ) -> Self {
        let urn = urn(name);
        let driver = Arc::clone(self.registry.get(urn.kind()).unwrap());
        let mut node = Node {
            urn,
            role: driver.role(),
            driver,
            inputs: fields.into_iter().map(|(k, e)| (k.to_owned(), e)).collect(),
            provider: None,
            options: NodeOptions::default(),
            at: Location::caller(),
        };
        options(&mut node.options);
        self.nodes.push(node);
        self
    }

    /// The last node again, changed at will.
    pub(super) fn but(mut self, change: impl FnOnce(&mut Node)) -> Self {
        change(self.nodes.last_mut().unwrap());
        self
    }

    pub(super) fn try_build(&self) -> Result<Graph> {
        let mut stack = Stack::new(StackName::new("p", "dev").unwrap(), Value::map());
        stack.nodes.clone_from(&self.nodes);
        let default = |_: &str| {
            Ok(Value::from([
                ("region", Value::from(self.region)),
                ("profile", Value::from(self.profile)),
                ("default_tags", Value::from([("team", Value::from("core"))])),
            ]))
        };
        Graph::build(stack, &self.registry, &default)
    }

    pub(super) fn build(&self) -> Graph {
        self.try_build().unwrap_or_else(|e| panic!("{e:?}"))
    }
}
