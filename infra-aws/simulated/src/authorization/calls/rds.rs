//! RDS.

use super::super::Ask;
use super::scope::Scope;
use super::{key, role};
use crate::wire::flags;

/// What an ARN is made of: the type, and the parameter with the name.
const NAMES: [(&str, &str); 4] = [
    ("db", "DBInstanceIdentifier"),
    ("subgrp", "DBSubnetGroupName"),
    ("pg", "DBParameterGroupName"),
    ("snapshot", "DBSnapshotIdentifier"),
];

pub(super) fn asks(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let name = scope.name;
    let named = NAMES.into_iter().filter_map(|(kind, parameter)| {
        // Names are the same whatever their case, and kept in lower case.
        Some(scope.arn(&format!("{kind}:{}", scope.text(parameter)?.to_ascii_lowercase())))
    });
    let mut arns: Vec<String> = named.collect();
    arns.extend(scope.text("SourceDBInstanceArn").map(str::to_owned));
    let lists = |kind: &str| vec![scope.arn(&format!("{kind}:*"))];
    match (name, arns.is_empty()) {
        ("AddTagsToResource" | "RemoveTagsFromResource" | "ListTagsForResource", _) => {
            arns = scope.texts("ResourceName");
        }
        ("DescribeDBInstances", true) => arns = lists("db"),
        ("DescribeDBSubnetGroups", true) => arns = lists("subgrp"),
        ("DescribeDBParameterGroups", true) => arns = lists("pg"),
        (_, true) => arns = vec!["*".to_owned()],
        (_, false) => {}
    }
    let mut all: Vec<_> = arns.iter().map(|arn| scope.own(&**arn)).collect();
    if name.starts_with("CreateDB") && scope.gives_tags() {
        all.extend(arns.first().map(|arn| scope.action("AddTagsToResource", &**arn)));
    }
    if let ("DeleteDBInstance", Some(last)) = (name, scope.text("FinalDBSnapshotIdentifier")) {
        let snapshot = scope.arn(&format!("snapshot:{last}"));
        all.extend([arns[0].clone(), snapshot].map(|arn| scope.action("CreateDBSnapshot", arn)));
    }
    match name {
        "CreateDBInstance" | "ModifyDBInstance" => all.extend(besides(scope)),
        "StartDBInstanceAutomatedBackupsReplication" => {
            let tag = scope.arn("auto-backup:*");
            all.extend(scope.gives_tags().then(|| scope.action("AddTagsToResource", tag)));
            let of = key::at(scope.input, &["KmsKeyId"]);
            all.extend(key::used(scope, of, &["CreateGrant", "DescribeKey"]));
        }
        _ => {}
    }
    all
}

/// What is asked for besides.
fn besides(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let input = scope.input;
    let mut all = Vec::new();
    if scope.name == "CreateDBInstance" {
        all.extend(role::service_linked(scope, "rds.amazonaws.com", "AWSServiceRoleForRDS"));
    }
    for of in ["KmsKeyId", "PerformanceInsightsKMSKeyId"] {
        all.extend(key::used(scope, key::at(input, &[of]), &["CreateGrant", "DescribeKey"]));
    }
    let monitor = key::at(input, &["MonitoringRoleArn"]);
    all.extend(monitor.map(|arn| role::pass(arn, "monitoring.rds.amazonaws.com")));
    if flags(input, "ManageMasterUserPassword") == Some(true) {
        let secret = scope.arn_of("secretsmanager", "secret:rds!db-*");
        let make = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"];
        all.extend(make.map(|action| Ask::new(action, &*secret)));
        let of = key::at(input, &["MasterUserSecretKmsKeyId"]);
        let seal = ["CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey"];
        all.extend(key::used(scope, of, &seal));
    }
    all
}
