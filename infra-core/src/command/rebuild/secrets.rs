//! Generated secrets: their values were in the state alone, and are told by the places where they were stored.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::{Path, Urn, Value};

use super::{
    settle::is_secret,
    walk::{Settled, Walk},
};
use crate::{
    Data as _, Error, ErrorKind, Result,
    command::resolve as by_name,
    graph::{Expr, Inversion, Node},
    secret::Secret,
};

/// What the places say of a secret: each text, and where it was found.
type Told = BTreeMap<String, BTreeSet<String>>;

impl Walk<'_> {
    /// Draws the secrets that somebody gave up.
    pub(super) fn rotate(&mut self) -> Result<()> {
        let all: Vec<&Urn> = self.graph.order.iter().filter(|urn| is_secret(urn)).collect();
        for name in &self.options.rotate {
            let urn = by_name(name, all.iter().copied()).map_err(|_| {
                let message = format!("`--rotate {name}`: the program has no secret of that name");
                Error::new(ErrorKind::Usage, message)
            })?;
            let declared = self.declared(&urn)?;
            let value = declared.generate(&mut |bytes| self.engine.env.random(bytes));
            self.know(&urn, &value);
            self.rotated.insert(urn);
        }
        Ok(())
    }

    /// Settles the secrets that all places which tell one tell alike.
    pub(super) fn recover(&mut self) -> Result<bool> {
        let open: BTreeSet<Urn> =
            self.unsettled().map(|node| &node.urn).filter(|urn| is_secret(urn)).cloned().collect();
        if open.is_empty() {
            return Ok(false);
        }
        let mut moved = false;
        for (urn, told) in self.told(&open)? {
            if let [text] = told.keys().collect::<Vec<_>>()[..] {
                self.know(&urn, text);
                moved = true;
            }
        }
        Ok(moved)
    }

    /// Nothing more will be found: what tells no secret now never will.
    pub(super) fn give_up(&mut self) -> bool {
        let open: Vec<Urn> =
            self.unsettled().map(|node| node.urn.clone()).filter(is_secret).collect();
        for urn in &open {
            let missing = Settled::Missing("no place tells its value".to_owned());
            self.settled.insert(urn.clone(), missing);
        }
        !open.is_empty()
    }

    /// Whether every place tells what was taken for the secret, and every secret is known.
    pub(super) fn agree(&mut self) -> Result<()> {
        let secrets = self.graph.order.iter().filter(|urn| is_secret(urn));
        let kept: BTreeSet<Urn> =
            secrets.filter(|urn| !self.rotated.contains(*urn)).cloned().collect();
        let told = self.told(&kept)?;
        for urn in kept {
            let name = urn.name();
            let told = told.get(&urn);
            let places = |told: &Told| {
                let each: Vec<_> = told.values().map(list).collect();
                each.join(" and ")
            };
            match (told, self.outputs.get(&urn)) {
                (Some(told), _) if told.len() > 1 => {
                    let message = format!(
                        "its value cannot be recovered: {} tell it differently. Set them right, or say `--rotate {name}`: \
                         it gets a new value, and the next `up` writes it everywhere",
                        places(told)
                    );
                    self.problem(&urn, message);
                }
                (_, Some(_)) => {}
                (_, None) => {
                    let why = self.why_silent(&urn);
                    let message = format!(
                        "its value cannot be recovered: {why}. Say `--rotate {name}`: it gets a new value, and the next \
                         `up` writes it everywhere"
                    );
                    self.problem(&urn, message);
                }
            }
        }
        Ok(())
    }

    /// Where the value of a secret was read.
    pub(super) fn sources(&self, secret: &Urn) -> Result<BTreeSet<String>> {
        let told = self.told(&[secret.clone()].into())?;
        Ok(told.into_values().flat_map(Told::into_values).flatten().collect())
    }

    fn know(&mut self, urn: &Urn, text: &str) {
        let outputs = Value::from([("value", Value::from(text).secret())]);
        self.outputs.insert(urn.clone(), outputs);
        self.settled.insert(urn.clone(), Settled::Known);
    }

    pub(super) fn declared(&self, urn: &Urn) -> Result<Secret> {
        let wrong = |what: String| Error::new(ErrorKind::Failed, format!("{urn}: {what}"));
        let node = self.graph.nodes.get(urn);
        let node = node.ok_or_else(|| wrong("it is not declared".to_owned()))?;
        Secret::from_value(&self.wanted(node)?).map_err(|e| wrong(e.to_string()))
    }

    /// What the objects that were found tell of these secrets. Only what a place leaves no choice about counts.
    fn told(&self, secrets: &BTreeSet<Urn>) -> Result<BTreeMap<Urn, Told>> {
        let mut declared = BTreeMap::new();
        for urn in secrets {
            declared.insert(urn, self.declared(urn)?);
        }
        let inversion = Inversion {
            known: &|urn| self.outputs.get(urn).filter(|_| !secrets.contains(urn)),
            hidden: &|urn| secrets.contains(urn).then(|| Path::field("value")),
            fits: &|urn, text| declared.get(urn).is_some_and(|secret| secret.could_be(text)),
        };
        let mut told = BTreeMap::<Urn, Told>::new();
        for (node, at, expr) in self.uses(secrets) {
            let Some(live) = self.readable(node, at) else { continue };
            let found = inversion.solve(expr, live);
            for urn in secrets {
                let texts: BTreeSet<_> = found.iter().map(|found| found.get(urn)).collect();
                if let [Some(text)] = texts.into_iter().collect::<Vec<_>>()[..] {
                    let place = format!("`{}.{at}`", node.urn.name());
                    told.entry(urn.clone())
                        .or_default()
                        .entry(text.clone())
                        .or_default()
                        .insert(place);
                }
            }
        }
        Ok(told)
    }

    /// The declared fields that these secrets are in.
    fn uses(&self, secrets: &BTreeSet<Urn>) -> Vec<(&Node, &str, &Expr)> {
        let mut uses = Vec::new();
        for node in self.graph.nodes.values() {
            for (field, expr) in &node.inputs {
                let mut hides = false;
                expr.references(&mut |urn, _| hides |= secrets.contains(urn));
                if hides {
                    uses.push((node, field.as_str(), expr));
                }
            }
        }
        uses
    }

    /// What the object has in a field, if that can be read back.
    fn readable(&self, node: &Node, field: &str) -> Option<&Value> {
        let Some(Settled::Objects { current, .. }) = self.settled.get(&node.urn) else {
            return None;
        };
        let schema = node.driver.schema();
        let written = schema.fields.iter().any(|f| f.name == field && f.write_only);
        let live = self.objects[*current].seen.live.get(field).filter(|_| !written)?;
        (!matches!(live.revealed(), Value::Null)).then_some(live)
    }

    /// Why no place tells the secret.
    fn why_silent(&self, secret: &Urn) -> String {
        let mut whys = Vec::new();
        for (node, field, _) in self.uses(&[secret.clone()].into()) {
            let place = format!("`{}.{field}`", node.urn.name());
            let found = matches!(self.settled.get(&node.urn), Some(Settled::Objects { .. }));
            whys.push(if !found {
                format!("`{}` was not found", node.urn.name())
            } else if self.readable(node, field).is_none() {
                format!("{place} cannot be read back")
            } else {
                format!("{place} leaves it open, or was changed")
            });
        }
        if whys.is_empty() { "nothing has it".to_owned() } else { whys.join("; ") }
    }
}

fn list(places: &BTreeSet<String>) -> String {
    places.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
