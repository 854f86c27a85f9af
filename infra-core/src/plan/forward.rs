//! The pass over the declared resources, each after what it is made from: what is wanted of it, what is known of its
//! outputs, what has to be done.

use std::{collections::HashMap, sync::Arc};

use infra_state::{Instance, Record, Status, Urn, Value};

use super::{
    Action, Assessment, Cause, Held, Moved, Observation, PlanOptions, Seen, Subject, Verdict,
    assess, converge,
    draft::{Make, Replacing, because},
    identity,
    remembered::Remembered,
    resolve,
    scope::Scope,
};
use crate::{
    Error, Result,
    graph::{Graph, Mistake, Node, Role, checks},
    provider::ErasedObserved,
};

/// The pass, as far as it has come.
pub(super) struct Forward<'a> {
    pub(super) graph: &'a Graph,
    pub(super) remembered: &'a Remembered<'a>,
    pub(super) seen: &'a Observation,
    pub(super) options: &'a PlanOptions,
    pub(super) scope: &'a Scope,
    pub(super) mint: &'a dyn Fn() -> Instance,
    pub(super) makes: Vec<Make<'a>>,
    /// Where in `makes` a resource is.
    pub(super) places: HashMap<&'a Urn, usize>,
    /// The providers that point, or may point, somewhere else.
    pub(super) moved: HashMap<&'a Urn, Moved>,
    mistakes: Vec<Mistake>,
    pub(super) unknown: Held,
    /// What a provider gives.
    pub(super) nothing: Held,
}

impl<'a> Forward<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        remembered: &'a Remembered<'a>,
        seen: &'a Observation,
        options: &'a PlanOptions,
        scope: &'a Scope,
        mint: &'a dyn Fn() -> Instance,
    ) -> Self {
        Self {
            graph,
            remembered,
            seen,
            options,
            scope,
            mint,
            makes: Vec::with_capacity(graph.order.len()),
            places: HashMap::with_capacity(graph.order.len()),
            moved: HashMap::new(),
            mistakes: Vec::new(),
            unknown: Value::Unknown.into(),
            nothing: Value::map().into(),
        }
    }

    /// Goes over all resources. The error has all that is wrong.
    pub(super) fn run(&mut self) -> Result<()> {
        let graph = self.graph;
        for urn in &graph.order {
            let Some(node) = graph.nodes.get(urn).filter(|_| self.scope.has(urn)) else { continue };
            match self.make(node) {
                Ok(make) => {
                    self.mistakes.extend(checks::resolved(node, &make.inputs, make.acts()));
                    self.places.insert(&node.urn, self.makes.len());
                    self.makes.push(make);
                }
                Err(e) if e.mistakes().is_empty() => return Err(e),
                // What hangs on it is planned as if it were not known, to find more mistakes.
                Err(e) => self.mistakes.extend_from_slice(e.mistakes()),
            }
        }
        if self.mistakes.is_empty() {
            Ok(())
        } else {
            Err(Error::program(std::mem::take(&mut self.mistakes)))
        }
    }

    /// What is known of a resource's outputs.
    pub(super) fn outputs(&self, urn: &Urn) -> Option<&Value> {
        match self.places.get(urn) {
            Some(at) => Some(&self.makes[*at].outputs),
            None => self.remembered.current(urn).map(|record| &record.outputs),
        }
    }

    /// What is wanted of a node as the object `instance`.
    pub(super) fn wanted(
        &self,
        node: &Node,
        instance: &Instance,
        recorded: Option<&Value>,
    ) -> Result<Value> {
        resolve(self.graph, node, &|urn| self.outputs(urn), instance, recorded)
    }

    fn make(&mut self, node: &'a Node) -> Result<Make<'a>> {
        let record = self.remembered.current(&node.urn).cloned();
        match (node.role, record) {
            (Role::Provider, record) => self.provider(node, record),
            (Role::Lookup, record) => self.lookup(node, record.as_ref()),
            (Role::Managed, None) => self.new_object(node, Cause::New),
            // The cloud never told an id: there may be nothing, and nothing to find it by.
            (Role::Managed, Some(record)) if record.id.is_none() => {
                let mut make = self.new_object(node, Cause::Unfinished)?;
                make.replaces = Some(gone(&record));
                make.recorded = Some(record);
                Ok(make)
            }
            (Role::Managed, Some(record)) => self.existing(node, record),
        }
    }

    pub(super) fn fresh(&self, node: &'a Node, cause: Cause) -> Result<Make<'a>> {
        let instance = (self.mint)();
        let inputs = self.wanted(node, &instance, None)?;
        Ok(Make {
            node,
            action: Action::Create,
            instance,
            recorded: None,
            inputs: inputs.into(),
            outputs: self.unknown.clone(),
            diff: Vec::new(),
            drift: Vec::new(),
            paths: Vec::new(),
            replaces: None,
            why: vec![because(&node.urn, None, cause)],
            record_only: false,
        })
    }

    /// A new object, or one that exists and is taken over.
    fn new_object(&self, node: &'a Node, cause: Cause) -> Result<Make<'a>> {
        let mut make = self.fresh(node, cause)?;
        let wrong = |message: String| {
            let (urn, at) = (Some(node.urn.clone()), Some(node.at));
            Error::program(vec![Mistake { message, urn, at }])
        };
        let found = self.seen.imports.get(&node.urn);
        let object = match (found, &node.options.import) {
            (Some(Seen::Present(object)), _) => object,
            (Some(Seen::Absent), Some(id)) => {
                return Err(wrong(format!("there is no object with the id {id:?} to import")));
            }
            (None, Some(_)) => {
                make.action = Action::Import;
                return Ok(make);
            }
            _ => return Ok(make),
        };
        if node.options.import.is_none() && object.owner.is_some() {
            return Err(wrong(format!(
                "an object with its name exists ({}) and belongs to a stack already: it is not adopted",
                object.id
            )));
        }
        make.action = Action::Import;
        make.diff = converge(node.driver.schema(), &object.live, &make.inputs);
        let fixed: Vec<_> = make
            .diff
            .iter()
            .filter(|diff| diff.kind == super::DiffKind::Replace)
            .map(|diff| format!("`{}`", diff.path))
            .collect();
        if !fixed.is_empty() {
            return Err(wrong(format!(
                "the object {} cannot be taken over: {} differ from what is declared and cannot be changed in place. \
                 Declare what it has",
                object.id,
                fixed.join(", ")
            )));
        }
        make.paths = make.diff.iter().map(|diff| diff.path.clone()).collect();
        if make.diff.is_empty()
            && let Some(outputs) = &object.outputs
        {
            make.outputs = outputs.clone().into();
        }
        Ok(make)
    }

    fn existing(&mut self, node: &'a Node, record: Arc<Record>) -> Result<Make<'a>> {
        let desired = self.wanted(node, &record.instance, Some(&record.inputs))?;
        let seen = self.remembered.seen(self.seen, &record);
        let subject = Subject {
            node,
            recorded: &record,
            desired: &desired,
            seen,
            moved: self.moved_for(node, &record),
            asked: self.options.replaces.contains(&node.urn),
        };
        let found = assess(&subject, &|path| self.follows(node, path));
        match found.verdict {
            Verdict::Missing => {
                let mut make = self.new_object(node, Cause::Missing)?;
                make.replaces = Some(gone(&record));
                make.recorded = Some(record);
                Ok(make)
            }
            Verdict::Replace | Verdict::ReplaceIfChanged => self.replacement(node, record, found),
            _ => Ok(self.in_place(node, record, desired, found, present(seen))),
        }
    }

    pub(super) fn in_place(
        &self,
        node: &'a Node,
        record: Arc<Record>,
        desired: Value,
        found: Assessment,
        object: Option<&ErasedObserved>,
    ) -> Make<'a> {
        let live = object.and_then(|object| object.outputs.as_ref());
        let changed_outputs = live.is_some_and(|live| *live != record.outputs);
        let mut outputs = match live {
            Some(live) if changed_outputs => live.clone().into(),
            _ => Held::Outputs(Arc::clone(&record)),
        };
        let (action, record_only) = match found.verdict {
            Verdict::Update => {
                // What never got ready has not given all its outputs yet.
                let given = live.is_some() || record.status == Status::Ready;
                outputs = stable(node, &outputs, given).into();
                (Action::Update, false)
            }
            verdict => {
                let record_only = verdict == Verdict::Record
                    || changed_outputs
                    || self.options_changed(node, &record);
                (Action::Keep, record_only)
            }
        };
        let inputs = match action {
            Action::Keep if found.verdict == Verdict::Keep => Held::Inputs(Arc::clone(&record)),
            _ => desired.into(),
        };
        Make {
            node,
            action,
            instance: record.instance.clone(),
            recorded: Some(record),
            inputs,
            outputs,
            paths: found.paths(),
            why: self.chain(node, &found),
            diff: found.diff,
            drift: found.drift,
            replaces: None,
            record_only,
        }
    }

    pub(super) fn replacement(
        &self,
        node: &'a Node,
        record: Arc<Record>,
        found: Assessment,
    ) -> Result<Make<'a>> {
        let mut make = self.fresh(node, Cause::New)?;
        let elsewhere = found.causes.iter().any(|(_, cause)| *cause == Cause::ProviderMoved);
        make.why = self.chain(node, &found);
        make.replaces = Some(Replacing {
            if_changed: found.verdict == Verdict::ReplaceIfChanged,
            first: delete_first(node, &record.inputs, &make.inputs, elsewhere),
            old: Arc::clone(&record),
            gone: false,
        });
        make.diff = found.diff;
        make.drift = found.drift;
        make.recorded = Some(record);
        Ok(make)
    }

    /// Whether the record says something else about how to treat the resource, or where it comes from.
    pub(super) fn options_changed(&self, node: &Node, record: &Record) -> bool {
        node.treats_otherwise(&record.options)
            || record.holds_data != node.driver.schema().holds_data
            || record.provider.as_ref().map(|p| &p.urn) != node.provider.as_ref()
            || record.dependencies != node.dependencies()
            || record.status == Status::Incomplete
            || self.remembered.was_upgraded(record)
    }

    fn moved_for(&self, node: &Node, record: &Record) -> Moved {
        let (Some(provider), Some(made)) = (&node.provider, &record.provider) else {
            return Moved::No;
        };
        let same = made.urn == *provider;
        let unknown = if same { Moved::No } else { Moved::Maybe };
        let of_provider = self.moved.get(provider).copied().unwrap_or(unknown);
        identity::moved(self.seen.providers.get(provider), &made.identity, of_provider)
    }
}

fn gone(record: &Arc<Record>) -> Replacing {
    let first = Some("it does not exist any more".to_owned());
    Replacing { old: Arc::clone(record), if_changed: false, first, gone: true }
}

fn present(seen: Option<&Seen>) -> Option<&ErasedObserved> {
    match seen {
        Some(Seen::Present(object)) => Some(object),
        _ => None,
    }
}

/// The outputs after an update: those that no update changes. Where all of them were `given`, one that is not there is
/// known to be absent.
fn stable(node: &Node, outputs: &Value, given: bool) -> Value {
    let schema = node.driver.schema();
    let known = |output: &crate::provider::OutputSchema| {
        let value = outputs.get(output.name).filter(|_| output.stable);
        let absent = output.stable && given;
        match value {
            Some(value) => Some((output.name.to_owned(), value.clone())),
            None if absent => None,
            None => Some((output.name.to_owned(), Value::Unknown)),
        }
    };
    Value::Map(schema.outputs.iter().filter_map(known).collect())
}

/// Why the old object has to go before the new one is made.
fn delete_first(node: &Node, recorded: &Value, wanted: &Value, elsewhere: bool) -> Option<String> {
    let schema = node.driver.schema();
    if let Some(why) = schema.delete_before_replace {
        return Some(why.to_owned());
    }
    if node.options.delete_before_replace {
        return Some("`delete_before_replace` asks for it".to_owned());
    }
    if !elsewhere && let Some(why) = node.driver.collides(recorded, wanted) {
        return Some(why);
    }
    let named = schema.fields.iter().filter(|f| f.name_rule.is_some() && !elsewhere);
    let mut fixed = named.filter(|field| node.inputs.contains_key(field.name));
    let clash = fixed.find(|field| match (recorded.get(field.name), wanted.get(field.name)) {
        (Some(recorded), Some(wanted)) => recorded.same(wanted) || wanted.has_unknown(),
        _ => false,
    })?;
    Some(format!("{}`{}` is fixed and can be had only once", FIXED, clash.name))
}

/// How the reason of a fixed name begins.
pub(super) const FIXED: &str = "the name in ";
