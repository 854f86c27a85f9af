//! A world in memory, for tests and for programs that remember nothing.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use uuid::Uuid;

use super::{
    Backend, Claim, Grant, Guard, HolderInfo, Liveness, Object, Put, Tag, Taken, key::check_key,
};
use crate::Result;

/// Objects and leases in memory. Clones share one world, like two processes on one bucket.
#[derive(Clone)]
pub struct Memory {
    url: String,
    liveness: Liveness,
    world: Arc<Mutex<World>>,
}

#[derive(Default)]
struct World {
    objects: BTreeMap<String, (Vec<u8>, u64)>,
    writes: u64,
    leases: BTreeMap<String, Lease>,
}

/// The leases of a [`Memory`].
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Leases(BTreeMap<String, Lease>);

#[derive(Clone, PartialEq, Debug, Default)]
struct Lease {
    epoch: u64,
    holder: Option<HolderInfo>,
}

/// Frees the lease like a kernel would when the holder's process ends.
struct Process {
    world: Arc<Mutex<World>>,
    stack: String,
    nonce: Uuid,
}

#[derive(Debug)]
struct Nothing;

impl Guard for Nothing {
    fn holds(&self) -> bool {
        true
    }
}

impl Guard for Process {
    fn holds(&self) -> bool {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.held(&self.stack, self.nonce).is_some()
    }
}

impl Memory {
    /// An empty world; a lease goes when its holder is dropped.
    pub fn new() -> Self {
        Self::with_liveness(Liveness::Kernel)
    }

    /// An empty world whose leases are kept like those in `DynamoDB`: by beats, and not freed by a drop.
    pub fn with_liveness(liveness: Liveness) -> Self {
        Self { url: "memory:".to_owned(), liveness, world: Arc::default() }
    }

    /// The same, at another address.
    #[must_use]
    pub fn at(mut self, name: &str) -> Self {
        self.url = format!("memory:{name}");
        self
    }

    /// A world of its own with the same objects and no leases: a bucket copied elsewhere, or a disk image.
    #[must_use]
    pub fn copied(&self) -> Self {
        let objects = self.world().objects.clone();
        let writes = self.world().writes;
        let world = World { objects, writes, leases: BTreeMap::new() };
        Self { world: Arc::new(Mutex::new(world)), ..self.clone() }
    }

    /// Puts an object there without asking, as damage does.
    pub fn overwrite(&self, key: &str, body: Option<Vec<u8>>) {
        let mut world = self.world();
        match body {
            Some(body) => drop(world.store(key, body)),
            None => drop(world.objects.remove(key)),
        }
    }

    /// All leases as they are: a backup of the place that keeps them.
    pub fn leases(&self) -> Leases {
        Leases(self.world().leases.clone())
    }

    /// Puts all leases back to what they were, without asking: a backup that is restored. [`Leases::default`] is a
    /// table that was deleted.
    pub fn restore_leases(&self, leases: Leases) {
        self.world().leases = leases.0;
    }

    /// Frees every lease, as a person does who thinks its holder dead.
    pub fn free_leases(&self) {
        self.world().leases.values_mut().for_each(|lease| lease.holder = None);
    }

    /// Every key there is.
    pub fn keys(&self) -> Vec<String> {
        self.world().objects.keys().cloned().collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    fn store(&mut self, key: &str, body: Vec<u8>) -> Tag {
        self.writes += 1;
        self.objects.insert(key.to_owned(), (body, self.writes));
        Tag(self.writes.to_string())
    }

    /// The lease of `stack`, if `nonce` holds it.
    fn held(&mut self, stack: &str, nonce: Uuid) -> Option<&mut Lease> {
        let lease = self.leases.get_mut(stack)?;
        lease.holder.as_ref().is_some_and(|holder| holder.nonce == nonce).then_some(lease)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = world.held(&self.stack, self.nonce) {
            lease.holder = None;
        }
    }
}

#[async_trait]
impl Backend for Memory {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn liveness(&self) -> Liveness {
        self.liveness
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        check_key(key)?;
        let object = self.world().objects.get(key).cloned();
        Ok(object.map(|(body, version)| Object { body, tag: Tag(version.to_string()) }))
    }

    async fn put_if_absent(&self, key: &str, body: &[u8]) -> Result<Put> {
        check_key(key)?;
        let mut world = self.world();
        if world.objects.contains_key(key) {
            return Ok(Put::Refused);
        }
        Ok(Put::Stored(world.store(key, body.to_vec())))
    }

    async fn put_if_match(&self, key: &str, body: &[u8], seen: &Tag) -> Result<Put> {
        check_key(key)?;
        let mut world = self.world();
        match world.objects.get(key) {
            Some((_, version)) if version.to_string() == seen.0 => {
                Ok(Put::Stored(world.store(key, body.to_vec())))
            }
            _ => Ok(Put::Refused),
        }
    }

    async fn list(&self, folder: &str, after: &str) -> Result<Vec<String>> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let world = self.world();
        let inside = world.objects.range(prefix.clone()..).map(|(key, _)| key);
        let mut names: Vec<String> = inside
            .map_while(|key| key.strip_prefix(&prefix))
            .map(|rest| match rest.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => rest.to_owned(),
            })
            .filter(|name| name.as_str() > after)
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        self.world().objects.remove(key);
        Ok(())
    }

    async fn delete_if_match(&self, key: &str, seen: &Tag) -> Result<bool> {
        check_key(key)?;
        let mut world = self.world();
        let other =
            world.objects.get(key).is_some_and(|(_, version)| version.to_string() != seen.0);
        if !other {
            world.objects.remove(key);
        }
        Ok(!other)
    }

    async fn lease_take(&self, stack: &str, claim: &Claim, over: Option<Uuid>) -> Result<Taken> {
        let mut world = self.world();
        let lease = world.leases.entry(stack.to_owned()).or_default();
        match &lease.holder {
            Some(holder) if holder.nonce == claim.nonce => {}
            Some(holder) if self.liveness == Liveness::Kernel || over != Some(holder.beat) => {
                return Ok(Taken::Held(holder.clone()));
            }
            _ => lease.epoch += 1,
        }
        lease.holder = Some(HolderInfo {
            holder: claim.holder.clone(),
            nonce: claim.nonce,
            since: claim.at,
            beat: claim.beat,
        });
        let guard: Box<dyn Guard> = match self.liveness {
            Liveness::Kernel => Box::new(Process {
                world: Arc::clone(&self.world),
                stack: stack.to_owned(),
                nonce: claim.nonce,
            }),
            Liveness::Beats { .. } => Box::new(Nothing),
        };
        Ok(Taken::Granted(Grant { epoch: lease.epoch, guard }))
    }

    async fn lease_renew(&self, stack: &str, nonce: Uuid, beat: Uuid) -> Result<bool> {
        let mut world = self.world();
        let holder = world.held(stack, nonce).and_then(|lease| lease.holder.as_mut());
        Ok(holder.map(|holder| holder.beat = beat).is_some())
    }

    async fn lease_free(&self, stack: &str, nonce: Uuid) -> Result<bool> {
        let mut world = self.world();
        Ok(world.held(stack, nonce).map(|lease| lease.holder = None).is_some())
    }

    async fn lease_holder(&self, stack: &str) -> Result<Option<HolderInfo>> {
        Ok(self.world().leases.get(stack).and_then(|lease| lease.holder.clone()))
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("url", &self.url).finish_non_exhaustive()
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("nonce", &self.nonce).finish_non_exhaustive()
    }
}
