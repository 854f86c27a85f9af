//! Names and words of EKS.

use infra_core::{
    Value,
    provider::{Error, Lock, Result},
    text_type,
};

text_type! {
    /// The name of a cluster.
    ClusterName, "a cluster's name of 1 to 100 letters, digits, `-` and `_`",
    |text| (1..=100).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

impl ClusterName {
    /// EKS takes one change of this kind at a time. Node groups and add-ons have no lock: they may be made side by
    /// side, and a lock is held until what was made is ready.
    pub(super) fn lock(&self, what: &str) -> Lock {
        Lock(format!("eks:{what}:{self}"))
    }
}

/// A log of the control plane.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogType {
    /// The API server's.
    Api,
    /// Who did what.
    Audit,
    /// Who IAM principals became.
    Authenticator,
    /// The controllers'.
    #[value(rename = "controllerManager")]
    ControllerManager,
    /// The scheduler's.
    Scheduler,
}

impl LogType {
    pub(super) const ALL: [Self; 5] =
        [Self::Api, Self::Audit, Self::Authenticator, Self::ControllerManager, Self::Scheduler];
}

/// How IAM principals get into a cluster.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthenticationMode {
    /// By the config map `aws-auth` only; deprecated.
    #[value(rename = "CONFIG_MAP")]
    ConfigMap,
    /// By both.
    #[value(rename = "API_AND_CONFIG_MAP")]
    ApiAndConfigMap,
    /// By access entries.
    #[value(rename = "API")]
    Api,
}

/// What happens when standard support of a version ends.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// AWS upgrades the cluster.
    #[value(rename = "STANDARD")]
    Standard,
    /// It stays, for a fee.
    #[value(rename = "EXTENDED")]
    Extended,
}

/// The addresses of pods and services.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// How nodes are paid for.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapacityType {
    /// As long as they run.
    #[value(rename = "ON_DEMAND")]
    OnDemand,
    /// Cheaper, and taken away at two minutes' notice.
    #[value(rename = "SPOT")]
    Spot,
    /// From a capacity block that was bought.
    #[value(rename = "CAPACITY_BLOCK")]
    CapacityBlock,
}

/// What a taint does to pods that do not tolerate it.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaintEffect {
    /// They are not put there.
    #[value(rename = "NO_SCHEDULE")]
    NoSchedule,
    /// They are put elsewhere if possible.
    #[value(rename = "PREFER_NO_SCHEDULE")]
    PreferNoSchedule,
    /// They are evicted.
    #[value(rename = "NO_EXECUTE")]
    NoExecute,
}

/// How many nodes may be missing during an update.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// This many.
    Count(i32),
    /// This share of all.
    Percentage(i32),
}

/// What an add-on does with settings that somebody else changed in the cluster.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolve {
    /// It fails.
    #[value(rename = "NONE")]
    Fail,
    /// It sets its own.
    #[value(rename = "OVERWRITE")]
    Overwrite,
    /// It leaves them.
    #[value(rename = "PRESERVE")]
    Preserve,
}

/// What an access entry is for.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKind {
    /// People and programs.
    #[value(rename = "STANDARD")]
    Standard,
    /// Linux nodes that EKS does not manage.
    #[value(rename = "EC2_LINUX")]
    Ec2Linux,
    /// Windows nodes.
    #[value(rename = "EC2_WINDOWS")]
    Ec2Windows,
    /// Fargate.
    #[value(rename = "FARGATE_LINUX")]
    FargateLinux,
    /// Nodes of Auto Mode.
    #[value(rename = "EC2")]
    Ec2,
}

/// The two halves of the id of something in a cluster: `CLUSTER/REST`.
pub(super) fn split(id: &str) -> Result<(ClusterName, &str)> {
    let (cluster, rest) = id
        .split_once('/')
        .ok_or_else(|| Error::invalid(format!("expected CLUSTER/NAME, found {id:?}")))?;
    Ok((ClusterName::trusted(cluster), rest))
}

/// The ARN of something of EKS, for a permission.
pub(super) fn arn(resource: &str) -> String {
    format!("arn:*:eks:*:*:{resource}")
}

/// Whether two lists hold the same, in whatever order.
pub(super) fn same<T: ToString>(a: &[T], b: &[T]) -> bool {
    let sorted = |list: &[T]| {
        let mut list: Vec<_> = list.iter().map(ToString::to_string).collect();
        list.sort();
        list.dedup();
        list
    };
    sorted(a) == sorted(b)
}

/// `CODE: message (ids)`, one after the other.
pub(super) fn issues<'a>(
    issues: impl Iterator<Item = (&'a str, Option<&'a str>, &'a [String])>,
) -> String {
    let text = |(code, message, ids): (&str, Option<&str>, &[String])| {
        let message = message.map(|message| format!(": {message}")).unwrap_or_default();
        let ids = if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) };
        format!("{code}{message}{ids}")
    };
    issues.map(text).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_split_at_the_first_slash() {
        let (cluster, rest) = split("prod/arn:aws:iam::1:role/admin").unwrap();
        assert_eq!((cluster.as_str(), rest), ("prod", "arn:aws:iam::1:role/admin"));
        assert!(split("prod").is_err());
    }

    #[test]
    fn issues_say_everything() {
        let ids = ["i-1".to_owned(), "i-2".to_owned()];
        let all = [("NodeCreationFailure", Some("no route"), &ids[..]), ("Other", None, &[])];
        assert_eq!(issues(all.into_iter()), "NodeCreationFailure: no route (i-1, i-2); Other");
        assert!(same(&["b", "a"], &["a", "b"]) && !same(&["a"], &["b"]));
    }
}
