//! From what was found to declarations, and round again without what cannot be declared.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    panic::Location,
    sync::Arc,
};

use infra_state::{EnvExt as _, Instance, Path, Urn, Value};

use uuid::Uuid;

use super::{
    Taken, Taking,
    given::{Given, unused},
    look::{Found, look},
    places::Places,
    prove::{Proof, prove},
};
use crate::{
    Engine, Error, ErrorKind, Result, Stack,
    graph::{Exports, Expr, Node, NodeOptions},
    secret,
    transfer::{
        Declaration,
        refer::{Index, Known, Secrets},
        take::{Candidate, Left, Reason, prune, sparse, urns},
        write::{self, Program},
    },
};

/// How many rounds that neither leave anything out nor teach anything there may be before it is given up.
const ROUNDS: usize = 2;

/// What a source gives.
#[derive(Default)]
pub(super) struct Source {
    pub(super) candidates: Vec<Candidate>,
    pub(super) left: Vec<Left>,
    /// Secrets that it has by themselves.
    pub(super) secrets: Vec<Given>,
    /// What it gives to others.
    pub(super) outputs: BTreeMap<String, Value>,
}

/// What was learnt about fields: they are left out, or changes of them ignored.
#[derive(Default)]
pub(super) struct Lessons {
    pub(super) out: BTreeSet<(Urn, String)>,
    pub(super) ignored: BTreeMap<Urn, BTreeSet<Path>>,
}

impl Lessons {
    fn count(&self) -> usize {
        self.out.len() + self.ignored.values().map(BTreeSet::len).sum::<usize>()
    }
}

/// What is declared.
pub(super) struct Declared {
    pub(super) declarations: Vec<Declaration>,
    pub(super) exports: Exports,
    /// The values of the secrets.
    pub(super) secrets: BTreeMap<Urn, String>,
    pub(super) unknown: BTreeMap<Urn, String>,
    pub(super) instances: BTreeMap<Urn, Instance>,
    /// What would stand in clear although it is a secret: of which objects.
    pub(super) leaks: BTreeMap<Urn, String>,
}

/// What is made while declaring.
struct Making {
    index: Index,
    secrets: Secrets,
    unknown: BTreeMap<Urn, String>,
    /// What stands for secrets that nobody can read.
    invented: BTreeMap<(Urn, &'static str), String>,
}

pub(super) async fn take(
    engine: &Engine,
    mut places: Places<'_>,
    source: Source,
) -> Result<Taking> {
    let view = engine.state.read().await?;
    let snapshot = view.map(|view| view.snapshot);
    if let Some(snapshot) = &snapshot {
        crate::command::planning::same_cloud(engine, snapshot)?;
        super::record::settled(snapshot)?;
    }
    let lineage = snapshot.as_ref().map(|snapshot| snapshot.identity.lineage);
    let mut left = source.left;
    let mut found = look(engine, &mut places, source.candidates, lineage, &mut left).await?;
    if let Some(snapshot) = &snapshot {
        super::record::free(snapshot, &found, &places)?;
    }
    let taken: BTreeSet<Urn> =
        snapshot.iter().flat_map(|s| s.records.values()).map(|record| record.urn.clone()).collect();
    let mut lessons = Lessons::default();
    let mut words = BTreeMap::new();
    let named: Vec<Candidate> = found.iter().map(|found| found.candidate.clone()).collect();
    // The names stay, whatever is left out: what was learnt is about them.
    let mut urns = urns(&named, &taken)?;
    let mut rounds = 0;
    while !found.is_empty() && rounds < ROUNDS {
        let declaring =
            Declaring { engine, places: &places, found: &found, urns: &urns, taken: &taken };
        let declared = declaring.all(&source.secrets, &source.outputs, &lessons, &mut words)?;
        let mut wrong = declared.leaks.clone();
        if wrong.is_empty() {
            wrong = declaring.unwritable(&declared)?;
        }
        let proof = if wrong.is_empty() {
            prove(engine, &declared, &found, &urns).await?
        } else {
            Proof::Wrong(wrong)
        };
        match proof {
            Proof::Wrong(wrong) => {
                let mut all = urns.iter();
                found.retain(|found| {
                    let why = all.next().and_then(|urn| wrong.get(urn));
                    left.extend(why.map(|why| Left {
                        origin: found.candidate.origin.clone(),
                        reason: Reason::Unmapped,
                        why: format!("{} {}: {why}", found.candidate.kind, found.seen.id),
                    }));
                    why.is_none()
                });
                let before = urns.len();
                urns.retain(|urn| !wrong.contains_key(urn));
                rounds += usize::from(urns.len() == before);
            }
            Proof::Learnt(more) => {
                let before = lessons.count();
                lessons.out.extend(more.out);
                for (urn, paths) in more.ignored {
                    lessons.ignored.entry(urn).or_default().extend(paths);
                }
                rounds += usize::from(lessons.count() == before);
            }
            Proof::Empty { graph, records, exported, unfinished } => {
                left.extend(unused(&source.secrets, &source.outputs, &declared));
                left.sort();
                let taken = found.iter().zip(&urns).map(|(found, urn)| Taken {
                    urn: urn.clone(),
                    id: found.seen.id.clone(),
                    origin: found.candidate.origin.clone(),
                    tainted: found.candidate.tainted,
                    ignored: lessons.ignored.get(urn).into_iter().flatten().cloned().collect(),
                    unfinished: unfinished.get(urn).cloned(),
                });
                let mut taken: Vec<_> = taken.collect();
                taken.sort_by(|a, b| a.urn.cmp(&b.urn));
                return Ok(Taking {
                    declarations: in_order(declared.declarations, &graph.order),
                    exports: declared.exports,
                    taken,
                    left,
                    unknown_secrets: declared.unknown,
                    graph: *graph,
                    records,
                    exported,
                });
            }
        }
    }
    let why = left.iter().map(|left| format!("{}: {}", left.origin, left.why));
    let why = why.take(10).collect::<Vec<_>>().join("\n  ");
    let message = if found.is_empty() {
        format!("nothing can be taken over:\n  {why}")
    } else {
        "what was found cannot be declared so that nothing is left to do; please report it"
            .to_owned()
    };
    Err(Error::new(ErrorKind::Failed, message))
}

fn in_order(mut declarations: Vec<Declaration>, order: &[Urn]) -> Vec<Declaration> {
    let places: BTreeMap<&Urn, usize> =
        order.iter().enumerate().map(|(at, urn)| (urn, at)).collect();
    declarations.sort_by_key(|it| places.get(&it.urn).copied().unwrap_or(usize::MAX));
    declarations
}

struct Declaring<'d> {
    engine: &'d Engine,
    places: &'d Places<'d>,
    found: &'d [Found],
    urns: &'d [Urn],
    /// What is recorded already.
    taken: &'d BTreeSet<Urn>,
}

impl Declaring<'_> {
    fn all(
        &self,
        given: &[Given],
        outputs: &BTreeMap<String, Value>,
        lessons: &Lessons,
        words: &mut BTreeMap<Urn, Instance>,
    ) -> Result<Declared> {
        let index = Index::new(self.found.iter().zip(self.urns).map(|(found, urn)| Known {
            urn,
            schema: found.driver.schema(),
            id: Some(&found.seen.id),
            outputs: found.seen.outputs.as_ref(),
            address: found.candidate.address.as_deref(),
            scopes: &found.candidate.scopes,
            uses: &found.candidate.uses,
        }));
        let mut secrets = Secrets::default();
        let is_secret = |urn: &&Urn| urn.kind() == <secret::Secret as crate::Resource>::KIND;
        secrets.avoid(self.taken.iter().filter(is_secret).map(|urn| urn.name().to_owned()));
        for given in given {
            secrets.given(&given.name, &given.text);
        }
        let (unknown, invented) = (BTreeMap::new(), BTreeMap::new());
        let mut making = Making { index, secrets, unknown, invented };
        // All passwords are known before any text is taken to hold none.
        for (found, urn) in self.found.iter().zip(self.urns) {
            self.one(found, urn, &mut making, lessons);
        }
        making.index.restart();
        let mut declarations = Vec::new();
        for (found, urn) in self.found.iter().zip(self.urns) {
            declarations.push(self.one(found, urn, &mut making, lessons));
            words.entry(urn.clone()).or_insert_with(|| self.engine.env.instance());
        }
        let Making { mut index, secrets, mut unknown, .. } = making;
        let waits = index.waits(&self.urns.iter().collect::<Vec<_>>());
        for (declaration, waits) in declarations.iter_mut().zip(waits) {
            declaration.options.depends_on = waits;
        }
        let exports = outputs.iter().filter_map(|(name, value)| {
            let text = value.as_str().filter(|_| !value.has_secret())?;
            Some((name.clone(), index.export(text)?))
        });
        let exports = exports.collect();
        let mut referred = BTreeSet::new();
        for declaration in &declarations {
            for expr in declaration.inputs.values() {
                expr.references(&mut |urn, _| {
                    referred.insert(urn.clone());
                });
            }
        }
        let leaks = leaks(&declarations, &secrets);
        let values: BTreeMap<Urn, String> =
            secrets.all().map(|(urn, text)| (urn.clone(), text.to_owned())).collect();
        let sealed = values.keys().filter(|urn| referred.contains(*urn));
        declarations.extend(sealed.map(|urn| Declaration {
            urn: urn.clone(),
            driver: secret::driver(),
            inputs: BTreeMap::new(),
            provider: None,
            options: NodeOptions::default(),
            id: None,
            origin: None,
            member: None,
        }));
        for (config, urn) in self.places.configured() {
            if self.found.iter().any(|found| found.provider == *urn) {
                declarations.push(self.provider(config, urn)?);
            }
        }
        let secrets: BTreeMap<_, _> =
            values.into_iter().filter(|(urn, _)| referred.contains(urn)).collect();
        unknown.retain(|urn, _| referred.contains(urn));
        for declaration in &declarations {
            words.entry(declaration.urn.clone()).or_insert_with(|| self.engine.env.instance());
        }
        let instances = words.clone();
        Ok(Declared { declarations, exports, secrets, unknown, instances, leaks })
    }

    /// The objects that have no form in a program, and why.
    fn unwritable(&self, declared: &Declared) -> Result<BTreeMap<Urn, String>> {
        let program = Program {
            declarations: declared.declarations.clone(),
            exports: declared.exports.clone(),
            ..Program::default()
        };
        let mut wrong = BTreeMap::new();
        for it in write::unwritable(&program) {
            let through = |(found, urn): &(&Found, &Urn)| {
                urn.as_str() == it.of || found.provider.as_str() == it.of
            };
            let before = wrong.len();
            for (_, urn) in self.found.iter().zip(self.urns).filter(through) {
                wrong.insert(urn.clone(), it.to_string());
            }
            if wrong.len() == before {
                return Err(Error::new(ErrorKind::Failed, it.to_string()).because(it));
            }
        }
        Ok(wrong)
    }

    fn provider(&self, config: &Value, urn: &Urn) -> Result<Declaration> {
        let driver = self.engine.registry.get(urn.kind()).cloned().ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("no cloud of this program has `{}`", urn.kind()))
        })?;
        let fields = config.as_map().cloned().unwrap_or_default();
        Ok(Declaration {
            urn: urn.clone(),
            driver,
            inputs: fields.into_iter().map(|(name, v)| (name, Expr::Literal(v))).collect(),
            provider: None,
            options: NodeOptions::default(),
            id: None,
            origin: None,
            member: None,
        })
    }

    fn one(&self, found: &Found, urn: &Urn, making: &mut Making, lessons: &Lessons) -> Declaration {
        let Making { index, secrets, unknown, invented: made } = making;
        let (schema, candidate) = (found.driver.schema(), &found.candidate);
        let default = found.provider.name() == "default";
        let inherited =
            if default { self.places.default_tags(found.provider.kind()) } else { BTreeMap::new() };
        let mut fields = sparse(schema, &found.seen.live, &candidate.known, &inherited);
        fields.retain(|name, _| !lessons.out.contains(&(urn.clone(), name.clone())));
        let mut options = NodeOptions::default();
        options.ignore_changes.extend(lessons.ignored.get(urn).into_iter().flatten().cloned());
        for field in schema.fields.iter().filter(|field| field.required && field.secret) {
            if fields.contains_key(field.name) {
                continue;
            }
            // Something has to stand there. It is never written: changes of it are ignored.
            let text = made.entry((urn.clone(), field.name)).or_insert_with(|| {
                let mut word = [0; 16];
                self.engine.env.random(&mut word);
                Uuid::from_bytes(word).simple().to_string()
            });
            fields.insert(field.name.to_owned(), Value::from(text.clone()).secret());
            let path = Path::field(field.name);
            if !options.ignore_changes.contains(&path) {
                options.ignore_changes.push(path);
            }
        }
        let invented: HashSet<String> = fields
            .iter()
            .filter(|(name, _)| options.ignore_changes.iter().any(|p| p.first() == Some(name)))
            .map(|(name, _)| name.clone())
            .collect();
        let mut inputs = index.refer(urn, schema, &fields, &candidate.sealed, secrets);
        prune(schema, &mut inputs, &candidate.known);
        for name in invented {
            if let Some(Expr::Reference { urn: secret, .. }) = inputs.get(&name)
                && secret.kind() == <secret::Secret as crate::Resource>::KIND
            {
                unknown.insert(secret.clone(), format!("{urn} `{name}`"));
            }
        }
        Declaration {
            urn: urn.clone(),
            driver: Arc::clone(&found.driver),
            inputs,
            provider: (!default).then(|| found.provider.clone()),
            options,
            id: Some(found.seen.id.clone()),
            origin: Some(candidate.origin.clone()),
            member: candidate.member.clone(),
        }
    }
}

/// The declarations in which a secret stands where nothing can be referred to.
fn leaks(declarations: &[Declaration], secrets: &Secrets) -> BTreeMap<Urn, String> {
    let mut leaks = BTreeMap::new();
    for declaration in declarations {
        for (name, expr) in &declaration.inputs {
            each_text(expr, &mut |text| {
                if let Some(secret) = secrets.leak(text) {
                    let why = format!(
                        "the secret `{}` stands in clear in its `{name}`, where a program cannot refer to it",
                        secret.name()
                    );
                    leaks.insert(declaration.urn.clone(), why);
                }
            });
        }
    }
    leaks
}

/// Every text that would be written in clear.
fn each_text(expr: &Expr, found: &mut dyn FnMut(&str)) {
    fn inside(value: &Value, found: &mut dyn FnMut(&str)) {
        match value {
            Value::String(text) => found(text),
            Value::List(list) => list.iter().for_each(|value| inside(value, found)),
            Value::Map(map) => map.iter().for_each(|(key, value)| {
                found(key);
                inside(value, found);
            }),
            _ => {}
        }
    }
    match expr {
        Expr::Literal(value) => inside(value, found),
        Expr::List(list) | Expr::Concat(list) => list.iter().for_each(|of| each_text(of, found)),
        Expr::Map(map) => map.values().for_each(|of| each_text(of, found)),
        Expr::Json(of) | Expr::Base64(of) | Expr::UrlEncode(of) => each_text(of, found),
        _ => {}
    }
}

/// The stack that declares this.
#[track_caller]
pub(super) fn stack(engine: &Engine, declared: &Declared) -> Stack {
    let mut stack = Stack::new(engine.state.name().clone(), engine.config.clone());
    let at = Location::caller();
    for declaration in &declared.declarations {
        stack.nodes.push(Node {
            urn: declaration.urn.clone(),
            role: declaration.driver.role(),
            driver: Arc::clone(&declaration.driver),
            inputs: declaration.inputs.clone(),
            provider: declaration.provider.clone(),
            options: declaration.options.clone(),
            at,
        });
    }
    for (name, expr) in &declared.exports {
        stack.exports.insert(name.clone(), expr.clone());
        stack.export_places.insert(name.clone(), at);
    }
    stack
}
