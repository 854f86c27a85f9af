//! One API call, out of an HTTP request.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use super::{cbor, credential, form};
use crate::services::{self, Protocol, Service};

/// One API call: who, where, what, with what.
#[derive(Clone, Debug)]
pub(crate) struct ApiCall {
    pub(crate) service: Service,
    pub(crate) operation: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) access_key: String,
    /// The body (or the form) as JSON; null where it is neither.
    pub(crate) input: Value,
    pub(crate) method: Method,
    /// Still percent-encoded.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) host: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl ApiCall {
    /// Reads a request. `Err` is the name of a service nobody here plays.
    pub(crate) fn read(request: http::Request<Bytes>, account: &str) -> Result<Self, String> {
        let (parts, body) = request.into_parts();
        let host = parts
            .uri
            .authority()
            .map(ToString::to_string)
            .or_else(|| header(&parts.headers, "host").map(str::to_owned))
            .unwrap_or_default();
        let query = pairs(parts.uri.query().unwrap_or_default());
        let scope = credential::scope(&parts.headers, &query);
        let (named, host_region) = from_host(&host);
        let (named, region, access_key) = match scope {
            Some(scope) => (scope.service, scope.region, scope.access_key),
            None => (named.clone(), String::new(), String::new()),
        };
        let region =
            [region, host_region].into_iter().find(|region| !region.is_empty() && region != "*");
        let service = Service::named(&named).ok_or(named)?;
        let body = unchunked(&parts.headers, body);
        let mut call = Self {
            service,
            operation: String::new(),
            account: credential::account_of_key(&access_key).unwrap_or_else(|| account.to_owned()),
            region: region.unwrap_or_else(|| "us-east-1".to_owned()),
            access_key,
            input: Value::Null,
            path: parts.uri.path().to_owned(),
            method: parts.method,
            query,
            host,
            headers: parts.headers,
            body,
        };
        call.read_input();
        Ok(call)
    }

    fn read_input(&mut self) {
        let target = header(&self.headers, "x-amz-target").map(str::to_owned);
        match self.service.protocol() {
            Protocol::Ec2 | Protocol::Query if target.is_none() => {
                self.read_form();
            }
            Protocol::RestXml => {}
            Protocol::Cbor if self.headers.contains_key("smithy-protocol") => {
                self.input = cbor::decode(&self.body).unwrap_or(Value::Null);
            }
            Protocol::Cbor if target.is_none() => self.read_form(),
            _ => self.input = serde_json::from_slice(&self.body).unwrap_or(Value::Null),
        }
        if let Some((_, operation)) = target.as_deref().and_then(|target| target.rsplit_once('.')) {
            operation.clone_into(&mut self.operation);
        } else if let Some((_, operation)) = self.path.split_once("/operation/") {
            operation.clone_into(&mut self.operation);
        } else if self.operation.is_empty() {
            self.operation = services::rest_operation(self);
        }
    }

    fn read_form(&mut self) {
        let mut form = pairs(std::str::from_utf8(&self.body).unwrap_or_default());
        form.extend(self.query.iter().cloned());
        self.input = form::tree(&form);
        self.operation = self.input["Action"].as_str().unwrap_or_default().to_owned();
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether this call can change anything.
    pub(crate) fn is_mutating(&self) -> bool {
        const READS: [&str; 12] = [
            "Describe", "Get", "List", "Head", "BatchGet", "Query", "Scan", "Search", "Lookup",
            "Filter", "Decode", "Simulate",
        ];
        !READS.iter().any(|read| self.operation.starts_with(read))
    }

    /// The path's segments, decoded.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(percent_decode).collect()
    }
}

/// A header as text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `%2F` and `+` decoded where they mean something.
pub(crate) fn percent_decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| percent_decode(&text.replace('+', " "));
            (decode(name), decode(value))
        })
        .collect()
}

/// `ec2.eu-west-1.amazonaws.com`, `s3.amazonaws.com`, `bucket.s3.eu-west-1.amazonaws.com`,
/// `1234.dkr…`: service and region, where the host says them.
fn from_host(host: &str) -> (String, String) {
    let host = host.split(':').next().unwrap_or(host);
    let Some(front) = host.strip_suffix(".amazonaws.com") else {
        return (String::new(), String::new());
    };
    let labels: Vec<&str> = front.split('.').collect();
    if let Some(at) = labels.iter().rposition(|label| *label == "s3") {
        return ("s3".to_owned(), labels.get(at + 1).copied().unwrap_or_default().to_owned());
    }
    match labels[..] {
        ["api", "ecr", region] => ("ecr".to_owned(), region.to_owned()),
        [service, region, ..] => (service.to_owned(), region.to_owned()),
        [service] => (service.to_owned(), String::new()),
        [] => (String::new(), String::new()),
    }
}

/// The payload of an `aws-chunked` body: what SDKs send to S3 with trailing checksums.
fn unchunked(headers: &HeaderMap, body: Bytes) -> Bytes {
    let chunked = header(headers, "content-encoding").is_some_and(|it| it.contains("aws-chunked"))
        || header(headers, "x-amz-content-sha256").is_some_and(|it| it.starts_with("STREAMING-"));
    if !chunked {
        return body;
    }
    let mut payload = Vec::with_capacity(body.len());
    let mut rest = &body[..];
    while let Some(line) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let size = std::str::from_utf8(&rest[..line]).unwrap_or_default();
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        let start = line + 2;
        if size == 0 || start + size > rest.len() {
            break;
        }
        payload.extend_from_slice(&rest[start..start + size]);
        rest = rest.get(start + size + 2..).unwrap_or_default();
    }
    payload.into()
}
