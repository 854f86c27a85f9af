//! Conditions.

use serde_json::Value;

use super::{
    ask::Ask,
    document::words,
    pattern::{is_like, is_like_arn},
};

/// One operator on one key.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    compare: Compare,
    negated: bool,
    /// Fulfilled where the key is not there (`…IfExists`).
    if_exists: bool,
    set: Set,
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Compare {
    Equal,
    EqualIgnoreCase,
    Like,
    ArnLike,
    /// Whether the key is not there.
    Null,
}

/// How a key with several values is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Set {
    One,
    Any,
    All,
}

impl Condition {
    /// The conditions of one operator: one for each key.
    pub(super) fn read(operator: &str, keys: &Value) -> Result<Vec<Self>, String> {
        let (set, name) = match operator.split_once(':') {
            Some(("ForAnyValue", name)) => (Set::Any, name),
            Some(("ForAllValues", name)) => (Set::All, name),
            Some(_) => return Err(format!("the operator `{operator}` is not known")),
            None => (Set::One, operator),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (compare, negated) = match name {
            "StringEquals" => (Compare::Equal, false),
            "StringNotEquals" => (Compare::Equal, true),
            "StringEqualsIgnoreCase" | "Bool" => (Compare::EqualIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Compare::EqualIgnoreCase, true),
            "StringLike" => (Compare::Like, false),
            "StringNotLike" => (Compare::Like, true),
            // The two do the same. (IAM user guide, *Amazon Resource Name (ARN) condition operators*.)
            "ArnEquals" | "ArnLike" => (Compare::ArnLike, false),
            "ArnNotEquals" | "ArnNotLike" => (Compare::ArnLike, true),
            "Null" => (Compare::Null, false),
            _ => return Err(format!("the operator `{operator}` is not known")),
        };
        let keys = keys.as_object().ok_or_else(|| format!("expected keys under `{operator}`"))?;
        let condition = |(key, value): (&String, &Value)| {
            let values = words(value).ok_or_else(|| format!("expected values of `{key}`"))?;
            Ok(Self { compare, negated, if_exists, set, key: key.clone(), values })
        };
        keys.iter().map(condition).collect()
    }

    /// Whether the ask fulfills it.
    pub(super) fn holds(&self, ask: &Ask) -> bool {
        if ask.knows_nothing_of(&self.key) {
            return true;
        }
        let found = ask.key(&self.key);
        if let Compare::Null = self.compare {
            let absent = found.is_none_or(<[_]>::is_empty);
            return self.values.iter().any(|value| value.eq_ignore_ascii_case(&absent.to_string()));
        }
        let Some(found) = found.filter(|found| !found.is_empty()) else {
            // A key that is not there is not like anything.
            return self.if_exists || self.negated || self.set == Set::All;
        };
        let one = |value: &String| self.fits(value) != self.negated;
        match self.set {
            Set::All => found.iter().all(one),
            Set::One | Set::Any => found.iter().any(one),
        }
    }

    fn fits(&self, value: &str) -> bool {
        self.values.iter().any(|wanted| match self.compare {
            Compare::Equal => wanted == value,
            Compare::EqualIgnoreCase => wanted.eq_ignore_ascii_case(value),
            Compare::Like => is_like(wanted, value),
            Compare::ArnLike => is_like_arn(wanted, value),
            Compare::Null => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(operator: &str, wanted: impl Into<Value>, found: &[&str]) -> bool {
        let wanted = json!({"aws:Key": wanted.into()});
        let condition = Condition::read(operator, &wanted).unwrap().remove(0);
        let ask = Ask::new("a:B", "*").with("aws:key", found.iter().copied());
        condition.holds(&ask)
    }

    #[test]
    fn operators_are_those_of_iam() {
        assert!(holds("StringEquals", json!(["a", "b"]), &["b"]));
        assert!(
            !holds("StringEquals", json!("a*"), &["ab"])
                && holds("StringLike", json!("a*"), &["ab"])
        );
        assert!(holds("Bool", json!(true), &["true"]) && holds("Bool", json!("True"), &["true"]));
        assert!(holds("ArnLike", json!("arn:aws:iam::*:role/x"), &["arn:aws:iam::1:role/x"]));
        assert!(holds("StringNotEquals", json!("a"), &["b"]));
    }

    #[test]
    fn a_key_that_is_not_there_is_like_nothing() {
        assert!(!holds("StringEquals", json!("a"), &[]) && !holds("StringLike", json!("*"), &[]));
        assert!(holds("StringEqualsIfExists", json!("a"), &[]));
        assert!(holds("StringNotEquals", json!("a"), &[]));
        assert!(holds("Null", json!("true"), &[]) && holds("Null", json!(false), &["a"]));
        assert!(holds("ForAllValues:StringEquals", json!("a"), &[]));
        assert!(!holds("ForAnyValue:StringEquals", json!("a"), &[]));
    }

    #[test]
    fn sets_are_compared_by_any_or_all() {
        assert!(holds("ForAnyValue:StringEquals", json!("a"), &["a", "b"]));
        assert!(!holds("ForAllValues:StringEquals", json!("a"), &["a", "b"]));
        assert!(holds("ForAllValues:StringLike", json!(["a", "b*"]), &["a", "bc"]));
    }
}
