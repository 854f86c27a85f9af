//! Random programs, and how they change from one command to the next.

use std::{collections::BTreeMap, time::Duration};

use infra_core::{
    Output, Sensitive, Stack, interpolate,
    prelude::*,
    program::ProviderHandle,
    secret::Secret,
    state::{Urn, Value},
};

use super::{
    cloud::{Client, Cloud, Habits},
    kinds::{Base, Image, Made, Named, Sim, Slot, Slow, Tagged, Token, Vault},
    world::Chance,
};

/// The kinds of resources.
pub const KINDS: [&str; 7] = ["Tagged", "Token", "Named", "Slot", "Slow", "Base", "Vault"];

/// One resource of a program.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent options")]
pub struct Res {
    /// Its name.
    pub name: String,
    /// Its names before: nobody knows which of them the state has.
    pub aliases: Vec<String>,
    /// Its kind.
    pub kind: &'static str,
    subject: u64,
    note: u64,
    inside: Option<String>,
    uses: Vec<String>,
    after: Option<String>,
    /// Takes the summary of that one into its note.
    follows: Option<String>,
    far: bool,
    /// May not be deleted.
    pub protect: bool,
    /// Is forgotten instead of deleted.
    pub retain: bool,
    ignore: bool,
    replace_on: bool,
    first: bool,
    patient: bool,
    import: Option<String>,
    fixed: Option<String>,
    planted: bool,
    secret: bool,
    told: bool,
    image: bool,
}

impl Res {
    /// Its urn.
    pub fn urn(&self) -> Urn {
        Urn::new(&format!("sim:{}", self.kind), &self.name).unwrap()
    }

    fn refs(&mut self) -> impl Iterator<Item = &mut String> {
        let of = self.inside.iter_mut().chain(&mut self.uses).chain(&mut self.after);
        of.chain(&mut self.follows)
    }

    /// Whether deleting it loses data.
    pub fn holds_data(&self) -> bool {
        matches!(self.kind, "Base" | "Vault")
    }
}

/// A program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Its resources, each after what it refers to.
    pub all: Vec<Res>,
    rotation: u64,
    next: u64,
}

/// What a resource gives to others.
struct Given {
    urn: Urn,
    id: Output<String>,
    summary: Output<String>,
}

impl Program {
    /// A program of a few resources.
    pub fn new(chance: &mut Chance, cloud: &Cloud) -> Self {
        let mut program = Self::default();
        for _ in 0..=chance.below(7) {
            program.add(chance, cloud);
        }
        program.mend();
        program
    }

    /// The urns of what holds data, of now.
    pub fn data(&self) -> Vec<String> {
        self.all.iter().filter(|r| r.holds_data()).map(|r| r.urn().to_string()).collect()
    }

    /// Of the objects that were there before only these are declared as taken over.
    pub fn take_over_only(&mut self, there: impl Fn(&str) -> bool) {
        for res in &mut self.all {
            res.import = res.import.take().filter(|id| there(id));
        }
    }

    fn add(&mut self, chance: &mut Chance, cloud: &Cloud) {
        self.next += 1;
        let number = self.next;
        let kind = chance.pick(&KINDS).copied().unwrap_or("Tagged");
        let mut res = Res { name: format!("r{number}"), kind, ..Res::default() };
        // What is retained, or was there before, must not hold on to what is deleted.
        let plain = chance.percent(12);
        if plain {
            match chance.below(3) {
                // One of which there is one at a time cannot stay when its successor comes.
                0 => res.retain = kind != "Slot",
                1 if kind == "Tagged" => {
                    let id = format!("planted-{number}");
                    let inputs = [("subject", "0".into()), ("note", "planted".into())];
                    cloud.plant(&id, "sim:Tagged", Value::from(inputs), Habits::default());
                    res.import = Some(id);
                }
                _ if kind == "Named" => {
                    let name = format!("fixed-{number}");
                    if chance.percent(50) {
                        res.planted = true;
                        let inputs = [("subject", "0".into()), ("name", name.as_str().into())];
                        let habits = Habits { named: true, ..Habits::default() };
                        cloud.plant(
                            &format!("sim-Named/{name}"),
                            "sim:Named",
                            inputs.into(),
                            habits,
                        );
                    }
                    res.fixed = Some(name);
                }
                _ => {}
            }
        } else {
            let earlier = names(self.all.iter().filter(|res| Self::can_be_used(res)).collect());
            if chance.percent(50) {
                res.inside = chance.pick(&earlier).cloned();
            }
            for _ in 0..chance.below(3) {
                res.uses.extend(chance.pick(&earlier).cloned());
            }
            res.uses.sort();
            res.uses.dedup();
            if chance.percent(15) {
                res.after = chance.pick(&earlier).cloned();
            }
            if chance.percent(15) {
                res.follows = chance.pick(&earlier).cloned();
            }
            res.far = chance.percent(10);
        }
        // What came out wrong has to be replaced, so it cannot be protected from the start.
        res.protect = !matches!(kind, "Slow" | "Base") && chance.percent(10);
        res.ignore = chance.percent(6);
        res.first = chance.percent(10);
        res.patient = chance.percent(10);
        res.secret = matches!(kind, "Base" | "Token") && chance.percent(60);
        res.told = chance.percent(8);
        res.image = chance.percent(10);
        self.all.push(res);
    }

    /// The program after somebody worked on it. What is protected is neither removed nor replaced.
    pub fn evolved(&self, chance: &mut Chance, cloud: &Cloud) -> Self {
        let mut program = self.clone();
        for _ in 0..=chance.below(4) {
            program.evolve(chance, cloud);
        }
        program
    }

    fn evolve(&mut self, chance: &mut Chance, cloud: &Cloud) {
        let count = self.all.len() as u64;
        let what = chance.below(14);
        if what < 2 || count == 0 {
            self.add(chance, cloud);
            return self.mend();
        }
        let at = usize::try_from(chance.below(count)).unwrap();
        let free = !self.all[at].protect;
        let (name, kind) = (self.all[at].name.clone(), self.all[at].kind);
        match what {
            2 | 3 if free => {
                self.all.remove(at);
                for res in &mut self.all {
                    res.uses.retain(|other| *other != name);
                    for slot in [&mut res.inside, &mut res.after, &mut res.follows] {
                        // What lies in something that goes lies nowhere, and is replaced for it, if it may be.
                        if slot.as_ref() == Some(&name) {
                            *slot = None;
                        }
                    }
                }
            }
            4 => *self = self.renamed(&name).0,
            5 | 6 => self.all[at].note += 1,
            7 | 8 if free && self.all[at].import.is_none() && !self.all[at].planted => {
                self.all[at].subject += 1;
            }
            9 => {
                let earlier = self.all[..at].iter().filter(|res| Self::can_be_used(res));
                let earlier = names(earlier.collect());
                let res = &mut self.all[at];
                if res.retain || res.import.is_some() || res.fixed.is_some() {
                    return;
                }
                if free && chance.percent(50) {
                    res.inside = chance.pick(&earlier).cloned();
                } else if let Some(other) = chance.pick(&earlier).cloned() {
                    match res.uses.iter().position(|used| *used == other) {
                        Some(used) => drop(res.uses.remove(used)),
                        None => res.uses.push(other),
                    }
                }
            }
            10 => {
                let used = self.is_used(&name);
                let res = &mut self.all[at];
                res.replace_on = free && chance.percent(50);
                res.first = !used && chance.percent(30);
                res.ignore = chance.percent(20);
            }
            // What is to be taken over is where it is.
            11 if free && kind != "Named" && self.all[at].import.is_none() => {
                self.all[at].far = chance.percent(50);
            }
            12 => self.rotation += 1,
            13 => cloud.new_image(),
            _ => {}
        }
        self.mend();
    }

    /// Whether another one may refer to it: not if it has to go before its successor comes, and not if it stays for ever.
    fn can_be_used(res: &Res) -> bool {
        !res.retain && !res.first && res.fixed.is_none() && res.kind != "Slot"
    }

    fn is_used(&self, name: &str) -> bool {
        let mut all = self.all.clone();
        all.iter_mut().any(|res| res.refs().any(|other| other == name))
    }

    /// What is protected may never have to be replaced.
    fn mend(&mut self) {
        for res in self.all.iter_mut().filter(|res| res.protect) {
            res.inside = None;
            res.replace_on = false;
        }
    }

    /// The program with another name for a resource, and that name.
    pub fn renamed(&self, name: &str) -> (Self, String) {
        let mut program = self.clone();
        program.next += 1;
        let new = format!("r{}", program.next);
        for res in &mut program.all {
            if res.name == name {
                res.aliases.insert(0, name.to_owned());
                res.name.clone_from(&new);
            }
            res.refs().filter(|other| **other == name).for_each(|other| other.clone_from(&new));
        }
        (program, new)
    }

    /// Declares it.
    pub fn declare(&self, stack: &mut Stack) -> Result<()> {
        let far = stack.provider("far", Sim::new().region("far"));
        let rotation = self.rotation.to_string();
        let secret = stack.secret_with("password", Secret::new().rotation(rotation));
        let image = stack.lookup("image", Image::new("any")).image.clone();
        let mut given: BTreeMap<String, Given> = BTreeMap::new();
        for res in &self.all {
            let made = match res.kind {
                "Tagged" => tagged(stack, res, &given, &far, &secret, &image),
                "Token" => token(stack, res, &given, &far, &secret, &image),
                "Named" => named(stack, res, &given, &far, &secret, &image),
                "Slot" => slot(stack, res, &given, &far, &secret, &image),
                "Slow" => slow(stack, res, &given, &far, &secret, &image),
                "Base" => base(stack, res, &given, &far, &secret, &image),
                _ => vault(stack, res, &given, &far, &secret, &image),
            };
            given.insert(res.name.clone(), made);
        }
        for (name, given) in given.iter().take(2) {
            stack.export(name.clone(), &given.id);
        }
        stack.export("password", &secret);
        Ok(())
    }
}

fn names(of: Vec<&Res>) -> Vec<String> {
    of.into_iter().map(|res| res.name.clone()).collect()
}

macro_rules! declare {
    ($($function:ident $kind:ident)*) => {$(
        fn $function(
            stack: &mut Stack,
            res: &Res,
            given: &BTreeMap<String, Given>,
            far: &ProviderHandle<Client>,
            secret: &Output<Sensitive<String>>,
            image: &Output<String>,
        ) -> Given {
            let id = |name: &String| given[name].id.clone();
            let mut one = $kind::new(res.subject.to_string());
            let note = res.note.to_string();
            one = match &res.follows {
                _ if res.told => one.note(interpolate!("{} told {}", &note, secret)),
                _ if res.image => one.note(interpolate!("{} on {}", &note, image)),
                Some(other) => one.note(interpolate!("{} of {}", &note, &given[other].summary)),
                None => one.note(note),
            };
            if let Some(other) = &res.inside {
                one = one.inside(id(other));
            }
            if !res.uses.is_empty() {
                one = one.uses(res.uses.iter().map(id).collect::<Vec<_>>());
            }
            if let Some(name) = &res.fixed {
                one = one.name(name);
            }
            if res.secret {
                one = one.password(secret);
            }
            let mut one = one.protect_if(res.protect);
            if res.retain {
                one = one.retain_on_delete();
            }
            if res.ignore {
                one = one.ignore_changes(["note"]);
            }
            if res.replace_on {
                one = one.replace_on_changes(["note"]);
            }
            if res.first {
                one = one.delete_before_replace();
            }
            if res.patient {
                let limit = Duration::from_mins(20);
                one = one.create_timeout(limit).update_timeout(limit).delete_timeout(limit);
            }
            for old in &res.aliases {
                one = one.alias(old.as_str());
            }
            if let Some(other) = &res.after {
                one = one.depends_on(given[other].urn.clone());
            }
            if let Some(id) = &res.import {
                one = one.import(id.as_str());
            }
            if res.fixed.is_some() {
                one = one.adopt();
            }
            if res.far {
                one = one.provider(far);
            }
            let handle = stack.add(&res.name, one);
            let Made { .. } = Made { id: String::new(), summary: String::new() };
            Given {
                urn: handle.urn().clone(),
                id: handle.id.clone(),
                summary: handle.summary.clone(),
            }
        }
    )*};
}

declare! {
    tagged Tagged
    token Token
    named Named
    slot Slot
    slow Slow
    base Base
    vault Vault
}
