//! Answers.

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WARNING};
use http::{Response, StatusCode};
use serde_json::Value;

use crate::body::Body;
use crate::failure::Failure;

/// An answer in JSON.
pub(crate) fn json(code: u16, value: &Value, warnings: &[String]) -> Response<Body> {
    let mut response = Response::new(Body::whole(value.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for warning in warnings {
        if let Ok(value) = HeaderValue::from_str(&format!("299 - {warning:?}")) {
            headers.append(WARNING, value);
        }
    }
    response
}

/// An answer in plain text.
pub(crate) fn plain(code: u16, text: String) -> Response<Body> {
    let mut response = Response::new(Body::whole(text));
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// A refusal.
pub(crate) fn refusal(failure: &Failure) -> Response<Body> {
    let mut response = json(failure.code, &failure.status(), &[]);
    if failure.code == 429 {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
