//! A set of paths to fields.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::element::Element;
use crate::schema::Type;

/// A set of paths, as a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set {
    members: BTreeSet<Element>,
    children: BTreeMap<Element, Self>,
}

impl Set {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    pub(super) fn insert(&mut self, path: &[Element]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    pub(super) fn has_member(&self, element: &Element) -> bool {
        self.members.contains(element)
    }

    pub(super) fn child(&self, element: &Element) -> Option<&Self> {
        self.children.get(element).filter(|child| !child.is_empty())
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.members.extend(other.members.iter().cloned());
        for (element, child) in &other.children {
            let place = all.children.entry(element.clone()).or_default();
            *place = place.union(child);
        }
        all
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(element, child)| {
            let both = child.intersection(other.children.get(element)?);
            (!both.is_empty()).then(|| (element.clone(), both))
        });
        Self {
            members: self.members.intersection(&other.members).cloned().collect(),
            children: children.collect(),
        }
    }

    pub(super) fn difference(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(element, child)| {
            let rest = match other.children.get(element) {
                Some(theirs) => child.difference(theirs),
                None => child.clone(),
            };
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: children.collect(),
        }
    }

    /// Without these paths and all that is under them.
    pub(super) fn without(&self, roots: &Self) -> Self {
        let members = self.members.iter().filter(|it| !roots.members.contains(*it));
        let children = self.children.iter().filter_map(|(element, child)| {
            if roots.members.contains(element) {
                return None;
            }
            let rest = match roots.children.get(element) {
                Some(theirs) => child.without(theirs),
                None => child.clone(),
            };
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members: members.cloned().collect(), children: children.collect() }
    }

    /// Only what is under these fields of the root.
    pub(super) fn only(&self, fields: &[&str]) -> Self {
        let named = |element: &Element| matches!(element, Element::Field(name) if fields.contains(&name.as_str()));
        Self {
            members: self.members.iter().filter(|it| named(it)).cloned().collect(),
            children: self
                .children
                .iter()
                .filter(|(it, _)| named(it))
                .map(|(it, child)| (it.clone(), child.clone()))
                .collect(),
        }
    }

    /// With the fields of structs that something is under.
    pub(super) fn with_named_fields(&self, of: &Type) -> Self {
        let mut members = self.members.clone();
        let mut children = BTreeMap::new();
        for (element, child) in &self.children {
            let under = match element {
                Element::Field(name) => {
                    if of.declares(name) {
                        members.insert(element.clone());
                    }
                    of.field(name)
                }
                Element::Key(_) | Element::Item(_) => of.item(),
            };
            children.insert(element.clone(), child.with_named_fields(under));
        }
        Self { members, children }
    }

    /// Every path, in order.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect("", &mut paths);
        paths
    }

    fn collect(&self, prefix: &str, paths: &mut Vec<String>) {
        let all: BTreeSet<_> = self.members.iter().chain(self.children.keys()).collect();
        for element in all {
            let path = format!("{prefix}{element}");
            if self.members.contains(element) {
                paths.push(path.clone());
            }
            if let Some(child) = self.children.get(element) {
                child.collect(&path, paths);
            }
        }
    }

    /// `fieldsV1`.
    pub(super) fn encode(&self) -> Value {
        let mut fields = Map::new();
        for element in &self.members {
            if self.child(element).is_none() {
                fields.insert(element.encoded(), json!({}));
            }
        }
        for (element, child) in &self.children {
            if child.is_empty() {
                continue;
            }
            let mut under = child.encode();
            if self.members.contains(element) {
                under["."] = json!({});
            }
            fields.insert(element.encoded(), under);
        }
        Value::Object(fields)
    }

    pub(super) fn decode(fields: &Value) -> Self {
        let mut set = Self::default();
        for (name, under) in fields.as_object().into_iter().flatten() {
            let Some(element) = Element::decoded(name) else { continue };
            let empty = under.as_object().is_none_or(Map::is_empty);
            if empty || under.get(".").is_some() {
                set.members.insert(element.clone());
            }
            let child = Self::decode(under);
            if !child.is_empty() {
                set.children.insert(element, child);
            }
        }
        set
    }
}
