//! The storage as a process sees it: behind a wire that takes time, loses replies and delivers late.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use infra_core::state::{
    Backend, Error, ErrorKind, Memory, Result,
    backend::{Claim, Effect, Fault, HolderInfo, Liveness, Object, Put, Retry, Tag, Taken},
};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{cloud::Cloud, ledger::Ledger, process::Me};

/// What every process of a run shares of the storage.
#[derive(Clone)]
pub struct Storage {
    /// What is kept.
    pub memory: Memory,
    /// What an outsider reads in it.
    pub ledger: Arc<Ledger>,
    /// The cloud, where what is given up must be gone.
    pub cloud: Arc<Cloud>,
}

/// One process's way to the storage.
#[derive(Clone)]
struct Wire {
    storage: Storage,
    me: Arc<Me>,
}

/// The storage as this process reaches it: retried, failing, slow.
pub fn backend(storage: &Storage, me: &Arc<Me>) -> Arc<dyn Backend> {
    let env = Arc::new(super::process::Clock(Arc::clone(me)));
    let wire = Wire { storage: storage.clone(), me: Arc::clone(me) };
    let world = Arc::clone(&me.world);
    let fault = Fault::new(Arc::new(wire), Arc::clone(&env) as _, move |_| {
        let bad = world.weather().storage;
        let (fails, loses) = world.chance(|c| (c.percent(bad), c.percent(bad)));
        match (world.is_away() || fails, loses) {
            (true, _) => Effect::Fail,
            (_, true) => Effect::LoseReply,
            _ => Effect::Pass,
        }
    });
    Arc::new(Retry::new(Arc::new(fault), env, Duration::from_secs(30)))
}

/// The result of what never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("memory never waits"),
    }
}

impl Wire {
    /// Sends a request, which has its effect some time later even if nobody waits for it any more.
    async fn send<T: Send + 'static>(
        &self,
        what: &str,
        act: impl FnOnce(&Storage) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Self { me, storage } = self;
        me.moment().await;
        let world = Arc::clone(&me.world);
        let distant = matches!(storage.memory.liveness(), Liveness::Beats { .. });
        let weather = world.weather();
        let (there, back, late, delivered) = world.chance(|c| {
            let most = if distant { 60 } else { 2 };
            (c.millis(most), c.millis(most), distant && c.percent(weather.late), c.percent(50))
        });
        let (reply, answer) = oneshot::channel();
        let there = if late { there + Duration::from_secs(2) } else { there };
        let sent = (Arc::clone(&world), storage.clone(), Arc::clone(me), what.to_owned());
        world.after(there, move || {
            let (world, storage, me, what) = sent;
            // What a dead process has sent may be on its way; what it was about to write to its own disk is not.
            if me.is_dead() && !(distant && delivered) {
                return;
            }
            let result = act(&storage);
            let outcome = if result.is_ok() { "" } else { " refused" };
            world.note(&me.name, format_args!("storage: {what}{outcome}"));
            world.after(back, move || drop(reply.send(result)));
        });
        let answer = if late {
            let _ = world.timer(Duration::from_secs(1)).await;
            drop(answer);
            Err(Error::new(ErrorKind::Unavailable, format!("{what}: no answer in time")))
        } else {
            match answer.await {
                Ok(answer) => answer,
                Err(_) => std::future::pending().await,
            }
        };
        me.moment().await;
        answer
    }

    /// The outsider reads what was written.
    fn read_along(storage: &Storage, me: &Me, key: &str, body: &[u8], put: &Put) {
        if !matches!(put, Put::Stored(_)) {
            return;
        }
        if key.ends_with("/head.json") {
            let head: serde_json::Value = serde_json::from_slice(body).unwrap();
            me.leads(head["body"]["epoch"].as_u64().unwrap());
        }
        let wrote = storage.ledger.wrote(key, body);
        for wrong in wrote.wrong {
            me.world.wrong(wrong);
        }
        for id in wrote.forgotten {
            if storage.cloud.is_alive(&id) && !storage.ledger.is_released(&id) {
                me.world.wrong(format!("(1) {id} is forgotten and still there"));
            }
        }
    }
}

#[async_trait::async_trait]
impl Backend for Wire {
    fn url(&self) -> String {
        self.storage.memory.url()
    }

    fn liveness(&self) -> Liveness {
        self.storage.memory.liveness()
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        let name = key.to_owned();
        self.send(&format!("get {key}"), move |s| now(s.memory.get(&name))).await
    }

    async fn put_if_absent(&self, key: &str, body: &[u8]) -> Result<Put> {
        let (name, bytes, me) = (key.to_owned(), body.to_vec(), Arc::clone(&self.me));
        self.send(&format!("put {key} if absent"), move |s| {
            let put = now(s.memory.put_if_absent(&name, &bytes))?;
            Self::read_along(s, &me, &name, &bytes, &put);
            Ok(put)
        })
        .await
    }

    async fn put_if_match(&self, key: &str, body: &[u8], seen: &Tag) -> Result<Put> {
        let (name, bytes, me) = (key.to_owned(), body.to_vec(), Arc::clone(&self.me));
        let seen = seen.clone();
        self.send(&format!("put {key} if {}", seen.0), move |s| {
            let put = now(s.memory.put_if_match(&name, &bytes, &seen))?;
            Self::read_along(s, &me, &name, &bytes, &put);
            Ok(put)
        })
        .await
    }

    async fn list(&self, folder: &str, after: &str) -> Result<Vec<String>> {
        let (name, from) = (folder.to_owned(), after.to_owned());
        self.send(&format!("list {folder}"), move |s| now(s.memory.list(&name, &from))).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let name = key.to_owned();
        self.send(&format!("delete {key}"), move |s| now(s.memory.delete(&name))).await
    }

    async fn lease_take(&self, stack: &str, claim: &Claim, over: Option<Uuid>) -> Result<Taken> {
        let (name, claim) = (stack.to_owned(), claim.clone());
        let asked = self.me.world.now();
        let act = move |s: &Storage| now(s.memory.lease_take(&name, &claim, over));
        let taken = self.send("take the lease", act).await;
        if matches!(taken, Ok(Taken::Granted(_))) {
            self.me.holds(asked, self.liveness());
        }
        taken
    }

    async fn lease_renew(&self, stack: &str, nonce: Uuid, beat: Uuid) -> Result<bool> {
        let name = stack.to_owned();
        let asked = self.me.world.now();
        let act = move |s: &Storage| now(s.memory.lease_renew(&name, nonce, beat));
        let renewed = self.send("renew the lease", act).await;
        match renewed {
            Ok(true) => self.me.holds(asked, self.liveness()),
            Ok(false) => self.me.lost(),
            Err(_) => {}
        }
        renewed
    }

    async fn lease_free(&self, stack: &str, nonce: Uuid) -> Result<bool> {
        let name = stack.to_owned();
        self.send("free the lease", move |s| now(s.memory.lease_free(&name, nonce))).await
    }

    async fn lease_holder(&self, stack: &str) -> Result<Option<HolderInfo>> {
        let name = stack.to_owned();
        self.send("who has the lease", move |s| now(s.memory.lease_holder(&name))).await
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}
