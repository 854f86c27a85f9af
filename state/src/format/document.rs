//! Documents of one JSON value: `{"kind", "format", "sha256", "body"}`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Envelope, VERSION};
use crate::{Checksum, Error, ErrorKind, Result};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    kind: &'a str,
    format: u32,
    sha256: Checksum,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// The error of an object that is not what was written.
pub(super) fn damaged(object: &str, what: impl std::fmt::Display) -> Error {
    let message = format!(
        "{object} is damaged: {what}. Nothing was changed. Put back an undamaged copy of it, from a backup or an \
         earlier version of the object"
    );
    Error::new(ErrorKind::Corrupt, message)
}

/// Checks what a document says it is: `kind`, in a version this crate reads.
pub(super) fn admitted(object: &str, kind: &str, found: &Envelope<'_>) -> Result<()> {
    if found.kind != kind {
        return Err(damaged(object, format!("it is a {:?}, not a {kind:?}", found.kind)));
    }
    if found.format > VERSION {
        let message = format!(
            "{object} is written in format {}, this program reads up to {VERSION}: update it",
            found.format
        );
        return Err(Error::new(ErrorKind::Version, message));
    }
    if found.format == 0 {
        return Err(damaged(object, "there is no format 0"));
    }
    Ok(())
}

/// The bytes of a document.
pub(super) fn write(kind: &str, body: &impl Serialize) -> Result<Vec<u8>> {
    let wrong = |e| Error::new(ErrorKind::Invalid, format!("cannot write the {kind}")).because(e);
    let body = serde_json::value::to_raw_value(body).map_err(wrong)?;
    let sha256 = Checksum::of(body.get().as_bytes());
    let document = Document { kind, format: VERSION, sha256, body: &body };
    // A history entry can be a hundred MiB: the second copy does not grow by doubling.
    let mut bytes = Vec::with_capacity(body.get().len() + 256);
    serde_json::to_writer(&mut bytes, &document).map_err(wrong)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The body of a document, once it is known to be whole; with the version it is written in.
pub(super) fn read<'a>(object: &str, kind: &str, bytes: &'a [u8]) -> Result<(u32, &'a str)> {
    // The version first: a newer document may look different in everything else.
    let found: Envelope<'_> =
        serde_json::from_slice(bytes).map_err(|e| damaged(object, &e).because(e))?;
    admitted(object, kind, &found)?;
    if bytes.last() != Some(&b'\n') {
        return Err(damaged(object, "it is cut off"));
    }
    let document: Document<'_> =
        serde_json::from_slice(bytes).map_err(|e| damaged(object, &e).because(e))?;
    let body = document.body.get();
    if Checksum::of(body.as_bytes()) != document.sha256 {
        return Err(damaged(object, "its checksum is not that of its content"));
    }
    Ok((document.format, body))
}
