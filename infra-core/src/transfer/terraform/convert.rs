//! Our expressions as Terraform's.

use std::collections::BTreeMap;

use infra_state::{Path, Record, Segment, Urn, Value};

use super::{Export, Hcl, names::Names};
use crate::graph::{Expr, Graph, Node};

/// What references are written with.
pub struct Convert<'a> {
    /// The program.
    pub graph: &'a Graph,
    /// The objects, by urn.
    pub records: &'a BTreeMap<Urn, &'a Record>,
    /// How kinds are written.
    pub exports: &'a BTreeMap<&'static str, Export>,
    /// What resources are called.
    pub names: &'a Names,
    /// What secrets are called.
    pub variables: &'a BTreeMap<Urn, String>,
}

impl Convert<'_> {
    /// A field of an object: a reference where the program has one, else what is recorded.
    pub fn field(&self, node: Option<&Node>, record: &Record, name: &str) -> Option<Hcl> {
        let recorded = record.inputs.get(name).filter(|value| !is_null(value));
        match node.and_then(|node| node.inputs.get(name)) {
            Some(expr) => self.expr(expr, recorded),
            None => recorded.cloned().map(Hcl::Literal),
        }
    }

    /// An expression; `recorded` is what it came to.
    pub fn expr(&self, expr: &Expr, recorded: Option<&Value>) -> Option<Hcl> {
        let mut refers = false;
        expr.references(&mut |_, _| refers = true);
        let literal = || recorded.cloned().or_else(|| expr.literal()).map(Hcl::Literal);
        if !refers {
            return literal();
        }
        match expr {
            Expr::Reference { urn, path } => self.reference(urn, path).or_else(literal),
            Expr::List(list) => {
                Some(Hcl::List(list.iter().filter_map(|of| self.expr(of, None)).collect()))
            }
            Expr::Map(map) => {
                let recorded = recorded.and_then(Value::as_map);
                let mut entries = Vec::new();
                for key in map.keys().chain(recorded.into_iter().flat_map(BTreeMap::keys)) {
                    if entries.iter().any(|(known, _)| known == key) {
                        continue;
                    }
                    let value = recorded.and_then(|map| map.get(key));
                    let hcl = match map.get(key) {
                        Some(expr) => self.expr(expr, value),
                        None => value.cloned().map(Hcl::Literal),
                    };
                    entries.extend(hcl.map(|hcl| (key.clone(), hcl)));
                }
                Some(Hcl::Map(entries))
            }
            Expr::Concat(parts) => {
                let parts: Option<Vec<_>> =
                    parts.iter().map(|part| self.expr(part, None)).collect();
                match parts {
                    Some(mut parts) if parts.len() == 1 => parts.pop(),
                    Some(parts) => Some(Hcl::Template(parts)),
                    None => literal(),
                }
            }
            Expr::Json(of) => self.call("jsonencode", of).or_else(literal),
            Expr::Base64(of) => self.call("base64encode", of).or_else(literal),
            Expr::UrlEncode(of) => self.call("urlencode", of).or_else(literal),
            Expr::Secret(of) => self.expr(of, recorded),
            Expr::Literal(_)
            | Expr::Field(..)
            | Expr::Index(..)
            | Expr::Opaque(_)
            | Expr::Remembered(_) => {
                recorded.cloned().or_else(|| self.value(expr)).map(Hcl::Literal)
            }
        }
    }

    fn call(&self, name: &'static str, of: &Expr) -> Option<Hcl> {
        Some(Hcl::Call(name, vec![self.expr(of, None)?]))
    }

    fn reference(&self, urn: &Urn, path: &Path) -> Option<Hcl> {
        if let Some(variable) = self.variables.get(urn) {
            return Some(Hcl::Expression(format!("var.{variable}")));
        }
        let known = || self.records.get(urn).and_then(|record| path.get(&record.outputs)).cloned();
        let named = || {
            let export = self.exports.get(urn.kind())?;
            let [Segment::Key(output)] = &path.0[..] else { return None };
            let (_, attribute) = export.outputs.iter().find(|(ours, _)| ours == output)?;
            let name = self.names.of(urn)?;
            Some(Hcl::Expression(format!("{}.{name}.{attribute}", export.terraform)))
        };
        named().or_else(|| self.passed_on(urn, path)).or_else(|| known().map(Hcl::Literal))
    }

    /// What is not written itself may give what it was given, as the wait for a certificate gives the certificate: then
    /// that is referred to.
    fn passed_on(&self, urn: &Urn, path: &Path) -> Option<Hcl> {
        let (record, node) = (self.records.get(urn)?, self.graph.nodes.get(urn)?);
        let given = path.get(&record.outputs)?;
        let same = |(name, expr): (&String, &Expr)| match expr {
            Expr::Reference { urn, path } if record.inputs.get(name)?.same(given) => {
                self.reference(urn, path)
            }
            _ => None,
        };
        node.inputs.iter().find_map(same).filter(|hcl| matches!(hcl, Hcl::Expression(_)))
    }

    /// The value that an expression comes to.
    pub fn value(&self, expr: &Expr) -> Option<Value> {
        let outputs = |urn: &Urn| self.records.get(urn).map(|record| &record.outputs);
        expr.eval(&outputs).ok().filter(|value| !value.has_unknown() && !is_null(value))
    }
}

fn is_null(value: &Value) -> bool {
    matches!(value.revealed(), Value::Null)
}
