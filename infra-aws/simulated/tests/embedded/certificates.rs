//! ACM, Route53 and the listener that needs both.

use serde_json::json;

use crate::caller::{Caller, instant};

async fn zone(aws: &Caller) -> String {
    let body = "<CreateHostedZoneRequest><Name>Example.com</Name><CallerReference>r\
                </CallerReference></CreateHostedZoneRequest>";
    let made = aws.send("route53", "POST", "/2013-04-01/hostedzone", &[], body).await.ok();
    assert_eq!(made.get("Name"), "example.com.");
    made.headers["location"].to_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

async fn change(aws: &Caller, zone: &str, changes: &[(&str, &str, &str, &str)]) -> u16 {
    let changes: String = changes
        .iter()
        .map(|(action, name, kind, value)| {
            format!(
                "<Change><Action>{action}</Action><ResourceRecordSet><Name>{name}</Name>\
                 <Type>{kind}</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>{value}\
                 </Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>"
            )
        })
        .collect();
    let body = format!(
        "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes>{changes}</Changes></ChangeBatch>\
         </ChangeResourceRecordSetsRequest>"
    );
    let path = format!("/2013-04-01/hostedzone/{zone}/rrset");
    aws.send("route53", "POST", &path, &[], body).await.status
}

#[tokio::test]
async fn a_certificate_is_issued_when_its_record_stands() {
    let aws = instant();
    let zone = zone(&aws).await;
    let input = json!({"DomainName": "a.example.com", "ValidationMethod": "DNS"});
    let arn =
        aws.json("acm", "RequestCertificate", input).await.ok().json()["CertificateArn"].clone();
    let asked = json!({"CertificateArn": arn});
    let seen = aws.json("acm", "DescribeCertificate", asked.clone()).await.ok().json();
    assert_eq!(seen["Certificate"]["Status"], "PENDING_VALIDATION");
    let record = &seen["Certificate"]["DomainValidationOptions"][0]["ResourceRecord"];

    let (vpc, subnets) = aws.network().await;
    let input = format!(
        "Name=lb&Type=network&Scheme=internal&Subnets.member.1={}&Subnets.member.2={}",
        subnets[0], subnets[1]
    );
    let made = aws.query("elasticloadbalancing", "CreateLoadBalancer", &input).await.ok();
    let balancer = made.get("LoadBalancerArn");
    let input = format!("Name=tg&Protocol=TCP&Port=7000&VpcId={vpc}&TargetType=ip");
    let made = aws.query("elasticloadbalancing", "CreateTargetGroup", &input).await.ok();
    let group = made.get("TargetGroupArn");
    let listener = format!(
        "LoadBalancerArn={balancer}&Protocol=TLS&Port=443&Certificates.member.1.CertificateArn={}&\
         DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={group}",
        arn.as_str().unwrap()
    );
    let early = aws.query("elasticloadbalancing", "CreateListener", &listener).await;
    assert_eq!(early.code(), "UnsupportedCertificate");

    let (name, value) = (record["Name"].as_str().unwrap(), record["Value"].as_str().unwrap());
    assert_eq!(change(&aws, &zone, &[("UPSERT", name, "CNAME", value)]).await, 200);
    let seen = aws.json("acm", "DescribeCertificate", asked.clone()).await.ok().json();
    assert_eq!(seen["Certificate"]["Status"], "ISSUED");
    aws.query("elasticloadbalancing", "CreateListener", &listener).await.ok();
    let refused = aws.json("acm", "DeleteCertificate", asked).await;
    assert_eq!(refused.code(), "ResourceInUseException");
    let used = aws
        .query("elasticloadbalancing", "DeleteTargetGroup", &format!("TargetGroupArn={group}"))
        .await;
    assert_eq!(used.code(), "ResourceInUse");
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    let aws = instant();
    let zone = zone(&aws).await;
    let a = ("CREATE", "a.example.com", "A", "1.2.3.4");
    let b = ("CREATE", "b.example.com", "A", "1.2.3.4");
    assert_eq!(change(&aws, &zone, &[a]).await, 200);
    assert_eq!(change(&aws, &zone, &[b, a]).await, 400);
    let path = format!("/2013-04-01/hostedzone/{zone}/rrset");
    let seen = aws.send("route53", "GET", &path, &[], "").await.ok();
    assert!(seen.text.contains("a.example.com") && !seen.text.contains("b.example.com"));
    // Only the very same values are deleted, and a zone with records is not.
    let other = ("DELETE", "a.example.com", "A", "4.3.2.1");
    assert_eq!(change(&aws, &zone, &[other]).await, 400);
    let path = format!("/2013-04-01/hostedzone/{zone}");
    let refused = aws.send("route53", "DELETE", &path, &[], "").await;
    assert_eq!(refused.code(), "HostedZoneNotEmpty");
    let same = ("DELETE", "A.example.com.", "A", "1.2.3.4");
    assert_eq!(change(&aws, &zone, &[same]).await, 200);
    aws.send("route53", "DELETE", &path, &[], "").await.ok();
}

#[tokio::test]
async fn only_small_keys_are_listed_unless_others_are_asked_for() {
    let aws = instant();
    for (domain, key) in [("a.example", "RSA_2048"), ("b.example", "EC_prime256v1")] {
        let input = json!({"DomainName": domain, "KeyAlgorithm": key});
        aws.json("acm", "RequestCertificate", input).await.ok();
    }
    let names = async |input: serde_json::Value| {
        let listed = aws.json("acm", "ListCertificates", input).await.ok().json();
        let listed = listed["CertificateSummaryList"].as_array().unwrap().clone();
        listed.into_iter().map(|it| it["DomainName"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(json!({})).await, ["a.example"]);
    let both = json!({"Includes": {"keyTypes": ["RSA_2048", "EC_prime256v1"]}});
    assert_eq!(names(both).await.len(), 2);
}

#[tokio::test]
async fn zones_are_listed_by_the_page_and_tags_by_the_ten() {
    let aws = instant();
    for n in 0..3 {
        let body = format!(
            "<CreateHostedZoneRequest><Name>z{n}.example</Name><CallerReference>{n}\
             </CallerReference></CreateHostedZoneRequest>"
        );
        aws.send("route53", "POST", "/2013-04-01/hostedzone", &[], body).await.ok();
    }
    let path = "/2013-04-01/hostedzone?maxitems=2";
    let first = aws.send("route53", "GET", path, &[], "").await.ok();
    assert_eq!(first.text.matches("<HostedZone>").count(), 2);
    let next = format!("{path}&marker={}", first.get("NextMarker"));
    let next = aws.send("route53", "GET", &next, &[], "").await.ok();
    assert_eq!(next.text.matches("<HostedZone>").count(), 1);
    assert_eq!(next.get("IsTruncated"), "false");
    let id = next.get("Id").rsplit('/').next().unwrap().to_owned();
    let ask = async |count: usize| {
        let ids = format!("<ResourceId>{id}</ResourceId>").repeat(count);
        let body = format!(
            "<ListTagsForResourcesRequest><ResourceIds>{ids}</ResourceIds>\
             </ListTagsForResourcesRequest>"
        );
        aws.send("route53", "POST", "/2013-04-01/tags/hostedzone", &[], body).await
    };
    ask(10).await.ok();
    assert_eq!(ask(11).await.code(), "InvalidInput");
}
