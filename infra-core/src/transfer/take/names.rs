//! Names of resources from what a source calls them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use infra_state::Urn;

use super::Candidate;
use crate::{
    Result,
    transfer::{Key, Member},
};

/// The urns of these candidates, in their order: legal, distinct, none of `taken`, and the same for the same candidates in
/// any order.
pub fn urns(candidates: &[Candidate], taken: &BTreeSet<Urn>) -> Result<Vec<Urn>> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|at| (&candidates[*at].kind, &candidates[*at].origin, &candidates[*at].id));
    let mut used = taken.clone();
    let mut named = BTreeMap::new();
    // Where a name is taken, so are all numbers that were given before.
    let mut numbers: HashMap<Urn, usize> = HashMap::new();
    // `count = 1` is how a module leaves something out, and says nothing about what there is.
    let mut several = BTreeMap::new();
    for member in candidates.iter().filter_map(|candidate| candidate.member.as_ref()) {
        *several.entry(&member.group).or_insert(0) += usize::from(member.key != Key::Index(0)) + 1;
    }
    for at in order {
        let candidate = &candidates[at];
        let alone = |member: &Member| several.get(&member.group) == Some(&1);
        let base = name(candidate, candidate.member.as_ref().is_some_and(alone));
        let mut urn = Urn::new(&candidate.kind, &base)?;
        if used.contains(&urn) {
            let number = numbers.entry(urn.clone()).or_insert(2);
            while used.contains(&urn) {
                urn = Urn::new(&candidate.kind, &format!("{base}-{number}"))?;
                *number += 1;
            }
        }
        used.insert(urn.clone());
        named.insert(at, urn);
    }
    Ok(named.into_values().collect())
}

fn name(candidate: &Candidate, alone: bool) -> String {
    let mut parts: Vec<String> = candidate.scopes.iter().map(|scope| word(scope)).collect();
    let mut last = word(&candidate.name);
    // What modules call `this` is told apart by its kind.
    if last == "this" {
        last = kind_word(&candidate.kind);
    }
    match candidate.member.as_ref().filter(|_| !alone).map(|member| &member.key) {
        Some(Key::Index(at)) => last = format!("{last}-{at}"),
        Some(Key::Name(key)) => last = format!("{last}-{}", word(key)),
        None => {}
    }
    parts.push(last);
    parts.join("/")
}

/// `internet-gateway` of `aws:ec2:InternetGateway`.
fn kind_word(kind: &str) -> String {
    let mut out = String::new();
    let mut before_lower = false;
    for c in kind.rsplit(':').next().unwrap_or(kind).chars() {
        if c.is_ascii_uppercase() && before_lower {
            out.push('-');
        }
        before_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(c.to_ascii_lowercase());
    }
    word(&out)
}

/// What may stand in a name; every run of other characters is one `-`.
pub fn word(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.trim_matches(|c| c == '-' || c == '.');
    if out.is_empty() { "x".to_owned() } else { out.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(scopes: &[&str], name: &str, key: Option<Key>) -> Candidate {
        let member = key.map(|key| Member { group: format!("{scopes:?} {name}"), key });
        Candidate {
            origin: format!("{scopes:?} {name} {member:?}"),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            name: name.to_owned(),
            kind: "aws:ec2:InternetGateway".to_owned(),
            member,
            ..Candidate::default()
        }
    }

    fn names(candidates: &[Candidate]) -> Vec<String> {
        let urns = urns(candidates, &BTreeSet::new()).unwrap();
        urns.iter().map(|urn| urn.name().to_owned()).collect()
    }

    #[test]
    fn names_are_readable_and_distinct() {
        let key = |text: &str| Some(Key::Name(text.to_owned()));
        let all = [
            candidate(&["vpc"], "this", None),
            candidate(&["vpc"], "private_data", Some(Key::Index(0))),
            candidate(&["vpc"], "private_data", Some(Key::Index(1))),
            candidate(&["vpc"], "only", Some(Key::Index(0))),
            candidate(&["vpc"], "second", Some(Key::Index(1))),
            candidate(&[], "zone", key("a/b")),
            candidate(&[], "zone", key("a b")),
            candidate(&[], "zone", key("日本")),
            candidate(&["net-x y"], "main", None),
        ];
        assert_eq!(
            names(&all),
            [
                "vpc/internet-gateway",
                "vpc/private-data-0",
                "vpc/private-data-1",
                "vpc/only",
                "vpc/second-1",
                "zone-a-b-2",
                "zone-a-b",
                "zone-x",
                "net-x-y/main"
            ]
        );
    }

    #[test]
    fn what_is_recorded_already_keeps_its_name() {
        let taken = Urn::new("aws:ec2:InternetGateway", "main").unwrap();
        let found = urns(&[candidate(&[], "main", None)], &[taken].into()).unwrap();
        assert_eq!(found[0].name(), "main-2");
    }

    proptest! {
        #[test]
        fn any_names_and_keys_give_distinct_urns(
            all in proptest::collection::vec((".{0,6}", ".{0,6}", ".{0,6}"), 1..20)
        ) {
            let all: Vec<_> = all
                .iter()
                .enumerate()
                .map(|(at, (scope, name, key))| Candidate {
                    origin: at.to_string(),
                    ..candidate(&[scope], name, Some(Key::Name(key.clone())))
                })
                .collect();
            let found = names(&all);
            prop_assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), all.len());
        }
    }
}
