//! Which output of which object is a text.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use infra_state::{Path, Segment, Urn, Value};

use super::{Sealed, Secrets, edges::Edges, inside, source::Source, texts::Texts};
use crate::{
    graph::Expr,
    provider::Schema,
    spelling::{Fit, Spelling, fit},
};

/// What is shorter is a text that anybody may have.
const SHORTEST: usize = 3;

/// What more objects than these have tells none of them from the others.
const MOST: usize = 200;

/// An object whose outputs may be referred to.
pub struct Known<'a> {
    /// Its urn.
    pub urn: &'a Urn,
    /// Its kind.
    pub schema: &'a Schema,
    /// Its id.
    pub id: Option<&'a str>,
    /// Its outputs, if it can be referred to.
    pub outputs: Option<&'a Value>,
    /// What the source calls its resource, without keys.
    pub address: Option<&'a str>,
    /// The scopes that it is in, as the source calls them.
    pub scopes: &'a [String],
    /// The addresses of what it is made from, as the source says.
    pub uses: &'a BTreeSet<String>,
}

/// One output that is a text.
struct Place {
    urn: Urn,
    /// The number of its object.
    of: usize,
    path: Path,
    spelling: Spelling,
    /// It tells the object from all others.
    identifies: bool,
}

/// The outputs of all objects, by their text.
#[derive(Default)]
pub struct Index {
    places: HashMap<String, Vec<Place>>,
    numbers: HashMap<Urn, usize>,
    /// What the source says of who is made from whom.
    source: Source,
    /// Who refers to whom so far.
    edges: Edges,
    /// The texts that tell an object from all others.
    telling: Texts,
}

impl Index {
    /// The index of these objects.
    pub fn new<'a>(objects: impl IntoIterator<Item = Known<'a>>) -> Self {
        let mut index = Self::default();
        for (of, object) in objects.into_iter().enumerate() {
            index.numbers.insert(object.urn.clone(), of);
            let kind = object.schema.kind;
            index.source.add(object.address, kind, object.scopes, object.uses);
            let Some(outputs) = object.outputs else { continue };
            for output in object.schema.outputs.iter().filter(|o| o.stable && !o.secret) {
                let Some(value) = outputs.get(output.name) else { continue };
                let Some(text) = value.as_str().filter(|_| !value.has_secret()) else { continue };
                if text.len() < SHORTEST {
                    continue;
                }
                let identifies = object.id == Some(text)
                    || matches!(output.name, "id" | "arn" | "name" | "url" | "endpoint")
                    || object.id.is_some_and(|id| id.len() > 7 && text.contains(id));
                if identifies && is_odd(text) {
                    index.telling.insert(text);
                }
                index.places.entry(text.to_owned()).or_default().push(Place {
                    urn: object.urn.clone(),
                    of,
                    path: Path::field(output.name),
                    spelling: (output.spelling)(),
                    identifies,
                });
            }
        }
        index.restart();
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
        self.edges = Edges::among(self.numbers.len());
    }

    /// What an export of the other program is: a reference, if it is one output of one object.
    pub fn export(&self, text: &str) -> Option<Expr> {
        let places: Vec<_> =
            self.places.get(text)?.iter().filter(|place| place.identifies).collect();
        let first = places.first()?;
        let one = places.iter().all(|place| place.urn == first.urn);
        one.then(|| reference(best(&places)))
    }

    /// The texts inside of this one that tell an object from all others, the longest first.
    pub(super) fn telling(&self, text: &str, stands: fn(Option<char>) -> bool) -> Vec<String> {
        self.telling.inside(text, stands).into_iter().map(str::to_owned).collect()
    }

    /// The reference that `urn` has at a field of this type where this text stands.
    pub(super) fn find(
        &mut self,
        urn: &Urn,
        field: Option<&str>,
        wanted: &Spelling,
        text: &str,
    ) -> Option<Expr> {
        let own = *self.numbers.get(urn)?;
        let is_used = |place: &Place| self.source.uses(own, place.of);
        let is_known = |place: &&Place| place.of != own && (place.identifies || is_used(place));
        let places: Vec<&Place> =
            self.places.get(text)?.iter().filter(is_known).take(MOST + 1).collect();
        if places.len() > MOST {
            return None;
        }
        // Any text may look like a name.
        let (odd, plain) = (is_odd(text), is_plain(wanted));
        let is_meant = |how, place: &Place| odd || (how == Fit::Same && !plain) || is_used(place);
        let fitting: Vec<(Fit, &Place)> = places
            .into_iter()
            .filter_map(|place| Some((fit(&place.spelling, wanted)?, place)))
            .filter(|(how, place)| is_meant(*how, place) && !self.edges.reach(place.of, own))
            .collect();
        let same: Vec<_> = fitting.iter().filter(|(how, _)| *how == Fit::Same).copied().collect();
        let fitting = if same.is_empty() { fitting } else { same };
        let how = fitting.first()?.0;
        let places: Vec<&Place> = fitting.iter().map(|(_, place)| *place).collect();
        let place = one_of(&places, &is_used, field)?;
        let (to, found) = (place.of, reference(place));
        self.edges.add(own, to);
        Some(match how {
            Fit::Same => found,
            Fit::Text => Expr::Concat(vec![found]),
        })
    }

    /// What each of `urns` has to wait for although nothing of it is in its fields: what the source says that it is made
    /// from, as far as its references do not lead there. Of several with one address and kind, one that is referred to is
    /// enough.
    ///
    /// Asked after all references are recovered.
    pub fn waits(&mut self, urns: &[&Urn]) -> Vec<BTreeSet<Urn>> {
        let by_number: HashMap<usize, &Urn> =
            self.numbers.iter().map(|(urn, number)| (*number, urn)).collect();
        let mut waits = vec![BTreeSet::new(); urns.len()];
        let number = |at: usize| self.numbers.get(urns[at]).copied();
        let mut order: Vec<_> =
            (0..urns.len()).filter_map(|at| number(at).map(|own| (at, own))).collect();
        // What a source knows is all that something hangs on, however far away: who has less comes first.
        order.sort_by_key(|(_, own)| self.source.count(*own));
        for (at, own) in order {
            let reached = self.edges.reached(own);
            for to in self.source.missing(own, &reached) {
                if !self.edges.reach(to, own) {
                    waits[at].extend(by_number.get(&to).map(|urn| (*urn).clone()));
                    self.edges.add(own, to);
                }
            }
        }
        waits
    }
}

/// The place that is meant, if that is clear: what the source says is used, then what the field is named after.
fn one_of<'p>(
    places: &[&'p Place],
    is_used: &dyn Fn(&Place) -> bool,
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
