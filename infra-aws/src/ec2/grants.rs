//! The permissions that EC2's kinds need: the same for all but in their names.
//!
//! Source: *Actions, resources, and condition keys for Amazon EC2* (service authorization reference).

use infra_core::{
    Resource,
    provider::{Change, Grant},
};

use crate::policy::{Verb, made};

/// The names of one kind in permissions.
pub(super) struct Names {
    /// The resource type in ARNs: `vpc`.
    pub(super) resource: &'static str,
    /// `DescribeVpcs` and whatever else is read.
    pub(super) read: &'static [&'static str],
    /// `CreateVpc`.
    pub(super) create: &'static str,
    /// `DeleteVpc`.
    pub(super) delete: &'static str,
}

/// The ARN of an EC2 object in any account and region.
pub(super) fn arn(resource: &str, id: &str) -> String {
    format!("arn:*:ec2:*:*:{resource}/{id}")
}

impl Names {
    /// The permissions of a change: `with` are objects that the creating call names, `calls` the calls that change
    /// something in place.
    pub(super) fn grants<R: Resource>(
        &self,
        change: &Change<'_, R>,
        with: impl IntoIterator<Item = String>,
        calls: impl IntoIterator<Item = &'static str>,
        tags: bool,
    ) -> Vec<Grant> {
        let ec2 = |action: &str| format!("ec2:{action}");
        let own = arn(self.resource, change.have.map_or("*", |have| have.id.as_str()));
        let mut grants: Vec<_> = self.read.iter().map(|read| Grant::new(ec2(read), "*")).collect();
        match Verb::of(change) {
            Verb::Search | Verb::Read => return grants,
            Verb::Create => {
                grants.push(made(&ec2(self.create), own.clone()));
                grants.extend(with.into_iter().map(|arn| Grant::new(ec2(self.create), arn)));
                // AWS asks for this wherever a creating call has tags.
                let tag = Grant::new("ec2:CreateTags", own);
                grants.push(tag.when("ec2:CreateAction", self.create));
                return grants;
            }
            Verb::Update if tags => {
                let actions = ["ec2:CreateTags", "ec2:DeleteTags"];
                grants.extend(actions.map(|action| Grant::new(action, own.clone())));
            }
            Verb::Update => {}
            Verb::Delete => grants.push(Grant::new(ec2(self.delete), own.clone())),
        }
        grants.extend(calls.into_iter().map(|call| Grant::new(ec2(call), own.clone())));
        grants
    }
}
