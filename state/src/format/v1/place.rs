//! `.place.json`: that a place was checked before anything was written there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, ErrorKind, Result, format::document};

const KIND: &str = "place";

/// A place that keeps what is written there, and the conditions of writes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checked {
    /// Which place was checked: a copy of it was not.
    pub(crate) home: String,
    /// When, by the clock of who did.
    pub(crate) checked: Timestamp,
    /// By which version of what.
    pub(crate) by: String,
    /// Tells two that checked at once apart.
    pub(crate) nonce: Uuid,
}

pub(crate) fn write_place(place: &Checked) -> Result<Vec<u8>> {
    document::write(KIND, place)
}

pub(crate) fn read_place(object: &str, bytes: &[u8]) -> Result<Checked> {
    let (_, body) = document::read(object, KIND, bytes)?;
    serde_json::from_str(body).map_err(|e| {
        let message = format!(
            "{object} is damaged: {e}. Delete it: nothing else is stored in it, and the place is then checked again"
        );
        Error::new(ErrorKind::Corrupt, message).because(e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_file_is_read_and_written() {
        let golden = include_bytes!("../../../tests/golden/s3/place.v1.json");
        let place = Checked {
            home: "s3://acme-state/teams/a".to_owned(),
            checked: "2026-01-02T03:04:05Z".parse().unwrap(),
            by: "infra-state 0.1.0".to_owned(),
            nonce: Uuid::from_u128(7),
        };
        assert_eq!(
            String::from_utf8_lossy(&write_place(&place).unwrap()),
            String::from_utf8_lossy(golden)
        );
        assert_eq!(read_place("place.json", golden).unwrap(), place);
    }
}
