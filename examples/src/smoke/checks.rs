//! The checks, in their order.

use std::time::Duration;

use infra_core::{
    Result,
    state::{Env, EnvExt},
};
use serde_json::{Value as Json, json};

use super::{
    attempt::{Attempt, Came, Finding},
    client::{Call, Client, Shows, Silent},
    report::Report,
};

const ANSWERS: &str = "the ledger answers";
const LOCKED: &str = "who has no token is refused";
const ACCOUNTS: &str = "accounts are made";
const BALANCES: &str = "balances are read";
const TRANSACTIONS: &str = "transactions are posted";
const FOUND: &str = "a transaction is found by its id, and nothing else is";
const REPLAYED: &str = "a transaction posted again is the same one";
const UNBALANCED: &str = "a transaction that does not add up is refused";
const MOVED: &str = "the balances moved by exactly what was posted";

const SEARCH_ACCOUNTS: &str = "/v1/accounts/_search";
const POST_TRANSACTION: &str = "/v1/transactions";
const SEARCH_TRANSACTIONS: &str = "/v1/transactions/_search";

/// What the two transactions take from the first account and give to the second.
const AMOUNTS: [i64; 2] = [100, 23];

type Found<T = String> = Result<T, Finding>;

/// A run, and what it names the things that it makes.
pub(super) struct Checks<'a> {
    client: &'a Client,
    accounts: [String; 2],
    transactions: [String; 2],
    unbalanced: String,
}

impl<'a> Checks<'a> {
    /// A run whose names nobody else has.
    pub(super) fn new(client: &'a Client, env: &dyn Env) -> Self {
        let run = env.uuid().simple().to_string();
        let name = |what: &str| format!("smoke-{}-{what}", &run[..12]);
        Self {
            client,
            accounts: [name("from"), name("to")],
            transactions: [name("1"), name("2")],
            unbalanced: name("unbalanced"),
        }
    }

    /// What it makes.
    pub(super) fn made(&self) -> Json {
        json!({"accounts": self.accounts, "transactions": self.transactions})
    }

    /// Makes the calls. A check that others need ends the run; what it gives is about writing the report only.
    pub(super) async fn run(
        &self,
        env: &dyn Env,
        wait: Duration,
        report: &mut Report<'_>,
    ) -> Result<()> {
        let rest = [LOCKED, ACCOUNTS, BALANCES, TRANSACTIONS, FOUND, REPLAYED, UNBALANCED, MOVED];
        if !report.check(ANSWERS, self.answers(env, wait).await)? {
            return report.not_tried(&rest);
        }
        report.check(LOCKED, self.locked().await)?;
        if !report.check(ACCOUNTS, self.make_accounts().await)? {
            return report.not_tried(&rest[2..]);
        }
        let before = self.balances().await;
        let (before, said) = match before {
            Ok(before) => (before, Ok(format!("{} and {}", before[0], before[1]))),
            Err(finding) => ([0; 2], Err(finding)),
        };
        if !report.check(BALANCES, said)? {
            return report.not_tried(&rest[3..]);
        }
        if !report.check(TRANSACTIONS, self.post().await)? {
            return report.not_tried(&rest[4..]);
        }
        report.check(FOUND, self.found().await)?;
        report.check(REPLAYED, self.replayed().await)?;
        report.check(UNBALANCED, self.refused().await)?;
        // Last: what was posted twice or not balanced would show here.
        report.check(MOVED, self.moved(before).await)?;
        Ok(())
    }

    /// Waits for the first answer while the load balancer warms up.
    async fn answers(&self, env: &dyn Env, wait: Duration) -> Found {
        let began = env.monotonic();
        loop {
            let ping = Attempt::make(self.client, Call::get("/ping")).await;
            let since = env.monotonic().saturating_sub(began);
            let warming = match &ping.came {
                Came::Silence(silence) => matches!(
                    silence.kind,
                    Silent::Unknown | Silent::Refused | Silent::Unreachable | Silent::Closed
                ),
                Came::Answer(answer) => answer.status == 503,
            };
            if warming && since < wait {
                env.sleep(Duration::from_secs(2).min(wait.saturating_sub(since))).await;
                continue;
            }
            let answer = ping.answered(&[200])?;
            let body: Json = serde_json::from_str(&answer.body).unwrap_or_default();
            return if body["ping"] == "pong" {
                let after = since.as_secs();
                Ok(if after > 0 { format!("/ping, after {after} s") } else { "/ping".to_owned() })
            } else {
                let means = "something else than the ledger answers there";
                Err(ping.finding(r#"200 {"ping": "pong"}"#, Some(means)))
            };
        }
    }

    async fn locked(&self) -> Found {
        for shows in [Shows::WrongToken, Shows::Nothing] {
            let call = Call::post(SEARCH_ACCOUNTS, by_id(&self.accounts[0])).showing(shows);
            let attempt = Attempt::make(self.client, call).await;
            if let Came::Answer(answer) = &attempt.came
                && answer.status == 200
            {
                let means = "everybody can read and write this ledger: take it off the network";
                return Err(attempt.finding("401", Some(means)));
            }
            attempt.answered(&[401])?;
        }
        Ok("401 with a wrong token, and with none".to_owned())
    }

    async fn make_accounts(&self) -> Found {
        for account in &self.accounts {
            let body = json!({"id": account, "data": {"made_by": "smoke"}});
            Attempt::make(self.client, Call::post("/v1/accounts", body)).await.answered(&[201])?;
        }
        Ok(self.accounts.join(", "))
    }

    /// The balances of both accounts.
    async fn balances(&self) -> Found<[i64; 2]> {
        let mut balances = [0; 2];
        for (account, balance) in self.accounts.iter().zip(&mut balances) {
            let call = Call::post(SEARCH_ACCOUNTS, by_id(account));
            let attempt = Attempt::make(self.client, call).await;
            let list = listed(&attempt)?;
            let expected = format!("200 with exactly the account {account} and its balance");
            let of = list.iter().find(|found| found["id"] == account.as_str());
            let Some(found) = of.and_then(|found| found["balance"].as_i64()) else {
                let means = "an account that was made is lost: the ledger had answered 201 for it";
                return Err(attempt.finding(expected, Some(means)));
            };
            if list.len() > 1 {
                return Err(attempt.finding(expected, Some(IGNORES)));
            }
            *balance = found;
        }
        Ok(balances)
    }

    fn transaction(&self, at: usize) -> Json {
        let [from, to] = &self.accounts;
        let amount = AMOUNTS[at];
        let lines = json!([{"account": from, "delta": -amount}, {"account": to, "delta": amount}]);
        json!({"id": self.transactions[at], "data": {"made_by": "smoke"}, "lines": lines})
    }

    /// Two, so that a search that gives everything cannot look right.
    async fn post(&self) -> Found {
        for at in 0..self.transactions.len() {
            let call = Call::post(POST_TRANSACTION, self.transaction(at));
            Attempt::make(self.client, call).await.answered(&[201])?;
        }
        Ok(self.transactions.join(", "))
    }

    async fn found(&self) -> Found {
        let id = &self.transactions[0];
        let call = Call::post(SEARCH_TRANSACTIONS, by_id(id));
        let attempt = Attempt::make(self.client, call).await;
        let list = listed(&attempt)?;
        let expected = format!("200 with exactly the transaction {id}");
        let Some(found) = list.iter().find(|found| found["id"] == id.as_str()) else {
            let means = "a transaction is lost: the ledger had answered 201 for it";
            return Err(attempt.finding(expected, Some(means)));
        };
        if list.len() > 1 {
            return Err(attempt.finding(expected, Some(IGNORES)));
        }
        if moves(found) != moves(&self.transaction(0)) {
            let means = "the ledger keeps other lines than it was sent";
            return Err(attempt.finding(format!("{expected} and its lines"), Some(means)));
        }
        Ok(id.clone())
    }

    async fn replayed(&self) -> Found {
        let call = Call::post(POST_TRANSACTION, self.transaction(0));
        Attempt::make(self.client, call).await.answered(&[202])?;
        Ok("202".to_owned())
    }

    async fn refused(&self) -> Found {
        let [from, to] = &self.accounts;
        let lines = json!([{"account": from, "delta": -5}, {"account": to, "delta": 6}]);
        let body = json!({"id": self.unbalanced, "lines": lines});
        let attempt = Attempt::make(self.client, Call::post(POST_TRANSACTION, body)).await;
        if matches!(&attempt.came, Came::Answer(answer) if answer.status == 201) {
            let means = "the ledger makes money out of nothing: it does not check that the deltas add up to 0";
            return Err(attempt.finding("400", Some(means)));
        }
        attempt.answered(&[400])?;
        Ok("400".to_owned())
    }

    async fn moved(&self, before: [i64; 2]) -> Found {
        let after = self.balances().await?;
        let sum: i64 = AMOUNTS.iter().sum();
        let expected = [before[0] - sum, before[1] + sum];
        if after == expected {
            return Ok(format!("−{sum} and +{sum}"));
        }
        let say = |of: [i64; 2]| format!("{} and {}", of[0], of[1]);
        Err(Finding {
            request: format!(
                "POST {SEARCH_ACCOUNTS} of {} and of {}",
                self.accounts[0], self.accounts[1]
            ),
            expected: say(expected),
            came: format!("{}; before the transactions they were {}", say(after), say(before)),
            means: Some("a transaction is lost, or was entered more than once".to_owned()),
        })
    }
}

const IGNORES: &str = "the search ignores its filter: unknown keys of a query are passed over, and everything comes back";

/// The search for one id: anything else than `must`/`should` at its top would be passed over.
fn by_id(id: &str) -> Json {
    json!({"query": {"must": {"fields": [{"id": {"eq": id}}]}}})
}

fn listed(attempt: &Attempt<'_>) -> Found<Vec<Json>> {
    let answer = attempt.answered(&[200])?;
    serde_json::from_str(&answer.body).map_err(|_| attempt.finding("200 with a JSON list", None))
}

/// The lines of a transaction, in no order.
fn moves(transaction: &Json) -> Vec<(String, i64)> {
    let lines = transaction["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<_> = lines
        .iter()
        .map(|line| {
            (line["account"].as_str().unwrap_or_default().to_owned(), line["delta"].as_i64())
        })
        .filter_map(|(account, delta)| Some((account, delta?)))
        .collect();
    lines.sort();
    lines
}
