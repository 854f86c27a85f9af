//! Which template a pod was made from.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Ten letters that follow from a template: `pod-template-hash`.
pub(super) fn hash(template: &Value) -> String {
    const LETTERS: &[u8] = b"456789bcdf";
    let digest = Sha256::digest(template.to_string());
    digest
        .iter()
        .take(10)
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect()
}
