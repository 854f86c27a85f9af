//! Answers that no emulator gives, played from a script.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, HttpClient, Region, RuntimeComponents, SharedHttpClient,
    retry::RetryConfig,
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;
use uuid::Uuid;

use super::{S3, S3Address};
use crate::{
    Backend, Error, ErrorKind, Holder,
    backend::{Claim, Put, Tag, Taken},
};

/// What answers: a function of the method, the path with its query, and the headers.
type Script = dyn Fn(&str, &str, &HttpRequest) -> Answer + Send + Sync;

/// Status, headers, body; or no answer.
enum Answer {
    Is(u16, &'static [(&'static str, &'static str)], String),
    Lost,
}

#[derive(Clone)]
struct Play {
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl fmt::Debug for Play {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Play")
    }
}

impl HttpConnector for Play {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri: http::Uri = request.uri().parse().unwrap();
        let path = uri.path_and_query().unwrap().as_str().to_owned();
        self.asked.lock().unwrap().push(format!("{} {path}", request.method()));
        HttpConnectorFuture::ready(match (self.script)(request.method(), &path, &request) {
            Answer::Is(status, headers, body) => {
                let status = StatusCode::try_from(status).unwrap();
                let mut response = HttpResponse::new(status, SdkBody::from(body));
                for (name, value) in headers {
                    response.headers_mut().insert(*name, *value);
                }
                Ok(response)
            }
            Answer::Lost => Err(ConnectorError::io("connection reset".into())),
        })
    }
}

impl HttpClient for Play {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn place(
    script: impl Fn(&str, &str, &HttpRequest) -> Answer + Send + Sync + 'static,
) -> (S3, Arc<Mutex<Vec<String>>>) {
    let play = Play { script: Arc::new(script), asked: Arc::default() };
    let asked = Arc::clone(&play.asked);
    let http = SharedHttpClient::new(play);
    let key = || Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let s3 = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(key())
        .endpoint_url("https://script.invalid")
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .http_client(http.clone());
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(key())
        .endpoint_url("https://script.invalid")
        .retry_config(RetryConfig::disabled())
        .http_client(http);
    let s3 = aws_sdk_s3::Client::from_conf(s3.build());
    let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb.build());
    let address = S3Address::parse("s3://bucket/team?lock=locks").unwrap();
    (S3::new(address, s3, dynamodb), asked)
}

fn xml(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>said {code}</Message></Error>");
    Answer::Is(status, &[("content-type", "application/xml")], body)
}

fn json(status: u16, body: &str) -> Answer {
    Answer::Is(status, &[("content-type", "application/x-amz-json-1.0")], body.to_owned())
}

fn stored() -> Answer {
    Answer::Is(200, &[("etag", "\"e\"")], String::new())
}

/// A place that was checked before; everything else is for `then`.
fn checked(
    then: impl Fn(&str, &str, &HttpRequest) -> Answer + Send + Sync + 'static,
) -> (S3, Arc<Mutex<Vec<String>>>) {
    place(move |method, path, request| match (method, path) {
        ("GET", path) if path.contains("/.place.json") => {
            let golden = include_str!("../../../tests/golden/s3/place.v1.json");
            Answer::Is(200, &[("etag", "\"p\"")], golden.to_owned())
        }
        _ => then(method, path, request),
    })
}

fn claim() -> Claim {
    Claim {
        holder: Holder { who: "ann@host".to_owned(), command: "up".to_owned(), pid: 1 },
        nonce: Uuid::from_u128(1),
        beat: Uuid::from_u128(2),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn says(error: &Error, kind: ErrorKind, words: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(words), "{words:?} is not in: {error}");
}

/// A store that has a place's check and answers every write with `put`.
fn careless(put: fn(condition: &str) -> Answer) -> S3 {
    place(move |method, path, request| match method {
        "GET" if path.contains("lifecycle") => xml(404, "NoSuchLifecycleConfiguration"),
        "GET" => xml(404, "NoSuchKey"),
        "PUT" if request.headers().contains_key("if-match") => put("if-match"),
        "PUT" => put("if-none-match"),
        _ => Answer::Is(204, &[], String::new()),
    })
    .0
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_refused() {
    let place = careless(|_| stored());
    let error = place.put_if_absent("p/s/head.json", b"x").await.unwrap_err();
    says(&error, ErrorKind::Refused, "does not keep the condition If-None-Match");
    let place = careless(|_| xml(501, "NotImplemented"));
    let error = place.put_if_absent("p/s/head.json", b"x").await.unwrap_err();
    says(&error, ErrorKind::Refused, "no S3 that state can be kept in");
}

#[tokio::test]
async fn a_store_that_ignores_one_condition_is_refused_too() {
    // The first write under the probe's name is made, later ones are refused; what is replaced is not looked at.
    let (place, asked) = place(|method, path, request| match method {
        "GET" if path.contains("lifecycle") => xml(404, "NoSuchLifecycleConfiguration"),
        "GET" => xml(404, "NoSuchKey"),
        "PUT" if request.headers().contains_key("if-match") => stored(),
        "PUT" if request.body().bytes() == Some(b"first") => stored(),
        "PUT" => xml(412, "PreconditionFailed"),
        _ => Answer::Is(204, &[], String::new()),
    });
    let error = place.put_if_absent("p/s/head.json", b"x").await.unwrap_err();
    says(&error, ErrorKind::Refused, "does not keep the condition If-Match");
    let asked = asked.lock().unwrap();
    assert!(!asked.iter().any(|call| call.contains("head.json")), "{asked:?}");
    assert!(!asked.iter().any(|call| call.starts_with("PUT") && call.contains(".place.json")));
    assert!(asked.last().unwrap().starts_with("DELETE /bucket/team/.probe/"), "{asked:?}");
}

#[tokio::test]
async fn every_write_has_its_condition_and_a_checksum() {
    let (place, _) = checked(|_, _, request| {
        let header = |name: &str| request.headers().get(name).map(str::to_owned);
        assert!(header("x-amz-checksum-crc32").is_some());
        match (header("if-none-match"), header("if-match")) {
            (Some(all), None) => assert_eq!(all, "*"),
            (None, Some(tag)) => assert_eq!(tag, "\"seen\""),
            both => panic!("{both:?}"),
        }
        stored()
    });
    let put = place.put_if_absent("p/s/x", b"x").await.unwrap();
    assert_eq!(put, Put::Stored(Tag("\"e\"".to_owned())));
    let put = place.put_if_match("p/s/x", b"y", &Tag("\"seen\"".to_owned())).await.unwrap();
    assert!(matches!(put, Put::Stored(_)));
}

#[tokio::test]
async fn refusals_of_a_write() {
    let put = async |answer: fn() -> Answer| {
        let (place, _) = checked(move |_, _, _| answer());
        place.put_if_absent("p/s/x", b"x").await
    };
    assert_eq!(put(|| xml(412, "PreconditionFailed")).await.unwrap(), Put::Refused);
    // An answer without a body.
    assert_eq!(put(|| Answer::Is(412, &[], String::new())).await.unwrap(), Put::Refused);
    let unavailable = [
        (|| xml(409, "ConditionalRequestConflict")) as fn() -> Answer,
        || xml(409, "OperationAborted"),
        || xml(503, "SlowDown"),
        || xml(500, "InternalError"),
        || Answer::Is(502, &[], "<html>".to_owned()),
        || Answer::Lost,
    ];
    for answer in unavailable {
        says(&put(answer).await.unwrap_err(), ErrorKind::Unavailable, "s3:PutObject");
    }
    let (place, _) = checked(|_, _, _| Answer::Is(200, &[], "no XML".to_owned()));
    says(&place.list("p", "").await.unwrap_err(), ErrorKind::Unavailable, "s3:ListBucket");
    let refused = [
        (
            (|| xml(403, "AccessDenied")) as fn() -> Answer,
            "allow `s3:PutObject` on arn:aws:s3:::bucket/team/*",
        ),
        (|| xml(400, "ExpiredToken"), "have expired"),
        (|| xml(403, "RequestTimeTooSkewed"), "set the clock"),
        (|| xml(404, "NoSuchBucket"), "there is no bucket bucket. `bootstrap` makes it"),
        (|| Answer::Is(301, &[("x-amz-bucket-region", "us-west-2")], String::new()), "us-west-2"),
    ];
    for (answer, words) in refused {
        says(&put(answer).await.unwrap_err(), ErrorKind::Refused, words);
    }
    // Made, but what it is now is not said: such a store cannot replace what was seen.
    let error = put(|| Answer::Is(200, &[], String::new())).await.unwrap_err();
    says(&error, ErrorKind::Refused, "has no ETag");
}

#[tokio::test]
async fn a_body_that_is_not_what_was_stored_is_not_taken() {
    let (place, _) = place(|_, _, _| {
        Answer::Is(200, &[("etag", "\"e\""), ("x-amz-checksum-crc32", "AAAAAA==")], "x".to_owned())
    });
    let error = place.get("p/s/x").await.unwrap_err();
    says(&error, ErrorKind::Unavailable, "p/s/x");
}

#[tokio::test]
async fn pages_are_followed_and_marks_of_consoles_ignored() {
    let page = |more: &str, inside: &str| {
        let body = format!("<ListBucketResult>{more}{inside}</ListBucketResult>");
        Answer::Is(200, &[("content-type", "application/xml")], body)
    };
    let (place, asked) = place(move |_, path, _| {
        let key = |key: &str| format!("<Contents><Key>{key}</Key></Contents>");
        let folder =
            |name: &str| format!("<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>");
        if path.contains("continuation-token=next") {
            let inside = key("team/p/b") + &folder("team/p/c/") + &folder("team/p/.x/");
            return page("<IsTruncated>false</IsTruncated>", &inside);
        }
        let more =
            "<IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken>";
        page(more, &(key("team/p/") + &key("team/p/a") + &folder("team/p/c/")))
    });
    assert_eq!(place.list("p", "").await.unwrap(), ["a", "b", "c/"]);
    assert_eq!(asked.lock().unwrap().len(), 2);
    assert_eq!(place.list("p", "a").await.unwrap(), ["b", "c/"]);
    assert!(asked.lock().unwrap()[2].contains("start-after=team%2Fp%2Fa"));
}

const REFUSED: &str = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";

fn held(nonce: u128) -> String {
    let (nonce, beat) = (Uuid::from_u128(nonce), Uuid::from_u128(9));
    format!(
        r#"{{"LockID":{{"S":"bucket/team/p/s"}},"kind":{{"S":"infra-lease"}},"format":{{"N":"1"}},
        "epoch":{{"N":"4"}},"nonce":{{"S":"{nonce}"}},"beat":{{"S":"{beat}"}},"who":{{"S":"bob@host"}},
        "command":{{"S":"up"}},"pid":{{"N":"7"}},"since":{{"S":"2026-01-02T03:04:05Z"}}}}"#
    )
}

fn asks(request: &HttpRequest, operation: &str) -> bool {
    request.headers().get("x-amz-target").is_some_and(|target| target.ends_with(operation))
}

#[tokio::test]
async fn who_holds_a_lease_comes_with_the_refusal_or_is_asked_for() {
    for with_item in [true, false] {
        let (place, asked) = checked(move |_, _, request| {
            if asks(request, ".GetItem") {
                return json(200, &format!(r#"{{"Item":{}}}"#, held(5)));
            }
            let item = if with_item { format!(r#","Item":{}"#, held(5)) } else { String::new() };
            json(400, &format!(r#"{{"__type":"{REFUSED}","message":"no"{item}}}"#))
        });
        let Taken::Held(by) = place.lease_take("p/s", &claim(), None).await.unwrap() else {
            panic!("granted");
        };
        assert_eq!((by.holder.who.as_str(), by.nonce), ("bob@host", Uuid::from_u128(5)));
        // The place's check, the update, and the read if it was needed.
        assert_eq!(asked.lock().unwrap().len(), if with_item { 2 } else { 3 });
        assert!(!place.lease_renew("p/s", claim().nonce, claim().beat).await.unwrap());
        assert!(!place.lease_free("p/s", claim().nonce).await.unwrap());
    }
}

#[tokio::test]
async fn refusals_of_a_table() {
    let take = async |code: &'static str, said: &'static str| {
        let (place, _) = checked(move |_, _, _| {
            json(
                400,
                &format!(
                    r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"{said}"}}"#
                ),
            )
        });
        place.lease_take("p/s", &claim(), None).await.unwrap_err()
    };
    for code in ["ThrottlingException", "ProvisionedThroughputExceededException"] {
        says(&take(code, "slow").await, ErrorKind::Unavailable, "dynamodb:UpdateItem");
    }
    let missing = take("ResourceNotFoundException", "Requested resource not found").await;
    says(&missing, ErrorKind::Refused, "`bootstrap` makes it");
    let key = "The provided key element does not match the schema";
    says(&take("ValidationException", key).await, ErrorKind::Refused, "hash key `LockID`");
    let denied = take("AccessDeniedException", "User: ann").await;
    says(&denied, ErrorKind::Refused, "allow `dynamodb:UpdateItem` on table/locks");
    says(&take("ExpiredTokenException", "old").await, ErrorKind::Refused, "have expired");
}

#[tokio::test]
async fn an_item_of_terraform_stays_terraforms() {
    let (place, asked) = checked(|_, _, request| {
        let item = r#"{"LockID":{"S":"bucket/team/p/s"},"Info":{"S":"{}"}}"#;
        if asks(request, ".GetItem") {
            return json(200, &format!(r#"{{"Item":{item}}}"#));
        }
        json(400, &format!(r#"{{"__type":"{REFUSED}","message":"no","Item":{item}}}"#))
    });
    let error = place.lease_take("p/s", &claim(), None).await.unwrap_err();
    says(&error, ErrorKind::Refused, "it is Terraform's");
    says(&place.lease_holder("p/s").await.unwrap_err(), ErrorKind::Refused, "it is Terraform's");
    assert!(!asked.lock().unwrap().iter().any(|call| call.contains("DELETE")));
}
