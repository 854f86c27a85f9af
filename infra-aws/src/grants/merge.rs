//! Many permissions as few statements that say the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::placed::{Conditions, Placed};

/// An `Allow` statement without its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Statement {
    pub(super) service: String,
    pub(super) conditions: Conditions,
    pub(super) resources: BTreeSet<String>,
    pub(super) actions: BTreeSet<String>,
}

type Words = BTreeSet<String>;

/// The fewest bytes of the two ways to group: by what is done with the same resources, or by the resources that the same
/// is done with.
pub(super) fn statements(permissions: impl IntoIterator<Item = Placed>) -> Vec<Statement> {
    let needed = needed(permissions);
    let mut by_action: BTreeMap<(String, Conditions, Words), Words> = BTreeMap::new();
    for ((action, conditions), resources) in &needed {
        let key = (service(action), conditions.clone(), resources.clone());
        by_action.entry(key).or_default().insert(action.clone());
    }
    let mut by_resource: BTreeMap<(String, Conditions, String), Words> = BTreeMap::new();
    for ((action, conditions), resources) in &needed {
        for resource in resources {
            let key = (service(action), conditions.clone(), resource.clone());
            by_resource.entry(key).or_default().insert(action.clone());
        }
    }
    let mut of_actions: BTreeMap<(String, Conditions, Words), Words> = BTreeMap::new();
    for ((service, conditions, resource), actions) in by_resource {
        of_actions.entry((service, conditions, actions)).or_default().insert(resource);
    }
    let one = by_action.into_iter().map(|((service, conditions, resources), actions)| Statement {
        service,
        conditions,
        resources,
        actions,
    });
    let other = of_actions.into_iter().map(|((service, conditions, actions), resources)| {
        Statement { service, conditions, resources, actions }
    });
    let one = with_values_joined(one.collect());
    let other = with_values_joined(other.collect());
    let size = |all: &[Statement]| all.iter().map(Statement::size).sum::<usize>();
    if size(&one) <= size(&other) { one } else { other }
}

/// Statements that differ in the values of one condition key only, as one with all the values.
fn with_values_joined(mut all: Vec<Statement>) -> Vec<Statement> {
    let mut joined: Vec<Statement> = Vec::new();
    while let Some(mut one) = all.pop() {
        while let Some(at) = all.iter().position(|other| one.joins(other).is_some()) {
            let other = all.remove(at);
            if let Some(key) = one.joins(&other) {
                let values = other.conditions.get(&key).cloned().unwrap_or_default();
                one.conditions.entry(key).or_default().extend(values);
            }
        }
        joined.push(one);
    }
    joined.sort();
    joined
}

/// The resources by action and conditions, without what another permission allows anyway.
fn needed(permissions: impl IntoIterator<Item = Placed>) -> BTreeMap<(String, Conditions), Words> {
    let mut all: BTreeMap<(String, Conditions), Words> = BTreeMap::new();
    for Placed { action, resource, conditions } in permissions {
        all.entry((action, conditions)).or_default().insert(resource);
    }
    let given = all.clone();
    for ((action, conditions), resources) in &mut all {
        resources.retain(|resource| {
            let wider = given.iter().filter(|((other, has), _)| {
                other == action
                    && has.iter().all(|(key, values)| conditions.get(key) == Some(values))
            });
            !wider.into_iter().any(|((_, has), others)| {
                let covers = |other: &String| covers(other, resource);
                let same = |other: &String| has == conditions && other == resource;
                others.iter().any(|other| !same(other) && covers(other))
            })
        });
    }
    all.retain(|_, resources| !resources.is_empty());
    all
}

/// Whether everything that `text` matches is matched by `pattern`.
fn covers(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.as_bytes(), text.as_bytes());
    let mut back: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, text) {
            ([b'*', rest @ ..], _) => {
                back = Some((rest, text));
                pattern = rest;
            }
            ([], []) => return true,
            ([a, more @ ..], [b, rest @ ..]) if a == b || (*a == b'?' && *b != b'*') => {
                (pattern, text) = (more, rest);
            }
            _ => match back {
                Some((rest, [_, later @ ..])) => {
                    back = Some((rest, later));
                    (pattern, text) = (rest, later);
                }
                _ => return false,
            },
        }
    }
}

fn service(action: &str) -> String {
    action.split(':').next().unwrap_or_default().to_owned()
}

impl Statement {
    /// The one condition key in whose values alone the two differ.
    fn joins(&self, other: &Self) -> Option<String> {
        let same = (&self.service, &self.actions, &self.resources)
            == (&other.service, &other.actions, &other.resources);
        if !same || !self.conditions.keys().eq(other.conditions.keys()) {
            return None;
        }
        let differs = |key: &&String| self.conditions[*key] != other.conditions[*key];
        let mut keys = self.conditions.keys().filter(differs);
        match (keys.next(), keys.next()) {
            (Some(key), None) => Some(key.clone()),
            _ => None,
        }
    }

    /// As JSON, with this name.
    pub(super) fn json(&self, sid: &str) -> Value {
        let mut json = json!({
            "Sid": sid,
            "Effect": "Allow",
            "Action": several(&self.actions),
            "Resource": several(&self.resources),
        });
        if !self.conditions.is_empty() {
            json["Condition"] = self.condition();
        }
        json
    }

    fn condition(&self) -> Value {
        let mut operators: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for (key, values) in &self.conditions {
            operators
                .entry(operator(key, values))
                .or_default()
                .insert(key.clone(), several(values));
        }
        json!(operators)
    }

    /// What the statement says, in a word, for its name.
    pub(super) fn word(&self) -> &'static str {
        let has = |begin: &str| self.conditions.keys().any(|key| key.starts_with(begin));
        if has("aws:RequestTag/") {
            "Create"
        } else if has("aws:ResourceTag/") {
            "Own"
        } else if has("ec2:CreateAction") {
            "Tag"
        } else if self.resources.iter().all(|resource| resource == "*") {
            "Any"
        } else {
            ""
        }
    }

    /// How many characters it takes.
    pub(super) fn size(&self) -> usize {
        // A name with its number, and the comma behind it.
        self.json("").to_string().len() + self.service.len() + "Create100,".len()
    }

    /// Two halves that together say the same; `None` where there is nothing to cut.
    pub(super) fn halves(&self) -> Option<[Self; 2]> {
        let cut = |words: &Words| {
            let rest = words.iter().nth(words.len() / 2)?;
            let (front, back) = words.iter().cloned().partition(|word| word < rest);
            (words.len() > 1).then_some([front, back])
        };
        let resources = || cut(&self.resources);
        if self.actions.len() >= self.resources.len()
            && let Some(halves) = cut(&self.actions)
        {
            return Some(halves.map(|actions| Self { actions, ..self.clone() }));
        }
        Some(resources()?.map(|resources| Self { resources, ..self.clone() }))
    }
}

/// One value alone, several as a list.
fn several(words: &Words) -> Value {
    match words.iter().next() {
        Some(one) if words.len() == 1 => json!(one),
        _ => json!(words),
    }
}

fn operator(key: &str, values: &Words) -> &'static str {
    let like = values.iter().any(|value| value.contains('*'));
    match key {
        "kms:GrantIsForAWSResource" => "Bool",
        "iam:PolicyARN" | "ec2:LaunchTemplate" if like => "ArnLike",
        "iam:PolicyARN" | "ec2:LaunchTemplate" => "ArnEquals",
        "dynamodb:LeadingKeys" if like => "ForAllValues:StringLike",
        "dynamodb:LeadingKeys" => "ForAllValues:StringEquals",
        _ if like => "StringLike",
        _ => "StringEquals",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(action: &str, resource: &str, conditions: &[(&str, &str)]) -> Placed {
        let condition = |(key, value): &(&str, &str)| {
            ((*key).to_owned(), BTreeSet::from([(*value).to_owned()]))
        };
        Placed {
            action: action.to_owned(),
            resource: resource.to_owned(),
            conditions: conditions.iter().map(condition).collect(),
        }
    }

    #[test]
    fn wider_patterns_cover_narrower_ones() {
        for (pattern, text) in [
            ("*", "arn:aws:ec2:*:*:vpc/*"),
            ("role/shop-*", "role/shop-dev-*"),
            ("a*b*c", "a*c*b*c"),
            ("a?c", "abc"),
        ] {
            assert!(covers(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("role/shop-dev-*", "role/shop-*"), ("a?c", "a*c"), ("a", "ab")] {
            assert!(!covers(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_allowed_anyway_is_not_said_again() {
        let tag = [("aws:ResourceTag/infra:stack", "shop/dev")];
        let all = statements([
            permission("ec2:DescribeVpcs", "*", &[]),
            permission("ec2:DescribeVpcs", "vpc/1", &[]),
            permission("ec2:DescribeVpcs", "vpc/*", &tag),
            permission("ec2:DescribeSubnets", "*", &[]),
            permission("ec2:DeleteVpc", "vpc/*", &tag),
        ]);
        let said: Vec<_> = all.iter().map(|it| (&it.actions, &it.resources)).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        let any = all.iter().find(|it| it.conditions.is_empty()).unwrap();
        let expected = json!({
            "Sid": "Ec2Any",
            "Effect": "Allow",
            "Action": ["ec2:DescribeSubnets", "ec2:DescribeVpcs"],
            "Resource": "*",
        });
        assert_eq!(any.json("Ec2Any"), expected);
        let own = all.iter().find(|it| !it.conditions.is_empty()).unwrap();
        let condition = json!({"StringEquals": {"aws:ResourceTag/infra:stack": "shop/dev"}});
        assert_eq!(own.json("x")["Condition"], condition);
    }

    #[test]
    fn what_differs_in_one_value_is_said_once() {
        let pass =
            |service| permission("iam:PassRole", "role/x", &[("iam:PassedToService", service)]);
        let all = statements(["ec2", "eks", "rds"].map(pass));
        assert_eq!(all.len(), 1);
        let values = json!({"StringEquals": {"iam:PassedToService": ["ec2", "eks", "rds"]}});
        assert_eq!(all[0].condition(), values);
    }

    #[test]
    fn conditions_have_the_operator_of_their_key() {
        let with =
            |key, value| statements([permission("a:B", "*", &[(key, value)])])[0].condition();
        for (key, value, operator) in [
            ("iam:PassedToService", "eks.amazonaws.com", "StringEquals"),
            ("kms:GrantIsForAWSResource", "true", "Bool"),
            ("iam:PolicyARN", "arn:aws:iam::aws:policy/x", "ArnEquals"),
            ("ec2:LaunchTemplate", "arn:aws:ec2:*:*:launch-template/*", "ArnLike"),
            ("kms:RequestAlias", "alias/*", "StringLike"),
            ("dynamodb:LeadingKeys", "acme/shop/dev", "ForAllValues:StringEquals"),
            ("dynamodb:LeadingKeys", "acme/*", "ForAllValues:StringLike"),
        ] {
            assert_eq!(with(key, value)[operator][key], value);
        }
    }

    #[test]
    fn halves_say_the_same_together() {
        let actions = ["a:A", "a:B", "a:C"].map(|action| permission(action, "*", &[]));
        let whole = statements(actions).remove(0);
        let [front, back] = whole.halves().unwrap();
        assert_eq!(&(&front.actions | &back.actions), &whole.actions);
        assert!(front.actions.is_disjoint(&back.actions) && !front.actions.is_empty());
        let one = statements([permission("a:A", "*", &[])]).remove(0);
        assert_eq!(one.halves(), None);
    }
}
