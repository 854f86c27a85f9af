//! Leases.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use uuid::Uuid;

use super::Pair;
use crate::{
    Backend, Holder, HolderInfo,
    backend::{Claim, Grant, Liveness, Taken},
};

const STACK: &str = "program/stack";

fn claim(who: u128) -> Claim {
    Claim {
        holder: Holder { who: format!("user-{who}@host"), command: "up".to_owned(), pid: 7 },
        nonce: Uuid::from_u128(who),
        beat: Uuid::from_u128(1000 + who),
        at: Timestamp::UNIX_EPOCH,
    }
}

async fn granted(backend: &dyn Backend, who: u128, over: Option<Uuid>) -> Grant {
    match backend.lease_take(STACK, &claim(who), over).await.expect("take") {
        Taken::Granted(grant) => grant,
        Taken::Held(by) => panic!("held by {by}"),
    }
}

async fn held(backend: &dyn Backend, who: u128, over: Option<Uuid>) -> HolderInfo {
    match backend.lease_take(STACK, &claim(who), over).await.expect("take") {
        Taken::Granted(_) => panic!("granted to a second one"),
        Taken::Held(by) => by,
    }
}

async fn holder(backend: &dyn Backend) -> Option<HolderInfo> {
    backend.lease_holder(STACK).await.expect("holder")
}

pub(super) async fn one_holds_and_says_who(pair: &Pair) {
    assert_eq!(holder(&*pair.a).await, None);
    let _grant = granted(&*pair.a, 1, None).await;
    for backend in [&pair.a, &pair.b] {
        let by = held(&**backend, 2, None).await;
        assert_eq!((by.holder.clone(), by.nonce), (claim(1).holder, claim(1).nonce));
        assert_eq!(by.since, Timestamp::UNIX_EPOCH);
        assert_eq!(holder(&**backend).await, Some(by));
    }
}

pub(super) async fn a_repeated_claim_is_granted(pair: &Pair) {
    let _first = granted(&*pair.a, 1, None).await;
    let _again = granted(&*pair.a, 1, None).await;
    assert_eq!(held(&*pair.b, 2, None).await.nonce, claim(1).nonce);
}

pub(super) async fn only_the_named_holder_is_freed(pair: &Pair) {
    assert!(!pair.a.lease_free(STACK, claim(1).nonce).await.expect("free"), "nobody holds it");
    let grant = granted(&*pair.a, 1, None).await;
    assert!(!pair.b.lease_free(STACK, claim(2).nonce).await.expect("free"));
    assert_eq!(held(&*pair.b, 2, None).await.nonce, claim(1).nonce);
    assert!(pair.a.lease_free(STACK, claim(1).nonce).await.expect("free"));
    drop(grant);
    assert_eq!(holder(&*pair.b).await, None);
    let _grant = granted(&*pair.b, 2, None).await;
}

pub(super) async fn a_freed_holder_cannot_renew(pair: &Pair) {
    let (beat, later) = (Uuid::from_u128(5), Uuid::from_u128(6));
    let zombie = granted(&*pair.a, 1, None).await;
    assert!(pair.a.lease_renew(STACK, claim(1).nonce, beat).await.expect("renew"));
    // A person unlocks a holder that hangs, and somebody else comes.
    assert!(zombie.guard.holds());
    assert!(pair.b.lease_free(STACK, claim(1).nonce).await.expect("free"));
    let notices = || pair.a.liveness() != Liveness::Kernel || !zombie.guard.holds();
    assert!(notices(), "the guard of a freed lease says that it holds");
    let second = granted(&*pair.b, 2, None).await;
    assert!(second.epoch > zombie.epoch);
    assert!(notices() && second.guard.holds());
    assert!(!pair.a.lease_renew(STACK, claim(1).nonce, later).await.expect("renew"));
    assert!(!pair.a.lease_free(STACK, claim(1).nonce).await.expect("free"));
    drop(zombie);
    assert_eq!(holder(&*pair.a).await.map(|holder| holder.nonce), Some(claim(2).nonce));
    assert!(pair.b.lease_renew(STACK, claim(2).nonce, later).await.expect("renew"));
}

pub(super) async fn epochs_grow(pair: &Pair) {
    let mut last = 0;
    for who in 1..=4 {
        let backend = if who % 2 == 0 { &pair.a } else { &pair.b };
        let grant = granted(&**backend, who, None).await;
        assert!(grant.epoch > last, "{} after {last}", grant.epoch);
        last = grant.epoch;
        assert!(backend.lease_free(STACK, claim(who).nonce).await.expect("free"));
    }
}

pub(super) async fn stacks_do_not_share_a_lease(pair: &Pair) {
    let _grant = granted(&*pair.a, 1, None).await;
    let other = pair.a.lease_take("program/other", &claim(2), None).await.expect("take");
    assert!(matches!(other, Taken::Granted(_)));
    assert!(!pair.a.lease_free("program/other", claim(1).nonce).await.expect("free"));
}

pub(super) async fn a_dead_holder_is_replaced(pair: &Pair) {
    let first = granted(&*pair.a, 1, None).await;
    let epoch = first.epoch;
    match pair.a.liveness() {
        // The kernel knows; watching means nothing.
        Liveness::Kernel => {
            held(&*pair.b, 2, Some(claim(1).beat)).await;
            drop(first);
            assert_eq!(holder(&*pair.b).await, None);
            assert!(granted(&*pair.b, 2, None).await.epoch > epoch);
        }
        // Only who has watched the present beat takes over.
        Liveness::Beats { .. } => {
            let beat = Uuid::from_u128(77);
            assert!(pair.a.lease_renew(STACK, claim(1).nonce, beat).await.expect("renew"));
            drop(first);
            assert_eq!(held(&*pair.b, 2, None).await.beat, beat);
            held(&*pair.b, 2, Some(claim(1).beat)).await;
            assert!(granted(&*pair.b, 2, Some(beat)).await.epoch > epoch);
            held(&*pair.a, 3, Some(beat)).await;
        }
    }
}

pub(super) async fn one_of_many_claims_is_granted(pair: &Pair) {
    let taken = join_all((1..=16_u128).map(|who| {
        let backend = Arc::clone(if who % 2 == 0 { &pair.a } else { &pair.b });
        tokio::spawn(async move { backend.lease_take(STACK, &claim(who), None).await })
    }))
    .await;
    // Kept until all have answered: a grant that is dropped may be given again.
    let taken: Vec<Taken> =
        taken.into_iter().map(|taken| taken.expect("it ends").expect("take")).collect();
    let granted = taken.iter().filter(|taken| matches!(taken, Taken::Granted(_))).count();
    assert_eq!(granted, 1);
}

/// Many have watched the same holder die.
pub(super) async fn one_of_many_successors_is_granted(pair: &Pair) {
    let first = granted(&*pair.a, 1, None).await;
    let (epoch, beat) = (first.epoch, claim(1).beat);
    drop(first);
    let taken = join_all((2..=17_u128).map(|who| {
        let backend = Arc::clone(if who % 2 == 0 { &pair.a } else { &pair.b });
        tokio::spawn(async move { backend.lease_take(STACK, &claim(who), Some(beat)).await })
    }))
    .await;
    let mut taken: Vec<Taken> =
        taken.into_iter().map(|taken| taken.expect("it ends").expect("take")).collect();
    let granted = taken.extract_if(.., |taken| matches!(taken, Taken::Granted(_)));
    let granted: Vec<Taken> = granted.collect();
    let [Taken::Granted(next)] = &granted[..] else { panic!("{granted:?}") };
    assert!(next.epoch > epoch);
    let by = holder(&*pair.b).await.expect("somebody holds it").nonce;
    let others = taken.iter().all(|taken| matches!(taken, Taken::Held(held) if held.nonce == by));
    assert!(others, "{taken:?}");
}

pub(super) async fn asking_who_holds_disturbs_nobody(pair: &Pair) {
    let asking = {
        let backend = Arc::clone(&pair.b);
        tokio::spawn(async move {
            loop {
                backend.lease_holder(STACK).await.expect("holder");
                tokio::task::yield_now().await;
            }
        })
    };
    for who in 1..=20 {
        let grant = granted(&*pair.a, who, None).await;
        assert!(pair.a.lease_free(STACK, claim(who).nonce).await.expect("free"));
        drop(grant);
    }
    asking.abort();
}
