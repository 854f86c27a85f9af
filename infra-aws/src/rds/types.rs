//! Names and words of RDS.

use infra_core::{Value, text_type};

text_type! {
    /// The name of a subnet group.
    SubnetGroupName, "a subnet group's name in lower case",
    |text| !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_uppercase)
}
text_type! {
    /// The name of a parameter group.
    ParameterGroupName, "a parameter group's name in lower case",
    |text| !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_uppercase)
}

/// An amount of storage in GiB.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gib(pub i32);

/// This many GiB.
pub fn gib(amount: i32) -> Gib {
    Gib(amount)
}

/// What a database's storage is made of.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageType {
    /// General purpose; IOPS and throughput apart from size.
    Gp3,
    /// General purpose, the generation before.
    Gp2,
    /// Provisioned IOPS.
    Io1,
    /// Provisioned IOPS, more durable.
    Io2,
    /// Magnetic; for what is old.
    Standard,
}

/// How much CloudWatch Database Insights looks at.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseInsights {
    /// The default.
    Standard,
    /// Needs performance insights kept for 465 days.
    Advanced,
}

/// The ARN of something of RDS, for a permission.
pub(super) fn arn(kind: &str, name: Option<&str>) -> String {
    format!("arn:*:rds:*:*:{kind}:{}", name.unwrap_or("*"))
}
