//! Who did it, over the embedded AWS.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc};

use infra_core::provider::{Calls, Connection, Gate, Touched};
use jiff::Timestamp;

use super::actors;
use crate::{
    Aws,
    embedded::{Cloud, Settings},
};

async fn touched(aws: &Arc<Aws>, kind: &str, id: &str, gone: bool) -> Option<(String, String)> {
    let client = Arc::clone(aws) as Arc<dyn std::any::Any + Send + Sync>;
    let connection = Connection { identity: BTreeMap::new(), client, calls: Calls::default() };
    let asked = [Touched { kind, id, gone }];
    let found = actors(&connection, &asked, Timestamp::UNIX_EPOCH).await.pop().unwrap()?;
    assert!(found.at > Timestamp::UNIX_EPOCH && found.from.is_some());
    Some((found.who, found.what))
}

fn by(what: &str) -> Option<(String, String)> {
    Some(("embedded".to_owned(), what.to_owned()))
}

#[tokio::test]
async fn the_last_change_is_told_and_what_deleted_it() {
    let cloud = Cloud::memory(Settings::default());
    let aws = Aws::test_in(&cloud, &Gate::default()).await;
    let ec2 = aws.ec2();
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
    let vpc = vpc.vpc.unwrap().vpc_id.unwrap();
    let group = ec2.create_security_group().vpc_id(&vpc).group_name("g").description("d");
    let group = group.send().await.unwrap().group_id.unwrap();
    assert_eq!(
        touched(&aws, "aws:ec2:SecurityGroup", &group, false).await,
        by("CreateSecurityGroup")
    );
    let open = ec2.authorize_security_group_ingress().group_id(&group);
    let open = open.ip_protocol("tcp").from_port(22).to_port(22).cidr_ip("0.0.0.0/0");
    let rule = open.send().await.unwrap().security_group_rules.unwrap().remove(0);
    let rule = rule.security_group_rule_id.unwrap();
    assert_eq!(
        touched(&aws, "aws:ec2:SecurityGroupRule", &rule, false).await,
        by("AuthorizeSecurityGroupIngress")
    );
    let close = ec2.revoke_security_group_ingress().group_id(&group);
    close.security_group_rule_ids(&rule).send().await.unwrap();
    assert_eq!(
        touched(&aws, "aws:ec2:SecurityGroupRule", &rule, true).await,
        by("RevokeSecurityGroupIngress")
    );
    assert_eq!(touched(&aws, "aws:ec2:Vpc", "vpc-1", false).await, None);
    // A value is written down nowhere.
    let put = aws.ssm().put_parameter().name("/a").value("geheim").r#type("String".into());
    put.send().await.unwrap();
    assert_eq!(touched(&aws, "aws:ssm:Parameter", "/a", false).await, by("PutParameter"));
    let events = aws.cloudtrail().lookup_events().send().await.unwrap();
    assert!(!format!("{events:?}").contains("geheim"));
}

#[tokio::test]
async fn what_is_global_is_told_in_one_region() {
    let cloud = Cloud::memory(Settings::default());
    let aws = Aws::test_in(&cloud, &Gate::default()).await;
    let role = aws.iam().create_role().role_name("node").assume_role_policy_document("{}");
    role.send().await.unwrap();
    assert_eq!(touched(&aws, "aws:iam:Role", "node", false).await, by("CreateRole"));
    let put = aws.iam().put_role_policy().role_name("node").policy_name("p").policy_document("{}");
    put.send().await.unwrap();
    assert_eq!(touched(&aws, "aws:iam:RolePolicy", "node|p", false).await, by("PutRolePolicy"));
}

#[tokio::test]
async fn who_may_not_ask_is_told_nothing_and_fails_nothing() {
    let cloud = Cloud::memory(Settings::default());
    let aws = Aws::test_in(&cloud, &Gate::default()).await;
    cloud.faults().refuse_next(1, "cloudtrail.LookupEvents", "AccessDeniedException", 400, "no");
    assert_eq!(touched(&aws, "aws:ec2:Vpc", "vpc-1", false).await, None);
    let calls = cloud.calls();
    assert_eq!(calls.iter().filter(|call| call.service == "cloudtrail").count(), 1);
}
