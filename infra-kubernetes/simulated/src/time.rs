//! Instants: milliseconds inside, seconds in the API.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// The only clock.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// As the API writes it.
pub(crate) fn stamp(millis: i64) -> String {
    let instant = Timestamp::from_millisecond(millis).unwrap_or_default();
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The milliseconds of what the API wrote.
pub(crate) fn parse(stamp: &str) -> Option<i64> {
    stamp.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}
