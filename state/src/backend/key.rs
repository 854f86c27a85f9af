//! What a key may look like, so that no key can leave its place.

use crate::{Error, ErrorKind, Result};

/// Words of letters, digits, `.`, `_` and `-` that do not start with a dot, joined by `/`.
pub(super) fn check_key(key: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let word = |word: &str| {
        !word.is_empty() && !word.starts_with('.') && word.chars().all(fits) && word.len() <= 200
    };
    if key.split('/').all(word) {
        return Ok(());
    }
    let message = format!("{key:?} is not a key: words of letters, digits and `._-` joined by `/`");
    Err(Error::new(ErrorKind::Invalid, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_leave_its_folder() {
        for bad in ["", "/", "a//b", "../a", "a/../b", "a/.hidden", "a\\b", "a\0", "/etc"] {
            assert!(check_key(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "a/b/head.json", "p/s/journal/00000001.ndjson"] {
            check_key(good).unwrap();
        }
    }
}
