//! A run that is watched: every point at which it could be killed has a name, and what a kill there would leave can be
//! kept.
//!
//! A recorded run has one thread, and its world is copied between two of its steps: whatever else is under way at that
//! moment is cut wherever it is. State is copied before the cloud, so that a call that is carried out in between is one
//! whose intent is durable.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use infra_aws::embedded::{Call, Moment};
use infra_core::{
    graph::Role,
    provider::{
        self, Connection, Connector, Context, Driver, ErasedChange, ErasedFind, ErasedObserved,
        Grant, Lock, Memo, Once, Operation, Reason, Schema, Timeouts, Violation,
    },
    state::{
        Backend, Finding, StackName, Value,
        backend::{Claim, HolderInfo, Liveness, Memory, Object, Put, Tag, Taken},
    },
};
use uuid::Uuid;

use super::world::World;

tokio::task_local! {
    /// For whom the cloud is called: `urn verb`.
    static CALLER: String;
}

/// A point at which a run can be killed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    /// The urn; `stack` where it is about no resource.
    pub(super) about: String,
    /// `before create intent`, `after create rds:CreateDBInstance`.
    pub(super) what: String,
    /// 1 for the first of that name.
    pub(super) ordinal: usize,
}

impl Point {
    /// The kind of resource it is about.
    pub(super) fn resource(&self) -> &str {
        self.about.split_once("::").map_or(&self.about, |(kind, _)| kind)
    }

    /// The kind of point, whatever is called.
    pub(super) fn kind(&self) -> String {
        match self.what.rsplit_once(' ') {
            Some((moment, call)) if call.contains(':') => format!("{moment} call"),
            _ => self.what.clone(),
        }
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.about, self.what)?;
        if self.ordinal > 1 { write!(f, " #{}", self.ordinal) } else { Ok(()) }
    }
}

/// What a kill would leave, and the points at which it would leave that.
pub(super) struct Image {
    pub(super) points: Vec<Point>,
    pub(super) world: World,
}

/// A run that is watched.
pub(super) struct Recording {
    world: World,
    /// At which points the world is kept; `None`: at none, only their names are.
    wanted: Option<BTreeSet<Point>>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// What an operation is: `urn verb`.
    operations: HashMap<String, String>,
    counted: HashMap<(String, String), usize>,
    points: Vec<Point>,
    /// Durable writes so far.
    writes: u64,
    images: BTreeMap<(u64, u64), Image>,
}

impl Recording {
    /// Watches the runs on `world` that are given it.
    pub(super) fn of(world: &World, wanted: Option<BTreeSet<Point>>) -> Arc<Self> {
        let recording = Arc::new(Self { world: world.clone(), wanted, inner: Mutex::default() });
        // Weakly: the recording has the cloud, and the cloud its watcher.
        let told = Arc::downgrade(&recording);
        world.cloud.watch(move |moment, call| {
            if let Some(recording) = told.upgrade().filter(|_| call.mutating) {
                recording.called(moment, call);
            }
        });
        recording
    }

    /// Every point that was reached, in this order, and what was kept.
    pub(super) fn taken(&self) -> (Vec<Point>, Vec<Image>) {
        let mut inner = self.inner();
        let images = std::mem::take(&mut inner.images);
        (std::mem::take(&mut inner.points), images.into_values().collect())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn called(&self, moment: Moment, call: &Call) {
        let when = if moment == Moment::Sent { "before" } else { "after" };
        let caller = CALLER.try_with(String::clone).unwrap_or_else(|_| "stack".to_owned());
        let (about, verb) = caller.split_once(' ').unwrap_or((&caller, "other"));
        let what = format!("{when} {verb} {}:{}", call.service, call.operation);
        self.reached(vec![(about.to_owned(), what)]);
    }

    fn reached(&self, names: Vec<(String, String)>) {
        let mut inner = self.inner();
        let mut points = Vec::new();
        for (about, what) in names {
            let ordinal = inner.counted.entry((about.clone(), what.clone())).or_default();
            *ordinal += 1;
            points.push(Point { about, what, ordinal: *ordinal });
        }
        inner.points.extend(points.iter().cloned());
        let Some(wanted) = &self.wanted else { return };
        points.retain(|point| wanted.contains(point));
        if points.is_empty() {
            return;
        }
        let world = self.world.copied();
        let mut hash = DefaultHasher::new();
        for (table, rows) in world.cloud.objects().unwrap() {
            table.hash(&mut hash);
            for row in &rows {
                row.to_string().hash(&mut hash);
            }
        }
        let moment = (inner.writes, hash.finish());
        let image = inner.images.entry(moment);
        image.or_insert_with(|| Image { points: Vec::new(), world }).points.extend(points);
    }

    /// What a durable write is about.
    fn written(&self, operation: &str, key: &str, body: &[u8]) -> Vec<(String, String)> {
        let name = key.splitn(3, '/').nth(2).unwrap_or(key);
        let whole = |what: &str| vec![("stack".to_owned(), format!("{operation}{what}"))];
        match name.split('/').next() {
            Some("journal") if !body.is_empty() => {}
            Some("journal") => return whole("journal segment"),
            Some("snapshots") => return whole("snapshot"),
            Some("history") => return whole("history"),
            Some("head.json") => return whole("head"),
            _ => return whole(name),
        }
        let text = std::str::from_utf8(body).unwrap();
        let mut names = Vec::new();
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let Some((what, change)) = line.as_object().and_then(|line| line.iter().next()) else {
                continue;
            };
            let string = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            names.push(match &**what {
                "intent" => {
                    let verb = string(&change["verb"]);
                    let urn = string(&change["record"]["urn"]);
                    let caller = format!("{urn} {verb}");
                    self.inner().operations.insert(string(&change["op"]), caller);
                    (urn, format!("{verb} intent"))
                }
                "created" | "done" | "failed" => {
                    let inner = self.inner();
                    let caller = inner.operations.get(&string(&change["op"])).unwrap();
                    let (urn, verb) = caller.split_once(' ').unwrap();
                    (urn.to_owned(), format!("{verb} {what}"))
                }
                "put" | "forgotten" => (string(&change["urn"]), what.clone()),
                "begun" | "ended" | "exports" => ("stack".to_owned(), what.clone()),
                // The frame.
                "format" | "kind" | "header" | "end" | "sha256" => continue,
                other => panic!("{other:?} is not known here: {line}"),
            });
        }
        if names.is_empty() { whole("fence") } else { names }
    }
}

/// State in memory, watched.
pub(super) struct Witness {
    inner: Memory,
    recording: Arc<Recording>,
}

impl Witness {
    pub(super) fn new(inner: Memory, recording: Arc<Recording>) -> Self {
        Self { inner, recording }
    }

    async fn write<T>(
        &self,
        names: Vec<(String, String)>,
        write: impl Future<Output = infra_core::state::Result<T>>,
    ) -> infra_core::state::Result<T> {
        let at = |when: &str| {
            let name = |(about, what): &(String, String)| (about.clone(), format!("{when} {what}"));
            names.iter().map(name).collect::<Vec<_>>()
        };
        self.recording.reached(at("before"));
        let result = write.await;
        self.recording.inner().writes += 1;
        self.recording.reached(at("after"));
        result
    }
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Witness")
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Backend for Witness {
    fn url(&self) -> String {
        self.inner.url()
    }

    fn liveness(&self) -> Liveness {
        self.inner.liveness()
    }

    async fn get(&self, key: &str) -> infra_core::state::Result<Option<Object>> {
        self.inner.get(key).await
    }

    async fn put_if_absent(&self, key: &str, body: &[u8]) -> infra_core::state::Result<Put> {
        let names = self.recording.written("", key, body);
        self.write(names, self.inner.put_if_absent(key, body)).await
    }

    async fn put_if_match(
        &self,
        key: &str,
        body: &[u8],
        seen: &Tag,
    ) -> infra_core::state::Result<Put> {
        let names = self.recording.written("", key, body);
        self.write(names, self.inner.put_if_match(key, body, seen)).await
    }

    async fn list(&self, folder: &str, after: &str) -> infra_core::state::Result<Vec<String>> {
        self.inner.list(folder, after).await
    }

    async fn delete_if_match(&self, key: &str, seen: &Tag) -> infra_core::state::Result<bool> {
        let names = self.recording.written("removing a ", key, &[]);
        self.write(names, self.inner.delete_if_match(key, seen)).await
    }

    async fn examine(&self) -> infra_core::state::Result<Vec<Finding>> {
        self.inner.examine().await
    }

    async fn prepare(&self) -> infra_core::state::Result<Vec<Finding>> {
        self.inner.prepare().await
    }

    async fn delete(&self, key: &str) -> infra_core::state::Result<()> {
        let names = self.recording.written("removing a ", key, &[]);
        self.write(names, self.inner.delete(key)).await
    }

    async fn lease_take(
        &self,
        stack: &str,
        claim: &Claim,
        over: Option<Uuid>,
    ) -> infra_core::state::Result<Taken> {
        let names = vec![("stack".to_owned(), "lease".to_owned())];
        self.write(names, self.inner.lease_take(stack, claim, over)).await
    }

    async fn lease_renew(
        &self,
        stack: &str,
        nonce: Uuid,
        beat: Uuid,
    ) -> infra_core::state::Result<bool> {
        self.inner.lease_renew(stack, nonce, beat).await
    }

    async fn lease_free(&self, stack: &str, nonce: Uuid) -> infra_core::state::Result<bool> {
        let names = vec![("stack".to_owned(), "freeing the lease".to_owned())];
        self.write(names, self.inner.lease_free(stack, nonce)).await
    }

    async fn lease_holder(&self, stack: &str) -> infra_core::state::Result<Option<HolderInfo>> {
        self.inner.lease_holder(stack).await
    }
}

/// A cloud whose calls know for whom they are made.
pub(super) struct Named<C>(pub(super) C);

#[async_trait]
impl<C: Connector> Connector for Named<C> {
    fn provider_kind(&self) -> &'static str {
        self.0.provider_kind()
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        let named = |driver| Arc::new(NamedDriver(driver)) as Arc<dyn Driver>;
        self.0.drivers().into_iter().map(named).collect()
    }

    fn kind(&self, kind: &str) -> Option<&'static Arc<dyn Driver>> {
        self.0.kind(kind)
    }

    fn default_provider(&self, context: &Context) -> provider::Result<Value> {
        self.0.default_provider(context)
    }

    async fn connect(&self, config: &Value, context: &Context) -> provider::Result<Connection> {
        self.0.connect(config, context).await
    }

    fn policies(&self, needs: &provider::Needs) -> provider::Result<Option<provider::Policies>> {
        self.0.policies(needs)
    }

    fn settings(&self) -> Vec<String> {
        self.0.settings()
    }

    fn notice(&self, context: &Context) -> Option<String> {
        self.0.notice(context)
    }
}

struct NamedDriver(Arc<dyn Driver>);

impl NamedDriver {
    async fn for_whom<T>(op: &Operation, verb: &str, call: impl Future<Output = T>) -> T {
        CALLER.scope(format!("{} {verb}", op.urn), call).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Driver for NamedDriver {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }

    fn role(&self) -> Role {
        self.0.role()
    }

    fn is_pinned(&self) -> bool {
        self.0.is_pinned()
    }

    fn type_check(&self, inputs: &Value) -> Vec<Violation> {
        self.0.type_check(inputs)
    }

    fn version(&self) -> u32 {
        self.0.version()
    }

    fn provider_kind(&self) -> Option<&'static str> {
        self.0.provider_kind()
    }

    fn upgrade(&self, from: u32, inputs: Value) -> provider::Result<Value> {
        self.0.upgrade(from, inputs)
    }

    fn check(&self, want: &Value) -> Vec<Violation> {
        self.0.check(want)
    }

    fn replaces(&self, old: &Value, new: &Value) -> Option<Reason> {
        self.0.replaces(old, new)
    }

    fn collides(&self, old: &Value, new: &Value) -> Option<String> {
        self.0.collides(old, new)
    }

    fn shrinks(&self, live: &Value, want: &Value) -> Option<String> {
        self.0.shrinks(live, want)
    }

    fn serialize_on(&self, want: &Value) -> Option<Lock> {
        self.0.serialize_on(want)
    }

    fn once(&self) -> Once {
        self.0.once()
    }

    fn timeouts(&self) -> Timeouts {
        self.0.timeouts()
    }

    fn grants(&self, change: &ErasedChange) -> provider::Result<Vec<Grant>> {
        self.0.grants(change)
    }

    fn foreseen(&self, want: &Value) -> Vec<(&'static str, Value)> {
        self.0.foreseen(want)
    }

    async fn read(
        &self,
        connection: &Connection,
        memo: &Memo,
        find: Vec<ErasedFind>,
    ) -> Vec<provider::Result<Option<ErasedObserved>>> {
        self.0.read(connection, memo, find).await
    }

    async fn owned(
        &self,
        connection: &Connection,
        memo: &Memo,
        stack: &StackName,
    ) -> provider::Result<Option<Vec<ErasedObserved>>> {
        self.0.owned(connection, memo, stack).await
    }

    fn within(&self) -> Option<&'static str> {
        self.0.within()
    }

    async fn added(
        &self,
        connection: &Connection,
        memo: &Memo,
        stack: &StackName,
    ) -> provider::Result<Vec<ErasedObserved>> {
        self.0.added(connection, memo, stack).await
    }

    async fn create(
        &self,
        connection: &Connection,
        want: &Value,
        op: &Operation,
    ) -> provider::Result<String> {
        Self::for_whom(op, "create", self.0.create(connection, want, op)).await
    }

    async fn update(
        &self,
        connection: &Connection,
        change: &ErasedChange,
        op: &Operation,
    ) -> provider::Result<()> {
        Self::for_whom(op, "update", self.0.update(connection, change, op)).await
    }

    async fn delete(
        &self,
        connection: &Connection,
        have: &ErasedObserved,
        recorded: &Value,
        op: &Operation,
    ) -> provider::Result<()> {
        Self::for_whom(op, "delete", self.0.delete(connection, have, recorded, op)).await
    }
}
