//! The one byte form of a value: for hashing, and for keeping a whole value where it is sealed as a whole.
//!
//! JSON without spaces, keys sorted, `{"$secret": …}` around what is secret, `{"$unknown": true}` for what is not
//! known, and one more `$` before a key that starts with one. Two values are equal exactly if their bytes are.
//! **The bytes show secrets**: digest them with a key ([`Sealer::digest`](crate::Sealer::digest)), or seal them.

use crate::{
    Result, Value,
    format::value::{Reading, Secrets, Writing},
};

/// The bytes of `value`.
pub fn to_vec(value: &Value) -> Vec<u8> {
    let writing = Writing::new(Secrets::Canonical, "");
    serde_json::to_vec(&writing.value("", value)).unwrap_or_default()
}

/// The value of bytes that [`to_vec`] made.
pub fn from_slice(bytes: &[u8]) -> Result<Value> {
    Reading::canonical().value("", "", bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_fixed() {
        let value = Value::from([
            ("b", Value::List(vec![Value::Unknown, Value::from(1_u64), Value::Null])),
            ("a", Value::from("x").secret()),
            ("$sealed", Value::from(true)),
        ]);
        let bytes = to_vec(&value);
        let expected = r#"{"$$sealed":true,"a":{"$secret":"x"},"b":[{"$unknown":true},1,null]}"#;
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        assert_eq!(from_slice(&bytes).unwrap(), value);
    }
}
