//! Faults.

use std::time::Duration;

use crate::caller::instant;

#[tokio::test]
async fn throttles_and_refusals_count_down() {
    let aws = instant();
    aws.cloud.faults().throttle_next(2, "ec2.CreateVpc");
    aws.cloud.faults().refuse("iam.*", "AccessDenied", 403, "no");
    for _ in 0..2 {
        let refused = aws.ec2("CreateVpc", "CidrBlock=10.0.0.0/16").await;
        assert_eq!(refused.code(), "RequestLimitExceeded");
    }
    aws.ec2("CreateVpc", "CidrBlock=10.0.0.0/16").await.ok();
    assert_eq!(aws.query("iam", "GetRole", "RoleName=r").await.code(), "AccessDenied");
    aws.cloud.faults().clear();
    assert_eq!(aws.query("iam", "GetRole", "RoleName=r").await.code(), "NoSuchEntity");
}

#[tokio::test]
async fn a_lost_reply_has_taken_effect() {
    let aws = instant();
    aws.cloud.faults().lose_reply(1, "CreateVpc");
    assert_eq!(aws.ec2("CreateVpc", "CidrBlock=10.0.0.0/16").await.status, 503);
    assert!(aws.ec2("DescribeVpcs", "").await.ok().text.contains("vpcId"));
    let calls = aws.cloud.calls();
    assert_eq!((calls[0].operation.as_str(), calls[0].status), ("CreateVpc", 0));
    assert!(calls[0].mutating && !calls[1].mutating);
    aws.cloud.clear_calls();
    assert!(aws.cloud.calls().is_empty());
}

#[tokio::test]
async fn new_things_are_not_seen_at_once() {
    let aws = instant();
    aws.cloud.faults().lag_after_create(Duration::from_mins(1), "Describe*");
    let vpc = aws.ec2("CreateVpc", "CidrBlock=10.0.0.0/16").await.ok().get("vpcId");
    let by_id = format!("VpcId.1={vpc}");
    assert_eq!(aws.ec2("DescribeVpcs", &by_id).await.code(), "InvalidVpcID.NotFound");
    aws.cloud.faults().clear();
    aws.ec2("DescribeVpcs", &by_id).await.ok();
}

#[tokio::test]
async fn a_rate_is_the_same_for_the_same_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let aws = instant();
        aws.cloud.faults().seed(42);
        aws.cloud.faults().throttle_rate(0.5, "*");
        let mut run = Vec::new();
        for _ in 0..32 {
            run.push(aws.ec2("DescribeVpcs", "").await.status);
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&200) && runs[0].contains(&503));
}

#[tokio::test]
async fn an_outage_ends() {
    let aws = instant();
    aws.cloud.faults().outage(true);
    assert_eq!(aws.ec2("DescribeVpcs", "").await.status, 503);
    aws.cloud.faults().outage(false);
    aws.ec2("DescribeVpcs", "").await.ok();
}
