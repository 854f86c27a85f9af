//! Outcomes as HTTP responses, in the protocol of the service.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::call::ApiCall;
use super::{cbor, xml};
use crate::services::Protocol;

/// An HTTP response, nearly.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { status, headers, body: body.into() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// An API error.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// What a model answers.
pub(crate) type Outcome = Result<Value, Failure>;

/// `400 code: message`.
pub(crate) fn fail(code: impl Into<String>, message: impl Into<String>) -> Failure {
    Failure { status: 400, code: code.into(), message: message.into() }
}

impl Failure {
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

pub(crate) fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The outcome as the service's protocol has it.
pub(crate) fn render(call: &ApiCall, outcome: Outcome) -> Reply {
    let output = match outcome {
        Ok(output) => output,
        Err(failure) => return render_failure(call, &failure),
    };
    let operation = &call.operation;
    let id = request_id();
    let reply = match call.service.protocol() {
        Protocol::Ec2 => {
            let mut body = format!(
                "<{operation}Response xmlns=\"{}\"><requestId>{id}</requestId>",
                call.service.namespace()
            );
            children(&mut body, &output, "item");
            body.push_str(&["</", operation, "Response>"].concat());
            Reply::new(200, "text/xml;charset=UTF-8", body)
        }
        Protocol::Cbor if is_cbor(call) => {
            Reply::new(200, "application/cbor", cbor::encode(&shown(&output)))
                .header("smithy-protocol", "rpc-v2-cbor")
        }
        Protocol::Cbor | Protocol::Query if !call.headers.contains_key("x-amz-target") => {
            let mut body = format!(
                "<{operation}Response xmlns=\"{}\"><{operation}Result>",
                call.service.namespace()
            );
            children(&mut body, &output, call.service.item_name());
            let end = format!(
                "</{operation}Result><ResponseMetadata><RequestId>{id}</RequestId>\
                 </ResponseMetadata></{operation}Response>"
            );
            body.push_str(&end);
            Reply::new(200, "text/xml", body)
        }
        Protocol::RestJson => Reply::new(200, "application/json", shown(&output).to_string()),
        _ => Reply::new(200, "application/x-amz-json-1.1", shown(&output).to_string()),
    };
    reply.header("x-amzn-requestid", &id)
}

fn children(body: &mut String, output: &Value, item: &'static str) {
    for (name, value) in output.as_object().into_iter().flatten() {
        if !name.starts_with('_') {
            xml::element(body, name, value, item);
        }
    }
}

/// Without the model's own keys.
fn shown(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(key, value)| !key.starts_with('_') && !value.is_null())
                .map(|(key, value)| (key.clone(), shown(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(shown).collect()),
        other => other.clone(),
    }
}

/// The error as the service's protocol has it.
pub(crate) fn render_failure(call: &ApiCall, failure: &Failure) -> Reply {
    let Failure { status, code, message } = failure;
    let id = request_id();
    let escaped = xml::escape(message);
    let reply = match call.service.protocol() {
        Protocol::Ec2 => Reply::new(
            *status,
            "text/xml;charset=UTF-8",
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{escaped}</Message></Error>\
                 </Errors><RequestID>{id}</RequestID></Response>"
            ),
        ),
        Protocol::RestXml if call.service == crate::services::Service::S3 => Reply::new(
            *status,
            "application/xml",
            format!(
                "<Error><Code>{code}</Code><Message>{escaped}</Message>\
                 <RequestId>{id}</RequestId></Error>"
            ),
        ),
        Protocol::Query | Protocol::RestXml => Reply::new(
            *status,
            "text/xml",
            format!(
                "<ErrorResponse xmlns=\"{}\"><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>{escaped}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>",
                call.service.namespace()
            ),
        ),
        Protocol::RestJson => {
            Reply::new(*status, "application/json", json!({"message": message}).to_string())
                .header("x-amzn-errortype", code)
        }
        Protocol::Cbor if is_cbor(call) => {
            let body = cbor::encode(&json!({"__type": code, "message": message}));
            Reply::new(*status, "application/cbor", body)
                .header("smithy-protocol", "rpc-v2-cbor")
                .header("x-amzn-query-error", &format!("{code};Sender"))
        }
        Protocol::Json | Protocol::Cbor => Reply::new(
            *status,
            "application/x-amz-json-1.1",
            json!({"__type": code, "message": message, "Message": message}).to_string(),
        )
        .header("x-amzn-errortype", code),
    };
    reply.header("x-amzn-requestid", &id)
}

fn is_cbor(call: &ApiCall) -> bool {
    call.headers.contains_key("smithy-protocol")
}
