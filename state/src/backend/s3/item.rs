//! The item of a lease, and how it is told from what others keep in the same table.

use std::{collections::HashMap, str::FromStr};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Error, ErrorKind, Holder, HolderInfo, Result};

/// The table's hash key, the one that Terraform uses too.
pub(super) const KEY: &str = "LockID";
/// What every lease says it is. No item of Terraform's has this attribute.
pub(super) const KIND: &str = "infra-lease";
/// The version of the item that is written.
pub(super) const FORMAT: &str = "1";

pub(super) type Item = HashMap<String, AttributeValue>;

/// What is known of a lease.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Standing {
    pub(super) epoch: u64,
    pub(super) holder: Option<HolderInfo>,
}

impl Standing {
    /// Reads an item. One that is not a lease is somebody else's and stays as it is.
    pub(super) fn read(table: &str, id: &str, item: &Item) -> Result<Self> {
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
        let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok());
        if text("kind").map(String::as_str) != Some(KIND) {
            let whose = if item.contains_key("Info") || item.contains_key("Digest") {
                "it is Terraform's: a Terraform state is kept under the same key"
            } else {
                "nothing of it is known here"
            };
            let message = format!(
                "the item {id:?} of the table {table} is not a lease ({whose}). Nothing was changed. Give the state \
                 another prefix, or name another table"
            );
            return Err(Error::new(ErrorKind::Refused, message));
        }
        if number("format").map(String::as_str) != Some(FORMAT) {
            let message = format!(
                "the lease {id:?} in the table {table} is written in a format that this program does not know: update it"
            );
            return Err(Error::new(ErrorKind::Version, message));
        }
        let read = || -> Option<Self> {
            let epoch = number("epoch")?.parse().ok()?;
            if !item.contains_key("nonce") {
                return Some(Self { epoch, holder: None });
            }
            let holder = Holder {
                who: text("who")?.clone(),
                command: text("command")?.clone(),
                pid: number("pid")?.parse().ok()?,
            };
            let (nonce, beat) = (parsed::<Uuid>(text("nonce"))?, parsed::<Uuid>(text("beat"))?);
            let since = parsed::<Timestamp>(text("since"))?;
            Some(Self { epoch, holder: Some(HolderInfo { holder, nonce, since, beat }) })
        };
        read().ok_or_else(|| {
            let message = format!(
                "the lease {id:?} in the table {table} is damaged. If no run is in progress, delete the item and run \
                 again: nothing else is stored in it"
            );
            Error::new(ErrorKind::Corrupt, message)
        })
    }
}

fn parsed<T: FromStr>(text: Option<&String>) -> Option<T> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(attributes: &[(&str, AttributeValue)]) -> Item {
        attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn items_of_others_are_not_leases() {
        let s = |text: &str| AttributeValue::S(text.to_owned());
        let read = |item: &Item| Standing::read("locks", "b/p/s", item).unwrap_err();
        let terraform = item(&[("LockID", s("b/p/s")), ("Info", s("{\"ID\":\"1\"}"))]);
        let error = read(&terraform);
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains("Terraform"), "{error}");
        assert_eq!(read(&item(&[("LockID", s("b/p/s"))])).kind(), ErrorKind::Refused);
        let n = |number: &str| AttributeValue::N(number.to_owned());
        let newer = item(&[("kind", s(KIND)), ("format", n("2"))]);
        assert_eq!(read(&newer).kind(), ErrorKind::Version);
        let damaged = item(&[("kind", s(KIND)), ("format", n("1")), ("epoch", s("x"))]);
        assert_eq!(read(&damaged).kind(), ErrorKind::Corrupt);
    }
}
