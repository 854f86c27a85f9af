//! Loops: members of a `count` or `for_each` that differ by their key only, and what is different about each.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::{Path, Segment, Urn, Value};

use super::{reach::Collection, term::Term};
use crate::{
    graph::NodeOptions,
    provider::Schema,
    spelling::Spelling,
    transfer::{Declaration, Key, Member},
};

/// More columns than this, and a table is harder to read than the declarations one by one.
const MOST_COLUMNS: usize = 4;

/// What is written by one statement: a declaration, or a loop of several.
pub(super) struct Unit<'a> {
    /// In the order of their keys.
    pub(super) members: Vec<&'a Declaration>,
    /// What a member declares, with places for what differs.
    pub(super) body: Body,
    /// How its handles are collected, if it is a loop.
    pub(super) table: Option<Table>,
}

/// What one declaration says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Body {
    /// The last part of its name.
    pub(super) name: Term,
    /// Its fields.
    pub(super) fields: BTreeMap<String, Term>,
    /// What it depends on beside its fields.
    pub(super) depends_on: Vec<Term>,
}

/// What differs between the members of a loop.
pub(super) struct Table {
    pub(super) collection: Collection,
    pub(super) columns: Vec<Differing>,
}

/// One column: what each member has in this place.
pub(super) struct Differing {
    /// What it is called after.
    pub(super) field: String,
    pub(super) spelling: Spelling,
    pub(super) values: Vec<Term>,
}

/// Which loop a resource is written by, and by which key it is found in what that collects.
pub(super) type Places = BTreeMap<Urn, (String, Collection, Key)>;

/// The scopes that a name lies in.
pub(super) fn scopes(urn: &Urn) -> Vec<&str> {
    let mut parts: Vec<_> = urn.name().split('/').collect();
    parts.pop();
    parts
}

/// The declarations, those that can be together as loops; `apart` names the groups that cannot.
pub(super) fn units<'a>(
    declarations: &'a [Declaration],
    apart: &mut BTreeSet<String>,
) -> (Vec<Unit<'a>>, Places) {
    let groups = groups(declarations, apart);
    let mut places = places(&groups);
    let mut loops = BTreeMap::new();
    let mut open: Vec<String> = groups.keys().cloned().collect();
    while !open.is_empty() {
        let mut fresh = BTreeSet::new();
        for name in open {
            if let Some(unit) = together(&groups[&name], &places) {
                loops.insert(name, unit);
            } else {
                loops.remove(&name);
                fresh.insert(name);
            }
        }
        places.retain(|_, (name, ..)| !fresh.contains(name));
        // What refers to their members by their key has to be looked at again.
        let is_open = |unit: &Unit<'_>| {
            let mut found = false;
            unit.body.each(&mut |term| {
                found |= matches!(term, Term::Beside(urn, _) if !places.contains_key(urn));
            });
            found
        };
        let of = loops.iter().filter(|(_, unit)| is_open(unit));
        open = of.map(|(name, _)| name.clone()).collect();
        apart.extend(fresh);
    }
    let mut units = Vec::new();
    for declaration in declarations {
        if let Some((name, ..)) = places.get(&declaration.urn) {
            // All of them stand where the first one does.
            units.extend(loops.remove(name));
        } else {
            let body = body(declaration);
            units.push(Unit { members: vec![declaration], body, table: None });
        }
    }
    (units, places)
}

impl Body {
    /// Calls `found` with every term in it.
    fn each(&self, found: &mut dyn FnMut(&Term)) {
        let terms = [&self.name].into_iter().chain(self.fields.values()).chain(&self.depends_on);
        terms.for_each(|term| term.each(found));
    }
}

impl Unit<'_> {
    /// Everything that it needs.
    pub(super) fn needs(&self) -> BTreeSet<&Urn> {
        let mut found = BTreeSet::new();
        for declaration in &self.members {
            for expr in declaration.inputs.values() {
                expr.references(&mut |urn, _| {
                    found.insert(urn);
                });
            }
            found.extend(&declaration.options.depends_on);
            found.extend(&declaration.provider);
        }
        found
    }

    /// The declaration that stands for all.
    pub(super) fn first(&self) -> &Declaration {
        self.members[0]
    }
}

/// What a group is called: alike in Terraform, in kind, in scope and in provider.
fn called(declaration: &Declaration, member: &Member) -> String {
    let scope = scopes(&declaration.urn).join("/");
    let provider = declaration.provider.as_ref().map(Urn::as_str).unwrap_or_default();
    format!("{} {} {scope} {provider}", member.group, declaration.urn.kind())
}

fn groups<'a>(
    declarations: &'a [Declaration],
    apart: &BTreeSet<String>,
) -> BTreeMap<String, Vec<(&'a Key, &'a Declaration)>> {
    let mut groups: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for declaration in declarations {
        if let Some(member) = &declaration.member {
            let group = groups.entry(called(declaration, member)).or_default();
            group.push((&member.key, declaration));
        }
    }
    groups.retain(|name, members| {
        members.sort_by_key(|(key, _)| *key);
        let distinct = members.windows(2).all(|pair| {
            pair[0].0 != pair[1].0
                && matches!(pair[0].0, Key::Index(_)) == matches!(pair[1].0, Key::Index(_))
        });
        distinct && members.len() > 1 && !apart.contains(name)
    });
    groups
}

fn places(groups: &BTreeMap<String, Vec<(&Key, &Declaration)>>) -> Places {
    let mut places = Places::new();
    for (name, members) in groups {
        let is_list = members.iter().enumerate().all(|(at, (key, _))| **key == Key::Index(at));
        let collection = match members[0].0 {
            Key::Index(_) if is_list => Collection::List,
            Key::Index(_) => Collection::ByNumber,
            Key::Name(_) => Collection::ByName,
        };
        for (key, declaration) in members {
            let place = (name.clone(), collection, (*key).clone());
            places.insert(declaration.urn.clone(), place);
        }
    }
    places
}

fn body(declaration: &Declaration) -> Body {
    let reference = |urn: &Urn| Term::Reference(urn.clone(), Path::ROOT);
    let fields = declaration.inputs.iter().map(|(name, expr)| (name.clone(), Term::from(expr)));
    Body {
        name: Term::Literal(Value::from(declaration.urn.last())),
        fields: fields.collect(),
        depends_on: declaration.options.depends_on.iter().map(reference).collect(),
    }
}

/// One loop over these members, if they differ only where a table can say it.
fn together<'a>(members: &[(&Key, &'a Declaration)], places: &Places) -> Option<Unit<'a>> {
    let alike = |options: &NodeOptions| {
        let options = options.clone();
        NodeOptions { depends_on: BTreeSet::new(), import: None, ..options }
    };
    let (_, first) = members.first()?;
    if members.iter().any(|(_, member)| alike(&member.options) != alike(&first.options)) {
        return None;
    }
    let bodies: Vec<Body> = members.iter().map(|(_, member)| body(member)).collect();
    let group = &places.get(&first.urn)?.0;
    let own = |urn: &Urn| places.get(urn).is_some_and(|(name, ..)| name == group);
    let mut of_itself = false;
    for body in &bodies {
        let terms = body.fields.values().chain(&body.depends_on);
        terms.for_each(|term| term.needs(&mut |urn| of_itself |= own(urn)));
    }
    if of_itself {
        return None;
    }
    let keys = members.iter().map(|(key, _)| (*key).clone()).collect();
    let mut unifier = Unifier { schema: first.driver.schema(), keys, places, columns: Vec::new() };
    let names: Vec<_> = bodies.iter().map(|body| &body.name).collect();
    let name = unifier.terms(&names, &At::Text("name"))?;
    let count = bodies[0].fields.len();
    let mut fields = BTreeMap::new();
    for field in bodies[0].fields.keys() {
        let terms = bodies.iter().map(|body| body.fields.get(field)).collect::<Option<Vec<_>>>()?;
        let term = unifier.terms(&terms, &At::Path(Path::field(field)))?;
        fields.insert(field.clone(), term);
    }
    let depends: Vec<_> = bodies.iter().map(|body| Term::List(body.depends_on.clone())).collect();
    let depends = unifier.terms(&depends.iter().collect::<Vec<_>>(), &At::Handles)?;
    let Term::List(depends_on) = depends else { return None };
    let fits = bodies.iter().all(|body| body.fields.len() == count);
    let columns = unifier.columns;
    let collection = places.get(&first.urn)?.1;
    (fits && columns.len() <= MOST_COLUMNS).then(|| Unit {
        members: members.iter().map(|(_, member)| *member).collect(),
        body: Body { name, fields, depends_on },
        table: Some(Table { collection, columns }),
    })
}

/// Finds what several terms have in common.
struct Unifier<'a> {
    schema: &'a Schema,
    keys: Vec<Key>,
    places: &'a Places,
    columns: Vec<Differing>,
}

/// Where terms stand.
enum At {
    /// At this path of the fields.
    Path(Path),
    /// In text, of this field.
    Text(&'static str),
    /// Among what the resource depends on.
    Handles,
}

impl At {
    fn with(&self, segment: Segment) -> Self {
        match self {
            Self::Path(path) => Self::Path(path.with(segment)),
            Self::Text(name) => Self::Text(name),
            Self::Handles => Self::Handles,
        }
    }
}

impl Unifier<'_> {
    fn terms(&mut self, terms: &[&Term], at: &At) -> Option<Term> {
        let first = *terms.first()?;
        if terms.iter().all(|term| *term == first) {
            return Some(first.clone());
        }
        match first {
            Term::List(list) => {
                Some(Term::List(self.each(terms, list.len(), at, |term| match term {
                    Term::List(list) => Some(list),
                    _ => None,
                })?))
            }
            Term::Concat(list) => {
                let inside = At::Text("text");
                Some(Term::Concat(self.each(terms, list.len(), &inside, |term| match term {
                    Term::Concat(list) => Some(list),
                    _ => None,
                })?))
            }
            Term::Map(map) => {
                let mut out = BTreeMap::new();
                for key in map.keys() {
                    let inner = terms.iter().map(|term| match term {
                        Term::Map(other) if other.len() == map.len() => other.get(key),
                        _ => None,
                    });
                    let inner = inner.collect::<Option<Vec<_>>>()?;
                    let inner = self.terms(&inner, &at.with(Segment::Key(key.clone())))?;
                    out.insert(key.clone(), inner);
                }
                Some(Term::Map(out))
            }
            Term::Reference(..) => self.references(terms, at),
            Term::Literal(Value::Secret(_)) => None,
            Term::Literal(_) => self.literals(terms, at),
            Term::Index(..) | Term::Base64(_) | Term::UrlEncode(_) => self.computed(terms, at),
            _ => None,
        }
    }

    fn each(
        &mut self,
        terms: &[&Term],
        count: usize,
        at: &At,
        list: impl Fn(&Term) -> Option<&Vec<Term>>,
    ) -> Option<Vec<Term>> {
        let lists = terms.iter().map(|term| list(term)).collect::<Option<Vec<_>>>()?;
        if lists.iter().any(|list| list.len() != count) {
            return None;
        }
        let element = |index: usize| {
            let inner: Vec<_> = lists.iter().map(|list| &list[index]).collect();
            self.terms(&inner, &at.with(Segment::Index(index)))
        };
        (0..count).map(element).collect()
    }

    fn literals(&mut self, terms: &[&Term], at: &At) -> Option<Term> {
        let spelling = self.spelling(at)?;
        let texts = terms.iter().map(|term| match term {
            Term::Literal(Value::String(text)) => Some(text.as_str()),
            _ => None,
        });
        if let Some(texts) = texts.collect::<Option<Vec<_>>>()
            && matches!(spelling, Spelling::Text | Spelling::Named { .. })
            && let Some(term) = keyed(&texts, &self.keys)
        {
            return Some(term);
        }
        let all =
            terms.iter().all(|term| matches!(term, Term::Literal(value) if !value.has_secret()));
        all.then(|| self.column(terms, at, spelling))
    }

    fn references(&mut self, terms: &[&Term], at: &At) -> Option<Term> {
        let given = terms.iter().map(|term| match term {
            Term::Reference(urn, path) => Some((urn, path)),
            _ => None,
        });
        let given = given.collect::<Option<Vec<_>>>()?;
        let (first, path) = given[0];
        let group = self.places.get(first).map(|(group, ..)| group);
        let beside = group.is_some()
            && given.iter().zip(&self.keys).all(|((urn, at), key)| {
                let place = self.places.get(*urn);
                *at == path && place.is_some_and(|(other, _, k)| Some(other) == group && k == key)
            });
        if beside {
            return Some(Term::Beside(first.clone(), path.clone()));
        }
        match at {
            At::Path(_) => {
                let spelling = self.spelling(at)?;
                Some(self.column(terms, at, spelling))
            }
            At::Text(_) | At::Handles => None,
        }
    }

    fn computed(&mut self, terms: &[&Term], at: &At) -> Option<Term> {
        let At::Path(_) = at else { return None };
        let spelling = self.spelling(at)?;
        Some(self.column(terms, at, spelling))
    }

    fn spelling(&self, at: &At) -> Option<Spelling> {
        match at {
            At::Path(path) => self.schema.spelling(path),
            At::Text(_) => Some(Spelling::Text),
            At::Handles => None,
        }
    }

    fn column(&mut self, terms: &[&Term], at: &At, spelling: Spelling) -> Term {
        let same = |column: &Differing| {
            column.spelling.name() == spelling.name()
                && column.values.iter().zip(terms).all(|(a, b)| a == *b)
        };
        if let Some(found) = self.columns.iter().position(same) {
            return Term::Column(found);
        }
        let field = match at {
            At::Path(path) => path.0.iter().rev().find_map(|segment| match segment {
                Segment::Key(key) => Some(key.clone()),
                _ => None,
            }),
            At::Text(name) => Some((*name).to_owned()),
            At::Handles => None,
        };
        let values = terms.iter().map(|term| (*term).clone()).collect();
        self.columns.push(Differing { field: field.unwrap_or_default(), spelling, values });
        Term::Column(self.columns.len() - 1)
    }
}

/// The texts as one with their keys in it.
fn keyed(texts: &[&str], keys: &[Key]) -> Option<Term> {
    let keys: Vec<String> = keys
        .iter()
        .map(|key| match key {
            Key::Index(at) => at.to_string(),
            Key::Name(name) => name.clone(),
        })
        .collect();
    if keys.iter().any(String::is_empty) {
        return None;
    }
    let fits = |before: &str, after: &str| {
        texts.iter().zip(&keys).all(|(text, key)| {
            let middle = text.strip_prefix(before).and_then(|text| text.strip_suffix(after));
            middle == Some(key)
        })
    };
    let places = texts[0].match_indices(keys[0].as_str());
    let mut around = places.map(|(at, key)| (&texts[0][..at], &texts[0][at + key.len()..]));
    let (before, after) = around.find(|(before, after)| fits(before, after))?;
    Some(Term::Keyed(before.to_owned(), after.to_owned()))
}
