//! What is found, as the engine is told of it.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, Tag};
use infra_core::provider::{Contained, Operation};

pub(super) type Tags = BTreeMap<String, String>;

/// A filter takes this many values. (*Quotas for filters* of the EC2 API reference.)
const VALUES: usize = 200;

/// Tags of what AWS and the controllers of Kubernetes make and look after, and who that is.
const MAKERS: [(&str, &str); 6] = [
    ("aws:autoscaling:groupName", "the auto scaling group"),
    ("eks:nodegroup-name", "the node group"),
    ("aws:eks:cluster-name", "the cluster"),
    ("elbv2.k8s.aws/cluster", "what runs in the cluster"),
    ("service.k8s.aws/stack", "the Kubernetes service"),
    ("ingress.k8s.aws/stack", "the Kubernetes ingress"),
];

/// An object with these tags, called as its `Name` says.
pub(super) fn object(kind: &str, id: impl Into<String>, tags: &Tags) -> Contained {
    let owner = tags.iter().filter(|(key, _)| key.starts_with(Operation::TAG_PREFIX));
    let owner: Tags = owner.map(|(key, value)| (key.clone(), value.clone())).collect();
    let maker = MAKERS.iter().find_map(|(tag, who)| Some(format!("{who} {:?}", tags.get(*tag)?)));
    Contained {
        kind: kind.to_owned(),
        id: id.into(),
        name: tags.get("Name").filter(|name| !name.is_empty()).cloned(),
        owner: (!owner.is_empty()).then_some(owner),
        comes_with: maker,
    }
}

/// The same, with the name that it has itself where no tag gives it one.
pub(super) fn named(mut object: Contained, name: Option<&str>) -> Contained {
    object.name = object.name.or_else(|| name.map(str::to_owned));
    object
}

/// The same, which goes with something else if `with` says so.
pub(super) fn part_of(mut object: Contained, with: Option<impl Into<String>>) -> Contained {
    object.comes_with = with.map(Into::into).or(object.comes_with);
    object
}

/// EC2's tags.
pub(super) fn tags(tags: &[Tag]) -> Tags {
    let pair =
        |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(pair).collect()
}

/// Filters that together match these values.
pub(super) fn filters(name: &str, values: &[String]) -> Vec<Filter> {
    let filter =
        |values: &[String]| Filter::builder().name(name).set_values(Some(values.to_vec())).build();
    values.chunks(VALUES).map(filter).collect()
}

/// The filter for what is in the VPC.
pub(super) fn within(vpc: &str) -> Filter {
    Filter::builder().name("vpc-id").values(vpc).build()
}
