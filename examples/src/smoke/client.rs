//! Calls to the ledger over HTTP.

use std::{error::Error as StdError, fmt, io, time::Duration};

use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use infra_core::{Error, ErrorKind, Result, Sensitive};
use serde_json::Value as Json;

/// The longest body that is read: what is longer is no answer to these calls.
const LONGEST: usize = 1 << 20;

/// A ledger's address and the token that its callers show.
pub(super) struct Client {
    base: String,
    token: Sensitive<HeaderValue>,
    wrong: HeaderValue,
    patience: Duration,
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Which token a call shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    Token,
    WrongToken,
    Nothing,
}

/// A call.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) body: Option<Json>,
    pub(super) shows: Shows,
}

impl Call {
    /// A `GET` that shows no token.
    pub(super) fn get(path: &'static str) -> Self {
        Self { method: Method::GET, path, body: None, shows: Shows::Nothing }
    }

    /// A `POST` of JSON with the token.
    pub(super) fn post(path: &'static str, body: Json) -> Self {
        Self { method: Method::POST, path, body: Some(body), shows: Shows::Token }
    }

    /// The same call with another token, or none.
    pub(super) fn showing(self, shows: Shows) -> Self {
        Self { shows, ..self }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        match self.shows {
            Shows::Token => {}
            Shows::WrongToken => f.write_str(" with a wrong token")?,
            Shows::Nothing if self.method == Method::GET => {}
            Shows::Nothing => f.write_str(" without a token")?,
        }
        self.body.as_ref().map_or(Ok(()), |body| write!(f, " {body}"))
    }
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Where a redirect leads to.
    pub(super) location: Option<String>,
    pub(super) body: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Silence {
    pub(super) kind: Silent,
    /// In the words of the library that met it.
    pub(super) cause: String,
}

/// The ways not to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silent {
    /// The name has no address.
    Unknown,
    /// Nothing listens there.
    Refused,
    /// Nobody took the connection in time.
    Unreachable,
    /// TLS failed.
    Untrusted,
    /// The connection ended before the answer.
    Closed,
    /// There is a connection, and no answer in time.
    Slow,
    /// The answer is longer than any that these calls have.
    Long,
    /// Something else.
    Other,
}

impl Client {
    /// A client of the ledger at `url`. A call waits this long to connect, and this long for its answer.
    pub(super) fn new(url: &str, token: &Sensitive<String>, patience: Duration) -> Result<Self> {
        let base = checked(url)?;
        let mut shown = HeaderValue::from_str(token.reveal()).map_err(|_| {
            let message = "the token has a character that no HTTP header can carry (a line end, a control character, …)";
            Error::new(ErrorKind::Usage, message)
        })?;
        shown.set_sensitive(true);
        let mut connect = HttpConnector::new();
        connect.enforce_http(false);
        connect.set_connect_timeout(Some(patience));
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(|e| {
                let message = format!("no certificate authority of this machine can be read: {e}");
                Error::new(ErrorKind::Failed, message).because(e)
            })?;
        let connect = tls.https_or_http().enable_http1().wrap_connector(connect);
        // A connection a call, so that the load balancer chooses again each time.
        let pool = Pool::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connect);
        let wrong = if *token.reveal() == "wrong" { "false" } else { "wrong" };
        let wrong = HeaderValue::from_static(wrong);
        Ok(Self { base, token: Sensitive::new(shown), wrong, patience, pool })
    }

    /// Where the ledger is.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// `text` without the token, should anybody have sent it back.
    pub(super) fn scrubbed(&self, text: &str) -> String {
        let token = self.token.reveal().to_str().unwrap_or_default();
        if token.is_empty() { text.to_owned() } else { text.replace(token, "[token]") }
    }

    /// Makes the call. A redirect is an answer: the token goes nowhere else.
    pub(super) async fn call(&self, call: &Call) -> Result<Answer, Silence> {
        let body = call.body.as_ref().map(Json::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(&call.method)
            .uri(format!("{}{}", self.base, call.path))
            .header(header::CONTENT_TYPE, "application/json");
        match call.shows {
            Shows::Token => request = request.header(header::AUTHORIZATION, self.token.reveal()),
            Shows::WrongToken => request = request.header(header::AUTHORIZATION, &self.wrong),
            Shows::Nothing => {}
        }
        let other = |cause: String| Silence { kind: Silent::Other, cause };
        let request = request.body(Full::from(body)).map_err(|e| other(e.to_string()))?;
        let answered = async {
            let response = self.pool.request(request).await.map_err(|e| silence(&e))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LONGEST).collect().await;
            let body = body.map_err(|e| silence(&*e))?.to_bytes();
            let location = head.headers.get(header::LOCATION);
            Ok(Answer {
                status: head.status.as_u16(),
                location: location.and_then(|to| to.to_str().ok()).map(ToOwned::to_owned),
                body: String::from_utf8_lossy(&body).into_owned(),
            })
        };
        // Connecting has its own limit; what is longer than both is an answer that does not come.
        tokio::time::timeout(self.patience * 2, answered).await.unwrap_or_else(|_| {
            let cause = format!("no answer within {} s", (self.patience * 2).as_secs_f32());
            Err(Silence { kind: Silent::Slow, cause })
        })
    }
}

/// The address without a slash at its end.
fn checked(url: &str) -> Result<String> {
    let wrong = |what: &str| {
        let message = format!("`{url}` is not the URL of a ledger: {what}");
        Error::new(ErrorKind::Usage, message)
    };
    let uri: Uri = url.parse().map_err(|e| wrong(&format!("{e}")))?;
    let scheme = uri.scheme_str().ok_or_else(|| wrong("it needs a scheme, like https://…"))?;
    if !["http", "https"].contains(&scheme) {
        return Err(wrong(&format!("its scheme is `{scheme}`, and can be http or https")));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        let message = "the URL of a ledger holds no user and password; the token goes into --token";
        return Err(Error::new(ErrorKind::Usage, message));
    }
    if uri.query().is_some() {
        return Err(wrong("it has a query (`?…`)"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// What an error of the HTTP library means.
fn silence(error: &(dyn StdError + 'static)) -> Silence {
    let mut kind = Silent::Other;
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = one(error) {
            kind = found;
        }
        let text = error.to_string();
        // Many say what caused them in their own words too.
        if !words.iter().any(|said| said.contains(&text)) {
            words.push(text);
        }
        // What an `io::Error` wraps is not always its source.
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inside.map(|inside| inside as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    Silence { kind, cause: words.join(": ") }
}

/// What this one error says, its cause left aside.
fn one(error: &(dyn StdError + 'static)) -> Option<Silent> {
    if error.is::<rustls::Error>() {
        return Some(Silent::Untrusted);
    }
    if error.is::<http_body_util::LengthLimitError>() {
        return Some(Silent::Long);
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return error.is_incomplete_message().then_some(Silent::Closed);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(Silent::Refused),
            io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable => Some(Silent::Unreachable),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Some(Silent::Closed),
            _ => None,
        };
    }
    // The connector's own error has no public type; this is how it begins.
    error.to_string().starts_with("dns error").then_some(Silent::Unknown)
}
