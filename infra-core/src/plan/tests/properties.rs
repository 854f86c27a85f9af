//! Intent and drift, property by property.

use infra_state::{Path, Value};

use super::fake::{field, list};
use crate::{
    plan::{converge, diff, drift},
    provider::{FieldSchema, Order, Schema, Shape},
};

fn schema() -> Schema {
    let rule = Shape::Struct(vec![
        FieldSchema { required: true, ..field("port", Shape::Scalar) },
        FieldSchema { replace: true, ..field("kind", Shape::Scalar) },
        FieldSchema { normalize: Some(lower), ..field("note", Shape::Scalar) },
    ]);
    let of = Box::new(rule.clone());
    let fields = vec![
        FieldSchema { replace: true, ..field("block", Shape::Scalar) },
        FieldSchema { replace: true, ..field("nature", rule.clone()) },
        field("rule", rule),
        field("rules", Shape::List { of: of.clone(), order: Order::Keyed("port") }),
        field("steps", Shape::List { of, order: Order::List }),
        field("groups", list(Order::Set)),
        FieldSchema { replace: true, ..field("zones", list(Order::Set)) },
        field("labels", Shape::Map(Box::new(Shape::Scalar))),
        FieldSchema { tags: true, ..field("tags", Shape::Map(Box::new(Shape::Scalar))) },
        field("policy", Shape::Any),
        FieldSchema { computed: true, ..field("zone", Shape::Scalar) },
        FieldSchema { write_only: true, ..field("password", Shape::Scalar) },
    ];
    Schema {
        kind: "fake:Prop",
        path: String::new(),
        cloud: None,
        doc: "",
        fields,
        outputs: Vec::new(),
        holds_data: false,
        delete_before_replace: None,
        declarative: false,
    }
}

fn lower(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| text.to_lowercase().into())
}

/// JSON with `?` for what is unknown and `!x` for the secret x.
fn value(json: serde_json::Value) -> Value {
    fn read(value: Value) -> Value {
        match value {
            Value::String(text) if text == "?" => Value::Unknown,
            Value::String(text) => match text.strip_prefix('!') {
                Some(secret) => Value::from(secret).secret(),
                None => text.into(),
            },
            Value::List(list) => Value::List(list.into_iter().map(read).collect()),
            Value::Map(map) => Value::Map(map.into_iter().map(|(k, v)| (k, read(v))).collect()),
            other => other,
        }
    }
    read(Value::from(json))
}

fn said(found: &[crate::plan::PropertyDiff]) -> Vec<String> {
    let side = |side: &Option<Value>| side.as_ref().map_or("-".to_owned(), |v| format!("{v:?}"));
    let line = |d: &crate::plan::PropertyDiff| {
        format!("{} {} → {} {:?}", d.path, side(&d.before), side(&d.after), d.kind)
    };
    found.iter().map(line).collect()
}

macro_rules! cases {
    ($look:expr; $($name:ident: $old:tt, $new:tt => [$($line:expr),* $(,)?];)*) => { $(
        #[test]
        fn $name() {
            let (old, new) = (value(serde_json::json!($old)), value(serde_json::json!($new)));
            let found = said(&$look(&schema(), &old, &new, &[]));
            let expected: &[&str] = &[$($line),*];
            assert_eq!(found, expected);
        }
    )* };
}

mod intent {
    use super::*;

    cases! { diff;
        equal: {"block": "a", "groups": ["x"]}, {"block": "a", "groups": ["x"]} => [];
        scalars_replace_where_the_schema_says: {"block": "a"}, {"block": "b"}
            => [r#"block "a" → "b" Replace"#];
        unknown_may_replace: {"block": "a"}, {"block": "?"} => [r#"block "a" → [unknown] MaybeReplace"#];
        unset_is_removed: {"rule": {"port": 1, "note": "n"}}, {"rule": {"port": 1}}
            => [r#"rule.note "n" → - Update"#];
        null_is_unset: {"labels": null}, {"block": null} => [];
        secrets_are_compared_by_value: {"password": "x"}, {"password": "!x"} => [];
        secrets_are_not_shown: {"password": "x"}, {"password": "!y"}
            => ["password [secret] → [secret] Update"];
        computed_and_unset_is_no_change: {"zone": "a"}, {} => [];
        computed_and_set_is_one: {"zone": "a"}, {"zone": "b"} => [r#"zone "a" → "b" Update"#];
        written_only_is_compared: {"password": "!x"}, {} => ["password [secret] → - Update"];
        spelling_is_no_change: {"rule": {"note": "ABC"}}, {"rule": {"note": "abc"}} => [];
        a_struct_inside_replaces_by_field: {"rule": {"kind": "a", "port": 1}}, {"rule": {"kind": "b", "port": 2}}
            => ["rule.port 1 → 2 Update", r#"rule.kind "a" → "b" Replace"#];
        a_replace_field_covers_all_in_it: {"nature": {"port": 1}}, {"nature": {"port": 2}}
            => ["nature.port 1 → 2 Replace"];
        a_new_struct_may_set_what_cannot_change: {}, {"rule": {"kind": "a"}}
            => [r#"rule - → {"kind": "a"} Replace"#];
        lists_by_place: {"steps": [{"port": 1}, {"port": 2}]}, {"steps": [{"port": 2}]}
            => ["steps[0].port 1 → 2 Update", r#"steps[1] {"port": 2} → - Update"#];
        lists_by_key: {"rules": [{"port": 1, "note": "a"}, {"port": 2}]}, {"rules": [{"port": 2}, {"port": 1, "note": "b"}]}
            => [r#"rules[1].note "a" → "b" Update"#];
        keys_come_and_go: {"rules": [{"port": 1}]}, {"rules": [{"port": 2}]}
            => [r#"rules[0] {"port": 1} → - Update"#, r#"rules[0] - → {"port": 2} Update"#];
        sets_have_no_order: {"groups": ["a", "b"]}, {"groups": ["b", "a", "a"]} => [];
        sets_lose_and_win: {"groups": ["a", "b"]}, {"groups": ["c", "b"]}
            => [r#"groups[0] "a" → - Update"#, r#"groups[0] - → "c" Update"#];
        unknown_elements_may_be_the_old_ones: {"zones": ["a", "b"]}, {"zones": ["b", "?"]}
            => [r#"zones[1] "a" → [unknown] MaybeReplace"#];
        an_element_less_is_sure: {"zones": ["a", "b", "c"]}, {"zones": ["b", "?"]}
            => [r#"zones[1] "a" → [unknown] MaybeReplace"#, r#"zones[2] "c" → - Replace"#];
        maps_by_key: {"labels": {"a": "1", "b": "2"}}, {"labels": {"b": "3", "c.d": "4"}}
            => [r#"labels.a "1" → - Update"#, r#"labels.b "2" → "3" Update"#, r#"labels["c.d"] - → "4" Update"#];
        any_by_its_parts: {"policy": {"a": [1]}}, {"policy": {"a": [2]}}
            => ["policy.a[0] 1 → 2 Update"];
        any_by_names: {"policy": {"c": [{"name": "a", "v": 1}, {"name": "b", "v": 1}]}},
            {"policy": {"c": [{"name": "b", "v": 2}, {"name": "a", "v": 1}]}}
            => ["policy.c[0].v 1 → 2 Update"];
        partly_unknown: {"labels": {"a": "1", "b": "2"}}, {"labels": {"a": "?", "b": "2"}}
            => [r#"labels.a "1" → [unknown] Update"#];
        emptied: {"groups": ["a"]}, {"groups": []} => [r#"groups[0] "a" → - Update"#];
        empty_was_unset: {}, {"groups": []} => ["groups - → [] Update"];
        empty_says_nothing_about_the_nature: {}, {"zones": []} => [];
    }

    #[test]
    fn ignored_paths_keep_what_was_recorded() {
        let old = value(
            serde_json::json!({"block": "a", "rules": [{"port": 1, "note": "x"}], "labels": {"k": "1"}}),
        );
        let new = value(serde_json::json!({
            "block": "b", "rules": [{"port": 2, "note": "z"}, {"port": 1, "note": "y"}], "labels": {"l": "2"}
        }));
        let paths: Vec<Path> =
            ["block", "rules[*].note", "labels.k"].map(|path| path.parse().unwrap()).into();
        assert_eq!(
            said(&diff(&schema(), &old, &new, &paths)),
            [r#"rules[0] - → {"note": "z", "port": 2} Update"#, r#"labels.l - → "2" Update"#]
        );
    }
}

mod live {
    use super::*;

    cases! { drift;
        only_what_is_recorded: {"block": "a"}, {"block": "a", "groups": ["x"], "zone": "z", "rule": {"port": 1}} => [];
        sparse_inside: {"rule": {"port": 1}}, {"rule": {"port": 1, "note": "n"}} => [];
        changed: {"rule": {"port": 1}}, {"rule": {"port": 2}} => ["rule.port 1 → 2 Update"];
        gone: {"rule": {"port": 1}}, {} => [r#"rule {"port": 1} → - Update"#];
        empty_and_none_are_one: {"groups": [], "labels": {}}, {} => [];
        elements_of_others: {"groups": ["a"]}, {"groups": ["b", "a"]} => [r#"groups[0] - → "b" Update"#];
        elements_are_sparse_too: {"rules": [{"port": 1}]}, {"rules": [{"port": 1, "kind": "k"}]} => [];
        tags_of_others_are_theirs: {"tags": {"a": "1"}}, {"tags": {"a": "1", "b": "2", "infra:urn": "u"}} => [];
        our_tags_are_ours: {"tags": {"a": "1", "b": "2"}}, {"tags": {"a": "3"}}
            => [r#"tags.a "1" → "3" Update"#, r#"tags.b "2" → - Update"#];
        written_only_cannot_drift: {"password": "!x"}, {"password": "y"} => [];
        spelling_is_no_drift: {"rule": {"note": "abc"}}, {"rule": {"note": "ABC"}} => [];
        secrets_are_not_shown: {"labels": {"a": "!x"}}, {"labels": {"a": "y"}}
            => ["labels.a [secret] → [secret] Update"];
        what_cannot_change_did: {"block": "a"}, {"block": "b"} => [r#"block "a" → "b" Replace"#];
    }

    #[test]
    fn what_is_taken_over_converges() {
        let live = value(serde_json::json!({"block": "a", "groups": ["a", "x"], "zone": "z"}));
        let wanted = value(serde_json::json!({"block": "?", "groups": ["a"], "password": "!p"}));
        assert_eq!(
            said(&converge(&schema(), &live, &wanted)),
            [
                r#"block "a" → [unknown] MaybeReplace"#,
                r#"groups[1] "x" → - Update"#,
                "password - → [secret] Update"
            ]
        );
    }
}
