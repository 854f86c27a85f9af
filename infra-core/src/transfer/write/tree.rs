//! The functions of a program: what each declares, takes and gives.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::Urn;

use super::{
    group::{Places, Unit},
    names::{Names, snake},
    order::{Called, Item, Part},
    reach::{Reached, Scope},
    term::Term,
    uses::Uses,
};
use crate::{provider::Schema, transfer::Declaration};

/// One function.
pub(super) struct Function {
    /// Which one calls it; the program itself is called by nobody.
    pub(super) parent: Option<usize>,
    /// Why it is one.
    pub(super) called: Option<Called>,
    /// What it is called.
    pub(super) name: String,
    /// What its result is called, if it has one.
    pub(super) result: String,
    pub(super) steps: Vec<Step>,
    /// What it takes from those around it.
    pub(super) takes: BTreeSet<Thing>,
    /// What it gives to those around it.
    pub(super) gives: BTreeSet<Thing>,
    /// The variables in it.
    pub(super) variables: BTreeMap<Thing, String>,
    /// Names that are taken in it.
    pub(super) names: Names,
}

/// One thing that a function does.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// It declares a unit.
    Declare(usize),
    /// It calls a function.
    Call(usize),
}

/// What a variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    /// The handle of a unit, or all handles of a loop.
    Unit(usize),
    /// What a function gave.
    Result(usize),
}

/// All functions, the program itself first.
pub(super) struct Tree<'a> {
    pub(super) functions: Vec<Function>,
    pub(super) units: &'a [Unit<'a>],
    /// Which function declares a unit.
    home: Vec<usize>,
    unit_of: BTreeMap<&'a Urn, usize>,
    places: &'a Places,
}

impl<'a> Tree<'a> {
    /// The functions that do these things. `exported` is what the program itself needs beside.
    pub(super) fn new(
        units: &'a [Unit<'a>],
        places: &'a Places,
        items: &[Item],
        exported: &BTreeSet<&Urn>,
    ) -> Self {
        let mut unit_of = BTreeMap::new();
        for (at, unit) in units.iter().enumerate() {
            unit_of.extend(unit.members.iter().map(|member| (&member.urn, at)));
        }
        let home = vec![0; units.len()];
        let mut tree = Self { functions: Vec::new(), units, home, unit_of, places };
        let mut names = Names::taken(["main", "program", "stack", "key", "index"]);
        let mut types: Vec<&str> = Uses::known().collect();
        types.extend(units.iter().filter_map(|unit| {
            let path = &unit.first().driver.schema().path;
            // What has a module before it is told apart by that.
            path.rsplit_once("::").filter(|(module, _)| !module.contains("::")).map(|(_, it)| it)
        }));
        let mut types = Names::taken(types);
        tree.add(None, None, "program".to_owned(), String::new());
        tree.fill(0, items, &mut names, &mut types);
        for (at, unit) in units.iter().enumerate() {
            let user = tree.home[at];
            for urn in unit.needs() {
                tree.connect(urn, user);
            }
        }
        for urn in exported {
            tree.connect(urn, 0);
        }
        (0..tree.functions.len()).for_each(|at| tree.name_variables(at));
        tree
    }

    fn add(
        &mut self,
        parent: Option<usize>,
        called: Option<Called>,
        name: String,
        result: String,
    ) -> usize {
        self.functions.push(Function {
            parent,
            called,
            name,
            result,
            steps: Vec::new(),
            takes: BTreeSet::new(),
            gives: BTreeSet::new(),
            variables: BTreeMap::new(),
            names: Names::taken(["stack", "key", "index"]),
        });
        self.functions.len() - 1
    }

    fn fill(&mut self, at: usize, items: &[Item], names: &mut Names, types: &mut Names) {
        for item in items {
            match item {
                Item::Unit(unit) => {
                    self.home[*unit] = at;
                    self.functions[at].steps.push(Step::Declare(*unit));
                }
                Item::Part(Part { called, items }) => {
                    let (Called::Scope(text) | Called::Service(text)) = called;
                    // One inside another is called after both where its own name is taken.
                    let outer = if at == 0 { "part" } else { &self.functions[at].name };
                    let name = names.pick(text, outer);
                    let result = types.pick_type(&name);
                    let inner = self.add(Some(at), Some(called.clone()), name, result);
                    self.functions[at].steps.push(Step::Call(inner));
                    self.fill(inner, items, names, types);
                }
            }
        }
    }

    /// The functions from the program itself to this one.
    fn chain(&self, at: usize) -> Vec<usize> {
        let outer = std::iter::successors(Some(at), |at| self.functions[*at].parent);
        let mut chain: Vec<_> = outer.collect();
        chain.reverse();
        chain
    }

    /// How many functions two chains have in common.
    fn common(a: &[usize], b: &[usize]) -> usize {
        a.iter().zip(b).take_while(|(a, b)| a == b).count()
    }

    /// A function uses a resource: it is given out of the functions around it, and into those around the user.
    fn connect(&mut self, urn: &Urn, user: usize) {
        let Some(unit) = self.unit_of.get(urn).copied() else { return };
        let (from, to) = (self.chain(self.home[unit]), self.chain(user));
        let common = Self::common(&from, &to);
        let mut thing = Thing::Unit(unit);
        self.functions[self.home[unit]].variables.entry(thing).or_default();
        for at in from[common..].iter().rev() {
            self.functions[*at].gives.insert(thing);
            thing = Thing::Result(*at);
            if let Some(parent) = self.functions[*at].parent {
                self.functions[parent].variables.entry(thing).or_default();
            }
        }
        for at in &to[common..] {
            self.functions[*at].takes.insert(thing);
            self.functions[*at].variables.entry(thing).or_default();
        }
    }

    fn name_variables(&mut self, at: usize) {
        let calls: Vec<_> = self.functions[at]
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Call(inner) => Some(self.functions[*inner].name.clone()),
                Step::Declare(_) => None,
            })
            .collect();
        let mut names =
            Names::taken(calls.iter().map(String::as_str).chain(["stack", "key", "index"]));
        let mut variables = BTreeMap::new();
        for thing in self.functions[at].variables.keys() {
            let name = match thing {
                // Nothing else in this function can have the name of a function that it calls.
                Thing::Result(inner) if self.functions[*inner].parent == Some(at) => {
                    self.functions[*inner].name.clone()
                }
                Thing::Result(inner) => names.pick(&self.functions[*inner].name, "part"),
                Thing::Unit(unit) => self.unit_name(*unit, &mut names),
            };
            variables.insert(*thing, name);
        }
        self.functions[at].variables = variables;
        self.functions[at].names = names.settled();
    }

    fn unit_name(&self, unit: usize, names: &mut Names) -> String {
        let unit = &self.units[unit];
        let schema = unit.first().driver.schema();
        let kind = snake(schema.path.rsplit("::").next().unwrap_or_default());
        let group = || unit.first().member.as_ref()?.group.rsplit('.').next();
        let own = match &unit.body.name {
            Term::Keyed(before, _) if !snake(before).is_empty() => before.clone(),
            _ if unit.table.is_some() => group().unwrap_or_default().to_owned(),
            _ => unit.first().urn.last().to_owned(),
        };
        match &*snake(&own) {
            // Terraform's words for "the one".
            "this" | "main" | "default" | "it" => names.pick(&kind, &own),
            _ => names.pick(&own, &kind),
        }
    }

    /// What a function sees.
    pub(super) fn seen_from(&self, function: usize) -> Seen<'_, 'a> {
        Seen { tree: self, function }
    }

    fn reach(&self, urn: &Urn, function: usize) -> Option<Reached> {
        let unit = *self.unit_of.get(urn)?;
        let (from, to) = (self.chain(self.home[unit]), self.chain(function));
        let common = Self::common(&from, &to);
        let mut things: Vec<_> = from[common..].iter().map(|at| Thing::Result(*at)).collect();
        things.push(Thing::Unit(unit));
        let (first, fields) = things.split_first()?;
        let mut text = self.functions[function].variables.get(first)?.clone();
        for (field, of) in fields.iter().zip(&from[common..]) {
            text.push('.');
            text.push_str(self.functions[*of].variables.get(field)?);
        }
        let is_argument = common < to.len();
        let member = self.units[unit].table.as_ref().and_then(|_| {
            let (_, collection, key) = self.places.get(urn)?;
            Some((*collection, key.clone()))
        });
        Some(Reached { text, is_reference: is_argument && fields.is_empty(), member })
    }
}

/// The resources as one function sees them.
pub(super) struct Seen<'t, 'a> {
    tree: &'t Tree<'a>,
    function: usize,
}

impl Seen<'_, '_> {
    /// Whether a variable of the function is a reference that it was given.
    pub(super) fn is_argument(&self, thing: Thing) -> bool {
        self.tree.functions[self.function].takes.contains(&thing)
    }
}

impl Scope for Seen<'_, '_> {
    fn reach(&self, urn: &Urn) -> Option<Reached> {
        self.tree.reach(urn, self.function)
    }

    fn schema(&self, urn: &Urn) -> Option<&Schema> {
        let unit = &self.tree.units[*self.tree.unit_of.get(urn)?];
        Some(unit.first().driver.schema())
    }

    fn members(&self, urn: &Urn) -> &[&Declaration] {
        let unit = self.tree.unit_of.get(urn).map(|unit| &self.tree.units[*unit]);
        match unit {
            Some(unit) if unit.table.is_some() => &unit.members,
            _ => &[],
        }
    }
}
