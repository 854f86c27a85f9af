//! The command against a ledger that does what it must, and against each that does not.

use infra_core::{App, Stack, exit::Exit};
use serde_json::Value as Json;

use super::{
    Smoke,
    double::{Double, Fault},
};
use crate::terminal::{Ran, Terminal};

const TOKEN: &str = "s3cret-Token-of-the-ledger";

/// The names of the checks that failed.
fn failed(ran: &Ran) -> Vec<&str> {
    ran.out.lines().filter_map(|line| line.strip_prefix("✗ ")).collect()
}

/// Runs a command of a program that exports this address and a token of its own.
async fn run(app: App, terminal: &Terminal, url: &str, arguments: &[&str]) -> Ran {
    let url = url.to_owned();
    let program = move |stack: &mut Stack| {
        let token = stack.secret("token");
        stack.export("url", url.as_str());
        stack.export("token", &token);
        Ok(())
    };
    let ran = terminal.run(app.command(Smoke), program, arguments).await;
    let shown = ran.out.contains(TOKEN) || ran.err.contains(TOKEN);
    assert!(!shown, "the token is shown:\n{}\n{}", ran.out, ran.err);
    ran
}

/// Tries this ledger.
async fn tried(double: &Double, more: &[&str]) -> Ran {
    let terminal = Terminal::new();
    let mut arguments = vec!["smoke", "--url", &double.url, "--token", TOKEN];
    arguments.extend(more);
    run(App::new("ledger"), &terminal, &double.url, &arguments).await
}

/// Tries a ledger that has this fault.
async fn with(fault: Fault) -> Ran {
    let double = Double::start(TOKEN, fault).await;
    tried(&double, &["--wait", "0"]).await
}

#[tokio::test]
async fn a_ledger_that_does_what_it_must_passes_any_number_of_times() {
    let double = Double::start(TOKEN, Fault::Nothing).await;
    for round in 1..=3 {
        let ran = tried(&double, &[]).await;
        assert_eq!(ran.exit, Exit::Done, "{}\n{}", ran.out, ran.err);
        assert_eq!(ran.out.lines().filter(|line| line.starts_with("✓ ")).count(), 9, "{}", ran.out);
        let entered = double.entered();
        assert_eq!(entered.len(), round * 2, "each run has transactions of its own");
        assert!(entered.iter().rev().take(2).all(|id| ran.out.contains(id)), "it says which");
    }
    assert!(double.shown().iter().all(|shown| [TOKEN, "wrong", ""].contains(&shown.as_str())));
}

#[tokio::test]
async fn programs_get_one_document() {
    let double = Double::start(TOKEN, Fault::LosesTransactions).await;
    let ran = tried(&double, &["--json"]).await;
    assert_eq!(ran.exit, Exit::Failed);
    let mut documents = ran.out.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let document = documents.next().unwrap();
    assert_eq!(document["url"], double.url.as_str());
    assert_eq!(document["made"]["transactions"].as_array().unwrap().len(), 2);
    let checks = document["checks"].as_array().unwrap();
    let outcomes: Vec<_> = checks.iter().map(|check| check["outcome"].as_str().unwrap()).collect();
    assert_eq!(
        outcomes,
        ["passed", "passed", "passed", "passed", "passed", "failed", "failed", "passed", "failed"]
    );
    assert!(checks[5]["means"].as_str().unwrap().contains("lost"));
    assert_eq!(documents.next().unwrap()["event"], "error");
}

#[tokio::test]
async fn a_search_that_ignores_its_filter_is_found_out() {
    let double = Double::start(TOKEN, Fault::IgnoresItsFilter).await;
    let ran = tried(&double, &[]).await;
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.all().contains("the search ignores its filter"), "{}", ran.out);
}

#[tokio::test]
async fn a_lost_transaction_is_found_out() {
    let ran = with(Fault::LosesTransactions).await;
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.all().contains("a transaction is lost: the ledger had answered 201 for it"));
    let ran = with(Fault::LosesALine).await;
    assert!(ran.all().contains("the ledger keeps other lines than it was sent"), "{}", ran.out);
}

#[tokio::test]
async fn balances_show_what_was_entered_twice_or_does_not_add_up() {
    let ran = with(Fault::EntersTwice).await;
    assert_eq!(failed(&ran), ["the balances moved by exactly what was posted"], "{}", ran.out);
    assert!(ran.out.contains("-123 and 123"), "{}", ran.out);
    let ran = with(Fault::TakesTheUnbalanced).await;
    assert!(failed(&ran).contains(&"a transaction that does not add up is refused"));
    assert!(ran.all().contains("makes money out of nothing"), "{}", ran.out);
}

#[tokio::test]
async fn an_open_door_is_found_out() {
    let ran = with(Fault::Unlocked).await;
    assert_eq!(failed(&ran), ["who has no token is refused"], "{}", ran.out);
    assert!(ran.all().contains("everybody can read and write this ledger"));
}

#[tokio::test]
async fn a_wrong_token_is_said_to_be_one() {
    let double = Double::start("another", Fault::Nothing).await;
    let ran = tried(&double, &[]).await;
    assert_eq!(ran.exit, Exit::Failed);
    assert_eq!(failed(&ran), ["accounts are made"]);
    assert!(ran.all().contains("a wrong token"), "{}", ran.out);
    assert_eq!(ran.out.matches("not tried").count(), 6, "{}", ran.out);
    assert!(double.entered().is_empty());
}

#[tokio::test]
async fn a_database_that_is_down_is_said_to_be_it() {
    let ran = with(Fault::NoDatabase).await;
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.out.contains("✓ the ledger answers"), "/ping does not touch it: {}", ran.out);
    assert!(ran.all().contains("the ledger cannot use its database"), "{}", ran.out);
}

#[tokio::test]
async fn nothing_else_is_taken_for_a_ledger() {
    let ran = with(Fault::AnotherService).await;
    assert!(ran.all().contains("something else than the ledger answers there"), "{}", ran.out);
    let ran = with(Fault::Redirects).await;
    assert!(ran.all().contains("it redirects to https://ledger.example.com/"), "{}", ran.out);
}

#[tokio::test]
async fn a_load_balancer_may_warm_up() {
    let double = Double::start(TOKEN, Fault::WarmsUp(1)).await;
    let ran = tried(&double, &["--wait", "1m"]).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.out);
    assert!(ran.out.contains("/ping, after 2 s"), "{}", ran.out);
    let double = Double::start(TOKEN, Fault::WarmsUp(usize::MAX)).await;
    let ran = tried(&double, &["--wait", "1s"]).await;
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.all().contains("the load balancer has no ledger to pass the call to"));
}

#[tokio::test]
async fn where_nothing_is_it_says_so() {
    let terminal = Terminal::new();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    for (url, says) in [
        (refused.as_str(), "a wrong host or port, or the load balancer is not ready"),
        ("http://ledger.invalid", "a wrong host, or a load balancer so new"),
    ] {
        let arguments = ["smoke", "--url", url, "--token", TOKEN, "--wait", "0"];
        let ran = run(App::new("ledger"), &terminal, url, &arguments).await;
        assert_eq!(ran.exit, Exit::Failed);
        assert!(ran.all().contains(says), "{}", ran.out);
        assert_eq!(ran.out.matches("not tried").count(), 8, "{}", ran.out);
    }
}

#[tokio::test]
async fn tls_where_there_is_none_is_said_to_be_it() {
    let double = Double::start(TOKEN, Fault::Nothing).await;
    let terminal = Terminal::new();
    let url = double.url.replace("http:", "https:");
    let arguments = ["smoke", "--url", &url, "--token", TOKEN, "--wait", "0"];
    let ran = run(App::new("ledger"), &terminal, &url, &arguments).await;
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.all().contains("does not speak TLS"), "{}", ran.out);
}

#[tokio::test]
async fn a_token_that_comes_back_is_not_shown() {
    // `run` looks for it in everything that is printed.
    let ran = with(Fault::Echoes).await;
    assert!(ran.out.contains("[token]"), "{}", ran.out);
}

#[tokio::test]
async fn what_is_no_ledgers_url_is_a_mistake_of_the_command_line() {
    let terminal = Terminal::new();
    for url in ["ledger", "ftp://ledger", "http://me:pass@ledger", "http://ledger/?x"] {
        let arguments = ["smoke", "--url", url, "--token", TOKEN];
        let ran = run(App::new("ledger"), &terminal, url, &arguments).await;
        assert_eq!(ran.exit, Exit::Usage, "{url}: {}", ran.err);
        assert!(!ran.err.contains("pass@"));
    }
}

#[tokio::test]
async fn url_and_token_are_the_stacks_outputs() {
    let terminal = Terminal::new();
    let double = Double::start(TOKEN, Fault::Nothing).await;
    let app = || App::new("ledger");
    let ran = run(app(), &terminal, &double.url, &["smoke"]).await;
    assert_eq!(ran.exit, Exit::Usage, "there is no stack yet: {}", ran.err);
    let up = run(app(), &terminal, &double.url, &["up", "--yes"]).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    // The stack made a token of its own: it is the one that is shown, and it is not this ledger's.
    let ran = run(app(), &terminal, &double.url, &["smoke", "--wait", "0"]).await;
    assert_eq!(failed(&ran), ["accounts are made"], "{}\n{}", ran.out, ran.err);
    let shown = double.shown();
    let own = shown.iter().find(|shown| !["wrong", ""].contains(&shown.as_str())).unwrap();
    assert!(own.len() >= 16 && !ran.all().contains(own.as_str()));
    // With the right one said beside it, the stack's address is enough.
    let ran = run(app(), &terminal, &double.url, &["smoke", "--token", TOKEN]).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.out);
}

#[tokio::test]
async fn a_simulated_stack_says_that_nothing_runs_there() {
    let terminal = Terminal::new();
    let double = Double::start(TOKEN, Fault::Nothing).await;
    let app = || App::new("ledger").cloud("simulated", infra_aws::simulated());
    let url = "http://lb.elb.eu-west-1.simulated.invalid";
    let ran = run(app(), &terminal, url, &["smoke"]).await;
    assert_eq!(ran.exit, Exit::Usage);
    assert!(ran.all().contains("smoke --url http://HOST:PORT --token TOKEN"), "{}", ran.err);
    let ran = run(app(), &terminal, url, &["smoke", "--url", url, "--token", TOKEN]).await;
    assert_eq!(ran.exit, Exit::Usage);
    assert!(ran.all().contains("such names are an embedded cloud's"), "{}", ran.err);
    // Pointed at one that runs, it tries it.
    let ran = run(app(), &terminal, url, &["smoke", "--url", &double.url, "--token", TOKEN]).await;
    assert_eq!(ran.exit, Exit::Done, "{}\n{}", ran.out, ran.err);
}
