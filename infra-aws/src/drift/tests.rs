//! Each rule on both sides: what is worse, and what is as good or better.

use infra_core::{
    drift::{Severity, Subject, What},
    provider::Managed,
    state::{Path, Value},
};
use serde_json::{Value as Json, json};

use super::rules;

/// What the rules say of a change of one field, the worst.
fn graded<R: Managed>(field: &str, was: Json, is: Json) -> Option<Severity> {
    let of = |value: Json| Json::from_iter([(field.to_owned(), value)]);
    inputs::<R>(field, of(was), of(is))
}

fn inputs<R: Managed>(field: &str, recorded: Json, live: Json) -> Option<Severity> {
    let path = Path::field(field);
    let (recorded, live) = (Value::from(recorded), Value::from(live));
    grade::<R>(What::Changed, Some(&path), Some(&recorded), Some(&live))
}

fn grade<R: Managed>(
    what: What,
    path: Option<&Path>,
    recorded: Option<&Value>,
    live: Option<&Value>,
) -> Option<Severity> {
    let at = |value: Option<&Value>| value.and_then(|it| it.get(path?.first()?)).cloned();
    let (was, is) = (at(recorded), at(live));
    let subject = Subject {
        urn: None,
        kind: R::KIND,
        what,
        path,
        was: was.as_ref(),
        is: is.as_ref(),
        recorded,
        live,
        desired: None,
        record: None,
        schema: Some(R::schema()),
        protected: false,
    };
    rules().iter().filter_map(|rule| rule.grade(&subject)).max()
}

/// What the rules say of something that nobody declared.
fn added<R: Managed>(live: Json) -> Option<Severity> {
    grade::<R>(What::Orphan, None, None, Some(&Value::from(live)))
}

#[test]
fn what_somebody_added_is_graded_by_what_it_gives() {
    use crate::{
        ec2::{Route, Subnet},
        iam::{PolicyAttachment, Role, RolePolicy},
        rds::Instance,
    };
    let document = |action: &str| {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
        json!({"role": "r", "name": "p", "policy": json!({"Statement": [statement]}).to_string()})
    };
    assert_eq!(added::<RolePolicy>(document("*")), Some(Critical));
    assert_eq!(added::<RolePolicy>(document("iam:*")), Some(Critical));
    assert_eq!(added::<RolePolicy>(document("s3:GetObject")), Some(High));
    let policy =
        |name: &str| json!({"role": "r", "policy": format!("arn:aws:iam::aws:policy/{name}")});
    assert_eq!(added::<PolicyAttachment>(policy("AdministratorAccess")), Some(Critical));
    assert_eq!(added::<PolicyAttachment>(policy("IAMFullAccess")), Some(Critical));
    assert_eq!(added::<PolicyAttachment>(policy("AmazonS3ReadOnlyAccess")), Some(High));
    let route = |target: Json| json!({"destination": "0.0.0.0/0", "target": target});
    assert_eq!(added::<Route>(route(json!({"internet_gateway": "igw-1"}))), Some(High));
    assert_eq!(added::<Route>(route(json!({"nat_gateway": "nat-1"}))), Some(Medium));
    let trust = json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]});
    assert_eq!(added::<Role>(json!({"assume_role_policy": trust.to_string()})), Some(Critical));
    assert_eq!(added::<Instance>(json!({"publicly_accessible": true})), Some(Critical));
    assert_eq!(added::<Instance>(json!({"deletion_protection": false})), None);
    assert_eq!(added::<Subnet>(json!({"map_public_ip_on_launch": false})), None);
}

/// A change and its way back.
fn one_way<R: Managed>(field: &str, was: impl Into<Json>, is: impl Into<Json>, severity: Severity) {
    let (was, is) = (was.into(), is.into());
    assert_eq!(
        graded::<R>(field, was.clone(), is.clone()),
        Some(severity),
        "{} {field}: {was} -> {is}",
        R::KIND
    );
    assert_eq!(graded::<R>(field, is, was), None, "{} {field}: back", R::KIND);
}

fn both_ways<R: Managed>(
    field: &str,
    was: impl Into<Json>,
    is: impl Into<Json>,
    severity: Severity,
) {
    let (was, is) = (was.into(), is.into());
    assert_eq!(graded::<R>(field, was.clone(), is.clone()), Some(severity), "{}", R::KIND);
    assert_eq!(graded::<R>(field, is, was), Some(severity), "{}", R::KIND);
}

use Severity::{Critical, High, Medium};

#[test]
fn a_group_that_is_opened() {
    use crate::ec2::SecurityGroupRule as R;
    let rule = |cidr: &str, ports: Json| json!({"direction": "ingress", "source": {"cidr": cidr}, "ports": ports});
    let source = |was: Json, is: Json| inputs::<R>("source", was, is);
    let ssh = json!({"tcp": 22});
    let web = json!({"tcp": 443});
    let home = rule("10.0.0.0/8", ssh.clone());
    assert_eq!(source(home.clone(), rule("0.0.0.0/0", ssh.clone())), Some(Critical));
    assert_eq!(source(home.clone(), rule("::/0", ssh.clone())), Some(Critical));
    assert_eq!(source(home.clone(), rule("10.0.0.0/16", ssh.clone())), None);
    assert_eq!(source(rule("0.0.0.0/0", ssh.clone()), home), None);
    let inner = rule("10.0.0.0/8", web.clone());
    assert_eq!(source(inner, rule("0.0.0.0/0", web.clone())), Some(High));
    let ports = |was: Json, is: Json| inputs::<R>("ports", was, is);
    let public = rule("0.0.0.0/0", web.clone());
    assert_eq!(ports(public.clone(), rule("0.0.0.0/0", json!("all"))), Some(Critical));
    let range = json!({"tcp_range": {"from": 5000, "to": 6000}});
    assert_eq!(ports(public.clone(), rule("0.0.0.0/0", range)), Some(Critical));
    assert_eq!(ports(public.clone(), rule("0.0.0.0/0", json!({"tcp": 80}))), Some(High));
    // What was as open before.
    assert_eq!(source(public.clone(), public.clone()), Some(Medium));
    let mut out = public.clone();
    out["direction"] = json!("egress");
    assert_eq!(source(rule("10.0.0.0/8", web), out), None);
    // A rule that nobody declared.
    let live = Value::from(rule("0.0.0.0/0", ssh));
    assert_eq!(grade::<R>(What::Orphan, None, None, Some(&live)), Some(Critical));
    for half in ["0.0.0.0/1", "128.0.0.0/1", "8000::/1"] {
        assert_eq!(added::<R>(rule(half, json!({"tcp": 5432}))), Some(Critical), "{half}");
    }
    assert_eq!(added::<R>(rule("203.0.113.9/32", json!({"tcp": 22}))), Some(Medium));
    assert_eq!(added::<R>(rule("10.0.0.0/8", json!({"tcp": 22}))), Some(Medium));
    let mut out = rule("10.0.0.0/8", json!({"tcp": 22}));
    out["direction"] = json!("egress");
    assert_eq!(added::<R>(out), None);
    // Another text on an open rule is another text.
    let text = |text: &str| {
        let mut rule = rule("0.0.0.0/0", json!({"tcp": 443}));
        rule["description"] = json!(text);
        rule
    };
    assert_eq!(inputs::<R>("description", text("a"), text("b")), None);
}

#[test]
fn networks() {
    use crate::ec2::{Instance, LaunchTemplate, Route, Subnet};
    let nat = json!({"nat_gateway": "nat-1"});
    let out = json!({"internet_gateway": "igw-1"});
    one_way::<Route>("target", nat, out, High);
    one_way::<Subnet>("map_public_ip_on_launch", json!(false), json!(true), High);
    let metadata = |tokens: &str, hops: u16| json!({"http_tokens": tokens, "hop_limit": hops, "enabled": true});
    one_way::<Instance>("metadata", metadata("required", 1), metadata("optional", 1), High);
    one_way::<LaunchTemplate>("metadata", metadata("required", 1), metadata("required", 2), High);
    both_ways::<Instance>("security_group_ids", json!(["sg-1"]), json!(["sg-2"]), High);
    both_ways::<crate::ec2::VpcEndpoint>("policy", json!("{}"), json!("{\"a\":1}"), High);
    one_way::<crate::elbv2::LoadBalancer>("deletion_protection", json!(true), json!(false), High);
    both_ways::<crate::elbv2::Listener>("ssl_policy", json!("a"), json!("b"), High);
    both_ways::<crate::route53::Record>("values", json!(["1.2.3.4"]), json!(["4.3.2.1"]), High);
}

#[test]
fn databases() {
    use crate::rds::Instance as R;
    one_way::<R>("publicly_accessible", json!(false), json!(true), Critical);
    one_way::<R>("deletion_protection", json!(true), json!(false), High);
    one_way::<R>("multi_az", json!(true), json!(false), High);
    one_way::<R>("encrypted", json!(true), json!(false), High);
    one_way::<R>("backup_retention", json!(14), json!(7), High);
    one_way::<R>("backup_retention", json!(14), json!(0), Critical);
    one_way::<R>("iam_authentication", json!(true), json!(false), Medium);
    one_way::<R>("log_exports", json!(["postgresql", "upgrade"]), json!(["upgrade"]), High);
    both_ways::<R>("security_groups", json!(["sg-1"]), json!([]), High);
    one_way::<crate::rds::AutomatedBackupReplication>("retention", json!(14), json!(7), High);
    assert_eq!(graded::<R>("class", json!("db.t4g.large"), json!("db.t4g.micro")), None);
}

#[test]
fn other_data() {
    use crate::{dynamodb::Table, secretsmanager::Secret, ssm::Parameter};
    one_way::<Table>("point_in_time_recovery", json!(true), json!(false), High);
    one_way::<Table>("deletion_protection", json!(true), json!(false), High);
    one_way::<Table>("kms_key", json!("arn:aws:kms:eu-west-1:1:key/a"), json!(null), High);
    one_way::<Secret>("kms_key", json!("a"), json!(null), High);
    both_ways::<Parameter>("value", json!("a"), json!("b"), High);
    assert_eq!(graded::<Parameter>("description", json!("a"), json!("b")), None);
}

#[test]
fn permissions() {
    use crate::iam::{Policy, Role, RolePolicy, User};
    let allow = |action: &str, resource: &str| {
        let statement = json!({"Effect": "Allow", "Action": [action], "Resource": resource});
        json!(json!({"Version": "2012-10-17", "Statement": statement}).to_string())
    };
    let (some, admin) = (allow("s3:GetObject", "arn:aws:s3:::a/*"), allow("*", "*"));
    for grade in [graded::<RolePolicy>, graded::<Policy>] {
        assert_eq!(grade("policy", some.clone(), admin.clone()), Some(Critical));
        assert_eq!(grade("policy", admin.clone(), some.clone()), Some(High));
        assert_eq!(grade("policy", some.clone(), allow("s3:*", "*")), Some(High));
        assert_eq!(grade("policy", some.clone(), allow("IAM:*", "*")), Some(Critical));
        let role = "arn:aws:iam::1:role/a";
        assert_eq!(grade("policy", some.clone(), allow("iam:*", role)), Some(High));
        for but in [
            json!({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),
            json!({"Effect": "Allow", "Action": "*", "NotResource": role}),
        ] {
            let all_but = json!(json!({"Statement": [but]}).to_string());
            assert_eq!(grade("policy", some.clone(), all_but), Some(Critical));
        }
        let denied = json!({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"});
        let denied = json!(json!({"Statement": denied}).to_string());
        assert_eq!(grade("policy", some.clone(), denied), Some(High));
    }
    let trust = |principal: Json, condition: Json| {
        let mut statement =
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal});
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        json!(json!({"Statement": [statement]}).to_string())
    };
    let field = "assume_role_policy";
    let service = trust(json!({"Service": "ec2.amazonaws.com"}), Json::Null);
    let anybody = trust(json!({"AWS": "*"}), Json::Null);
    let some = trust(json!("*"), json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}));
    assert_eq!(graded::<Role>(field, service.clone(), anybody), Some(Critical));
    assert_eq!(graded::<Role>(field, service, some), Some(High));
    let boundary = json!("arn:aws:iam::1:policy/b");
    one_way::<Role>("permissions_boundary", boundary, json!(null), High);
    assert_eq!(graded::<Role>("max_session_duration", json!(3600), json!(7200)), None);
    let arns = |name: &str| json!([format!("arn:aws:iam::aws:policy/{name}")]);
    let (read, all) = (arns("ReadOnlyAccess"), arns("AdministratorAccess"));
    assert_eq!(graded::<User>("policies", read.clone(), all.clone()), Some(Critical));
    assert_eq!(graded::<User>("policies", read.clone(), arns("IAMFullAccess")), Some(Critical));
    assert_eq!(graded::<User>("policies", all, read), Some(High));
}

#[test]
fn keys() {
    use crate::kms::{Key, ReplicaKey};
    one_way::<Key>("enabled", json!(true), json!(false), Critical);
    one_way::<ReplicaKey>("enabled", json!(true), json!(false), Critical);
    both_ways::<Key>("policy", json!("{}"), json!("{\"a\":1}"), Critical);
    one_way::<Key>("rotation", json!(true), json!(false), High);
    assert_eq!(grade::<Key>(What::Broken, None, None, None), Some(Critical));
    assert_eq!(grade::<Key>(What::Deleted, None, None, None), None);
}

#[test]
fn what_is_kept() {
    use crate::{cloudwatch::Alarm, ecr::Repository, logs::LogGroup, s3::Bucket, sns::Topic};
    let block = |on: bool| {
        json!({"block_public_acls": true, "ignore_public_acls": true,
               "block_public_policy": on, "restrict_public_buckets": true})
    };
    one_way::<Bucket>("public_access_block", block(true), block(false), Critical);
    one_way::<Bucket>("versioning", json!(true), json!(false), High);
    let key = json!({"kms": "arn:aws:kms:eu-west-1:1:key/a"});
    one_way::<Bucket>("encryption", key, json!("s3"), High);
    let policy = |principal: Json| {
        let statement =
            json!({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject"});
        json!(json!({"Statement": [statement]}).to_string())
    };
    let (own, all) = (policy(json!({"AWS": "arn:aws:iam::1:root"})), policy(json!("*")));
    assert_eq!(graded::<Bucket>("policy", own.clone(), all.clone()), Some(Critical));
    assert_eq!(graded::<Bucket>("policy", all, own), Some(High));
    one_way::<LogGroup>("retention_days", json!(90), json!(7), High);
    one_way::<LogGroup>("retention_days", json!(null), json!(7), High);
    one_way::<LogGroup>("deletion_protection", json!(true), json!(false), High);
    one_way::<Topic>("kms_key", json!("a"), json!(null), High);
    both_ways::<Topic>("policy", json!("{}"), json!("{\"a\":1}"), High);
    one_way::<Repository>("scan_on_push", json!(true), json!(false), Medium);
    both_ways::<Repository>("policy", json!("{}"), json!("{\"a\":1}"), High);
    one_way::<Alarm>("actions_enabled", json!(true), json!(false), High);
    one_way::<Alarm>("alarm_actions", json!(["arn:aws:sns:eu-west-1:1:a"]), json!([]), High);
    assert_eq!(graded::<Alarm>("threshold", json!(1.0), json!(2.0)), None);
}

#[test]
fn clusters() {
    use crate::eks::{AccessEntry, Cluster, NodeGroup};
    one_way::<Cluster>("public_access", json!(false), json!(true), High);
    let (office, all) = (json!(["203.0.113.0/24"]), json!(["0.0.0.0/0"]));
    assert_eq!(graded::<Cluster>("public_cidrs", office.clone(), all.clone()), Some(Critical));
    let more = json!(["203.0.113.0/24", "198.51.100.0/24"]);
    one_way::<Cluster>("public_cidrs", office, more, High);
    one_way::<Cluster>("logs", json!(["api", "audit"]), json!(["api"]), High);
    one_way::<Cluster>("deletion_protection", json!(true), json!(false), High);
    let scaling = |n: i32| json!({"min": n, "max": n, "desired": n});
    both_ways::<NodeGroup>("scaling", scaling(2), scaling(3), Medium);
    both_ways::<AccessEntry>("groups", json!(["a"]), json!([]), High);
}

#[test]
fn names_say_whose_rule_it_is() {
    let rules = rules();
    assert!(rules.len() > 40);
    assert!(rules.iter().all(|rule| rule.name().starts_with("aws:")));
}
