//! What is taken away from the protocol, one thing at a time, to see that the explorer notices.

use infra_state::{
    Backend, Checksum, Memory,
    backend::{Object, Put, Tag},
};

use super::{
    exchange::{Actor, Call, Exchange, Reply},
    run::now,
};

/// A protocol that lacks something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mutant {
    /// Who takes over puts no fence: it is told that it did.
    NoFence,
    /// Segments are written whether or not something is there.
    NoIfNoneMatch,
    /// The head is replaced whatever version was seen.
    NoIfMatch,
    /// Whoever finds its number taken believes that it was itself.
    NoNonce,
    /// After a segment was written the clock is not looked at.
    NoCheckAfterAppend,
    /// The clock stands still while the machine sleeps.
    ClockStopsInSuspend,
    /// A lease is taken from whoever has it.
    NoWatching,
    /// The heartbeat renews a lease that somebody else has, and so hears that it has it.
    NoNonceInRenew,
    /// Giving a lease back takes it from whoever has it.
    NoNonceInFree,
    /// After the seal the head is not looked at again.
    NoHeadAfterSeal,
    /// Compaction keeps no fence.
    NoFencesKept,
    /// A head that moved while a reader read is not noticed.
    NoSecondLook,
}

fn tag(body: &[u8]) -> Tag {
    Tag(Checksum::of(body).to_string())
}

/// What a call does to the world.
pub(crate) fn effect(exchange: &Exchange, memory: &Memory, actor: Actor, call: &Call) -> Reply {
    let mutant = exchange.lock().mutant;
    match call {
        Call::Get(key) => Reply::Object(got(exchange, memory, actor, key)),
        Call::PutIfAbsent(key, body) => Reply::Put(absent(exchange, memory, actor, key, body)),
        Call::PutIfMatch(key, body, seen) => {
            let there = now(memory.get(key));
            let put = match there {
                Some(there) if tag(&there.body) == *seen || mutant == Some(Mutant::NoIfMatch) => {
                    let _ = now(memory.put_if_match(key, body, &there.tag));
                    exchange.lock().wrote.insert(actor, body.clone());
                    Put::Stored(tag(body))
                }
                _ => Put::Refused,
            };
            Reply::Put(put)
        }
        Call::List(folder, after) => Reply::Names(now(memory.list(folder, after))),
        Call::Delete(key) => {
            now(memory.delete(key));
            Reply::Done
        }
        Call::DeleteIfMatch(key, seen) => {
            let there = now(memory.get(key));
            let matches = there.as_ref().is_some_and(|there| tag(&there.body) == *seen);
            if matches {
                now(memory.delete(key));
            }
            Reply::Held(matches || there.is_none())
        }
        Call::Take(stack, claim, over) => {
            let over = match mutant {
                Some(Mutant::NoWatching) => now(memory.lease_holder(stack)).map(|held| held.beat),
                _ => *over,
            };
            Reply::Taken(now(memory.lease_take(stack, claim, over)))
        }
        Call::Renew(stack, nonce, beat) => {
            let held = now(memory.lease_renew(stack, *nonce, *beat));
            Reply::Held(held || mutant == Some(Mutant::NoNonceInRenew))
        }
        Call::Free(stack, nonce) => {
            let holder = now(memory.lease_holder(stack)).map(|held| held.nonce);
            let nonce = match mutant {
                Some(Mutant::NoNonceInFree) => holder.unwrap_or(*nonce),
                _ => *nonce,
            };
            Reply::Held(now(memory.lease_free(stack, nonce)))
        }
        Call::Holder(stack) => Reply::Holder(now(memory.lease_holder(stack))),
        Call::Sleep(..) => Reply::Done,
    }
}

fn got(exchange: &Exchange, memory: &Memory, actor: Actor, key: &str) -> Option<Object> {
    let Object { body, .. } = now(memory.get(key))?;
    let mut inner = exchange.lock();
    let head = key.ends_with("/head.json");
    let body = match (inner.mutant, inner.shown.remove(&actor)) {
        (Some(Mutant::NoHeadAfterSeal), Some(shown)) => shown,
        // Every second look shows what the first did.
        (Some(Mutant::NoSecondLook), Some(shown)) if head => shown,
        (Some(Mutant::NoSecondLook), Some(shown)) => {
            inner.shown.insert(actor, shown);
            body
        }
        (Some(Mutant::NoSecondLook), None) if head && !inner.wrote.contains_key(&actor) => {
            inner.shown.insert(actor, body.clone());
            body
        }
        _ => body,
    };
    Some(Object { tag: tag(&body), body })
}

/// Whether a body is that of a fence.
fn is_fence(body: &[u8]) -> bool {
    let first = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(first).contains("\"fence\":true")
}

fn absent(exchange: &Exchange, memory: &Memory, actor: Actor, key: &str, body: &[u8]) -> Put {
    let mutant = exchange.lock().mutant;
    let (segment, fence) = (key.contains("/journal/"), is_fence(body));
    if segment && fence && mutant == Some(Mutant::NoHeadAfterSeal) {
        let mut inner = exchange.lock();
        if let Some(head) = inner.wrote.get(&actor).cloned() {
            inner.shown.insert(actor, head);
        }
    }
    match mutant {
        Some(Mutant::NoFence) if segment && fence => return Put::Stored(tag(body)),
        Some(Mutant::NoIfNoneMatch) if segment => {
            memory.overwrite(key, Some(body.to_vec()));
            return Put::Stored(tag(body));
        }
        _ => {}
    }
    match now(memory.put_if_absent(key, body)) {
        Put::Stored(_) => Put::Stored(tag(body)),
        Put::Refused if mutant == Some(Mutant::NoNonce) && segment && !fence => {
            Put::Stored(tag(body))
        }
        Put::Refused => Put::Refused,
    }
}
