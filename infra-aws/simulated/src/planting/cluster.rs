//! EKS.

use serde_json::{Value, json};

use super::object::{Object, texts};
use super::planter::{Planter, Result, tag_map};
use crate::services::Service;

/// It is made with a version there is today, and then has the state's.
pub(super) fn cluster(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let name = object.need("name")?;
    let network = object.block("vpc_config");
    let access = object.block("access_config");
    let logs = object.texts("enabled_cluster_log_types");
    let input = json!({
        "name": name, "roleArn": object.need("role_arn")?, "tags": tag_map(object),
        "resourcesVpcConfig": {
            "subnetIds": texts(&network["subnet_ids"]),
            "securityGroupIds": texts(&network["security_group_ids"]),
            "endpointPublicAccess": network["endpoint_public_access"],
            "endpointPrivateAccess": network["endpoint_private_access"],
            "publicAccessCidrs": network["public_access_cidrs"],
        },
        "logging": {"clusterLogging": [{"types": logs, "enabled": true}]},
        "accessConfig": {
            "authenticationMode": access["authentication_mode"].as_str().unwrap_or("CONFIG_MAP"),
            "bootstrapClusterCreatorAdminPermissions": false,
        },
        "encryptionConfig": match object.block("encryption_config") {
            Value::Null => Value::Null,
            said => json!([{
                "resources": texts(&said["resources"]),
                "provider": {"keyArn": said["provider"][0]["key_arn"]},
            }]),
        },
        "kubernetesNetworkConfig": match object.block("kubernetes_network_config") {
            Value::Null => Value::Null,
            said => json!({
                "serviceIpv4Cidr": said["service_ipv4_cidr"],
                "ipFamily": said["ip_family"].as_str().unwrap_or("ipv4"),
            }),
        },
    });
    planter.at_path("CreateCluster", "/clusters", input)?;
    let made = planter.find(Service::Eks, "cluster", |it| it["name"] == name).unwrap_or_default();
    if let Some(group) = network["cluster_security_group_id"].as_str() {
        planter.rename(&made["resourcesVpcConfig"]["clusterSecurityGroupId"], group);
    }
    let issuer = &object.block("identity")["oidc"][0]["issuer"];
    let said = json!({
        "version": object.attributes["version"], "endpoint": object.attributes["endpoint"],
        "platformVersion": object.attributes["platform_version"],
        "certificateAuthority": {"data": object.block("certificate_authority")["data"]},
        "identity": {"oidc": {"issuer": issuer}},
    });
    planter.set(Service::Eks, "cluster", name, said);
    Ok(())
}

pub(super) fn node_group(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let (cluster, name) = (object.need("cluster_name")?, object.need("node_group_name")?);
    let scaling = object.block("scaling_config");
    let template = match object.block("launch_template") {
        Value::Null => Value::Null,
        said => json!({"id": said["id"], "version": said["version"]}),
    };
    let attributes = &object.attributes;
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let input = json!({
        "nodegroupName": name, "nodeRole": object.need("node_role_arn")?,
        "subnets": object.texts("subnet_ids"),
        "scalingConfig": {
            "minSize": scaling["min_size"], "maxSize": scaling["max_size"],
            "desiredSize": scaling["desired_size"],
        },
        "instanceTypes": some(object.texts("instance_types")),
        "amiType": object.text("ami_type"), "capacityType": object.text("capacity_type"),
        "diskSize": attributes["disk_size"].as_i64().filter(|size| *size != 0 && template.is_null()),
        "launchTemplate": template, "labels": attributes["labels"], "tags": tag_map(object),
    });
    planter.at_path("CreateNodegroup", &format!("/clusters/{cluster}/node-groups"), input)?;
    let made = planter.find(Service::Eks, "nodegroup", |it| {
        it["clusterName"] == cluster && it["nodegroupName"] == name
    });
    let made = made.unwrap_or_default();
    let group = &object.block("resources")["autoscaling_groups"][0]["name"];
    if let Some(group) = group.as_str() {
        planter.rename(&made["resources"]["autoScalingGroups"][0]["name"], group);
    }
    let said = json!({
        "version": attributes["version"], "releaseVersion": attributes["release_version"],
        "nodegroupArn": attributes["arn"],
    });
    planter.set(Service::Eks, "nodegroup", &format!("{cluster}/{name}"), said);
    Ok(())
}
