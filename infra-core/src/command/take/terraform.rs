//! The objects of a Terraform state.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use infra_state::{ProviderIdentity, Urn, Value};

use super::{
    TakeOptions, Taking,
    declare::{Source, take},
    given::Given,
    places::Places,
};
use crate::{
    Engine, Error, ErrorKind, Result,
    command::observe::PATIENCE,
    provider::Connection,
    transfer::{
        take::{Candidate, Left, Reason, builtin, piece_of},
        terraform::{Ask, Import, Instance, Piece, Place, ProviderAddress, State, Tables},
    },
};

/// Where an instance is: the configuration and what Terraform calls it.
type At = Option<(Value, Option<String>)>;

/// Reads the objects of a Terraform state live, and says what a program would have said of them. Writes nothing.
pub async fn from_terraform(
    engine: &Engine,
    state: &State,
    options: &TakeOptions,
) -> Result<Taking> {
    let is_chosen = |instance: &&Instance| {
        let all = options.only.is_empty();
        !instance.address.data
            && (all || options.only.iter().any(|text| instance.address.is_in(text)))
    };
    let instances: Vec<&Instance> = state.instances.iter().filter(is_chosen).collect();
    for text in &options.only {
        if !instances.iter().any(|instance| instance.address.is_in(text)) {
            let message = format!("the state has no resource `{text}`");
            return Err(Error::new(ErrorKind::Usage, message));
        }
    }
    if instances.is_empty() {
        let message = "the state has no resources: there is nothing to import";
        return Err(Error::new(ErrorKind::Usage, message));
    }
    let mut places = Places::new(engine);
    let mut sorted = Sorted::default();
    let tables: BTreeMap<&str, Tables> = engine
        .connectors
        .iter()
        .map(|(kind, connector)| (kind.as_str(), connector.terraform()))
        .collect();
    for instance in state.instances.iter().filter(|instance| !instance.address.data) {
        sorted.locate(&tables, &mut places, instance).await?;
    }
    for instance in instances {
        sorted.sort(&tables, &mut places, instance).await?;
    }
    sorted.ask(engine, &mut places).await?;
    places.announce();
    let Sorted { mut candidates, listed, left, secrets, .. } = sorted;
    // What is a resource of its own is met before it is met in another's attributes.
    candidates.extend(listed);
    let mut outputs = BTreeMap::new();
    if options.only.is_empty() {
        outputs.extend(state.outputs.iter().map(|(name, it)| (name.clone(), it.value.clone())));
    }
    take(engine, places, Source { candidates, left, secrets, outputs }).await
}

/// What the instances of a provider say of where it is.
#[derive(Default)]
struct Located {
    /// The configurations that are not the default one's.
    other: Vec<Value>,
    /// Some say that they are where the default provider is.
    home: bool,
    /// Some say that they are of its account.
    ours: bool,
    /// Some say that they are out of reach: why.
    out_of_reach: Option<String>,
}

/// What an instance says itself of where it is: whether it names its account, and whether the region of the default.
fn says(place: Place, instance: &Instance, default: &ProviderIdentity) -> (bool, bool) {
    let (mut account, mut home) = (false, false);
    // Whoever is at odds with a provider that is somewhere else has said where it is.
    for key in default.keys() {
        let mut other = default.clone();
        other.insert(key.clone(), "elsewhere".to_owned());
        match place(instance, &other) {
            Err(_) => account = true,
            Ok(config) => home |= config.is_some(),
        }
    }
    (account, home)
}

/// What becomes of the instances.
#[derive(Default)]
struct Sorted<'i> {
    candidates: Vec<Candidate>,
    /// Those that are only listed in the attributes of others.
    listed: Vec<Candidate>,
    left: Vec<Left>,
    /// Random passwords.
    secrets: Vec<Given>,
    /// Those that the cloud has to be asked about: by question, provider kind and place.
    asked: Vec<(Ask, &'static str, String, At, Vec<&'i Instance>)>,
    /// What the instances of each provider say of where it is.
    located: BTreeMap<ProviderAddress, Located>,
}

impl<'i> Sorted<'i> {
    async fn sort(
        &mut self,
        tables: &BTreeMap<&str, Tables>,
        places: &mut Places<'_>,
        instance: &'i Instance,
    ) -> Result<()> {
        if let Some(key) = &instance.deposed {
            let id = instance.id().unwrap_or("no id");
            let why = format!(
                "Terraform was about to delete it ({id}, deposed {key}): `terraform apply` finishes that, or delete it by hand"
            );
            self.leave(instance, Reason::Deposed, why);
            return Ok(());
        }
        let kind = instance.address.kind.as_str();
        let known = tables.iter().find_map(|(provider, tables)| {
            Some((*provider, tables, *tables.imports.get_key_value(kind)?.0))
        });
        let import = known.map(|(_, tables, name)| tables.imports[name]).or_else(|| builtin(kind));
        match import {
            None => {
                let why =
                    format!("no cloud of this program has a kind for `{kind}`: it stays as it is");
                self.leave(instance, Reason::Unmapped, why);
            }
            Some(Import::Never(why)) => self.leave(instance, Reason::Unmapped, why.to_owned()),
            Some(Import::Part(of)) => {
                self.leave(instance, Reason::Part, format!("it is part of {of}"));
            }
            Some(Import::Constant { secret }) => {
                match secret.map(|attribute| instance.text(attribute)) {
                    Some(Some(text)) => self.secrets.push(Given {
                        origin: instance.address.to_string(),
                        name: secret_name(instance),
                        text: text.to_owned(),
                    }),
                    Some(None) => {
                        let why = "Terraform's state has no value of it".to_owned();
                        self.leave(instance, Reason::Unmapped, why);
                    }
                    None => {
                        let why = "its values stand where they were used".to_owned();
                        self.leave(instance, Reason::Part, why);
                    }
                }
            }
            Some(Import::Objects(of)) => match self.place(known, places, instance).await? {
                Ok(at) => match of(instance) {
                    Ok(pieces) => self.pieces(instance, pieces, &at),
                    Err(why) => self.leave(instance, Reason::Unmapped, why),
                },
                Err(why) => self.leave(instance, Reason::Elsewhere, why),
            },
            Some(Import::Asked(ask)) => {
                let Some((provider, _, name)) = known else { return Ok(()) };
                match self.place(known, places, instance).await? {
                    Ok(at) => {
                        let mut asked = self.asked.iter_mut();
                        if let Some((.., instances)) =
                            asked.find(|(_, kind, _, place, _)| *kind == name && *place == at)
                        {
                            instances.push(instance);
                        } else {
                            let provider = provider.to_owned();
                            self.asked.push((ask, name, provider, at, vec![instance]));
                        }
                    }
                    Err(why) => self.leave(instance, Reason::Elsewhere, why),
                }
            }
        }
        Ok(())
    }

    /// Where an instance is, if this run reaches it.
    async fn place(
        &self,
        known: Option<(&str, &Tables, &str)>,
        places: &mut Places<'_>,
        instance: &Instance,
    ) -> Result<std::result::Result<At, String>> {
        let Some((provider, tables, _)) = known else { return Ok(Ok(None)) };
        let (_, default) = places.default(provider).await?;
        let Some(place) = tables.place else { return Ok(Ok(None)) };
        let alias = instance.provider.alias.clone();
        let own = match place(instance, &default.identity) {
            Ok(own) => own,
            Err(why) => return Ok(Err(why)),
        };
        // What does not say itself where it is is where the others of its provider are.
        let located = self.located.get(&instance.provider);
        if let Some(why) = located.filter(|it| !it.ours).and_then(|it| it.out_of_reach.as_ref())
            && !says(place, instance, &default.identity).0
        {
            return Ok(Err(format!("it is where others of its provider are: {why}")));
        }
        let others = || match located.filter(|it| !it.home).map(|it| &it.other[..]) {
            Some([only]) => Some(only.clone()),
            _ => None,
        };
        Ok(Ok(own.or_else(others).map(|config| (config, alias))))
    }

    /// Where the instances of a provider say that they are.
    async fn locate(
        &mut self,
        tables: &BTreeMap<&str, Tables>,
        places: &mut Places<'_>,
        instance: &Instance,
    ) -> Result<()> {
        let kind = instance.address.kind.as_str();
        let known = tables.iter().find(|(_, tables)| tables.imports.contains_key(kind));
        let Some((provider, tables)) = known else { return Ok(()) };
        let Some(place) = tables.place else { return Ok(()) };
        let (_, default) = places.default(provider).await?;
        let located = self.located.entry(instance.provider.clone()).or_default();
        match place(instance, &default.identity) {
            Ok(Some(config)) => {
                if !located.other.iter().any(|other| other.same(&config)) {
                    located.other.push(config);
                }
                located.ours |= says(place, instance, &default.identity).0;
            }
            Ok(None) => {
                let (account, home) = says(place, instance, &default.identity);
                located.ours |= account;
                located.home |= home;
            }
            Err(why) => drop(located.out_of_reach.get_or_insert(why)),
        }
        Ok(())
    }

    fn leave(&mut self, instance: &Instance, reason: Reason, why: String) {
        self.left.push(Left { origin: instance.address.to_string(), reason, why });
    }

    fn pieces(&mut self, instance: &Instance, pieces: Vec<Piece>, at: &At) {
        for mut piece in pieces {
            if let Some((reason, why)) = piece.left.take() {
                let what = piece.suffix.unwrap_or_default();
                let origin = format!("{} ({what})", instance.address);
                self.left.push(Left { origin, reason, why });
                continue;
            }
            let all = if piece.listed { &mut self.listed } else { &mut self.candidates };
            all.push(piece_of(instance, piece, at.clone()));
        }
    }

    /// Asks the cloud about what the attributes alone do not tell.
    async fn ask(&mut self, engine: &Engine, places: &mut Places<'_>) -> Result<()> {
        for (ask, _, provider, at, instances) in std::mem::take(&mut self.asked) {
            let (_, connection) = places.of(&provider, at.as_ref()).await?;
            let answers = answers(engine, ask, &connection, &instances).await;
            for (instance, answer) in instances.into_iter().zip(answers) {
                match answer {
                    Ok(pieces) if pieces.is_empty() => {
                        let why = "a field of another object says it".to_owned();
                        self.leave(instance, Reason::Part, why);
                    }
                    Ok(pieces) => self.pieces(instance, pieces, &at),
                    Err(e) if e.class() == crate::provider::Class::NotFound => {
                        let why = format!("there is no such object in the cloud any more: {e}");
                        self.leave(instance, Reason::Missing, why);
                    }
                    Err(e) => {
                        let message = format!("{} cannot be looked for: {e}", instance.address);
                        return Err(Error::new(ErrorKind::Failed, message).because(e));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Asks, again where that can help.
async fn answers(
    engine: &Engine,
    ask: Ask,
    connection: &Arc<Connection>,
    instances: &[&Instance],
) -> Vec<crate::provider::Result<Vec<Piece>>> {
    let until = engine.env.monotonic() + PATIENCE;
    let mut pause = Duration::from_millis(100);
    loop {
        let answers = ask(connection, instances).await;
        let last = engine.env.monotonic() >= until || engine.cancel.is_stopped();
        let again = |answer: &crate::provider::Result<_>| {
            answer.as_ref().is_err_and(|e| e.class().is_retryable())
        };
        if last || !answers.iter().any(again) {
            return answers;
        }
        engine.env.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// `vpc/db-password` of `module.vpc.random_password.db_password`.
fn secret_name(instance: &Instance) -> String {
    let of = Piece::new("core:Secret", "");
    let candidate = piece_of(instance, of, None);
    let urns = crate::transfer::take::urns(&[candidate], &BTreeSet::new());
    let name = urns.ok().and_then(|urns| urns.first().map(|urn: &Urn| urn.name().to_owned()));
    name.unwrap_or_else(|| instance.address.name.clone())
}
