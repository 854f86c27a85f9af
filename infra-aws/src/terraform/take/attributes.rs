//! Reading the attributes of an instance.

use infra_core::{
    state::Value,
    transfer::terraform::{Instance, Piece},
};

/// What an instance is, or why it cannot be taken.
pub(super) type Taken = Result<Vec<Piece>, String>;

/// A text that must be there.
pub(super) fn need<'i>(instance: &'i Instance, attribute: &str) -> Result<&'i str, String> {
    let missing =
        || format!("expected `{attribute}` in its attributes, found none: was it ever applied?");
    instance.text(attribute).ok_or_else(missing)
}

/// The elements of a list; none where there is no list.
pub(super) fn list<'v>(value: &'v Value, attribute: &str) -> &'v [Value] {
    value.get(attribute).and_then(Value::as_list).unwrap_or_default()
}

/// The texts in a list.
pub(super) fn texts<'v>(value: &'v Value, attribute: &str) -> impl Iterator<Item = &'v str> {
    list(value, attribute).iter().filter_map(Value::as_str)
}

/// A text inside a block; an empty one is none.
pub(super) fn text<'v>(value: &'v Value, attribute: &str) -> Option<&'v str> {
    value.get(attribute).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// One object, whose id is an attribute.
macro_rules! by {
    ($kind:literal, $attribute:literal) => {
        infra_core::transfer::terraform::Import::Objects(|it| {
            let id = crate::terraform::take::attributes::need(it, $attribute)?;
            Ok(vec![infra_core::transfer::terraform::Piece::new($kind, id)])
        })
    };
    // With fields that cannot be read back: each of ours, and the attribute that says it.
    ($kind:literal, $attribute:literal, $($field:literal = $from:literal),+) => {
        infra_core::transfer::terraform::Import::Objects(|it| {
            let id = crate::terraform::take::attributes::need(it, $attribute)?;
            let piece = infra_core::transfer::terraform::Piece::new($kind, id);
            Ok(vec![piece$(.known($field, it.attribute($from)))+])
        })
    };
}
pub(super) use by;

/// A number as text, without a fraction that it does not have.
#[cfg(any(feature = "ec2", feature = "elbv2", feature = "route53"))]
pub(super) fn number(value: &Value) -> String {
    match value.revealed() {
        Value::Number(number) => number.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}
