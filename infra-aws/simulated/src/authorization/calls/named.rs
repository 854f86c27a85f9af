//! Services whose objects are named in the input, and whose ARNs are made of the names.

use serde_json::Value;

use super::super::Ask;
use super::scope::Scope;
use super::{key, role, stored};
use crate::services::Service;

pub(super) fn asks(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    match scope.access.call.service {
        Service::Acm => certificates(scope),
        Service::Autoscaling => groups(scope),
        Service::Cloudwatch => alarms(scope),
        Service::Dynamodb => tables(scope),
        Service::Ecr => repositories(scope),
        Service::Logs => log_groups(scope),
        Service::SecretsManager => secrets(scope),
        Service::Sns => topics(scope),
        Service::Ssm => parameters(scope),
        Service::Cloudtrail | Service::Tagging => vec![scope.own("*")],
        _ => sessions(scope),
    }
}

/// The first of these texts that the input has.
fn first<'a>(scope: &Scope<'_, 'a>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| scope.text(name))
}

/// The call's own action on the new object, and that of tagging it.
fn made(scope: &Scope<'_, '_>, arn: &str, tag: &str) -> Vec<Ask> {
    let tag = scope.gives_tags().then(|| scope.action(tag, arn));
    std::iter::once(scope.own(arn)).chain(tag).collect()
}

fn certificates(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    match scope.text("CertificateArn") {
        None if scope.name == "RequestCertificate" => {
            let tag = scope.arn("certificate/*");
            let tag = scope.gives_tags().then(|| scope.action("AddTagsToCertificate", tag));
            std::iter::once(scope.own("*")).chain(tag).collect()
        }
        None => vec![scope.own("*")],
        Some(arn) => {
            let tags = stored::certificate(scope, arn);
            vec![scope.own(arn).of(tags)]
        }
    }
}

fn groups(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    if scope.name.starts_with("Describe") {
        return vec![scope.own("*")];
    }
    if let Some(name) = scope.text("LaunchConfigurationName")
        && scope.name.ends_with("LaunchConfiguration")
    {
        let arn = format!("launchConfiguration:*:launchConfigurationName/{name}");
        let own = scope.own(scope.arn(&arn));
        let profile = scope.text("IamInstanceProfile").filter(|_| scope.name.starts_with("Create"));
        let profile = profile.map(|it| it.rsplit('/').next().unwrap_or(it));
        let role = profile.and_then(|name| super::iam::role_in(scope, name));
        let pass = role.map(|role| role::pass(&role, "ec2.amazonaws.com"));
        return std::iter::once(own).chain(pass).collect();
    }
    let of_tags = scope.input["Tags"][0]["ResourceId"].as_str();
    let name = scope.text("AutoScalingGroupName").or(of_tags);
    let arn = |name| scope.arn(&format!("autoScalingGroup:*:autoScalingGroupName/{name}"));
    let arn = name.map_or_else(|| "*".to_owned(), arn);
    if scope.name != "CreateAutoScalingGroup" {
        return vec![scope.own(arn)];
    }
    let mut all = made(scope, &arn, "CreateOrUpdateTags");
    let service = "autoscaling.amazonaws.com";
    all.extend(role::service_linked(scope, service, "AWSServiceRoleForAutoScaling"));
    all
}

fn alarms(scope: &Scope<'_, '_>) -> Vec<Ask> {
    let arn = |name: &str| scope.arn(&format!("alarm:{name}"));
    match scope.name {
        "PutMetricAlarm" => {
            made(scope, &arn(scope.text("AlarmName").unwrap_or_default()), "TagResource")
        }
        "DescribeAlarms" | "DeleteAlarms" => {
            let names = scope.texts("AlarmNames");
            let names = if names.is_empty() { vec!["*".to_owned()] } else { names };
            names.iter().map(|name| scope.own(arn(name))).collect()
        }
        _ => vec![scope.own(first(scope, &["ResourceARN", "ResourceArn"]).unwrap_or("*"))],
    }
}

fn tables(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let named = first(scope, &["TableName", "ResourceArn"]);
    let arn = match named {
        None => return vec![scope.own("*")],
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        Some(name) => scope.arn(&format!("table/{name}")),
    };
    let mut all = if scope.name == "CreateTable" {
        made(scope, &arn, "TagResource")
    } else {
        vec![scope.own(arn)]
    };
    // The hash key of the item.
    let keys = scope.input["Key"].as_object().into_iter().flatten();
    let keys: Vec<String> =
        keys.filter_map(|(_, value)| value["S"].as_str().map(str::to_owned)).collect();
    if !keys.is_empty() {
        all = all.into_iter().map(|ask| ask.with("dynamodb:LeadingKeys", keys.clone())).collect();
    }
    if matches!(scope.name, "CreateTable" | "UpdateTable") {
        let of = key::at(scope.input, &["SSESpecification", "KMSMasterKeyId"]);
        let actions = ["CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey"];
        all.extend(key::used(scope, of, &actions));
    }
    all
}

fn repositories(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let names = match first(scope, &["repositoryName"]) {
        Some(name) => vec![name.to_owned()],
        None => scope.texts("repositoryNames"),
    };
    let arns = names.iter().map(|name| scope.arn(&format!("repository/{name}")));
    let arns: Vec<String> = arns.collect();
    if scope.name == "CreateRepository" {
        let mut all = made(scope, &arns[0], "TagResource");
        let of = key::at(scope.input, &["encryptionConfiguration", "kmsKey"]);
        all.extend(key::used(scope, of, &["CreateGrant", "DescribeKey"]));
        return all;
    }
    if arns.is_empty() {
        let arn = first(scope, &["resourceArn"]);
        let all = || scope.arn("repository/*");
        let arn = match (arn, scope.name) {
            (Some(arn), _) => arn.to_owned(),
            (None, "DescribeRepositories") => all(),
            (None, _) => "*".to_owned(),
        };
        return vec![scope.own(arn)];
    }
    arns.into_iter().map(|arn| scope.own(arn)).collect()
}

fn log_groups(scope: &Scope<'_, '_>) -> Vec<Ask> {
    let arn = |name: &str| scope.arn(&format!("log-group:{name}"));
    // Tags are asked for on the group, everything else on what is in it.
    if let Some(arn) = scope.text("resourceArn") {
        return vec![scope.own(arn)];
    }
    match first(scope, &["logGroupName", "logGroupIdentifier"]) {
        None => vec![scope.own(arn("*"))],
        Some(name) if scope.name == "CreateLogGroup" => {
            let tag = scope.gives_tags().then(|| scope.action("TagResource", arn(name)));
            let all = format!("{}:*", arn(name));
            let key = scope.text("kmsKeyId").map(|_| scope.action("AssociateKmsKey", &*all));
            std::iter::once(scope.own(&*all)).chain(tag).chain(key).collect()
        }
        Some(name) if name.starts_with("arn:") => vec![scope.own(name)],
        Some(name) => vec![scope.own(format!("{}:*", arn(name)))],
    }
}

fn secrets(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let named = first(scope, &["SecretId", "Name"]);
    let Some(named) = named else { return vec![scope.own("*")] };
    let meant = |it: &Value| it["Name"] == named || it["ARN"] == named;
    let found = scope.find(Service::SecretsManager, "secret", meant);
    let stored = |name: &str| found.as_ref().and_then(|it| it[name].as_str()).map(str::to_owned);
    // AWS ends an ARN with six characters of its own.
    let arn = stored("ARN").or_else(|| named.starts_with("arn:").then(|| named.to_owned()));
    let arn = arn.unwrap_or_else(|| scope.arn(&format!("secret:{named}-??????")));
    let create = scope.name == "CreateSecret";
    let mut all = if create { made(scope, &arn, "TagResource") } else { vec![scope.own(arn)] };
    let of = scope.text("KmsKeyId").map(str::to_owned).or_else(|| stored("KmsKeyId"));
    let actions: &[&str] = match scope.name {
        "GetSecretValue" => &["Decrypt"],
        "CreateSecret" | "UpdateSecret" | "PutSecretValue" => &["Decrypt", "GenerateDataKey"],
        _ => &[],
    };
    all.extend(key::used(scope, of.as_deref(), actions));
    all
}

fn topics(scope: &Scope<'_, '_>) -> Vec<Ask> {
    match first(scope, &["TopicArn", "ResourceArn", "SubscriptionArn"]) {
        // A subscription's ARN is its topic's with an id.
        Some(arn) if scope.name == "Unsubscribe" => {
            let topic = arn.rsplit_once(':').map_or(arn, |(topic, _)| topic);
            vec![scope.own(topic)]
        }
        Some(arn) => vec![scope.own(arn)],
        None if scope.name == "CreateTopic" => {
            made(scope, &scope.arn(scope.text("Name").unwrap_or_default()), "TagResource")
        }
        None => vec![scope.own("*")],
    }
}

fn parameters(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let mut names = match first(scope, &["Name", "ResourceId", "Path"]) {
        Some(name) => vec![name.to_owned()],
        None => scope.texts("Names"),
    };
    if names.is_empty() {
        return vec![scope.own("*")];
    }
    // By its ARN, or with the number of a version behind it.
    for name in &mut names {
        if let Some((_, plain)) = name.split_once(":parameter/") {
            *name = plain.to_owned();
        }
    }
    let mut all = Vec::new();
    for name in names {
        let plain = name.trim_start_matches('/');
        let arn = if name.starts_with("/aws/service/") {
            format!("arn:aws:ssm:{}::parameter/{plain}", scope.access.region())
        } else {
            scope.arn(&format!("parameter/{plain}"))
        };
        let put = scope.name == "PutParameter";
        all.extend(if put { made(scope, &arn, "AddTagsToResource") } else { vec![scope.own(arn)] });
        all.extend(sealed(scope, &name));
    }
    all
}

/// What is done with the key of a secure parameter.
fn sealed(scope: &mut Scope<'_, '_>, name: &str) -> Vec<Ask> {
    let secure = |it: &Value| it["Type"] == "SecureString";
    let meant = |it: &Value| it["Name"] == name && secure(it);
    let stored = scope.find(Service::Ssm, "parameter", meant);
    let of = |it: &Value| it["KeyId"].as_str().map(str::to_owned);
    match scope.name {
        "PutParameter" if secure(scope.input) => {
            let asked = of(scope.input).or_else(|| stored.as_ref().and_then(of));
            let advanced = scope.text("Tier").is_some_and(|tier| tier != "Standard");
            let action = if advanced { "GenerateDataKey" } else { "Encrypt" };
            key::used(scope, asked.as_deref(), &[action])
        }
        "GetParameter" | "GetParameters" if scope.input["WithDecryption"] == true => {
            key::used(scope, stored.as_ref().and_then(of).as_deref(), &["Decrypt"])
        }
        _ => Vec::new(),
    }
}

fn sessions(scope: &Scope<'_, '_>) -> Vec<Ask> {
    match scope.text("RoleArn") {
        Some(role) => vec![scope.own(role)],
        // Anybody may ask who they are. (STS API reference, `GetCallerIdentity`.)
        None => Vec::new(),
    }
}
