//! Reads that wait for something, put together: one call for all objects of a kind that are waited for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use infra_state::Env;
use tokio::sync::{Notify, oneshot};

use crate::{
    panics::caught_in,
    provider::{Class, Connection, Driver, ErasedFind, ErasedObserved, Error, Memo, Result},
};

/// The shortest time between two looks at an object.
const SHORTEST: Duration = Duration::from_millis(10);
/// The longest.
const LONGEST: Duration = Duration::from_secs(15);
/// How long a read may keep the next one of its kind waiting.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long to wait before looking again at something that was waited for this long: a fixed share of it, so that the
/// time lost at the end is a small part of the whole, whether it takes milliseconds or an hour.
pub(crate) fn interval(waited: Duration) -> Duration {
    (waited * 3 / 100).clamp(SHORTEST, LONGEST)
}

/// Puts reads of one kind through one connection together.
pub(crate) struct Poller {
    env: Arc<dyn Env>,
    groups: Mutex<HashMap<(usize, &'static str), Arc<Group>>>,
}

struct Group {
    env: Arc<dyn Env>,
    driver: Arc<dyn Driver>,
    connection: Arc<Connection>,
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    reads: Vec<Read>,
    /// Whether a task looks after the group.
    served: bool,
}

struct Read {
    find: ErasedFind,
    /// When it is to be read.
    due: Duration,
    /// How much earlier is fine, too, if there is something to be read anyway.
    slack: Duration,
    reply: oneshot::Sender<Result<Option<ErasedObserved>>>,
}

impl Poller {
    pub(crate) fn new(env: Arc<dyn Env>) -> Self {
        Self { env, groups: Mutex::default() }
    }

    /// Reads one object, about `after` from now, together with whatever else of its kind is read then.
    pub(crate) async fn read(
        &self,
        connection: &Arc<Connection>,
        driver: &Arc<dyn Driver>,
        find: ErasedFind,
        after: Duration,
    ) -> Result<Option<ErasedObserved>> {
        let group = self.group(connection, driver);
        let (reply, answer) = oneshot::channel();
        let due = self.env.monotonic() + after;
        group.add(Read { find, due, slack: after / 2, reply });
        let lost = || Err(Error::new(Class::Transient, "the read was given up"));
        answer.await.unwrap_or_else(|_| lost())
    }

    fn group(&self, connection: &Arc<Connection>, driver: &Arc<dyn Driver>) -> Arc<Group> {
        let key = (Arc::as_ptr(connection).addr(), driver.schema().kind);
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let group = groups.entry(key).or_insert_with(|| {
            Arc::new(Group {
                env: Arc::clone(&self.env),
                driver: Arc::clone(driver),
                // Kept alive here, so that no other connection gets its address.
                connection: Arc::clone(connection),
                waiting: Mutex::default(),
                arrived: Notify::new(),
            })
        });
        Arc::clone(group)
    }
}

impl Group {
    fn add(self: &Arc<Self>, read: Read) {
        let mut waiting = self.lock();
        waiting.reads.push(read);
        if waiting.served {
            drop(waiting);
            self.arrived.notify_one();
        } else {
            waiting.served = true;
            drop(tokio::spawn(Arc::clone(self).serve()));
        }
    }

    /// Reads what is due until nothing waits any more.
    async fn serve(self: Arc<Self>) {
        loop {
            // Others that became ready at the same moment get to join.
            tokio::task::yield_now().await;
            let now = self.env.monotonic();
            let Some((next, batch)) = self.take(now) else { return };
            if batch.is_empty() {
                tokio::select! {
                    biased;
                    () = self.env.sleep(next.saturating_sub(now)) => {}
                    () = self.arrived.notified() => {}
                }
                continue;
            }
            let read = tokio::spawn(Arc::clone(&self).read(batch));
            // Mostly the next batch comes after this one; but nobody waits long for a slow answer.
            tokio::select! {
                biased;
                _ = read => {}
                () = self.env.sleep(PATIENCE) => {}
            }
        }
    }

    /// What is to be read now, or when there will be something. `None`: nothing waits, and nobody serves any more.
    fn take(&self, now: Duration) -> Option<(Duration, Vec<Read>)> {
        let mut waiting = self.lock();
        waiting.reads.retain(|read| !read.reply.is_closed());
        let Some(next) = waiting.reads.iter().map(|read| read.due).min() else {
            waiting.served = false;
            return None;
        };
        if next > now {
            return Some((next, Vec::new()));
        }
        let all = std::mem::take(&mut waiting.reads);
        let (batch, later) = all.into_iter().partition(|read| read.due <= now + read.slack);
        waiting.reads = later;
        Some((next, batch))
    }

    async fn read(self: Arc<Self>, batch: Vec<Read>) {
        let (finds, replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|read| (read.find, read.reply)).unzip();
        let memo = Memo::default();
        let read = caught_in(self.driver.read(&self.connection, &memo, finds)).await;
        let mut answers = match read {
            Ok(answers) => answers.into_iter(),
            Err(panic) => {
                let message = format!("the driver panicked: {}", panic.without_message());
                let error = Error::invalid(message);
                for reply in replies {
                    let _ = reply.send(Err(error.again()));
                }
                return;
            }
        };
        for reply in replies {
            let missing = || Err(Error::invalid("the driver answered too few reads"));
            // Who does not wait any more needs no answer.
            let _ = reply.send(answers.next().unwrap_or_else(missing));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_lost_at_the_end_stays_a_small_share() {
        assert_eq!(interval(Duration::ZERO), SHORTEST);
        assert_eq!(interval(Duration::from_secs(100)), Duration::from_secs(3));
        assert_eq!(interval(Duration::from_hours(10)), LONGEST);
    }
}
