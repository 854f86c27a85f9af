//! Which output of which object is a text.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::{Path, Segment, Urn, Value};

use super::{Sealed, Secrets, inside};
use crate::{
    graph::Expr,
    provider::Schema,
    spelling::{Fit, Spelling, fit},
};

/// What is shorter is a text that anybody may have.
const SHORTEST: usize = 3;

/// An object whose outputs may be referred to.
pub struct Known<'a> {
    /// Its urn.
    pub urn: &'a Urn,
    /// Its kind.
    pub schema: &'a Schema,
    /// Its id.
    pub id: Option<&'a str>,
    /// Its outputs.
    pub outputs: &'a Value,
    /// What it is made from, as the source says.
    pub uses: &'a BTreeSet<Urn>,
}

/// One output that is a text.
struct Place {
    urn: Urn,
    path: Path,
    spelling: Spelling,
    /// It tells the object from all others.
    identifies: bool,
}

/// The outputs of all objects, by their text.
#[derive(Default)]
pub struct Index {
    places: BTreeMap<String, Vec<Place>>,
    uses: BTreeMap<Urn, BTreeSet<Urn>>,
    /// Who refers to whom so far.
    edges: BTreeMap<Urn, BTreeSet<Urn>>,
}

impl Index {
    /// The index of these objects.
    pub fn new<'a>(objects: impl IntoIterator<Item = Known<'a>>) -> Self {
        let mut index = Self::default();
        for object in objects {
            index.uses.insert(object.urn.clone(), object.uses.clone());
            for output in object.schema.outputs.iter().filter(|o| o.stable && !o.secret) {
                let Some(value) = object.outputs.get(output.name) else { continue };
                let Some(text) = value.as_str().filter(|_| !value.has_secret()) else { continue };
                if text.len() < SHORTEST {
                    continue;
                }
                let identifies = object.id == Some(text)
                    || matches!(output.name, "id" | "arn" | "name" | "url" | "endpoint")
                    || object.id.is_some_and(|id| id.len() > 7 && text.contains(id));
                index.places.entry(text.to_owned()).or_default().push(Place {
                    urn: object.urn.clone(),
                    path: Path::field(output.name),
                    spelling: (output.spelling)(),
                    identifies,
                });
            }
        }
        index
    }

    /// The fields of `urn` with everything that is another object's output, or a secret, referred to.
    pub fn refer(
        &mut self,
        urn: &Urn,
        schema: &Schema,
        fields: &BTreeMap<String, Value>,
        sealed: &Sealed,
        secrets: &mut Secrets,
    ) -> BTreeMap<String, Expr> {
        let mut walk = Walk { index: self, urn, schema, sealed, secrets };
        let mut inputs = BTreeMap::new();
        for (name, value) in fields {
            inputs.insert(name.clone(), walk.value(&Path::field(name.clone()), value, false));
        }
        inputs
    }

    /// Forgets who refers to whom.
    pub fn restart(&mut self) {
        self.edges.clear();
    }

    /// What an export of the other program is: a reference, if it is one output of one object.
    pub fn export(&self, text: &str) -> Option<Expr> {
        let places: Vec<_> =
            self.places.get(text)?.iter().filter(|place| place.identifies).collect();
        let first = places.first()?;
        let one = places.iter().all(|place| place.urn == first.urn);
        one.then(|| reference(best(&places)))
    }

    /// The texts that tell an object from all others, the longest first: for finding them inside others.
    pub(super) fn telling(&self) -> impl Iterator<Item = &str> {
        let mut texts: Vec<_> = self
            .places
            .iter()
            .filter(|(text, places)| {
                text.len() >= 8 && places.iter().any(|place| place.identifies) && is_odd(text)
            })
            .map(|(text, _)| text.as_str())
            .collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts.into_iter()
    }

    /// The reference that `urn` has at a field of this type where this text stands.
    pub(super) fn find(
        &mut self,
        urn: &Urn,
        field: Option<&str>,
        wanted: &Spelling,
        text: &str,
    ) -> Option<Expr> {
        let used = self.uses.get(urn);
        let is_used = |place: &&Place| used.is_some_and(|used| used.contains(&place.urn));
        let fitting: Vec<(Fit, &Place)> = self
            .places
            .get(text)?
            .iter()
            .filter(|place| place.urn != *urn && !self.reaches(&place.urn, urn))
            .filter(|place| is_used(place) || place.identifies)
            .filter_map(|place| Some((fit(&place.spelling, wanted)?, place)))
            // Any text may look like a name.
            .filter(|(how, place)| {
                is_used(place) || is_odd(text) || (*how == Fit::Same && !is_plain(wanted))
            })
            .collect();
        let same: Vec<_> = fitting.iter().filter(|(how, _)| *how == Fit::Same).copied().collect();
        let fitting = if same.is_empty() { fitting } else { same };
        let how = fitting.first()?.0;
        let places: Vec<&Place> = fitting.iter().map(|(_, place)| *place).collect();
        let place = one_of(&places, &is_used, field)?;
        let (to, found) = (place.urn.clone(), reference(place));
        self.edges.entry(urn.clone()).or_default().insert(to);
        Some(match how {
            Fit::Same => found,
            Fit::Text => Expr::Concat(vec![found]),
        })
    }

    /// What `urn` has to wait for although nothing of it is in its fields: what the source says that it is made from, as
    /// far as its references do not lead there. `address` is what the source calls a resource: of several of one address,
    /// one that is referred to is enough.
    ///
    /// Asked of each after what it is made from, and after all references are recovered.
    pub fn waits(&mut self, urn: &Urn, address: &BTreeMap<Urn, String>) -> BTreeSet<Urn> {
        let Some(used) = self.uses.get(urn) else { return BTreeSet::new() };
        let reached: BTreeSet<_> =
            self.reached(urn).into_iter().filter_map(|urn| address.get(urn)).collect();
        let missing: BTreeSet<&Urn> = used
            .iter()
            .filter(|to| address.get(to).is_some_and(|address| !reached.contains(address)))
            .collect();
        let through = |to: &Urn| {
            missing.iter().any(|other| {
                let leads = |uses: &BTreeSet<Urn>| uses.contains(to);
                *other != to && self.uses.get(*other).is_some_and(leads)
            })
        };
        let found: BTreeSet<Urn> = missing
            .iter()
            .filter(|to| !through(to) && !self.reaches(to, urn))
            .map(|to| (*to).clone())
            .collect();
        self.edges.entry(urn.clone()).or_default().extend(found.clone());
        found
    }

    /// Whether `from` is made from `to` by the references so far.
    fn reaches(&self, from: &Urn, to: &Urn) -> bool {
        self.reached(from).contains(to)
    }

    /// Everything that `from` is made from by the references so far, and itself.
    fn reached<'s>(&'s self, from: &'s Urn) -> BTreeSet<&'s Urn> {
        let (mut open, mut met) = (vec![from], BTreeSet::new());
        while let Some(urn) = open.pop() {
            if met.insert(urn) {
                open.extend(self.edges.get(urn).into_iter().flatten());
            }
        }
        met
    }
}

/// The place that is meant, if that is clear: what the source says is used, then what the field is named after.
fn one_of<'p>(
    places: &[&'p Place],
    is_used: &dyn Fn(&&Place) -> bool,
    field: Option<&str>,
) -> Option<&'p Place> {
    let single = |places: &[&'p Place]| {
        let first = places.first()?;
        places.iter().all(|place| place.urn == first.urn).then(|| best(places))
    };
    let used: Vec<_> = places.iter().copied().filter(|place| is_used(place)).collect();
    let named = |places: &[&'p Place]| {
        let field = field?.replace('_', "");
        let of_field = |place: &&&'p Place| {
            let kind = place.urn.kind().rsplit(':').next().unwrap_or_default().to_lowercase();
            field.contains(&kind)
        };
        let named: Vec<_> = places.iter().filter(of_field).copied().collect();
        single(&named)
    };
    single(&used)
        .or_else(|| named(&used))
        .or_else(|| if used.is_empty() { single(places).or_else(|| named(places)) } else { None })
}

/// The output that a program would name.
fn best<'p>(places: &[&'p Place]) -> &'p Place {
    let rank = |place: &&&Place| match place.path.first() {
        Some("id") => 0,
        Some("arn") => 1,
        Some("name") => 2,
        _ => 3,
    };
    places.iter().min_by_key(rank).copied().unwrap_or(places[0])
}

fn reference(place: &Place) -> Expr {
    Expr::Reference { urn: place.urn.clone(), path: place.path.clone() }
}

/// A type that any text has.
fn is_plain(spelling: &Spelling) -> bool {
    match spelling {
        Spelling::Text => true,
        Spelling::Secret(of) => is_plain(of),
        _ => false,
    }
}

/// A text that nobody writes by chance: an id, an ARN, a host.
fn is_odd(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    text.len() >= 8 && (text.contains(':') || text.contains('.') || digits >= 3)
}

struct Walk<'w> {
    index: &'w mut Index,
    urn: &'w Urn,
    schema: &'w Schema,
    sealed: &'w Sealed,
    secrets: &'w mut Secrets,
}

impl Walk<'_> {
    fn value(&mut self, path: &Path, value: &Value, secret: bool) -> Expr {
        let expr = match value {
            Value::Secret(inner) => return self.value(path, inner, true),
            Value::List(list) => {
                let each = list.iter().enumerate();
                Expr::List(
                    each.map(|(at, value)| self.value(&path.index(at), value, secret)).collect(),
                )
            }
            Value::Map(map) => {
                let entry = |(key, value): (&String, &Value)| {
                    let at = path.with(Segment::Key(key.clone()));
                    (key.clone(), self.value(&at, value, secret))
                };
                Expr::Map(map.iter().map(entry).collect())
            }
            Value::String(text) if secret => self.secret(path, text),
            Value::String(text) => self.text(path, text),
            other if secret => Expr::Secret(Box::new(Expr::Literal(other.clone()))),
            other => Expr::Literal(other.clone()),
        };
        // What has no reference in it stays a literal as a whole.
        match &expr {
            Expr::List(list) if list.iter().all(|e| matches!(e, Expr::Literal(_))) => {
                Expr::Literal(value.clone())
            }
            Expr::Map(map) if map.values().all(|e| matches!(e, Expr::Literal(_))) => {
                Expr::Literal(value.clone())
            }
            _ => expr,
        }
    }

    fn text(&mut self, path: &Path, text: &str) -> Expr {
        let Some(wanted) = self.schema.spelling(path) else {
            return Expr::Literal(text.into());
        };
        // A name is a resource's own, whoever has the same.
        let names = path.0.len() == 1
            && self.schema.field(path).is_some_and(|field| field.name_rule.is_some());
        if names || self.schema.field(path).is_some_and(|field| field.tags) {
            return Expr::Literal(text.into());
        }
        if let Some(found) = self.index.find(self.urn, path.first(), &wanted, text) {
            return found;
        }
        if !matches!(wanted, Spelling::Text) {
            return Expr::Literal(text.into());
        }
        if self.sealed.holds(path, text) {
            return match self.secret(path, text) {
                parts @ Expr::Concat(_) => parts,
                one => Expr::Concat(vec![one]),
            };
        }
        inside::inside(self.index, self.urn, self.secrets, text)
            .unwrap_or_else(|| Expr::Literal(text.into()))
    }

    /// A sealed text is never written: it refers to a secret, or is put together from one.
    fn secret(&mut self, path: &Path, text: &str) -> Expr {
        if let Some(found) = self.secrets.of(text) {
            return found;
        }
        if let Some(parts) = inside::connection(self.index, self.urn, self.secrets, text) {
            return parts;
        }
        self.secrets.new_one(self.urn, path, text)
    }
}
