//! EKS.

use serde_json::Value;

use super::super::Ask;
use super::scope::Scope;
use super::{key, role};
use crate::services::Service;

pub(super) fn asks(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let path = scope.access.call.segments();
    let part = |at: usize| path.get(at).map(String::as_str).unwrap_or_default();
    let (first, name, of, item) = (part(0), part(1), part(2), part(3));
    let input = scope.input;
    if first == "tags" {
        return vec![scope.own(name)];
    }
    let mut all = match (first, name, of, item) {
        ("clusters", "", ..) if scope.name == "CreateCluster" => {
            let cluster = input["name"].as_str().unwrap_or_default();
            vec![scope.own(scope.arn(&format!("cluster/{cluster}")))]
        }
        ("clusters", "", ..) | ("addons" | "cluster-versions" | "access-policies", ..) => {
            vec![scope.own("*")]
        }
        (
            _,
            cluster,
            "node-groups" | "addons" | "access-entries" | "pod-identity-associations",
            item,
        ) if !item.is_empty() => {
            let arn = member(scope, cluster, of, item);
            vec![scope.own(arn)]
        }
        (_, cluster, ..) => vec![scope.own(scope.arn(&format!("cluster/{cluster}")))],
    };
    if scope.name.starts_with("Create") && scope.gives_tags() {
        let made = match of {
            "node-groups" => {
                let group = input["nodegroupName"].as_str().unwrap_or_default();
                format!("nodegroup/{name}/{group}/*")
            }
            "addons" => {
                format!("addon/{name}/{}/*", input["addonName"].as_str().unwrap_or_default())
            }
            "access-entries" => format!("access-entry/{name}/*"),
            "pod-identity-associations" => format!("podidentityassociation/{name}/*"),
            _ => format!("cluster/{}", input["name"].as_str().unwrap_or_default()),
        };
        all.push(scope.action("TagResource", scope.arn(&made)));
    }
    all.extend(besides(scope));
    all
}

/// The ARN of what is in a cluster: it ends with an id.
fn member(scope: &Scope<'_, '_>, cluster: &str, of: &str, item: &str) -> String {
    let (table, field, kind) = match of {
        "node-groups" => ("nodegroup", "nodegroupArn", "nodegroup"),
        "addons" => ("addon", "addonArn", "addon"),
        "access-entries" => ("access-entry", "accessEntryArn", "access-entry"),
        _ => ("pod-identity", "associationArn", "podidentityassociation"),
    };
    let names = ["nodegroupName", "addonName", "principalArn", "associationId"];
    let meant =
        |it: &Value| it["clusterName"] == cluster && names.iter().any(|name| it[*name] == item);
    let found = scope.find(Service::Eks, table, meant);
    let found = found.and_then(|it| it[field].as_str().map(str::to_owned));
    found.unwrap_or_else(|| scope.arn(&format!("{kind}/{cluster}/{item}/*")))
}

/// What is asked for besides.
fn besides(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let input = scope.input;
    let mut all = Vec::new();
    let own = "eks.amazonaws.com";
    match scope.name {
        "CreateCluster" | "AssociateEncryptionConfig" => {
            all.extend(key::at(input, &["roleArn"]).map(|arn| role::pass(arn, own)));
            if scope.name == "CreateCluster" {
                all.extend(role::service_linked(scope, own, "AWSServiceRoleForAmazonEKS"));
            }
            for config in input["encryptionConfig"].as_array().into_iter().flatten() {
                let of = key::at(config, &["provider", "keyArn"]);
                all.extend(key::used(scope, of, &["CreateGrant", "DescribeKey"]));
            }
        }
        "CreateNodegroup" | "UpdateNodegroupVersion" => {
            if let Some(arn) = key::at(input, &["nodeRole"]) {
                all.push(role::pass(arn, own));
                all.push(Ask::new("iam:GetRole", arn));
                all.push(Ask::new("iam:ListAttachedRolePolicies", arn));
                let service = "eks-nodegroup.amazonaws.com";
                let name = "AWSServiceRoleForAmazonEKSNodegroup";
                all.extend(role::service_linked(scope, service, name));
            }
            if let Some(id) = key::at(input, &["launchTemplate", "id"]) {
                let template = scope.arn_of("ec2", &format!("launch-template/{id}"));
                let run = Ask::new("ec2:RunInstances", scope.arn_of("ec2", "instance/*"));
                all.push(run.with("ec2:LaunchTemplate", [template]));
                let tag = Ask::new("ec2:CreateTags", scope.arn_of("ec2", "instance/*"));
                all.push(tag.with("ec2:CreateAction", ["RunInstances"]));
                all.push(Ask::new("ec2:DescribeLaunchTemplateVersions", "*"));
            }
        }
        "CreateAddon" | "UpdateAddon" => {
            let arn = key::at(input, &["serviceAccountRoleArn"]);
            all.extend(arn.map(|arn| role::pass(arn, own)));
            for association in input["podIdentityAssociations"].as_array().into_iter().flatten() {
                let arn = key::at(association, &["roleArn"]);
                all.extend(arn.map(|arn| role::pass(arn, "pods.eks.amazonaws.com")));
            }
        }
        "CreatePodIdentityAssociation" | "UpdatePodIdentityAssociation" => {
            if let Some(arn) = key::at(input, &["roleArn"]) {
                all.push(role::pass(arn, "pods.eks.amazonaws.com"));
                all.push(Ask::new("iam:GetRole", arn));
            }
        }
        _ => {}
    }
    all
}
