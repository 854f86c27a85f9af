//! Allow and deny. (IAM user guide, *Policy evaluation logic*.)

use super::{
    ask::Ask,
    document::{Policy, Statement},
    pattern::{is_like, is_like_arn},
};

/// Why something is not allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Denied {
    /// A statement denies it, whatever others allow.
    Explicitly,
    /// No statement allows it.
    Implicitly,
}

/// Whether the policies allow it.
pub(super) fn decide(policies: &[Policy], ask: &Ask) -> Result<(), Denied> {
    let all = || policies.iter().flat_map(|policy| &policy.statements);
    let concerns = |statement: &&Statement| statement.concerns(ask);
    if all().filter(|statement| !statement.allows).any(|statement| concerns(&statement)) {
        return Err(Denied::Explicitly);
    }
    let mut allowing = all().filter(|statement| statement.allows);
    if allowing.any(|statement| concerns(&statement)) { Ok(()) } else { Err(Denied::Implicitly) }
}

impl Statement {
    fn concerns(&self, ask: &Ask) -> bool {
        // Actions are the same whatever their case.
        let action = ask.action.to_ascii_lowercase();
        self.actions.has(|pattern| is_like(&pattern.to_ascii_lowercase(), &action))
            && self.resources.has(|pattern| is_like_arn(pattern, &ask.resource))
            && self.conditions.iter().all(|condition| condition.holds(ask))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn decided(statements: &Value, ask: &Ask) -> Result<(), Denied> {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        decide(&[Policy::read(&policy).unwrap()], ask)
    }

    const VPC: &str = "arn:aws:ec2:eu-west-1:1:vpc/vpc-1";

    #[test]
    fn nothing_is_allowed_that_is_not_said() {
        let delete = Ask::new("ec2:DeleteVpc", VPC);
        assert_eq!(decide(&[], &delete), Err(Denied::Implicitly));
        let allow = json!({"Effect": "Allow", "Action": "ec2:deletevpc", "Resource": "arn:aws:ec2:*:*:vpc/*"});
        assert_eq!(decided(&json!([allow]), &delete), Ok(()));
        let other = Ask::new("ec2:DeleteSubnet", VPC);
        assert_eq!(decided(&json!([allow]), &other), Err(Denied::Implicitly));
    }

    #[test]
    fn a_deny_wins() {
        let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let deny = json!({"Effect": "Deny", "NotAction": "ec2:Describe*", "Resource": "*"});
        let both = json!([all, deny]);
        let delete = Ask::new("ec2:DeleteVpc", VPC);
        assert_eq!(decided(&both, &delete), Err(Denied::Explicitly));
        assert_eq!(decided(&both, &Ask::new("ec2:DescribeVpcs", "*")), Ok(()));
    }

    #[test]
    fn tags_of_what_is_not_there_are_not_asked_for() {
        let own = json!([{
            "Effect": "Allow", "Action": "ec2:*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/infra:stack": "shop/dev"}},
        }]);
        let delete = |tags: Option<&[(&str, &str)]>| {
            let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            let tags = tags.map(|tags| tags.iter().map(pair).collect());
            decided(&own, &Ask::new("ec2:DeleteVpc", VPC).of(tags))
        };
        assert_eq!(delete(Some(&[("infra:stack", "shop/dev")])), Ok(()));
        assert_eq!(delete(Some(&[])), Err(Denied::Implicitly));
        assert_eq!(delete(None), Ok(()));
    }
}
