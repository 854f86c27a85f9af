//! The fake cloud: what it has, how it behaves, and what it refuses to have done to it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use infra_core::{
    provider::{Class, Error, Gate, Operation, Readiness, Result},
    state::Value,
};
use tokio::sync::oneshot;

use super::{
    ledger::Ledger,
    process::Me,
    world::{World, lock},
};

/// After a create or a change it shows for sure after this long; after a delete it is hidden for sure.
pub const LAG: Duration = Duration::from_secs(4);
/// How long a call may be on its way when its caller does not wait for it any more.
const LATE: u64 = 5_000;
/// What a kind declares: longer than a late call takes to show.
pub const WINDOW: Duration = Duration::from_secs(10);
/// How long a client token is honoured.
pub const TOKEN: Duration = Duration::from_secs(90);

/// How a kind behaves.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent habits")]
pub struct Habits {
    /// The same client token gives the same object.
    pub token: bool,
    /// A name can be had once.
    pub named: bool,
    /// One resource has at most one at a time.
    pub alone: bool,
    /// Takes this many milliseconds to be ready, at most.
    pub slow: u64,
    /// A change is accepted and carried out later.
    pub later: bool,
    /// A delete only schedules it.
    pub restorable: bool,
    /// Deleting it loses data.
    pub data: bool,
}

/// One object.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its kind.
    pub kind: &'static str,
    /// Where it is.
    pub region: String,
    /// Its inputs as the cloud has them.
    pub inputs: Value,
    /// Its tags.
    pub owner: BTreeMap<String, String>,
    /// What made it; nothing for what was there before.
    op: Option<String>,
    habits: Habits,
    /// From when on every read finds it.
    shows: Duration,
    /// From when on every read finds its tags.
    tagged: Duration,
    ready: Duration,
    broken: bool,
    gone: Option<Duration>,
    /// Scheduled for deletion.
    pub scheduled: bool,
    /// What a stale read shows, and until when.
    before: (Value, Duration),
}

impl Object {
    fn alive(&self) -> bool {
        self.gone.is_none()
    }

    fn refers_to(&self, id: &str) -> bool {
        refs(&self.inputs).any(|other| other == id)
    }
}

/// The ids that inputs refer to.
fn refs(inputs: &Value) -> impl Iterator<Item = &str> {
    let uses = inputs.get("uses").and_then(Value::as_list).unwrap_or_default();
    inputs.get("inside").into_iter().chain(uses).filter_map(Value::as_str)
}

/// What a command may do to the cloud.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Names of resources whose data may be lost.
    pub loss: Vec<String>,
}

/// The cloud.
pub struct Cloud {
    world: Arc<World>,
    ledger: Arc<Ledger>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, Object>,
    tokens: BTreeMap<String, (String, Duration, Value)>,
    count: u64,
    image: u64,
    allowed: Allowed,
}

impl Cloud {
    /// An empty cloud.
    pub fn new(world: &Arc<World>, ledger: &Arc<Ledger>) -> Arc<Self> {
        let (world, ledger) = (Arc::clone(world), Arc::clone(ledger));
        Arc::new(Self { world, ledger, inner: Mutex::default() })
    }

    /// Whether the object is there.
    pub fn is_alive(&self, id: &str) -> bool {
        let inner = lock(&self.inner);
        inner.objects.get(id).is_some_and(|object| object.alive() && !object.scheduled)
    }

    /// Every object that is there and not scheduled for deletion.
    pub fn alive(&self) -> BTreeMap<String, Object> {
        let inner = lock(&self.inner);
        let alive = inner.objects.iter().filter(|(_, object)| object.alive() && !object.scheduled);
        alive.map(|(id, object)| (id.clone(), object.clone())).collect()
    }

    /// Objects that no record has and no open operation can have made.
    pub fn orphans(&self) -> Vec<String> {
        let lost = |(id, object): &(String, Object)| {
            let known = self.ledger.known(id).is_some() || self.ledger.is_released(id);
            let open = object.op.as_ref().is_some_and(|op| self.ledger.open(op).is_some());
            let foreign = object.op.is_none() && !self.ledger.ever(id);
            !known && !open && !foreign
        };
        self.alive().into_iter().filter(lost).map(|(id, _)| id).collect()
    }

    /// What may be done to it from now on.
    pub fn allow(&self, allowed: Allowed) {
        lock(&self.inner).allowed = allowed;
    }

    /// Another image is the newest from now on.
    pub fn new_image(&self) {
        lock(&self.inner).image += 1;
    }

    /// The newest image.
    pub fn image(&self) -> String {
        format!("image-{}", lock(&self.inner).image)
    }

    /// Makes an object that nobody's program made.
    pub fn plant(&self, id: &str, kind: &'static str, inputs: Value, habits: Habits) {
        let object = Object {
            kind,
            region: "here".to_owned(),
            inputs,
            owner: BTreeMap::new(),
            op: None,
            habits,
            shows: Duration::ZERO,
            tagged: Duration::ZERO,
            ready: Duration::ZERO,
            broken: false,
            gone: None,
            scheduled: false,
            before: (Value::Null, Duration::ZERO),
        };
        lock(&self.inner).objects.insert(id.to_owned(), object);
    }

    /// Somebody else changes or removes one of the objects that the engine made.
    pub fn meddle(&self) {
        self.meddled();
        // Reads may go on to show what was there; who looks too early is not wrong.
        self.world.pass(LAG);
    }

    /// Somebody removes what the engine was told to forget.
    pub fn remove_released(&self) {
        let now = self.world.now();
        for (id, object) in &mut lock(&self.inner).objects {
            if object.alive() && self.ledger.is_released(id) {
                object.gone = Some(now);
            }
        }
        self.world.pass(LAG);
    }

    fn meddled(&self) {
        let now = self.world.now();
        let mut inner = lock(&self.inner);
        let ours = inner.objects.iter().filter(|(_, object)| object.alive() && object.op.is_some());
        let ids: Vec<_> = ours.map(|(id, _)| id.clone()).collect();
        let Some(id) = self.world.chance(|c| c.pick(&ids).cloned()) else { return };
        let used = inner.objects.values().any(|object| object.alive() && object.refers_to(&id));
        let remove = self.world.chance(|c| c.percent(50)) && !used;
        let Some(object) = inner.objects.get_mut(&id) else { return };
        if remove && !object.habits.data {
            object.gone = Some(now);
            self.world.note("####", format_args!("somebody removes {id}"));
        } else if let Value::Map(inputs) = &mut object.inputs {
            inputs.insert("note".to_owned(), "meddled".into());
            self.world.note("####", format_args!("somebody changes {id}"));
        }
    }
}

/// A connection of one process.
pub struct Client {
    /// The cloud behind it.
    pub cloud: Arc<Cloud>,
    /// Whose it is.
    pub me: Arc<Me>,
    /// Asked before every attempt of a changing call, as every connector must.
    pub gate: Gate,
    /// Where it points.
    pub region: String,
}

/// What becomes of one call.
enum Fate {
    Done,
    Fails(Class),
    Lost,
    Late,
}

impl Client {
    fn fate(&self, repeatable_late: bool) -> Fate {
        let weather = self.me.world.weather();
        self.me.world.chance(|c| {
            if c.percent(weather.throttled) {
                Fate::Fails(Class::Throttled)
            } else if c.percent(weather.refused) {
                Fate::Fails(if c.percent(30) { Class::Conflict } else { Class::Transient })
            } else if c.percent(weather.lost) {
                Fate::Lost
            } else if repeatable_late && c.percent(weather.late) {
                Fate::Late
            } else {
                Fate::Done
            }
        })
    }

    async fn call<T: Send + 'static>(
        &self,
        what: String,
        changes: Option<(&'static str, &Operation, &str)>,
        may_be_late: bool,
        effect: impl FnOnce(&Cloud) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (me, world) = (&self.me, Arc::clone(&self.me.world));
        me.moment().await;
        if let Some((verb, op, id)) = changes {
            self.gate.check()?;
            self.cloud.begins(me, verb, op, id);
            me.calls();
        }
        let fate = self.fate(may_be_late);
        let (there, back, delivered) =
            world.chance(|c| (c.millis(200), c.millis(200), c.percent(50)));
        let late = world.chance(|c| c.millis(LATE));
        let there = if matches!(fate, Fate::Late) { late } else { there };
        let (reply, answer) = oneshot::channel();
        let refused = match fate {
            Fate::Fails(class) => Some(class),
            _ => None,
        };
        let sent = (Arc::clone(&self.cloud), Arc::clone(&world), Arc::clone(me), what.clone());
        world.after(there, move || {
            let (cloud, world, me, what) = sent;
            if me.is_dead() && !delivered {
                return;
            }
            let result = match refused {
                Some(class) => Err(Error::new(class, format!("{what}: {class:?}"))),
                None => effect(&cloud),
            };
            match &result {
                Ok(_) => world.note(&me.name, format_args!("cloud: {what}")),
                Err(e) => world.note(&me.name, format_args!("cloud: {what}: {e:?}")),
            }
            world.after(back, move || drop(reply.send(result)));
        });
        let result = match fate {
            Fate::Late => {
                let _ = world.timer(Duration::from_secs(1)).await;
                Err(Error::new(Class::Transient, format!("{what}: no answer in time")))
            }
            Fate::Lost => match answer.await {
                Ok(Ok(_)) => Err(Error::new(Class::Transient, format!("{what}: connection reset"))),
                Ok(error) => error,
                Err(_) => std::future::pending().await,
            },
            _ => match answer.await {
                Ok(answer) => answer,
                Err(_) => std::future::pending().await,
            },
        };
        me.moment().await;
        result
    }

    /// Remembers the secrets that are told to the cloud: they may turn up nowhere else.
    fn hear<'v>(&self, fields: impl Iterator<Item = (&'v String, &'v Value)>) {
        for (name, value) in fields {
            let Some(text) = value.as_str() else { continue };
            let secret = match &**name {
                "password" => Some(text),
                "note" => text.split_once(" told ").map(|(_, secret)| secret),
                _ => None,
            };
            if let Some(secret) = secret {
                self.me.world.secret(secret);
            }
        }
    }

    /// Makes an object.
    pub async fn create(
        &self,
        kind: &'static str,
        want: Value,
        op: &Operation,
        habits: Habits,
    ) -> Result<String> {
        self.hear(want.as_map().into_iter().flatten());
        let what = format!("create {kind} {}", op.urn.name());
        for id in refs(&want) {
            self.cloud.needed(&op.urn.to_string(), id);
        }
        let (op_, region) = (op.clone(), self.region.clone());
        let effect = move |cloud: &Cloud| cloud.made(kind, want, &op_, habits, region);
        self.call(what, Some(("create", op, "")), true, effect).await
    }

    /// Changes fields of an object.
    pub async fn update(
        &self,
        id: &str,
        fields: Vec<(String, Value)>,
        op: &Operation,
    ) -> Result<()> {
        let what = format!("update {id}");
        self.hear(fields.iter().map(|(name, value)| (name, value)));
        let id_ = id.to_owned();
        let effect = move |cloud: &Cloud| cloud.changed(&id_, fields);
        self.call(what, Some(("update", op, id)), false, effect).await
    }

    /// Removes an object.
    pub async fn delete(&self, id: &str, op: &Operation) -> Result<()> {
        let (what, id_) = (format!("delete {id}"), id.to_owned());
        self.call(what, Some(("delete", op, id)), true, move |cloud| cloud.removed(&id_)).await
    }

    /// Asks something.
    pub async fn ask<T: Send + 'static>(
        &self,
        what: String,
        effect: impl FnOnce(&Cloud) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call(what, None, false, effect).await
    }
}

/// How an object was asked for.
#[derive(Clone, Debug)]
pub enum Asked {
    /// By its id.
    Id(String),
    /// By the operation that made it.
    Operation(String),
    /// By its name.
    Name(String),
}

impl Cloud {
    /// What has to hold when a call begins that changes something.
    fn begins(&self, me: &Me, verb: &str, op: &Operation, id: &str) {
        let world = &self.world;
        let inner = lock(&self.inner);
        let Some(begun) = self.ledger.open(&op.token()) else {
            let what = format!("(4) {verb} of {} {id}: its intent is not durable", op.urn);
            return world.wrong(what);
        };
        let same = begun.verb == verb || (verb == "update" && begun.verb == "create");
        if !same {
            world.wrong(format!("(4) {verb} of {} {id}: the intent says {}", op.urn, begun.verb));
        }
        if self.ledger.top() < me.epoch() {
            world
                .wrong(format!("(2) {verb} of {}: the journal is open to earlier holders", op.urn));
        }
        if let Some(why) = me.may_not_call() {
            world.wrong(format!("(2) {verb} of {} {id} by {}: {why}", op.urn, me.name));
        }
        if verb != "delete" {
            return;
        }
        let known = self.ledger.known(id).unwrap_or_default();
        if known.protect && known.status != "deposed" {
            world.wrong(format!("(5) {id} of {} is protected and deleted", op.urn));
        }
        let data = inner.objects.get(id).is_some_and(|object| object.habits.data);
        if data && !inner.allowed.loss.iter().any(|name| *name == op.urn.to_string()) {
            world.wrong(format!("(5) {id} of {} holds data and is deleted unasked", op.urn));
        }
    }

    /// What a new object is made from has to be durable.
    fn needed(&self, urn: &str, id: &str) {
        if self.ledger.known(id).is_none() {
            self.world.wrong(format!("(4) {urn} is made from {id}, which is not durable"));
        }
    }

    fn made(
        &self,
        kind: &'static str,
        want: Value,
        op: &Operation,
        habits: Habits,
        region: String,
    ) -> Result<String> {
        let now = self.world.now();
        let mut inner = lock(&self.inner);
        let token = op.token();
        if habits.token
            && let Some((id, at, inputs)) = inner.tokens.get(&token)
            && now < *at + TOKEN
        {
            if *inputs != want {
                self.world.wrong(format!("(3) the token of {} comes with other inputs", op.urn));
            }
            return Ok(id.clone());
        }
        for id in refs(&want) {
            match inner.objects.get(id).filter(|object| object.alive()) {
                None => return Err(Error::invalid(format!("{id} does not exist"))),
                Some(object) if now < object.shows && self.world.chance(|c| c.percent(50)) => {
                    return Err(Error::not_found(format!("{id} is not found")));
                }
                Some(_) => {}
            }
        }
        let name = want.get("name").and_then(Value::as_str);
        let same = |object: &&Object| {
            let had = object.inputs.get("name").and_then(Value::as_str);
            object.kind == kind && habits.named && had == name && object.region == region
        };
        if let Some(there) = inner.objects.values().find(|o| same(o) && o.alive()) {
            let at = if there.scheduled { "scheduled for deletion" } else { "taken" };
            return Err(Error::new(Class::Exists, format!("the name {name:?} is {at}")));
        }
        let urn = op.urn.to_string();
        // One that somebody told the engine to forget is nobody's.
        let mut others = inner
            .objects
            .iter()
            .filter(|(id, o)| o.alive() && o.kind == kind && !self.ledger.is_released(id));
        if habits.alone && others.any(|(_, o)| o.owner.get("infra:urn") == Some(&urn)) {
            self.world.wrong(format!("{urn} has two objects, which its kind forbids"));
        }
        if self.ledger.open(&token).is_none() {
            self.world.wrong(format!("(1) {urn} is made when nobody looks for it any more"));
        }
        if let Some((id, _)) =
            inner.objects.iter().find(|(_, o)| o.alive() && o.op.as_ref() == Some(&token))
        {
            self.world.wrong(format!("(3) {urn} is made twice, {id} is there already"));
        }
        let broken = self.world.weather().broken;
        let (shows, tagged, ready, broken) = self.world.chance(|c| {
            let lag = u64::try_from(LAG.as_millis()).unwrap();
            let (shows_late, tagged_late) = (c.percent(40), c.percent(40));
            let shows = c.millis(if shows_late { lag } else { 0 });
            let tagged = shows + c.millis(if tagged_late { lag } else { 0 });
            (shows, tagged.min(LAG), c.millis(habits.slow), habits.slow > 0 && c.percent(broken))
        });
        inner.count += 1;
        let id = match name.filter(|_| habits.named) {
            Some(name) => format!("{}/{name}", kind.replace(':', "-")),
            None => format!("{}-{}", kind.replace(':', "-"), inner.count),
        };
        inner.tokens.insert(token.clone(), (id.clone(), now, want.clone()));
        let object = Object {
            kind,
            region,
            inputs: want,
            owner: op.owner_tags(),
            op: Some(token),
            habits,
            shows: now + shows,
            tagged: now + tagged,
            ready: now + ready,
            broken,
            gone: None,
            scheduled: false,
            before: (Value::Null, Duration::ZERO),
        };
        inner.objects.insert(id.clone(), object);
        Ok(id)
    }

    fn changed(&self, id: &str, fields: Vec<(String, Value)>) -> Result<()> {
        let now = self.world.now();
        let mut inner = lock(&self.inner);
        let Some(object) = inner.objects.get_mut(id).filter(|object| object.alive()) else {
            return Err(Error::not_found(format!("{id} does not exist")));
        };
        object.scheduled = false;
        let lag = self.world.chance(|c| c.millis(u64::try_from(LAG.as_millis()).unwrap()));
        object.before = (object.inputs.clone(), now + lag);
        if let Value::Map(inputs) = &mut object.inputs {
            for (name, value) in fields {
                match value {
                    Value::Null => drop(inputs.remove(&name)),
                    value => drop(inputs.insert(name, value)),
                }
            }
        }
        if object.habits.later {
            object.ready = now + self.world.chance(|c| c.millis(6_000));
        }
        Ok(())
    }

    fn removed(&self, id: &str) -> Result<()> {
        let now = self.world.now();
        let mut inner = lock(&self.inner);
        if !inner.objects.get(id).is_some_and(Object::alive) {
            return Err(Error::not_found(format!("{id} does not exist")));
        }
        let user = inner.objects.iter().find(|(_, o)| o.alive() && o.refers_to(id));
        if let Some((user, _)) = user.filter(|(user, _)| *user != id) {
            return Err(Error::new(Class::Dependency, format!("{user} still uses {id}")));
        }
        if let Some(object) = inner.objects.get_mut(id) {
            if object.habits.restorable {
                object.scheduled = true;
                if let Value::Map(inputs) = &mut object.inputs {
                    inputs.remove("inside");
                    inputs.remove("uses");
                }
            } else {
                object.gone = Some(now);
            }
        }
        Ok(())
    }

    /// What a read shows: not always what is there.
    pub fn look(
        &self,
        kind: &str,
        region: &str,
        asked: &Asked,
    ) -> Option<(String, Object, Readiness)> {
        let now = self.world.now();
        let inner = lock(&self.inner);
        let stale = |percent: u64| self.world.chance(|c| c.percent(percent));
        let percent = self.world.weather().stale;
        let here = inner.objects.iter().filter(|(_, o)| o.kind == kind && o.region == region);
        let mut here = here.filter(|(_, o)| o.gone.is_none_or(|gone| now < gone + LAG));
        let (id, object) = match asked {
            Asked::Id(id) => here.find(|(other, _)| *other == id),
            Asked::Operation(op) => here.find(|(_, o)| o.op.as_ref() == Some(op)),
            Asked::Name(name) => {
                here.find(|(_, o)| o.inputs.get("name").and_then(Value::as_str) == Some(name))
            }
        }?;
        if (object.gone.is_some() && !stale(percent)) || (now < object.shows && stale(percent)) {
            return None;
        }
        let mut seen = object.clone();
        if now < object.tagged && stale(percent) {
            if matches!(asked, Asked::Operation(_)) {
                return None;
            }
            seen.owner.clear();
        }
        let later = object.habits.later && now < object.ready && object.before.0 != Value::Null;
        if later || (now < object.before.1 && stale(percent)) {
            seen.inputs = object.before.0.clone();
        }
        let readiness = if object.scheduled {
            Readiness::Restorable("scheduled for deletion".to_owned())
        } else if object.gone.is_some() && self.world.chance(|c| c.percent(50)) {
            Readiness::Deleting("on its way".to_owned())
        } else if now < object.ready && !object.habits.later {
            Readiness::Pending("being made".to_owned())
        } else if object.broken {
            Readiness::Failed("it came out wrong".to_owned())
        } else {
            Readiness::Ready
        };
        Some((id.clone(), seen, readiness))
    }
}
