//! Clusters.

use base64::Engine as _;
use serde_json::{Value, json};

use super::route::{in_use, invalid, missing, refused, repeated};
use super::{catalogue, key, network, role, update};
use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Failure, Outcome, text};
use crate::world;

/// A certificate like the one every cluster has; nothing is signed with it.
const AUTHORITY: &str = include_str!("authority.pem");

/// The tables of what lives in a cluster.
pub(super) const PARTS: [&str; 5] =
    ["nodegroup", "addon", "access-entry", "pod-identity", "update"];

pub(super) fn find(access: &mut Access<'_>, name: &str) -> Result<Value, Failure> {
    access.docs(Service::Eks).get("cluster", name).cloned().ok_or_else(|| missing("cluster", name))
}

/// A cluster that can be worked on: active.
pub(super) fn active(access: &mut Access<'_>, name: &str) -> Result<Value, Failure> {
    let cluster = find(access, name)?;
    match cluster["status"].as_str() {
        Some("ACTIVE") => Ok(cluster),
        Some("UPDATING") => Err(in_use(format!("Cluster {name} is being updated"))),
        status => Err(refused(format!(
            "Cluster {name} is not in ACTIVE status (it is {})",
            status.unwrap_or_default()
        ))),
    }
}

pub(super) fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "name").ok_or_else(|| invalid("name is required"))?;
    if let Some(old) = access.docs(Service::Eks).get("cluster", name) {
        return if repeated(input, old)? {
            Ok(json!({"cluster": old}))
        } else {
            Err(in_use(format!("Cluster already exists with name: {name}")))
        };
    }
    let role = text(input, "roleArn").ok_or_else(|| invalid("roleArn is required"))?;
    role::check(access, role)?;
    let asked = &input["resourcesVpcConfig"];
    let subnets = strings(&asked["subnetIds"]);
    let vpc = network::vpc_of(access, &subnets)?;
    network::check_groups(access, &strings(&asked["securityGroupIds"]))?;
    key::check(access, &input["encryptionConfig"])?;
    let version = text(input, "version").unwrap_or(catalogue::DEFAULT_VERSION);
    if !catalogue::is_version(version) {
        return Err(invalid(format!("unsupported Kubernetes version {version}")));
    }
    let (region, account) = (access.region(), access.account());
    let group = network::cluster_group(access, name, &vpc);
    let id = hex(32).to_uppercase();
    let mode = text(&input["accessConfig"], "authenticationMode").unwrap_or("CONFIG_MAP");
    let creator_admin =
        input["accessConfig"]["bootstrapClusterCreatorAdminPermissions"] != json!(false);
    let mut cluster = json!({
        "name": name,
        "arn": format!("arn:aws:eks:{region}:{account}:cluster/{name}"),
        "createdAt": access.epoch(),
        "version": version,
        "roleArn": role,
        "status": "CREATING",
        "platformVersion": "eks.1",
        "resourcesVpcConfig": {
            "subnetIds": subnets,
            "securityGroupIds": strings(&asked["securityGroupIds"]),
            "vpcId": vpc,
            "endpointPublicAccess": asked["endpointPublicAccess"].as_bool().unwrap_or(true),
            "endpointPrivateAccess": asked["endpointPrivateAccess"].as_bool().unwrap_or(false),
            "publicAccessCidrs": or(&asked["publicAccessCidrs"], json!(["0.0.0.0/0"])),
        },
        "kubernetesNetworkConfig": or(
            &input["kubernetesNetworkConfig"],
            json!({"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"}),
        ),
        "logging": logging(&input["logging"], None),
        "identity": {},
        "certificateAuthority": {},
        "tags": or(&input["tags"], json!({})),
        "encryptionConfig": input["encryptionConfig"],
        "health": {"issues": []},
        "accessConfig": {
            "authenticationMode": mode, "bootstrapClusterCreatorAdminPermissions": creator_admin,
        },
        "upgradePolicy": or(&input["upgradePolicy"], json!({"supportType": "EXTENDED"})),
        "zonalShiftConfig": or(&input["zonalShiftConfig"], json!({"enabled": false})),
        "computeConfig": input["computeConfig"],
        "storageConfig": input["storageConfig"],
        "remoteNetworkConfig": input["remoteNetworkConfig"],
        "controlPlaneScalingConfig": input["controlPlaneScalingConfig"],
        "deletionProtection": input["deletionProtection"] == json!(true),
        "clientRequestToken": input["clientRequestToken"],
        "_token": input["clientRequestToken"],
        "_asked": input,
        "_born": access.now,
    });
    let ready = json!({
        "status": "ACTIVE",
        "endpoint": format!("https://{id}.gr7.{region}.eks.simulated.invalid"),
        "certificateAuthority": {
            "data": base64::engine::general_purpose::STANDARD.encode(AUTHORITY),
        },
        "identity": {"oidc": {"issuer": format!("https://oidc.eks.{region}.amazonaws.com/id/{id}")}},
        "resourcesVpcConfig": {"clusterSecurityGroupId": group},
    });
    cluster["_clusterGroup"] = json!(group);
    world::plan(&mut cluster, &[(access.after(Wait::ClusterActive), ready)]);
    access.docs(Service::Eks).put("cluster", name, cluster.clone());
    if mode != "CONFIG_MAP" && creator_admin {
        let caller = format!("arn:aws:iam::{account}:user/embedded");
        super::access_entry::make(access, name, &caller, "STANDARD", json!([]), json!({}));
    }
    Ok(json!({"cluster": cluster}))
}

fn or(given: &Value, default: Value) -> Value {
    if given.is_null() { default } else { given.clone() }
}

const LOGS: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/// AWS answers with all types, in an enabled and a disabled list.
fn logging(asked: &Value, old: Option<&Value>) -> Value {
    let mut enabled: Vec<&str> = Vec::new();
    for source in old.into_iter().chain([asked]) {
        for set in source["clusterLogging"].as_array().into_iter().flatten() {
            for name in LOGS {
                if strings(&set["types"]).iter().any(|it| it == name) {
                    enabled.retain(|it| *it != name);
                    if set["enabled"] == true {
                        enabled.push(name);
                    }
                }
            }
        }
    }
    let sets = [true, false].map(|on| {
        let types: Vec<&str> =
            LOGS.into_iter().filter(|name| enabled.contains(name) == on).collect();
        json!({"types": types, "enabled": on})
    });
    let sets: Vec<Value> = sets.into_iter().filter(|set| set["types"] != json!([])).collect();
    json!({"clusterLogging": sets})
}

pub(super) fn list(access: &mut Access<'_>) -> Value {
    json!({"clusters": access.docs(Service::Eks).ids("cluster")})
}

pub(super) fn describe(access: &mut Access<'_>, name: &str) -> Outcome {
    let cluster = find(access, name)?;
    let born = cluster["_born"].as_u64().unwrap_or(0);
    if access.lag > 0 && born + access.lag > access.now {
        return Err(missing("cluster", name));
    }
    Ok(json!({"cluster": cluster}))
}

pub(super) fn delete(access: &mut Access<'_>, name: &str) -> Outcome {
    let cluster = find(access, name)?;
    if cluster["deletionProtection"] == true {
        return Err(refused(format!(
            "Cluster {name} has deletion protection enabled; disable it first"
        )));
    }
    let prefix = format!("{name}/");
    if access.docs(Service::Eks).all("nodegroup").any(|(key, _)| key.starts_with(&prefix)) {
        return Err(in_use("Cluster has nodegroups attached"));
    }
    if cluster["status"] == "DELETING" {
        return Ok(json!({"cluster": cluster}));
    }
    if cluster["status"] != "ACTIVE" {
        return Err(in_use(format!("Cluster {name} is {}", cluster["status"])));
    }
    let gone = access.after(Wait::ClusterDeleted);
    let docs = access.docs(Service::Eks);
    for table in PARTS {
        for key in docs.ids(table) {
            let of_cluster = table == "update"
                && docs.get(table, &key).is_some_and(|it| {
                    it["_owner"]
                        .as_str()
                        .is_some_and(|owner| owner == name || owner.starts_with(&prefix))
                });
            if (of_cluster || key.starts_with(&prefix))
                && let Some(part) = docs.edit(table, &key)
            {
                world::plan(part, &[(gone, Value::Null)]);
            }
        }
    }
    let group = cluster["_clusterGroup"].as_str().unwrap_or_default();
    let docs = access.docs(Service::Ec2);
    for rule in docs.ids("security-group-rule") {
        if docs.get("security-group-rule", &rule).is_some_and(|rule| rule["groupId"] == group)
            && let Some(rule) = docs.edit("security-group-rule", &rule)
        {
            world::plan(rule, &[(gone, Value::Null)]);
        }
    }
    if let Some(group) = docs.edit("security-group", group) {
        world::plan(group, &[(gone, Value::Null)]);
    }
    let Some(cluster) = access.docs(Service::Eks).edit("cluster", name) else {
        return Err(missing("cluster", name));
    };
    cluster["status"] = json!("DELETING");
    world::plan(cluster, &[(gone, Value::Null)]);
    Ok(json!({"cluster": cluster}))
}

/// One kind of change a call.
pub(super) fn update_config(access: &mut Access<'_>, name: &str) -> Outcome {
    if let Some(again) = update::repeated(access, name) {
        return Ok(again);
    }
    let cluster = active(access, name)?;
    let input = access.input();
    let vpc = &input["resourcesVpcConfig"];
    let moves_network = !vpc["subnetIds"].is_null() || !vpc["securityGroupIds"].is_null();
    let moves_endpoint = ["endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs"]
        .iter()
        .any(|field| !vpc[*field].is_null());
    let mut kinds: Vec<(&str, &str)> = [
        ("logging", "LoggingUpdate"),
        ("accessConfig", "AccessConfigUpdate"),
        ("upgradePolicy", "UpgradePolicyUpdate"),
        ("zonalShiftConfig", "ZonalShiftConfigUpdate"),
        ("computeConfig", "AutoModeUpdate"),
        ("remoteNetworkConfig", "RemoteNetworkConfigUpdate"),
        ("deletionProtection", "DeletionProtectionUpdate"),
        ("controlPlaneScalingConfig", "ControlPlaneScalingConfigUpdate"),
    ]
    .into_iter()
    .filter(|(field, _)| !input[*field].is_null())
    .collect();
    if moves_network {
        kinds.push(("resourcesVpcConfig", "VpcConfigUpdate"));
    }
    if moves_endpoint {
        kinds.push(("resourcesVpcConfig", "EndpointAccessUpdate"));
    }
    let [(field, update_type)] = kinds[..] else {
        return Err(invalid("Only one type of update can be allowed, and one is needed"));
    };
    let mut changed = cluster[field].clone();
    match (field, input[field].as_object()) {
        ("logging", _) => changed = logging(&input["logging"], Some(&cluster["logging"])),
        (_, Some(new)) => {
            for (key, value) in new {
                if !value.is_null() {
                    changed[key] = value.clone();
                }
            }
        }
        (_, None) => changed = input[field].clone(),
    }
    if changed == cluster[field] {
        return Err(invalid(format!(
            "No changes needed for the {field} config provided (cluster is already at the desired \
             configuration)"
        )));
    }
    if moves_network {
        network::vpc_of(access, &strings(&changed["subnetIds"]))?;
        network::check_groups(access, &strings(&changed["securityGroupIds"]))?;
    }
    let mode = &changed["authenticationMode"];
    let rank = |mode: &Value| {
        ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"].iter().position(|known| mode == known)
    };
    if field == "accessConfig" && rank(mode) < rank(&cluster[field]["authenticationMode"]) {
        return Err(invalid("Unsupported authentication mode update: it only goes towards API"));
    }
    let params = [(field, input[field].to_string())];
    let update = update::begin(access, name, update_type, &params, Wait::ClusterUpdate);
    updating(access, name, &json!({field: changed}));
    Ok(json!({"update": update}))
}

/// The cluster is updating; when it is active again the changes show.
fn updating(access: &mut Access<'_>, name: &str, changes: &Value) {
    let done = access.after(Wait::ClusterUpdate);
    if let Some(cluster) = access.docs(Service::Eks).edit("cluster", name) {
        let mut changes = changes.clone();
        changes["status"] = json!("ACTIVE");
        cluster["status"] = json!("UPDATING");
        world::plan(cluster, &[(done, changes)]);
    }
}

pub(super) fn update_version(access: &mut Access<'_>, name: &str) -> Outcome {
    if let Some(again) = update::repeated(access, name) {
        return Ok(again);
    }
    let cluster = active(access, name)?;
    let wanted = text(access.input(), "version").unwrap_or_default();
    let have = cluster["version"].as_str().unwrap_or_default();
    if !catalogue::follows(have, wanted) {
        return Err(invalid(format!(
            "Unsupported Kubernetes minor version update from {have} to {wanted}"
        )));
    }
    let params = [("Version", wanted.to_owned()), ("PlatformVersion", "eks.1".to_owned())];
    let update = update::begin(access, name, "VersionUpdate", &params, Wait::ClusterUpdate);
    updating(access, name, &json!({"version": wanted}));
    Ok(json!({"update": update}))
}

/// Encryption can be added once and never taken away.
pub(super) fn encrypt(access: &mut Access<'_>, name: &str) -> Outcome {
    let cluster = active(access, name)?;
    if cluster["encryptionConfig"].is_array() {
        return Err(invalid("Cluster already has an encryption configuration"));
    }
    let config = access.input()["encryptionConfig"].clone();
    key::check(access, &config)?;
    let params = [("EncryptionConfig", config.to_string())];
    let update =
        update::begin(access, name, "AssociateEncryptionConfig", &params, Wait::ClusterUpdate);
    updating(access, name, &json!({"encryptionConfig": config}));
    Ok(json!({"update": update}))
}
