//! When a statement applies.

use std::collections::BTreeMap;

use infra_core::{graph::Expr, program::IntoText};

use super::statement::one_or_many;

/// A condition: an operator, a key, and values of which one must fit.
#[derive(Clone, Debug)]
#[must_use = "a condition does nothing until it stands in a statement"]
pub struct Condition {
    operator: String,
    key: String,
    values: Vec<Expr>,
}

macro_rules! operators {
    ($($(#[$doc:meta])* $function:ident = $operator:literal;)*) => { $(
        $(#[$doc])*
        pub fn $function(key: impl Into<String>, value: impl IntoText) -> Self {
            Self::new($operator, key, value)
        }
    )* };
}

impl Condition {
    operators! {
        /// The text under `key` is exactly this.
        string_equals = "StringEquals";
        /// The text under `key` is not this.
        string_not_equals = "StringNotEquals";
        /// The text under `key` is this, in whatever case.
        string_equals_ignore_case = "StringEqualsIgnoreCase";
        /// The text under `key` fits this pattern with `*` and `?`.
        string_like = "StringLike";
        /// The text under `key` does not fit this pattern.
        string_not_like = "StringNotLike";
        /// The ARN under `key` fits this one, which may have wildcards.
        arn_like = "ArnLike";
        /// The ARN under `key` does not fit this one.
        arn_not_like = "ArnNotLike";
        /// The ARN under `key` fits this one (AWS treats it as [`Condition::arn_like`]).
        arn_equals = "ArnEquals";
        /// The address under `key` lies in this block.
        ip_address = "IpAddress";
        /// The address under `key` lies outside this block.
        not_ip_address = "NotIpAddress";
        /// The number under `key` is this.
        numeric_equals = "NumericEquals";
        /// The number under `key` is less than this.
        numeric_less_than = "NumericLessThan";
        /// The number under `key` is this or less.
        numeric_less_than_equals = "NumericLessThanEquals";
        /// The number under `key` is greater than this.
        numeric_greater_than = "NumericGreaterThan";
        /// The time under `key` is before this one (ISO 8601).
        date_less_than = "DateLessThan";
        /// The time under `key` is after this one (ISO 8601).
        date_greater_than = "DateGreaterThan";
    }

    /// The flag under `key` is this.
    pub fn bool(key: impl Into<String>, value: bool) -> Self {
        Self::new("Bool", key, if value { "true" } else { "false" })
    }

    /// The request has nothing under `key` (`true`), or has something (`false`).
    pub fn null(key: impl Into<String>, absent: bool) -> Self {
        Self::new("Null", key, if absent { "true" } else { "false" })
    }

    /// A condition with an operator that has no function of its own here.
    pub fn new(operator: impl Into<String>, key: impl Into<String>, value: impl IntoText) -> Self {
        Self { operator: operator.into(), key: key.into(), values: vec![value.into_text()] }
    }

    /// Another value that fits as well.
    pub fn or(mut self, value: impl IntoText) -> Self {
        self.values.push(value.into_text());
        self
    }

    /// More values that fit as well.
    pub fn or_any(mut self, values: impl IntoIterator<Item = impl IntoText>) -> Self {
        self.values.extend(values.into_iter().map(IntoText::into_text));
        self
    }

    /// Holds too where the request has nothing under the key.
    pub fn if_exists(mut self) -> Self {
        self.operator.push_str("IfExists");
        self
    }

    /// For keys with several values in one request: each of them must fit (none is fine).
    pub fn for_all_values(mut self) -> Self {
        self.operator.insert_str(0, "ForAllValues:");
        self
    }

    /// For keys with several values in one request: at least one of them must fit.
    pub fn for_any_value(mut self) -> Self {
        self.operator.insert_str(0, "ForAnyValue:");
        self
    }

    pub(super) fn together(conditions: &[Self]) -> Expr {
        let mut operators: BTreeMap<String, BTreeMap<String, Vec<Expr>>> = BTreeMap::new();
        for Self { operator, key, values } in conditions {
            let keys = operators.entry(operator.clone()).or_default();
            keys.entry(key.clone()).or_default().extend(values.iter().cloned());
        }
        let operator = |(operator, keys): (String, BTreeMap<String, Vec<Expr>>)| {
            let keys = keys.into_iter().map(|(key, values)| (key, one_or_many(values)));
            (operator, Expr::Map(keys.collect()))
        };
        Expr::Map(operators.into_iter().map(operator).collect())
    }
}
