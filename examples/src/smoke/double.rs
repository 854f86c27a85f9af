//! A ledger for the tests: what QLedger answers, as far as these checks look, and what it must not do.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Nothing,
    /// Everything comes back, whatever was asked for.
    IgnoresItsFilter,
    /// It answers 201 and keeps nothing.
    LosesTransactions,
    /// What is posted again is entered again.
    EntersTwice,
    /// Deltas need not add up.
    TakesTheUnbalanced,
    /// The lines of the second one of a transaction are lost.
    LosesALine,
    /// Nobody has to show a token.
    Unlocked,
    /// `/ping` is fine, nothing else is.
    NoDatabase,
    /// The load balancer has nobody behind it for this many calls.
    WarmsUp(usize),
    /// It sends callers elsewhere.
    Redirects,
    /// Something else answers.
    AnotherService,
    /// It sends the token back with every error.
    Echoes,
}

/// A ledger that runs.
pub(super) struct Double {
    pub(super) url: String,
    book: Arc<Mutex<Book>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Book {
    accounts: BTreeMap<String, Json>,
    transactions: Vec<(String, Json)>,
    calls: usize,
    authorizations: Vec<String>,
}

impl Double {
    /// Starts one whose token is this.
    pub(super) async fn start(token: &'static str, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let book = Arc::new(Mutex::new(Book::default()));
        let shared = Arc::clone(&book);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let book = Arc::clone(&shared);
                let service = service_fn(move |request: Request<Incoming>| {
                    let book = Arc::clone(&book);
                    async move { answer(token, fault, &book, request).await }
                });
                tokio::spawn(async move {
                    drop(
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await,
                    );
                });
            }
        });
        Self { url, book, task }
    }

    /// The ids of what was entered.
    pub(super) fn entered(&self) -> Vec<String> {
        self.book.lock().unwrap().transactions.iter().map(|(id, _)| id.clone()).collect()
    }

    /// What callers showed.
    pub(super) fn shown(&self) -> Vec<String> {
        self.book.lock().unwrap().authorizations.clone()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Answered = Result<Response<Full<Bytes>>, hyper::Error>;

fn plain(status: u16, body: impl Into<String>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

async fn answer(
    token: &str,
    fault: Fault,
    book: &Mutex<Book>,
    request: Request<Incoming>,
) -> Answered {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut book = book.lock().unwrap();
    book.calls += 1;
    let shown = head.headers.get(header::AUTHORIZATION).map_or("", |of| of.to_str().unwrap());
    book.authorizations.push(shown.to_owned());
    match fault {
        Fault::WarmsUp(calls) if book.calls <= calls => return Ok(plain(503, "")),
        Fault::AnotherService => return Ok(plain(200, "<html>Welcome</html>")),
        Fault::Redirects => {
            let mut response = plain(301, "");
            let to = "https://ledger.example.com/".parse().unwrap();
            response.headers_mut().insert(header::LOCATION, to);
            return Ok(response);
        }
        _ => {}
    }
    if (&head.method, head.uri.path()) == (&Method::GET, "/ping") {
        return Ok(plain(200, r#"{"ping": "pong"}"#));
    }
    if shown.trim() != token && fault != Fault::Unlocked {
        return Ok(plain(
            401,
            if fault == Fault::Echoes { format!("not {token}") } else { String::new() },
        ));
    }
    if fault == Fault::Echoes {
        return Ok(plain(400, format!("{{\"you showed\": \"{shown}\"}}")));
    }
    if fault == Fault::NoDatabase {
        return Ok(plain(500, ""));
    }
    let Ok(body) = serde_json::from_slice::<Json>(&body) else { return Ok(plain(400, "")) };
    Ok(match (&head.method, head.uri.path()) {
        (&Method::POST, "/v1/accounts") => add_account(&mut book, &body),
        (&Method::POST, "/v1/transactions") => post(fault, &mut book, &body),
        (&Method::POST, "/v1/accounts/_search") => {
            let all = book.accounts.iter().map(|(id, data)| {
                let lines =
                    book.transactions.iter().flat_map(|(_, of)| of["lines"].as_array().unwrap());
                let own = lines.filter(|line| line["account"] == id.as_str());
                let balance: i64 = own.map(|line| line["delta"].as_i64().unwrap()).sum();
                json!({"id": id, "balance": balance, "data": data})
            });
            searched(fault, &body, all.collect())
        }
        (&Method::POST, "/v1/transactions/_search") => {
            let all = book.transactions.iter().map(|(_, of)| of.clone()).collect();
            searched(fault, &body, all)
        }
        _ => plain(404, ""),
    })
}

fn add_account(book: &mut Book, body: &Json) -> Response<Full<Bytes>> {
    let id = body["id"].as_str().unwrap_or_default();
    let letters = |key: &String| key.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    if !body["data"].as_object().is_none_or(|data| data.keys().all(letters)) {
        return plain(400, "");
    }
    if book.accounts.contains_key(id) {
        return plain(409, "");
    }
    book.accounts.insert(id.to_owned(), body["data"].clone());
    plain(201, "")
}

fn post(fault: Fault, book: &mut Book, body: &Json) -> Response<Full<Bytes>> {
    let id = body["id"].as_str().unwrap_or_default().to_owned();
    let lines = body["lines"].as_array().cloned().unwrap_or_default();
    let sum: i64 = lines.iter().map(|line| line["delta"].as_i64().unwrap_or_default()).sum();
    if sum != 0 && fault != Fault::TakesTheUnbalanced {
        return plain(400, "");
    }
    if let Some((_, there)) = book.transactions.iter().find(|(there, _)| *there == id) {
        let same = there["lines"] == body["lines"];
        if same && fault == Fault::EntersTwice {
            book.transactions.push((format!("{id}-again"), body.clone()));
        }
        return plain(if same { 202 } else { 409 }, "");
    }
    for line in &lines {
        let account = line["account"].as_str().unwrap_or_default().to_owned();
        book.accounts.entry(account).or_insert(Json::Null);
    }
    if fault == Fault::LosesTransactions {
        return plain(201, "");
    }
    let mut kept = body.clone();
    if fault == Fault::LosesALine {
        kept["lines"].as_array_mut().unwrap().truncate(1);
    }
    book.transactions.push((id, kept));
    plain(201, "")
}

/// Those that meet `query.must.fields`. Any other key is passed over, as the real one does.
fn searched(fault: Fault, body: &Json, all: Vec<Json>) -> Response<Full<Bytes>> {
    let fields = body["query"]["must"]["fields"].as_array().cloned().unwrap_or_default();
    let meets = |one: &Json| {
        fields
            .iter()
            .all(|field| field.as_object().unwrap().iter().all(|(key, is)| one[key] == is["eq"]))
    };
    let all: Vec<_> =
        all.into_iter().filter(|one| fault == Fault::IgnoresItsFilter || meets(one)).collect();
    plain(200, Json::Array(all).to_string())
}
