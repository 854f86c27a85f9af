//! A webhook that is told: `https://…`, as Slack, Mattermost, Teams' workflows and many others understand it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value as Json, json};

use super::{Address, Notification, Notifier};
use crate::{Error, ErrorKind, Result};

/// How long one attempt may take, from connecting to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is tried.
const ATTEMPTS: u32 = 3;
/// The pause before the second attempt; it doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest text of a block of Slack's.
const LONGEST: usize = 2900;

/// A URL that is posted to.
struct Webhook {
    uri: Uri,
    /// All of the URL that may be shown.
    shown: String,
    pause: Duration,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why an attempt failed, and whether another may do better.
struct Failed {
    why: String,
    again: bool,
}

/// The webhook at this address. Without TLS only on this machine: what is posted says what is open, and the URL itself
/// is a secret.
pub(crate) fn webhook(address: &Address) -> Result<Arc<dyn Notifier>> {
    webhook_with(address, PAUSE).map(|webhook| Arc::new(webhook) as _)
}

fn webhook_with(address: &Address, pause: Duration) -> Result<Webhook> {
    let wrong = |what: &str| {
        let message = format!("the webhook of `--notify` is not a URL that can be used: {what}");
        Error::new(ErrorKind::Usage, message)
    };
    let uri: Uri = address.url.parse().map_err(|_| wrong("write it like `https://HOST/PATH`"))?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it has no host"))?;
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(wrong("it has a user or password in it"));
    }
    let scheme = uri.scheme_str().unwrap_or_default();
    if scheme != "https" && !is_here(host) {
        return Err(wrong(
            "`http://` is for this machine only (127.0.0.1, localhost); use `https://`",
        ));
    }
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    let shown = format!("{scheme}://{host}{port}");
    let mut connect = HttpConnector::new();
    connect.enforce_http(false);
    connect.set_connect_timeout(Some(PATIENCE));
    let tls = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
        .map_err(|e| {
            let message = format!("no certificate authority of this machine can be read: {e}");
            Error::new(ErrorKind::Failed, message).because(e)
        })?;
    let connect = tls.https_or_http().enable_http1().wrap_connector(connect);
    // Minutes lie between two notifications.
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connect);
    Ok(Webhook { uri, shown, pause, client })
}

/// Whether the host is this machine.
fn is_here(host: &str) -> bool {
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

#[async_trait]
impl Notifier for Webhook {
    fn shows(&self) -> String {
        self.shown.clone()
    }

    async fn notify(&self, what: &Notification) -> Result<()> {
        let body = Bytes::from(body(what).to_string());
        let mut pause = self.pause;
        for attempt in 1.. {
            let posted = tokio::time::timeout(PATIENCE, self.post(body.clone())).await;
            let slow = || Failed {
                why: format!("gave no answer within {} s", PATIENCE.as_secs()),
                again: true,
            };
            match posted.unwrap_or_else(|_| Err(slow())) {
                Ok(()) => break,
                Err(failed) if failed.again && attempt < ATTEMPTS => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(failed) => {
                    let message = format!("the webhook at {} {}", self.shown, failed.why);
                    return Err(Error::new(ErrorKind::Failed, message));
                }
            }
        }
        Ok(())
    }
}

impl Webhook {
    async fn post(&self, body: Bytes) -> Result<(), Failed> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("infra/", env!("CARGO_PKG_VERSION")))
            .body(Full::from(body));
        let request = request.map_err(|_| Failed {
            why: "cannot be posted to: its URL is not one".to_owned(),
            again: false,
        })?;
        let response = self.client.request(request).await.map_err(|e| {
            // The innermost cause says most, and no URL.
            let mut cause: &dyn std::error::Error = &e;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            Failed { why: format!("cannot be reached: {cause}"), again: true }
        })?;
        let status = response.status();
        // Read, so that the other side is not cut off; what it says is not shown, it may quote the URL.
        drop(Limited::new(response.into_body(), 1 << 16).collect().await);
        if status.is_success() {
            return Ok(());
        }
        let again = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        Err(Failed { why: format!("answered {status}"), again })
    }
}

/// What Slack and its like understand; others find the whole document under `infra`, should it be short.
fn body(what: &Notification) -> Json {
    // What names and values say must not be read as markup.
    let mut text = String::new();
    let mut length = 0;
    for c in what.text.chars() {
        let escaped = match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            c => c.to_string(),
        };
        // No escape is cut in two.
        length += escaped.chars().count();
        if length > LONGEST {
            text.push('…');
            break;
        }
        text.push_str(&escaped);
    }
    let subject = what.subject.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let section = |text: &str| json!({"type": "mrkdwn", "text": text});
    json!({
        "text": subject,
        "blocks": [
            {"type": "section", "text": section(&format!("*{subject}*"))},
            {"type": "section", "text": section(&format!("```{}```", text.trim_end().replace('`', "'")))},
        ],
    })
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    fn address(url: &str) -> Address {
        Address { url: url.to_owned(), directory: "".into(), settings: infra_state::Value::map() }
    }

    fn something() -> Notification {
        let subject = "drift in shop/prod: 1 finding, worst high".to_owned();
        let text = "high  aws:ec2:Vpc::net <gone> `x`".to_owned();
        Notification { subject, text, document: json!({}) }
    }

    /// Answers each connection with the next status, and gives what was posted.
    async fn listener(
        statuses: &'static [&'static str],
    ) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let mut posted = Vec::new();
            for status in statuses {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut text = String::new();
                let mut buffer = [0; 4096];
                while !text.ends_with("}]}") && !text.ends_with('}') {
                    let n = stream.read(&mut buffer).await.unwrap();
                    text.push_str(&String::from_utf8_lossy(&buffer[..n]));
                }
                posted.push(text);
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            posted
        });
        (port, served)
    }

    #[tokio::test]
    async fn a_local_listener_is_told_after_it_was_busy() {
        let (port, served) = listener(&["503 Busy", "200 OK"]).await;
        let url = format!("http://127.0.0.1:{port}/services/T0/hunter2");
        let hook = webhook_with(&address(&url), Duration::from_millis(1)).unwrap();
        assert_eq!(hook.shows(), format!("http://127.0.0.1:{port}"));
        hook.notify(&something()).await.unwrap();
        let posted = served.await.unwrap();
        assert_eq!(posted.len(), 2);
        assert!(posted[1].starts_with("POST /services/T0/hunter2 HTTP/1.1\r\n"), "{}", posted[1]);
        let (_, body) = posted[1].split_once("\r\n\r\n").unwrap();
        let body: Json = serde_json::from_str(body).unwrap();
        assert_eq!(body["text"], "drift in shop/prod: 1 finding, worst high");
        assert_eq!(
            body["blocks"][1]["text"]["text"],
            "```high  aws:ec2:Vpc::net &lt;gone&gt; 'x'```"
        );
    }

    #[tokio::test]
    async fn a_refusal_is_not_tried_again_and_shows_the_host_only() {
        let (port, served) = listener(&["403 Forbidden"]).await;
        let url = format!("http://127.0.0.1:{port}/services/T0/hunter2");
        let hook = webhook_with(&address(&url), Duration::from_millis(1)).unwrap();
        let error = hook.notify(&something()).await.unwrap_err();
        let expected = format!("the webhook at http://127.0.0.1:{port} answered 403 Forbidden");
        assert_eq!(format!("{error:?}"), format!("Failed: {expected}"));
        assert_eq!(served.await.unwrap().len(), 1);
        // Now nobody listens.
        let error = hook.notify(&something()).await.unwrap_err().to_string();
        assert!(error.contains("cannot be reached") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_text_of_nothing_but_markup_fits_and_no_escape_is_cut() {
        for length in 1000..1010 {
            // As long as it takes to be cut at each letter of an escape.
            let text = format!("{}{}", "x".repeat(length), "<&>".repeat(2000));
            let body = body(&Notification { text, ..something() });
            let text = body["blocks"][1]["text"]["text"].as_str().unwrap();
            // Slack answers 400 to more.
            assert!(text.chars().count() <= 3000, "{}", text.chars().count());
            let rest = text.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "");
            assert!(rest.ends_with("…```") && !rest.contains(['&', ';']), "{rest}");
        }
    }

    #[test]
    fn without_tls_only_this_machine_is_told() {
        for bad in ["http://hooks.example.com/x", "https://", "https://u:p@h/x", "http://10.0.0.1/"]
        {
            let error = webhook(&address(bad)).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Usage, "{bad}");
            assert!(!error.to_string().contains("example.com"), "{error}");
        }
        for good in ["http://localhost:9/x", "http://[::1]:9/x", "https://hooks.example.com/x"] {
            assert!(webhook(&address(good)).is_ok(), "{good}");
        }
    }
}
