//! How everything is written down.
//!
//! Every stored document says what it is and in which version of the format (`kind`, `format`), before anything else
//! is read of it. A newer version is refused ([`ErrorKind::Version`](crate::ErrorKind::Version)); every version ever
//! written is read for ever: golden files under `tests/golden` hold one of each. Within a version an unknown field is
//! an error: a field that could be ignored would not have been written.
//!
//! Nothing here uses `flatten` or `untagged`: what is read is decided by names that are written, never by shape.

mod document;
mod frame;
pub(crate) mod patch;
pub(crate) mod v1;
pub(crate) mod value;

#[cfg(test)]
mod tests;

/// The version that is written.
pub(crate) const VERSION: u32 = 1;

/// What a reader needs to know of any document before it reads it.
#[derive(Debug, serde::Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    kind: std::borrow::Cow<'a, str>,
    format: u32,
}
