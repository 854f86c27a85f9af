//! Calling an emulator, and carrying its state to and from documents.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use serde_json::Value;
use winterbaume_core::{MockRequest, MockResponse};

use crate::services::Service;
use crate::wire::{ApiCall, Failure, Reply, fail, render_failure};
use crate::world::{CellId, World};

/// What an emulator's future gives.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One winterbaume service, for one account and region.
pub(crate) trait Emulator: Send + Sync {
    fn handle(&self, request: MockRequest) -> Answer<'_, MockResponse>;
    /// Its whole state as JSON.
    fn snapshot<'a>(&'a self, region: &'a str) -> Answer<'a, Result<Value, String>>;
    fn restore<'a>(&'a self, region: &'a str, view: Value) -> Answer<'a, Result<(), String>>;
}

/// The account all emulators believe they are. It is process-wide inside them, so other accounts
/// are had by exchanging the two numbers on the way in and on the way out.
const HOME: &str = winterbaume_core::DEFAULT_ACCOUNT_ID;

/// Exchanges `account` and [`HOME`]. Both have twelve digits, so lengths stay.
pub(crate) fn exchanged(bytes: &Bytes, account: &str) -> Bytes {
    if account == HOME || account.len() != HOME.len() {
        return bytes.clone();
    }
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at + HOME.len() <= out.len() {
        let window = &out[at..at + HOME.len()];
        let other = if window == HOME.as_bytes() {
            account
        } else if window == account.as_bytes() {
            HOME
        } else {
            at += 1;
            continue;
        };
        out[at..at + HOME.len()].copy_from_slice(other.as_bytes());
        at += HOME.len();
    }
    out.into()
}

/// Has the emulator of the call's service answer, and takes over what it changed.
///
/// Runs on a blocking thread: emulators are async only in form.
pub(crate) fn call(world: &mut World, call: &ApiCall) -> Reply {
    call_as(world, call).unwrap_or_else(|failure| render_failure(call, &failure))
}

fn call_as(world: &mut World, call: &ApiCall) -> Result<Reply, Failure> {
    let id = CellId::new(&call.account, &call.region, call.service);
    // Emulators of global services know one region only.
    let region = if call.service.is_global() { "us-east-1" } else { call.region.as_str() };
    let runtime = tokio::runtime::Handle::current();
    let place = world.cell(&id);
    let broken = |reason: String| fail("InternalFailure", reason).status(500);
    if place.emulator.is_none() {
        let made = super::list::make(call.service).ok_or_else(|| {
            fail(
                "UnknownOperationException",
                format!(
                    "the embedded AWS has no {}.{} (is the crate's feature on?)",
                    call.service.name(),
                    call.operation
                ),
            )
            .status(501)
        })?;
        if place.docs.tables().any(|(table, rows)| !table.starts_with('+') && !rows.is_empty()) {
            let view = place.docs.view();
            runtime.block_on(made.restore(region, view)).map_err(broken)?;
        }
        place.emulator = Some(made);
    }
    let Some(emulator) = &place.emulator else { return Err(broken("no emulator".to_owned())) };
    let request = MockRequest {
        method: call.method.to_string(),
        uri: uri(call, region),
        headers: call.headers.clone(),
        body: exchanged(&call.body, &call.account),
    };
    let response = runtime.block_on(emulator.handle(request));
    if call.is_mutating() {
        let view = runtime.block_on(emulator.snapshot(region)).map_err(broken)?;
        if let Value::Object(view) = view {
            place.docs.replace_view(view);
        }
    }
    Ok(Reply {
        status: response.status,
        headers: response.headers,
        body: exchanged(&response.body, &call.account),
    })
}

fn uri(call: &ApiCall, region: &str) -> String {
    let path = &exchanged_text(&call.path, &call.account);
    let query: Vec<String> = call
        .query
        .iter()
        .map(|(name, value)| {
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                    .to_string()
            };
            format!("{}={}", encode(name), encode(&exchanged_text(value, &call.account)))
        })
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let host = call.service.host();
    let host = match call.service {
        Service::Route53 | Service::Iam => format!("{host}.amazonaws.com"),
        _ => format!("{host}.{region}.amazonaws.com"),
    };
    format!("https://{host}{path}{mark}{}", query.join("&"))
}

fn exchanged_text(text: &str, account: &str) -> String {
    let bytes = exchanged(&Bytes::copy_from_slice(text.as_bytes()), account);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::exchanged;

    #[test]
    fn accounts_are_exchanged_both_ways() {
        let body =
            Bytes::from_static(b"arn:aws:iam::210987654321:role/a arn:aws:iam::123456789012:b");
        let inside = exchanged(&body, "210987654321");
        assert_eq!(&inside[..], b"arn:aws:iam::123456789012:role/a arn:aws:iam::210987654321:b");
        assert_eq!(exchanged(&inside, "210987654321"), body);
    }
}
