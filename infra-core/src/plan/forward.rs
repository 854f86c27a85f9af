//! The pass over the declared resources, each after what it is made from: what is wanted of it, what is known of its
//! outputs, what has to be done.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use infra_state::{Instance, Path, Record, Status, Urn, Value};

use super::{
    Action, Assessment, Cause, Held, Moved, Observation, PlanOptions, Seen, Subject, Verdict, Why,
    assess, converge,
    draft::{Make, Replacing, because},
    identity,
    remembered::Remembered,
    resolve,
    scope::Scope,
};
use crate::{
    Error, Result,
    graph::{Expr, Graph, Mistake, Node, Role},
    provider::ErasedObserved,
};

/// How many links of a reason chain are kept.
const LINKS: usize = 8;

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
    moved: HashMap<&'a Urn, Moved>,
    mistakes: Vec<Mistake>,
    unknown: Held,
    nothing: Held,
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
            (Role::Lookup, record) => self.lookup(node, record),
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

    fn fresh(&self, node: &'a Node, cause: Cause) -> Result<Make<'a>> {
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
            moved: self.moved(node, &record),
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
            _ => self.in_place(node, record, desired, found, present(seen)),
        }
    }

    fn in_place(
        &self,
        node: &'a Node,
        record: Arc<Record>,
        desired: Value,
        found: Assessment,
        object: Option<&ErasedObserved>,
    ) -> Result<Make<'a>> {
        let live = object.and_then(|object| object.outputs.as_ref());
        let changed_outputs = live.is_some_and(|live| *live != record.outputs);
        let mut outputs = match live {
            Some(live) if changed_outputs => live.clone().into(),
            _ => Held::Outputs(Arc::clone(&record)),
        };
        let (action, record_only) = match found.verdict {
            Verdict::Update => {
                outputs = stable(node, &outputs).into();
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
        Ok(Make {
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
        })
    }

    fn replacement(
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
    fn options_changed(&self, node: &Node, record: &Record) -> bool {
        record.options != node.recorded_options()
            || record.holds_data != node.driver.schema().holds_data
            || record.provider.as_ref().map(|p| &p.urn) != node.provider.as_ref()
            || record.dependencies != node.dependencies()
            || record.status == Status::Incomplete
            || self.remembered.was_upgraded(record)
    }

    fn moved(&self, node: &Node, record: &Record) -> Moved {
        let (Some(provider), Some(made)) = (&node.provider, &record.provider) else {
            return Moved::No;
        };
        let same = made.urn == *provider;
        let unknown = if same { Moved::No } else { Moved::Maybe };
        let of_provider = self.moved.get(provider).copied().unwrap_or(unknown);
        identity::moved(self.seen.providers.get(provider), &made.identity, of_provider)
    }

    fn provider(&mut self, node: &'a Node, record: Option<Arc<Record>>) -> Result<Make<'a>> {
        let Some(record) = record else {
            let mut make = self.fresh(node, Cause::New)?;
            make.record_only = true;
            make.outputs = self.nothing.clone();
            return Ok(make);
        };
        let desired = self.wanted(node, &record.instance, Some(&record.inputs))?;
        let subject = Subject {
            node,
            recorded: &record,
            desired: &desired,
            seen: None,
            moved: Moved::No,
            asked: false,
        };
        let mut found = assess(&subject, &|path| self.follows(node, path));
        let mut identities = self.remembered.identities(&node.urn);
        let moved = match self.seen.providers.get(&node.urn) {
            _ if found.diff.is_empty() => Moved::No,
            Some(now) if identities.all(|made| made == now) => Moved::No,
            Some(_) => Moved::Yes,
            None if identities.next().is_none() || !desired.has_unknown() => Moved::No,
            None => Moved::Maybe,
        };
        if moved == Moved::No {
            found.verdict = found.verdict.min(Verdict::Update);
            let mut make = self.in_place(node, record, desired, found, None)?;
            make.record_only = make.acts();
            make.outputs = self.nothing.clone();
            return Ok(make);
        }
        // Until all that was made through the old connection is gone, its configuration must be remembered.
        self.moved.insert(&node.urn, moved);
        let mut make = self.replacement(node, record, found)?;
        if let Some(replacing) = &mut make.replaces {
            replacing.if_changed = moved == Moved::Maybe;
            replacing.first = None;
        }
        make.record_only = true;
        make.outputs = self.nothing.clone();
        Ok(make)
    }

    fn lookup(&self, node: &'a Node, record: Option<Arc<Record>>) -> Result<Make<'a>> {
        let instance = record.as_ref().map_or_else(|| (self.mint)(), |record| record.instance.clone());
        let inputs = self.wanted(node, &instance, record.as_deref().map(|record| &record.inputs))?;
        let pinned = record.as_ref().filter(|record| record.inputs == inputs);
        let looked_up = self.seen.lookups.get(&node.urn);
        let mut make = Make {
            node,
            action: Action::Read,
            instance,
            recorded: record.clone(),
            inputs: Held::from(Value::Null),
            outputs: self.unknown.clone(),
            diff: Vec::new(),
            drift: Vec::new(),
            paths: Vec::new(),
            replaces: None,
            why: Vec::new(),
            record_only: false,
        };
        match (pinned, looked_up) {
            (Some(record), found)
                if found.map_or(!self.options.refresh_lookups, |found| *found == record.outputs) =>
            {
                make.action = Action::Keep;
                make.record_only = self.options_changed(node, record);
                make.inputs = Held::Inputs(Arc::clone(record));
                make.outputs = Held::Outputs(Arc::clone(record));
                return Ok(make);
            }
            (_, Some(found)) if !inputs.has_unknown() => {
                make.outputs = found.clone().into();
                make.record_only = true;
            }
            _ => {}
        }
        let cause = if record.is_some() { Cause::Changed } else { Cause::New };
        make.why.push(because(&node.urn, None, cause));
        make.inputs = inputs.into();
        Ok(make)
    }

    /// The other resource's output that a value hangs on and that is not known.
    fn follows(&self, node: &Node, path: &Path) -> Option<Cause> {
        let (field, rest) = path.0.split_first()?;
        let infra_state::Segment::Key(field) = field else { return None };
        let mut expr = node.inputs.get(field)?;
        for segment in rest {
            expr = match (segment, expr) {
                (infra_state::Segment::Key(key), Expr::Map(map)) => map.get(key)?,
                (infra_state::Segment::Index(at), Expr::List(list)) => list.get(*at)?,
                _ => break,
            };
        }
        let mut cause = None;
        expr.references(&mut |urn, output| {
            let known = self.outputs(urn).is_some_and(|outputs| {
                !matches!(outputs, Value::Unknown)
                    && output.get(outputs).is_none_or(|value| !value.has_unknown())
            });
            if !known && cause.is_none() {
                cause = Some(Cause::Follows { urn: urn.clone(), output: output.clone() });
            }
        });
        cause
    }

    /// The causes, the first of them led to by what caused it elsewhere.
    fn chain(&self, node: &Node, found: &Assessment) -> Vec<Why> {
        let mut chain = Vec::new();
        let led = found.causes.iter().find_map(|(_, cause)| match cause {
            Cause::Follows { urn, .. } => self.places.get(urn).map(|at| &self.makes[*at].why),
            Cause::ProviderMoved => {
                let provider = node.provider.as_ref()?;
                self.places.get(provider).map(|at| &self.makes[*at].why)
            }
            _ => None,
        });
        if let Some(led) = led {
            let skipped = led.len().saturating_sub(LINKS);
            chain.extend(led.iter().take(1).cloned());
            chain.extend(led.iter().skip(1 + skipped).cloned());
        }
        let mut told = BTreeSet::new();
        let mut seldom = BTreeMap::new();
        for (path, cause) in &found.causes {
            // One follows-link per output is enough, and one example of each other kind of cause beyond a few.
            let once = match cause {
                Cause::Follows { urn, output } => told.insert((urn, output)),
                Cause::Changed | Cause::Drifted => {
                    let count: &mut usize = seldom.entry(*cause == Cause::Drifted).or_default();
                    *count += 1;
                    *count <= LINKS
                }
                _ => true,
            };
            if once {
                chain.push(because(&node.urn, path.clone(), cause.clone()));
            }
        }
        chain
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

/// The outputs after an update: those that no update changes.
fn stable(node: &Node, outputs: &Value) -> Value {
    let schema = node.driver.schema();
    let known = |output: &crate::provider::OutputSchema| {
        let value = outputs.get(output.name).filter(|_| output.stable);
        let absent = output.stable && outputs.as_map().is_some();
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
