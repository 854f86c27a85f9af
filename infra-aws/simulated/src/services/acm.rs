//! ACM certificates: issued once their validation records stand in a zone of Route53.

use serde_json::{Value, json};

use super::access::hex;
use super::{Access, Service, json_tags, route53};
use crate::settings::Wait;
use crate::wire::{Failure, Outcome, fail, text, texts};
use crate::world;

const TABLE: &str = "certificate";
/// How long a token stands for its certificate.
const TOKEN: u64 = 3_600_000;

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "RequestCertificate" => request(access),
        "DescribeCertificate" => {
            let (arn, _) = named(access)?;
            Ok(json!({"Certificate": current(access, &arn)}))
        }
        "ListCertificates" => Ok(list(access)),
        "DeleteCertificate" => delete(access),
        "UpdateCertificateOptions" => {
            let (arn, _) = named(access)?;
            let options = access.input()["Options"].clone();
            if let Some(certificate) = access.docs(Service::Acm).edit(TABLE, &arn) {
                certificate["Options"] = options;
            }
            Ok(json!({}))
        }
        "AddTagsToCertificate" => {
            let (arn, _) = named(access)?;
            let input = access.input();
            if let Some(certificate) = access.docs(Service::Acm).edit(TABLE, &arn) {
                json_tags::put(&mut certificate["_tags"], &input["Tags"]);
            }
            Ok(json!({}))
        }
        "RemoveTagsFromCertificate" => {
            let (arn, _) = named(access)?;
            let keys: Vec<String> = access.input()["Tags"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|tag| text(tag, "Key"))
                .map(str::to_owned)
                .collect();
            if let Some(certificate) = access.docs(Service::Acm).edit(TABLE, &arn) {
                json_tags::remove(&mut certificate["_tags"], &keys);
            }
            Ok(json!({}))
        }
        "ListTagsForCertificate" => {
            let (_, certificate) = named(access)?;
            Ok(json!({"Tags": certificate["_tags"]}))
        }
        other => Err(fail("InvalidParameterException", format!("no ACM operation {other}"))),
    }
}

fn named(access: &mut Access<'_>) -> Result<(String, Value), Failure> {
    let arn = text(access.input(), "CertificateArn").unwrap_or_default().to_owned();
    let found = access.docs(Service::Acm).get(TABLE, &arn).cloned();
    found.map(|it| (arn.clone(), it)).ok_or_else(|| {
        fail("ResourceNotFoundException", format!("Could not find certificate {arn}."))
    })
}

/// The status of a certificate, for those who want to use it.
pub(crate) fn status(access: &mut Access<'_>, arn: &str) -> Option<String> {
    if !access.docs(Service::Acm).has(TABLE, arn) {
        return None;
    }
    current(access, arn)["Status"].as_str().map(str::to_owned)
}

fn request(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let domain = text(input, "DomainName").unwrap_or_default();
    let token = text(input, "IdempotencyToken");
    let mut names = vec![domain.to_owned()];
    for name in texts(input, "SubjectAlternativeNames") {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let now = access.now;
    let repeated = access.docs(Service::Acm).values(TABLE).find(|it| {
        token.is_some_and(|token| it["_token"] == token)
            && it["_asked"] == json!(names)
            && it["_born"].as_u64().is_some_and(|born| now < born + TOKEN)
    });
    if let Some(old) = repeated {
        return Ok(json!({"CertificateArn": old["CertificateArn"]}));
    }
    let (region, account) = (access.region(), access.account());
    let arn = format!("arn:aws:acm:{region}:{account}:certificate/{}", uuid::Uuid::new_v4());
    let method = text(input, "ValidationMethod").unwrap_or("EMAIL");
    let options = |with_record: bool| -> Value {
        names
            .iter()
            .map(|name| {
                let mut option = json!({
                    "DomainName": name, "ValidationDomain": name, "ValidationMethod": method,
                    "ValidationStatus": "PENDING_VALIDATION",
                });
                if with_record && method == "DNS" {
                    option["ResourceRecord"] = record(account, name);
                }
                option
            })
            .collect()
    };
    let mut certificate = json!({
        "CertificateArn": arn, "DomainName": domain, "SubjectAlternativeNames": names,
        "DomainValidationOptions": options(false), "Status": "PENDING_VALIDATION",
        "Type": "AMAZON_ISSUED", "KeyAlgorithm": text(input, "KeyAlgorithm").unwrap_or("RSA_2048"),
        "CreatedAt": access.epoch(), "InUseBy": [], "RenewalEligibility": "INELIGIBLE",
        "Subject": format!("CN={domain}"), "Issuer": "Amazon",
        "Options": if input["Options"].is_null() {
            json!({"CertificateTransparencyLoggingPreference": "ENABLED"})
        } else {
            input["Options"].clone()
        },
        "_token": token, "_asked": names, "_born": now,
        "_tags": json_tags::given(&input["Tags"]),
    });
    let shown = json!({"DomainValidationOptions": options(true)});
    world::plan(&mut certificate, &[(access.after(Wait::CertificateRecord), shown)]);
    access.docs(Service::Acm).put(TABLE, &arn, certificate);
    Ok(json!({"CertificateArn": arn}))
}

/// The record is the same for every certificate of a name in an account; a wildcard has its
/// parent's.
fn record(account: &str, domain: &str) -> Value {
    let domain = domain.trim_start_matches("*.");
    let digest = |salt: &str| super::access::digest(format!("{salt}/{account}/{domain}"), 32);
    json!({
        "Name": format!("_{}.{domain}.", digest("name")), "Type": "CNAME",
        "Value": format!("_{}.{}.acm-validations.aws.", digest("value"), &digest("zone")[..10]),
    })
}

/// The certificate as it is now. Once all records have stood for a while it is issued, and stays
/// so.
fn current(access: &mut Access<'_>, arn: &str) -> Value {
    let found = access.docs(Service::Acm).get(TABLE, arn).cloned().unwrap_or_default();
    let mut certificate = found.clone();
    let wait = Wait::CertificateIssued.millis(access.durations);
    let mut all = true;
    if let Some(options) = certificate["DomainValidationOptions"].as_array_mut() {
        for option in options {
            let wanted = &option["ResourceRecord"];
            let since = wanted.is_object().then(|| {
                let (name, value) = (wanted["Name"].as_str(), wanted["Value"].as_str());
                route53::cname_since(access, name.unwrap_or_default(), value.unwrap_or_default())
            });
            if since.flatten().is_some_and(|since| since + wait <= access.now) {
                option["ValidationStatus"] = json!("SUCCESS");
            } else if option["ValidationStatus"] != "SUCCESS" {
                all = false;
            }
        }
    }
    if all && certificate["Status"] == "PENDING_VALIDATION" {
        certificate["Status"] = json!("ISSUED");
        certificate["IssuedAt"] = json!(access.epoch());
        certificate["NotBefore"] = json!(access.epoch());
        certificate["NotAfter"] = json!(access.epoch() + 34_128_000.0);
        certificate["Serial"] = json!(hex(32));
    }
    if certificate != found {
        access.docs(Service::Acm).put(TABLE, arn, certificate.clone());
    }
    certificate["InUseBy"] = json!(users(access, arn));
    certificate
}

fn users(access: &mut Access<'_>, arn: &str) -> Vec<Value> {
    access
        .docs(Service::Elbv2)
        .values("listener")
        .filter(|it| {
            it["Certificates"]
                .as_array()
                .is_some_and(|all| all.iter().any(|it| it["CertificateArn"] == arn))
        })
        .map(|it| it["LoadBalancerArn"].clone())
        .collect()
}

fn list(access: &mut Access<'_>) -> Value {
    let wanted = texts(access.input(), "CertificateStatuses");
    // Unless asked otherwise, only small RSA keys are listed. (ACM API reference, `Filters`.)
    let mut keys = texts(&access.input()["Includes"], "keyTypes");
    if keys.is_empty() {
        keys = ["RSA_1024", "RSA_2048"].map(str::to_owned).to_vec();
    }
    let arns = access.docs(Service::Acm).ids(TABLE);
    let rows: Vec<Value> = arns
        .iter()
        .map(|arn| current(access, arn))
        .filter(|it| {
            (wanted.is_empty() || wanted.iter().any(|status| it["Status"] == status.as_str()))
                && keys.iter().any(|key| it["KeyAlgorithm"] == key.as_str())
        })
        .map(|it| {
            json!({
                "CertificateArn": it["CertificateArn"], "DomainName": it["DomainName"],
                "Status": it["Status"], "Type": it["Type"], "CreatedAt": it["CreatedAt"],
                "SubjectAlternativeNameSummaries": it["SubjectAlternativeNames"],
            })
        })
        .collect();
    json!({"CertificateSummaryList": rows})
}

fn delete(access: &mut Access<'_>) -> Outcome {
    let (arn, _) = named(access)?;
    if !users(access, &arn).is_empty() {
        return Err(fail(
            "ResourceInUseException",
            format!("Certificate {arn} in account {} is in use.", access.account()),
        ));
    }
    access.docs(Service::Acm).remove(TABLE, &arn);
    Ok(json!({}))
}
