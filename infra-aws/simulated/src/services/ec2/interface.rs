//! Network interfaces. Nobody makes them; whatever sits in a subnet has them. They are worked out
//! from what exists, and they are what keeps subnets, groups, VPCs and gateways from being
//! deleted.

use serde_json::{Value, json};

use super::describe;
use super::kind::Kind;
use crate::services::access::digest;
use crate::services::{Access, Service};
use crate::wire::Outcome;

/// Something's foot in a subnet.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) subnet: String,
    pub(crate) groups: Vec<String>,
    pub(crate) description: String,
    /// Whether it has a public address.
    pub(crate) public: bool,
}

static KIND: Kind = Kind {
    table: "network-interface",
    prefix: "eni",
    id: "networkInterfaceId",
    param: "NetworkInterfaceId",
    set: "networkInterfaceSet",
    missing: "InvalidNetworkInterfaceID.NotFound",
    filters: &[("group-id", "groupSet.groupId")],
};

/// The interface of an owner in a subnet: always the same id.
pub(super) fn interface_id(owner: &str, subnet: &str) -> String {
    format!("eni-{}", digest(format!("{owner}/{subnet}"), 17))
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it.as_str().or_else(|| it["groupId"].as_str()))
        .map(str::to_owned)
        .collect()
}

/// Every interface of the account and region.
pub(crate) fn interfaces(access: &mut Access<'_>) -> Vec<Interface> {
    let mut all = Vec::new();
    let mut add = |owner: &str, subnets: &[String], groups: &[String], what: String, public| {
        for subnet in subnets {
            all.push(Interface {
                id: interface_id(owner, subnet),
                vpc: String::new(),
                subnet: subnet.clone(),
                groups: groups.to_vec(),
                description: what.clone(),
                public,
            });
        }
    };
    let docs = access.docs(Service::Ec2);
    for (id, nat) in docs.all("natgateway").filter(|(_, nat)| nat["state"] != "deleted") {
        let public = nat["connectivityType"] == "public";
        if let Some(subnet) = nat["subnetId"].as_str() {
            let what = format!("Interface for NAT Gateway {id}");
            add(id, &[subnet.to_owned()], &[], what, public);
        }
    }
    for (id, endpoint) in docs.all("vpc-endpoint") {
        let what = format!("VPC Endpoint Interface {id}");
        let groups = strings(&endpoint["groupSet"]);
        add(id, &strings(&endpoint["subnetIdSet"]), &groups, what, false);
    }
    for (id, instance) in docs.all("instance") {
        let running = instance["instanceState"]["name"] != "terminated";
        if let (true, Some(subnet)) = (running, instance["subnetId"].as_str()) {
            let public = instance["ipAddress"].is_string()
                || docs.values("elastic-ip").any(|address| address["instanceId"] == id);
            let groups = strings(&instance["groupSet"]);
            let what = format!("Primary network interface of {id}");
            add(id, &[subnet.to_owned()], &groups, what, public);
        }
    }
    let docs = access.docs(Service::Elbv2);
    for (arn, balancer) in docs.all("load-balancer") {
        let subnets: Vec<String> = balancer["AvailabilityZones"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|zone| zone["SubnetId"].as_str())
            .map(str::to_owned)
            .collect();
        let what = format!("ELB {}", arn.split("loadbalancer/").nth(1).unwrap_or(arn));
        let public = balancer["Scheme"] == "internet-facing";
        add(arn, &subnets, &strings(&balancer["SecurityGroups"]), what, public);
    }
    let docs = access.docs(Service::Rds);
    for (id, database) in docs.all("instance") {
        let groups: Vec<String> = database["VpcSecurityGroups"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|group| group["VpcSecurityGroupId"].as_str())
            .map(str::to_owned)
            .collect();
        let subnets: Vec<String> = database["DBSubnetGroup"]["Subnets"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|subnet| subnet["SubnetIdentifier"].as_str())
            .map(str::to_owned)
            .collect();
        add(id, &subnets, &groups, "RDSNetworkInterface".to_owned(), false);
    }
    let docs = access.docs(Service::Eks);
    for (name, cluster) in docs.all("cluster") {
        let config = &cluster["resourcesVpcConfig"];
        let mut groups = strings(&config["securityGroupIds"]);
        groups.extend(config["clusterSecurityGroupId"].as_str().map(str::to_owned));
        add(name, &strings(&config["subnetIds"]), &groups, format!("Amazon EKS {name}"), false);
    }
    for (id, group) in docs.all("nodegroup") {
        let groups = strings(&group["_securityGroups"]);
        let what = format!("node of {id}");
        add(id, &strings(&group["subnets"]), &groups, what, false);
    }
    let docs = access.docs(Service::Ec2);
    for interface in &mut all {
        if let Some(subnet) = docs.get("subnet", &interface.subnet) {
            interface.vpc = subnet["vpcId"].as_str().unwrap_or_default().to_owned();
        }
    }
    all
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let account = access.account();
    let all: Vec<Value> = interfaces(access)
        .into_iter()
        .map(|it| {
            let groups: Vec<Value> =
                it.groups.iter().map(|group| json!({"groupId": group})).collect();
            json!({
                "networkInterfaceId": it.id, "subnetId": it.subnet, "vpcId": it.vpc,
                "description": it.description, "ownerId": account, "requesterManaged": true,
                "status": "in-use", "groupSet": groups, "tagSet": [], "interfaceType": "interface",
            })
        })
        .collect();
    let found = describe::select(access, &KIND, all)?;
    describe::page(access.input(), KIND.set, found)
}
