//! Grants where a stack is: its partition, account, region and name in them.

use std::collections::{BTreeMap, BTreeSet};

use infra_core::{
    provider::{Grant, Needs},
    state::{ProviderIdentity, Value},
};

/// One permission in one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Placed {
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) conditions: Conditions,
}

/// Condition keys, each with the values of which one must be.
pub(super) type Conditions = BTreeMap<String, BTreeSet<String>>;

/// Where the objects of a provider are; `*` for what is not known.
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) partition: String,
    pub(super) region: String,
    pub(super) account: String,
    /// What `infra:stack` is on them.
    pub(super) stacks: BTreeSet<String>,
}

/// Services whose objects have ids of AWS's choice and can be told apart by their tags.
const TAGGED: [&str; 3] = ["acm", "ec2", "kms"];

impl At {
    pub(super) fn of(needs: &Needs, config: &Value, identity: &ProviderIdentity) -> Self {
        let configured = config.get("region").and_then(|region| region.as_str());
        let known = |key: &str| identity.get(key).cloned();
        let region = known("region").or_else(|| configured.map(str::to_owned));
        let role = config.get("assume_role").and_then(|role| role.get("role_arn"));
        let role: Vec<_> =
            role.and_then(|arn| arn.as_str()).unwrap_or_default().split(':').collect();
        let account = known("account").or_else(|| role.get(4).map(|&account| account.to_owned()));
        let partition = match region.as_deref() {
            None => "*",
            Some(region) if region.starts_with("cn-") => "aws-cn",
            Some(region) if region.starts_with("us-gov-") => "aws-us-gov",
            Some(_) => "aws",
        };
        let stacks = [&needs.stack].into_iter().chain(&needs.formerly).map(ToString::to_string);
        let any = || "*".to_owned();
        Self {
            partition: partition.to_owned(),
            region: region.unwrap_or_else(any),
            account: account.unwrap_or_else(any),
            stacks: stacks.collect(),
        }
    }

    /// The grant here. Objects that are taken over from somebody else do not have the stack's tags yet.
    pub(super) fn place(&self, grant: &Grant, adopting: bool) -> Placed {
        let mut conditions: Conditions = grant
            .conditions
            .iter()
            .map(|(key, value)| match value.as_str() {
                Grant::STACK => (key.clone(), self.stacks.clone()),
                value => (key.clone(), BTreeSet::from([self.arn(value)])),
            })
            .collect();
        let service = grant.resource.split(':').nth(2).unwrap_or_default();
        let own = grant.resource.contains(Grant::OWN);
        if own && !adopting && TAGGED.contains(&service) {
            conditions.insert("aws:ResourceTag/infra:stack".to_owned(), self.stacks.clone());
        }
        Placed { action: grant.action.clone(), resource: self.arn(&grant.resource), conditions }
    }

    /// An ARN of any place, in this one. Anything else stays what it is.
    fn arn(&self, text: &str) -> String {
        // What another place would be is this one where nothing says otherwise.
        let text = text.replace(Grant::OWN, "*").replace("{region}", &self.region);
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else { return text };
        let known = |part: &str, known: &str| (if part == "*" { known } else { part }).to_owned();
        let partition = known(partition, &self.partition);
        let (region, account) = (known(region, &self.region), known(account, &self.account));
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> At {
        At {
            partition: "aws".to_owned(),
            region: "eu-west-1".to_owned(),
            account: "123456789012".to_owned(),
            stacks: ["shop/dev".to_owned()].into(),
        }
    }

    #[test]
    fn an_arn_of_any_place_is_one_of_this_place() {
        let arn = |text: &str| at().arn(text);
        assert_eq!(arn("arn:*:ec2:*:*:vpc/*"), "arn:aws:ec2:eu-west-1:123456789012:vpc/*");
        assert_eq!(arn("arn:*:iam::*:role/x"), "arn:aws:iam::123456789012:role/x");
        assert_eq!(arn("arn:*:s3:::bucket/*"), "arn:aws:s3:::bucket/*");
        assert_eq!(arn("arn:aws:iam::aws:policy/x"), "arn:aws:iam::aws:policy/x");
        assert_eq!(arn("arn:*:ssm:*::parameter/aws/x"), "arn:aws:ssm:eu-west-1::parameter/aws/x");
        assert_eq!((arn("*"), arn("ec2.amazonaws.com")), ("*".into(), "ec2.amazonaws.com".into()));
    }

    #[test]
    fn an_own_id_is_told_by_the_tag_where_there_can_be_one() {
        let own = |service: &str, what: &str| {
            Grant::new("x:y", format!("arn:*:{service}:*:*:{what}/{}", Grant::OWN))
        };
        let vpc = at().place(&own("ec2", "vpc"), false);
        assert_eq!(vpc.resource, "arn:aws:ec2:eu-west-1:123456789012:vpc/*");
        assert_eq!(vpc.conditions["aws:ResourceTag/infra:stack"], ["shop/dev".to_owned()].into());
        assert!(at().place(&own("ec2", "vpc"), true).conditions.is_empty());
        assert!(at().place(&own("route53", "hostedzone"), false).conditions.is_empty());
        let made =
            Grant::new("ec2:CreateVpc", "*").when("aws:RequestTag/infra:stack", Grant::STACK);
        assert_eq!(at().place(&made, true).conditions.len(), 1);
    }
}
