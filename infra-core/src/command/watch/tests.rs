//! The loop, on a clock that the test holds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use infra_state::{Env, StackName, Urn, env::Fake};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use super::{Audience, Board, Looker, Watcher, serve, unseen, watch};
use crate::{
    Cancel, Error, ErrorKind, Result,
    drift::{Report, Unchecked},
};

const EVERY: Duration = Duration::from_mins(15);

/// The first look goes well, the second is an error, the third panics, the fourth cannot compare anything, the
/// fifth never ends, and from then on they go well.
struct Moody(AtomicUsize);

fn well() -> Report {
    let name = StackName::new("shop", "prod").unwrap();
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    Report { failed: None, checked: 7, ..unseen(&name, at, String::new()) }
}

/// The cloud answers nothing.
fn blind() -> Report {
    let urn = Urn::new("aws:ec2:Vpc", "net").unwrap();
    let unchecked = vec![Unchecked { urn, why: "throttled".to_owned() }];
    Report { checked: 0, unchecked, ..well() }
}

#[async_trait]
impl Looker for Moody {
    async fn look(&self, audience: &mut dyn Audience) -> Result<()> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            1 => Err(Error::new(ErrorKind::Failed, "throttled")),
            2 => panic!("a bug"),
            3 => audience.hear(blind()).await,
            4 => std::future::pending().await,
            _ => audience.hear(well()).await,
        }
    }
}

/// Tells the test of every look.
struct Followed(UnboundedSender<Option<String>>);

#[async_trait]
impl Audience for Followed {
    async fn hear(&mut self, _: Report) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Watcher for Followed {
    async fn over(&mut self, how: &Result<()>) -> Result<()> {
        self.0.send(how.as_ref().err().map(ToString::to_string)).unwrap();
        Err(Error::new(ErrorKind::Failed, "nobody can be told"))
    }
}

/// Lets time pass until the next look is over: how it ended, and after how many seconds.
async fn next(env: &Fake, looks: &mut UnboundedReceiver<Option<String>>) -> (Option<String>, u64) {
    for second in 0..10_000 {
        for _ in 0..20 {
            tokio::task::yield_now().await;
            if let Ok(how) = looks.try_recv() {
                return (how, second);
            }
        }
        env.advance(Duration::from_secs(1));
    }
    panic!("the loop stands still");
}

fn value(metrics: &str, name: &str) -> String {
    let line = metrics.lines().find(|line| line.starts_with(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("{name} in {metrics}")).rsplit_once(' ').unwrap().1.to_owned()
}

#[tokio::test]
async fn no_failure_ends_it_and_a_person_does() {
    let env = Fake::new(3);
    let shared: Arc<dyn Env> = Arc::new(env.clone());
    let board = Board::new(Arc::clone(&shared), EVERY);
    let cancel = Cancel::default();
    let (sender, mut looks) = unbounded_channel();
    let watching = tokio::spawn({
        let (board, cancel) = (board.clone(), cancel.clone());
        async move {
            let moody = Moody(AtomicUsize::new(0));
            watch(&shared, &cancel, EVERY, &board, &moody, &mut Followed(sender)).await;
        }
    });
    assert_eq!(next(&env, &mut looks).await, (None, 0), "the first look is at once");
    let (how, after) = next(&env, &mut looks).await;
    assert_eq!(how.as_deref(), Some("throttled"));
    assert!((900..=991).contains(&after), "{after}");
    let (how, after) = next(&env, &mut looks).await;
    assert!(how.unwrap().starts_with("the look panicked: a bug"));
    assert!((30..=121).contains(&after), "{after}");
    let (how, after) = next(&env, &mut looks).await;
    assert_eq!(how, None, "the stack's report says it");
    assert!((60..=151).contains(&after), "{after}");
    let metrics = board.metrics();
    assert_eq!(value(&metrics, "infra_drift_looks_total"), "4");
    assert_eq!(value(&metrics, "infra_drift_look_failures_total"), "3");
    assert_eq!(value(&metrics, "infra_drift_notification_failures_total"), "4");
    assert!(metrics.contains("infra_drift_failed{stack=\"shop/prod\"} 1\n"));
    assert!(metrics.contains("infra_drift_checked{stack=\"shop/prod\"} 7\n"), "what was known");
    assert_eq!(board.health(), Ok(()), "it turns, though nothing can be seen");
    let (how, after) = next(&env, &mut looks).await;
    assert!(how.unwrap().contains("was given up"));
    assert!((2820..=2911).contains(&after), "{after}");
    assert_eq!(next(&env, &mut looks).await.0, None);
    let metrics = board.metrics();
    assert_eq!(value(&metrics, "infra_drift_look_failures_total"), "4");
    assert!(metrics.contains("infra_drift_failed{stack=\"shop/prod\"} 0\n"));
    // Between two looks it stops at once.
    cancel.stop();
    tokio::time::timeout(Duration::from_secs(10), watching).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_look_that_hangs_is_left_after_seconds() {
    let env = Fake::new(3);
    let shared: Arc<dyn Env> = Arc::new(env.clone());
    let board = Board::new(Arc::clone(&shared), EVERY);
    let cancel = Cancel::default();
    let watching = tokio::spawn({
        let (board, cancel) = (board.clone(), cancel.clone());
        async move {
            let hangs = Moody(AtomicUsize::new(4));
            let (sender, _looks) = unbounded_channel();
            watch(&shared, &cancel, EVERY, &board, &hangs, &mut Followed(sender)).await;
        }
    });
    let settle = async || {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    };
    settle().await;
    assert_eq!(value(&board.metrics(), "infra_drift_looking"), "1");
    env.advance(EVERY * 2);
    settle().await;
    assert_eq!(board.health(), Ok(()));
    cancel.stop();
    settle().await;
    env.advance(Duration::from_secs(4));
    settle().await;
    assert!(!watching.is_finished());
    env.advance(Duration::from_secs(1));
    tokio::time::timeout(Duration::from_secs(10), watching).await.unwrap().unwrap();
    env.advance(EVERY * 3);
    let why = board.health().unwrap_err();
    assert!(why.starts_with("no look was over for "), "{why}");
}

async fn asked(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A server that refuses what it was sent may reset the connection after its answer.
    drop(stream.read_to_string(&mut answer).await);
    answer
}

#[tokio::test]
async fn metrics_and_health_over_a_socket() {
    let env = Fake::new(3);
    let board = Board::new(Arc::new(env.clone()), EVERY);
    board.begun();
    board.heard(&well());
    board.over(true);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(board.clone(), listener));
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    let metrics = asked(address, &get("/metrics")).await;
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
    assert!(metrics.contains("content-type: text/plain; version=0.0.4"), "{metrics}");
    assert!(metrics.contains("\ninfra_drift_checked{stack=\"shop/prod\"} 7\n"), "{metrics}");
    assert!(asked(address, &get("/healthz")).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(asked(address, &get("/other")).await.starts_with("HTTP/1.1 404 "));
    let post = "POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
    assert!(asked(address, post).await.starts_with("HTTP/1.1 405 "));
    let long = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", "x".repeat(64 << 10));
    assert!(!asked(address, &long).await.starts_with("HTTP/1.1 404 "), "too long to be read");
    env.advance(EVERY * 3 + Duration::from_secs(1));
    assert!(asked(address, &get("/healthz")).await.starts_with("HTTP/1.1 503 "));
    serving.abort();
}

#[test]
fn a_board_keeps_the_stacks_that_are_there_and_no_others() {
    let board = Board::new(Arc::new(Fake::new(3)), EVERY);
    let report = |n: usize| Report { stack: format!("shop/s{n}"), ..well() };
    for look in 0..1000 {
        board.begun();
        (look..look + 3).for_each(|n| board.heard(&report(n)));
        board.over(true);
    }
    let metrics = board.metrics();
    assert_eq!(value(&metrics, "infra_drift_stacks"), "3");
    assert!(metrics.contains("shop/s1001") && !metrics.contains("shop/s998\""), "{metrics}");
}
