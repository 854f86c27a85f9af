//! Whatever a value is, it is read as it was written, where it was written, and nowhere else.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use serde_json::Number;

use super::value::{Reading, Secrets, Writing};
use crate::{
    ErrorKind, Path, Segment, Value, canonical,
    env::Fake,
    seal::{DataKey, LocalKey, Opened, Vault},
};

fn key() -> Arc<DataKey> {
    let stack = crate::StackName::new("p", "s").unwrap();
    let sealer = Arc::new(LocalKey::from_bytes([5; 32]));
    let vault = Vault::new(sealer, Arc::new(Fake::new(1)), stack);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(vault.mint()).unwrap()
}

fn written(value: &Value, secrets: Secrets<'_>) -> Vec<u8> {
    serde_json::to_vec(&Writing::new(secrets, "scope").of("owner").value("inputs", value)).unwrap()
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("$sealed".to_owned()),
        Just("$secret".to_owned()),
        Just("$$x".to_owned()),
        Just("$serde_json::private::Number".to_owned()),
        Just(String::new()),
        "[a-z$.\"é\\[ ]{0,6}",
    ]
}

fn any_value(unknown: bool) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |f| Number::from_f64(f).map(Value::Number)),
        any::<String>().prop_map(Value::String),
        any::<bool>().prop_map(move |b| if unknown && b { Value::Unknown } else { Value::Null }),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::btree_map(any_key(), inner.clone(), 0..5).prop_map(Value::Map),
            inner.prop_map(Value::secret),
        ]
    })
}

proptest! {
    #[test]
    fn a_stored_value_is_read_where_it_was_written_and_nowhere_else(value in any_value(false)) {
        let key = key();
        let bytes = written(&value, Secrets::Sealed(&key));
        let read = |scope, owner, root| Reading::stored(Some(&Opened::Key(Arc::clone(&key))), scope).value(owner, root, &bytes);
        prop_assert_eq!(read("scope", "owner", "inputs").unwrap(), value.clone());
        for (scope, owner, root) in
            [("other", "owner", "inputs"), ("scope", "other", "inputs"), ("scope", "owner", "outputs")]
        {
            match read(scope, owner, root) {
                Ok(read) => prop_assert!(!value.has_secret() && read == value),
                Err(error) => {
                    prop_assert!(value.has_secret());
                    prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
                }
            }
        }
    }

    #[test]
    fn canonical_bytes_are_equal_exactly_for_equal_values(a in any_value(true), b in any_value(true)) {
        let (x, y) = (canonical::to_vec(&a), canonical::to_vec(&b));
        prop_assert_eq!(&canonical::from_slice(&x).unwrap(), &a);
        prop_assert_eq!(x == y, a == b);
    }

    #[test]
    fn no_text_makes_a_reader_panic_or_take_what_it_should_not(text in "[\\[\\]{}\":,$a-z0-9 ]{0,40}") {
        let _ = canonical::from_slice(text.as_bytes());
        if let Ok(value) = Reading::stored(None, "").value("", "", text.as_bytes()) {
            prop_assert!(!value.has_secret() && !value.has_unknown(), "{:?}", value);
        }
    }

    #[test]
    fn a_path_is_read_as_it_is_shown(
        segments in prop::collection::vec(
            prop_oneof![
                any_key().prop_map(Segment::Key),
                any::<usize>().prop_map(Segment::Index),
                Just(Segment::Any)
            ],
            0..6,
        )
    ) {
        let path = Path(segments);
        prop_assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
    }
}

#[test]
fn what_is_not_known_is_not_stored() {
    let key = key();
    let with = Writing::new(Secrets::Sealed(&key), "scope");
    let value = Value::List(vec![Value::Unknown]);
    assert!(serde_json::to_vec(&with.value("inputs", &value)).is_err());
}

#[test]
fn a_sealed_value_shows_nothing_but_its_length() {
    let key = key();
    let value = Value::Map(BTreeMap::from([("p".to_owned(), Value::from("hunter2").secret())]));
    let text = String::from_utf8(written(&value, Secrets::Sealed(&key))).unwrap();
    assert!(text.starts_with(r#"{"p":{"$sealed":""#), "{text}");
    assert!(!text.contains("hunter2"));
    let shown = String::from_utf8(written(&value, Secrets::Shown)).unwrap();
    assert_eq!(shown, r#"{"p":{"$secret":"hunter2"}}"#);
}

#[test]
fn secrets_in_clear_are_not_taken_from_stored_documents() {
    let json = br#"{"$secret":"x"}"#;
    assert!(Reading::stored(None, "").value("", "", json).is_err());
    assert!(Reading::exported(None, "").value("", "", json).is_ok());
}
