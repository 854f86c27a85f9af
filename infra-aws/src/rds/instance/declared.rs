//! What a declaration of a database needs and what can be wrong with it.

use infra_core::provider::{Change, Grant, Part, Partial, Violation};

use super::Instance;
use crate::{
    policy::{self, Verb, encrypts, key, linked, looks_around, pass, subject},
    rds::types::arn,
};

/// The permissions that the change needs.
pub(super) fn grants(change: &Change<'_, Instance>) -> Vec<Grant> {
    let db = subject(change);
    let this = arn("db", db.and_then(|db| db.identifier.as_deref()));
    let rds = |action: &str, arn: &str| Grant::new(format!("rds:{action}"), arn);
    let verb = Verb::of(change);
    if verb == Verb::Search {
        return policy::grants("*", ["rds:DescribeDBInstances", "rds:ListTagsForResource"]);
    }
    let mut all = vec![rds("DescribeDBInstances", "*"), rds("ListTagsForResource", &this)];
    let Some(db) = db else { return all };
    let named = |action: &str| {
        let subnets = db.subnet_group.iter().map(|name| arn("subgrp", Some(name.as_str())));
        let parameters = db.parameter_group.iter().map(|name| arn("pg", Some(name.as_str())));
        let groups: Vec<_> = subnets.chain(parameters).collect();
        groups.into_iter().chain([this.clone()]).map(|arn| rds(action, &arn)).collect::<Vec<_>>()
    };
    match verb {
        Verb::Search | Verb::Read => return all,
        Verb::Create => {
            all.extend(named("CreateDBInstance"));
            all.push(rds("AddTagsToResource", &this));
            all.push(linked("rds.amazonaws.com", "AWSServiceRoleForRDS"));
            all.extend(looks_around(&[
                "ec2:DescribeAccountAttributes",
                "ec2:DescribeAvailabilityZones",
                "ec2:DescribeInternetGateways",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcAttribute",
                "ec2:DescribeVpcs",
            ]));
        }
        Verb::Update => {
            all.extend(named("ModifyDBInstance"));
            let tags = ["AddTagsToResource", "RemoveTagsFromResource"];
            all.extend(tags.map(|action| rds(action, &this)));
        }
        Verb::Delete => {
            all.push(rds("DeleteDBInstance", &this));
            if !db.skip_final_snapshot {
                all.push(rds("CreateDBSnapshot", &this));
                all.push(rds("CreateDBSnapshot", &arn("snapshot", None)));
            }
            return all;
        }
    }
    let service = "monitoring.rds.amazonaws.com";
    all.extend(db.monitoring_role.as_ref().map(|role| pass(role.as_str(), service)));
    let storage = [&db.kms_key, &db.performance_insights_key];
    all.extend(storage.into_iter().flatten().flat_map(|of| encrypts(of.as_str())));
    all.extend(master_secret(db, verb));
    all
}

/// RDS makes the secret of a managed master password on behalf of the caller.
fn master_secret(db: &Instance, verb: Verb) -> Vec<Grant> {
    if !db.manage_master_password {
        return Vec::new();
    }
    let secret = "arn:*:secretsmanager:*:*:secret:rds!db-*";
    let make = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"];
    let mut all = policy::grants(secret, make);
    if verb == Verb::Update {
        let keep = ["secretsmanager:DescribeSecret", "secretsmanager:RotateSecret"];
        all.extend(policy::grants(secret, keep));
    }
    if let Some(of) = &db.master_secret_key {
        let seal = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"];
        all.extend(policy::grants(key(of.as_str()), seal));
    }
    all
}

/// What is wrong, as far as it is known.
pub(super) fn check(want: &Partial<Instance>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let managed = match want.get(Instance::MANAGE_MASTER_PASSWORD) {
        Part::Unset => Some(false),
        Part::Known(managed) => Some(managed),
        Part::Unknown => None,
    };
    let has_password = want.value().get("password").is_some();
    if managed == Some(true) && has_password {
        let message = "expected either a password or manage_master_password, found both";
        violations.push(Violation::of(Instance::PASSWORD, message));
    }
    if managed == Some(false) && !has_password {
        let message = "expected a password, or manage_master_password(true), found neither";
        violations.push(Violation::of(Instance::PASSWORD, message));
    }
    if let Part::Known(days) = want.get(Instance::BACKUP_RETENTION)
        && !(0..=35).contains(&days)
    {
        let message = format!("expected 0 to 35 days, found {days}");
        violations.push(Violation::of(Instance::BACKUP_RETENTION, message));
    }
    if let Part::Known(class) = want.get(Instance::CLASS)
        && !class.starts_with("db.")
    {
        let message = format!("expected a class like `db.m7g.large`, found {class:?}");
        violations.push(Violation::of(Instance::CLASS, message));
    }
    if let (Part::Known(storage), Part::Known(max)) =
        (want.get(Instance::STORAGE), want.get(Instance::MAX_STORAGE))
        && max <= storage
    {
        let message =
            format!("expected more than the storage of {} GiB, found {}", storage.0, max.0);
        violations.push(Violation::of(Instance::MAX_STORAGE, message));
    }
    if let Part::Known(days) = want.get(Instance::PERFORMANCE_INSIGHTS_RETENTION)
        && !(days == 7 || days == 731 || (days % 31 == 0 && (31..=713).contains(&days)))
    {
        let message = format!("expected 7, a multiple of 31 up to 713, or 731 days, found {days}");
        violations.push(Violation::of(Instance::PERFORMANCE_INSIGHTS_RETENTION, message));
    }
    violations
}
