//! Who calls: the `SigV4` credential scope, and accounts written into temporary access keys.

use http::HeaderMap;

/// `AKID/date/region/service/aws4_request`.
pub(super) struct Scope {
    pub(super) access_key: String,
    pub(super) region: String,
    pub(super) service: String,
}

/// From the Authorization header, or from a presigned URL's query.
pub(super) fn scope(headers: &HeaderMap, query: &[(String, String)]) -> Option<Scope> {
    let from_header = headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("Credential="))
        .map(|(_, rest)| rest.split(',').next().unwrap_or(rest).trim().to_owned());
    let credential = from_header.or_else(|| {
        query.iter().find(|(name, _)| name == "X-Amz-Credential").map(|(_, value)| value.clone())
    })?;
    let mut parts = credential.split('/');
    let access_key = parts.next()?.to_owned();
    let parts: Vec<&str> = parts.collect();
    match parts[..] {
        [_date, region, service, _] => {
            Some(Scope { access_key, region: region.to_owned(), service: service.to_owned() })
        }
        // SigV4a has no region in the scope.
        [_date, service, _] => {
            Some(Scope { access_key, region: String::new(), service: service.to_owned() })
        }
        _ => None,
    }
}

const PREFIX: &str = "ASIASIM";
const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A temporary access key that says which account it is of, as real ones do: no session store is
/// needed to send its calls to the right account.
pub(crate) fn key_of_account(account: &str, random: u32) -> String {
    let mut key = PREFIX.to_owned();
    let number: u64 = account.parse().unwrap_or(0);
    for place in (0..8).rev() {
        key.push(digit(number >> (place * 5)));
    }
    for place in 0..5 {
        key.push(digit(u64::from(random) >> (place * 5)));
    }
    key
}

fn digit(number: u64) -> char {
    char::from(DIGITS[(number & 31) as usize])
}

/// The account a key made by [`key_of_account`] is of.
pub(super) fn account_of_key(key: &str) -> Option<String> {
    let digits = key.strip_prefix(PREFIX)?.get(..8)?;
    let mut number = 0_u64;
    for byte in digits.bytes() {
        let value = DIGITS.iter().position(|digit| *digit == byte)?;
        number = number << 5 | value as u64;
    }
    Some(format!("{number:012}"))
}

#[cfg(test)]
mod tests {
    use super::{account_of_key, key_of_account};

    #[test]
    fn a_key_says_its_account() {
        let key = key_of_account("210987654321", 7);
        assert_eq!(key.len(), 20);
        assert_eq!(account_of_key(&key).as_deref(), Some("210987654321"));
        assert_eq!(account_of_key("AKIAIOSFODNN7EXAMPLE"), None);
    }
}
