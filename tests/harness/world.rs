//! The fake cloud's objects, what was called, and what is to go wrong.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use infra_core::{
    Resource,
    drift::Actor,
    provider::{Class, Contained, Error, Find, Operation, Readiness, Result},
    state::{StackName, Value},
};
use tokio::sync::Notify;

/// One object in the cloud.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its kind.
    pub kind: &'static str,
    /// Its inputs as the cloud has them.
    pub inputs: Value,
    /// Its tags of owners.
    pub owner: BTreeMap<String, String>,
    /// How many more reads find it pending.
    pub pending: u32,
    /// It will never get ready, for this reason.
    pub broken: Option<String>,
}

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// `create`, `update`, `delete`, `read`.
    pub verb: &'static str,
    /// Only objects of which a text of their inputs contains this.
    pub about: String,
    /// What happens.
    pub what: Wrong,
    /// How often.
    pub times: u32,
}

/// What happens in a [`Fault`].
#[derive(Clone, Debug)]
pub enum Wrong {
    /// The call is answered with this error and has no effect.
    Refuse(Class, String),
    /// The call has its effect, and the answer is lost.
    LoseReply,
    /// The call never returns, before its effect.
    HangBefore,
    /// The call never returns, after its effect.
    HangAfter,
    /// For the verb `carry out`: an update was accepted, and comes to nothing.
    Forget,
    /// The driver has a bug.
    Panic,
    /// For the verb `read`: the object is there, and the read misses it.
    Unseen,
    /// The driver has a bug, and says so with this text.
    Blurt(String),
}

/// The cloud behind all connections of one test.
#[derive(Default)]
pub struct World {
    objects: Mutex<BTreeMap<String, Object>>,
    calls: Mutex<Vec<String>>,
    faults: Mutex<Vec<Fault>>,
    tokens: Mutex<BTreeMap<String, String>>,
    actors: Mutex<BTreeMap<String, Actor>>,
    next: AtomicU64,
    /// How many calls of a kind run, and how many ran at most.
    running: Mutex<BTreeMap<String, (usize, usize)>>,
    /// Told whenever a call hangs.
    pub hung: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// The objects of a kind, by id.
    pub fn of(&self, kind: &str) -> BTreeMap<String, Object> {
        let objects = lock(&self.objects);
        objects
            .iter()
            .filter(|(_, o)| o.kind == kind)
            .map(|(id, o)| (id.clone(), o.clone()))
            .collect()
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        lock(&self.objects).len()
    }

    /// Every call so far: `create fake:Net`, `read fake:Net x3`.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.calls).clone()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        lock(&self.calls).clear();
    }

    /// The calls that changed something.
    pub fn mutations(&self) -> Vec<String> {
        self.calls().into_iter().filter(|call| !call.starts_with("read ")).collect()
    }

    /// How many changing calls of a kind ran at once, at most.
    pub fn peak(&self, kind: &str) -> usize {
        lock(&self.running).get(kind).map_or(0, |(_, peak)| *peak)
    }

    fn begin(&self, kind: &str) {
        let mut running = lock(&self.running);
        let (now, peak) = running.entry(kind.to_owned()).or_default();
        *now += 1;
        *peak = (*peak).max(*now);
    }

    fn end(&self, kind: &str) {
        if let Some((now, _)) = lock(&self.running).get_mut(kind) {
            *now -= 1;
        }
    }

    /// Lets something go wrong.
    pub fn fault(&self, verb: &'static str, about: &str, what: Wrong, times: u32) {
        lock(&self.faults).push(Fault { verb, about: about.to_owned(), what, times });
    }

    /// Ends all faults.
    pub fn heal(&self) {
        lock(&self.faults).clear();
    }

    /// Changes an object behind the engine's back; `None` removes it.
    pub fn tamper(&self, id: &str, change: impl FnOnce(&mut Object) -> Option<()>) {
        let mut objects = lock(&self.objects);
        let keep = objects.get_mut(id).and_then(change).is_some();
        if !keep {
            objects.remove(id);
        }
    }

    /// Tells who changed an object.
    pub fn blame(&self, id: &str, actor: Actor) {
        lock(&self.actors).insert(id.to_owned(), actor);
    }

    /// Who changed an object.
    pub fn actor(&self, id: &str) -> Option<Actor> {
        lock(&self.actors).get(id).cloned()
    }

    /// Everything that is in a net.
    pub fn contained(&self, net: &str) -> Vec<Contained> {
        lock(&self.calls).push(format!("read contained {net}"));
        let objects = lock(&self.objects);
        let inside = objects
            .iter()
            .filter(|(_, object)| object.inputs.get("net").and_then(Value::as_str) == Some(net));
        let contained = |(id, object): (&String, &Object)| Contained {
            kind: object.kind.to_owned(),
            id: id.clone(),
            name: None,
            owner: (!object.owner.is_empty()).then(|| object.owner.clone()),
            comes_with: id.ends_with("-part").then(|| "another object".to_owned()),
        };
        inside.map(contained).collect()
    }

    /// Makes an object that nobody's program made.
    pub fn plant(&self, id: &str, kind: &'static str, inputs: Value) {
        self.plant_for(id, kind, inputs, BTreeMap::new());
    }

    /// Makes an object that another program made.
    pub fn plant_for(
        &self,
        id: &str,
        kind: &'static str,
        inputs: Value,
        owner: BTreeMap<String, String>,
    ) {
        let object = Object { kind, inputs, owner, pending: 0, broken: None };
        lock(&self.objects).insert(id.to_owned(), object);
    }

    fn wrong(&self, verb: &str, inputs: &Value) -> Option<Wrong> {
        let text = inputs.to_json().to_string();
        let mut faults = lock(&self.faults);
        let fault =
            faults.iter_mut().find(|f| f.times > 0 && f.verb == verb && text.contains(&f.about))?;
        fault.times -= 1;
        Some(fault.what.clone())
    }

    /// One call: faults before and after its effect.
    async fn call<T>(
        &self,
        verb: &str,
        kind: &str,
        inputs: &Value,
        effect: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.begin(kind);
        let result = self.called(verb, kind, inputs, effect).await;
        self.end(kind);
        result
    }

    async fn called<T>(
        &self,
        verb: &str,
        kind: &str,
        inputs: &Value,
        effect: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        // A call takes time: others may run between its start and its end.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        lock(&self.calls).push(format!("{verb} {kind}"));
        let wrong = self.wrong(verb, inputs);
        match &wrong {
            Some(Wrong::Refuse(class, message)) => return Err(Error::new(*class, message.clone())),
            Some(Wrong::HangBefore) => self.hang().await,
            Some(Wrong::Panic) => panic!("the driver has a bug"),
            Some(Wrong::Blurt(text)) => panic!("{text}"),
            _ => {}
        }
        let result = effect()?;
        match wrong {
            Some(Wrong::LoseReply) => Err(Error::new(Class::Transient, "the connection was reset")),
            Some(Wrong::HangAfter) => {
                self.hang().await;
                Ok(result)
            }
            _ => Ok(result),
        }
    }

    async fn hang(&self) {
        self.hung.notify_one();
        std::future::pending::<()>().await;
    }

    /// Reads many objects in one call.
    pub async fn read<R: Resource>(
        &self,
        find: &[Find<'_, R>],
        rule: Identity,
    ) -> Vec<Result<Option<(String, Object)>>> {
        tokio::task::yield_now().await;
        lock(&self.calls).push(format!("read {} x{}", R::KIND, find.len()));
        find.iter().map(|find| self.read_one(find, rule)).collect()
    }

    fn read_one<R: Resource>(
        &self,
        find: &Find<'_, R>,
        rule: Identity,
    ) -> Result<Option<(String, Object)>> {
        let inputs = find.inputs().map_or_else(Value::map, infra_core::Data::to_value);
        match self.wrong("read", &inputs) {
            Some(Wrong::Refuse(class, message)) => return Err(Error::new(class, message)),
            Some(Wrong::Unseen) => return Ok(None),
            _ => {}
        }
        let mut objects = lock(&self.objects);
        let id = match find {
            Find::Id { id, .. } => Some((*id).to_owned()),
            Find::Made { op, .. } => {
                let token = lock(&self.tokens).get(&op.token()).cloned();
                let made = |id: &String, object: &Object| match rule {
                    Identity::Name | Identity::BareName => {
                        object.inputs.get("name") == inputs.get("name")
                    }
                    Identity::Ends => ends(&object.inputs) == ends(&inputs),
                    // The cloud remembers what was made with a token, tags or not.
                    Identity::Token => token.as_ref() == Some(id),
                    Identity::Tags => {
                        object.owner.get("infra:operation")
                            == op.owner_tags().get("infra:operation")
                    }
                };
                let mut of_kind = objects.iter().filter(|(_, o)| o.kind == R::KIND);
                of_kind.find(|(id, o)| made(id, o)).map(|(id, _)| id.clone())
            }
        };
        let Some(id) = id else { return Ok(None) };
        let Some(object) = objects.get_mut(&id).filter(|o| o.kind == R::KIND) else {
            return Ok(None);
        };
        let seen = object.clone();
        object.pending = object.pending.saturating_sub(1);
        Ok(Some((id, seen)))
    }

    /// Lists what says that it is the stack's.
    pub async fn owned(
        &self,
        kind: &str,
        stack: &StackName,
        rule: Identity,
    ) -> Result<Option<Vec<(String, Object)>>> {
        tokio::task::yield_now().await;
        lock(&self.calls).push(format!("read owned {kind}"));
        if let Some(Wrong::Refuse(class, message)) = self.wrong("owned", &kind.into()) {
            return Err(Error::new(class, message));
        }
        let begins = format!("{}-{}-", stack.program, stack.stack);
        let is_owned = |object: &Object| match rule {
            Identity::Ends => false,
            Identity::BareName => {
                let name = object.inputs.get("name").and_then(Value::as_str);
                name.is_some_and(|name| name.starts_with(&begins))
            }
            _ => object.owner.get("infra:stack") == Some(&stack.to_string()),
        };
        let objects = self.of(kind).into_iter().filter(|(_, object)| is_owned(object));
        Ok((rule != Identity::Ends).then(|| objects.collect()))
    }

    /// Makes an object.
    pub async fn create(
        &self,
        kind: &'static str,
        want: Value,
        op: &Operation,
        rule: Identity,
        pending: u32,
    ) -> Result<String> {
        let inputs = want.clone();
        self.call("create", kind, &want, || {
            let mut objects = lock(&self.objects);
            if rule == Identity::Token
                && let Some(id) = lock(&self.tokens).get(&op.token())
            {
                // A create of two calls, the second of which tags: called again it goes on.
                if let Some(made) = objects.get_mut(id) {
                    made.owner = op.owner_tags();
                }
                return Ok(id.clone());
            }
            let same = |o: &Object| {
                o.kind == kind
                    && match rule {
                        Identity::Name | Identity::BareName => {
                            o.inputs.get("name") == inputs.get("name")
                        }
                        Identity::Ends => ends(&o.inputs) == ends(&inputs),
                        Identity::Token | Identity::Tags => false,
                    }
            };
            if objects.values().any(same) {
                return Err(Error::new(Class::Exists, "the name is taken"));
            }
            let (short, number) = (
                kind.rsplit(':').next().unwrap_or(kind),
                self.next.fetch_add(1, Ordering::Relaxed),
            );
            let id = match (rule, inputs.get("name").and_then(Value::as_str)) {
                (Identity::Name | Identity::BareName, Some(name)) => {
                    format!("{}/{name}", short.to_lowercase())
                }
                _ => format!("{}-{number}", short.to_lowercase()),
            };
            lock(&self.tokens).insert(op.token(), id.clone());
            let bare = matches!(rule, Identity::BareName | Identity::Ends);
            let owner = if bare { BTreeMap::new() } else { op.owner_tags() };
            let object = Object { kind, inputs, owner, pending, broken: None };
            objects.insert(id.clone(), object);
            Ok(id)
        })
        .await
    }

    /// Changes an object.
    pub async fn update(&self, kind: &str, id: &str, want: Value) -> Result<()> {
        self.call("update", kind, &want.clone(), || {
            if matches!(self.wrong("carry out", &want), Some(Wrong::Forget)) {
                return Ok(());
            }
            let mut objects = lock(&self.objects);
            let object = objects
                .get_mut(id)
                .ok_or_else(|| Error::not_found(format!("{id} is not there")))?;
            object.inputs = want;
            Ok(())
        })
        .await
    }

    /// Removes an object, unless another one refers to it.
    pub async fn delete(&self, kind: &str, id: &str, inputs: &Value) -> Result<()> {
        self.call("delete", kind, inputs, || {
            let mut objects = lock(&self.objects);
            let user = objects.iter().find(|(other, o)| {
                *other != id && o.inputs.get("net").and_then(Value::as_str) == Some(id)
            });
            if let Some((user, _)) = user {
                return Err(Error::new(Class::Dependency, format!("{user} still uses {id}")));
            }
            objects.remove(id);
            Ok(())
        })
        .await
    }
}

/// How a kind's creates are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By a client token.
    Token,
    /// By the name.
    Name,
    /// By tags only: the same create twice makes two.
    Tags,
    /// By the name, and there are no tags.
    BareName,
    /// By both ends, and there are no tags.
    Ends,
}

/// What a link connects.
fn ends(inputs: &Value) -> [Option<&Value>; 2] {
    [inputs.get("from"), inputs.get("to")]
}

impl Object {
    /// How far it is.
    pub fn readiness(&self) -> Readiness {
        match (&self.broken, self.pending) {
            (Some(why), _) => Readiness::Failed(why.clone()),
            (None, 0) => Readiness::Ready,
            (None, _) => Readiness::Pending("being made".to_owned()),
        }
    }
}
