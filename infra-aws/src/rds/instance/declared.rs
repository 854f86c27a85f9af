//! What a declaration of a database needs and what can be wrong with it.

use infra_core::provider::{Change, Grant, Part, Partial, Violation};

use super::Instance;
use crate::rds::types::arn;

/// The permissions that the change needs.
pub(super) fn grants(change: &Change<'_, Instance>) -> Vec<Grant> {
    let db = change.want.or(change.recorded);
    let this = arn("db", db.and_then(|db| db.identifier.as_deref()));
    let rds = |action: &str, arn: &str| Grant::new(format!("rds:{action}"), arn);
    let mut grants = vec![rds("DescribeDBInstances", "*"), rds("ListTagsForResource", &this)];
    let groups = |grants: &mut Vec<Grant>, action: &str| {
        let subnets = db.and_then(|db| db.subnet_group.as_ref());
        let parameters = db.and_then(|db| db.parameter_group.as_ref());
        grants.push(rds(action, &this));
        grants.extend(subnets.map(|name| rds(action, &arn("subgrp", Some(name.as_str())))));
        grants.extend(parameters.map(|name| rds(action, &arn("pg", Some(name.as_str())))));
    };
    match (change.have, change.want) {
        (_, None) => {
            grants.push(rds("DeleteDBInstance", &this));
            if db.is_some_and(|db| !db.skip_final_snapshot) {
                grants.push(rds("CreateDBSnapshot", &this));
                grants.push(rds("CreateDBSnapshot", &arn("snapshot", None)));
            }
            return grants;
        }
        (None, _) => {
            groups(&mut grants, "CreateDBInstance");
            grants.push(rds("AddTagsToResource", &this));
            let role = "arn:*:iam::*:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS";
            grants.push(Grant::new("iam:CreateServiceLinkedRole", role));
        }
        _ => {
            groups(&mut grants, "ModifyDBInstance");
            grants.extend(
                ["AddTagsToResource", "RemoveTagsFromResource"].map(|action| rds(action, &this)),
            );
        }
    }
    let Some(db) = db else { return grants };
    grants
        .extend(db.monitoring_role.as_ref().map(|role| Grant::new("iam:PassRole", role.as_str())));
    for key in
        [&db.kms_key, &db.master_secret_key, &db.performance_insights_key].into_iter().flatten()
    {
        grants.extend(
            ["kms:CreateGrant", "kms:DescribeKey"].map(|action| Grant::new(action, key.as_str())),
        );
    }
    if db.manage_master_password {
        let secret = "arn:*:secretsmanager:*:*:secret:rds!db-*";
        let actions = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"];
        grants.extend(actions.map(|action| Grant::new(action, secret)));
    }
    grants
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
