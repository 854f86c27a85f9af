//! One call from beginning to end.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::calls::Call;
use super::trail::Trail;
use super::watch::{Moment, Watcher};
use crate::authorization::Enforcement;
use crate::error::Error;
use crate::faults::{Before, Faults};
use crate::journal::{Journal, Mode};
use crate::realism;
use crate::services::{Access, Service, sts};
use crate::settings::Settings;
use crate::wire::{ApiCall, Reply, fail, render, render_failure};
use crate::world::World;

/// How many calls are remembered for [`Cloud::calls`].
const REMEMBERED: usize = 100_000;

/// The embedded AWS. Cheap to clone: clones are the same cloud.
#[derive(Clone)]
pub struct Cloud(Arc<Inner>);

struct Inner {
    settings: Settings,
    faults: Faults,
    watcher: Watcher,
    enforcement: Enforcement,
    trail: Trail,
    calls: Mutex<VecDeque<Call>>,
    held: Mutex<Held>,
}

/// What one call at a time may touch.
struct Held {
    world: World,
    journal: Option<Journal>,
}

impl std::fmt::Debug for Cloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cloud").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// A panic in one call does not end the cloud: the documents are consistent between statements.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cloud {
    /// A cloud that is gone with the process.
    pub fn memory(settings: Settings) -> Self {
        Self::made(settings, World::default(), None)
    }

    /// A cloud kept in `dir`, sealed with `key`; several processes may have it open at once.
    pub fn open(dir: &Path, key: &[u8; 32], settings: Settings) -> Result<Self, Error> {
        let mut world = World::default();
        let journal = Journal::open(dir, key, &mut world)?;
        Ok(Self::made(settings, world, Some(journal)))
    }

    /// A cloud that is gone with the process, and has this already.
    pub(super) fn with(settings: Settings, world: World) -> Self {
        Self::made(settings, world, None)
    }

    fn made(settings: Settings, world: World, journal: Option<Journal>) -> Self {
        Self(Arc::new(Inner {
            settings,
            faults: Faults::default(),
            watcher: Watcher::default(),
            enforcement: Enforcement::default(),
            trail: Trail::default(),
            calls: Mutex::default(),
            held: Mutex::new(Held { world, journal }),
        }))
    }

    /// Answers one HTTP request. A reply that a fault loses is a 503 here; the SDK's client and
    /// the socket fail the connection instead.
    pub async fn handle(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        self.exchange(request).await.unwrap_or_else(|lost| {
            let mut response = http::Response::new(Bytes::from(lost.to_string()));
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
            response
        })
    }

    /// Every API call this process made, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        locked(&self.0.calls).iter().cloned().collect()
    }

    /// Looks at everything there is now. Reads the file of a cloud that is kept in one: it blocks.
    pub(super) fn look<T>(&self, look: impl FnOnce(&World) -> T) -> Result<T, Error> {
        let mut held = locked(&self.0.held);
        let Held { world, journal } = &mut *held;
        let entered = journal.as_mut().map(|it| it.enter(world, Mode::Read)).transpose()?;
        world.settle(now());
        let seen = look(world);
        drop(entered);
        Ok(seen)
    }

    /// Changes the world other than by a call; all of it is one frame. It blocks.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut World, u64) -> T) -> Result<T, Error> {
        let mut held = locked(&self.0.held);
        let Held { world, journal } = &mut *held;
        let entered = match journal {
            Some(journal) => Some(journal.enter(world, Mode::Write)?),
            None => None,
        };
        let now = now();
        world.settle(now);
        let answer = change(world, now);
        if let Some(journal) = journal {
            let changes = world.take_changes();
            if !changes.is_empty() {
                journal.commit(world, &changes)?;
            }
        }
        drop(entered);
        Ok(answer)
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        locked(&self.0.calls).clear();
    }

    /// The faults, to switch on and off.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// How it behaves.
    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Which policies are enforced.
    pub(super) fn enforcement(&self) -> &Enforcement {
        &self.0.enforcement
    }

    /// Who is told of each call.
    pub(super) fn watcher(&self) -> &Watcher {
        &self.0.watcher
    }

    /// One call; the error is a connection that fails. A request that is sent arrives: the call is
    /// carried out even when the caller stops waiting, as in a real cloud.
    pub(super) async fn exchange(
        &self,
        request: http::Request<Bytes>,
    ) -> std::io::Result<http::Response<Bytes>> {
        let call = match ApiCall::read(request, &self.0.settings.account) {
            Ok(call) => call,
            Err(service) => return Ok(unknown(&service)),
        };
        // Half there, half back: who gives up on the way back has been served.
        let way = self.0.settings.latency / 2;
        let inner = Arc::clone(&self.0);
        let seen = Call::new(&call, 0);
        self.0.watcher.tell(Moment::Sent, &seen);
        let carried = tokio::spawn(async move {
            travel(way).await;
            // On a blocking thread, because the file lock and fsync block.
            tokio::task::spawn_blocking(move || inner.carry_out(&call)).await
        });
        let reply = carried.await.and_then(|reply| reply).map_err(std::io::Error::other)?;
        let status = reply.as_ref().map_or(0, |reply| reply.status().as_u16());
        self.0.watcher.tell(Moment::Answered, &Call { status, ..seen });
        travel(way).await;
        reply
    }
}

async fn travel(way: Duration) {
    if !way.is_zero() {
        tokio::time::sleep(way).await;
    }
}

impl Inner {
    fn carry_out(&self, call: &ApiCall) -> std::io::Result<http::Response<Bytes>> {
        let disconnected =
            || std::io::Error::new(std::io::ErrorKind::ConnectionReset, "connection lost (fault)");
        let reply = match self.faults.before(call) {
            Before::Go => {
                let reply = self.answer(call);
                if self.faults.loses_reply(call) {
                    self.note(Call::new(call, 0));
                    return Err(disconnected());
                }
                reply
            }
            Before::Refuse(failure) => render_failure(call, &failure),
            Before::Disconnect => {
                self.note(Call::new(call, 0));
                return Err(disconnected());
            }
        };
        tracing::trace!(
            service = call.service.name(),
            operation = call.operation,
            status = reply.status,
            "call"
        );
        self.note(Call::new(call, reply.status));
        Ok(response(reply))
    }

    fn note(&self, call: Call) {
        let mut calls = locked(&self.calls);
        if calls.len() == REMEMBERED {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    fn answer(&self, call: &ApiCall) -> Reply {
        let mut held = locked(&self.held);
        self.answer_in(&mut held, call).unwrap_or_else(|error| {
            // What is in memory is no longer what is on disk: the next call reads it again.
            held.world = World::default();
            if let Some(journal) = &mut held.journal {
                journal.reread();
            }
            render_failure(call, &fail("InternalFailure", error.to_string()).status(500))
        })
    }

    fn answer_in(&self, held: &mut Held, call: &ApiCall) -> Result<Reply, Error> {
        let Held { world, journal } = held;
        let mode = if call.is_mutating() { Mode::Write } else { Mode::Read };
        let lock = match journal {
            Some(journal) => Some(journal.enter(world, mode)?),
            None => None,
        };
        let now = now();
        world.settle(now);
        let lag = self.faults.lag(call).as_millis().try_into().unwrap_or(u64::MAX);
        let durations = self.settings.durations;
        let mut access = Access { world, call, now, durations, lag };
        let reply = match self.enforcement.check(&mut access) {
            Ok(()) if call.service == Service::Cloudtrail => render(call, self.trail.look_up(call)),
            Ok(()) => realism::answer(&mut access),
            Err(failure) => render_failure(call, &failure),
        };
        if mode == Mode::Write {
            let caller = sts::caller(&mut access);
            self.trail.note(call, &caller, now, &reply);
        }
        if mode == Mode::Write
            && let Some(journal) = journal
        {
            let changes = world.take_changes();
            if !changes.is_empty() {
                journal.commit(world, &changes)?;
            }
        }
        drop(lock);
        Ok(reply)
    }
}

/// The only clock.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(u64::MAX)
}

fn response(reply: Reply) -> http::Response<Bytes> {
    let mut response = http::Response::new(reply.body);
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = reply.headers;
    response
}

fn unknown(service: &str) -> http::Response<Bytes> {
    let body = format!("the embedded AWS does not play the service {service:?}");
    let mut response = http::Response::new(Bytes::from(body));
    *response.status_mut() = http::StatusCode::NOT_IMPLEMENTED;
    response
}
