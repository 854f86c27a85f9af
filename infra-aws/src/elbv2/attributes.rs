//! Attributes: settings that AWS keeps as text under dotted keys.

use std::collections::BTreeMap;

/// Attributes by key.
pub(super) type Attributes = BTreeMap<String, String>;

/// Those that the program declares by key. What it never mentioned is not shown: AWS has dozens, each with a default.
pub(super) fn declared(live: &Attributes, inputs: Option<&Attributes>) -> Attributes {
    let known = |key: &String| live.get(key).map(|value| (key.clone(), value.clone()));
    inputs.into_iter().flat_map(BTreeMap::keys).filter_map(known).collect()
}

/// The attribute as a boolean or number.
pub(super) fn parsed<T: std::str::FromStr>(live: &Attributes, key: &str) -> Option<T> {
    live.get(key)?.parse().ok()
}

/// What to send: of `pairs` those that are wanted, and of the declared ones those that differ.
pub(super) fn changed<const N: usize>(
    pairs: [(&str, bool, Option<String>); N],
    live: &Attributes,
    want: &Attributes,
) -> Vec<(String, String)> {
    let named = pairs.into_iter().filter(|(_, touched, _)| *touched);
    let named = named.filter_map(|(key, _, value)| Some((key.to_owned(), value?)));
    let keyed = want.iter().filter(|(key, value)| live.get(*key) != Some(value));
    named.chain(keyed.map(|(key, value)| (key.clone(), value.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_declared_attributes_are_shown_and_sent() {
        let live =
            BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "true".to_owned())]);
        let inputs =
            BTreeMap::from([("a".to_owned(), "2".to_owned()), ("c".to_owned(), "3".to_owned())]);
        assert_eq!(
            declared(&live, Some(&inputs)),
            BTreeMap::from([("a".to_owned(), "1".to_owned())])
        );
        assert!(declared(&live, None).is_empty());
        assert_eq!(parsed::<bool>(&live, "b"), Some(true));
        let sent =
            changed([("b", true, Some("false".to_owned())), ("d", false, None)], &live, &inputs);
        let sent: Vec<_> = sent.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(sent, [("b", "false"), ("a", "2"), ("c", "3")]);
    }
}
