//! The guardrails of AWS, over whole programs on the embedded one: what they stop, with the line, and what passes.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{path::PathBuf, sync::Arc};

use infra_aws::{
    cidr, dynamodb,
    ec2::{self, Direction, Ports, Source},
    ecr, eks,
    embedded::{Cloud, Settings as Embedded},
    guardrails, iam, kms, logs,
    policy::{Document, Principal, Statement},
    rds::{self, Engine, gib},
    s3, sns, ssm,
};
use infra_core::{
    App, ErrorKind,
    command::{self, Confirmed, PreviewOptions, UpOptions},
    config::Settings,
    plan::{Plan, PlanOptions},
    policy::{Enforcement, Pack, Violation},
    prelude::*,
    testing::TestStack,
};
use infra_kubernetes::embedded::{Kubernetes, Settings as Clusters};

fn app(cloud: &Cloud) -> App {
    App::new("shop").cloud("simulated", infra_aws::simulated_in(cloud.clone()))
}

fn stack() -> TestStack {
    TestStack::of(app(&Cloud::memory(Embedded::default())))
}

/// What stops a plan: policy and name.
fn stops(plan: &Plan) -> Vec<(&str, &str)> {
    let stops = plan.violations.iter().filter(|violation| violation.stops());
    stops.map(|it| (&*it.policy, it.urn.as_ref().unwrap().name())).collect()
}

/// What is advised: policy and name.
fn advice(plan: &Plan) -> Vec<(&str, &str)> {
    let advice = plan.violations.iter().filter(|it| it.enforcement == Enforcement::Advisory);
    advice.map(|it| (&*it.policy, it.urn.as_ref().unwrap().name())).collect()
}

fn of<'p>(plan: &'p Plan, policy: &str) -> &'p Violation {
    plan.violations.iter().find(|violation| violation.policy == policy).unwrap()
}

fn database(public: bool) -> rds::InstanceDecl {
    rds::Instance::new(Engine::postgres("17"), "db.t4g.micro", gib(20))
        .username("shop")
        .manage_master_password(true)
        .publicly_accessible(public)
        .skip_final_snapshot(true)
}

/// A network with a subnet in each of two zones.
fn subnets(stack: &mut Stack) -> Vec<Handle<ec2::Subnet>> {
    let zones = stack.lookup("zones", ec2::AvailabilityZones::new());
    let vpc = stack.add("vpc", ec2::Vpc::new(cidr!("10.0.0.0/16")));
    let blocks = [cidr!("10.0.0.0/24"), cidr!("10.0.1.0/24")];
    let subnet = |(at, block)| {
        let subnet = ec2::Subnet::new(&vpc.id, block, zones.names.index(at));
        stack.add(format!("subnet-{at}"), subnet)
    };
    blocks.into_iter().enumerate().map(subnet).collect()
}

const DATABASE: u32 = line!() + 6;

fn with_database(stack: &mut Stack) -> Result<()> {
    let subnets = subnets(stack);
    let group = rds::SubnetGroup::new().subnets(subnets.iter().map(|subnet| &subnet.id));
    let group = stack.add("group", group);
    stack.add("db", database(false).subnet_group(&group.name));
    Ok(())
}

fn at(file_line: u32) -> String {
    format!("tests/policies.rs:{file_line}")
}

#[tokio::test]
async fn a_public_database_is_stopped_with_its_line() {
    let stack = stack();
    let line = line!() + 2;
    let program = |stack: &mut Stack| {
        stack.add("db", database(true));
        Ok(())
    };
    let plan = stack.plan(program).await.unwrap();
    assert_eq!(stops(&plan), [("aws:public-database", "db")]);
    let found = of(&plan, "aws:public-database");
    assert_eq!(found.path.as_ref().unwrap().to_string(), "publicly_accessible");
    assert!(found.at.as_ref().unwrap().ends_with(&at(line)), "{found:?}");
    let refused = stack.up(program).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert!(refused.to_string().contains(&at(line)), "{refused}");
}

#[tokio::test]
async fn an_open_ssh_rule_is_stopped_unless_it_says_why() {
    let declared = |reason: Option<&'static str>, ports: Ports| {
        move |stack: &mut Stack| {
            let vpc = stack.add("vpc", ec2::Vpc::new(cidr!("10.0.0.0/16")));
            let group = stack.add("group", ec2::SecurityGroup::new(&vpc.id, "a host"));
            let rule = ec2::SecurityGroupRule::new(
                &group.id,
                Direction::Ingress,
                Source::Cidr(cidr!("0.0.0.0/0")),
                ports.clone(),
            );
            match reason {
                None => stack.add("in", rule),
                Some(reason) => stack.add("in", rule.allow("aws:open-group", reason)),
            };
            Ok(())
        }
    };
    let stack = stack();
    for ports in [Ports::Tcp(22), Ports::All, Ports::TcpRange { from: 0, to: 4000 }] {
        let plan = stack.plan(declared(None, ports.clone())).await.unwrap();
        assert_eq!(stops(&plan), [("aws:open-group", "in")], "{ports:?}");
        assert!(of(&plan, "aws:open-group").at.as_ref().unwrap().contains("tests/policies.rs:"));
    }
    let web = stack.plan(declared(None, Ports::Tcp(443))).await.unwrap();
    assert_eq!(stops(&web), []);
    let said = declared(Some("a honeypot"), Ports::Tcp(22));
    let plan = stack.plan(said.clone()).await.unwrap();
    assert_eq!(stops(&plan), []);
    assert_eq!(of(&plan, "aws:open-group").allowed.as_deref(), Some("a honeypot"));
    stack.up(said).await.unwrap();
}

#[tokio::test]
async fn a_deleted_database_is_stopped_with_the_line_where_it_was() {
    let stack = stack();
    stack.up(with_database).await.unwrap();
    let gone = |stack: &mut Stack| {
        let subnets = subnets(stack);
        let group = rds::SubnetGroup::new().subnets(subnets.iter().map(|subnet| &subnet.id));
        stack.add("group", group);
        Ok(())
    };
    let plan = stack.plan(gone).await.unwrap();
    assert_eq!(stops(&plan), [("aws:data-loss", "db")]);
    let found = of(&plan, "aws:data-loss");
    assert!(found.at.as_ref().unwrap().ends_with(&at(DATABASE)), "{found:?}");
    assert!(found.message.contains("--allow-data-loss aws:rds:Instance::db"), "{found:?}");
    let refused = stack.up(gone).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);

    let engine = stack.engine(gone).await.unwrap();
    let allow_data_loss = [found.urn.clone().unwrap()].into();
    let plan = PlanOptions { allow_data_loss, ..PlanOptions::default() };
    let preview = command::preview(&engine, &PreviewOptions { plan: plan.clone() }).await.unwrap();
    assert_eq!(stops(&preview.plan), []);
    let options = UpOptions { plan, ..UpOptions::default() };
    command::up(&engine, &options, &Confirmed).await.unwrap();
}

/// One violation of every advisory policy that is not for production alone.
fn careless(stack: &mut Stack) -> Result<()> {
    stack.add("db", database(false).backup_retention(1).encrypted(false));
    stack.add("table", dynamodb::Table::new(dynamodb::Attribute::text("id")));
    stack.add("topic", sns::Topic::new());
    stack.add("key", kms::Key::new());
    let subnets = subnets(stack);
    stack.add("token", ssm::Parameter::new("/shop/api-token", "x"));
    let everything = Statement::allow().actions(["*"]).all_resources();
    stack.add("all", iam::Policy::new(Document::new().statement(everything)));
    let optional =
        ec2::MetadataOptions { http_tokens: ec2::HttpTokens::Optional, ..Default::default() };
    stack.add("hosts", ec2::LaunchTemplate::new().metadata(optional));
    let role = stack.add("role", iam::Role::for_service("eks.amazonaws.com"));
    let eks = eks::Cluster::new(&role.arn, "1.35").subnets(subnets.iter().map(|it| &it.id));
    stack.add("eks", eks.public_access(true));
    Ok(())
}

#[tokio::test]
async fn advice_is_given_and_stops_nothing() {
    let stack = stack();
    let plan = stack.plan(careless).await.unwrap();
    assert_eq!(stops(&plan), []);
    let expected = [
        ("aws:admin-policy", "all"),
        ("aws:flow-logs", "vpc"),
        ("aws:imdsv2", "hosts"),
        ("aws:key-rotation", "key"),
        ("aws:plain-secret", "token"),
        ("aws:public-cluster", "eks"),
        ("aws:short-backups", "table"),
        ("aws:short-backups", "db"),
        ("aws:unencrypted", "db"),
        ("aws:unencrypted", "topic"),
    ];
    assert_eq!(advice(&plan), expected);
}

#[tokio::test]
async fn what_is_only_for_production_is_asked_only_there() {
    let program = |stack: &mut Stack| {
        stack.add("db", database(false));
        stack.add("logs", logs::LogGroup::new());
        stack.add("images", ecr::Repository::new());
        Ok(())
    };
    assert_eq!(advice(&stack().plan(program).await.unwrap()), []);
    let folder = tempfile::tempdir().unwrap();
    let mut settings =
        Settings::new("prod").state(format!("file:{}", folder.path().join("s").display()));
    settings.key = Some(format!("file:{}", folder.path().join("key").display()));
    settings.directory = folder.path().to_owned();
    let app = app(&Cloud::memory(Embedded::default()));
    let engine = app.engine(&settings, program).await.unwrap();
    let preview = command::preview(&engine, &PreviewOptions::default()).await.unwrap();
    let expected = [
        ("aws:deletion-protection", "db"),
        ("aws:own-key", "images"),
        ("aws:own-key", "logs"),
        ("aws:own-key", "db"),
        ("aws:single-zone", "db"),
    ];
    assert_eq!(advice(&preview.plan), expected);
}

#[tokio::test]
async fn public_buckets_and_policies_are_stopped() {
    let program = |stack: &mut Stack| {
        let block =
            s3::PublicAccessBlock { block_public_policy: false, ..s3::PublicAccessBlock::ALL };
        stack.add("site", s3::Bucket::new().public_access_block(block));
        let everybody = Principal::anyone();
        let open = Statement::allow().actions(["sns:Publish"]).principal(everybody).all_resources();
        stack.add("topic", sns::Topic::new().policy(Document::new().statement(open)));
        Ok(())
    };
    let plan = stack().plan(program).await.unwrap();
    assert_eq!(stops(&plan), [("aws:public-bucket", "site"), ("aws:public-policy", "topic")]);
}

#[tokio::test]
async fn a_flow_log_is_seen_before_and_after_its_network_is_made() {
    let program = |stack: &mut Stack| {
        let vpc = stack.add("vpc", ec2::Vpc::new(cidr!("10.0.0.0/16")));
        let bucket = stack.add("flows", s3::Bucket::new().force_destroy(true));
        let to = ec2::FlowLogDestination::bucket(&bucket.arn);
        stack.add("flows", ec2::FlowLog::new(ec2::FlowLogSource::vpc(&vpc.id), to));
        Ok(())
    };
    let stack = stack();
    assert_eq!(advice(&stack.plan(program).await.unwrap()), []);
    stack.up(program).await.unwrap();
    assert_eq!(advice(&stack.plan(program).await.unwrap()), []);
}

#[tokio::test]
async fn a_program_can_have_other_policies() {
    let open = |stack: &mut Stack| {
        stack.add("db", database(true));
        Ok(())
    };
    let cloud = Cloud::memory(Embedded::default());
    let plan = TestStack::of(app(&cloud).without_policy("aws:public-database")).plan(open).await;
    assert_eq!(stops(&plan.unwrap()), []);
    let pack = Pack::new(guardrails::all()).set("aws:public-database", None).unwrap();
    assert_eq!(stops(&TestStack::of(app(&cloud).policies(pack)).plan(open).await.unwrap()), []);
    let wrong = TestStack::of(app(&cloud).without_policy("aws:public-databse")).plan(open).await;
    let wrong = wrong.unwrap_err().to_string();
    assert!(wrong.contains("did you mean `aws:public-database`?"), "{wrong}");
}

/// The examples are held to what everybody is held to.
#[tokio::test(flavor = "multi_thread")]
async fn the_flagship_violates_nothing() {
    for name in ["dev", "prod"] {
        let folder = tempfile::tempdir().unwrap();
        let app = App::new("qledger-ha")
            .cloud("simulated", infra_aws::simulated_in(Cloud::memory(Embedded::default())))
            .cloud("aws", infra_aws::aws())
            .cloud(
                "simulated",
                infra_kubernetes::simulated_in(Kubernetes::memory(Clusters::default())),
            );
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/qledger-ha.toml");
        let mut settings = app.settings(name, Some(file), folder.path(), &[]).unwrap();
        settings.cloud = Some("simulated".to_owned());
        settings.state = Some(format!("file:{}", folder.path().join("state").display()));
        settings.key = Some(format!("file:{}", folder.path().join("key").display()));
        folder.path().clone_into(&mut settings.directory);
        let engine = app.engine(&settings, infra_examples::qledger::whole).await.unwrap();
        let preview = command::preview(&engine, &PreviewOptions::default()).await.unwrap();
        let plan: Arc<Plan> = preview.plan;
        let silent = plan.violations.iter().filter(|violation| violation.allowed.is_none());
        assert_eq!(silent.collect::<Vec<_>>(), Vec::<&Violation>::new(), "{name}");
    }
}
