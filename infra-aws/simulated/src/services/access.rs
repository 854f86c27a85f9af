//! What a model sees: the world, its own call, the clock.

use serde_json::Value;

use crate::settings::{Durations, Wait};
use crate::wire::ApiCall;
use crate::world::{CellId, Docs, World};

/// A model's access to the world during one call.
pub(crate) struct Access<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) call: &'a ApiCall,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
    pub(crate) durations: Durations,
    /// What was made less than this many milliseconds ago is not seen (a fault).
    pub(crate) lag: u64,
}

impl<'a> Access<'a> {
    pub(crate) fn id(&self, service: super::Service) -> CellId {
        CellId::new(&self.call.account, &self.call.region, service)
    }

    /// The documents of a service in the caller's account and region.
    pub(crate) fn docs(&mut self, service: super::Service) -> &mut Docs {
        let id = self.id(service);
        &mut self.world.cell(&id).docs
    }

    /// When something that begins now is done.
    pub(crate) fn after(&self, wait: Wait) -> u64 {
        self.now + wait.millis(self.durations)
    }

    /// Another call of the same caller in the middle of this one: what a service does in another on their behalf.
    pub(crate) fn within<T>(
        &mut self,
        service: super::Service,
        operation: &str,
        input: Value,
        answer: impl FnOnce(&mut Access<'_>) -> T,
    ) -> T {
        let operation = operation.to_owned();
        let call = ApiCall { service, operation, input, ..self.call.clone() };
        let (now, durations, lag) = (self.now, self.durations, self.lag);
        answer(&mut Access { world: &mut *self.world, call: &call, now, durations, lag })
    }

    pub(crate) fn input(&self) -> &'a Value {
        &self.call.input
    }

    pub(crate) fn account(&self) -> &'a str {
        &self.call.account
    }

    pub(crate) fn region(&self) -> &'a str {
        &self.call.region
    }

    /// `2026-01-31T12:00:00.000Z`.
    pub(crate) fn timestamp(&self) -> String {
        timestamp(self.now)
    }

    /// Seconds since 1970, as JSON services write them.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds fit a double")]
    pub(crate) fn epoch(&self) -> f64 {
        self.now as f64 / 1000.0
    }
}

#[expect(clippy::cast_possible_wrap, reason = "the clock is far from the end of i64")]
pub(crate) fn timestamp(millis: u64) -> String {
    jiff::Timestamp::from_millisecond(millis as i64)
        .map(|at| format!("{at:.3}"))
        .unwrap_or_default()
}

/// `n` random hexadecimal digits.
pub(crate) fn hex(digits: usize) -> String {
    let mut text = uuid::Uuid::new_v4().simple().to_string();
    while text.len() < digits {
        text.push_str(&uuid::Uuid::new_v4().simple().to_string());
    }
    text.truncate(digits);
    text
}

/// A name that follows from a content: the same in every process, `digits` hexadecimal digits.
pub(crate) fn digest(text: impl AsRef<[u8]>, digits: usize) -> String {
    use std::fmt::Write as _;

    use sha2::Digest as _;

    let mut out = String::new();
    for byte in sha2::Sha256::digest(text) {
        let _ = write!(out, "{byte:02x}");
    }
    out.truncate(digits);
    out
}
